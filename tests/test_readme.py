"""The README's commands, run as they stand, on the demo's synthetic files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from experiments.demo.data import FIRST_DAY, generate

ROOT = Path(__file__).resolve().parents[1]
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


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


@pytest.mark.slow
def test_the_five_minutes(tmp_path: Path) -> None:
    generate(1200, 3, FIRST_DAY, 730).table.to_csv(tmp_path / "past.csv", index=False)
    new = generate(100, 4, FIRST_DAY + np.timedelta64(730, "D"), 90).table.drop(columns="outcome")
    new.to_csv(tmp_path / "new.csv", index=False)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    environment = os.environ | {"CREDITFUSION_CACHE": str(tmp_path / "vectors")}
    own = [line for line in commands() if line.startswith(".venv/bin/creditfusion")]
    verbs = ["schema", "schema", "train", "sweep", "evaluate", "train", "compare", "score", "explain"]
    assert [line.split()[1] for line in own] == verbs
    for line in own:
        done = subprocess.run(
            line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert len((tmp_path / "sweep" / "leaderboard.csv").read_text().splitlines()) == 21
    assert "<html" in (tmp_path / "sweep" / "report.html").read_text()
    for page in ("checks/validation.html", "checks/card.html", "contest/comparison.html"):
        assert "<html" in (tmp_path / page).read_text()
    assert len((tmp_path / "scored.csv").read_text().splitlines()) == 101
    assert len(list((tmp_path / "reports").glob("*-applicant.html"))) == 5
    assert shutil.which("creditfusion", path=str(tmp_path / ".venv" / "bin"))
