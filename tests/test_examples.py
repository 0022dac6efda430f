"""The scripts in examples/ and the code of docs/python.md, run as they stand on the demo's synthetic files."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import fusion
from experiments.demo.data import FIRST_DAY, generate
from fusion.config import Config
from fusion.config_file import load_config
from fusion.frames import ScoredFrame
from tests.support.bundles import SMALL, train_small

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))


def script(name: str) -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """past.csv, new.csv (its third row broken), a small model and its encoder."""
    folder = tmp_path_factory.mktemp("demo_run")
    train_small(folder, generate(600, 5, FIRST_DAY, 730).table)
    new = generate(40, 6, FIRST_DAY + np.timedelta64(730, "D"), 90).table.drop(columns="outcome").astype(object)
    new.loc[2, "amount"] = "a lot"
    new.to_csv(folder / "new.csv", index=False)
    return folder


def small_settings(folder: Path) -> Config:
    """Settings that a test can wait for, with the encoder that the small model has."""
    return load_config(None, [f"encoder.source='{folder / 'encoder'}'", *SMALL])


def test_train_and_score(demo_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("train_and_score").main(demo_run, small_settings(demo_run))
    assert "39 scored, 1 rejected" in capsys.readouterr().out
    assert len(pd.read_csv(demo_run / "own_scores.csv")) == 39
    assert (demo_run / "own_model" / "manifest.json").exists()


def test_explain_one(demo_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("explain_one").main(demo_run)
    printed = capsys.readouterr().out
    assert re.search(r": PD \d+\.\d%, \d+ points, (approve|decline)", printed)
    assert "wording" in printed


def test_own_encoder(demo_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("own_encoder").main(demo_run, demo_run / "encoder", load_config(None, SMALL))
    assert len(capsys.readouterr().out.splitlines()) == 11


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_examples_are_short_use_the_public_surface_alone_and_are_listed(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 60
    assert set(re.findall(r"^(?:from|import) (\w+)", text, flags=re.MULTILINE)) <= {
        "__future__",
        "fusion",
        "pandas",
        "pathlib",
        "sys",
        *({"collections", "pyspark"} if path.stem == "spark_score" else ()),
    }
    for page in ("README.md", "docs/examples.md"):
        assert f"examples/{path.name}" in (ROOT / page).read_text(encoding="utf-8"), page


def test_the_page_on_python(demo_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mpl.use("Agg")
    monkeypatch.chdir(demo_run)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text("utf-8"), flags=re.DOTALL)
    assert len(blocks) == 7
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)
    answers, scored = names["answers"], names["scored"]
    assert isinstance(scored, ScoredFrame)
    assert isinstance(answers, list)
    together = [pd_of_default for answer in answers for pd_of_default in answer.scores["pd"]]
    assert together == scored.scores["pd"].head(7).tolist()  # the third of the eight is rejected


@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
def test_spark_score(demo_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    script("spark_score").main(demo_run)
    found = pd.read_parquet(demo_run / "spark_scores").set_index("id").sort_index()
    wanted = fusion.load(demo_run / "model").score(pd.read_csv(demo_run / "new.csv", dtype=str, keep_default_na=False))
    scores = wanted.scores.set_index("id").sort_index()
    assert found["rule"].value_counts().to_dict() == {"type": 1}
    assert len(found) == 40
    for name in ("pd", "score", "decision"):
        assert found.loc[scores.index, name].tolist() == scores[name].tolist()
