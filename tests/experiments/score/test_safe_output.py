"""What is never written: into a bundle, a number that is none, or an id that floats have changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from data_schemas.concepts import Sensitive
from data_schemas.errors import ContractError, RunError
from data_schemas.reader import load_schema
from data_schemas.reasons import Reason
from experiments.demo.data import generate
from experiments.session.run import Run
from experiments.session.run_log import RunLog
from features.tables.text_rows import as_text
from fusion.answers import RowReasons, check_finite
from fusion.bundle import verify
from fusion.bundle_folder import MANIFEST, MANIFEST_DIGEST, check_outside
from tests.support.bundles import train_small


def bundle_in(folder: Path) -> Path:
    """A folder that has the files by which bundles are known."""
    bundle = folder / "model"
    bundle.mkdir()
    (bundle / MANIFEST).write_text("{}")
    (bundle / MANIFEST_DIGEST).write_text("")
    return bundle


@pytest.mark.parametrize("verb", ["score", "evaluate", "explain", "compare", "probe", "sweep", "pretrain", "train"])
@pytest.mark.parametrize("place", ["out.csv", "deep/er/out"])
def test_no_verb_writes_into_a_bundle_nor_its_log(tmp_path: Path, verb: str, place: str) -> None:
    bundle = bundle_in(tmp_path)
    with pytest.raises(ContractError, match="lies in the model bundle"):
        Run.start(verb, bundle / place, {})
    assert len(list(bundle.iterdir())) == 2


def test_only_train_may_name_a_bundle_itself(tmp_path: Path) -> None:
    bundle = bundle_in(tmp_path)
    with pytest.raises(ContractError, match="lies in the model bundle"):
        Run.start("evaluate", bundle, {})
    Run.start("train", bundle, {})


def test_a_link_into_a_bundle_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(bundle_in(tmp_path))
    with pytest.raises(ContractError, match=r"--rejects .* lies in the model bundle"):
        check_outside(tmp_path / "link" / "rejects.csv", "--rejects")


def test_hidden_files_of_the_system_do_not_stop_a_bundle_and_others_do(tmp_path: Path) -> None:
    model = train_small(tmp_path, generate(600, 1).table)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._card.md", "heads/.DS_Store"):
        (model / name).write_bytes(b"\0")
    verify(model)
    (model / "notes.txt").write_text("mine")
    with pytest.raises(ContractError, match=r"notes\.txt in bundle .* is not listed"):
        verify(model)


@pytest.mark.parametrize("name", ["d\udce4ta.csv", "\ud800"])
def test_a_path_that_is_no_text_does_not_stop_the_log(tmp_path: Path, name: str) -> None:
    log = RunLog(tmp_path / "out.log.jsonl")
    log.write("started", {"data": Path(name)})
    assert '"started"' in (tmp_path / "out.log.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_stops_the_run_with_its_row(value: float) -> None:
    rows, sound, odd = np.array([1, 2, 7]), np.full(3, 0.5), np.array([0.5, value, 0.5])
    check_finite(rows, sound, np.full((3, 2), 0.5))
    for values in ([odd], [sound, odd], [np.column_stack([sound, odd])]):
        with pytest.raises(RunError, match=r"row 2 or its reasons are no finite numbers.*--no-cache"):
            check_finite(rows, *values)
    reason = Reason(code="R01", wording="too much debt")
    by_kind: dict[Sensitive, float] = {Sensitive.HEALTH: value}
    for points in (RowReasons(((reason, value),), 1.0, {}), RowReasons((), value, {}), RowReasons((), 1.0, by_kind)):
        assert not np.isfinite(points.total)


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32()])
def test_whole_ids_that_are_floats_are_written_whole(kind: pa.DataType) -> None:
    identity = load_schema("demo").id
    numbers = [1.0, None, 16777216.0, 4096.0]
    assert as_text(pa.array(numbers, kind), identity, "x").to_pylist() == ["1", None, "16777216", "4096"]


def test_large_ids_that_are_floats_are_written_whole_or_refused() -> None:
    identity = load_schema("demo").id
    exact = pa.array([10000000001.0, 2.0**53])
    assert as_text(exact, identity, "x").to_pylist() == ["10000000001", "9007199254740992"]
    with pytest.raises(ContractError, match=r"floats above 2\^53.*as text"):
        as_text(pa.array([2.0**53 + 2]), identity, "x")
