"""A training whose encoder learns first: the bundle scores alone, moved and in another process; its reports."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_schemas.concepts import Sensitive
from data_schemas.errors import ContractError
from data_schemas.reader import load_schema
from experiments.demo.data import generate
from experiments.reporting.catalogues import language_of
from experiments.reporting.document import Document
from experiments.reporting.json_reports import parse_report
from experiments.session.run import Run
from experiments.sweep.conditions import Search
from experiments.sweep.job import refuse_tuning
from experiments.train.decided import read_decided
from experiments.train.job import TrainingFiles, train_bundle
from experiments.train.prepared import mask_narratives, prepare
from experiments.train.rows import HoldOut
from experiments.train.tuning import epoch_line
from features.arrays import Floats
from features.encoders.encoder import BertEncoder
from features.narratives.reader import clean_narrative
from features.tables.applications import Applications
from features.tables.reader import ReadOptions, read_all
from fusion.bundle import TUNED, load
from fusion.config import Config
from fusion.config_file import load_config
from fusion.explain.exact_sentences import explain_exactly
from fusion.metrics import auc
from fusion.model.search_space import full_space
from fusion.scorer import Scorer, load_scorer
from fusion.text_encoder import VectorCache, open_mask, open_text_encoder
from fusion.tuning.fold import Epoch
from tests.support.bundles import SMALL
from tests.support.english import english_on
from tests.support.tiny_bert import tiny_bert

TUNING = (
    "encoder.tuning=head-layers",
    "tuning.n_layers=1",
    "tuning.learning_rate=1e-3",
    "tuning.window=32",
    "head.text_penalty=50",  # so that so few rows learn from vectors at all
)
N_ROWS = 500
HELD_OUT = HoldOut(share=0.3)


@dataclass(frozen=True)
class Home:
    """A folder with an encoder, decided and new applications, and what a training there says."""

    folder: Path

    @property
    def out(self) -> Path:
        return self.folder / "model"

    @property
    def new(self) -> Path:
        return self.folder / "new.csv"

    def config(self, *settings: str) -> Config:
        return load_config(None, [f"encoder.source='{self.folder / 'encoder'}'", *SMALL, *TUNING, *settings])

    def train(
        self, out: Path, *settings: str, cache: Path | None = None, data: Path | None = None, language: str = "en"
    ) -> Path:
        """Train as the command does, with a log; the bundle."""
        files = TrainingFiles((data or self.folder / "past.csv",), out, HELD_OUT, language_of(language))
        config = self.config(*settings)
        encoder = open_text_encoder(config.encoder, VectorCache(cache) if cache else None)
        with Run.start("train", out, {}) as run:
            read = read_decided(load_schema("demo"), files.data, ReadOptions(need_target=True), run)
            report = train_bundle(read, files, config, encoder, run, quick=True)
            run.finish(report.summary(), report.lines())
        return out

    def margins(self, scorer: Scorer) -> Floats:
        """What the model says of the new applications."""
        return scorer.answer(read_all(self.new, scorer.schema, ReadOptions()).applications).scores.margin


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("home"))
    tiny_bert(home.folder / "encoder")
    generate(N_ROWS, 1).table.to_csv(home.folder / "past.csv", index=False)
    generate(60, 2).table.drop(columns="outcome").to_csv(home.new, index=False)
    home.train(home.out, cache=home.folder / "vectors")
    return home


def events(home: Home, kind: str) -> list[dict[str, Any]]:
    lines = (home.folder / "model.log.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def test_the_bundle_carries_the_encoder_that_it_learned_with(home: Home) -> None:
    bundle = load(home.out)
    assert bundle.tuned
    assert all(name.startswith("encoder.layer.1.") for name in bundle.tuned)
    with pytest.raises(ContractError, match="the text encoder is not the one that model"):
        Scorer(bundle, open_text_encoder(bundle.config.encoder))


def test_training_again_gives_the_same_bundle_in_any_language_of_the_page(home: Home, tmp_path: Path) -> None:
    again = home.train(tmp_path / "again", data=home.folder / "past.csv", language="zh")
    page = (tmp_path / "again.tuning.html").read_text(encoding="utf-8")
    assert not english_on(page, frozenset({"head", "layers", "again"}))
    assert load(again).manifest == load(home.out).manifest


def test_a_bundle_that_was_moved_scores_the_same_in_another_process(home: Home, tmp_path: Path) -> None:
    moved, out = tmp_path / "elsewhere", tmp_path / "scored.csv"
    shutil.copytree(home.out, moved)
    shutil.copytree(home.folder / "encoder", tmp_path / "encoder")
    files = ["--model", moved, "--encoder", tmp_path / "encoder", "--data", home.new, "--out", out, "--no-cache"]
    code = "import sys; from experiments.cli import main; sys.exit(main())"
    subprocess.run([sys.executable, "-c", code, "score", *map(str, files)], check=True, capture_output=True)
    margin = home.margins(load_scorer(home.out, cache=home.folder / "vectors"))
    np.testing.assert_array_equal(pd.read_csv(out)["pd"], np.round(1.0 / (1.0 + np.exp(-margin)), 6))


def test_another_source_beneath_the_tuned_tensors_is_refused(home: Home, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="the text encoder is not the one that model"):
        load_scorer(home.out, encoder=str(tiny_bert(tmp_path / "other", seed=1)))


def test_rows_held_out_are_read_as_new_ones_are(home: Home) -> None:
    scorer = load_scorer(home.out)
    read = read_all(home.folder / "past.csv", scorer.schema, ReadOptions(need_target=True)).applications
    split = HELD_OUT.split(read, 0)
    later = read.take(split.held_out)
    found = auc(later.outcome(), scorer.answer(later).scores.margin)
    assert load(home.out).manifest.provenance.figures[f"{split.name}: auc"] == pytest.approx(found, abs=1e-6)


def test_no_vector_out_of_fold_is_cached_as_one_of_the_tuned_encoder(home: Home) -> None:
    scorer, cached = load_scorer(home.out), load_scorer(home.out, cache=home.folder / "vectors")
    past = read_all(home.folder / "past.csv", scorer.schema, ReadOptions(need_target=True)).applications
    own = past.take(HELD_OUT.split(past, 0).learn)
    x_text, again = (one.read(own).design.text.x_text for one in (scorer, cached))
    np.testing.assert_array_equal(x_text, again)


def test_vectors_of_the_training_rows_are_out_of_fold(home: Home) -> None:
    scorer, config = load_scorer(home.out), home.config()
    past = read_all(home.folder / "past.csv", scorer.schema, ReadOptions(need_target=True)).applications
    encoder = open_text_encoder(config.encoder)
    with Run.start("train", None, {}) as run:
        masked = mask_narratives(past, config, encoder, run)
        split = HELD_OUT.split(past, config.folds.seed)
        found = prepare(masked, split, config, encoder, run)
    own = found.sample.design.text
    merged = scorer.read(past.take(split.learn)).design.text.x_text
    plain = open_text_encoder(config.encoder).text_encoder.encode(clean_narrative(past.take(split.learn), own.names[0]))
    written = own.has_text[:, 0]
    assert (own.x_text[written, 0] != merged[written, 0]).any(axis=1).all()
    assert (own.x_text[written, 0] != plain[written]).any(axis=1).mean() > 0.3  # a fold may keep the encoder as it came
    assert not own.x_text[~own.has_text].any()


def test_contributions_of_a_tuned_model_add_up(home: Home) -> None:
    scorer = load_scorer(home.out)
    reading = scorer.read(read_all(home.new, scorer.schema, ReadOptions()).applications, sentences=True)
    fast = scorer.explainer.explain(reading.design, reading.sentences)
    exact = explain_exactly(scorer.explainer, reading.design, reading.sentences, scorer.reader.read_texts)
    for explanation in (fast, exact):
        assert np.abs(explanation.reconciliation).max() < 1e-8
        summed = np.zeros_like(explanation.narratives)
        np.add.at(summed, (reading.sentences.row, reading.sentences.narrative), explanation.sentences)
        np.testing.assert_allclose(summed, explanation.narratives, rtol=0, atol=1e-9)
    assert exact.exact.all()
    assert np.abs(exact.sentences).max() > 0.01


def test_a_row_is_read_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer, n_read = load_scorer(home.out), 0
    as_ever = BertEncoder.encode_parts

    def counted(self: BertEncoder, texts: Sequence[str], *more: object) -> object:
        nonlocal n_read
        n_read += len(texts)
        return as_ever(self, texts, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(BertEncoder, "encode_parts", counted)
    applications = read_all(home.new, scorer.schema, ReadOptions()).applications
    scorer.answer(applications)
    assert n_read == len(texts_of(applications))


def texts_of(applications: Applications) -> set[str]:
    """The distinct clean narratives."""
    names = [field.name for field in applications.schema.narratives]
    return {text for name in names for text in clean_narrative(applications, name) if text}


def test_no_narrative_is_in_any_file_that_training_wrote(home: Home) -> None:
    schema = load_schema("demo")
    texts = texts_of(read_all(home.folder / "past.csv", schema, ReadOptions(need_target=True)).applications)
    sentences = {part for text in texts for part in re.split(r"(?<=[.!?])\s+", text) if len(part) > 25}
    assert len(sentences) > 100
    written = [path for path in home.folder.rglob("*") if path.is_file() and path.parent != home.folder / "encoder"]
    written = [path for path in written if path.suffix != ".csv"]
    assert {"model.tuning.html", "model.tuning.json", "model.log.jsonl", "tuned.safetensors"} <= {
        path.name for path in written
    }
    for path in written:
        raw = path.read_bytes()
        assert not [one for one in sentences if one.encode() in raw or one.encode("utf-16-le") in raw], path.name


def test_masks_are_found_with_the_encoder_as_it_came(home: Home) -> None:
    scorer = load_scorer(home.out)
    plain = open_text_encoder(scorer.bundle.config.encoder).text_encoder
    assert scorer.encoder.untuned.digest == plain.digest != scorer.encoder.text_encoder.digest
    masking = scorer.bundle.config.text.model_copy(update={"mask": (Sensitive.HEALTH,)})
    assert open_mask(scorer.schema, masking, scorer.encoder).matcher.encoder.digest == plain.digest


def test_every_epoch_is_noted_and_the_summary_shows_the_gain(home: Home) -> None:
    epochs = [event["epoch"] for event in events(home, "note") if "epoch" in event]
    summary = events(home, "finished")[0]["summary"]
    kept = [{key: value for key, value in one.items() if key != "taken"} for one in summary["tuning"]["epochs"]]
    assert kept == sorted(epochs, key=lambda one: (one["fold"], one["number"]))
    assert sum(one["taken"] for one in summary["tuning"]["epochs"]) == summary["tuning"]["settings"]["n_folds"]
    assert {"fold", "number", "train_loss", "loss", "accuracy", "precision", "recall", "f1", "auc"} <= set(epochs[0])
    assert summary["tuning"]["method"] == "head-layers"
    assert summary["tuning"]["gain"]["difference"] == pytest.approx(
        summary["tuning"]["auc_tuned"] - summary["tuning"]["auc_untuned"]
    )
    assert summary["seconds"]["tune"] == pytest.approx(summary["tuning"]["seconds"], abs=1e-3)
    card = (home.out / "card.md").read_text(encoding="utf-8")
    assert "- what learned: the top layer (head-layers)" in card
    assert "seconds" not in card


def test_the_page_shows_the_curves(home: Home) -> None:
    document = parse_report((home.folder / "model.tuning.json").read_text(encoding="utf-8"))
    assert isinstance(document, Document)
    tables = {table.key: table for section in document.sections for table in section.tables}
    assert len(tables["epochs"].rows) == len([event for event in events(home, "note") if "epoch" in event])
    page = (home.folder / "model.tuning.html").read_text(encoding="utf-8")
    assert page.count("data:image/svg+xml,") == 2
    assert "Held-out loss" in page


def test_an_epoch_in_a_line() -> None:
    epoch = Epoch(0, 2, 0.5, 0.61234, 0.8, float("nan"), 0.0, 0.0, 0.655, 12.3, taken=True)
    assert epoch_line(epoch, 3) == (
        "tune fold 1 of 3, epoch 2: training loss 0.5000, held-out loss 0.6123, accuracy 0.8000, precision none, "
        "recall 0.0000, F1 0.0000, AUC 0.6550 (12 s)"
    )


def test_without_a_narrative_nothing_is_tuned(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = generate(300, 1).table
    for field in load_schema("demo").narratives:
        table[field.name] = ""
    table.to_csv(tmp_path / "silent.csv", index=False)
    found = home.train(tmp_path / "silent", data=tmp_path / "silent.csv")
    assert "the encoder is not tuned: no narrative is written" in capsys.readouterr().err
    assert not load(found).tuned
    assert not (found / TUNED).exists()
    assert not (tmp_path / "silent.tuning.html").exists()


@pytest.mark.parametrize("way", [("encoder.unit=sentence",), ("encoder.pooling=words",)], ids="".join)
def test_other_ways_of_reading_are_tuned_too(home: Home, tmp_path: Path, way: Sequence[str]) -> None:
    found = home.train(tmp_path / "model", *way)
    scorer = load_scorer(found)
    assert load(found).tuned
    reading = scorer.read(read_all(home.new, scorer.schema, ReadOptions()).applications, sentences=True)
    explanation = scorer.explainer.explain(reading.design, reading.sentences)
    assert np.abs(explanation.reconciliation).max() < 1e-8
    np.testing.assert_allclose(explanation.margin, home.margins(scorer), rtol=0, atol=1e-8)


def test_vectors_that_are_not_read_are_not_tuned(home: Home, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"leaves its vectors unread.*Set encoder.tuning to none"):
        home.train(tmp_path / "model", "text.vectors=false")


def test_random_outcomes_give_the_text_no_worth(home: Home, tmp_path: Path) -> None:
    table = generate(900, 3).table
    table["outcome"] = np.random.default_rng(0).permutation(table["outcome"])
    table.to_csv(tmp_path / "random.csv", index=False)
    out = home.train(tmp_path / "model", data=tmp_path / "random.csv")
    summary = json.loads((tmp_path / "model.log.jsonl").read_text(encoding="utf-8").splitlines()[-1])["summary"]
    assert load(out).config.encoder.tuning == "head-layers"
    (held_out,) = (part for name, part in summary["slices"].items() if name.startswith("held out") and "," not in name)
    assert held_out["text_gain_low"] < 0.0
    assert summary["tuning"]["gain"]["low"] < 0.0


def test_a_sweep_refuses_to_tune() -> None:
    search = Search(load_config(None, ["encoder.tuning=lora"]), full_space(), ("log_loss",), "random", None, 0.15)
    with pytest.raises(ContractError, match=r"searches with the encoder as it comes.*--set encoder.tuning=lora"):
        refuse_tuning(search)
    refuse_tuning(replace(search, base=Config()))
