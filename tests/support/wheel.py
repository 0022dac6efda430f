"""The wheel of this checkout, and an environment that holds it and nothing else of the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "demo_run")


def build_wheel(folder: Path) -> Path:
    """The wheel, built in ``folder`` from a copy of the checkout, which stays as it is."""
    source = shutil.copytree(ROOT, folder / "source", ignore=LEFT_OUT)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install_wheel(wheel: Path, folder: Path) -> Path:
    """The ``bin`` folder of a new environment in ``folder`` with the wheel.

    Dependencies are those of the running environment; its editable installs are not found from there, because only
    the ``.pth`` files of an environment's own folder count.
    """
    venv.create(folder, symlinks=True)
    options = ["--quiet", "--no-deps", "--no-index", "--ignore-installed"]  # of a checkout on PYTHONPATH
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    subprocess.run([*pip, "install", *options, str(wheel)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return folder / "bin"
