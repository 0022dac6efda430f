"""A service in the test's own process, and decisions to keep."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from data_schemas.errors import RunError
from experiments.demo.data import generate
from experiments.serve.app import AppSettings, make_app
from experiments.serve.decision_log import Decision
from experiments.serve.front import Event
from experiments.serve.scoring import Models
from experiments.serve.service import Service

PROBLEM_MEMBERS = {"type", "title", "status", "detail", "error", "remedy"}
Row = Mapping[str, Any]


@functools.cache
def demo_rows() -> list[Row]:
    """Twelve applications, every cell as text; no test may change them."""
    table = generate(12, 5).table.drop(columns="outcome").astype(str).replace("nan", "")
    table.loc[0, "statement"] = "My brother Xerxes lends me the deposit. The rest is for a new roof."
    return [{str(name): cell for name, cell in row.items()} for row in table.to_dict("records")]


@dataclass
class Kept:
    """A decision log in memory, which may be full."""

    decisions: list[Decision] = field(default_factory=list)
    full: bool = False

    def append(self, decisions: Sequence[Decision]) -> None:
        if self.full:
            raise RunError("the log is full", "Make room")
        self.decisions += decisions

    def close(self) -> None:
        pass


@dataclass
class Served:
    """An application with what it keeps: decisions, and events of its access log."""

    models: Models
    settings: AppSettings = field(default_factory=AppSettings)
    log: Kept = field(default_factory=Kept)
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.service = Service(self.models, self.log)
        self.app = make_app(self.service, replace(self.settings, log=self.events.append))
