"""The data sets of the benchmark: sound contracts, splits that keep equal cells together, files that are read whole."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.fields import FieldType, Role
from data_schemas.reader import load_schema, parse_schema
from data_schemas.unfinished import unfinished
from experiments.benchmarks.data_sets import berka
from experiments.benchmarks.data_sets.definitions import SETS
from experiments.benchmarks.data_sets.files import read_frames, sets_named, write_files
from experiments.benchmarks.data_sets.spec import DataSet, Hashed, Since, Target, published, words_of
from features.tables.reader import ReadOptions, read_all
from features.text.cleaning import clean

SOURCES = Path(__file__).parents[4] / "shared" / "data"

NOTES = DataSet(
    name="notes",
    title="Made-up loans",
    rows=published("notes"),
    id="id",
    target=Target("outcome", bad=("lost",), good=("paid",)),
    split=Since("day", "%d.%m.%Y", "2020-02-01"),
    numbers=("amount",),
    categories=("kind",),
    narratives=("note",),
    labels=("job",),
    decided=("day", "%d.%m.%Y"),
    left_out={"Known only after the decision.": ("paid",)},
    missing=("None",),
)
NOTES_CSV = """id,day,amount,kind,note,job,paid,outcome
a,31.01.2020,10,None,"A car, red.",smith,5,paid
b,01.02.2020,None,x,,,7,lost
c,15.01.2020,30,y,NA,,9,lost
"""


def write_gzip(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()))


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    write_gzip(tmp_path / "notes" / "notes.csv.gz", NOTES_CSV)
    return tmp_path


@pytest.mark.parametrize("data_set", SETS, ids=lambda one: one.name)
def test_every_contract_is_sound_and_names_no_column_twice_and_no_outcome_among_the_inputs(data_set: DataSet) -> None:
    schema = parse_schema(data_set.schema(), data_set.name)
    assert schema.name == data_set.name
    assert schema.fields_of(Role.TARGET)
    assert schema.features or schema.narratives
    inputs = {field.name for field in schema.fields_of(Role.FEATURE, Role.NARRATIVE)}
    assert not inputs & set(data_set.protected)
    assert not inputs & {name for names in (data_set.left_out or {}).values() for name in names}


def test_names_of_sets_are_unique_and_an_unknown_one_is_refused() -> None:
    assert len({one.name for one in SETS}) == len(SETS)
    assert sets_named(()) == SETS
    assert [one.name for one in sets_named(["heloc", "berka"])] == ["heloc", "berka"]
    with pytest.raises(ValueError, match="'heloq' is no data set; there are lending_club"):
        sets_named(["heloq"])


def test_a_spec_becomes_the_contract_that_it_describes() -> None:
    schema = parse_schema(NOTES.schema(), "notes")
    assert schema.id.name == "id"
    assert schema["amount"].type is FieldType.NUMBER
    assert schema["note"].match_concepts
    assert not schema["job"].match_concepts
    assert schema["paid"].role is Role.IGNORED
    assert schema["day"].date_format == "%d.%m.%Y"
    assert schema["kind"].missing_values == ("", "None")
    assert (schema.bad_values, schema.good_values) == (("lost",), ("paid",))


@pytest.mark.parametrize("name", ["crowdfunding", "crowdfunding_all"])
def test_what_a_platform_adds_to_titles_later_is_cut(name: str) -> None:
    (data_set,) = sets_named([name])
    rules = parse_schema(data_set.schema(), name).strip
    assert clean("A hot dog cart (Canceled)", rules).text == "A hot dog cart"
    assert clean("A hot dog cart (canceled or not)", rules).text == "A hot dog cart (canceled or not)"


@pytest.mark.parametrize("name", ["heloc", "german_credit", "crowdfunding"])
def test_sets_whose_letters_are_read_word_every_input(name: str) -> None:
    (data_set,) = sets_named([name])
    schema = parse_schema(data_set.schema(), name)
    assert set(words_of(name)) == {field.name for field in schema.fields_of(Role.FEATURE, Role.NARRATIVE)}
    found = unfinished(schema)
    assert not found.without_wording
    assert not found.without_labels


def test_files_hold_the_cells_as_published_split_by_day(sources: Path, tmp_path: Path) -> None:
    files = write_files(NOTES, sources, tmp_path / "out")
    frames = read_frames(NOTES, sources)
    assert frames.train["id"].tolist() == ["a", "c"]
    assert frames.test["id"].tolist() == ["b"]
    assert frames.train["note"].tolist() == ["A car, red.", "NA"]
    assert files.test.read_text() == "id,day,amount,kind,note,job,paid,outcome\nb,01.02.2020,None,x,,,7,lost\n"
    read = read_all([files.train, files.test], load_schema(files.schema), ReadOptions(need_target=True))
    assert not len(read.rejects)
    assert read.applications.outcome().tolist() == [0.0, 1.0, 1.0]
    assert np.isnan(read.applications.frame["amount"][2])


@given(st.lists(st.text(min_size=1), min_size=1))
def test_equal_cells_are_on_one_side_of_a_split_by_hash(cells: list[str]) -> None:
    frame = pd.DataFrame({"text": [*cells, *cells]}, dtype=object)
    side = Hashed("text").test_rows(frame)
    assert side[: len(cells)].tolist() == side[len(cells) :].tolist()


def test_the_hash_is_that_of_the_sources() -> None:
    side = Hashed("id").test_rows(pd.DataFrame({"id": [str(n) for n in range(1, 30_001)]}, dtype=object))
    assert int(side.sum()) == 9_000  # as the README of taiwan_default counts


def test_a_loan_has_what_its_account_did_before_it_and_nothing_later(tmp_path: Path) -> None:
    tables = {
        "loan": "loan_id,account_id,date,amount,duration,payments,status\n"
        "7,1,950601,1000,12,90.00,A\n8,2,950601,5,1,1,B\n",
        "account": "account_id,district_id,frequency,date\n1,9,POPLATEK TYDNE,950101\n2,9,POPLATEK TYDNE,950101\n",
        "district": f"{','.join(f'A{n}' for n in range(1, 17))}\n9,Ulm{',1' * 14}\n",
        "disp": "disp_id,client_id,account_id,type\n3,4,1,OWNER\n4,5,1,DISPONENT\n5,6,2,OWNER\n",
        "card": "card_id,disp_id,type,issued\n1,3,classic,950531 00:00:00\n2,5,gold,950601 00:00:00\n",
        "trans": "trans_id,account_id,date,type,operation,amount,balance,k_symbol,bank,account\n"
        "2,1,950520,VYDAJ,,30.5,-10.0,SANKC. UROK,,\n1,1,950115,PRIJEM,,20.5,20.5,,,\n"
        "3,1,950601,PRIJEM,,999,999,,,\n4,2,950120,VYBER,,1,5,,,\n",
    }
    for name, text in tables.items():
        write_gzip(tmp_path / "berka" / f"{name}.csv.gz", text)
    rows = berka.rows(tmp_path)
    assert rows["loan_id"].tolist() == ["7", "8"]
    one = rows.iloc[0]
    assert [one["n_transactions"], one["balance_min"], one["balance_last"]] == ["2.0", "-10.0", "-10.0"]
    assert [one["credits"], one["debits"], one["debits_recent"], one["credits_recent"]] == [
        "20.5",
        "30.5",
        "30.5",
        "0.0",
    ]
    assert [one["n_penalties"], one["n_below_zero"]] == ["1.0", "1.0"]
    assert rows["balance_std"].tolist()[1] == ""
    assert rows["n_people"].tolist() == ["2", "1"]
    assert rows["has_card"].tolist() == ["true", "false"]


@pytest.mark.real_data
@pytest.mark.parametrize("data_set", SETS, ids=lambda one: one.name)
def test_every_set_is_read_without_rejects_and_has_both_outcomes_on_both_sides(
    data_set: DataSet, tmp_path: Path
) -> None:
    if not SOURCES.is_dir():
        pytest.skip("no data sets beside the checkout")
    files = write_files(data_set, SOURCES, tmp_path)
    schema = load_schema(files.schema)
    for path in (files.train, files.test):
        read = read_all(path, schema, ReadOptions(need_target=True))
        assert not len(read.rejects)
        assert set(read.applications.outcome()) == {0.0, 1.0}
