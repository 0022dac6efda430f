"""Names of the array types that stand in signatures; their shapes stand in the docstrings that use them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
"""Numbers in double precision: log-odds, PDs, scores, statistics."""

Floats32 = npt.NDArray[np.float32]
"""Numbers in single precision: encoded columns, text vectors, what a model reads."""

Ints = npt.NDArray[np.int64]
"""Counts and integer codes, such as folds, levels and groups."""

Flags = npt.NDArray[np.bool_]
"""Yes or no for each element, such as a mask of rows."""

Index = npt.NDArray[np.intp]
"""Positions in another array."""

Dates = npt.NDArray[np.datetime64]
"""Dates and times; NaT where missing."""

Codes = npt.NDArray[np.int32]
"""Codes of levels, 0 for a level that is not known."""

Texts = npt.NDArray[np.object_]
"""Cells as Python strings."""
