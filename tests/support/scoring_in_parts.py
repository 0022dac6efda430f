"""Folders of applications scored in parts by a rule, and the same files scored alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_schemas.reader import load_schema
from experiments.score.job import ScoreFiles, score_file
from experiments.score.parts.executor import Executor, InProcess
from experiments.score.parts.files import REJECTS, FilesToScore, files_to_score
from experiments.score.parts.job import Conduct, ScoredFiles, score_in_parts
from experiments.session.run import Run
from features.tables.applications import Applications
from features.tables.reader import ReadOptions
from fusion.answers import Answer
from fusion.monitor import Monitor
from tests.support.rule_scorer import RuleScorer, answer_of
from tests.support.scoring_by_rule import applications


def by_id(applications: Applications, _monitor: Monitor) -> Answer:
    """A rule in place of a trained model: it depends on a row's id alone."""
    digest = [hashlib.sha256(one.encode()).digest()[0] for one in applications.ids]
    margin = np.array(digest, dtype=np.float64) / 100 - 3
    return answer_of(applications, margin, 600 - 20 * margin, [""] * len(applications))


SCORER = RuleScorer(load_schema("demo"), by_id)


@dataclass(frozen=True)
class Batch:
    """A folder of input files, and where they are scored to."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "in"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def work(self) -> Path:
        return self.folder / "out.parts"

    def write(self, n_rows: int) -> None:
        """CSV, gzipped CSV in a folder of its own, Parquet, and a file without rows; some rows break the contract."""
        (self.data / "sub").mkdir(parents=True)
        table = applications(n_rows)
        table.to_csv(self.data / "a.csv", index=False)
        table.iloc[: n_rows // 2].to_csv(self.data / "sub" / "b.csv.gz", index=False)
        table.iloc[n_rows // 3 :].astype("string").to_parquet(self.data / "c.parquet")
        table.iloc[:0].to_csv(self.data / "none.csv", index=False)

    def given(self) -> FilesToScore:
        return files_to_score(self.data, self.out, None)

    def score(
        self,
        part_rows: int = 7,
        executor: Executor | None = None,
        scorer: RuleScorer = SCORER,
        resume: bool = False,
        force: bool = False,
        strict: bool = False,
    ) -> ScoredFiles:
        conduct = Conduct(resume, force, strict)
        with Run.start("score", None, {}) as run:
            options = ReadOptions(part_rows)
            return score_in_parts(scorer, self.given(), options, executor or InProcess(scorer), run, conduct)

    def results(self) -> Mapping[str, bytes]:
        """The bytes of all scored files and rejects, by name."""
        return contents(self.out)


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of all files below a folder, by name."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def scored_alone(batch: Batch, scorer: RuleScorer = SCORER) -> dict[str, bytes]:
    """What scoring each file of the folder by itself gives, by the names that a batch gives."""
    alone = batch.folder / "alone"
    for path in sorted(path for path in batch.data.rglob("*") if path.is_file()):
        out = alone / path.relative_to(batch.data)
        out.parent.mkdir(parents=True, exist_ok=True)
        files = ScoreFiles(path, out, out.with_name(f"{out.name}{REJECTS}"))
        with Run.start("score", None, {}) as run:
            score_file(scorer, files, ReadOptions(1000), run)
    return contents(alone)
