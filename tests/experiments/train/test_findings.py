"""What a training run comes upon: each rule speaks where it should, and is silent where it should not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_schemas.reader import parse_schema
from experiments.train.findings import (
    behind_plain,
    few_outcomes,
    likely_leaks,
    no_better_than_chance,
    not_read,
    nothing_held_out,
    off_calibration,
    open_guesses,
    too_good,
    useless_columns,
)
from experiments.train.plain import PlainComparison, PlainSlice
from experiments.train.rows import NOTHING, Split
from experiments.train.slices import SliceReport, judge
from features.arrays import Floats
from features.narratives.legibility import Languages
from features.tables.applications import Applications
from fusion.metrics import Gain, figures
from fusion.model.fusion_model import Margins
from fusion.validation.intervals import Estimate
from tests.support.small import applications, row, small_schema

N = 200


@pytest.mark.parametrize(("unread", "severity"), [(0, None), (5, "note"), (50, "warning")])
def test_narratives_that_were_not_read_are_a_finding(unread: int, severity: str | None) -> None:
    lost = {"Chinese": unread} if unread else {}
    found = list(not_read(Languages({"Latin script": 1000 - unread, **lost}, lost)))
    assert [one.severity for one in found] == ([severity] if severity else [])
    assert all(
        f"cannot read {unread} of 1,000 narratives" in one.sentence and "Chinese" in one.sentence for one in found
    )


def book(folder: Path, **columns: list[str]) -> Applications:
    """Applications a quarter of which are bad, with these columns; all else is alike in every row."""
    rows = []
    for at in range(N):
        cells = {name: values[at] for name, values in columns.items()}
        rows.append(row(id=str(at), outcome="bad" if at % 4 == 0 else "good", **cells))
    return applications(folder, rows, need_target=True)


def a_slice(slope: float, judges: bool = True, n: int = 4000) -> SliceReport:
    """Rows whose margins are drawn so that their calibration slope is about this."""
    rng = np.random.default_rng(0)
    margin = rng.normal(-1.0, 1.0, n)
    y = (rng.random(n) < 1 / (1 + np.exp(-slope * margin))).astype(np.float64)
    return judge("newest", Margins(margin, margin, margin), y, judges)


def outcomes(n: int, n_bad: int) -> Floats:
    y = np.zeros(n)
    y[:n_bad] = 1.0
    return y


def test_a_number_that_knows_the_outcome_is_called_so(tmp_path: Path) -> None:
    paid = ["0" if at % 4 == 0 else str(1000 + at) for at in range(N)]
    found = list(likely_leaks(book(tmp_path, amount=paid)))
    assert [one.key for one in found] == ["leak: amount"]
    assert found[0].severity == "warning"
    assert "it differs from 0 for 150 rows, 100.0% of them with one and the same outcome" in found[0].sentence


def test_a_date_after_the_decision_is_called_so(tmp_path: Path) -> None:
    (found,) = likely_leaks(book(tmp_path, since=["2024-05-01"] * N))
    assert "(since) may know the outcome: it lies after asked in 100% of the rows" in found.sentence


def test_a_word_that_was_written_after_the_decision_is_called_so(tmp_path: Path) -> None:
    texts = [f"A roof for house {at}{' [charged off]' * (at % 4 == 0)}" for at in range(N)]
    (found,) = likely_leaks(book(tmp_path, note=texts))
    assert (found.key, found.severity) == ("leak: note", "warning")
    assert "“charged off” is set apart in 50 rows, 100.0% of them" in found.sentence


def test_what_knows_nothing_is_no_leak(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(50_000, 10_000, N)
    assert not list(likely_leaks(book(tmp_path, income=[f"{value:.0f}" for value in values])))


@pytest.mark.parametrize(
    ("low", "high", "key"),
    [(0.55, 0.7, None), (0.45, 0.6, "no_better_than_chance"), (0.2, 0.4, "worse_than_chance"), (np.nan, np.nan, None)],
)
def test_an_order_no_better_than_chance_is_called_so(low: float, high: float, key: str | None) -> None:
    found = list(no_better_than_chance(Estimate((low + high) / 2, low, high)))
    assert [one.key for one in found] == ([key] if key else [])


def test_an_order_almost_without_error_is_called_so_with_its_strongest_column(tmp_path: Path) -> None:
    own = book(tmp_path, amount=["900" if at % 4 == 0 else str(1000 + at) for at in range(N)])
    (found,) = too_good(own, Estimate(0.999, 0.995, 1.0))
    assert found.severity == "warning"
    assert "alone, amount ranks best (1.000)" in found.sentence
    assert not list(too_good(own, Estimate(0.99, 0.98, 1.0)))


@pytest.mark.parametrize(
    ("slope", "judges", "words"),
    [(1.0, True, ""), (0.5, True, "too far apart"), (2.0, True, "too close together"), (0.5, False, "")],
)
def test_a_slope_beyond_its_interval_is_called_so_on_rows_that_judge(slope: float, judges: bool, words: str) -> None:
    found = list(off_calibration([a_slice(slope, judges)]))
    assert len(found) == bool(words)
    assert all(words in one.sentence for one in found)


def test_a_slope_that_chance_explains_is_none() -> None:
    assert not list(off_calibration([a_slice(0.8, n=60)]))


@pytest.mark.parametrize(("n_bad", "keys"), [(29, ["few_bad"]), (30, []), (70, []), (71, ["few_good"])])
def test_few_of_either_outcome_are_called_so(n_bad: int, keys: list[str]) -> None:
    y = outcomes(100, n_bad)
    assert [one.key for one in few_outcomes(figures(y, y))] == keys


@pytest.mark.parametrize(
    ("difference", "p", "standing"), [(0.02, 0.01, "ahead of"), (-0.02, 0.2, "level with"), (-0.02, 0.01, "behind")]
)
def test_only_a_plain_pipeline_that_is_better_beyond_chance_is_a_finding(
    difference: float, p: float, standing: str
) -> None:
    part = PlainSlice("out of fold", 0.7, 0.7 - difference, Gain(difference, difference - 0.01, difference + 0.01, p))
    assert part.standing == standing
    found = list(behind_plain(PlainComparison("columns", {"columns": 0.4}, (part,))))
    assert len(found) == (standing == "behind")
    assert not list(behind_plain(None))


def test_a_difference_without_a_variance_is_level() -> None:
    nan = float("nan")
    assert PlainSlice("few", nan, nan, Gain(nan, nan, nan, nan)).standing == "level with"


def test_inputs_that_are_empty_or_have_one_value_are_named(tmp_path: Path) -> None:
    numbers = [str(at) for at in range(N)]
    own = book(
        tmp_path, income=numbers, amount=numbers, since=[""] * N, note=[""] * N, loans=["2"] * 5 + [""] * (N - 5)
    )
    empty, constant = useless_columns(own)
    assert (empty.key, constant.key) == ("empty_columns", "constant_columns")
    assert empty.sentence.endswith("2 (since and note).")
    assert constant.sentence.endswith("3 (owner, home and town).")


def test_a_schema_s_guesses_are_counted_until_they_are_confirmed() -> None:
    document = json.loads(small_schema().source)
    assert not list(open_guesses(small_schema()))
    document["fields"][2]["creditfusion"]["guess"] = "feature: a number"
    document["creditfusion"]["derived"][0]["guess"] = "drafted"
    (found,) = open_guesses(parse_schema(json.dumps(document), "drafted"))
    assert "2 unconfirmed notes of `schema infer`, on income and burden." in found.sentence


def test_without_dates_a_held_out_share_is_suggested(tmp_path: Path) -> None:
    dated = book(tmp_path)
    undated = Applications(dated.schema, dated.frame.drop(columns="asked"), dated.row_number)
    split = NOTHING.split(undated, 0)
    (found,) = nothing_held_out(undated, split)
    assert "--holdout 0.3" in found.remedy
    assert not list(nothing_held_out(dated, split))
    assert not list(nothing_held_out(undated, replace(split, held_out=np.array([3]))))
    assert isinstance(split, Split)
