"""The loans of the Czech bank, one row for each: the loan, its account, its district, and what happened before it.

Only the 391 loans whose transactions are supplied; nothing dated on or after the day of the loan is looked at.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.benchmarks.data_sets.spec import read_cells

RECENT_DAYS = 90
HISTORY = (
    "n_transactions",
    "balance_min",
    "balance_mean",
    "balance_std",
    "balance_last",
    "credits",
    "debits",
    "credits_per_month",
    "debits_per_month",
    "credits_recent",
    "debits_recent",
    "n_penalties",
    "n_below_zero",
    "months_seen",
)
"""Numbers over an account's transactions before the loan."""


def rows(source: Path) -> pd.DataFrame:
    """The joined rows; every cell is text."""
    folder = source / "berka"
    tables = {name: read_cells(folder / f"{name}.csv.gz") for name in ("loan", "account", "district", "disp", "card")}
    account = tables["account"].rename(columns={"date": "opened"})
    loans = tables["loan"].merge(account, on="account_id", validate="one_to_one")
    loans = loans.merge(tables["district"], left_on="district_id", right_on="A1", validate="many_to_one")
    before = _before_the_loan(read_cells(folder / "trans.csv.gz"), loans)
    loans = loans.merge(_history(before), left_on="loan_id", right_index=True, validate="one_to_one")
    people = tables["disp"].groupby("account_id").size()
    loans["n_people"] = loans["account_id"].map(people).astype(str)
    loans["has_card"] = _has_card(loans, tables["disp"], tables["card"])
    return loans.sort_values("loan_id", key=lambda ids: ids.astype(int)).reset_index(drop=True).astype(object)


def _before_the_loan(transactions: pd.DataFrame, loans: pd.DataFrame) -> pd.DataFrame:
    """Transactions of the loans' accounts dated before the loan, oldest first, with numbers as numbers."""
    joined = transactions.merge(loans[["account_id", "loan_id", "date"]], on="account_id", suffixes=("", "_of_loan"))
    joined["amount"], joined["balance"] = joined["amount"].astype(float), joined["balance"].astype(float)
    joined["number"] = joined["trans_id"].astype(int)
    joined["day"], joined["granted"] = _days(joined["date"]), _days(joined["date_of_loan"])
    return joined[joined["day"] < joined["granted"]].sort_values(["day", "number"], kind="stable")


def _history(before: pd.DataFrame) -> pd.DataFrame:
    """``HISTORY`` by loan_id, as text."""
    age = (before["granted"] - before["day"]).dt.days
    credit = before["type"] == "PRIJEM"
    recent = age <= RECENT_DAYS
    amounts = before["amount"]
    parts = before.assign(
        credits=amounts.where(credit, 0.0),
        debits=amounts.where(~credit, 0.0),
        credits_recent=amounts.where(credit & recent, 0.0),
        debits_recent=amounts.where(~credit & recent, 0.0),
        n_penalties=before["k_symbol"] == "SANKC. UROK",
        n_below_zero=before["balance"] < 0,
        months_seen=age / 30.44,
    ).groupby("loan_id")
    summed = ["credits", "debits", "credits_recent", "debits_recent", "n_penalties", "n_below_zero"]
    found = parts[summed].sum()
    balance = parts["balance"].agg(["size", "min", "mean", "std", "last"])
    balance.columns = pd.Index(["n_transactions", "balance_min", "balance_mean", "balance_std", "balance_last"])
    found = found.join(balance)
    found["months_seen"] = parts["months_seen"].max()
    months = np.maximum(found["months_seen"], 1.0)
    found["credits_per_month"], found["debits_per_month"] = found["credits"] / months, found["debits"] / months
    return found[list(HISTORY)].astype(float).round(2).map(lambda value: "" if np.isnan(value) else repr(value))


def _has_card(loans: pd.DataFrame, people: pd.DataFrame, cards: pd.DataFrame) -> list[str]:
    """Whether somebody with access to the account had a card before the loan."""
    issued = cards.merge(people[["disp_id", "account_id"]], on="disp_id")
    first = _days(issued["issued"].str[:6]).groupby(issued["account_id"]).min()
    had = loans["account_id"].map(first) < _days(loans["date"])
    return ["true" if one else "false" for one in had]


def _days(written: pd.Series) -> pd.Series:
    return pd.to_datetime(written, format="%y%m%d")
