"""Every damaged input through ``score_file``: each row is scored or rejected, or the run says why there are no rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_schemas.reader import load_schema
from experiments.score.job import ScoreFiles, score_file
from experiments.session.run import Run
from features.tables.applications import Applications
from features.tables.data_quality import data_quality
from fusion.answers import Answer
from fusion.monitor import Monitor
from tests.support.damage import CASES, Case
from tests.support.rule_scorer import RuleScorer, answer_of


def by_amount(applications: Applications, _monitor: Monitor) -> Answer:
    """A score that depends on nothing but the row itself."""
    margin = np.log1p(applications.frame["amount"].to_numpy(np.float64)) - 10.0
    return answer_of(applications, margin, 600.0 - margin, data_quality(applications, {}))


SCORER = RuleScorer(load_schema("demo"), by_amount)


def scored(folder: Path, case: Case) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score one case; the scored rows and the rejects as they stand on disk."""
    files = ScoreFiles(case.write(folder), folder / "scored.csv", folder / "rejects.csv")
    with Run.start("score", files.out, {}) as run:
        score_file(SCORER, files, case.options, run)
    read: Callable[[Path], pd.DataFrame] = lambda path: pd.read_csv(path, dtype=str, keep_default_na=False)  # noqa: E731
    return read(files.out), read(files.rejects)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_no_row_is_lost(tmp_path: Path, case: Case) -> None:
    if case.error is not None:
        with pytest.raises(case.error, match=re.escape(case.match)):
            scored(tmp_path, case)
        assert not (tmp_path / "scored.csv").exists()
        return
    good, bad = scored(tmp_path, case)
    assert len(good) + len(bad) == case.n_rows
    assert sorted([*map(int, good["row"]), *map(int, bad["row"])]) == list(range(1, case.n_rows + 1))
    found = {int(row): (column, rule) for row, column, rule in zip(bad["row"], bad["column"], bad["rule"], strict=True)}
    assert found == dict(case.rejected)
    assert bad["message"].str.len().gt(10).all()
