"""Whether the watch alarms where something was planted, and keeps quiet where nothing was.

Applications of the demo come day by day, fewer at weekends. In quiet days nothing changes, so every alarm is a false
one. Then a day follows in which one thing was planted; it is held against the days before, and once more against
training alone, as the first day of a watch is. Levels and chances are those of the shipped rules; no cool-down holds an
alarm back.

    python -m experiments.benchmarks.watch.planted_drifts --model BUNDLE --cache VECTORS --seeds 11 12
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from data_schemas.contract import Schema
from experiments.benchmarks.measuring import parser, publish, tell
from experiments.benchmarks.watch.invented import invented
from experiments.demo.data import generate
from experiments.session.second_models import NO_SECOND_MODELS
from experiments.watch.gathering import Gatherer
from experiments.watch.opened import Opened
from experiments.watch.parts import PartWithChapter, open_gatherers, open_parts
from features.design import TextBlock
from features.tables.dataframe import read_frame
from fusion.monitor import untimed
from fusion.scorer import load_scorer
from fusion.watch.alerts import Alert, find_alerts
from fusion.watch.part import Batch, Watched
from fusion.watch.rules import Rules, load_rules
from fusion.watch.signals import Signal

FIRST_DAY = np.datetime64("2026-01-05")  # a Monday
QUIET = 50
WARMING = 8  # days before the quiet ones, after which a day is held against its history
ROWS = 300
WEEKEND = 0.5
ASIDES = "also now then here still soon just really surely maybe simply only once truly quite".split()  # noqa: SIM905 (shorter)
COPIED = (
    "My uncle sold the bakery last winter and I {} bought the ovens from him, so that the loan pays the rest of the "
    "price and the first month of flour, and two supermarkets in the next town have signed for our bread."
)
STORY = "I want to buy a heat pump before the subsidy ends."

Rows = pd.DataFrame
Profiles = Mapping[str, Any]
"""The profile of one day, by part."""


@dataclass(frozen=True)
class Plant:
    """Something that changes on one day.

    Attributes:
        name: What.
        table: Changes the applications.
        batch: Changes what the model sees of them.
    """

    name: str
    table: Callable[[Rows], Rows] = lambda rows: rows
    batch: Callable[[Batch], Batch] = lambda batch: batch


def scaled(rows: Rows) -> Rows:
    """Incomes by month in the place of those by year."""
    return rows.assign(annual_income=(rows["annual_income"].astype(float) / 12).round())


def renamed(rows: Rows) -> Rows:
    """One level of a column under a new name."""
    return rows.assign(home=rows["home"].replace({"rent": "tenant"}))


def spreading(rows: Rows) -> Rows:
    """One sentence with new words in three narratives of ten."""
    drawn = np.random.Generator(np.random.PCG64(3)).random(len(rows)) < 0.3
    is_changed = drawn & (rows["statement"] != "").to_numpy()
    return rows.assign(statement=rows["statement"].where(~is_changed, rows["statement"] + " " + STORY))


def lost(rows: Rows) -> Rows:
    """A column that a third of the applications no longer fills."""
    drawn = np.random.Generator(np.random.PCG64(4)).random(len(rows)) < 1 / 3
    return rows.assign(credit_score=rows["credit_score"].astype(object).where(~drawn, None))


def riskier(rows: Rows) -> Rows:
    """Applicants with higher debts beside their income."""
    return rows.assign(dti=np.minimum(rows["dti"].astype(float) * 1.6, 0.9).round(3))


def halved(rows: Rows) -> Rows:
    """Three quarters of the day's file are lost."""
    return rows.iloc[::4]


def copied(rows: Rows) -> Rows:
    """Fifteen applicants with one narrative, in which each has a word of their own."""
    statement = rows["statement"].copy()
    for at, word in enumerate(ASIDES):
        statement.iloc[at] = COPIED.format(word)
    return rows.assign(statement=statement)


def other_vectors(batch: Batch) -> Batch:
    """The encoder gives vectors that are 1.3 times as long."""
    return with_vectors(batch, lambda vectors: vectors * np.float32(1.3))


def noisy_vectors(batch: Batch) -> Batch:
    """The encoder gives vectors that are shuffled between the rows' coordinates, as with damaged weights."""
    return with_vectors(batch, lambda vectors: np.roll(vectors, 1, axis=2))


def with_vectors(batch: Batch, change: Callable[[np.ndarray[Any, np.dtype[np.float32]]], Any]) -> Batch:
    """The batch with other vectors, in float16 as all are."""
    vectors = change(batch.text.x_text).astype(np.float16).astype(np.float32)
    return replace(batch, text=replace(batch.text, x_text=vectors))


PLANTS = (
    Plant("a column scaled (income by month)", scaled),
    Plant("a level renamed (rent → tenant)", renamed),
    Plant("a column lost in a third of the rows", lost),
    Plant("applicants with higher debts", riskier),
    Plant("a word that spreads (3 narratives of 10)", spreading),
    Plant("an encoder fault: vectors 1.3 times as long", batch=other_vectors),
    Plant("an encoder fault: coordinates displaced", batch=noisy_vectors),
    Plant("a burst of copies (15 applicants)", copied),
    Plant("three quarters of the file lost", halved),
)


@dataclass(frozen=True)
class Watch:
    """What watches.

    Attributes:
        opened: The model.
        parts: What is watched.
        gatherers: What looks across days.
        rules: What is let pass.
    """

    opened: Opened
    parts: Sequence[PartWithChapter[Any]]
    gatherers: Sequence[Gatherer]
    rules: Rules

    def batch(self, day: str, rows: Rows) -> Batch:
        """The rows of a day, scored."""
        applications = read_frame(rows.drop(columns="outcome"), self.opened.schema).applications
        return self.opened.read(day, "new.csv", applications, untimed, lambda _n: None)

    def profiles(self, batch: Batch, digest: str) -> Profiles:
        """Of a day, by part; the gatherers keep it as a file of this digest."""
        for gatherer in self.gatherers:
            gatherer.observe(batch)
            gatherer.keep(digest)
        return {one.part.name: one.part.observe(batch).profile for one in self.parts}

    def gathered(self, days: Sequence[str], digests: Sequence[str]) -> list[Signal]:
        """The signals of days that were kept under these digests."""
        return [one for gatherer in self.gatherers for one in gatherer.gather(digests, days).signals]

    def alerts(
        self, day: str, profiles: Profiles, history: Sequence[tuple[str, Profiles]], gathered: Sequence[Signal] = ()
    ) -> tuple[Alert, ...]:
        """What is let through of a day."""
        signals = [one for one in gathered if one.period == day]
        for part in (one.part for one in self.parts):
            past = tuple((name, own[part.name]) for name, own in history)
            signals += part.signals(Watched(day, profiles[part.name], part.trained, past))
        return find_alerts(self.rules, [day], [signals], [])


def days_of(seed: int, n_days: int) -> list[tuple[str, Rows]]:
    """Applications by day."""
    table = generate(ROWS * n_days, seed, FIRST_DAY, n_days).table.astype(object)
    weekday = (table["applied_on"].to_numpy(dtype="datetime64[D]") - FIRST_DAY).astype(np.int64) % 7
    random = np.random.Generator(np.random.PCG64(seed))
    kept = random.random(len(table)) < np.where(weekday >= 5, WEEKEND, 1.0)
    return [(str(day), rows.reset_index(drop=True)) for day, rows in table[kept].groupby("applied_on", sort=True)]


def quiet(watch: Watch, days: Sequence[tuple[str, Rows]]) -> tuple[list[tuple[str, Profiles]], int, int]:
    """The profiles of quiet days, and how many of them had an alarm or a warning; each is printed."""
    history = [(day, watch.profiles(watch.batch(day, rows), day)) for day, rows in days]
    names = [day for day, _ in days]
    gathered = watch.gathered(names, names)
    alarmed = warned = 0
    for at, (day, profiles) in enumerate(history):
        found = watch.alerts(day, profiles, history[:at], gathered)
        for alert in found:
            print(
                f"  false {alert.grade} {day}: {alert.rule}: {alert.words} (value {alert.value:.3f}, p {alert.p:.1e})"
            )
        alarmed += any(alert.grade == "alarm" for alert in found)
        warned += any(alert.grade == "warn" for alert in found)
    return history, alarmed, warned


def planted(watch: Watch, day: str, rows: Rows, history: Sequence[tuple[str, Profiles]]) -> list[str]:
    """A line of the table for every plant."""
    lines, days = [], [name for name, _ in history]
    for at, plant in enumerate(PLANTS):
        digest = f"plant-{at}"
        profiles = watch.profiles(plant.batch(watch.batch(day, plant.table(rows))), digest)
        gathered = watch.gathered([*days, day], [*days, digest])
        cells = [in_words(watch.alerts(day, profiles, *past)) for past in ((history, gathered), ((), ()))]
        lines.append(f"| {plant.name} | {' | '.join(cells)} |")
    return lines


def in_words(alerts: Sequence[Alert]) -> str:
    """The gravest alert, and how many there are."""
    alarms = [alert for alert in alerts if alert.grade == "alarm"]
    if not alarms:
        return f"none ({len(alerts)} warnings)" if alerts else "none"
    least = min(alarms, key=lambda alert: (alert.p, -alert.value))
    return f"{len(alarms)} alarms, first {least.check} {least.subject}".strip()


def burst_in_own_words(rules: Rules, schema: Schema, seed: int) -> str:
    """A burst of copies where applicants do not use each other's sentences, as those of the demo do: what copies alone
    alarm on its day, and on quiet ones.
    """
    random_ = random.Random(seed)
    days = [
        (day, rows.assign(statement=[invented(random_) if text else "" for text in rows["statement"]]))
        for day, rows in days_of(seed, WARMING + QUIET + 1)
    ]
    days[-1] = (days[-1][0], copied(days[-1][1]))
    names = [day for day, _ in days]
    with TemporaryDirectory() as folder:
        gatherers = open_gatherers(rules, Path(folder))
        for day, rows in days:
            applications = read_frame(rows.drop(columns="outcome"), schema).applications
            for gatherer in gatherers:
                gatherer.observe(Batch(day, "new.csv", applications, TextBlock.empty(len(applications))))
                gatherer.keep(day)
        signals = [one for gatherer in gatherers for one in gatherer.gather(names, names).signals]
    alerts = [find_alerts(rules, [day], [[one for one in signals if one.period == day]], []) for day in names]
    false = sum(bool(found) for found in alerts[:-1])
    first = next((f"{one.grade}: {one.words}" for one in alerts[-1]), "nothing")
    return f"seed {seed}, narratives in own words: {false} of {len(names) - 1} quiet days alert; the burst: {first}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the false alarms of quiet days, and a table of plants."""
    options = parser(__doc__ or "")
    options.add_argument("--model", type=Path, required=True, help="bundle of the demo's schema")
    options.add_argument("--cache", type=Path, required=True, help="folder of the vectors that are kept")
    options.add_argument("--seeds", type=int, nargs="+", default=[11], help="of the days, each (default: 11)")
    given = options.parse_args(arguments)
    opened = Opened.of_model(load_scorer(given.model, cache=given.cache), NO_SECOND_MODELS, False)
    parts, rules, found = open_parts(opened), load_rules(None), []
    for seed in given.seeds:
        with TemporaryDirectory() as folder:
            watch = Watch(opened, parts, open_gatherers(rules, Path(folder)), rules)
            *days, (last, rows) = days_of(seed, WARMING + QUIET + 1)
            history, alarmed, warned = quiet(watch, days)
            found.append(
                f"seed {seed}: {alarmed} of {len(days)} quiet days with a false alarm, {warned} with a warning"
            )
            tell(found[-1])
            found.append(burst_in_own_words(rules, opened.schema, seed))
            if seed == given.seeds[0]:
                table = ["| planted | beside its history | beside training |", "|---|---|---|"]
                found.append("\n".join([*table, *planted(watch, last, rows, history)]))
    publish({"found": found}, "\n\n".join(found), given.json)


if __name__ == "__main__":
    main()
