"""One flag, whatever wrote it: True, TRUE, true, 1 and 1.0 in CSV; booleans, integers and floats in Parquet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.levels import by_spelling, level_key
from data_schemas.reader import parse_schema
from features.inference.draft import Draft, draft_schema
from features.inference.outcomes import StatedOutcomes
from features.inference.sample import sample_rows
from features.tables.applications import Chunk
from features.tables.reader import ReadOptions, read_all
from features.tabular import TabularEncoder
from tests.support.small import NAMES, ROW, row, small_schema, write_csv

FLAGS = ("True", "TRUE", "true", "1", "1.0")
TYPED = (bool, int, float, str)


def schema_of(bad: Sequence[str], good: Sequence[str] = (), levels: Sequence[str] = ()) -> Schema:
    """The small schema with these outcomes, and with levels of the feature ``home``."""
    document = json.loads(small_schema().source)
    document["creditfusion"] |= {"bad_values": list(bad), "good_values": list(good)}
    home = document["fields"][NAMES.index("home")]
    home.pop("categories")
    if levels:
        home["categories"] = list(levels)
    return parse_schema(json.dumps(document), "small")


def read(path: Path, schema: Schema) -> Chunk:
    return read_all(path, schema, ReadOptions(need_target=True))


def csv_of(folder: Path, outcomes: Sequence[str], name: str = "outcome") -> Path:
    rows = [row(**{"id": str(at), name: cell}) for at, cell in enumerate(outcomes)]
    return write_csv(folder / "rows.csv", rows)


def parquet_of(folder: Path, cells: pd.Series, name: str = "outcome") -> Path:
    frame = pd.DataFrame([ROW] * len(cells), columns=NAMES)
    frame = frame.assign(id=[str(at) for at in range(len(cells))], **{name: cells})
    path = folder / "rows.parquet"
    frame.to_parquet(path)
    return path


@pytest.mark.parametrize("bad", FLAGS)
@pytest.mark.parametrize("named", [True, False])
def test_a_flag_of_bad_outcomes_is_read_alike_from_every_format(bad: str, named: bool, tmp_path: Path) -> None:
    good = {"True": "False", "TRUE": "FALSE", "true": "false", "1": "0", "1.0": "0.0"}
    schema = schema_of([bad], [good[bad]] if named else [])
    for yes in FLAGS:
        chunk = read(csv_of(tmp_path, [yes, good[yes], yes]), schema)
        assert chunk.applications.outcome().tolist() == [1.0, 0.0, 1.0], yes
    for kind in TYPED:
        chunk = read(parquet_of(tmp_path, pd.Series([True, False, True]).astype(kind)), schema)
        assert chunk.applications.outcome().tolist() == [1.0, 0.0, 1.0], kind


def test_whole_numbers_of_classes_are_read_with_and_without_decimals(tmp_path: Path) -> None:
    schema = replace(schema_of(["2"], ["1"]), undecided_values=("9",))
    chunk = read(csv_of(tmp_path, ["2.0", "1.00", "1", "9.0"]), schema)
    assert chunk.applications.outcome().tolist() == [1.0, 0.0, 0.0]
    assert chunk.n_undecided == 1


@pytest.mark.parametrize(
    ("bad", "good", "cell"),
    [
        (["1"], ["2"], "True"),  # 1 and 2 are no flag
        (["2"], [], "False"),  # nothing would ever be bad
        (["default"], [], "TRUE"),
        (["True"], [], "2"),
        (["1"], ["0"], "1.000"),  # a group of thousands, for all that is known
        (["True", "true"], ["False"], "TRUE"),  # not one of the two
    ],
)
def test_a_cell_that_is_coded_in_another_way_is_rejected(
    bad: list[str], good: list[str], cell: str, tmp_path: Path
) -> None:
    schema = schema_of(bad, good or (["False"] if len(bad) > 1 else []))
    chunk = read(csv_of(tmp_path, [bad[0], cell]), schema)
    assert chunk.rejects.frame["rule"].tolist() == ["target"]
    assert "List it in the schema's bad_values or good_values" in chunk.rejects.frame["message"][0]


@pytest.mark.parametrize(("bad", "good"), [("True", "TRUE"), ("1", "1.0")])
def test_one_level_cannot_be_bad_and_good_in_two_spellings(bad: str, good: str) -> None:
    with pytest.raises(ContractError, match=f"'{bad}' is both bad and good, as '{good}'"):
        schema_of([bad], [good])


@pytest.mark.parametrize("levels", [(), ("False", "True"), ("0", "1")])
def test_a_model_of_csv_knows_the_flags_of_parquet(levels: tuple[str, ...], tmp_path: Path) -> None:
    schema = schema_of(["bad"], levels=levels)
    yes, no = (levels[1], levels[0]) if levels else ("True", "False")
    learned = read(csv_of(tmp_path, [yes, no] * 12, "home"), schema).applications
    encoder = TabularEncoder.fit(learned)
    wanted = encoder.encode(learned).x_cat[:2].tolist()
    for kind in TYPED:
        rows = read(parquet_of(tmp_path, pd.Series([True, False]).astype(kind), "home"), schema).applications
        assert encoder.encode(rows).x_cat.tolist() == wanted, kind


def test_levels_that_are_no_flag_stay_as_they_are() -> None:
    assert by_spelling(["1", "2"]) == {"1": "1", "2": "2"}
    assert by_spelling(["True", "true", "no"]) == {"no": "no"}
    assert [level_key(level) for level in ("01", "1.5", "1,000", "1.000")] == ["01", "1.5", "1,000", "1.000"]


def test_drafts_of_csv_and_parquet_are_equal(tmp_path: Path) -> None:
    n = 60
    frame = pd.DataFrame(
        {
            "loan_id": [f"L{at}" for at in range(n)],
            "income": [1000 + 7 * at for at in range(n)],
            "owner": [at % 3 == 0 for at in range(n)],
            "default": [at % 5 == 0 for at in range(n)],
        }
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")

    def draft(name: str, stated: StatedOutcomes) -> Draft:
        return draft_schema(sample_rows(tmp_path / name, 100).frame, "a", "a", "default", stated)

    for stated in (StatedOutcomes(), StatedOutcomes(bad=("1",))):
        first, second = (draft(name, stated) for name in ("a.csv", "a.parquet"))
        assert first.document == second.document
        assert first.document["creditfusion"]["bad_values"] == ["True"]
