"""The figures of slices in the chapter on discrimination, against scikit-learn and where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, precision_score, recall_score

from experiments.reporting.document import Cell, Gap, Interval, Table
from experiments.validate.chapters.discrimination.chapter import chapter
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.slices import month_cut, segment_cuts
from tests.support.scored_outcomes import Rows, drawn, scored_of, some_margins

N = 600
TRUTH = some_margins(N, 1)
OUTCOME = drawn(TRUTH, 1)
OWN = np.arange(N) % 2 == 1


def tables(scored: ScoredOutcomes) -> dict[str, Table]:
    found = chapter(scored, segment_cuts(scored, ["home"]), month_cut(scored))
    return {table.key: table for table in found.tables}


def cells(table: Table, name: str) -> dict[str, Cell]:
    (row,) = [row for row in table.rows if row[0] == name]
    return {column.key: cell for column, cell in zip(table.columns, row, strict=True)}


def value(cell: Cell) -> float:
    assert isinstance(cell, Interval)
    assert cell.low <= cell.value <= cell.high
    return cell.value


def test_figures_of_a_slice_are_those_of_its_rows() -> None:
    scored = scored_of(OUTCOME, TRUTH)
    found, y = tables(scored), OUTCOME[OWN]
    ranking = cells(found["by_home"], "own")
    assert value(ranking["average_precision"]) == pytest.approx(average_precision_score(y, TRUTH[OWN]))
    cutoff, flagged = cells(found["at_cutoff_home"], "own"), ~scored.approved[OWN]
    assert 0 < flagged.sum() < len(flagged)
    assert [cutoff[key] for key in ("n", "n_bad", "n_flagged")] == [len(y), y.sum(), flagged.sum()]
    of = {"accuracy": accuracy_score, "precision": precision_score, "recall": recall_score, "f1": f1_score}
    for key, score in of.items():
        assert value(cutoff[key]) == pytest.approx(score(y, flagged)), key


def test_months_have_both_tables() -> None:
    asked = np.where(np.arange(N) % 2, np.datetime64("2024-01-05"), np.datetime64("2024-03-05"))
    found = tables(scored_of(OUTCOME, TRUTH, Rows(asked=asked)))
    for key, n_gaps in (("by_decision_month", 6), ("at_cutoff_decision_month", 4)):
        assert [row[0] for row in found[key].rows] == ["2024-01", "2024-02", "2024-03"]
        assert found[key].rows[1][-n_gaps:] == (Gap(gap="no row"),) * n_gaps
        assert not any(isinstance(cell, Gap) for cell in found[key].rows[0])


def test_a_slice_of_goods_is_not_ranked() -> None:
    found = tables(scored_of(np.where(OWN, 0.0, OUTCOME), TRUTH))
    ranking, cutoff = cells(found["by_home"], "own"), cells(found["at_cutoff_home"], "own")
    assert [ranking[key] for key in ("auc", "ks", "average_precision")] == [Gap(gap="under 10 of a kind")] * 3
    assert cutoff["recall"] == Gap(gap="no bad")
    assert value(cutoff["precision"]) == 0.0


def test_a_slice_of_which_nobody_is_declined_has_no_precision() -> None:
    cutoff = cells(tables(scored_of(OUTCOME, np.where(OWN, -9.0, TRUTH)))["at_cutoff_home"], "own")
    assert cutoff["precision"] == Gap(gap="nobody is declined")
    assert value(cutoff["recall"]) == 0.0
