"""Compiling inner loops with numba, typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """``function`` as machine code, which lets other threads run meanwhile; kept on disk for the next process where
    numba finds a folder to write to.
    """
    try:
        kept = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # neither the package's folder nor the user's can be written
        kept = numba.njit(nogil=True)(function)
    return cast(Callable[P, R], kept)
