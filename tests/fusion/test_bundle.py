"""The bundle: nothing damaged or foreign is loaded, nothing is lost, nothing else on the disk is touched."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import pickle
import pickletools
import re
import shutil
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_schemas.errors import ContractError
from features.design import TabularBlock
from features.tabular import TabularEncoder
from fusion import bundle
from fusion.bundle import FORMAT_VERSION, Bundle, Manifest, Provenance, load, save, verify
from fusion.bundle_folder import MANIFEST, MANIFEST_DIGEST
from fusion.config import Config, FoldConfig
from fusion.explain.population import Population
from fusion.model.fusion_model import FusionModel
from fusion.model.training import fit
from fusion.model.training_sample import Auxiliary
from fusion.policy.policy import Cutoffs, Economics, Policy, Refer, default_policy
from fusion.validation.text_drift import Reference, describe_texts
from fusion.validation.training_rows import TrainingRows
from tests.support.designs import SMALL, WITH_COMPONENTS, Shape, Trained, log_odds, make_design, outcome, sample_of
from tests.support.same_models import assert_same_model
from tests.support.small import small_schema

TABULAR = TabularEncoder(
    small_schema(), {"home": ("own", "rent"), "town": ("Bonn", "Ulm")}, {"amount": 0.1, "loans": 2.0}
)
PROVENANCE = Provenance(
    schema_digest=small_schema().digest,
    config_digest=bundle.config_digest(SMALL),
    data_digest="d" * 64,
    encoder_digest="e" * 64,
    versions={"creditfusion": "0.1.0"},
    seed=7,
    window=("2020-01-01", "2020-12-31"),
    n_rows=700,
    n_bad=200,
    figures={"auc": 0.7, "gain": None},
)
POPULATION = Population(
    TabularBlock(
        np.array([[1.5] * len(TABULAR.num_names), [np.nan] * len(TABULAR.num_names)], dtype=np.float32),
        np.array([[1, 2], [0, 1]], dtype=np.int32),
        TABULAR.num_names,
        TABULAR.cat_names,
        TABULAR.n_levels,
    ),
    np.array([-1.25, 0.5]),
    np.array([False, True]),
    np.arange(2 * (len(TABULAR.num_names) + 4), dtype=np.float32).reshape(2, -1),
    np.array([[0.25], [np.nan]], dtype=np.float32),
)
ROWS = TrainingRows(np.array([3, 5, 2**64 - 1], np.uint64))
REFERENCE = Reference(
    tuple(field.name for field in small_schema().narratives),
    describe_texts(make_design(90, shape=Shape(n_narratives=1)).text, np.arange(90)).texts,
)
TUNED = {
    "encoder.layer.1.output.dense.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "encoder.layer.1.output.dense.bias": np.array([0.5, -1.5], np.float32),
}
CARD = "# A model\n\nGrüße 你好 ✓\n"


def save_model(path: Path, model: FusionModel, config: Config = SMALL) -> Manifest:
    """Save a model with the small schema."""
    return save(path, bundle.Trained(model, config, TABULAR, POPULATION, REFERENCE, ROWS), PROVENANCE, CARD)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def assert_same_scores(one: FusionModel, other: FusionModel, trained: Trained) -> None:
    """Equal to the bit, the ablations too."""
    np.testing.assert_array_equal(one.predict(trained.design).margin, other.predict(trained.design).margin)
    np.testing.assert_array_equal(one.predict(trained.design).score, other.predict(trained.design).score)
    margins, wanted = one.margins(trained.design), other.margins(trained.design)
    for name in ("fused", "columns_only", "text_only"):
        np.testing.assert_array_equal(getattr(margins, name), getattr(wanted, name))


@dataclass(frozen=True)
class Saved:
    """A bundle and what was said when it was saved."""

    path: Path
    manifest: Manifest


@pytest.fixture(scope="session")
def pristine(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """A bundle that no test changes."""
    path = tmp_path_factory.mktemp("bundle") / "model"
    return Saved(path, save_model(path, trained.model))


@pytest.fixture
def copy(pristine: Saved, tmp_path: Path) -> Path:
    """A bundle to damage."""
    return Path(shutil.copytree(pristine.path, tmp_path / "model"))


def listed(path: Path) -> dict[str, str]:
    """The manifest's list of files, unverified."""
    return dict(json.loads((path / MANIFEST).read_bytes())["files"])


def rewrite_manifest(path: Path, **changes: Any) -> None:
    """Change the manifest and make its digest fit, as a careful forger would."""
    tree = json.loads((path / MANIFEST).read_bytes()) | changes
    raw = json.dumps(tree).encode()
    (path / MANIFEST).write_bytes(raw)
    (path / MANIFEST_DIGEST).write_text(hashlib.sha256(raw).hexdigest() + "\n")


# Saving and loading


def test_what_was_saved_is_loaded(pristine: Saved, trained: Trained) -> None:
    loaded = load(pristine.path)
    assert isinstance(loaded, Bundle)
    assert loaded.schema == small_schema()
    assert loaded.config == SMALL
    assert loaded.tabular == TABULAR
    assert loaded.manifest == pristine.manifest
    assert loaded.manifest.provenance == PROVENANCE
    np.testing.assert_equal(loaded.population.to_arrays(), POPULATION.to_arrays())
    assert loaded.reference.names == ("note",)
    np.testing.assert_equal(loaded.reference.to_arrays(), REFERENCE.to_arrays())
    assert_same_scores(loaded.model, trained.model, trained)


def test_save_load_save_gives_the_same_bytes(pristine: Saved, tmp_path: Path) -> None:
    loaded = load(pristine.path)
    trained = bundle.Trained(
        loaded.model, loaded.config, loaded.tabular, loaded.population, loaded.reference, loaded.rows
    )
    again = save(tmp_path / "again", trained, PROVENANCE, CARD)
    assert contents(tmp_path / "again") == contents(pristine.path)
    assert again.model_id == loaded.manifest.model_id


@pytest.fixture
def tuned(trained: Trained, tmp_path: Path) -> Path:
    parts = bundle.Trained(trained.model, SMALL, TABULAR, POPULATION, REFERENCE, ROWS, TUNED)
    save(tmp_path / "tuned", parts, PROVENANCE, CARD)
    return tmp_path / "tuned"


def test_tuned_tensors_come_back_as_they_were(tuned: Path) -> None:
    found = load(tuned).tuned
    assert found.keys() == TUNED.keys()
    for name, values in TUNED.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].dtype == np.float32


RULES = Policy(
    cutoffs=Cutoffs(approve=0.1, decline=0.3),
    refer=Refer(no_narrative=True, quality=("missing",), second={"fraud": 0.2}),
    economics=Economics(loss_given_default=0.6, margin=0.1, amount=1000.0),
)


def test_a_policy_comes_back_as_it_was_and_decides(trained: Trained, pristine: Saved, tmp_path: Path) -> None:
    parts = bundle.Trained(trained.model, SMALL, TABULAR, POPULATION, REFERENCE, ROWS, policy=RULES)
    manifest = save(tmp_path / "ruled", parts, PROVENANCE, CARD)
    assert bundle.POLICY in manifest.files
    loaded = load(tmp_path / "ruled")
    assert loaded.policy == loaded.deciding_policy() == RULES
    assert loaded.deciding_policy(given=default_policy(SMALL)) == default_policy(SMALL)
    plain = load(pristine.path)
    assert plain.policy is None
    assert plain.deciding_policy() == default_policy(SMALL)
    assert manifest.model_id != plain.manifest.model_id
    raw = (tmp_path / "ruled" / bundle.POLICY).read_text().replace("0.3", "0.9")
    (tmp_path / "ruled" / bundle.POLICY).write_text(raw)
    with pytest.raises(ContractError, match=r"policy.json of bundle .* was changed after training"):
        load(tmp_path / "ruled")


def test_the_format_before_policies_is_refused(copy: Path) -> None:
    rewrite_manifest(copy, format_version=8)
    with pytest.raises(ContractError, match=r"has format version 8; this creditfusion reads 9.*Train the model again"):
        load(copy)


def test_a_bundle_of_an_encoder_that_was_not_tuned_has_no_tensors_of_it(pristine: Saved) -> None:
    assert not load(pristine.path).tuned
    assert not (pristine.path / bundle.TUNED).exists()


def test_a_tuned_tensor_that_was_changed_is_refused(tuned: Path) -> None:
    raw = bytearray((tuned / bundle.TUNED).read_bytes())
    raw[-1] ^= 1
    (tuned / bundle.TUNED).write_bytes(raw)
    with pytest.raises(ContractError, match=r"encoder/tuned.safetensors of bundle .* was changed after training"):
        load(tuned)


def test_tuned_tensors_that_are_gone_or_were_added_are_refused(tuned: Path, copy: Path) -> None:
    (copy / bundle.TUNED).parent.mkdir()
    (tuned / bundle.TUNED).rename(copy / bundle.TUNED)
    with pytest.raises(ContractError, match=r"tuned.safetensors of bundle .* cannot be read"):
        load(tuned)
    with pytest.raises(ContractError, match=r"tuned.safetensors in bundle .* is not listed in its manifest"):
        load(copy)


def test_saving_twice_gives_the_same_bytes(pristine: Saved, trained: Trained, tmp_path: Path) -> None:
    again = save_model(tmp_path / "again", trained.model)
    assert contents(tmp_path / "again") == contents(pristine.path)
    assert again.model_id == pristine.manifest.model_id
    assert len(again.model_id) == 12


def test_another_model_has_another_id(pristine: Saved, trained: Trained, tmp_path: Path) -> None:
    shifted = replace(trained.model, columns_only=trained.model.fused)
    assert save_model(tmp_path / "other", shifted).model_id != pristine.manifest.model_id


def test_more_than_ten_folds_keep_their_order(tmp_path: Path) -> None:
    """The boosters' sum depends on their order in its last bits, and the file names say which is which."""
    design = make_design(600, shape=Shape(dim=2, n_buckets=8))
    config = SMALL.model_copy(update={"folds": FoldConfig(n_folds=12, n_repeats=1)})
    y = outcome(design)
    model, _ = fit(sample_of(design, y), config)
    save_model(tmp_path / "model", model, config)
    loaded = load(tmp_path / "model")
    for part in ("fused", "columns_only"):
        wanted = getattr(model, part).stacker.to_text()
        assert len(set(wanted)) == 12
        assert getattr(loaded.model, part).stacker.to_text() == wanted
    save_model(tmp_path / "again", loaded.model, config)
    assert contents(tmp_path / "again") == contents(tmp_path / "model")


def test_components_and_members_are_kept(tmp_path: Path) -> None:
    design = make_design(600)
    sample = replace(sample_of(design, outcome(design)), auxiliary=(Auxiliary("later", log_odds(design)),))
    model, _ = fit(sample, WITH_COMPONENTS)
    save_model(tmp_path / "model", model, WITH_COMPONENTS)
    loaded = load(tmp_path / "model").model
    assert [member.target for member in loaded.fused.members] == ["outcome", "outcome", "later", "later"]
    assert_same_model(loaded, model)
    for name, array in model.components.to_arrays().items():
        np.testing.assert_array_equal(loaded.components.to_arrays()[name], array, strict=True)
    np.testing.assert_array_equal(loaded.predict(design).margin, model.predict(design).margin)
    save_model(tmp_path / "again", loaded, WITH_COMPONENTS)
    assert contents(tmp_path / "again") == contents(tmp_path / "model")


def test_no_digit_of_the_basis_or_of_a_head_is_lost(pristine: Saved, trained: Trained) -> None:
    loaded, model = load(pristine.path).model, trained.model
    pairs = [(loaded.basis, model.basis)]
    pairs += [
        (getattr(loaded, part).head, getattr(model, part).head) for part in ("fused", "columns_only", "text_only")
    ]
    for one, other in pairs:
        for field in fields(other):
            array, wanted = getattr(one, field.name), getattr(other, field.name)
            assert array.dtype == wanted.dtype
            np.testing.assert_array_equal(array, wanted, strict=True)


def test_a_moved_bundle_predicts_the_same(copy: Path, trained: Trained, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "über uns" / "m"
    moved.parent.mkdir(parents=True)
    copy.rename(moved)
    assert_same_scores(load(moved).model, trained.model, trained)
    assert str(copy.parent) not in (moved / MANIFEST).read_text()


def test_a_link_to_a_bundle_is_as_good_as_the_bundle(pristine: Saved, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(pristine.path)
    assert load(tmp_path / "link").manifest == pristine.manifest


def test_the_manifest_lists_every_other_file(pristine: Saved) -> None:
    files = contents(pristine.path)
    assert set(files) == {MANIFEST, MANIFEST_DIGEST, *pristine.manifest.files}
    assert sorted(name for name in files if name.startswith(("heads/", "stacker/"))) == [
        *(f"heads/{part}.safetensors" for part in ("columns_only", "fused", "text_only")),
        *(f"stacker/{part}-00{fold}.txt" for part in ("columns_only", "fused") for fold in range(3)),
    ]
    for name, digest in pristine.manifest.files.items():
        assert hashlib.sha256(files[name]).hexdigest() == digest


def is_pickle(content: bytes) -> bool:
    """Whether these bytes read as a pickle from the first opcode to the last, or open an archive that may hold one."""
    try:
        pickletools.dis(content, out=io.StringIO())
    except (ValueError, EOFError, IndexError, UnicodeDecodeError, OverflowError):
        return content.startswith((b"PK\x03\x04", b"\x93NUMPY", b"\x1f\x8b"))
    return True


def test_no_file_is_a_pickle(pristine: Saved) -> None:
    for name, content in contents(pristine.path).items():
        assert Path(name).suffix in {".json", ".sha256", ".md", ".txt", ".safetensors"}, name
        assert not is_pickle(content), name
    assert is_pickle(pickle.dumps(SMALL.model_dump()))


# Damage


@pytest.mark.parametrize("position", ["first", "middle", "last", "anywhere"])
def test_one_flipped_byte_is_refused_by_the_name_of_its_file(copy: Path, position: str) -> None:
    rng = np.random.default_rng(11)
    for name, content in contents(copy).items():
        end = len(content) - 1
        at = {"first": 0, "middle": end // 2, "last": end, "anywhere": int(rng.integers(len(content)))}[position]
        damaged = bytearray(content)
        damaged[at] ^= 1 << int(rng.integers(8))
        (copy / name).write_bytes(damaged)
        with pytest.raises(ContractError, match=f"(^| ){name.replace('.', '[.]')} of bundle|match {name}"):
            load(copy)
        (copy / name).write_bytes(content)
    assert load(copy)


@pytest.mark.parametrize("keep", [slice(0), slice(-1), None], ids=["empty", "cut", "longer"])
def test_a_cut_or_longer_file_is_refused_by_name(copy: Path, keep: slice | None) -> None:
    for name, content in contents(copy).items():
        (copy / name).write_bytes(content[keep] if keep else content + b"\n")
        with pytest.raises(ContractError, match=name):
            verify(copy)
        (copy / name).write_bytes(content)


def test_a_missing_file_is_refused_by_name(copy: Path) -> None:
    for name, content in contents(copy).items():
        (copy / name).unlink()
        with pytest.raises(ContractError, match=f"{name} of bundle .* cannot be read"):
            load(copy)
        (copy / name).write_bytes(content)


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "heads/fused-00.safetensors", "new/folder/file"])
def test_a_stranger_is_refused_by_name(copy: Path, name: str) -> None:
    (copy / name).parent.mkdir(parents=True, exist_ok=True)
    (copy / name).write_bytes(b"x")
    with pytest.raises(ContractError, match=f"{name} in bundle .* is not listed"):
        load(copy)


@pytest.mark.parametrize(
    ("first", "second"),
    [("heads/fused.safetensors", "heads/text_only.safetensors"), ("stacker/fused-000.txt", "stacker/fused-001.txt")],
)
def test_two_files_changed_about_are_refused(copy: Path, first: str, second: str) -> None:
    one, other = copy / first, copy / second
    one.rename(copy / "aside")
    other.rename(one)
    (copy / "aside").rename(other)
    with pytest.raises(ContractError, match=f"({re.escape(first)}|{re.escape(second)}) of bundle .* was changed"):
        load(copy)


def test_a_newer_format_is_refused_in_plain_words(copy: Path) -> None:
    rewrite_manifest(copy, format_version=FORMAT_VERSION + 1, something_new={"a": 1})
    newer = rf"has format version {FORMAT_VERSION + 1}; this creditfusion reads up to {FORMAT_VERSION}.*Update"
    with pytest.raises(ContractError, match=newer):
        load(copy)


def test_an_older_format_is_refused_in_plain_words(copy: Path) -> None:
    rewrite_manifest(copy, format_version=3)
    older = rf"has format version 3; this creditfusion reads {FORMAT_VERSION}.*Train the model again"
    with pytest.raises(ContractError, match=older):
        load(copy)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"\xff\xfe",
        b'{"format_version": "x"}',
        bytes(f'{{"format_version": {FORMAT_VERSION}}}', "ascii"),
    ],
)
def test_what_is_no_manifest_is_refused(copy: Path, raw: bytes) -> None:
    (copy / MANIFEST).write_bytes(raw)
    (copy / MANIFEST_DIGEST).write_text(hashlib.sha256(raw).hexdigest() + "\n")
    with pytest.raises(ContractError, match="is not a manifest"):
        load(copy)


@pytest.mark.parametrize("name", ["../outside", "heads/../../outside", "ABSOLUTE", "heads/link"])
def test_a_manifest_that_names_a_file_outside_is_refused(copy: Path, name: str) -> None:
    outside = copy.parent / "outside"
    outside.write_bytes(b"secret")
    (copy / "heads" / "link").symlink_to(outside)
    name = str(outside) if name == "ABSOLUTE" else name
    rewrite_manifest(copy, files=listed(copy) | {name: hashlib.sha256(b"secret").hexdigest()})
    with pytest.raises(ContractError, match="names a file outside it"):
        load(copy)


@pytest.mark.parametrize(
    "name",
    [
        "schema.json",
        "config.json",
        "tabular.json",
        "calibration.json",
        "basis.safetensors",
        "components.safetensors",
        "reference.safetensors",
    ],
)
def test_a_manifest_that_leaves_out_a_needed_file_is_refused(copy: Path, name: str) -> None:
    (copy / name).unlink()
    rewrite_manifest(copy, files={file: digest for file, digest in listed(copy).items() if file != name})
    with pytest.raises(ContractError, match=name):
        load(copy)


def test_a_manifest_without_heads_or_trees_is_refused(copy: Path) -> None:
    for folder in ("heads", "stacker"):
        (copy / folder).rename(copy.parent / folder)
        kept = {file: digest for file, digest in listed(copy).items() if not file.startswith(folder)}
        rewrite_manifest(copy, files=kept)
        with pytest.raises(ContractError, match=r"does not list (heads/fused\.safetensors|stacker/fused-00\.txt)"):
            load(copy)


@pytest.mark.parametrize("part", ["fused", "columns_only", "text_only"])
def test_a_manifest_without_the_head_of_one_part_is_refused(copy: Path, part: str) -> None:
    (copy / f"heads/{part}.safetensors").unlink()
    kept = {file: digest for file, digest in listed(copy).items() if file != f"heads/{part}.safetensors"}
    rewrite_manifest(copy, files=kept)
    with pytest.raises(ContractError, match=f"does not list heads/{part}[.]safetensors"):
        load(copy)


@pytest.mark.parametrize("kind", ["absent", "folder", "file"])
def test_what_is_no_bundle_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "model"
    if kind == "folder":
        path.mkdir()
    if kind == "file":
        path.write_text("x")
    with pytest.raises(ContractError, match=r"is not a model bundle|manifest\.json of bundle .* cannot be read"):
        load(path)


# What stands where the bundle shall go


def test_an_older_bundle_is_replaced_whole(copy: Path, trained: Trained) -> None:
    swapped = replace(trained.model, fused=trained.model.columns_only)
    manifest = save_model(copy, swapped)
    assert load(copy).manifest == manifest
    assert sorted(entry.name for entry in copy.parent.iterdir()) == ["model"]


@pytest.mark.parametrize("names", [[], ["thesis.tex"], [MANIFEST], [MANIFEST, "index.html"]], ids=str)
def test_a_folder_that_is_no_bundle_is_left_alone(tmp_path: Path, trained: Trained, names: list[str]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in names:
        (folder / name).write_text("mine")
    with pytest.raises(ContractError, match="exists and is not a model bundle"):
        save_model(folder, trained.model)
    assert contents(folder) == dict.fromkeys(names, b"mine")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_a_file_is_left_alone(tmp_path: Path, trained: Trained) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ContractError, match="exists and is not a model bundle"):
        save_model(tmp_path / "file", trained.model)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("nth", [1, 9])
def test_a_full_disk_leaves_the_old_bundle(
    copy: Path, trained: Trained, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    written = list[int]()

    def full(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) == nth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = contents(copy)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_model(copy, trained.model)
    assert contents(copy) == before
    assert [entry.name for entry in copy.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("nth", [1, 2])
def test_a_break_while_renaming_leaves_the_old_bundle(
    copy: Path, trained: Trained, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    rename, calls = Path.rename, list[Path]()

    def broken(self: Path, target: Path) -> Path:
        calls.append(self)
        if len(calls) == nth:
            raise KeyboardInterrupt("stopped")
        return rename(self, target)

    before = contents(copy)
    monkeypatch.setattr(Path, "rename", broken)
    with pytest.raises(KeyboardInterrupt, match="stopped"):
        save_model(copy, trained.model)
    assert contents(copy) == before
    assert [entry.name for entry in copy.parent.iterdir()] == ["model"]


def test_what_a_killed_run_left_does_not_come_along(tmp_path: Path, trained: Trained) -> None:
    left = tmp_path / f"model.writing-{os.getpid()}" / "heads"
    left.mkdir(parents=True)
    (left / "fused-77.safetensors").write_bytes(b"half")
    manifest = save_model(tmp_path / "model", trained.model)
    assert load(tmp_path / "model").manifest == manifest
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


def test_folders_on_the_way_are_made(tmp_path: Path, trained: Trained) -> None:
    save_model(tmp_path / "a" / "b" / "model", trained.model)
    assert load(tmp_path / "a" / "b" / "model")
