"""The chapter on calibration, with hand-made margins: right, shifted, stretched, and degenerate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, log_expit
from scipy.stats import beta, chi2
from sklearn.metrics import brier_score_loss

from experiments.reporting.document import Cell, Finding, Gap, Interval, Section, Table
from experiments.validate.chapters.calibration.chapter import bands_of, chapter
from experiments.validate.chapters.calibration.tables import band_name
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.slices import Cut, Slice, month_cut, segment_cuts
from features.arrays import Floats
from fusion.validation.score_bands import band_edges
from tests.support import sections
from tests.support.scored_outcomes import Rows, drawn, scored_of, some_margins
from tests.support.sections import drawings, tables

N = 3000
TRUTH = some_margins(N, 1)
OUTCOME = drawn(TRUTH, 1)


def whole_chapter(scored: ScoredOutcomes) -> Section:
    return chapter(scored, segment_cuts(scored, ["home"]), month_cut(scored))


def scored_at(margin: Floats) -> ScoredOutcomes:
    """Rows whose PDs are those of ``margin``, whatever their true ones."""
    return scored_of(OUTCOME, margin)


def findings(found: Section) -> dict[str, Finding]:
    return {key.removeprefix("calibration_"): finding for key, finding in sections.findings(found).items()}


def by_first(table: Table) -> dict[Cell, tuple[Cell, ...]]:
    return {row[0]: row[1:] for row in table.rows}


def test_right_pds_are_called_right() -> None:
    found = findings(whole_chapter(scored_at(TRUTH)))
    assert {key: finding.grade for key, finding in found.items()} == {
        "level": "good",
        "slope": "good",
        "tests": "good",
        "bands": "good",
        "order": "good",
        "slices": "good",
    }


def test_low_and_stretched_pds_are_called_out_in_words() -> None:
    found = findings(whole_chapter(scored_at(2.0 * TRUTH - 1.0)))
    assert found["level"].grade == "alarm"
    assert found["level"].title == "The PDs are too low."
    assert "Losses are under-estimated by" in found["level"].words
    assert found["slope"].grade == "concern"
    assert "High PDs are too high, low PDs too low" in found["slope"].words
    assert found["bands"].grade == "alarm"
    assert "Chance alone would bring about 0.5 of 10" in found["bands"].words
    assert found["slices"].grade == "concern"
    assert found["tests"].grade == "note"
    assert "Hosmer-Lemeshow p < 0.001 and Spiegelhalter p < 0.001" in found["tests"].words


def test_pds_a_log_odd_too_low() -> None:
    scored = scored_at(TRUTH - 1.0)
    found = findings(whole_chapter(scored))
    assert [found[key].grade for key in ("level", "slope", "bands")] == ["alarm", "good", "alarm"]
    expected, came = 100 * scored.pd.mean(), 100 * scored.y.mean()
    assert f"It expects {expected:.1f}\u202f% to default; {came:.1f}\u202f% did" in found["level"].words
    assert f"under-estimated by {100 * (came - expected) / came:.0f}\u202f%" in found["level"].words


def test_pds_a_log_odd_too_high() -> None:
    found = findings(whole_chapter(scored_at(TRUTH + 1.0)))
    assert found["level"].grade == "alarm"
    assert "over-estimated" in found["level"].words
    assert found["bands"].grade == "good"
    assert "bands the PD is too high" in found["bands"].words


def test_a_little_off_is_no_alarm() -> None:
    found = findings(whole_chapter(scored_at(TRUTH - 0.2)))
    assert found["level"].grade == "concern"
    assert "more than chance" in found["level"].words


@pytest.mark.parametrize(("scale", "title"), [(2.0, "over-confident"), (0.5, "too cautious")])
def test_slope_in_words(scale: float, title: str) -> None:
    found = findings(whole_chapter(scored_at(scale * TRUTH)))
    assert found["slope"].grade == "concern"
    assert title in found["slope"].title


def test_pds_that_run_against_the_risk() -> None:
    found = findings(whole_chapter(scored_at(-TRUTH - 3.0)))
    assert found["slope"].grade == "alarm"
    assert found["order"].grade == "concern"
    assert "more than chance" in found["order"].words


def test_a_segment_that_is_off_among_many() -> None:
    home = np.where(np.arange(N) % 5 == 0, "own", "rent").astype(object)
    margin = np.where(home == "own", TRUTH - 1.5, TRUTH)
    found = findings(whole_chapter(scored_of(OUTCOME, margin, Rows(home=home.tolist()))))
    assert found["slices"].grade == "concern"
    assert "own" in found["slices"].words
    assert "Bonferroni" in found["slices"].words


def test_figures_are_those_of_the_rows() -> None:
    scored = scored_at(TRUTH)
    rows = by_first(tables(whole_chapter(scored))["calibration_overall"])
    (brier,) = rows["Brier score"]
    assert isinstance(brier, Interval)
    assert brier.value == pytest.approx(brier_score_loss(scored.y, scored.pd))
    parts = [value for name, (value,) in rows.items() if str(name).startswith(("of it", "less", "plus"))]
    numbers = [part for part in parts if isinstance(part, float)]
    assert numbers[0] - numbers[1] + numbers[2] + numbers[3] == pytest.approx(brier.value)
    (gap,) = rows["Mean PD less bad rate"]
    assert isinstance(gap, Interval)
    assert gap.value == pytest.approx(scored.pd.mean() - scored.y.mean())


def test_bands_are_those_of_training() -> None:
    scored, score = scored_at(TRUTH), scored_at(TRUTH).model.bundle.model.scores
    edges = band_edges(score(some_margins(4000)).score)
    assert [band.low for band in bands_of(scored)[1:]] == list(edges)
    assert [band.low for band in bands_of(scored_at(TRUTH - 2.0))[1:]] == list(edges)
    rows = tables(whole_chapter(scored))["score_bands"].rows
    assert rows[0][0] == f"up to {edges[0]:.0f}"
    assert rows[-1][0] == f"{edges[-1]:.0f} and more"
    first = score(TRUTH).score < edges[0]
    n, n_bad = int(first.sum()), int(OUTCOME[first].sum())
    assert rows[0][1:3] == (n, n_bad)
    # the European Central Bank's form of the test, from scipy
    assert rows[0][5] == pytest.approx(beta(n_bad + 0.5, n - n_bad + 0.5).cdf(expit(TRUTH[first]).mean()))


def test_a_rise_that_may_be_chance_is_a_note() -> None:
    few = scored_of(OUTCOME[:150], TRUTH[:150])
    order = findings(whole_chapter(few))["order"]
    assert order.grade == "note"
    assert "may be chance" in order.words


def test_one_band_has_a_name() -> None:
    (band,) = [replace(bands_of(scored_at(TRUTH))[0], high=np.inf)]
    assert band_name(band) == "all scores"


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_class_is_no_proof(value: float) -> None:
    scored = scored_of(np.full(400, value), TRUTH[:400])
    found = whole_chapter(scored)
    level = findings(found)["level"]
    assert level.grade == "alarm"
    assert "are all outcomes known" in level.words
    assert findings(found)["slope"].grade == "note"
    assert isinstance(by_first(tables(found)["calibration_overall"])["Calibration slope, 1 at best"][0], Gap)


def test_a_constant_score() -> None:
    found = whole_chapter(scored_at(np.full(N, -1.3)))
    assert findings(found)["slope"].grade == "note"
    assert len(tables(found)["reliability"].rows) == 1
    (empty, *_) = [row for row in tables(found)["score_bands"].rows if row[1] == 0]
    assert empty[3:] == (Gap(gap="no row"),) * 4


@pytest.mark.parametrize("pd", [0.0, 0.5, 1.0])
def test_pds_without_variance(pd: float) -> None:
    margin = np.full(40, {0.0: -800.0, 0.5: 0.0, 1.0: 800.0}[pd])
    rows = by_first(tables(whole_chapter(scored_of(OUTCOME[:40], margin)))["calibration_tests"])
    assert isinstance(rows["Spiegelhalter, without groups"][0], Gap)
    assert isinstance(rows["Hosmer and Lemeshow, ten groups by PD"][0], float if pd == 0.5 else Gap)


def test_ten_rows_say_little() -> None:
    found = whole_chapter(scored_of(OUTCOME[:10], TRUTH[:10]))
    assert findings(found)["level"].grade == "note"
    assert "says little" in findings(found)["level"].words


def test_no_row() -> None:
    found = chapter(scored_of(OUTCOME[:0], TRUTH[:0]), [], None)
    assert findings(found)["level"].grade == "alarm"
    assert [plot.gap for plot in found.plots] == ["There is no row."]
    assert all(isinstance(row[1], Gap) for row in tables(found)["calibration_overall"].rows)


def test_a_segment_without_bads_and_a_month_without_rows() -> None:
    asked = np.where(np.arange(N) % 2, np.datetime64("2024-01-05"), np.datetime64("2024-03-05"))
    home = np.where((OUTCOME == 0) & (np.arange(N) % 4 == 0), "own", "rent")
    found = whole_chapter(scored_of(OUTCOME, TRUTH, Rows(home=home.tolist(), asked=asked)))
    months = by_first(tables(found)["calibration_by_decision_month"])
    assert months["2024-02"] == (0, 0, *[Gap(gap="no row")] * 7)
    assert "calibration_by_month" in drawings(found)
    own = by_first(tables(found)["calibration_by_home"])["own"]
    assert own[1] == 0
    assert isinstance(own[3], Interval)
    assert own[3].value == 0.0
    assert own[5:] == (Gap(gap="under 10 of a kind"),) * 4


def test_a_slice_has_the_figures_of_its_rows() -> None:
    found = whole_chapter(scored_at(2.0 * TRUTH - 1.0))
    own = np.arange(N) % 2 == 1
    y, margin = OUTCOME[own], (2.0 * TRUTH - 1.0)[own]
    slope, intercept, error, p = by_first(tables(found)["calibration_by_home"])["own"][5:]

    def lost(line: Floats) -> float:
        along = line[0] * margin + line[1]
        return float(-np.sum(y * log_expit(along) + (1 - y) * log_expit(-along)))

    # Cox's line by general-purpose maximization, bins of 150 rows by sorting
    fitted = minimize(lost, np.array([1.0, 0.0]), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).x
    assert isinstance(slope, Interval)
    assert isinstance(intercept, Interval)
    assert [slope.value, intercept.value] == pytest.approx(fitted, abs=1e-6)
    bins = np.argsort(margin).reshape(10, -1)
    mean_pd, bad_rate = expit(margin)[bins].mean(axis=1), y[bins].mean(axis=1)
    assert error == pytest.approx(np.abs(mean_pd - bad_rate).mean())
    statistic = np.sum(150 * (bad_rate - mean_pd) ** 2 / (mean_pd * (1 - mean_pd)))
    assert p == pytest.approx(chi2.sf(statistic, 10))


def test_a_slice_with_one_pd_has_no_slope() -> None:
    own = by_first(tables(whole_chapter(scored_at(np.full(N, -1.3))))["calibration_by_home"])["own"]
    assert own[5:7] == (Gap(gap="one PD, or perfect separation"),) * 2
    assert all(isinstance(cell, float) for cell in own[7:])


def test_no_month_has_rows() -> None:
    scored = scored_at(TRUTH)
    empty = Cut("month", "Month of decision", (Slice("2024-01", np.zeros(N, np.bool_)),))
    found = chapter(scored, [], empty)
    assert [plot.gap for plot in found.plots] == ["", "There is no row."]
    assert set(drawings(found)) == {"reliability"}


def test_pictures_are_the_same_each_time() -> None:
    scored = scored_at(TRUTH)
    assert drawings(whole_chapter(scored)) == drawings(whole_chapter(scored))
