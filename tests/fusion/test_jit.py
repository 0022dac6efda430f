from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import pytest

from fusion.jit import compiled


def twice(x: float) -> float:
    return 2 * x


def test_compiles() -> None:
    assert compiled(twice)(21.0) == 42.0


def test_compiles_where_nothing_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    real = numba.njit

    def njit(cache: bool = False, nogil: bool = False) -> Callable[..., Any]:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return real(nogil=nogil)

    monkeypatch.setattr(numba, "njit", njit)
    assert compiled(twice)(21.0) == 42.0
