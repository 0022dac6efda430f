"""Requests to answers: rows of many requests, scored together by the model that each is routed to.

Rows that have the same columns are read and scored in one call; what a row is answered depends on none of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from data_schemas.errors import ContractError
from experiments.serve.answers import Explained, Rejected, Scored
from experiments.serve.explaining import explained_parts
from experiments.serve.records import Fault, Row
from experiments.serve.routing import Route, Routing
from experiments.serve.scored_rows import scored_rows
from features.arrays import Floats
from features.sources.frames import join_frames
from features.tables.applications import REJECT_COLUMNS
from features.tables.dataframe import FrameRows, read_frame
from fusion.frames import ExplainedFrame
from fusion.monitor import UNWATCHED
from fusion.policy.policy import Seconds
from fusion.scorer import Scorer

Sources = Mapping[str, Sequence[Mapping[str, object]]]
RouteOf = Callable[[Row], Route]
TOGETHER = -1
"""In the place of an order's number: its rows may be scored with those of others."""


@dataclass(frozen=True)
class Models:
    """The models behind the service.

    Attributes:
        champion: Decides what no challenger decides.
        challenger: Decides its share of the applications, if there is one.
        shadow: Scores every application, and is only logged.
        routing: Which of the two decides an application.
        seconds: Second models by name, whose probabilities stand beside the PDs.
    """

    champion: Scorer
    challenger: Scorer | None = None
    shadow: Scorer | None = None
    routing: Routing = field(default_factory=Routing)
    seconds: Mapping[str, Scorer] = field(default_factory=dict)

    def scorer(self, route: Route) -> Scorer:
        """The model of a route; raises ValueError where there is none."""
        found = {"champion": self.champion, "challenger": self.challenger, "shadow": self.shadow}[route]
        if found is None:
            raise ValueError(f"there is no {route}")
        return found

    @property
    def every(self) -> list[Scorer]:
        """All of them, the champion first."""
        others = (self.challenger, self.shadow, *self.seconds.values())
        return [self.champion, *(one for one in others if one is not None)]


@dataclass(frozen=True)
class Order:
    """What one request asks for.

    Attributes:
        rows: Its applications, and what is none.
        sources: Records of the schema's sources by name; None where it has none.
        explain: Whether it asks for all contributions, not for reasons alone.
        received: When it came, by ``time.perf_counter``.
    """

    rows: Sequence[Row | Fault]
    sources: Sources | None = None
    explain: bool = False
    received: float = 0.0

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class RowAnswer:
    """What one row is answered.

    Attributes:
        row: The row.
        route: Whose answer it is.
        result: Scored, explained or rejected.
    """

    row: Row
    route: Route
    result: Scored | Explained | Rejected

    @property
    def scored(self) -> Scored | None:
        """The score, if it has one."""
        if isinstance(self.result, Explained):
            return self.result.answer
        return self.result if isinstance(self.result, Scored) else None


Answers = list[RowAnswer] | ContractError
"""Of an order's rows, or why it has none as a whole."""


def answer_orders(models: Models, orders: Sequence[Order]) -> list[Answers]:
    """What the rows of every order are answered by the models that decide."""
    return _answered(models, orders, lambda row: models.routing.route(row.routed_by))


def shadow_orders(models: Models, orders: Sequence[Order]) -> list[Answers]:
    """What the shadow answers them; it is asked for no contributions."""
    return _answered(models, [replace(order, explain=False) for order in orders], lambda _row: "shadow")


@dataclass(frozen=True)
class _Group:
    """Rows that are read and scored in one call: of one route, with the same columns.

    Attributes:
        order: Number of the order that they all belong to, or ``TOGETHER``.
    """

    route: Route
    columns: tuple[str, ...]
    order: int


def _answered(models: Models, orders: Sequence[Order], route_of: RouteOf) -> list[Answers]:
    groups: dict[_Group, list[tuple[int, Row]]] = {}
    for at, order in enumerate(orders):
        own = at if order.explain or order.sources is not None else TOGETHER
        for row in order.rows:
            if isinstance(row, Row):
                groups.setdefault(_Group(route_of(row), tuple(row.cells), own), []).append((at, row))
    found: list[list[RowAnswer]] = [[] for _ in orders]
    broken: dict[int, ContractError] = {}
    for group, members in groups.items():
        order = orders[group.order] if group.order != TOGETHER else Order(())
        try:
            answers = _answer_rows(models, group.route, [row for _, row in members], order)
        except ContractError as error:
            broken |= {at: error for at, _ in members}
            continue
        for (at, _), answer in zip(members, answers, strict=True):
            found[at].append(answer)
    return [
        broken[at] if at in broken else sorted(own, key=lambda answer: answer.row.position)
        for at, own in enumerate(found)
    ]


def _answer_rows(models: Models, route: Route, rows: Sequence[Row], order: Order) -> list[RowAnswer]:
    """The answers to rows that have the same columns, in order."""
    scorer, cells = models.scorer(route), [row.cells for row in rows]
    results: dict[int, Scored | Explained | Rejected] = {}
    explained: ExplainedFrame | None = None
    if order.explain:
        explained = scorer.explain(cells, order.sources, models.seconds)
        found, answer = explained.rows, explained.answer
        beside = _beside(cells, found, models.seconds)
    else:
        with join_frames(cells, scorer.schema, order.sources) as joined:
            found = read_frame(cells, scorer.schema, joined, ids_again=True)
        beside = _beside(cells, found, models.seconds)
        answer = scorer.answer(found.applications, UNWATCHED, beside)
    places = (found.applications.row_number - 1).tolist()
    scored = scored_rows(scorer, route, [rows[at] for at in places], answer, beside)
    parts = explained_parts(scorer, explained, scored) if explained else scored
    results |= zip(places, parts, strict=True)
    for number, column, rule, message in found.rejects[list(REJECT_COLUMNS[:4])].itertuples(index=False):
        position = rows[number - 1].position
        results[number - 1] = Rejected(row=position, column=column, rule=rule, message=message)
    return [RowAnswer(row, route, results[at]) for at, row in enumerate(rows)]


def _beside(cells: Sequence[Mapping[str, str]], found: FrameRows, seconds: Mapping[str, Scorer]) -> Seconds:
    """Probabilities by second models of the applications that were found in these rows."""
    beside: dict[str, Floats] = {}
    for name, scorer in seconds.items():
        own = read_frame(cells, scorer.schema, ids_again=True).applications
        own = own.take(np.isin(own.row_number, found.applications.row_number))
        beside[name] = np.full(len(found.applications), np.nan)
        places = np.searchsorted(found.applications.row_number, own.row_number)
        beside[name][places] = scorer.scores(scorer.read(own)).pd
    return beside
