"""Rows by their day of decision: what --since and --until mean, for every command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from data_schemas.errors import ContractError
from features.arrays import Flags
from features.tables.applications import Applications


@dataclass(frozen=True)
class RowsSince:
    """The rows that were decided from a day on, and how many were not.

    Attributes:
        kept: bool (n,).
        n_before: rows decided before that day.
        n_undated: rows without a day of decision, which are not kept.
    """

    kept: Flags
    n_before: int = 0
    n_undated: int = 0


def rows_since(applications: Applications, since: date | None) -> RowsSince:
    """The rows decided on ``since`` or later; all of them for None.

    Raises:
        ContractError: where none was, or the file has no days of decision.
    """
    if since is None:
        return RowsSince(np.ones(len(applications), np.bool_))
    dates = _dates(applications, f"--since {since}", "--since")
    kept = np.asarray(dates >= np.datetime64(since, "s"), np.bool_)
    if not kept.any():
        raise ContractError(f"no row was decided from {since} on", "Choose an earlier --since.")
    n_undated = int(np.isnat(dates).sum())
    return RowsSince(kept, len(dates) - n_undated - int(kept.sum()), n_undated)


def rows_until(applications: Applications, until: date | None) -> Flags:
    """bool (n,): the rows decided on ``until`` or earlier; all of them for None.

    Raises:
        ContractError: where none was, or the file has no days of decision.
    """
    kept = decided_by(applications, until)
    if until is not None and not kept.any():
        raise ContractError(f"no row was decided up to {until}", "Choose a later --until.")
    return kept


def decided_by(applications: Applications, until: date | None) -> Flags:
    """The same for a part of the rows, of which none may have been decided by then.

    Raises:
        ContractError: where the file has no days of decision.
    """
    if until is None:
        return np.ones(len(applications), np.bool_)
    dates = _dates(applications, f"--until {until}", "--until")
    return np.asarray(dates < np.datetime64(until, "s") + np.timedelta64(1, "D"), np.bool_)


def _dates(applications: Applications, what: str, option: str) -> npt.NDArray[np.datetime64]:
    dates = applications.decision_date()
    if dates is None:
        raise ContractError(
            f"{what} needs decision dates, and schema {applications.schema.name!r} names no such column, or the file "
            "lacks it",
            f"Give one field the role decision_date, or leave {option} out.",
        )
    return dates
