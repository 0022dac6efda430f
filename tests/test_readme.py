"""The README's commands, run as they stand, on the demo's synthetic files."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import typer

from experiments.cli import app
from experiments.demo.data import FIRST_DAY, generate
from tests.support.wheel import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    """Every line of the README's shell blocks, comments cut."""
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    lines = (line.split("#")[0].strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line]


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    wanted = [line.split()[1] for line in commands() if line.startswith("make ")]
    assert {"demo", "test"} <= set(wanted)
    for target in wanted:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_links_and_paths_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", text)
    paths = re.findall(r"`((?:data_schemas|features|fusion|experiments|tests|docs)/[\w./]*)`", text)
    assert [path for path in [*links, *paths] if not (ROOT / path).exists()] == []


def test_the_table_names_every_verb() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", README, flags=re.MULTILINE)
    assert sorted(listed) == sorted(typer.main.get_group(app).commands)


@pytest.mark.slow
def test_its_commands_and_python_run_from_the_wheel(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    for package in ("data_schemas", "features", "fusion", "experiments"):  # as a user may have them
        (work / package).mkdir(parents=True)
        (work / package / "__init__.py").write_text("raise SystemExit('not the installed package')")
    monkeypatch.chdir(work)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setenv("PATH", str(installed), prepend=os.pathsep)
    monkeypatch.setenv("CREDITFUSION_CACHE", str(tmp_path / "vectors"))
    generate(300, 3, FIRST_DAY, 730).table.to_csv("past.csv", index=False)
    new = generate(40, 4, FIRST_DAY + np.timedelta64(730, "D"), 90).table.drop(columns="outcome")
    new.to_csv("new.csv", index=False)

    own = [line for line in commands() if line.startswith("creditfusion ")]
    verbs = ["schema", "schema", "schema", "train", "score", "explain", "evaluate", "sweep", "train", "compare"]
    assert [line.split()[1] for line in own] == verbs
    for line in own:
        # As it stands, but for the number of trials: each is one more training.
        shorter = line.replace("--trials 20", "--trials 2")
        done = subprocess.run(shorter, shell=True, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert len(Path("sweep/leaderboard.csv").read_text().splitlines()) == 3
    for page in ("checks/validation.html", "checks/card.html", "sweep/report.html", "contest/comparison.html"):
        assert "<html" in Path(page).read_text()
    assert len(Path("scored.csv").read_text().splitlines()) == 41
    assert len(list(Path("reports").glob("*-applicant.html"))) == 5

    (program,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    done = subprocess.run([installed / "python", "-P", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "decision" in done.stdout
