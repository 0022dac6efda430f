"""Records of further sources for the demo's applications: bureau accounts, transactions and call notes.

They are drawn independently of every column and statement (salaries alone follow the stated income), so each source
tells of the risk what nothing else does. Its part of the rule is a function of the records dated before the decision,
as its files show them. Two things are planted: records after the decision, which know the outcome, for some of the past
applications; and records of applications that do not exist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from experiments.demo.calls import CALL_CONCEPTS, CALL_SMALL_TALK, CALLS_AFTER_DEFAULT, CALLS_AFTER_REPAYMENT
from experiments.demo.data import DemoData, draw_sentences
from features.arrays import Dates, Flags, Floats, Index

DATES = {"bureau": "reported_on", "transactions": "booked_on", "call_notes": "called_on"}
"""The sources, each with the column of its records' date."""

SHARE_WITHOUT = {"bureau": 0.05, "transactions": 0.08, "call_notes": 0.35}
"""Applications without any record of a source."""

SHARE_LEAKING = 0.4
"""Past applications with records of the time after the decision, for each source."""

SHARE_ORPHANS = 0.005
"""Further records, of applications that do not exist."""

BUREAU_LAG, WINDOW, MONTHS = 3, 90, 6
"""Days until a bureau report is known; days of transactions that count; months of salaries."""

AGENTS = ("A03", "A07", "B11", "B12", "C02")
ACCOUNTS = {"card": 0.5, "car loan": 0.2, "instalment loan": 0.2, "mortgage": 0.1}
SPENT_ON = {"groceries": 0.35, "rent": 0.1, "utilities": 0.2, "transfer": 0.15, "restaurant": 0.2}

_YEAR = 365.25


@dataclass(frozen=True)
class DemoSources:
    """Applications with the records that belong to them.

    Attributes:
        data: the applications, whose outcomes follow the columns, the narratives and all sources.
        tables: the records of each source, as they go into CSV files.
        log_odds: float64 (n,), each source's part of the rule's log-odds.
    """

    data: DemoData
    tables: Mapping[str, pd.DataFrame]
    log_odds: Mapping[str, Floats]

    def truth(self) -> pd.DataFrame:
        """The truth about the applications, with a column SOURCE_log_odds for each source."""
        return self.data.truth().assign(**{f"{name}_log_odds": part for name, part in self.log_odds.items()})


@dataclass(frozen=True)
class _Draw:
    """What records are drawn for.

    Attributes:
        random: the one source of randomness.
        ids: of the n applications.
        days: of their decisions.
        salary: per month, as the stated income suggests.
    """

    random: np.random.Generator
    ids: npt.NDArray[np.object_]
    days: Dates
    salary: Floats

    @staticmethod
    def of(table: pd.DataFrame, random: np.random.Generator) -> _Draw:
        income = np.maximum(table["annual_income"].fillna(52_000).to_numpy(), 6_000)
        ids, days = table["application_id"].to_numpy(dtype=object), table["applied_on"].to_numpy(dtype="datetime64[D]")
        return _Draw(random, ids, days, 0.75 * income / 12)

    def __len__(self) -> int:
        return len(self.ids)

    def known_to(self, source: str) -> Flags:
        """Applications with a record of that source."""
        known: Flags = self.random.random(len(self)) >= SHARE_WITHOUT[source]
        return known

    def dated(self, owner: Index, least: int, most: int) -> Dates:
        """A day for each record, ``least`` to ``most`` - 1 days after the decision; before it where negative."""
        days: Dates = self.days[owner] + self.random.integers(least, most, len(owner)).astype("timedelta64[D]")
        return days

    def levels(self, shares: Mapping[str, float], n: int) -> npt.NDArray[np.str_]:
        """Levels by their shares."""
        return self.random.choice(list(shares), n, p=list(shares.values()))


def with_sources(data: DemoData, seed: int, leaking: bool) -> DemoSources:
    """Draw records for the applications, and their outcomes anew.

    Args:
        data: applications without sources.
        seed: equal seeds give equal records.
        leaking: whether some applications have records of the time after the decision, as decided ones do.
    """
    random = np.random.Generator(np.random.PCG64([seed, len(data), 2 + leaking]))
    draw = _Draw.of(data.table, random)
    known = (_bureau(draw), _transactions(draw), _call_notes(draw))
    log_odds = {name: part for name, (_, part) in zip(DATES, known, strict=True)}
    total = data.log_odds + np.sum(list(log_odds.values()), axis=0)
    defaulted = random.random(len(data)) < expit(total)
    tables = {}
    for name, (records, _), later in zip(DATES, known, (_later_reports, _later_bookings, _later_notes), strict=True):
        leaks = np.flatnonzero(random.random(len(data)) < SHARE_LEAKING * leaking)
        tables[name] = _ledger([records, later(draw, leaks, defaulted[leaks])], DATES[name], random)
    table = data.table.assign(outcome=np.where(defaulted, "defaulted", "repaid"))
    return DemoSources(replace(data, table=table, log_odds=total), tables, log_odds)


def _ledger(parts: Sequence[pd.DataFrame], date: str, random: np.random.Generator) -> pd.DataFrame:
    """All records by date, with a few whose applications do not exist."""
    records = pd.concat(parts, ignore_index=True)
    lost = records.sample(frac=SHARE_ORPHANS, random_state=random)
    lost["application_id"] = [f"X{at:06d}" for at in range(len(lost))]
    return pd.concat([records, lost]).sort_values([date, "application_id"], kind="stable", ignore_index=True)


def _bureau(draw: _Draw) -> tuple[pd.DataFrame, Floats]:
    """Accounts as the bureau last reported them before the decision; what counts are late ones and all balances."""
    n_accounts = np.where(draw.known_to("bureau"), 1 + draw.random.poisson(3.0, len(draw)), 0)
    owner = np.repeat(np.arange(len(draw)), n_accounts)
    late = draw.random.random(len(owner)) < draw.random.beta(0.5, 3.0, len(draw))[owner]
    size = draw.random.normal(0.0, 0.7, len(draw))[owner]
    records = _accounts(draw, owner, draw.dated(owner, -200, -BUREAU_LAG), size)
    days_late = draw.random.choice([30, 60, 90, 120], len(owner), p=[0.5, 0.25, 0.15, 0.1])
    records["days_late"] = np.where(late, days_late, 0)
    n_late, owed = (np.bincount(owner, values, len(draw)) for values in (late, records["balance"]))
    log_odds = 0.6 * np.minimum(n_late, 4) + 0.5 * (np.log1p(owed / 1000) - 2.1) * (n_accounts > 0) - 0.3
    return records, log_odds


def _accounts(draw: _Draw, owner: Index, reported: Dates, size: Floats) -> pd.DataFrame:
    n = len(owner)
    opened = reported - draw.random.integers(60, 4_000, n).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "application_id": draw.ids[owner],
            "kind": draw.levels(ACCOUNTS, n),
            "opened_on": opened.astype(str),
            "reported_on": reported.astype(str),
            "status": draw.levels({"open": 0.8, "closed": 0.2}, n),
            "balance": np.round(np.exp(draw.random.normal(7.4 + size, 0.8))),
        }
    )


def _later_reports(draw: _Draw, owner: Index, failed: Flags) -> pd.DataFrame:
    """Reports after the decision: late and charged off where the loan failed."""
    records = _accounts(draw, owner, draw.dated(owner, 60, 500), np.zeros(len(owner)))
    status = np.where(failed, "charged off", records["status"])
    return records.assign(status=status, days_late=np.where(failed, 150, 0))


def _transactions(draw: _Draw) -> tuple[pd.DataFrame, Floats]:
    """Half a year of an account. What counts: salaries that fall, and gambling and overdraft fees of the last days."""
    known = draw.known_to("transactions")
    salaries, drift = _salaries(draw, np.flatnonzero(known))
    gambles = known & (draw.random.random(len(draw)) < 0.22)
    stakes, n_stakes = _lately(draw, np.where(gambles, 7.0, 0.0), "gambling", 60.0)
    fees, n_fees = _lately(draw, np.where(known, 1.0, 0.0), "overdraft fee", 30.0)
    owner = np.repeat(np.flatnonzero(known), 8)
    booked, kinds = draw.dated(owner, -30 * MONTHS, 0), draw.levels(SPENT_ON, len(owner))
    others = _booked(draw, owner, booked, kinds, -np.exp(draw.random.normal(4.3, 0.9, len(owner))))
    spending = 0.35 * np.minimum(n_stakes, 4) + 0.5 * np.minimum(n_fees, 3) - 0.5 * known
    return pd.concat([salaries, stakes, fees, others]), spending - 1.5 * np.clip(drift, -0.9, 0.9)


def _salaries(draw: _Draw, owners: Index) -> tuple[pd.DataFrame, Floats]:
    """A salary a month; and for every application the slope of their least-squares line over their mean, per year."""
    owner = np.repeat(owners, MONTHS)
    age = np.tile(30 * np.arange(MONTHS)[::-1], len(owners)) + draw.random.integers(2, 6, len(owner))
    growth = draw.random.normal(0.0, 0.45, len(draw))[owner]
    noise = draw.random.normal(0.0, 0.02, len(owner))
    amount = np.round(draw.salary[owner] * np.exp(noise - growth * age / _YEAR), 2)
    records = _booked(draw, owner, draw.days[owner] - age.astype("timedelta64[D]"), "salary", amount)
    by_month, years = amount.reshape(-1, MONTHS), -age.reshape(-1, MONTHS) / _YEAR
    centred = years - years.mean(axis=1, keepdims=True)
    drift = np.zeros(len(draw))
    drift[owners] = (centred * by_month).sum(axis=1) / (centred**2).sum(axis=1) / by_month.mean(axis=1)
    return records, drift


def _lately(draw: _Draw, mean: Floats, kind: str, amount: float) -> tuple[pd.DataFrame, Floats]:
    """Bookings of one kind within twice the window; and how many of each application lie in it."""
    owner = np.repeat(np.arange(len(draw)), draw.random.poisson(mean))
    recent = draw.random.random(len(owner)) < 0.5
    age = draw.random.integers(1, WINDOW, len(owner)) + np.where(recent, 0, WINDOW + 1)
    booked = draw.days[owner] - age.astype("timedelta64[D]")
    amounts = (-amount * draw.random.integers(1, 4, len(owner))).astype(np.float64)
    n_recent: Floats = np.bincount(owner, recent, len(draw)).astype(np.float64)
    return _booked(draw, owner, booked, kind, amounts), n_recent


def _booked(draw: _Draw, owner: Index, booked: Dates, kind: str | npt.NDArray[np.str_], amount: Floats) -> pd.DataFrame:
    ids, amount = draw.ids[owner], np.round(amount, 2)
    return pd.DataFrame({"application_id": ids, "booked_on": booked.astype(str), "kind": kind, "amount": amount})


def _later_bookings(draw: _Draw, owner: Index, failed: Flags) -> pd.DataFrame:
    """Bookings after the decision: a collection agency's where the loan failed."""
    kinds, amount = np.where(failed, "collection", "transfer"), np.where(failed, -250.0, -100.0)
    return _booked(draw, owner, draw.dated(owner, 100, 500), kinds, amount)


def _call_notes(draw: _Draw) -> tuple[pd.DataFrame, Floats]:
    """Notes on calls of the weeks before the decision; each thing said stands in one of an application's notes."""
    counts = np.where(draw.known_to("call_notes"), 1 + draw.random.poisson(0.6, len(draw)), 0)
    owner, first = np.repeat(np.arange(len(draw)), counts), np.cumsum(counts) - counts
    mentions = draw.random.random((len(draw), len(CALL_CONCEPTS))) < [concept.share for concept in CALL_CONCEPTS]
    mentions &= (counts > 0)[:, None]
    small = draw_sentences(draw.random, CALL_SMALL_TALK, (len(owner),))
    chatty = draw.random.random(len(owner)) < 0.6
    sentences = [[text] if also else [] for text, also in zip(small, chatty, strict=True)]
    for k, concept in enumerate(CALL_CONCEPTS):
        who = np.flatnonzero(mentions[:, k])
        notes = first[who] + draw.random.integers(0, counts[who])
        for note, text in zip(notes, draw_sentences(draw.random, concept.templates, (len(who),)), strict=True):
            sentences[note].append(text)
    texts = [" ".join(parts or [rest]) for parts, rest in zip(sentences, small, strict=True)]
    weights = np.array([concept.weight for concept in CALL_CONCEPTS])
    return _noted(draw, owner, draw.dated(owner, -60, 0), texts), mentions @ weights


def _noted(draw: _Draw, owner: Index, day: Dates, texts: Sequence[str]) -> pd.DataFrame:
    ids, agents = draw.ids[owner], draw.random.choice(AGENTS, len(owner))
    return pd.DataFrame({"application_id": ids, "called_on": day.astype(str), "agent": agents, "note": texts})


def _later_notes(draw: _Draw, owner: Index, failed: Flags) -> pd.DataFrame:
    """Notes after the decision, which tell the outcome."""
    after = (CALLS_AFTER_DEFAULT, CALLS_AFTER_REPAYMENT)
    bad, good = (draw_sentences(draw.random, templates, (len(owner),)) for templates in after)
    return _noted(draw, owner, draw.dated(owner, 120, 500), list(np.where(failed, bad, good)))
