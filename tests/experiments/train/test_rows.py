"""Which rows are learned from and which judge the model."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from data_schemas.errors import ContractError
from experiments.train.rows import NOTHING, HoldOut
from features.tables.applications import Applications
from fusion.model.folds import tied_groups
from tests.support.small import applications, row

COPIED = "I need the money for a new roof, because the old one has begun to leak, and winter is near."


@pytest.fixture
def decided(tmp_path: Path) -> Applications:
    """200 applications, a third of them bad; ten and ten share a narrative."""
    return applications(
        tmp_path,
        [
            row(id=str(i), outcome="bad" if i % 3 == 0 else "good", note=f"{COPIED} {i // 10}" if i < 100 else "A car.")
            for i in range(200)
        ],
        need_target=True,
    )


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_a_drawn_share_keeps_what_is_tied_together_and_holds_all_outcomes_alike(
    decided: Applications, share: float
) -> None:
    split = HoldOut(share=share).split(decided, 0)
    groups, y = tied_groups(decided), decided.outcome()
    assert not set(groups[split.learn]) & set(groups[split.held_out])
    assert sorted([*np.flatnonzero(split.learn), *split.held_out]) == list(range(200))
    assert share - 0.08 <= len(split.held_out) / 200 <= share
    assert abs(y[split.held_out].mean() - y.mean()) < 0.1
    assert split.name == f"held out {share:.0%}".replace("%", "\u202f%")


def test_the_seed_draws(decided: Applications) -> None:
    one, same, other = (HoldOut(share=0.3).split(decided, seed).held_out.tolist() for seed in (1, 1, 2))
    assert one == same != other


def test_rows_without_a_date_may_be_drawn_too(tmp_path: Path) -> None:
    rows = [row(id=str(i), asked="", outcome="bad" if i % 2 else "ok") for i in range(40)]
    undated = applications(tmp_path, rows, need_target=True)
    assert len(HoldOut(share=0.5).split(undated, 0).held_out) == 20


def test_without_an_order_nothing_is_held_out(decided: Applications) -> None:
    split = NOTHING.split(decided, 0)
    assert split.learn.all()
    assert not len(split.held_out)
    assert split.name == ""


@pytest.mark.parametrize("share", [0.0, -0.1, 0.51, 1.0, 30.0, float("nan")])
def test_a_share_out_of_its_range_is_refused(share: float) -> None:
    with pytest.raises(ContractError, match=r"is no share of the rows above 0 and up to 0\.5"):
        HoldOut(share=share)


def test_a_day_and_a_share_exclude_each_other() -> None:
    with pytest.raises(ContractError, match=r"--until 2024-03-31 and --holdout 0\.3 both name the rows"):
        HoldOut(date(2024, 3, 31), 0.3)


def test_a_share_too_small_for_any_row_is_refused(decided: Applications) -> None:
    with pytest.raises(ContractError, match=r"--holdout 0\.001 of 200 rows, .* is no row"):
        HoldOut(share=0.001).split(decided, 0)
