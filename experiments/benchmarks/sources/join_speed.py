"""Time and peak memory of joining applications with transactions, beside the same aggregates in pandas.

    python -m experiments.benchmarks.sources.join_speed --applications 200000 --transactions 5000000

Each way runs as a process of its own: it reads the applications (CSV) and the transactions (CSV or Parquet, in no
order), makes 14 aggregates of them as of each decision, and puts them beside the applications. Seconds are of the whole
process, its start included. pandas checks no cell and finds no orphan or duplicate. The sum of one aggregate shows that
all ways made the same.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.benchmarks.measuring import markdown, measure, parser, publish, tell
from experiments.benchmarks.sources.transactions import TRANSACTIONS, schema, write_tables
from features.sources.join import join_sources
from features.sources.locations import parse_locations
from features.tables.reader import ReadOptions, read_chunks

Way = Callable[[Path, Path], pd.DataFrame]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    given = _options().parse_args(arguments)
    if given.way:
        made = WAYS[given.way](*given.tables)
        print(json.dumps({"rows": len(made), "total": float(made["total"].sum())}))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = _measured(Path(folder), given)
    rows = [[one["way"], one["table"], *(f"{one[key]:,.1f}" for key in ("seconds", "cpu_seconds"))] for one in found]
    rows = [[*row, f"{one['peak_mb']:,.0f}", f"{one['total']:,.2f}"] for row, one in zip(rows, found, strict=True)]
    tables = markdown(["way", "transactions", "seconds", "CPU seconds", "peak MB", "sum of totals"], rows)
    publish({"found": found}, tables, given.json)


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__ or "")
    options.add_argument("--applications", type=int, default=200_000, help="how many (default: %(default)s)")
    options.add_argument("--transactions", type=int, default=5_000_000, help="how many (default: %(default)s)")
    options.add_argument("--way", choices=sorted(WAYS), help="run one way on --tables, in this process")
    options.add_argument("--tables", type=Path, nargs=2, help="applications and transactions")
    return options


def _measured(folder: Path, given: argparse.Namespace) -> list[dict[str, Any]]:
    applications, table, text = write_tables(folder, given.applications, given.transactions)
    tell("tables written")
    runs = [(way, path) for path in (table, text) for way in ("creditfusion", "pandas")]
    return [_run(way, applications, path) for way, path in runs]


def _run(way: str, applications: Path, transactions: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "experiments.benchmarks.sources.join_speed", "--way", way, "--tables"]
    measured = measure([*command, str(applications), str(transactions)])
    tell(f"{way} done in {measured.seconds:.1f} s")
    figures = {"seconds": measured.seconds, "cpu_seconds": measured.cpu_seconds, "peak_mb": measured.peak_mb}
    return {"way": way, "table": transactions.suffix[1:], **figures, **measured.summary}


def by_creditfusion(applications: Path, transactions: Path) -> pd.DataFrame:
    """As every verb reads them."""
    contract = schema()
    locations = parse_locations([f"{TRANSACTIONS}={transactions}"], contract)
    with join_sources([applications], contract, locations, ReadOptions()) as joined:
        chunks = list(read_chunks(applications, contract, ReadOptions(joined=joined)))
    return pd.concat([chunk.applications.frame for chunk in chunks], ignore_index=True)


def by_pandas(applications: Path, transactions: Path) -> pd.DataFrame:
    """As one writes it by hand, vectorised."""
    owners = pd.read_csv(applications, parse_dates=["decided"])
    is_csv = transactions.suffix == ".csv"
    records = pd.read_csv(transactions, parse_dates=["day"]) if is_csv else pd.read_parquet(transactions)
    records = records.drop_duplicates("transaction").merge(owners, on="id")
    records["age"] = (records["decided"] - pd.to_datetime(records["day"])).dt.days
    records = records[records["age"] > 0]
    groups, amounts = records.groupby("id"), records.groupby("id")["amount"]
    last = records.sort_values(["age", "amount"], ascending=[False, True]).groupby("id")
    last_kind = records.sort_values(["age", "kind"], ascending=[False, True]).groupby("id")["kind"].last()
    debts = records[(records["kind"] == "debt") & (records["age"] <= 180)]
    made = {
        "n": groups.size(),
        "n_debt": debts.groupby("id").size(),
        "share_wage": (records["kind"] == "wage").groupby(records["id"]).mean(),
        "kinds": groups["kind"].nunique(),
        "total": amounts.sum(),
        "total_90": records[records["age"] <= 90].groupby("id")["amount"].sum(),
        "mean": amounts.mean(),
        "least": amounts.min(),
        "most": amounts.max(),
        "spread": amounts.std(),
        "last": last["amount"].last(),
        "last_kind": last_kind,
        "trend": _slope(records[records["age"] <= 365]),
        "since": groups["age"].min(),
    }
    joined = owners.join(pd.DataFrame(made), on="id")
    return joined.fillna(dict.fromkeys(("n", "n_debt", "kinds", "total", "total_90"), 0))


def _slope(records: pd.DataFrame) -> pd.Series:
    """Of the amounts over years, by application."""
    parts = pd.DataFrame({"t": -records["age"] / 365.25, "x": records["amount"]})
    centred = parts - parts.groupby(records["id"]).transform("mean")
    spread = (centred["t"] ** 2).groupby(records["id"]).sum()
    return (centred["t"] * centred["x"]).groupby(records["id"]).sum() / spread.replace(0, np.nan)


WAYS: Mapping[str, Way] = {"creditfusion": by_creditfusion, "pandas": by_pandas}

if __name__ == "__main__":
    main()
