"""How good settings are, judged by decisions that the judged parts never saw: the objective of a sweep.

Random folds judge every row out of fold, in one fit. Time-ordered folds judge what was decided later by models of all
that was decided before: closer to use, several fits, and only the newer rows are judged.
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
from fusion.model.training import TrainingSample, Watch, fit

Folds = Literal["random", "time"]
TIME_FOLDS_ONLY = "folds.half_life_years"
"""How much old decisions count: random folds, which judge old and new rows alike, would always say "as much"."""

VALIDATION_SHARE = 0.5  # of the rows, the newest: what time-ordered folds judge
NEWEST_SHARE = 0.2  # of the rows: what the figures of the newest are of


@dataclass(frozen=True)
class CrossValidated:
    """What a config's models say of rows that they never saw.

    rows: positions in the sample, (m,). y: their outcomes. margins: of the fused model and its ablations. newest:
    which of them were decided last, bool (m,); None without dates. model: the one fitted last.
    """

    rows: Index
    y: Floats
    margins: Margins
    newest: Flags | None
    model: FusionModel

    def figures(self) -> dict[str, float]:
        """Headline figures by name. With random folds the calibration slope is 1 by construction (the blend's line was
        fitted on these rows), and only ``slope_newest`` tells anything.
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
    """Train and judge by ``config.folds.n_folds`` folds. watch: told after each, as by ``fitting.fit``.

    Time-ordered folds leave out of the judged rows those that share a group with a row they would be judged by; rows
    without a date are not judged, and train nobody. The levels of categories are those of the whole sample: a model of
    older rows knows that a newer level exists, though nothing of it.

    Raises ContractError as ``fit`` and ``forward_blocks`` do.
    """
    if folds == "time":
        return _forward(sample, config, watch)
    model, margins = fit(sample, config, watch=watch)
    return CrossValidated(np.arange(len(sample)), sample.y, margins, newest_rows(sample.decided), model)


def time_blocks(decided: Dates | None, n_blocks: int) -> list[Dates]:
    """First day of each block of the newest ``VALIDATION_SHARE`` of the rows, and the day after the last: whole days,
    about equally many rows.

    Raises ContractError without dates, or with too few different ones.
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
    """A stretch of days of time-ordered folds. earlier: positions of the rows decided before it. judged: of those in
    it that share no group with one of them.
    """

    training: Index
    validation: Index


def forward_blocks(y: Floats, groups: Ints, decided: Dates | None, n_blocks: int) -> list[Block]:
    """What time-ordered folds judge, and by what.

    Raises ContractError as ``time_blocks`` does, and where what is to be judged is empty or of one class.
    """
    found = []
    for first, after in pairwise(time_blocks(decided, n_blocks)):
        assert decided is not None
        earlier = decided < first
        own = (decided >= first) & (decided < after) & ~np.isin(groups, groups[earlier])
        if not own.any():
            raise ContractError(
                f"all rows from {first} on, before {after}, share an applicant or a narrative with older ones: "
                "time-ordered folds have nothing to judge there",
                "Use random folds, or lower folds.n_folds.",
            )
        found.append(Block(np.flatnonzero(earlier), np.flatnonzero(own)))
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
    """Every block judged by a model of all rows decided before it."""
    blocks = forward_blocks(sample.y, sample.groups, sample.decided, config.folds.n_folds)
    assert sample.decided is not None
    found: list[Margins] = []
    for number, block in enumerate(blocks, start=1):
        model, _ = fit(sample.take(block.training), config)
        found.append(model.margins(sample.design.take(block.validation)))
        rows = np.concatenate([one.validation for one in blocks[:number]])
        watch(number, sample.y[rows], np.concatenate([one.fused for one in found]))
    return CrossValidated(rows, sample.y[rows], Margins.joined(found), newest_rows(sample.decided[rows]), model)
