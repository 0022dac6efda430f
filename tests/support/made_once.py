"""What takes long to make is made by one of the processes that share a test session, and used by all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder of the session, which ``make`` fills once, whatever the number of processes; no test may write to it."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # a worker has a folder of its own in that of the session
    folder, made = base / f"shared-{name}", base / f"shared-{name}.made"
    with FileLock(base / f"shared-{name}.lock"):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)  # a process that failed left it half made
            folder.mkdir()
            make(folder)
            made.touch()
    return folder
