"""Small watches for tests: three columns, no model, and one part that counts rows and sums an amount."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data_schemas.contract import Schema
from data_schemas.messages import Message, Number, message
from data_schemas.reader import parse_schema
from experiments.session.run import Run
from experiments.watch.delivery import Deliverer
from experiments.watch.gathering import Gatherer
from experiments.watch.job import Watch
from experiments.watch.opened import Opened
from experiments.watch.parts import PartWithChapter
from experiments.watch.reading import Intake
from experiments.watch.state import State, open_state
from features.tables.reader import ReadOptions
from fusion.config_file import load_config
from fusion.text_encoder import NoTexts, OpenEncoder, open_mask, open_reader
from fusion.watch.part import Batch, JsonObject, Observed, Watched
from fusion.watch.periods import PeriodKind
from fusion.watch.rules import Rule, Rules, Webhook
from fusion.watch.signals import Flag, RowRef, Signal

Sums = tuple[int, int]
"""Rows, and the sum of their amounts."""


def dated_schema() -> Schema:
    """An id, a day of decision, an amount and an outcome."""
    fields = [
        {"name": "id", "type": "string", "creditfusion": {"role": "id"}},
        {"name": "day", "type": "date", "creditfusion": {"role": "decision_date"}},
        {"name": "amount", "type": "integer", "creditfusion": {"role": "feature"}},
        {"name": "outcome", "type": "string", "creditfusion": {"role": "target"}},
    ]
    own = {"version": 1, "name": "dated", "bad_values": ["bad"], "good_values": ["good"], "undecided_values": ["open"]}
    return parse_schema(json.dumps({"title": "Dated", "fields": fields, "creditfusion": own}), "dated")


@dataclass(frozen=True)
class AmountPart:
    """Holds the mean amount against that of the first period, and flags amounts of 1,000 and more."""

    trained: Sums | None = None
    sizes: list[int] = field(default_factory=list)
    watched_periods: list[Watched[Sums]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return "amount"

    def observe(self, batch: Batch) -> Observed[Sums]:
        amounts = batch.applications.frame["amount"].to_numpy(dtype=np.float64)
        self.sizes.append(len(batch))
        flags = [
            Flag(batch.row(at), batch.period, "odd", float(amounts[at]), Message("large"), "what was written")
            for at in np.flatnonzero(amounts >= 1000).tolist()
        ]
        return Observed((len(batch), int(amounts.sum())), tuple(flags))

    def add(self, left: Sums, right: Sums) -> Sums:
        return left[0] + right[0], left[1] + right[1]

    def to_json(self, profile: Sums) -> JsonObject:
        return {"rows": profile[0], "sum": profile[1]}

    def from_json(self, content: JsonObject) -> Sums:
        rows, total = content["rows"], content["sum"]
        assert isinstance(rows, int)
        assert isinstance(total, int)
        return rows, total

    def signals(self, watched: Watched[Sums]) -> tuple[Signal, ...]:
        self.watched_periods.append(watched)
        usual = watched.reference or next((profile for _, profile in watched.history), watched.profile)
        now, then = watched.profile[1] / watched.profile[0], usual[1] / usual[0]
        size = abs(now - then) / then
        first = (RowRef("first.csv", 1, "a"),)
        words = message("the mean amount is {mean}", mean=Number(now, ".0f"))
        return (
            Signal(watched.period, "odd", "amount", size, now, now, now, then, 0.0, words, first, watched.profile[0]),
        )


RULES = Rules(rules={"amounts": Rule(what=("odd",), warn=0.5, alarm=2.0, least_rows=1)})
HOOKED = RULES.model_copy(update={"webhook": Webhook(url="http://127.0.0.1:9/")})


def opened(schema: Schema | None = None) -> Opened:
    """A watch without a model and without narratives."""
    schema, text = schema or dated_schema(), load_config(None, []).text
    encoder = OpenEncoder("none", NoTexts(), None, "fp32")
    return Opened(schema, encoder, open_mask(schema, text, encoder), open_reader(schema, text, encoder))


@contextmanager
def watching(
    out: Path,
    part: AmountPart | None = None,
    *,
    rules: Rules = RULES,
    deliverer: Deliverer | None = None,
    gatherers: Sequence[Gatherer] = (),
    kind: PeriodKind = "day",
    chunk_rows: int = 10_000,
) -> Iterator[Watch]:
    """A watch into a folder, open."""
    options = ReadOptions(chunk_rows, outcome_if_known=True)
    intake = Intake(opened(), [PartWithChapter(part or AmountPart())], gatherers, kind, options)
    with Run.start("watch", out / "watch", {}) as run, open_state(out) as state:
        yield Watch(intake, rules, state, out, run, deliverer or Deliverer(rules))


def write(path: Path, amounts: Mapping[str, Sequence[int]]) -> Path:
    """A file with these amounts by day."""
    rows = [f"{path.stem}-{day}-{at},{day},{one}\n" for day, own in amounts.items() for at, one in enumerate(own)]
    path.write_text("id,day,amount\n" + "".join(rows), encoding="utf-8")
    return path


def kept(state: State) -> tuple[object, ...]:
    """All that a state holds, for comparison."""
    profiles = [(period, state.profile("data", period, "amount")) for period in state.periods()]
    waiting = [alert.id for alert in state.waiting("webhook")]
    return state.alerts(), state.files("data"), tuple(state.flags()), tuple(state.rejects()), profiles, waiting
