"""Compiling inner loops with numba, typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """``function`` as machine code, kept on disk for the next process; it lets other threads run meanwhile."""
    return cast(Callable[P, R], numba.njit(cache=True, nogil=True)(function))
