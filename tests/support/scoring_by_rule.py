"""Scoring of demo applications by a rule, in a folder of its own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from data_schemas.concepts import Sensitive
from data_schemas.reader import load_schema
from data_schemas.reasons import Reason
from experiments.demo.data import generate
from experiments.score.job import ScoreFiles, score_file
from experiments.score.resumable_output import Tally
from experiments.session.run import Run
from features.tables.applications import Applications
from features.tables.data_quality import data_quality
from features.tables.reader import ReadOptions
from fusion.answers import Answer, RowReasons
from fusion.monitor import Monitor
from tests.support.rule_scorer import RuleScorer, answer_of


def by_hand(applications: Applications, monitor: Monitor) -> Answer:
    """A rule in place of a trained model: it depends on a row's own cells alone, as every model here must."""
    frame = applications.frame
    texts = applications.narrative("statement")
    digest = [hashlib.sha256((i + text).encode()).digest()[0] for i, text in zip(applications.ids, texts, strict=True)]
    margin = np.array(digest, dtype=np.float64) / 100 - 3 + frame["dti"].fillna(0).to_numpy()
    assert monitor.on_texts is not None
    monitor.on_texts(sum(map(bool, texts)))
    quality = tuple(data_quality(applications, {"purpose": ("car", "home")}))
    return answer_of(applications, margin, 600 - 20 * margin, quality)


SCORER = RuleScorer(load_schema("demo"), by_hand)

DEBTS = Reason("DEBTS", "=Your debts.")
STATE = Reason("STATE", "Where you live.", disclosable=False)


def with_reasons(applications: Applications, monitor: Monitor) -> Answer:
    """No, one or two reasons, as the application's number has it, and now and then a sensitive statement."""
    digits = [int("".join(filter(str.isdigit, name)) or 0) % 10 for name in applications.ids]
    reasons = ((STATE, -12.34), (DEBTS, -3.0))
    why = tuple(
        RowReasons(reasons[: min(digit, 2)], -0.02, {Sensitive.HEALTH: 2.25} if digit == 7 else {}) for digit in digits
    )
    return replace(by_hand(applications, monitor), reasons=why)


REASONER = replace(SCORER, rule=with_reasons, n_reasons=3)


@dataclass(frozen=True)
class Place:
    """A folder with an input file, and where to write."""

    folder: Path

    @property
    def files(self) -> ScoreFiles:
        return ScoreFiles(self.folder / "in.csv", self.folder / "out.csv", self.folder / "out.csv.rejects.csv")

    def score(
        self,
        files: ScoreFiles | None = None,
        chunk_rows: int = 40,
        resume: bool = False,
        force: bool = False,
        scorer: RuleScorer = SCORER,
        passthrough: tuple[str, ...] = (),
    ) -> Tally:
        files = files or self.files
        with Run.start("score", files.out, {}) as run:
            options = ReadOptions(chunk_rows, passthrough=passthrough)
            return score_file(scorer, files, options, run, resume=resume, force=force).tally

    def results(self) -> tuple[bytes, bytes]:
        return self.files.out.read_bytes(), self.files.rejects.read_bytes()


def applications(n_rows: int) -> pd.DataFrame:
    """Demo applications, some of which break the contract."""
    table = generate(n_rows, 11).table.drop(columns="outcome").astype(object)
    table.loc[table.index % 17 == 5, "amount"] = "a lot"
    table.loc[table.index % 23 == 9, "application_id"] = table["application_id"].iloc[0] if n_rows else None
    return table
