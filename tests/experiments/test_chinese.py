"""Applications in Chinese from file to reason: the planted rule is learned, named and shown."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import roc_auc_score

import fusion
from experiments.explain.cases import Study
from experiments.score.job import ScoreFiles, score_file
from experiments.session.run import Run
from experiments.train.decided import read_decided
from experiments.train.job import TrainingFiles, train_bundle
from experiments.train.report import TrainingReport
from features.arrays import Floats32
from features.encoders.vectors import PartVectors, Progress
from features.encoders.windows import Spans
from features.inference.draft import draft_schema
from features.narratives.concepts import ConceptMatcher
from features.tables.dataframe import read_frame
from features.tables.reader import ReadOptions
from features.text.cleaning import sentences
from fusion.config_file import load_config
from fusion.monitor import untimed
from fusion.scorer import Scorer
from fusion.text_encoder import open_text_encoder
from tests.support.chinese import (
    ADVERSE,
    FAVOURABLE,
    ID,
    INCOME,
    LETTERS,
    OUTCOME,
    STATEMENT,
    ChineseLoans,
    chinese_loans,
    chinese_schema,
)
from tests.support.stand_in import parts_alone
from tests.support.tiny_bert import LETTERS as LATIN
from tests.support.tiny_bert import tiny_bert

SETTINGS = (
    "encoder.window=64",
    "folds.n_folds=3",
    "folds.n_repeats=1",
    "stacker.n_trees=60",
    "stacker.learning_rate=0.1",
)
ENCODINGS = ("utf-8", "gb18030")


class CharacterPairs:
    """A stand-in for an encoder: characters and their pairs, weighted by how rare they are among known texts."""

    digest = "pairs"

    def __init__(self, known: Sequence[str]) -> None:
        self.vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True).fit(known)
        self.dim = len(self.vectorizer.vocabulary_)

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        del on_progress
        vectors: Floats32 = self.vectorizer.transform(texts).toarray().astype(np.float32)
        return vectors

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        return parts_alone(self.encode, texts, spans, on_progress)


@dataclass(frozen=True)
class Lender:
    """A model of Chinese applications, trained from a file in GB18030, and later ones."""

    scorer: Scorer
    report: TrainingReport
    later: ChineseLoans
    folder: Path


@pytest.fixture(scope="module")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Lender:
    folder = tmp_path_factory.mktemp("chinese")
    files = TrainingFiles((folder / "past.csv",), folder / "model")
    chinese_loans(2500, 0).table.to_csv(files.data[0], index=False, encoding="gb18030")
    encoder = tiny_bert(folder / "encoder", letters=LETTERS + LATIN)
    config = load_config(None, [f"encoder.source='{encoder}'", *SETTINGS])
    with Run.start("train", None, {}) as run:
        options = ReadOptions(need_target=True, encoding="gb18030")
        read = read_decided(chinese_schema(), files.data, options, run)
        report = train_bundle(read, files, config, open_text_encoder(config.encoder), run, quick=True)
    return Lender(fusion.load(files.out, reasons=2), report, chinese_loans(1500, 1), folder)


@pytest.fixture(scope="module")
def new(lender: Lender) -> pd.DataFrame:
    return lender.later.table.drop(columns=OUTCOME).astype(object)


def test_the_rule_is_learned(lender: Lender, new: pd.DataFrame) -> None:
    bad = (lender.later.table[OUTCOME] == "违约").to_numpy()
    found = roc_auc_score(bad, lender.scorer.score(new).scores["pd"].to_numpy())
    assert found > roc_auc_score(bad, lender.later.log_odds) - 0.03
    assert found > roc_auc_score(bad, -lender.later.table[INCOME].to_numpy()) + 0.1
    assert list(lender.report.written.written) == ["Chinese"]
    assert not lender.report.written.unread


def test_planted_sentences_have_the_right_sign(lender: Lender, new: pd.DataFrame) -> None:
    rows = new[new[STATEMENT] != ""].head(200)
    explained = lender.scorer.explain(rows)
    block, moved = explained.explanation.block, explained.explanation.sentences
    for sign, texts in ((1, ADVERSE), (-1, FAVOURABLE)):
        beginnings = tuple(text[:4] for text in texts if "{" not in text[:4])
        mine = [at for at, text in enumerate(block.text) if text.startswith(beginnings)]
        assert len(mine) > 30
        assert np.mean(sign * moved[mine] > 0) > 0.95


def test_planted_sentences_have_the_right_concept() -> None:
    """By pairs of characters, in the place of an encoder that knows Chinese, which a random one does not."""
    set_of = chinese_schema().concepts
    matcher = ConceptMatcher.open(set_of, CharacterPairs([one for concept in set_of for one in concept.statements]))
    names = np.array([concept.name for concept in set_of])
    for texts, name in ((ADVERSE, "失业"), (FAVOURABLE, "良好的还款记录")):
        near = matcher.concept_similarity(matcher.encoder.encode(texts).astype(np.float64) - matcher.centre)
        assert (names[near.argmax(axis=1)] == name).all()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_files_of_either_encoding_give_the_same_answers(lender: Lender, new: pd.DataFrame, encoding: str) -> None:
    files = ScoreFiles(lender.folder / "new.csv", lender.folder / f"{encoding}.csv", lender.folder / "rejects.csv")
    rows = new.head(50)
    rows.to_csv(files.data, index=False, encoding=encoding)
    with Run.start("score", None, {}) as run:
        score_file(lender.scorer, files, ReadOptions(encoding=encoding), run, force=True)
    with files.out.open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    expected = lender.scorer.score(rows).scores
    assert [row["id"] for row in written] == rows[ID].tolist()
    assert [row["pd"] for row in written] == [f"{value:.6f}" for value in expected["pd"]]
    worded = {row["reason_1_wording"] for row in written} - {""}
    assert worded
    assert all(wording.startswith("您") for wording in worded)


@pytest.mark.parametrize("text", ["Прошу одобрить кредит, я потерял работу.", "ฉันตกงานและต้องการเงินกู้", "鷹鸞龘鬱"])
def test_what_the_vocabulary_lacks_has_no_influence(lender: Lender, new: pd.DataFrame, text: str) -> None:
    rows = new.head(20)
    foreign = lender.scorer.score(rows.assign(**{STATEMENT: text})).scores
    silent = lender.scorer.score(rows.assign(**{STATEMENT: ""})).scores
    assert foreign["pd"].tolist() == silent["pd"].tolist()
    assert foreign["score"].tolist() == silent["score"].tolist()
    assert set(foreign["data_quality"]) == {f"text_not_read:{STATEMENT}"}


def test_a_case_keeps_its_sentences(lender: Lender, new: pd.DataFrame) -> None:
    row = new[new[STATEMENT] != ""].head(1)
    application = read_frame(row, lender.scorer.schema).applications
    case = Study.of(lender.scorer, True, untimed).study(application)
    text = row[STATEMENT].iloc[0]
    assert [one.strip() for one in case.explanation.block.text] == [text[a:b] for a, b in sentences(text)]


def test_a_contract_is_drafted_from_chinese_columns() -> None:
    table = chinese_loans(300, 2).table.astype(str)
    drafted = draft_schema(table.astype(object), "zh", "a table", OUTCOME)
    roles = {field["name"]: field["creditfusion"]["role"] for field in drafted.document["fields"]}
    assert roles[STATEMENT] == "narrative"
    assert drafted.document["creditfusion"]["concepts"] == "consumer_lending.zh"
