"""Which rows a model learned from, by fingerprint: figures on such rows are flattered."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.arrays import Flags
from features.tables.applications import Applications

Marks = npt.NDArray[np.uint64]
N_BYTES = 8  # of a row's fingerprint: a chance match among a million rows and a million is one in 18 million


@dataclass(frozen=True)
class TrainingRows:
    """Fingerprints of the rows that a model learned from, which only this model's salt can compare.

    A fingerprint is of a row's id and, where there is one, its day of decision, for some lenders number every file
    anew. It hides ids from a reader of the bundle, not from whoever can guess them: with an id in hand anybody may
    ask whether it took part.

    Attributes:
        marks: uint64 (n,), sorted; empty where rows cannot be recognised, as those of a data frame without ids.
    """

    marks: Marks

    @staticmethod
    def of(applications: Applications, salt: str) -> TrainingRows:
        """The fingerprints of these rows; the salt is the digest of the training data."""
        return TrainingRows(np.sort(_marks(applications, salt)))

    @staticmethod
    def unknown() -> TrainingRows:
        """For rows without ids of their own."""
        return TrainingRows(np.zeros(0, np.uint64))

    @property
    def known(self) -> bool:
        """Whether rows can be recognised at all."""
        return bool(len(self.marks))

    def among(self, applications: Applications, salt: str) -> Flags:
        """bool (n,): which of these rows the model learned from."""
        found: Flags = np.isin(_marks(applications, salt), self.marks)
        return found

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays by name, for a safetensors file."""
        return {"marks": self.marks}

    @staticmethod
    def from_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> TrainingRows:
        """What ``to_arrays`` gave."""
        return TrainingRows(arrays["marks"])


def _marks(applications: Applications, salt: str) -> Marks:
    """uint64 (n,), one per row."""
    dates = applications.decision_date()
    n = len(applications)
    days = [""] * n if dates is None else [str(day) for day in dates.astype("datetime64[D]")]
    texts = (f"{salt}\n{day}\n{name}".encode() for name, day in zip(applications.ids, days, strict=True))
    digests = b"".join(hashlib.sha256(text).digest()[:N_BYTES] for text in texts)
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64)
