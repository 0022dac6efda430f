"""What is made of records, beside the same in plain Python and in pandas."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import random
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.sources import OF_ANY_VALUE, OF_NOTHING, AggregateKind
from features.sources import join, loading
from tests.support.joins import ACCOUNTS, joining, read, schema_with, source, write

HEADER = "account,id,day,balance,status,note"
DECIDED = dt.date(2024, 6, 1)
CONDITIONS: tuple[tuple[dict[str, Any], ...], ...] = (
    (),
    ({"column": "status", "in": ["open", "it's"]},),
    ({"column": "status", "not_in": ["open"]}, {"column": "balance", "at_most": 50}),
    ({"column": "balance", "at_least": -3.5},),
)
LAG, WINDOW = 7, 40

Record = tuple[int, int, float | None, str]
"""Application, days before its decision, balance, status."""


def declared() -> list[dict[str, Any]]:
    """Every kind, of each type of column, with and without window and conditions."""
    made: list[dict[str, Any]] = []
    for (kind, where), window in zip(
        itertools.product(AggregateKind, CONDITIONS), itertools.cycle((None, None, WINDOW, WINDOW))
    ):
        if kind is AggregateKind.SHARE and not where:
            continue
        columns = ("",) if kind in OF_NOTHING else ("balance", "status") if kind in OF_ANY_VALUE else ("balance",)
        for of in columns:
            part: dict[str, Any] = {"name": f"a{len(made)}", "kind": str(kind)}
            part |= {"of": of} if of else {}
            part |= {"where": list(where)} if where else {}
            part |= {"window_days": window} if window else {}
            made.append(part)
    return made


DECLARED = declared()
SCHEMA = schema_with(source(ACCOUNTS, aggregates=DECLARED, lag_days=LAG))


def joined_values(folder: Path, records: list[Record], n_applications: int) -> pd.DataFrame:
    days = [f"{n},{DECIDED + dt.timedelta(n)},1" for n in range(n_applications)]
    applications = write(folder / "app.csv", "id,decided,amount", days)
    rows = [
        f"r{i},{n},{DECIDED + dt.timedelta(n - age)},{'' if balance is None else balance},{status},"
        for i, (n, age, balance, status) in enumerate(records)
    ]
    bureau = write(folder / "bureau.csv", HEADER, rows)
    with joining(applications, SCHEMA, bureau=bureau) as joined:
        return read(applications, joined, SCHEMA)


def expected(records: list[Record], part: dict[str, Any]) -> object:
    """The value of an application with these records, as the contract describes it."""
    known = [r for r in records if LAG < r[1] <= part.get("window_days", math.inf) + LAG]
    met = [record for record in known if all(meets(record, condition) for condition in part.get("where", []))]
    ages = [age for _, age, _, _ in met]
    match AggregateKind(part["kind"]):
        case AggregateKind.SHARE:
            return len(met) / len(known) if known else math.nan
        case AggregateKind.COUNT:
            return len(met)
        case AggregateKind.DAYS_SINCE_FIRST:
            return max(ages, default=math.nan)
        case AggregateKind.DAYS_SINCE_LAST:
            return min(ages, default=math.nan)
    if part["of"] == "status":
        return OF_VALUES[AggregateKind(part["kind"])]([(-age, level) for _, age, _, level in met if level], "")
    values = [(-age, balance) for _, age, balance, _ in met if balance is not None]
    return OF_VALUES[AggregateKind(part["kind"])](values, math.nan)


def meets(record: Record, condition: dict[str, Any]) -> bool:
    _, _, balance, level = record
    if "in" in condition:
        return level in condition["in"]
    if "not_in" in condition:
        return level not in condition["not_in"]
    if balance is None:
        return False
    return bool(balance >= condition["at_least"] if "at_least" in condition else balance <= condition["at_most"])


def slope(dated: list[tuple[int, Any]], missing: object) -> object:
    if len({day for day, _ in dated}) < 2:
        return missing
    years, values = np.array(dated, dtype=np.float64).T / np.array([[365.25], [1]])
    return np.polynomial.Polynomial.fit(years, values, 1).convert().coef[1:].sum()


OF_VALUES: dict[AggregateKind, Callable[[list[tuple[int, Any]], object], object]] = {
    AggregateKind.DISTINCT: lambda dated, _: len({value for _, value in dated}),
    AggregateKind.SUM: lambda dated, _: math.fsum(value for _, value in dated),
    AggregateKind.MEAN: lambda dated, missing: fmean(value for _, value in dated) if dated else missing,
    AggregateKind.MIN: lambda dated, missing: min((value for _, value in dated), default=missing),
    AggregateKind.MAX: lambda dated, missing: max((value for _, value in dated), default=missing),
    AggregateKind.STD: lambda dated, missing: stdev(value for _, value in dated) if len(dated) > 1 else missing,
    AggregateKind.TREND: slope,
    AggregateKind.FIRST: lambda dated, missing: min(dated)[1] if dated else missing,
    AggregateKind.LAST: lambda dated, missing: max(dated)[1] if dated else missing,
}


BALANCES = st.none() | st.integers(-10_000, 10_000).map(lambda cents: cents / 100)
RECORDS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(-3, 120), BALANCES, st.sampled_from(["open", "it's", "late", ""])),
    max_size=30,
)


@settings(max_examples=10)
@given(records=RECORDS)
def test_every_kind_is_what_the_contract_says_of_it(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record]
) -> None:
    frame = joined_values(tmp_path_factory.mktemp("join"), records, 4)
    for part in DECLARED:
        wanted = [expected([record for record in records if record[0] == n], part) for n in range(4)]
        found = frame[part["name"]]
        if found.dtype == "float64":
            as_floats = np.array(wanted, dtype=np.float64)
            np.testing.assert_allclose(found, as_floats, rtol=1e-9, atol=1e-9, err_msg=str(part))
        else:
            assert found.tolist() == wanted, part


@pytest.fixture(scope="module")
def many() -> list[Record]:
    chance = random.Random(3)
    return [
        (
            chance.randrange(1000),
            chance.randint(-20, 700),
            None if chance.random() < 0.1 else round(chance.gauss(1000, 400), 2),
            chance.choice(["open", "late", "it's", ""]),
        )
        for _ in range(8000)
    ]


def test_a_thousand_applicants_equal_pandas(tmp_path: Path, many: list[Record]) -> None:
    records = pd.DataFrame(many, columns=["app", "age", "balance", "status"])
    known = records[records["age"] > LAG].sort_values(["age", "balance"])
    valued = known.dropna(subset="balance").assign(t=lambda frame: -frame["age"] / 365.25)
    centred = valued[["t", "balance"]] - valued.groupby("app")[["t", "balance"]].transform("mean")
    products = (centred["t"] * centred["balance"]).groupby(valued["app"]).sum()
    spread = (centred["t"] ** 2).groupby(valued["app"]).sum()
    balances = valued.groupby("app")["balance"]
    wanted: dict[str, pd.Series] = {
        "count": known.groupby("app").size(),
        "share": known["status"].isin(["open", "it's"]).groupby(known["app"]).mean(),
        "distinct": balances.nunique(),
        "sum": balances.sum(),
        "mean": balances.mean(),
        "min": balances.min(),
        "max": balances.max(),
        "std": balances.std(),
        "last": valued.sort_values(["age", "balance"], ascending=[True, False]).groupby("app")["balance"].first(),
        "first": valued.sort_values(["age", "balance"], ascending=[False, True]).groupby("app")["balance"].first(),
        "trend": products / spread.where(spread > 0),
        "days_since_first": known.groupby("app")["age"].max(),
        "days_since_last": known.groupby("app")["age"].min(),
    }
    frame = joined_values(tmp_path, many, 1000).set_axis(range(1000))
    for kind, values in wanted.items():
        part = next(one for one in DECLARED if one["kind"] == kind and one.get("of") != "status")
        of_none = 0.0 if kind in ("count", "distinct", "sum") else math.nan
        wanted_values = values.reindex(range(1000), fill_value=of_none).to_numpy(np.float64)
        np.testing.assert_allclose(frame[part["name"]], wanted_values, rtol=1e-9, atol=1e-9, err_msg=kind)


def test_no_bit_depends_on_the_order_of_records_on_chunks_or_on_threads(
    tmp_path: Path, many: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = joined_values(tmp_path, many, 1000)
    lines = (tmp_path / "bureau.csv").read_text().splitlines()
    random.Random(5).shuffle(body := lines[1:])
    bureau = write(tmp_path / "other.csv", lines[0], body)
    monkeypatch.setattr(loading, "BATCH", 777)
    monkeypatch.setattr(join, "RECORDS_AT_A_TIME", 500)
    applications = tmp_path / "app.csv"
    with joining(applications, SCHEMA, threads=2, bureau=bureau) as joined:
        pd.testing.assert_frame_equal(first, read(applications, joined, SCHEMA, chunk_rows=13), check_exact=True)
