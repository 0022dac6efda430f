"""Scoring and explaining from Python: the command's answers, every row accounted for, shared by threads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fusion
from data_schemas.errors import ContractError, RunError
from experiments.demo.data import generate
from experiments.score.job import ScoreFiles, score_file
from experiments.session.run import Run
from features.arrays import Floats, Floats32
from features.encoders.encoder import BertEncoder
from features.encoders.vectors import Progress
from features.tables.dataframe import read_frame
from features.tables.reader import ReadOptions
from fusion.model.fusion_model import FusionModel, Scores
from fusion.scorer import Scorer
from fusion.text_encoder import VectorCache
from tests.support.bundles import train_small

N = 40
POLICY = """
[cutoffs]
approve = 0.2
decline = 0.5
"""


@dataclass(frozen=True)
class Lender:
    """A trained bundle, and new applications, of which one breaks the contract."""

    model: Path
    rows: pd.DataFrame
    folder: Path

    def scored_by_command(self, scorer: Scorer) -> pd.DataFrame:
        """The cells that scoring the same rows as a file gives."""
        files = ScoreFiles(self.folder / "new.csv", self.folder / "out.csv", self.folder / "rejects.csv")
        self.rows.to_csv(files.data, index=False)
        with Run.start("score", None, {}) as run:
            score_file(scorer, files, ReadOptions(), run, force=True)
        return pd.read_csv(files.out, keep_default_na=False)


@pytest.fixture(scope="module")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Lender:
    folder = tmp_path_factory.mktemp("scorer")
    model = train_small(folder, generate(600, 1).table)
    rows = generate(N, 2).table.drop(columns="outcome").astype(object)
    rows.loc[7, "amount"] = "a lot"
    return Lender(model, rows.set_index(pd.Index([f"row {at}" for at in range(N)])), folder)


@pytest.fixture(scope="module")
def scorer(lender: Lender) -> Scorer:
    return fusion.load(lender.model, reasons=4)


def test_a_frame_is_answered_as_a_file_is(lender: Lender, scorer: Scorer) -> None:
    scored, expected = scorer.score(lender.rows), lender.scored_by_command(scorer)
    assert scored.scores["id"].tolist() == expected["id"].astype(str).tolist()
    assert [f"{value:.6f}" for value in scored.scores["pd"]] == [f"{value:.6f}" for value in expected["pd"]]
    for name in ("decision", "data_quality", "reason_flags"):
        assert scored.scores[name].tolist() == expected[name].tolist()
    codes = expected[[f"reason_{rank}" for rank in (1, 2, 3, 4)]].to_numpy().tolist()
    assert scored.scores["reasons"].tolist() == [[code for code in row if code] for row in codes]


def test_every_row_is_scored_or_rejected_under_its_own_label(lender: Lender, scorer: Scorer) -> None:
    scored = scorer.score(lender.rows)
    assert scored.rejects.index.tolist() == ["row 7"]
    (reject,) = scored.rejects.to_dict("records")
    assert (reject["row"], reject["column"], reject["rule"]) == (8, "amount", "type")
    assert "a lot" in reject["original"]
    assert sorted([*scored.scores.index, *scored.rejects.index]) == sorted(lender.rows.index)


def test_dicts_are_rows_too(lender: Lender, scorer: Scorer) -> None:
    records = lender.rows.head(5).to_dict("records")
    whole = scorer.score(lender.rows.head(5)).scores
    pd.testing.assert_frame_equal(scorer.score(records).scores.set_index(whole.index), whole)
    one = scorer.score(records[2]).scores
    assert one["pd"].tolist() == [whole["pd"].iloc[2]]
    assert one.index.tolist() == [0]


def test_no_rows_give_no_rows(lender: Lender, scorer: Scorer) -> None:
    scored = scorer.score(lender.rows.head(0))
    assert len(scored.scores) == len(scored.rejects) == 0
    assert len(scorer.explain(lender.rows.head(0)).reasons()) == 0


def test_an_id_that_comes_twice_is_rejected(lender: Lender, scorer: Scorer) -> None:
    scored = scorer.score(pd.concat([lender.rows.head(2), lender.rows.head(1)]))
    assert scored.rejects["rule"].tolist() == ["unique"]
    assert len(scored.scores) == 2


def test_a_lacking_column_is_named(lender: Lender, scorer: Scorer) -> None:
    with pytest.raises(ContractError, match="the data frame: the header lacks 'amount'"):
        scorer.score(lender.rows.drop(columns="amount"))


def test_explanations_add_up_and_give_the_reasons_of_the_score(lender: Lender, scorer: Scorer) -> None:
    why, scored = scorer.explain(lender.rows), scorer.score(lender.rows).scores
    assert np.abs(why.explanation.reconciliation).max() < 1e-6
    np.testing.assert_array_equal(why.answer.scores.pd, scored["pd"])
    assert why.rejects.index.tolist() == ["row 7"]
    reasons = why.reasons()
    assert {"code", "wording", "points", "rank", "disclosable", "id"} == set(reasons.columns)
    for label, codes in scored["reasons"].items():
        assert reasons.loc[reasons.index == label, "code"].tolist() == codes
    assert (reasons["points"] < 0).all()
    view = why.to_shap()
    assert view.values.shape == (N - 1, len(view.feature_names))
    np.testing.assert_allclose(view.values.sum(axis=1) + view.base_values, why.answer.scores.margin, atol=1e-6)


def test_reasons_are_given_on_request(lender: Lender) -> None:
    plain = fusion.load(lender.model)
    assert "reasons" not in plain.score(lender.rows.head(3)).scores
    assert plain.explain(lender.rows.head(3)).reasons()["rank"].max() <= 4


def test_a_policy_decides(lender: Lender) -> None:
    (lender.folder / "policy.toml").write_text(POLICY, encoding="utf-8")
    scored = fusion.load(lender.model, policy=lender.folder / "policy.toml").score(lender.rows).scores
    wanted = np.select([scored["pd"] <= 0.2, scored["pd"] > 0.5], ["approve", "decline"], "refer")
    assert scored["decision"].tolist() == wanted.tolist()
    assert set(scored.loc[scored["decision"] == "refer", "refer_reason"]) <= {"between_cutoffs"}


def test_ten_threads_share_a_scorer(lender: Lender) -> None:
    shared = fusion.load(lender.model, reasons=2, cache=VectorCache(lender.folder / "vectors"))
    rows = [lender.rows.iloc[[at]] for at in range(N)]
    with ThreadPoolExecutor(10) as pool:
        together = list(pool.map(lambda row: shared.score(row).scores, rows))
    alone = fusion.load(lender.model, reasons=2)
    for row, found in zip(rows, together, strict=True):
        pd.testing.assert_frame_equal(found, alone.score(row).scores)


def test_a_cache_changes_nothing_but_the_time(lender: Lender, scorer: Scorer) -> None:
    folder = lender.folder / "kept"
    first = fusion.load(lender.model, reasons=4, cache=folder).score(lender.rows).scores
    kept = fusion.load(lender.model, reasons=4, cache=folder)
    pd.testing.assert_frame_equal(kept.score(lender.rows).scores, first)
    pd.testing.assert_frame_equal(scorer.score(lender.rows).scores, first)
    assert kept.encoder.hit_rate == 1.0


def test_the_public_names_are_imported_when_used() -> None:
    code = "import sys, json, fusion; print(json.dumps([name for name in ('torch', 'pandas') if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
    assert {name: getattr(fusion, name).__module__ for name in fusion.__all__} == {
        "Config": "fusion.config",
        "CreditFusionClassifier": "fusion.estimator",
        "Scorer": "fusion.scorer",
        "load": "fusion.scorer",
        "load_schema": "data_schemas.reader",
    }
    with pytest.raises(AttributeError, match="module 'fusion' has no attribute 'nothing'"):
        _ = fusion.nothing


def test_an_engine_that_gives_other_vectors_is_refused(
    lender: Lender, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = scorer.bundle.probes
    assert kept is not None
    encode = BertEncoder.encode

    def off_by_a_thousandth(self: BertEncoder, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        return encode(self, texts, on_progress) + np.float32(1e-3)

    monkeypatch.setattr(BertEncoder, "encode", off_by_a_thousandth)
    with pytest.raises(ContractError, match=f"other vectors here than those that model {scorer.model_id} learned with"):
        fusion.load(lender.model)


@pytest.fixture
def broken_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second row's margin is no number."""
    right = FusionModel.scores

    def wrong(model: FusionModel, margin: Floats) -> Scores:
        return right(model, np.where(np.arange(len(margin)) == 1, np.nan, margin))

    monkeypatch.setattr(FusionModel, "scores", wrong)


@pytest.mark.usefixtures("broken_machine")
def test_a_score_that_is_no_number_is_an_error(lender: Lender, scorer: Scorer) -> None:
    for answer in (scorer.score, scorer.explain):
        with pytest.raises(RunError, match="the score of row 2 or its reasons are no finite numbers"):
            answer(lender.rows)


def test_log_odds_of_an_ablation_that_are_no_number_are_an_error(
    lender: Lender, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = scorer.read(read_frame(lender.rows.head(5), scorer.schema).applications)
    right = scorer.margins(reading)
    wrong = np.where(np.arange(5) == 1, np.inf, right.fused)
    for margins in (
        replace(right, fused=wrong),
        replace(right, columns_only=wrong),
        replace(right, text_only=wrong),
        replace(right, without={"bureau": wrong}),
    ):
        monkeypatch.setattr(FusionModel, "margins", lambda *_, found=margins: found)
        with pytest.raises(RunError, match="the score of row 2 or its reasons are no finite numbers"):
            scorer.margins(reading)
