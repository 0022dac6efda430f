"""Compiling inner loops with numba, typed."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """``function`` as machine code, which lets other threads run meanwhile; kept on disk for the next process where
    numba finds a folder to write to.
    """
    try:
        kept = numba.njit(cache=True, nogil=True)(function)
        _drop_stale(kept)
    except RuntimeError:  # neither the package's folder nor the user's can be written
        kept = numba.njit(nogil=True)(function)
    return cast(Callable[P, R], kept)


def _drop_stale(kept: Any) -> None:
    """Forget what another version of this package left on disk: its index names types that may be gone, and numba
    would fail on it at the first call.
    """
    try:
        kept._cache._cache_file._load_index()
    except (AttributeError, ImportError, EOFError, pickle.UnpicklingError):
        kept._cache.flush()
