"""Which of the decided rows a model learns from, and which judge it afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from data_schemas.errors import ContractError
from experiments.reporting.words import percent
from experiments.session.decision_dates import rows_until
from features.arrays import Flags, Index
from features.tables.applications import Applications
from fusion.model.folds import draw_groups, tied_groups

MOST_HELD_OUT = 0.5


@dataclass(frozen=True)
class Split:
    """The decided rows, divided.

    Attributes:
        learn: bool (n,), the rows to learn from.
        held_out: positions of the rows that judge the model.
        name: what the held-out rows are; "" for none.
    """

    learn: Flags
    held_out: Index
    name: str = ""


@dataclass(frozen=True)
class HoldOut:
    """What is held out: the rows after a day, a share of the rows at random, or nothing.

    Attributes:
        until: the last decision date to learn from.
        share: of the rows, at most ``MOST_HELD_OUT``.

    Raises:
        ContractError: for both, or a share out of its range.
    """

    until: date | None = None
    share: float | None = None

    def __post_init__(self) -> None:
        if self.until is not None and self.share is not None:
            raise ContractError(
                f"--until {self.until} and --holdout {self.share:g} both name the rows that judge the model",
                "Give --until where there are decision dates: newer rows are the harder test; else --holdout.",
            )
        if self.share is not None and not 0.0 < self.share <= MOST_HELD_OUT:
            raise ContractError(
                f"--holdout {self.share:g} is no share of the rows above 0 and up to {MOST_HELD_OUT:g}",
                "Give a share such as 0.3.",
            )

    def split(self, applications: Applications, seed: int) -> Split:
        """The rows divided. A drawn share never parts rows of one applicant or one narrative, and holds all kinds of
        outcome alike; narratives are those that the model reads, masked ones cut.

        Raises:
            ContractError: where no row is left to learn from, or to hold out; without decision dates for ``until``.
        """
        if self.share is None:
            learn = rows_until(applications, self.until)
            return Split(learn, later_rows(applications, learn), f"after {self.until}" if self.until else "")
        drawn = draw_groups(applications.outcome(), tied_groups(applications), self.share, seed)
        if not drawn.any():
            raise ContractError(
                f"--holdout {self.share:g} of {len(applications):,} rows, those of one applicant or narrative kept "
                "together, is no row",
                "Hold out a larger share, or add rows.",
            )
        return Split(~drawn, np.flatnonzero(drawn), f"held out {percent(self.share, 0)}")


NOTHING = HoldOut()


def later_rows(applications: Applications, learn: Flags) -> Index:
    """Positions of the rows decided after those to learn from; a row without a date is in neither."""
    dates = applications.decision_date()
    return np.flatnonzero(~learn if dates is None else ~learn & ~np.isnat(dates))


def window(applications: Applications, learn: Flags) -> tuple[str, str] | None:
    """First and last decision date of the training rows as ISO dates; None without any."""
    dates = applications.decision_date()
    if dates is None or np.isnat(dates[learn]).all():
        return None
    days = dates[learn & ~np.isnat(dates)].astype("datetime64[D]")
    return str(days.min()), str(days.max())
