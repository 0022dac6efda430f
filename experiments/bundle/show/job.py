"""What a verified bundle holds, as a summary."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from experiments.bundle.opened import open_bundle
from experiments.reporting.policies import policy_json, policy_words
from experiments.session.summary import Summary
from fusion.bundle import TUNED, kept_policy
from fusion.signatures import SignatureNote, signature_note


def summaries(path: Path) -> tuple[Summary, Summary]:
    """What the bundle is, for machines and for people; raises ContractError for one that is damaged."""
    opened = open_bundle(path)
    manifest, provenance, note = opened.manifest, opened.manifest.provenance, signature_note(path)
    policy = kept_policy(opened.contents, opened.schema, path)
    found: dict[str, object] = {
        "bundle": path,
        "model_id": manifest.model_id,
        "format_version": manifest.format_version,
        "schema": opened.schema.name,
        "title": opened.schema.title,
        "columns": [field.name for field in opened.schema.features],
        "narratives": [field.name for field in opened.schema.narratives],
        "sources": [source.name for source in opened.schema.sources],
        "max_pd": opened.config.decision.max_pd,
        "policy": policy_json(policy),
        "files": len(manifest.digests),
        "bytes": sum(len(content) for content in opened.contents.values()),
        "training": {
            "window": provenance.window,
            "rows": provenance.n_rows,
            "bad": provenance.n_bad,
            "seed": provenance.seed,
        },
        "encoder": {"source": opened.config.encoder.source, "tuned": TUNED in manifest.files},
        "figures": provenance.figures,
        "versions": provenance.versions,
        "digests": {
            "schema": provenance.schema_digest,
            "settings": provenance.config_digest,
            "data": provenance.data_digest,
            "encoder": provenance.encoder_digest,
        },
    }
    machines = None if note is None else {"kind": note.kind, "key_hint": note.key_hint}
    ruled = "none: max_pd decides" if policy is None else f"{policy_words(policy)} ({policy.digest[:12]})"
    people = {"policy": ruled, "signature": _stated(note), "figures": _by_rows(provenance.figures)}
    return {**found, "signature": machines}, {**found, **people}


def _by_rows(figures: Mapping[str, float | None]) -> dict[str, dict[str, float | None]]:
    """The figures by the rows that they were measured on."""
    found: dict[str, dict[str, float | None]] = {}
    for name, value in figures.items():
        rows, _, figure = name.rpartition(": ")
        found.setdefault(rows, {})[figure] = value
    return found


def _stated(note: SignatureNote | None) -> str:
    if note is None:
        return "none"
    return f"{f'by key {note.key_hint[:12]}' if note.kind == 'key' else 'keyless'}, not checked here"
