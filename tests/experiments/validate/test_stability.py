"""The chapter on stability, with a small model on the demo's data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data_schemas.fields import Role
from data_schemas.reader import load_schema
from experiments.demo.data import generate
from experiments.reporting.document import Finding, Gap, Interval
from experiments.session.run import Run
from experiments.train.decided import read_decided
from experiments.train.job import TrainingFiles, train_bundle
from experiments.validate.chapters.stability import chapter as stability
from experiments.validate.chapters.stability.chapter import chapter
from experiments.validate.chapters.stability.shift import pd_range, shifts
from experiments.validate.scored_outcomes import ScoredOutcomes, score_outcomes
from experiments.validate.slices import month_cut
from features.design import Design, TabularBlock
from features.tables.reader import ReadOptions, read_all
from fusion.bundle import load
from fusion.config_file import load_config
from fusion.scorer import Scorer
from fusion.text_encoder import open_text_encoder
from fusion.validation.intervals import Estimate, rate
from fusion.validation.psi import StabilityIndex, psi_of, psi_of_levels
from fusion.validation.text_drift import drift
from fusion.validation.vintages import Vintage
from tests.support.bundles import SMALL
from tests.support.designs import silent
from tests.support.sections import drawings, findings, tables
from tests.support.tiny_bert import tiny_bert

N = 600


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> ScoredOutcomes:
    folder = tmp_path_factory.mktemp("stability")
    generate(900, 1).table.to_csv(folder / "past.csv", index=False)
    generate(N, 5).table.to_csv(folder / "decided.csv", index=False)
    config = load_config(None, [f"encoder.source='{tiny_bert(folder / 'encoder')}'", *SMALL])
    encoder = open_text_encoder(config.encoder)
    schema, options = load_schema("demo"), ReadOptions(need_target=True)
    with Run.start("train", None, {}) as run:
        files = TrainingFiles((folder / "past.csv",), folder / "model")
        train_bundle(read_decided(schema, files.data, options, run), files, config, encoder, run, quick=True)
        scorer = Scorer(load(folder / "model"), encoder, threads=1)
        applications = read_all(folder / "decided.csv", schema, options).applications
        return score_outcomes(scorer, applications, run)


def first(scored: ScoredOutcomes, n: int) -> ScoredOutcomes:
    """The first rows."""
    rows = np.arange(N) < n
    return replace(
        scored,
        applications=scored.applications.take(rows),
        design=scored.design.take(np.flatnonzero(rows)),
        margins=scored.margins.at(rows),
        y=scored.y[rows],
        decision=scored.decision[:n],
        quality=scored.quality[:n],
    )


def with_dates(scored: ScoredOutcomes, change: Callable[[pd.Series], pd.Series]) -> ScoredOutcomes:
    frame = scored.applications.frame.copy()
    field = scored.applications.schema.field_of(Role.DECISION_DATE)
    assert field is not None
    frame[field.name] = change(frame[field.name])
    return replace(scored, applications=replace(scored.applications, frame=frame))


def with_columns(scored: ScoredOutcomes, change: Callable[[TabularBlock], TabularBlock]) -> ScoredOutcomes:
    return replace(scored, design=Design(change(scored.design.tabular), scored.design.text))


def test_figures_are_those_of_the_bundle_and_the_rows(scored: ScoredOutcomes) -> None:
    found = chapter(scored)
    population, now = scored.model.bundle.population, scored.design.tabular
    rows = {row[0]: row for row in tables(found)["stability_columns"].rows}
    score = psi_of(population.margin, scored.margin)
    assert rows["Score"][1:3] == (score.value, score.chance)
    schema = scored.applications.schema
    for at, name in enumerate(now.cat_names):
        psi = psi_of_levels(population.columns.x_cat[:, at], now.x_cat[:, at])
        assert rows[schema[name].title][1:4] == (psi.value, psi.chance, psi.verdict)
    n_columns = len(now.num_names) + len(now.cat_names)
    assert len(rows) == 1 + n_columns
    weights = [row[4] for row in rows.values() if isinstance(row[4], float)]
    assert len(weights) == n_columns
    assert sum(weights) <= 1 + 1e-9  # narratives have the rest
    indices = [row[1] for row in list(rows.values())[1:] if isinstance(row[1], float)]
    assert indices == sorted(indices, reverse=True)
    (one, other) = drift(scored.model.bundle.reference, scored.design.text)
    assert [row[1] for row in tables(found)["stability_content"].rows] == [one.greatest, other.greatest]
    cells = tables(found)["stability_score"].rows
    assert len(cells) == 10
    assert sum(row[2] for row in cells if isinstance(row[2], float)) == pytest.approx(1)


def test_one_population_is_called_stable(scored: ScoredOutcomes) -> None:
    found = findings(chapter(scored))
    assert found["stability_score"].grade == "good"
    assert found["stability_columns"].grade == "good"
    assert found["stability_narratives"].grade == "good"
    assert found["stability_months"].grade == "good"


def test_by_month_it_is_the_psi_of_the_months_rows(scored: ScoredOutcomes) -> None:
    months = month_cut(scored)
    assert months is not None
    moved = shifts(scored, months)
    population, now = scored.model.bundle.population, scored.design.tabular
    by_key = {one.key: one for one in moved.columns}
    for at, part in enumerate(months.slices):
        assert moved.score.months[at].value == pytest.approx(psi_of(population.margin, scored.margin[part.rows]).value)
        for column, name in enumerate(now.num_names):
            wanted = psi_of(population.columns.x_num[:, column], now.x_num[part.rows, column])
            assert by_key[name].months[at].value == pytest.approx(wanted.value)
            assert by_key[name].months[at].chance == pytest.approx(wanted.chance)


def test_vintages_are_the_months_outcomes(scored: ScoredOutcomes) -> None:
    rows = tables(chapter(scored))["stability_vintages"].rows
    months = scored.months
    assert months is not None
    assert sum(int(row[1]) for row in rows if isinstance(row[1], int)) == N
    for row in rows:
        own = months == np.datetime64(str(row[0]))
        wanted = rate(float(scored.y[own].sum()), int(own.sum()))
        assert row[2] == Interval(value=wanted.value, low=wanted.low, high=wanted.high)
        assert isinstance(row[3], Interval)
        assert row[3].value == pytest.approx(scored.pd[own].mean())
        assert isinstance(row[5], Interval)
        assert row[5].value == pytest.approx(scored.approved[own].mean())


def test_shifted_scores_and_columns_are_called_out(scored: ScoredOutcomes) -> None:
    margins = replace(scored.margins, fused=scored.margins.fused + 1.5)
    moved = with_columns(replace(scored, margins=margins), lambda block: replace(block, x_num=block.x_num * 3))
    found = findings(chapter(moved))
    assert found["stability_score"].grade == "concern"
    assert "no longer the applicants" in found["stability_score"].title
    assert found["stability_columns"].grade == "concern"
    assert "lean" in found["stability_columns"].title
    assert found["stability_months"].grade == "concern"


def test_a_level_that_took_over_is_named(scored: ScoredOutcomes) -> None:
    home = scored.design.tabular.cat_names.index("home")

    def all_rent(block: TabularBlock) -> TabularBlock:
        codes = block.x_cat.copy()
        codes[:, home] = 1 + scored.model.bundle.tabular.levels["home"].index("rent")
        return replace(block, x_cat=codes)

    found = chapter(with_columns(scored, all_rent))
    worst = tables(found)["stability_columns"].rows[1]
    assert worst[3] == "shifted"
    assert str(worst[5]).startswith("rent: ")
    assert str(worst[5]).endswith("→ 100.0\u202f%")
    assert "rent: " in findings(found)["stability_columns"].words


def test_all_narratives_missing(scored: ScoredOutcomes) -> None:
    found = chapter(replace(scored, design=silent(scored.design)))
    assert all(row[2] == 0 for row in tables(found)["stability_written"].rows)
    for row in tables(found)["stability_content"].rows:
        assert row[1] == row[2] == row[4] == Gap(gap="under 50 narratives")
        assert row[3] == "unknown"
    finding = findings(found)["stability_narratives"]
    assert finding.grade == "concern"
    assert "were not compared" in finding.words


def test_without_dates_there_is_no_finding_on_months(scored: ScoredOutcomes) -> None:
    found = chapter(with_dates(scored, lambda dates: pd.Series(np.full(len(dates), np.datetime64("NaT", "s")))))
    assert "stability_vintages" not in tables(found)
    assert "stability_months" not in drawings(found)
    assert findings(found)["stability_months"].title == "Stability over time is not known."
    assert "stability_vintages" not in findings(found)


def test_a_month_without_rows_is_a_gap(scored: ScoredOutcomes) -> None:
    days = np.where(np.arange(N) % 2, np.datetime64("2024-01-10", "s"), np.datetime64("2024-03-10", "s"))
    found = chapter(with_dates(scored, lambda dates: pd.Series(days, index=dates.index)))
    table = tables(found)["stability_months"]
    assert [column.title for column in table.columns[1:]] == ["2024-01", "2024-02", "2024-03"]
    assert all(row[2] == Gap(gap="no row") for row in table.rows)
    assert tables(found)["stability_vintages"].rows[1] == ("2024-02", 0, *[Gap(gap="no row")] * 4)
    assert "No decision falls into 2024-02" in findings(found)["stability_months"].words
    assert "stability_months" in drawings(found)


def test_many_months_keep_the_table_narrow(scored: ScoredOutcomes) -> None:
    every = (np.datetime64("2018-01") + np.arange(N) % 40).astype("datetime64[s]")
    found = chapter(with_dates(scored, lambda dates: pd.Series(every, index=dates.index)))
    table = tables(found)["stability_months"]
    assert len(table.columns) == 13
    assert table.columns[-1].title == "2021-04"
    assert "28 earlier ones" in table.note
    assert len(tables(found)["stability_vintages"].rows) == 40
    assert findings(found)["stability_months"].grade == "good"  # a few of forty small months exceed chance


@pytest.mark.parametrize("n", [1, 10])
def test_a_handful_of_rows_is_within_chance(scored: ScoredOutcomes, n: int) -> None:
    found = chapter(first(scored, n))
    grades = {finding.key: finding.grade for finding in found.findings}
    assert "concern" not in grades.values()
    assert grades["stability_score"] == "note"
    assert "too few rows" in findings(found)["stability_score"].title


def vintage(name: str, n_bad: int, n: int, pd: float) -> Vintage:
    return Vintage(name, n, n_bad, rate(n_bad, n), Estimate(pd, pd, pd), Estimate(600, 600, 600), rate(n // 2, n))


def vintages_finding(*grown: Vintage) -> Finding:
    (found,) = stability._vintages(grown)
    return found


def test_a_single_month_can_be_off() -> None:
    found = vintages_finding(vintage("2011-01", 300, 1000, 0.1))
    assert (found.grade, found.title) == ("note", "In 1 of 1 month the bad rate was not as predicted.")
    assert "In 2011-01 it is more than chance" in found.words
    assert "runs from" not in found.words
    assert vintages_finding(vintage("2011-01", 100, 1000, 0.1)).grade == "good"


def test_one_month_of_many_that_is_far_off_is_reported() -> None:
    right = [vintage(f"2011-{month:02}", 100, 1000, 0.1) for month in range(2, 13)]
    assert vintages_finding(*right).grade == "good"
    far = vintages_finding(vintage("2011-01", 150, 1000, 0.1), *right)
    assert (far.grade, far.title) == ("note", "In 1 of 12 months the bad rate was not as predicted.")
    assert "In 2011-01 it is more than chance" in far.words
    near = vintages_finding(vintage("2011-01", 121, 1000, 0.1), *right)
    assert near.grade == "note"
    assert "So few may be chance." in near.words


def test_narratives_within_chance_are_not_called_unchanged(scored: ScoredOutcomes) -> None:
    moved = shifts(scored, None)
    text = replace(moved.texts[0], index=StabilityIndex(0.15, 0.2))
    narratives = [replace(moved.narratives[0], written=text), *moved.narratives[1:]]
    (found,) = stability._narratives(replace(moved, narratives=tuple(narratives)))
    assert found.grade == "note"
    assert found.title == "There are too few narratives to say whether they moved."


def test_pictures_are_the_same_twice(scored: ScoredOutcomes) -> None:
    assert drawings(chapter(scored)) == drawings(chapter(scored))


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (-math.inf, 0.0, "up to 50.0\u202f%"),
        (0.0, math.inf, "above 50.0\u202f%"),
        (-math.log(9), 0.0, "above 10.0\u202f% to 50.0\u202f%"),
        (-math.inf, math.inf, "any"),
    ],
)
def test_margins_read_as_pds(low: float, high: float, wanted: str) -> None:
    assert pd_range(low, high) == wanted
