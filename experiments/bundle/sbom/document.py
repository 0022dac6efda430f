"""The bill of materials of a bundle in CycloneDX 1.6 (ECMA-424), as JSON.

cyclonedx-python-lib knows no model cards and no data sets, which are what a model's bill is about, so the document is
built here; tests hold it against the schema that the library brings. It has no time and no random number.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from urllib.parse import quote

from data_schemas.fields import Role
from experiments.bundle.opened import OpenedBundle
from features.encoders.source_files import EMBEDDED, EMBEDDED_SHA256
from fusion.bundle import TUNED
from fusion.bundle_folder import MANIFEST

Json = dict[str, object]

MODEL, ENCODER, DATA = "model", "text-encoder", "training-data"
EMBEDDED_NAME, EMBEDDED_LICENCE = "sentence-transformers/all-MiniLM-L6-v2", "Apache-2.0"
PERSONAL = {
    "population.safetensors": "columns, outcomes and contributions of the training applicants, without ids and texts",
    "rows.safetensors": "fingerprints of the training rows",
}
"""Files that say something of single applicants."""


def bill_of_materials(opened: OpenedBundle, encoder_licence: str | None = None) -> str:
    """The document as JSON text; equal bundles give equal text.

    encoder_licence: SPDX identifier of the text encoder's licence; None: that of the embedded encoder, where it is it.
    """
    packages = list(_packages(opened))
    encoder = [_encoder(opened, encoder_licence)] if opened.schema.narratives else []
    parts = [*encoder, _training_data(opened), *packages]
    references = [str(part["bom-ref"]) for part in parts]
    digest = opened.manifest.digests[MANIFEST]
    document: Json = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'urn:sha256:{digest}')}",
        "version": 1,
        "metadata": {"component": _model(opened, digest)},
        "components": parts,
        "dependencies": [{"ref": MODEL, "dependsOn": references}, *({"ref": one} for one in references)],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _model(opened: OpenedBundle, digest: str) -> Json:
    return {
        "type": "machine-learning-model",
        "bom-ref": MODEL,
        "name": opened.schema.name,
        "version": opened.manifest.model_id,
        "description": f"Probability of default: {opened.schema.title}",
        "hashes": [_sha256(digest)],
        "components": [_file(name, own) for name, own in sorted(opened.manifest.digests.items())],
        "modelCard": _model_card(opened),
    }


def _file(name: str, digest: str) -> Json:
    file: Json = {"type": "file", "bom-ref": f"file:{name}", "name": name, "hashes": [_sha256(digest)]}
    if name in PERSONAL:
        file["description"] = PERSONAL[name]
        file["properties"] = _properties({"personal_data": "yes"})
    return file


def _model_card(opened: OpenedBundle) -> Json:
    provenance, schema = opened.manifest.provenance, opened.schema
    first, last = provenance.window or ("", "")
    inputs = [*((field.name, field.type.value) for field in schema.features)]
    inputs += [(field.name, "text") for field in schema.narratives]
    unseen = [field.name for field in schema.fields_of(Role.PROTECTED)]
    return {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": "probability of default of credit applications",
            "architectureFamily": "additive logistic head and gradient-boosted trees, blended in log-odds",
            "modelArchitecture": "creditfusion",
            "datasets": [{"ref": DATA}],
            "inputs": [{"format": f"{name}: {kind}"} for name, kind in inputs],
            "outputs": [{"format": one} for one in ("pd: number from 0 to 1", "score: points", "decision: text")],
        },
        "quantitativeAnalysis": {"performanceMetrics": list(_metrics(provenance.figures))},
        "considerations": {
            "users": ["credit underwriters and the validators of their models"],
            "useCases": ["scoring of credit applications that keep the data contract"],
            "fairnessAssessments": [
                {"groupAtRisk": name, "mitigationStrategy": "The column never enters the model."} for name in unseen
            ],
        },
        "properties": _properties(
            {
                "bundle_format": opened.manifest.format_version,
                "config_digest": provenance.config_digest,
                "decisions_from": first,
                "decisions_until": last,
                "schema_digest": provenance.schema_digest,
                "seed": provenance.seed,
                "training_rows": provenance.n_rows,
                "training_rows_bad": provenance.n_bad,
            }
        ),
    }


def _metrics(figures: dict[str, float | None]) -> Iterator[Json]:
    for name, value in figures.items():
        if value is not None:
            rows, _, metric = name.rpartition(": ")
            yield {"type": metric, "value": str(value), **({"slice": rows} if rows else {})}


def _encoder(opened: OpenedBundle, licence: str | None) -> Json:
    source = opened.config.encoder.source
    embedded, tuned = source == EMBEDDED, TUNED in opened.manifest.files
    licence = licence or (EMBEDDED_LICENCE if embedded else None)
    digest = opened.manifest.provenance.encoder_digest
    encoder: Json = {
        "type": "machine-learning-model",
        "bom-ref": ENCODER,
        "name": EMBEDDED_NAME if embedded else _public_name(source),
        "properties": _properties({"encoder_digest": digest, "tuned_tensors": TUNED if tuned else "none"}),
    }
    if embedded:
        encoder["hashes"] = [_sha256(EMBEDDED_SHA256)]
    if licence:
        encoder["licenses"] = [{"expression": licence}]
    return encoder


def _public_name(source: str) -> str:
    """A hub id as it is; of a folder the last part, for the rest of a path says something of a machine."""
    is_hub_id = "@" in source and source.count("/") == 1 and not source.startswith((".", "/", "~"))
    return source if is_hub_id else source.rstrip("/").rpartition("/")[2]


def _training_data(opened: OpenedBundle) -> Json:
    provenance = opened.manifest.provenance
    texts = [f"narratives: {field.name}" for field in opened.schema.narratives]
    described = f"{provenance.n_rows:,} decided applications, {provenance.n_bad:,} of them bad"
    if provenance.window:
        described += f", decided {provenance.window[0]} to {provenance.window[1]}"
    dataset: Json = {
        "type": "dataset",
        "name": opened.schema.name,
        "classification": "personal data",
        "sensitiveData": ["financial circumstances of applicants", *texts],
        "description": described,
    }
    return {
        "type": "data",
        "bom-ref": DATA,
        "name": f"{opened.schema.name} training data",
        "description": "Not part of the bundle; named by the sha256 of its files' bytes.",
        "hashes": [_sha256(provenance.data_digest)],
        "data": [dataset],
    }


def _packages(opened: OpenedBundle) -> Iterator[Json]:
    """Python and the packages whose versions the manifest records."""
    for name, version in sorted(opened.manifest.provenance.versions.items()):
        is_package = name != "python"
        url = f"pkg:{'pypi' if is_package else 'generic'}/{name}@{quote(version, safe='')}"
        yield {
            "type": "library" if is_package else "platform",
            "bom-ref": url,
            "name": name,
            "version": version,
            "purl": url,
        }


def _sha256(digest: str) -> Json:
    return {"alg": "SHA-256", "content": digest}


def _properties(values: dict[str, object]) -> list[Json]:
    return [{"name": f"creditfusion:{name}", "value": str(value)} for name, value in values.items() if value != ""]
