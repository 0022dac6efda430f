"""How long a contract takes to be drafted from a whole file, of many rows and columns of every kind.

The file is made up: a key, a narrative, an outcome, then amounts, counts with a code for missing, percentages, dates
and levels in turn until there are enough columns. ``schema infer`` reads and drafts it in a process of its own.

    python -m experiments.benchmarks.drafting.whole_file --rows 100000 --columns 100
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from experiments.benchmarks.measuring import machine, markdown, measure, parser, tell

WORDS = np.array(["car", "roof", "kitchen", "debt", "school", "wedding", "move", "stock", "help", "family", "work"])
Make = Callable[[np.random.Generator, int], Sequence[str]]


def _amounts(random: np.random.Generator, n: int) -> Sequence[str]:
    return [f"{value:.2f}" for value in random.lognormal(9, 1, n)]


def _counts(random: np.random.Generator, n: int) -> Sequence[str]:
    counts = random.poisson(4, n).astype(str).astype(object)
    counts[random.random(n) < 0.05] = "-9"
    return list(counts)


def _percents(random: np.random.Generator, n: int) -> Sequence[str]:
    return [f"{value:.1f}%" for value in random.uniform(0, 100, n)]


def _dates(random: np.random.Generator, n: int) -> Sequence[str]:
    days = np.datetime64("2010-01-01") + random.integers(0, 4000, n)
    return list(pd.DatetimeIndex(days).strftime("%d.%m.%Y"))


def _levels(random: np.random.Generator, n: int) -> Sequence[str]:
    return list(random.choice(["rent", "own", "mortgage", "other", ""], n))


def _narratives(random: np.random.Generator, n: int) -> Sequence[str]:
    return [" ".join(row) for row in random.choice(WORDS, (n, 12))]


KINDS: dict[str, Make] = {
    "amount": _amounts,
    "accounts": _counts,
    "utilisation": _percents,
    "opened": _dates,
    "home": _levels,
}


def made(n_rows: int, n_columns: int) -> pd.DataFrame:
    """A table of texts with so many rows and columns, the same each time."""
    random = np.random.default_rng(0)
    day = np.datetime64("2021-01-01") + np.arange(n_rows) % 1000
    columns: dict[str, Sequence[str]] = {
        "loan_no": [f"L{number:07}" for number in range(n_rows)],
        "applied_on": list(pd.DatetimeIndex(day).strftime("%d.%m.%Y")),
        "story": _narratives(random, n_rows),
        "loan_status": list(random.choice(["Fully Paid", "Charged Off"], n_rows, p=[0.9, 0.1])),
    }
    kinds = list(KINDS.items())
    for number in range(n_columns - len(columns)):
        name, make = kinds[number % len(kinds)]
        columns[f"{name}_{number}"] = make(random, n_rows)
    return pd.DataFrame(columns, dtype=object)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the file, draft it and print the time; see the module's text."""
    options = parser(__doc__)
    options.add_argument("--rows", type=int, default=100_000, help="rows of the file (default: %(default)s)")
    options.add_argument("--columns", type=int, default=100, help="its columns (default: %(default)s)")
    options.add_argument("--rounds", type=int, default=3, help="how often it is drafted (default: %(default)s)")
    given = options.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.csv"
        made(given.rows, given.columns).to_csv(path, index=False, lineterminator="\n")
        command = [sys.executable, "-m", "creditfusion", "schema", "infer", str(path), "--json", "--force"]
        command += ["--rows", str(given.rows), "--out", str(Path(folder) / "made.json")]
        rounds = []
        for number in range(given.rounds):
            rounds.append(measure(command))
            tell(f"round {number + 1}: {rounds[-1].seconds:.1f} s, {rounds[-1].cpu_seconds:.1f} s of CPU")
        found: dict[str, Any] = {
            "rows": given.rows,
            "columns": given.columns,
            "megabytes": round(path.stat().st_size / 1e6, 1),
            "seconds": [round(one.seconds, 2) for one in rounds],
            "cpu_seconds": [round(one.cpu_seconds, 2) for one in rounds],
            "peak_mb": round(max(one.peak_mb for one in rounds)),
            "machine": machine(),
        }
    if given.json:
        print(json.dumps(found))
        return
    print(f"{found['machine']}\n")
    row = [f"{given.rows:,}", str(given.columns), str(found["megabytes"])]
    row += [f"{median(times):.1f}" for times in (found["seconds"], found["cpu_seconds"])]
    headers = ["rows", "columns", "MB", "seconds (median)", "of CPU", "peak MB"]
    print(markdown(headers, [[*row, str(found["peak_mb"])]]))


if __name__ == "__main__":
    main()
