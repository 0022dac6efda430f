"""Arrays as text for JSON, with equal bits when they are read again."""

from __future__ import annotations

from base64 import b64decode, b64encode

import numpy as np
import numpy.typing as npt

from features.arrays import Floats, Floats32, Ints


def packed(array: npt.NDArray[np.float32] | npt.NDArray[np.float64] | npt.NDArray[np.int64]) -> str:
    """The bytes of an array, little-endian, in base 64; its shape and dtype are left to the reader."""
    return b64encode(np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()).decode("ascii")


def floats(text: str) -> Floats:
    """float64 (n,), from what ``packed`` gave."""
    return np.frombuffer(b64decode(text), dtype="<f8").astype(np.float64)


def floats32(text: str) -> Floats32:
    """float32 (n,), from what ``packed`` gave."""
    return np.frombuffer(b64decode(text), dtype="<f4").astype(np.float32)


def ints(text: str) -> Ints:
    """int64 (n,), from what ``packed`` gave."""
    return np.frombuffer(b64decode(text), dtype="<i8").astype(np.int64)
