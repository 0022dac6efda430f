"""Cross-validation of settings, the objective of a sweep: every row is scored by a model that was not trained on it.

Random folds validate on all rows, in one fit. Time-ordered folds validate on newer rows by models of all rows decided
before: closer to use, but it takes several fits, and only the newer rows are scored.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from data_schemas.errors import ContractError
from features.arrays import Dates, Flags, Floats, Index, Ints
from fusion.config import Config
from fusion.metrics import auc, both_classes, delong, figures
from fusion.model.fusion_model import FusionModel, Margins
from fusion.model.training import Watch, fit
from fusion.model.training_sample import TrainingSample

Folds = Literal["random", "time"]
TIME_FOLDS_ONLY = "folds.half_life_years"
"""How much old decisions count: random folds, which score old and new rows alike, would always choose "as much"."""

VALIDATION_SHARE = 0.5  # of the rows, the newest: validation rows of time-ordered folds
NEWEST_SHARE = 0.2  # of the rows: those behind the figures of the newest rows


@dataclass(frozen=True)
class CrossValidated:
    """Margins of rows by models that were not trained on them.

    Attributes:
        rows: positions in the sample, (m,).
        y: float64 (m,), outcomes, 1 bad.
        margins: of the fused model and its ablations.
        newest: bool (m,), the rows decided last; None without dates.
        model: the model fitted last.
    """

    rows: Index
    y: Floats
    margins: Margins
    newest: Flags | None
    model: FusionModel

    def figures(self) -> dict[str, float]:
        """Headline figures by name; rows count alike, whatever their weight in training.

        With random folds the calibration slope is 1 by construction, because the blend's line was fitted on these rows;
        only ``slope_newest`` says something about calibration then.
        """
        fused, columns = figures(self.y, self.margins.fused), auc(self.y, self.margins.columns_only)
        gain = delong(self.y, self.margins.fused, self.margins.columns_only)
        found = {name: getattr(fused, name) for name in ("log_loss", "auc", "ks", "brier", "slope")}
        found |= {"auc_columns_only": columns, "text_gain": gain.difference}
        if self.newest is not None:
            last = figures(self.y[self.newest], self.margins.fused[self.newest])
            found |= {"auc_newest": last.auc, "slope_newest": last.slope}
        return found


def cross_validate(
    sample: TrainingSample, config: Config, folds: Folds, watch: Watch = lambda _n, _y, _margin: None
) -> CrossValidated:
    """Train with these settings and score every validation row by a model that was not trained on it.

    With random folds all rows are validated, in one fit. With time-ordered folds each block of newer rows is scored by
    a model of all rows decided before it; rows that share a group with one of these are left out, and rows without a
    date neither train nor validate. The levels of categories are those of the whole sample: a model of older rows has a
    code for a level that only newer rows show, but nothing learned about it.

    Args:
        sample: training rows.
        config: settings; ``folds.n_folds`` folds.
        folds: how rows are split.
        watch: called after each fold, as by ``fusion.model.training.fit``.

    Raises:
        ContractError: as ``fit`` and ``forward_blocks`` do.
    """
    if folds == "time":
        return _forward(sample, config, watch)
    model, margins = fit(sample, config, watch=watch)
    return CrossValidated(np.arange(len(sample)), sample.y, margins, newest_rows(sample.decided), model)


def time_blocks(decided: Dates | None, n_blocks: int) -> list[Dates]:
    """First day of each validation block, and the day after the last: whole days, about equally many rows in each.

    Raises:
        ContractError: without dates, or with too few different ones.
    """
    if decided is None or np.isnat(decided).all():
        raise ContractError(
            "time-ordered folds need decision dates, and these rows have none",
            "Give one field of the schema the role decision_date, or use random folds.",
        )
    days = decided[~np.isnat(decided)].astype("datetime64[D]")
    shares = np.linspace(1.0 - VALIDATION_SHARE, 1.0, n_blocks + 1)
    edges = np.quantile(days.astype(np.int64), shares, method="nearest").astype("datetime64[D]")
    edges[-1] += 1
    if len(np.unique(edges)) <= n_blocks or edges[0] <= days.min():
        raise ContractError(
            f"the decision days are too few for {n_blocks} time-ordered folds",
            "Use random folds, or lower folds.n_folds.",
        )
    return list(edges)


@dataclass(frozen=True)
class Block:
    """One block of days of time-ordered folds.

    Attributes:
        training: positions of the rows decided before it.
        validation: positions of the rows in it that share no group with one of these.
    """

    training: Index
    validation: Index


def forward_blocks(y: Floats, groups: Ints, decided: Dates | None, n_blocks: int) -> list[Block]:
    """The training and validation rows of time-ordered folds.

    Raises:
        ContractError: as ``time_blocks`` does, and where the validation rows are none or of one class.
    """
    found = []
    for first, after in pairwise(time_blocks(decided, n_blocks)):
        assert decided is not None
        training = decided < first
        validation = (decided >= first) & (decided < after) & ~np.isin(groups, groups[training])
        if not validation.any():
            raise ContractError(
                f"all rows from {first} on, before {after}, share an applicant or a narrative with older ones: "
                "time-ordered folds have nothing to judge there",
                "Use random folds, or lower folds.n_folds.",
            )
        found.append(Block(np.flatnonzero(training), np.flatnonzero(validation)))
    outcomes = y[np.concatenate([block.validation for block in found])]
    if not both_classes(outcomes):
        raise ContractError(
            f"time-ordered folds judge the newer half of the rows, and that holds {int(outcomes.sum())} bad of "
            f"{len(outcomes)} outcomes",
            "Use random folds, or add rows.",
        )
    return found


def newest_rows(decided: Dates | None) -> Flags | None:
    """bool (n,): the rows of the newest days, about ``NEWEST_SHARE`` of all; None without dates, or where the
    newest day alone holds more."""
    if decided is None or np.isnat(decided).all():
        return None
    days = np.where(np.isnat(decided), np.iinfo(np.int64).min, decided.astype("datetime64[D]").astype(np.int64))
    newest = days > np.quantile(days, 1.0 - NEWEST_SHARE)
    return newest if newest.any() else None


def _forward(sample: TrainingSample, config: Config, watch: Watch) -> CrossValidated:
    """Score each block by a model of all rows decided before it."""
    blocks = forward_blocks(sample.y, sample.groups, sample.decided, config.folds.n_folds)
    assert sample.decided is not None
    found: list[Margins] = []
    for number, block in enumerate(blocks, start=1):
        model, _ = fit(sample.take(block.training), config)
        found.append(model.margins(sample.design.take(block.validation)))
        rows = np.concatenate([one.validation for one in blocks[:number]])
        watch(number, sample.y[rows], np.concatenate([one.fused for one in found]))
    return CrossValidated(rows, sample.y[rows], Margins.joined(found), newest_rows(sample.decided[rows]), model)
