"""The bundle: a trained model as a folder of plain files, verified byte by byte before any of them is parsed.

Layout of format version 9:

    manifest.json           what the bundle is; sha256 of every other file
    manifest.sha256         sha256 of manifest.json
    schema.json             the data contract, as it was read
    config.json             the resolved settings
    tabular.json            the fitted tabular encoder
    columns.json            what each input was like over the training rows, in counts
    calibration.json, basis.safetensors, components.safetensors, heads/, stacker/   the model (``fusion.model.files``)
    population.safetensors  the training applicants' columns, outcomes, contributions and how far their narratives lie
                            from the mean one, without ids and narratives
    reference.safetensors   what the training narratives were like, in aggregates, for drift
    rows.safetensors        fingerprints of the rows that the model learned from
    encoder/probes.safetensors  vectors of fixed texts, against which an encoder is checked; absent where none was read
    encoder/tuned.safetensors   tensors that take the place of the text encoder's; only where it was tuned
    policy.json             the credit policy that decides where no other is given; only where training was given one
    card.md                 the model card

Beside them may lie model.sig, a signature of all the others (``fusion.signatures``).

There is no pickle in it. It may be moved: the one path in it is that of a text encoder's folder, in config.json, and
scoring can be told another. It is written beside its final name and renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.reader import parse_schema
from features.arrays import Flags, Floats32
from features.atomic_files import new_folder
from features.batches.column_counts import ColumnProfile, Profiles
from features.design import TabularBlock
from features.tables.applications import Applications
from features.tabular import TabularEncoder
from fusion.bundle_folder import MANIFEST, MANIFEST_DIGEST, check_place
from fusion.config import Config
from fusion.config_file import parse_config
from fusion.explain.attribution import Explainer
from fusion.explain.population import Population
from fusion.model.files import MODEL_FILES, json_bytes, model_files, model_of
from fusion.model.fusion_model import FusionModel
from fusion.policy.policy import Policy, deciding_policy, encoded_cutoffs
from fusion.policy.policy_file import parse_policy
from fusion.signatures import SIGNATURE, Signer, check_signature, demanded_signer
from fusion.validation.text_drift import Reference
from fusion.validation.training_rows import TrainingRows

FORMAT_VERSION = 9
NEEDED = (
    "schema.json",
    "config.json",
    "tabular.json",
    "columns.json",
    "population.safetensors",
    "reference.safetensors",
    "rows.safetensors",
    *MODEL_FILES,
)
TUNED = "encoder/tuned.safetensors"
PROBES = "encoder/probes.safetensors"
POLICY = "policy.json"
COPY_AGAIN = "Copy the bundle again from where it was made."
_PROFILES = TypeAdapter(dict[str, ColumnProfile])


class Provenance(BaseModel):
    """Where a model comes from: digests of what went in, the window it learned from, and its headline figures.

    data_digest: sha256 over the training files' bytes. window: first and last decision date of the training rows
    (None without a date column). figures: headline figures by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_digest: str
    config_digest: str
    data_digest: str
    encoder_digest: str
    versions: dict[str, str]
    seed: int
    window: tuple[str, str] | None
    n_rows: int
    n_bad: int
    figures: dict[str, float | None]


class Manifest(BaseModel):
    """The bundle's own table of contents."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int
    files: dict[str, str]
    provenance: Provenance

    @property
    def model_id(self) -> str:
        """Twelve hex digits that name this model: equal contents, equal name."""
        return hashlib.sha256(self.to_bytes()).hexdigest()[:12]

    @property
    def digests(self) -> dict[str, str]:
        """sha256 of every file of the bundle by its name, the manifest's own two included."""
        own = hashlib.sha256(self.to_bytes()).hexdigest()
        beside = hashlib.sha256(f"{own}\n".encode()).hexdigest()
        return {**self.files, MANIFEST: own, MANIFEST_DIGEST: beside}

    def to_bytes(self) -> bytes:
        """The manifest as it stands on disk."""
        return json_bytes(self.model_dump())


Tensors = Mapping[str, Floats32]
UNTUNED: Tensors = {}


@dataclass(frozen=True)
class Trained:
    """What training gave and a bundle holds.

    Attributes:
        model: the fused model.
        config: settings, resolved.
        tabular: the encoder of the columns.
        population: the training applicants, for explanations.
        reference: what their narratives were like, for drift.
        rows: fingerprints of the rows learned from.
        tuned: float32 tensors in the place of the text encoder's, by name; empty where it was not tuned.
        probes: float32 (n_probes, dim), the encoder's vectors of ``features.encoders.parity.PROBES`` in fp32; None
            where it read no text.
        profiles: what each input was like over the rows learned from, for warnings of batches unlike them.
        policy: what decides where no other policy is given; None: the model's own cut-off.
    """

    model: FusionModel
    config: Config
    tabular: TabularEncoder
    population: Population
    reference: Reference
    rows: TrainingRows
    tuned: Tensors = field(default_factory=dict)
    probes: Floats32 | None = None
    profiles: Profiles = field(default_factory=dict)
    policy: Policy | None = None


@dataclass(frozen=True, eq=False)
class Bundle:
    """A loaded bundle: what ``Trained`` holds, with its schema and manifest.

    Attributes:
        name: of the folder it was loaded from; "" where it comes from none.
    """

    model: FusionModel
    schema: Schema
    config: Config
    tabular: TabularEncoder
    population: Population
    reference: Reference
    rows: TrainingRows
    manifest: Manifest
    tuned: Tensors = field(default_factory=dict)
    probes: Floats32 | None = None
    profiles: Profiles = field(default_factory=dict)
    policy: Policy | None = None
    name: str = ""

    def deciding_policy(self, given: Policy | None = None) -> Policy:
        """What decides: the policy that is given, else the bundle's own, else the model's cut-off."""
        return deciding_policy(given, self.policy, self.config)

    def background(self, given: Policy | None = None) -> TabularBlock:
        """The rows that explanations draw absent columns from, where this policy decides, or else the bundle's."""
        cutoffs = encoded_cutoffs(self.deciding_policy(given), self.population.columns, self.tabular)
        return self.population.background(self.config.explain, cutoffs)

    def explainer(self, given: Policy | None = None) -> Explainer:
        """What explains this model's margins, against ``background``; takes a second."""
        return Explainer.of(self.model, self.background(given))

    def learned_from(self, applications: Applications) -> Flags | None:
        """bool (n,): which of these rows the model learned from; None where it cannot recognise its own."""
        return self.rows.among(applications, self.manifest.provenance.data_digest) if self.rows.known else None


def config_digest(config: Config) -> str:
    """sha256 of the resolved settings."""
    return hashlib.sha256(json_bytes(config.model_dump())).hexdigest()


def _policy_json(policy: Policy) -> bytes:
    return json_bytes(policy.model_dump(mode="json", exclude_none=True))


def save(
    path: Path,
    trained: Trained,
    provenance: Provenance,
    card: str,
) -> Manifest:
    """Write the bundle to the folder ``path``, which must not exist or hold an older bundle, and is replaced whole.

    Raises ContractError when ``path`` exists and is not a bundle.
    """
    check_place(path)
    files = {
        "schema.json": trained.tabular.schema.source.encode(),
        "config.json": json_bytes(trained.config.model_dump()),
        "tabular.json": json_bytes(trained.tabular.to_json()),
        "columns.json": json_bytes(_PROFILES.dump_python(dict(trained.profiles), mode="json")),
        "population.safetensors": save_tensors(trained.population.to_arrays()),
        "reference.safetensors": save_tensors(trained.reference.to_arrays()),
        "rows.safetensors": save_tensors(trained.rows.to_arrays()),
        "card.md": card.encode(),
        **model_files(trained.model),
        **({PROBES: save_tensors({"vectors": trained.probes})} if trained.probes is not None else {}),
        **({TUNED: save_tensors(dict(trained.tuned))} if trained.tuned else {}),
        **({POLICY: _policy_json(trained.policy)} if trained.policy else {}),
    }
    return _write_folder(path, files, provenance)


def write_again(
    path: Path, manifest: Manifest, config: Config, figures: Mapping[str, float], of_card: str, out: Path
) -> Manifest:
    """Write a bundle to another folder with other settings of its encoder, and every other file as it is.

    Args:
        path: The bundle.
        manifest: Its manifest, as it was verified when the settings were tried.
        config: The new settings.
        figures: What was measured with them, beside the figures of the training.
        of_card: What the card says of them, at its end.
        out: Replaced where it is a bundle.

    Raises ContractError as ``verify`` and ``save`` do, and where the bundle is another one by now.
    """
    check_place(out)
    found, contents = verify(path)
    if found != manifest:
        raise ContractError(f"bundle {path} was replaced meanwhile", "Run the same command again.")
    files = contents | {
        "config.json": json_bytes(config.model_dump()),
        "card.md": contents["card.md"] + of_card.encode(),
    }
    made = manifest.provenance
    as_read = {name: float(value) for name, value in figures.items()}  # a manifest has the same bytes when it is read
    changed = {"config_digest": config_digest(config), "figures": {**made.figures, **as_read}}
    return _write_folder(out, files, made.model_copy(update=changed))


def _write_folder(path: Path, files: dict[str, bytes], provenance: Provenance) -> Manifest:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    manifest = Manifest(format_version=FORMAT_VERSION, files=digests, provenance=provenance)
    files[MANIFEST] = manifest.to_bytes()
    files[MANIFEST_DIGEST] = (hashlib.sha256(files[MANIFEST]).hexdigest() + "\n").encode()
    with new_folder(path) as folder:
        for name, content in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
    return manifest


def verify(path: Path) -> tuple[Manifest, dict[str, bytes]]:
    """The manifest and every file's bytes, after each was checked against its digest; nothing is parsed before.

    Raises ContractError naming the file that is missing, changed or not listed, or a newer format version.
    """
    if not path.is_dir():
        raise ContractError(f"{path} is not a model bundle (no such folder)", "Give the folder that `train` wrote.")
    raw = _read(path, MANIFEST)
    if _read(path, MANIFEST_DIGEST) != (hashlib.sha256(raw).hexdigest() + "\n").encode():
        raise ContractError(f"{MANIFEST} of bundle {path} does not match {MANIFEST_DIGEST}", COPY_AGAIN)
    try:
        tree = json.loads(raw)
        version = int(tree["format_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise ContractError(f"{MANIFEST} of bundle {path} is not a manifest", COPY_AGAIN) from error
    if version < FORMAT_VERSION:
        raise ContractError(
            f"bundle {path} has format version {version}; this creditfusion reads {FORMAT_VERSION}",
            "Train the model again with this version.",
        )
    if version > FORMAT_VERSION:
        raise ContractError(
            f"bundle {path} has format version {version}; this creditfusion reads up to {FORMAT_VERSION}",
            "Update creditfusion, or train the model again with this version.",
        )
    try:
        manifest = Manifest.model_validate(tree)
    except ValidationError as error:
        raise ContractError(f"{MANIFEST} of bundle {path} is not a manifest", COPY_AGAIN) from error
    if lacking := [name for name in NEEDED if name not in manifest.files]:
        raise ContractError(f"{MANIFEST} of bundle {path} does not list {lacking[0]}", COPY_AGAIN)
    contents = {}
    for name, digest in manifest.files.items():
        contents[name] = _read(path, name)
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            raise ContractError(f"{name} of bundle {path} was changed after training (sha256 differs)", COPY_AGAIN)
    present = {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file() and not _of_system(file)}
    strangers = sorted(present - set(manifest.files) - {MANIFEST, MANIFEST_DIGEST, SIGNATURE})
    if strangers:
        raise ContractError(f"{strangers[0]} in bundle {path} is not listed in its manifest", "Remove the file.")
    return manifest, contents


def _of_system(file: Path) -> bool:
    """Whether a file manager left it there by itself."""
    return file.name in (".DS_Store", "Thumbs.db", "desktop.ini") or file.name.startswith("._")


def _read(path: Path, name: str) -> bytes:
    file = path / name
    if not file.resolve().is_relative_to(path.resolve()):
        raise ContractError(f"{MANIFEST} of bundle {path} names a file outside it ({name})", "Do not use this bundle.")
    try:
        return file.read_bytes()
    except OSError as error:
        raise ContractError(
            f"{name} of bundle {path} cannot be read ({error.strerror})",
            COPY_AGAIN,
        ) from error


def load(path: Path, signed_by: Signer | None = None) -> Bundle:
    """Verify and load a bundle; raises ContractError as ``verify`` does.

    signed_by: whose signature it must carry; None: what ``CREDITFUSION_SIGNED_BY`` demands, where it does.
    """
    manifest, contents = verify(path)
    signer = signed_by or demanded_signer()
    if signer is not None:
        check_signature(path, manifest.digests, signer)
    try:
        schema = parse_schema(contents["schema.json"].decode(), f"{path}/schema.json")
    except ContractError as error:
        raise ContractError(
            f"the schema of bundle {path} breaks a rule of schemas that this creditfusion has: {error.message}",
            "Mend the schema that the model was trained with, and train again.",
        ) from error
    config = parse_config(json.loads(contents["config.json"]), f"{path}/config.json")
    tabular = TabularEncoder.from_json(json.loads(contents["tabular.json"]), schema)
    model = model_of(contents, config.scale, tabular.sources)
    population = Population.from_arrays(load_tensors(contents["population.safetensors"]), tabular)
    names = tuple(field.name for field in schema.narratives)
    reference = Reference.from_arrays(load_tensors(contents["reference.safetensors"]), names)
    rows = TrainingRows.from_arrays(load_tensors(contents["rows.safetensors"]))
    tuned = load_tensors(contents[TUNED]) if TUNED in contents else UNTUNED
    probes = load_tensors(contents[PROBES])["vectors"] if PROBES in contents else None
    profiles = _PROFILES.validate_json(contents["columns.json"])
    kept, name = kept_policy(contents, schema, path), path.resolve().name
    described = (reference, rows, manifest)
    return Bundle(model, schema, config, tabular, population, *described, tuned, probes, profiles, kept, name)


def kept_policy(contents: Mapping[str, bytes], schema: Schema, path: Path) -> Policy | None:
    """The policy that a bundle keeps, whichever second models it names; None where it keeps none."""
    if POLICY not in contents:
        return None
    return parse_policy(json.loads(contents[POLICY]), schema, f"{path}/{POLICY}", seconds=None)
