"""The measurement of joins, and their memory."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.benchmarks.measuring import measure
from experiments.benchmarks.sources.join_speed import by_creditfusion, by_pandas, main
from experiments.benchmarks.sources.transactions import AGGREGATES, write_tables


def test_all_ways_make_the_same(tmp_path: Path) -> None:
    applications, table, text = write_tables(tmp_path, 40, 900)
    ours = by_creditfusion(applications, table)
    pd.testing.assert_frame_equal(ours, by_creditfusion(applications, text), check_exact=True)
    theirs = by_pandas(applications, text)
    for part in AGGREGATES:
        name = part["name"]
        if name == "last_kind":
            assert ours[name].tolist() == theirs[name].tolist()
        else:
            np.testing.assert_allclose(ours[name], theirs[name].astype(np.float64), rtol=1e-9, atol=1e-9, err_msg=name)


def test_each_way_is_run_on_tables_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    applications, table, _ = write_tables(tmp_path, 10, 200)
    totals = []
    for way in ("creditfusion", "pandas"):
        main(["--way", way, "--tables", str(applications), str(table)])
        totals.append(json.loads(capsys.readouterr().out)["total"])
    assert totals[0] == pytest.approx(totals[1])


@pytest.mark.slow
def test_five_million_transactions_are_joined_in_less_than_two_gigabytes(tmp_path: Path) -> None:
    applications, _, text = write_tables(tmp_path, 200_000, 5_000_000)
    command = [sys.executable, "-m", "experiments.benchmarks.sources.join_speed", "--way", "creditfusion", "--tables"]
    done = measure([*command, str(applications), str(text)])
    assert done.summary["rows"] == 200_000
    assert done.peak_mb < 2000
