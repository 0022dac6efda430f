"""The model's input: applications as arrays. ``Design`` checks its own shapes, so nothing downstream has to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from features.arrays import Flags, Floats32, Index


@dataclass(frozen=True)
class TabularBlock:
    """Structured columns as arrays.

    Attributes:
        x_num: float32 (n, n_num), NaN = missing; derived features are columns like any other.
        x_cat: int32 (n, n_cat), codes from 1; 0 = unknown or missing.
        num_names: names of the columns of ``x_num``.
        cat_names: names of the columns of ``x_cat``.
        n_levels: (n_cat,) number of codes of each, the 0 included.

    Raises:
        ValueError: where shapes, dtypes or names do not fit each other.
    """

    x_num: Floats32
    x_cat: npt.NDArray[np.int32]
    num_names: tuple[str, ...]
    cat_names: tuple[str, ...]
    n_levels: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.x_num.dtype != np.float32 or self.x_num.shape != (len(self), len(self.num_names)):
            raise ValueError(f"x_num must be float32 {(len(self), len(self.num_names))}, got {self.x_num.shape}")
        if self.x_cat.dtype != np.int32 or self.x_cat.shape != (len(self), len(self.cat_names)):
            raise ValueError(f"x_cat must be int32 {(len(self), len(self.cat_names))}, got {self.x_cat.shape}")
        if len(self.n_levels) != len(self.cat_names):
            raise ValueError(f"n_levels has {len(self.n_levels)} entries for {len(self.cat_names)} columns")

    def __len__(self) -> int:
        return len(self.x_num)

    def take(self, index: Index) -> TabularBlock:
        """The rows at these positions."""
        return TabularBlock(self.x_num[index], self.x_cat[index], self.num_names, self.cat_names, self.n_levels)


@dataclass(frozen=True)
class TextBlock:
    """Narrative columns as arrays.

    Attributes:
        x_text: float32 (n, n_narratives, dim), mean-pooled vectors; zero where there is no narrative.
        has_text: bool (n, n_narratives).
        x_lex: float32 CSR (n, n_narratives * n_buckets), 1 where a narrative holds a word of that hash bucket; one span
            of buckets per narrative column.
        names: narrative columns.
        x_style: float32 (n, n_narratives, n_style), how each narrative is written
            (``features.narratives.style.STYLE``), NaN where there is none; n_style is 0 unless style is read.

    Raises:
        ValueError: where shapes or dtypes do not fit each other.
    """

    x_text: Floats32
    has_text: Flags
    x_lex: sparse.csr_matrix
    names: tuple[str, ...]
    x_style: Floats32

    def __post_init__(self) -> None:
        shape = (len(self.x_text), len(self.names))
        if self.x_text.dtype != np.float32 or self.x_text.ndim != 3 or self.x_text.shape[:2] != shape:
            raise ValueError(f"x_text must be float32 {shape} by dim, got {self.x_text.shape}")
        if self.has_text.dtype != np.bool_ or self.has_text.shape != shape:
            raise ValueError(f"has_text must be bool {shape}, got {self.has_text.shape}")
        if self.x_lex.shape[0] != shape[0]:
            raise ValueError(f"x_lex must have {shape[0]} rows, got {self.x_lex.shape[0]}")
        if self.x_style.dtype != np.float32 or self.x_style.ndim != 3 or self.x_style.shape[:2] != shape:
            raise ValueError(f"x_style must be float32 {shape} by features, got {self.x_style.shape}")

    def __len__(self) -> int:
        return len(self.x_text)

    @staticmethod
    def empty(n: int) -> TextBlock:
        """``n`` rows with no narrative columns at all."""
        nothing = sparse.csr_matrix(np.zeros((n, 0), dtype=np.float32))
        vectors, has_text = np.zeros((n, 0, 0), dtype=np.float32), np.zeros((n, 0), dtype=np.bool_)
        return TextBlock(vectors, has_text, nothing, (), no_style(has_text))

    def take(self, index: Index) -> TextBlock:
        """The rows at these positions."""
        return TextBlock(self.x_text[index], self.has_text[index], self.x_lex[index], self.names, self.x_style[index])


def no_style(has_text: Flags) -> Floats32:
    """``TextBlock.x_style`` where style is not read: float32 (n, n_narratives, 0)."""
    return np.zeros((*has_text.shape, 0), dtype=np.float32)


@dataclass(frozen=True)
class InputGroup:
    """Inputs that are there together or not at all, such as what is made of the records of one source.

    Attributes:
        name: of the group.
        columns: numeric and level columns.
        narratives: narrative columns.
        fill: what stands for a missing number in the columns in which none was missing in training
            (``TabularEncoder.fill``).
    """

    name: str
    columns: tuple[str, ...]
    narratives: tuple[str, ...]
    fill: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Design:
    """All inputs of the model for n applications.

    Attributes:
        tabular: structured columns.
        text: narrative columns.

    Raises:
        ValueError: where the two hold different numbers of rows.
    """

    tabular: TabularBlock
    text: TextBlock

    def __post_init__(self) -> None:
        if len(self.tabular) != len(self.text):
            raise ValueError(f"{len(self.tabular)} tabular rows beside {len(self.text)} text rows")

    def __len__(self) -> int:
        return len(self.tabular)

    def take(self, index: Index) -> Design:
        """The rows at these positions."""
        return Design(self.tabular.take(index), self.text.take(index))

    def without(self, group: InputGroup) -> Design:
        """The same rows where everything of the group is missing: its numbers NaN or filled, its levels unknown, its
        narratives not written.
        """
        tabular, text = self.tabular, self.text
        x_num, x_cat = tabular.x_num.copy(), tabular.x_cat.copy()
        for at, name in enumerate(tabular.num_names):
            if name in group.columns:
                x_num[:, at] = group.fill.get(name, math.nan)
        x_cat[:, [name in group.columns for name in tabular.cat_names]] = 0
        gone = np.array([name in group.narratives for name in text.names], dtype=np.bool_)
        x_lex = text.x_lex.copy()
        x_lex.data[np.repeat(gone, x_lex.shape[1] // max(1, len(gone)))[x_lex.indices]] = 0.0
        x_lex.eliminate_zeros()
        unwritten = replace(
            text,
            x_text=np.where(gone[:, None], np.float32(0), text.x_text),
            has_text=text.has_text & ~gone,
            x_lex=x_lex,
            x_style=np.where(gone[:, None], np.float32(np.nan), text.x_style),
        )
        return Design(replace(tabular, x_num=x_num, x_cat=x_cat), unwritten)

    @staticmethod
    def concat(parts: Sequence[Design]) -> Design:
        """The rows of all parts, which share their columns; raises ValueError for no parts."""
        if not parts:
            raise ValueError("no parts to join")
        tabular, text = parts[0].tabular, parts[0].text
        return Design(
            TabularBlock(
                np.concatenate([part.tabular.x_num for part in parts]),
                np.concatenate([part.tabular.x_cat for part in parts]),
                tabular.num_names,
                tabular.cat_names,
                tabular.n_levels,
            ),
            TextBlock(
                np.concatenate([part.text.x_text for part in parts]),
                np.concatenate([part.text.has_text for part in parts]),
                sparse.vstack([part.text.x_lex for part in parts], format="csr"),
                text.names,
                np.concatenate([part.text.x_style for part in parts]),
            ),
        )
