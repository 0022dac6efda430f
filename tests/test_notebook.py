"""The code of docs/notebook.md, run as it stands, on made-up applications."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import fusion.estimator
from fusion.config import EncoderConfig
from fusion.config_file import load_config
from fusion.estimator import CreditFusionClassifier
from fusion.explain.explanation import Explanation
from fusion.text_encoder import OpenEncoder, open_text_encoder
from tests.support.bundles import SMALL
from tests.support.tiny_bert import tiny_bert

PAGE = Path(__file__).resolve().parents[1] / "docs" / "notebook.md"


@pytest.mark.slow
def test_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mpl.use("Agg")
    rng = np.random.default_rng(0)
    n = 300
    frame = pd.DataFrame(
        {
            "income": rng.normal(size=n),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
            "home": rng.choice(["rent", "own"], n),
            "note": rng.choice(["I am in arrears. It was a bad year.", "I have savings.", ""], n),
        }
    )
    bad = rng.random(n) < 1 / (1 + np.exp(frame["income"] + 1.5 * (frame["note"] == "I have savings.")))
    frame.assign(outcome=np.where(bad, "defaulted", "repaid")).to_csv(tmp_path / "applications.csv", index=False)
    monkeypatch.chdir(tmp_path)
    # A small encoder takes the place of the embedded one, which not every machine has; settings are small too.
    small = tiny_bert(tmp_path / "encoder")
    settings = EncoderConfig(source=str(small), window=64)
    monkeypatch.setattr(fusion.estimator, "_opened", lambda _: open_text_encoder(settings))
    monkeypatch.setattr("fusion.text_encoder.open_text_encoder", lambda _, cache: open_text_encoder(settings, cache))
    few = load_config(None, SMALL)
    monkeypatch.setattr(fusion.estimator, "Config", lambda: few)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 5
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert isinstance(names["encoder"], OpenEncoder)
    log_odds, explanation = names["log_odds"], names["explanation"]
    assert isinstance(log_odds, np.ndarray)
    assert isinstance(explanation, Explanation)
    assert len(explanation) == len(log_odds) == 75
    kept, fitted, rows = names["same"], names["classifier"], names["X_test"]
    assert isinstance(kept, CreditFusionClassifier)
    assert isinstance(fitted, CreditFusionClassifier)
    assert isinstance(rows, pd.DataFrame)
    np.testing.assert_array_equal(kept.predict_proba(rows), fitted.predict_proba(rows))
