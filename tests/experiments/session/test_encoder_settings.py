"""Models that read sentence by sentence, or without special tokens: trained, saved, scored and explained as others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_schemas.errors import ContractError
from experiments.demo.data import generate
from experiments.score.job import ScoreFiles, score_file
from experiments.session.run import Run
from features.design import Design
from features.encoders.vectors import SHARE_ROUNDING
from features.narratives.reader import TextReader
from features.narratives.sentences import SentenceBlock
from features.tables.reader import ReadOptions, read_all
from fusion.bundle import load
from fusion.estimator import CreditFusionClassifier
from fusion.explain.exact_sentences import explain_exactly
from fusion.scorer import Scorer, load_scorer
from fusion.text_encoder import open_text_encoder
from tests.support.bundles import train_small

STRONG_TEXT_PENALTY = "head.text_penalty=50"  # so that so few rows learn from vectors at all
WAYS = (("sentence", "words"), ("sentence", "tokens"), ("narrative", "words"))


@dataclass(frozen=True)
class Lender:
    """A trained bundle, new applications for it and what the model sees of them."""

    unit: str
    model: Path
    data: Path
    design: Design
    block: SentenceBlock
    reader: TextReader


@pytest.fixture(scope="module", params=WAYS, ids="-".join)
def lender(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lender:
    unit, pooling = request.param
    folder = tmp_path_factory.mktemp("lender")
    new = folder / "new.csv"
    generate(60, 2).table.drop(columns="outcome").to_csv(new, index=False)
    ways = [f"encoder.unit={unit}", f"encoder.pooling={pooling}"]
    model = train_small(folder, generate(600, 1).table, *ways, "stacker.n_trees=20", STRONG_TEXT_PENALTY)
    scorer = load_scorer(model)
    reading = scorer.read(read_all(new, scorer.schema, ReadOptions()).applications, sentences=True)
    return Lender(unit, model, new, reading.design, reading.sentences, scorer.reader)


def score(lender: Lender, out: Path, cache: Path | None, chunk_rows: int) -> float | None:
    """Score the new applications with reasons; the cache's hit rate."""
    scorer = load_scorer(lender.model, cache=cache, reasons=2, threads=1)
    with Run.start("score", None, {}) as run:
        files = ScoreFiles(lender.data, out, out.with_name("rejects.csv"))
        score_file(scorer, files, ReadOptions(chunk_rows=chunk_rows), run, force=True)
    return scorer.encoder.hit_rate


def test_a_bundle_scores_as_its_model_whatever_the_chunks_and_the_cache(lender: Lender, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert score(lender, out, None, 1000) is None
    as_ever = out.read_bytes()
    scored = pd.read_csv(out)
    expected = load(lender.model).model.predict(lender.design)
    np.testing.assert_array_equal(scored["pd"], np.round(expected.pd, 6))
    assert scored["pd"].nunique() > 30
    assert score(lender, out, tmp_path / "cache", 7) == pytest.approx(0.3, abs=0.3)  # sentences come again
    assert out.read_bytes() == as_ever
    assert score(lender, out, tmp_path / "cache", 13) == 1.0
    assert out.read_bytes() == as_ever


def test_contributions_add_up(lender: Lender) -> None:
    fast = load(lender.model).explainer().explain(lender.design, lender.block)
    exact = explain_exactly(load(lender.model).explainer(), lender.design, lender.block, lender.reader.read_texts)
    assert np.diff(lender.block.bounds()).max() > 2
    for explanation in (fast, exact):
        assert np.abs(explanation.reconciliation).max() < 1e-8
        summed = np.zeros_like(explanation.narratives)
        np.add.at(summed, (lender.block.row, lender.block.narrative), explanation.sentences)
        np.testing.assert_allclose(summed, explanation.narratives, rtol=0, atol=1e-9)
    assert exact.exact.all()


def test_of_sentences_read_alone_the_fast_values_are_the_exact_ones(lender: Lender) -> None:
    explainer = load(lender.model).explainer()
    fast = explainer.explain(lender.design, lender.block).sentences
    exact = explain_exactly(explainer, lender.design, lender.block, lender.reader.read_texts).sentences
    off = float(np.abs(fast - exact).max())
    assert np.abs(exact).max() > 0.1
    assert off < 5e-4 if lender.unit == "sentence" else off > 1e-2


def test_shares_leave_nothing_for_special_tokens(lender: Lender) -> None:
    bounds = lender.block.bounds()
    total = np.add.reduceat(lender.block.share.astype(np.float64), bounds[:-1])
    assert np.abs(total - 1.0).max() < SHARE_ROUNDING


@pytest.mark.parametrize("other", ["unit", "pooling"])
def test_an_encoder_that_reads_otherwise_is_refused(lender: Lender, other: str) -> None:
    bundle = load(lender.model)
    settings = bundle.config.encoder
    usual = {"unit": "narrative", "pooling": "tokens"}
    changed = {"unit": "sentence", "pooling": "words"} if getattr(settings, other) == usual[other] else usual
    update = {other: changed[other]}
    with pytest.raises(ContractError, match="the text encoder is not the one that model"):
        Scorer(bundle, open_text_encoder(settings.model_copy(update=update)))


def test_the_estimator_reads_so_too(lender: Lender) -> None:
    bundle = load(lender.model)
    table = generate(60, 3).table
    narratives = [field.name for field in bundle.schema.narratives]
    estimator = CreditFusionClassifier(narratives=narratives, config=bundle.config, quick=True)
    rows = table[["amount", *narratives]]
    estimator.fit(rows, table["outcome"])
    x_text = estimator.design(rows).text.x_text
    written = [text for text in table[narratives[0]] if text]
    expected, _ = lender.reader.read_texts(written)
    found = x_text[[bool(text) for text in table[narratives[0]]], 0]
    np.testing.assert_array_equal(found, expected)
