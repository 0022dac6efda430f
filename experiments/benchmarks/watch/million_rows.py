"""Time and peak memory of watching many rows, beside evidently's drift report of the same columns.

    python -m experiments.benchmarks.watch.million_rows --rows 1000000 --evidently /path/to/a/python/with/evidently

Applications of the demo's kind come in one file over ten weeks; the columns of 100,000 drawn ones are repeated under
new ids. ``creditfusion watch`` reads them with a model, week by week: it checks every cell, scores every row, and
profiles columns, score, oddness and velocity. evidently, in an environment of its own, reads the same file with pandas
and compares its columns with the model's training rows, once for the whole file. Each runs as a process of its own,
whose start counts. Without ``--narratives`` nobody wrote anything, so that both look at columns alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.benchmarks.measuring import markdown, measure, parser, publish, tell
from experiments.demo.data import generate

DRAWN = 100_000
TRAINING_ROWS = 20_000
FIRST_DAY = np.datetime64("2023-01-02")  # a Monday
N_DAYS = 70
COMMAND = (sys.executable, "-m", "creditfusion")
WEEKLY = ("--period", "week")
WATCHED = (0, 3, 4, 5)  # exit codes: done, some rows rejected, warnings, alarms
NOT_COMPARED = (
    "application_id",
    "applied_on",
    "account_opened",
    "statement",
    "job_title",
    "outcome",
    "sex",
    "age_band",
)

_EVIDENTLY = """
import sys
import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset
reference, current, out, *left_out = sys.argv[1:]
tables = [pd.read_csv(path).drop(columns=left_out, errors="ignore") for path in (current, reference)]
Report([DataDriftPreset()]).run(*tables).save_html(out)
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    given = _options().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = _measured(Path(folder), given)
    rows = [[one["way"], *(f"{one[key]:,.0f}" for key in ("seconds", "cpu_seconds", "peak_mb"))] for one in found]
    tables = markdown(["way", "seconds", "CPU seconds", "peak MB"], rows)
    publish({"rows": given.rows, "found": found}, tables, given.json)


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__ or "")
    options.add_argument("--rows", type=int, default=1_000_000, help="how many (default: %(default)s)")
    options.add_argument("--model", type=Path, help="a bundle of the demo's schema; left out: one is trained")
    options.add_argument("--narratives", action="store_true", help="applicants write, as in the demo")
    options.add_argument("--evidently", help="a Python that has evidently; left out: creditfusion alone")
    return options


def _measured(folder: Path, given: argparse.Namespace) -> list[dict[str, Any]]:
    training, new = folder / "training.csv", folder / "new.csv"
    generate(TRAINING_ROWS, 1).table.to_csv(training, index=False)
    _write(new, given.rows, given.narratives)
    tell("tables written")
    model = given.model or _trained(folder, training)
    ways = {
        "creditfusion": [
            *COMMAND,
            "watch",
            "--model",
            str(model),
            "--data",
            str(new),
            *WEEKLY,
            "--out",
            str(folder / "watch"),
        ]
    }
    if given.evidently:
        files = [str(training), str(new), str(folder / "drift.html")]
        ways["evidently"] = [given.evidently, "-c", _EVIDENTLY, *files, *NOT_COMPARED]
    found = []
    for name, command in ways.items():
        measured = measure(command, WATCHED)
        tell(f"{name} done in {measured.seconds:.1f} s")
        figures = {"seconds": measured.seconds, "cpu_seconds": measured.cpu_seconds, "peak_mb": measured.peak_mb}
        found.append({"way": name, **figures})
    return found


def _write(path: Path, n_rows: int, narratives: bool) -> None:
    """Applications over ``N_DAYS`` days, with ids of their own."""
    drawn = generate(min(DRAWN, n_rows), 2, FIRST_DAY, N_DAYS).table
    if not narratives:
        drawn = drawn.assign(statement="", job_title="")
    for start in range(0, n_rows, len(drawn)):
        part = drawn.head(n_rows - start)
        part = part.assign(application_id=[f"R{start + at:09d}" for at in range(len(part))])
        part.to_csv(path, mode="a", header=start == 0, index=False)


def _trained(folder: Path, training: Path) -> Path:
    files = ["--data", str(training), "--out", str(folder / "model")]
    measure([*COMMAND, "train", "--schema", "demo", *files, "--quick"])
    tell("model trained")
    return folder / "model"


if __name__ == "__main__":
    main()
