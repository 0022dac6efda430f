from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import pytest

from features.compiled import compiled

KERNEL = """
from typing import NamedTuple
from features.compiled import compiled

class {name}(NamedTuple):
    value: float

@compiled
def twice(pair):
    return 2 * pair.value

print(twice({name}(21.0)))
"""


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


def test_what_another_version_kept_on_disk_is_dropped(tmp_path: Path) -> None:
    """A type that the kept code names is gone, and the file looks as old as before."""
    spec = importlib.util.find_spec("fusion")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    root = str(Path(next(iter(spec.submodule_search_locations))).parent)
    file = tmp_path / "kernel.py"
    for name in ("Older", "Newer"):
        file.write_text(KERNEL.format(name=name), encoding="utf-8")
        os.utime(file, (1_700_000_000, 1_700_000_000))
        run = [sys.executable, "-c", "import kernel"]
        environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{root}", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(run, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
        assert done.stdout == "42.0\n", done.stderr
        assert list((tmp_path / "__pycache__").glob("kernel.twice*.nbi"))
