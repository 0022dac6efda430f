"""What scikit-learn hands the classifier beside the rows: which of two classes is the bad one, and what rows weigh."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from data_schemas.contract import Schema
from data_schemas.levels import by_spelling, is_flag, level_key
from data_schemas.numbers import Threshold
from features.arrays import Floats, Index
from fusion.metrics import ROUNDING, relative_weight

MIN_CLASS_ROWS = 2  # one to learn from in every fold that holds out another


def weighted_rows(sample_weight: npt.ArrayLike | None, n: int) -> tuple[Index, Floats | None]:
    """Positions of the rows of n that count, and their weights, mean 1; None where all are alike.

    Raises ValueError for weights of another number, below 0, not finite, or 0 for every row.
    """
    if sample_weight is None:
        return np.arange(n), None
    given = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if given.shape != (n,):
        raise ValueError(f"sample_weight has the shape {given.shape}, and X has {n} rows")
    if given.min() < 0.0:
        raise ValueError(f"sample_weight holds a negative weight: {given.min():g}")
    if given.max() == 0.0:
        raise ValueError("sample_weight is zero for every row")
    scaled = given / given.max()  # sums of huge weights would be infinite
    rows = np.flatnonzero(scaled)
    return rows, None if np.ptp(scaled[rows]) == 0.0 else relative_weight(scaled[rows], len(rows))


def two_classes(labels: npt.NDArray[np.generic], weight: Floats | None) -> tuple[npt.NDArray[np.generic], Index]:
    """The classes, sorted, and each row's place among them.

    Raises ValueError for anything but two classes, and for one of too few rows or too little weight.
    """
    check_classification_targets(labels)
    kind = type_of_target(labels, input_name="y", raise_unknown=True)
    if kind != "binary":
        raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
    classes, code, count = np.unique(labels, return_inverse=True, return_counts=True)
    names = classes.tolist()
    if len(classes) < 2:
        raise ValueError(f"two classes are needed, and the rows to learn from hold 1 class: {names[0]!r}")
    if count.min() < MIN_CLASS_ROWS:
        rare = names[count.argmin()]
        raise ValueError(f"each class needs {MIN_CLASS_ROWS} rows or more, and {rare!r} has 1 sample")
    share = np.bincount(code, weight) / len(code)
    if share.min() < ROUNDING:
        raise ValueError(f"sample_weight gives class {names[share.argmin()]!r} a share of {share.min():g}, too little")
    return classes, code


def _bad_number(classes: npt.NDArray[np.generic], bad_if: Threshold) -> int:
    """Which of two numbers meets the schema's threshold; raises ValueError where both, none, or texts do."""
    numbers = classes.astype(np.float64) if np.issubdtype(classes.dtype, np.number) else np.full(2, np.nan)
    first, second = bad_if.met(numbers).tolist()
    if first == second:
        what = f"the schema calls {bad_if} bad, which is {'both' if first else 'neither'} of {classes.tolist()}"
        raise ValueError(f"{what}; give y as booleans, schema.bad_if.met(numbers)")
    return 0 if first else 1


def bad_code(classes: npt.NDArray[np.generic], schema: Schema) -> int:
    """Which class is the bad one: the schema's; classes[1] where it states none, or words and the classes are False and
    True.

    Raises ValueError when the schema's bad values are those of neither class, or of both.
    """
    if schema.bad_if is not None and classes.dtype != np.bool_:
        return _bad_number(classes, schema.bad_if)
    if not schema.bad_values or (classes.dtype == np.bool_ and not is_flag(schema.bad_values)):
        return 1
    texts = [f"{label:.15g}" if isinstance(label, np.number) else str(label) for label in classes]
    stated = by_spelling((*schema.bad_values, *filter(None, schema.good_values)))
    first, second = (stated.get(level_key(text), text) in schema.bad_values for text in texts)
    if first == second:
        listed = ", ".join(map(repr, schema.bad_values))
        raise ValueError(f"the schema calls {listed} bad, which is {'both' if first else 'neither'} of {texts}")
    return 0 if first else 1
