"""Reasons of a trained model: their signs, flags and digits, and what is told where there is little to tell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_schemas.concepts import Concept, Sensitive
from data_schemas.contract import Schema
from data_schemas.reader import parse_schema
from data_schemas.reasons import Reason
from experiments.score.columns import reason_cells, reason_columns
from experiments.score.job import ScoreFiles, score_file
from experiments.session.run import Run
from features.tables.applications import Applications
from features.tables.reader import ReadOptions, read_all
from fusion import scorer as scorer_module
from fusion.answers import RowReasons
from fusion.bundle import Bundle, load
from fusion.explain.explanation import to_points
from fusion.scorer import Scorer
from fusion.text_encoder import OpenEncoder, bundle_encoder
from tests.support.bundles import train_small

NOTES = ("", "I have a job. I pay in time.", "My health is poor. I owe much to a bank.", "It is for a car.")


def schema(narratives: Sequence[str]) -> Schema:
    """A state that may not be told, an income, and narratives without a concept."""

    def field(name: str, type_: str, role: str, code: str, wording: str, disclosable: bool = True) -> dict[str, Any]:
        reason = {"code": code, "wording": wording, "disclosable": disclosable}
        return {"name": name, "type": type_, "creditfusion": {"role": role, "reason": reason}}

    state = field("state", "string", "feature", "STATE", "Where you live.", disclosable=False)
    income = field("income", "number", "feature", "INCOME", "=Your income.")
    income["creditfusion"]["direction"] = "falling"
    fields = [
        {"name": "id", "type": "string", "creditfusion": {"role": "id"}},
        state | {"categories": ["north", "south"]},
        income,
        *(field(name, "string", "narrative", name.upper(), "What you wrote.") for name in narratives),
        {"name": "outcome", "type": "string", "creditfusion": {"role": "target"}},
    ]
    own = {"version": 1, "name": "stated", "bad_values": ["bad"]}
    return parse_schema(json.dumps({"fields": fields, "creditfusion": own}), "stated")


def table(n: int, seed: int, narratives: Sequence[str]) -> pd.DataFrame:
    """Applications whose risk is a matter of the state above all."""
    random = np.random.default_rng(seed)
    state, income = random.integers(0, 2, n), random.integers(1, 10, n)
    bad = random.random(n) < np.where(state == 1, 0.6, 0.05) + (10 - income) / 50
    columns = {"state": np.array(["north", "south"])[state], "income": income * 1000}
    for name in narratives:
        columns[name] = np.array(NOTES)[random.integers(0, len(NOTES), n)]
    ids = [f"A{i}" for i in range(n)]
    return pd.DataFrame({"id": ids} | columns | {"outcome": np.where(bad, "bad", "good")})


@dataclass(frozen=True)
class Lender:
    """A trained bundle, its encoder and a folder."""

    bundle: Bundle
    encoder: OpenEncoder
    folder: Path
    narratives: tuple[str, ...]

    def score(self, rows: pd.DataFrame, n_reasons: int = 4, chunk_rows: int = 100) -> pd.DataFrame:
        """The scored file's cells."""
        files = ScoreFiles(self.folder / "new.csv", self.folder / "out.csv", self.folder / "rejects.csv")
        rows.drop(columns="outcome").to_csv(files.data, index=False)
        with Run.start("score", None, {}) as run:
            score_file(
                Scorer(self.bundle, self.encoder, n_reasons=n_reasons),
                files,
                ReadOptions(chunk_rows=chunk_rows),
                run,
                force=True,
            )
        return pd.read_csv(files.out, dtype=str, keep_default_na=False)


def train(folder: Path, narratives: tuple[str, ...]) -> Lender:
    bundle = load(train_small(folder, table(400, 1, narratives), schema=schema(narratives)))
    return Lender(bundle, bundle_encoder(bundle), folder, narratives)


@pytest.fixture(scope="module")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Lender:
    return train(tmp_path_factory.mktemp("lender"), ("note", "job"))


@pytest.fixture(scope="module")
def wordless(tmp_path_factory: pytest.TempPathFactory) -> Lender:
    return train(tmp_path_factory.mktemp("wordless"), ())


def read(lender: Lender, n: int) -> Applications:
    path = lender.folder / "rows.csv"
    table(n, 3, lender.narratives).to_csv(path, index=False)
    return read_all(path, lender.bundle.schema, ReadOptions()).applications


def test_scores_are_the_model_s_own_and_blocks_change_nothing(lender: Lender, monkeypatch: pytest.MonkeyPatch) -> None:
    applications, scorer = read(lender, 50), Scorer(lender.bundle, lender.encoder, n_reasons=4)
    whole = scorer.answer(applications)
    scores = lender.bundle.model.predict(scorer.read(applications).design)
    for name in ("margin", "pd", "score"):
        np.testing.assert_array_equal(getattr(whole.scores, name), getattr(scores, name))
    monkeypatch.setattr(scorer_module, "BLOCK_ROWS", 7)
    apart = scorer.answer(applications)
    assert apart.reasons == whole.reasons
    assert apart.decisions == whole.decisions
    assert apart.quality == whole.quality
    np.testing.assert_array_equal(apart.scores.margin, whole.scores.margin)


@pytest.mark.parametrize("n_reasons", [0, 4])
def test_no_rows_are_answered_nothing(lender: Lender, n_reasons: int) -> None:
    applications = read(lender, 2).take(np.zeros(0, dtype=np.intp))
    answer = Scorer(lender.bundle, lender.encoder, n_reasons=n_reasons).answer(applications)
    assert answer.reasons == (() if n_reasons else None)
    assert len(answer.scores.pd) == len(answer.decisions) == 0


def test_a_first_reason_that_is_not_disclosable_is_flagged_and_keeps_its_place(lender: Lender) -> None:
    scored = lender.score(table(100, 2, lender.narratives))
    south = table(100, 2, lender.narratives)["state"] == "south"
    assert (scored.loc[south, "reason_1"] == "STATE").all()
    assert (scored.loc[south, "reason_flags"] == "not_disclosable:STATE").all()
    assert (scored.loc[~south, "reason_flags"] == "").all()
    assert "=Your income." not in scored.to_numpy()
    assert "'=Your income." in scored.to_numpy()


def test_without_concepts_what_was_written_counts_under_its_narrative(lender: Lender) -> None:
    rows = table(100, 2, lender.narratives)
    scored = lender.score(rows)
    codes = set(scored[[f"reason_{n}" for n in (1, 2, 3, 4)]].to_numpy().ravel())
    assert codes <= {"STATE", "INCOME", "NOTE", "JOB", ""}
    assert codes & {"NOTE", "JOB"}
    silent = (rows["note"] == "") & (rows["job"] == "")
    assert set(scored.loc[silent, "narrative_points"]) == {"0.0"}
    assert (scored.loc[~silent, "narrative_points"] != "0.0").any()


def test_a_model_without_narratives_gives_reasons(wordless: Lender) -> None:
    rows = table(60, 2, ())
    scored = wordless.score(rows)
    assert set(scored["narrative_points"]) == {"0.0"}
    assert set(scored["reason_1"]) == {"STATE", "INCOME", ""}
    pd.testing.assert_frame_equal(wordless.score(rows.head(15), chunk_rows=1), scored.head(15))


def test_a_top_score_has_no_adverse_reason(wordless: Lender) -> None:
    rows = pd.DataFrame({"id": ["best"], "state": ["north"], "income": [9000], "outcome": [""]})
    (best,) = wordless.score(rows).to_dict("records")
    assert best["decision"] == "approve"
    assert [best[column.name] for column in reason_columns(4)] == [*[""] * 12, "0.0", ""]


def test_sensitive_statements_are_listed_with_their_points(lender: Lender) -> None:
    says = ("My health is poor.", "I was in hospital for months.")
    concept = Concept("health", says, Reason("HEALTH", "Your health.", False), ("health",), Sensitive.HEALTH)
    bundle = replace(lender.bundle, schema=replace(lender.bundle.schema, concepts=(concept,)))
    applications, scorer = read(lender, 60), Scorer(bundle, lender.encoder, n_reasons=4)
    reasons, reading = scorer.answer(applications).reasons, scorer.read(applications, sentences=True)
    assert reasons is not None
    design, sentences = reading.design, reading.sentences
    points = to_points(scorer.explainer.explain(design, sentences).sentences, bundle.config.scale)
    wanted: dict[int, float] = {}
    for at, kinds in enumerate(scorer.matcher.match(sentences).sensitive):
        assert kinds or "health" not in sentences.text[at]
        if kinds:
            row = int(sentences.row[at])
            wanted[row] = wanted.get(row, 0.0) + float(points[at])
    found = {row: one.sensitive[Sensitive.HEALTH] for row, one in enumerate(reasons) if one.sensitive}
    assert found == pytest.approx(wanted)
    assert max(map(abs, found.values())) > 0.05


def test_flags_and_cells() -> None:
    state, debts = Reason("STATE", "Where.", disclosable=False), Reason("DEBTS", "Debts.")
    one = RowReasons(((debts, -9.96), (state, -1.04)), -0.04, {Sensitive.RELIGION: 2.0, Sensitive.HEALTH: -0.01})
    assert one.flags == "not_disclosable:STATE;sensitive:health:0.0;sensitive:religion:2.0"
    none = RowReasons((), 3.14, {})
    assert none.flags == ""
    assert RowReasons((), 3.14, {Sensitive.HEALTH: 1.0}, not_approved=True).flags == "no_reason;sensitive:health:1.0"
    assert replace(one, not_approved=True).flags == one.flags
    unworded = Reason("WIDGETS", "[no wording] Widgets", worded=False)
    assert replace(one, reasons=((unworded, -3.0), (state, -1.0)), sensitive={}).flags == (
        "no_wording:WIDGETS;not_disclosable:STATE"
    )
    assert list(zip(*reason_cells((one, none), 3), strict=True)) == [
        ("DEBTS", "STATE", "", "Debts.", "Where.", "", "-10.0", "-1.0", "", "0.0", one.flags),
        (*[""] * 9, "3.1", ""),
    ]
    assert reason_cells((), 2) == [[]] * len(reason_columns(2))
    assert reason_cells((), 0) == []
    assert reason_columns(0) == ()
