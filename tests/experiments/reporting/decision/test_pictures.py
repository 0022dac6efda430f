"""Where the marks of the pictures stand."""

from __future__ import annotations

import math

import pytest

from experiments.reporting.decision import pictures
from tests.support import example_reports


def test_the_score_is_where_the_steps_end() -> None:
    report = example_reports.underwriter()
    fall = pictures.waterfall(report)
    assert report.starting_score + math.fsum(step.points for step in fall.steps) == pytest.approx(report.result.score)
    assert [step.n for step in fall.steps if step.kind == "others"] == [len(report.columns) - pictures.BARS]
    assert fall.steps[0].bar.start == fall.start
    assert fall.steps[-1].bar.end == fall.score
    for step, following in zip(fall.steps, fall.steps[1:], strict=False):
        assert step.bar.end == following.bar.start
    drawn = [abs(step.points) for step in fall.steps if step.kind == "column"]
    left = sorted(abs(column.points) for column in report.columns)[: -pictures.BARS]
    assert min(drawn) >= max(left)


def test_a_far_cut_off_does_not_squeeze_the_waterfall() -> None:
    report = example_reports.underwriter()
    far = report.cut_off.model_copy(update={"score": 900.0})
    assert pictures.waterfall(report.model_copy(update={"cut_off": far})).cut_off is None


@pytest.mark.parametrize("score", [100.0, 419.9, 420.0, 489.99, 490.0, 679.9, 680.0, 900.0])
def test_the_applicant_stands_in_one_bin(score: float) -> None:
    population = example_reports.population()
    picture = pictures.histogram(population, score, 507.0)
    (here,) = [column for column in pictures.bins(population, picture) if column.here]
    assert here.low <= min(max(score, population.edges[0]), population.edges[-1]) <= here.high
    assert here.low <= score or score < population.edges[0]
    assert sum(one.count for one in pictures.bins(population, picture)) == population.n
    assert 0 <= picture.score <= 100


@pytest.mark.parametrize(("low", "high", "most"), [(0.0, 1.0, 5), (-3.0, 997.0, 4), (480.2, 480.9, 6), (1e-6, 2e-6, 3)])
def test_ticks_are_few_and_inside(low: float, high: float, most: int) -> None:
    ticks = pictures.Axis(low, high).ticks(most)
    assert 1 <= len(ticks) <= most
    assert all(low <= tick <= high for tick in ticks)
