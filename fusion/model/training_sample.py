"""What a model learns from: decided applications as arrays, with their outcomes."""

from __future__ import annotations

from dataclasses import dataclass

from features.arrays import Dates, Floats, Index, Ints
from features.design import Design, InputGroup
from fusion.metrics import relative_weight


@dataclass(frozen=True)
class Auxiliary:
    """An outcome known only later, which may teach members of the model.

    Attributes:
        name: of its column.
        values: float64 (n,), higher is riskier; NaN unknown.
    """

    name: str
    values: Floats


@dataclass(frozen=True)
class TrainingSample:
    """Decided applications to learn from.

    Attributes:
        design: the rows.
        y: float64 (n,), 1 bad and 0 good.
        groups: int64 (n,), rows with one number never part (``folds.tied_groups``).
        monotone: +1, 0 or -1 per numeric column.
        decided: datetime64 (n,), or None; members learn less from older decisions (``recency.row_weight``).
        auxiliary: outcomes known only later.
        sources: inputs that hang on each source; the model is also trained without each.
        weight: float64 (n,), above 0, how many rows of the population each row stands for beside the others, or None
            for all alike. It counts in what members learn, in blend and calibration and in the choice of settings;
            how rows are read (``Basis``, ``TextComponents``) and dealt into folds hangs on the rows alone.
    """

    design: Design
    y: Floats
    groups: Ints
    monotone: tuple[int, ...]
    decided: Dates | None = None
    auxiliary: tuple[Auxiliary, ...] = ()
    sources: tuple[InputGroup, ...] = ()
    weight: Floats | None = None

    def __post_init__(self) -> None:
        n, n_num = len(self.design), len(self.design.tabular.num_names)
        if len(self.y) != n or len(self.groups) != n or (self.decided is not None and len(self.decided) != n):
            raise ValueError(f"{n} rows with {len(self.y)} outcomes and {len(self.groups)} groups")
        if any(len(one.values) != n for one in self.auxiliary):
            raise ValueError(f"{n} rows with auxiliary outcomes of another number")
        if self.weight is not None and not (len(self.weight) == n and (self.weight > 0.0).all()):
            raise ValueError(f"{n} rows with {len(self.weight)} weights that are not all above 0")
        if len(self.monotone) != n_num:
            raise ValueError(f"{len(self.monotone)} directions for {n_num} numeric columns")

    def __len__(self) -> int:
        return len(self.y)

    @property
    def relative_weight(self) -> Floats:
        """float64 (n,), mean 1: ``weight``, or ones."""
        return relative_weight(self.weight, len(self))

    def take(self, index: Index) -> TrainingSample:
        """The rows at these positions."""
        decided = None if self.decided is None else self.decided[index]
        weight = None if self.weight is None else self.weight[index]
        auxiliary = tuple(Auxiliary(one.name, one.values[index]) for one in self.auxiliary)
        design = self.design.take(index)
        y, groups = self.y[index], self.groups[index]
        return TrainingSample(design, y, groups, self.monotone, decided, auxiliary, self.sources, weight)
