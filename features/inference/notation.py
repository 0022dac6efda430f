"""How a column writes its values, as the keys of a drafted field, and what about it has to be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.arrays import Flags, Floats, Ints

MAX_STRAY = 5
"""Distinct texts among numbers or dates that may still be codes for "missing"."""

Keys = Mapping[str, Any]


@dataclass(frozen=True)
class Texts:
    """The distinct texts of one column.

    Attributes:
        column: its name.
        texts: str objects (k,), distinct and not empty, the commonest first.
        counts: int64 (k,), how often each occurs.
        arrow: the texts as Arrow strings (k,).
    """

    column: str
    texts: npt.NDArray[np.object_]
    counts: Ints
    arrow: pa.StringArray

    def __len__(self) -> int:
        return len(self.texts)

    def where(self, keep: Flags) -> Texts:
        """Only some of them."""
        if keep.all():
            return self
        return Texts(self.column, self.texts[keep], self.counts[keep], self.arrow.filter(pa.array(keep)))

    def fits(self, values: Floats) -> bool:
        """Whether nearly all cells have a value, and the others are a few texts such as codes for "missing".

        Args:
            values: float64 (k,), NaN where a text has none.
        """
        strange = np.isnan(values)
        n_strange = int(strange.sum())
        if n_strange == 0:
            return len(self) > 0
        if n_strange > MAX_STRAY or 2 * n_strange >= len(self):
            return False
        if 2 * self.counts[strange].sum() > self.counts.sum():
            return False
        return not any(character.isdigit() for text in self.texts[strange] for character in text)


@dataclass(frozen=True)
class Notation:
    """How the values of a column are written.

    Attributes:
        values: float64 (k,) of each distinct text, NaN where it has none; numbers, or days since 1970-01-01.
        field_keys: keys of the drafted field, beside its type.
        own_keys: keys of its ``creditfusion`` object, beside its role.
        notes: what to know of the reading, as phrases.
        question: where several readings fit, what has to be found out, as a sentence; "" where one does.
        readings: these readings by what each is called, without a question of their own; empty where one fits.
    """

    values: Floats
    field_keys: Keys = field(default_factory=dict)
    own_keys: Keys = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    question: str = ""
    readings: Mapping[str, Notation] = field(default_factory=dict)


def distinct_texts(name: str, cells: pa.ChunkedArray) -> tuple[Texts, Ints]:
    """The distinct non-empty texts of cells, stripped, and int64 (n,) the place of each cell in them, -1 for empty."""
    coded = cells.combine_chunks().dictionary_encode()  # no work where it is coded
    places, found = coded.indices.to_numpy().astype(np.int64), coded.dictionary.cast(pa.string())
    stripped = pc.utf8_trim_whitespace(found)
    if not stripped.equals(found):  # two texts may be one now
        again = stripped.dictionary_encode()
        places, found = again.indices.to_numpy()[places].astype(np.int64), again.dictionary
    counts = np.bincount(places, minlength=len(found)).astype(np.int64)
    order = np.argsort(-counts, kind="stable")
    order = order[pc.not_equal(found, "").to_numpy(zero_copy_only=False)[order]]
    rank = np.full(len(found), -1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    found = found.take(pa.array(order))
    return Texts(name, found.to_numpy(zero_copy_only=False), counts[order], found), rank[places]
