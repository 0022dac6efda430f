"""A narrative that the encoder cannot read: flagged, explained, and without any influence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fusion
from experiments.demo.data import generate
from experiments.explain.cases import Study
from experiments.explain.facts import flags
from features.tables.dataframe import read_frame
from fusion.config_file import parse_config
from fusion.estimator import CreditFusionClassifier
from fusion.monitor import untimed
from fusion.scorer import Scorer
from tests.support.bundles import train_small
from tests.support.tiny_bert import tiny_bert

CHINESE = "我想用这笔贷款还清信用卡的欠款，每个月的利息太高了。"


@dataclass(frozen=True)
class Lender:
    """A scorer, and the same applications with narratives in Chinese and without any."""

    scorer: Scorer
    foreign: pd.DataFrame
    silent: pd.DataFrame


def without_narratives(rows: pd.DataFrame, statement: str) -> pd.DataFrame:
    return rows.assign(statement=statement, job_title="")


@pytest.fixture(scope="module")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Lender:
    model = train_small(tmp_path_factory.mktemp("unread"), generate(600, 1).table, "text.style=true")
    rows = generate(30, 2).table.drop(columns="outcome").astype(object)
    return Lender(fusion.load(model, reasons=4), without_narratives(rows, CHINESE), without_narratives(rows, ""))


def test_scores_and_reasons_are_those_of_an_empty_cell(lender: Lender) -> None:
    foreign, silent = lender.scorer.score(lender.foreign).scores, lender.scorer.score(lender.silent).scores
    for name in foreign.columns.drop("data_quality"):
        assert foreign[name].tolist() == silent[name].tolist(), name
    assert all("text_not_read:statement" in flags for flags in foreign["data_quality"])
    assert not any("no_narrative" in flags for flags in foreign["data_quality"])
    assert not any("text_not_read" in flags for flags in silent["data_quality"])


def test_explanations_are_those_of_an_empty_cell_and_say_why(lender: Lender) -> None:
    foreign, silent = lender.scorer.explain(lender.foreign), lender.scorer.explain(lender.silent)
    np.testing.assert_array_equal(foreign.explanation.columns, silent.explanation.columns)
    np.testing.assert_array_equal(foreign.explanation.narratives, silent.explanation.narratives)
    study = Study.of(lender.scorer, True, untimed)
    case = study.study(read_frame(lender.foreign, lender.scorer.schema).applications.take(np.array([0])))
    assert case.unread == (True, False)
    (words,) = [flag.words for flag in flags(case) if flag.flag.startswith("text_not_read")]
    assert words.startswith("Written in a language that the model's encoder cannot read, and so without any influence")


def test_training_learns_the_same_from_unread_and_from_absent_narratives(tmp_path: Path) -> None:
    past, new = generate(400, 3).table, generate(20, 4).table.drop(columns="outcome").astype(object)
    some = np.arange(len(past)) % 3 == 0
    margins = []
    for statement in (CHINESE, ""):
        table = past.assign(statement=past["statement"].where(~some, statement))
        model = train_small(tmp_path / f"s{len(statement)}", table)
        margins.append(fusion.load(model).score(new).scores["pd"].tolist())
    assert margins[0] == margins[1]


def test_all_is_read_on_request(tmp_path: Path) -> None:
    past = generate(400, 3).table
    model = train_small(tmp_path, past.assign(statement=CHINESE), "text.min_read=0")
    scorer = fusion.load(model)
    rows = past.drop(columns="outcome").astype(object).head(3).assign(statement=CHINESE)
    assert not any("text_not_read" in flags for flags in scorer.score(rows).scores["data_quality"])


def test_the_estimator_scores_them_as_rows_without_a_narrative(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    income = rng.normal(size=300)
    note = np.where(rng.random(300) < 0.5, "late again", "all is paid")
    outcome = np.where(income + 2.0 * (note == "late again") > 0.5, "bad", "fine")
    settings = {"encoder": {"source": str(tiny_bert(tmp_path)), "window": 64}, "stacker": {"n_trees": 20}}
    config = parse_config(settings | {"folds": {"n_folds": 2, "n_repeats": 1}}, "test")
    model = CreditFusionClassifier(narratives=("note",), config=config, quick=True)
    model.fit(pd.DataFrame({"income": income, "note": note}), outcome)
    foreign, silent = (pd.DataFrame({"income": income[:9], "note": text}) for text in (CHINESE, ""))
    np.testing.assert_array_equal(model.decision_function(foreign), model.decision_function(silent))
