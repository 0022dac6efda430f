"""The smallest changes to an application that would turn its decision.

Columns that the schema marks as actionable are moved their way, one at a time and then two together, among values that
training applicants had. Every candidate is the whole application scored again: derived features follow, the narratives
stay as they were read. A change is small when it is few standard deviations of the training applicants long.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Protocol, TypeVar

import numpy as np

from data_schemas.contract import Schema
from data_schemas.fields import Actionable, Field, FieldType
from features.arrays import Flags, Floats
from features.design import Design, TabularBlock, TextBlock
from features.tables.applications import Applications
from features.tabular import TabularEncoder, measured
from fusion.model.fusion_model import FusionModel

TAIL_SHARE = 0.01  # share of the training values beyond either end of the values to move to
MAX_LEVELS = 24  # a column of no more distinct values moves among them; of others, among round values
MIN_STEPS = 50  # round values from end to end
MIN_LEVEL_SHARE = 0.001  # a level of a smaller share of the applicants is nothing to move to
PAIR_VALUES = 8  # of each of two columns that move together
MAX_PAIRS = 15  # of columns, those that promise most


@dataclass(frozen=True)
class ActionableColumn:
    """A column that an applicant can change.

    Attributes:
        field: the column.
        values: float64, ascending, values it may be moved to.
        spread: standard deviation of its training values, those beyond the outermost ``values`` moved there.
    """

    field: Field
    values: Floats
    spread: float

    def candidates(self, now: float) -> Floats:
        """Values on the side that the applicant can move to, the nearest first; none when the value is missing, or
        stands for no number (``Field.labels``).
        """
        way = self.field.actionable
        keep = (self.values != now) & np.isfinite(measured(self.field, np.array([now])))
        if way is Actionable.LOWER:
            keep &= self.values < now
        elif way is Actionable.HIGHER:
            keep &= self.values > now
        kept = self.values[keep]
        ordered: Floats = kept[np.argsort(np.abs(kept - now), kind="stable")]
        return ordered


class WithMoves(Protocol):
    """A change of columns."""

    @property
    def moves(self) -> tuple[ColumnMove, ...]:
        """Made together."""
        ...


Moving = TypeVar("Moving", bound=WithMoves)
Passes = Callable[[Applications, Floats], Flags]
"""Of applications and their margins, (n,), bool (n,): which are decided as is wanted."""


@dataclass(frozen=True)
class ColumnMove:
    """One column moved."""

    field: Field
    before: float
    after: float


@dataclass(frozen=True)
class Counterfactual:
    """Moves made together, how far they are in all, in standard deviations, and the margin that they lead to."""

    moves: tuple[ColumnMove, ...]
    distance: float
    margin: float


@dataclass(frozen=True)
class CounterfactualSearch:
    """Looks for changes of applications to one model."""

    model: FusionModel
    tabular: TabularEncoder
    levers: tuple[ActionableColumn, ...]

    @staticmethod
    def of(model: FusionModel, tabular: TabularEncoder, columns: TabularBlock) -> CounterfactualSearch:
        """For a model whose training applicants had these columns."""
        found = (_lever(field, columns) for field in actionable(tabular.schema))
        return CounterfactualSearch(model, tabular, tuple(lever for lever in found if lever is not None))

    def smallest(
        self, application: Applications, text: TextBlock, passes: Passes, most: int = 3, threads: int = 0
    ) -> list[Counterfactual]:
        """At most ``most`` changes of one application (a single row, its narratives read as ``text``) with which it
        ``passes``: single columns, the smallest change first; then, where these are too few, pairs of columns in the
        same way, of which neither does it alone by a smaller change; where nothing of this does it, as few columns as
        do it together.
        """
        one = self._alone(application)
        margin, passing = self._score(one, application, text, passes, threads)
        singles = self._crossing(one, margin, passing)
        if len(singles) >= most:
            return singles[:most]
        two = self._together(application, one, margin)
        pairs = self._crossing(two, *self._score(two, application, text, passes, threads))
        alone = {change.moves[0].field.name: change.distance for change in singles}
        useful = [
            pair for pair in pairs if all(pair.distance < alone.get(move.field.name, math.inf) for move in pair.moves)
        ]
        found = [*singles, *useful][:most]
        return found or self._all_together(application, one, margin, text, passes, threads)

    def _all_together(
        self,
        application: Applications,
        alone: Sequence[tuple[ColumnMove, ...]],
        margin: Floats,
        text: TextBlock,
        passes: Passes,
        threads: int,
    ) -> list[Counterfactual]:
        """One change of three columns or more: each where it leads lowest alone, then as many as can be left out, those
        that promise least first, then each of the others no further than it must; none where even all do not pass.

        Args:
            margin: float64 (len(alone),), where the moves of single columns lead.
        """
        best: dict[str, tuple[float, ColumnMove]] = {}
        for (move,), led in zip(alone, margin.tolist(), strict=True):
            if led < best.get(move.field.name, (math.inf, move))[0]:
                best[move.field.name] = led, move
        made = tuple(move for _, move in sorted(best.values(), key=lambda one: -one[0]))
        if len(made) < 3 or not self._score([made], application, text, passes, threads)[1][0]:
            return []
        for move in made:
            fewer = tuple(one for one in made if one is not move)
            if self._score([fewer], application, text, passes, threads)[1][0]:
                made = fewer
        levers = {lever.field.name: lever for lever in self.levers}
        for at, move in enumerate(made):
            nearer = [
                (*made[:at], replace(move, after=after), *made[at + 1 :])
                for after in levers[move.field.name].candidates(move.before).tolist()
                if abs(after - move.before) < abs(move.after - move.before)
            ]
            passing = np.flatnonzero(self._score(nearer, application, text, passes, threads)[1])
            made = nearer[int(passing[0])] if len(passing) else made
        return self._crossing([made], *self._score([made], application, text, passes, threads))

    def _now(self, application: Applications, lever: ActionableColumn) -> float:
        return float(application.frame[lever.field.name].iloc[0])

    def _alone(self, application: Applications) -> list[tuple[ColumnMove, ...]]:
        return [
            (ColumnMove(lever.field, now, after),)
            for lever in self.levers
            for now in [self._now(application, lever)]
            for after in lever.candidates(now).tolist()
        ]

    def _together(
        self, application: Applications, alone: Sequence[tuple[ColumnMove, ...]], margin: Floats
    ) -> list[tuple[ColumnMove, ...]]:
        """Moves of two columns, at most ``MAX_PAIRS`` pairs of them: of those whose best moves alone lead lowest.

        Args:
            margin: float64 (len(alone),), where the moves of single columns lead.
        """
        lowest: dict[str, float] = {}
        for (move,), led in zip(alone, margin.tolist(), strict=True):
            lowest[move.field.name] = min(led, lowest.get(move.field.name, math.inf))

        def moves(lever: ActionableColumn) -> list[ColumnMove]:
            now = self._now(application, lever)
            return [ColumnMove(lever.field, now, after) for after in _thinned(lever.candidates(now)).tolist()]

        def promise(pair: tuple[ActionableColumn, ActionableColumn]) -> float:
            return sum(lowest[lever.field.name] for lever in pair)

        pairs = combinations([lever for lever in self.levers if lever.field.name in lowest], 2)
        best = sorted(pairs, key=promise)[:MAX_PAIRS]
        return [(a, b) for first, second in best for a in moves(first) for b in moves(second)]

    def _score(
        self,
        tried: Sequence[tuple[ColumnMove, ...]],
        application: Applications,
        text: TextBlock,
        passes: Passes,
        threads: int,
    ) -> tuple[Floats, Flags]:
        """float64 and bool (len(tried),): where each of the moves leads, and whether the application passes then."""
        if not tried:
            return np.zeros(0), np.zeros(0, dtype=np.bool_)
        same = np.zeros(len(tried), dtype=np.intp)
        made = moved(application, tried)
        margin = self.model.predict(Design(self.tabular.encode(made), text.take(same)), threads).margin
        return margin, passes(made, margin)

    def _crossing(
        self, tried: Sequence[tuple[ColumnMove, ...]], margin: Floats, passing: Flags
    ) -> list[Counterfactual]:
        """Of the moves with which it passes the smallest for each set of columns, the smallest first."""
        spread = {lever.field.name: lever.spread for lever in self.levers}
        best: dict[tuple[str, ...], Counterfactual] = {}
        for at in np.flatnonzero(passing).tolist():
            moves = tried[at]
            distance = sum(abs(move.after - move.before) / spread[move.field.name] for move in moves)
            names = tuple(move.field.name for move in moves)
            if names not in best or distance < best[names].distance:
                best[names] = Counterfactual(moves, distance, float(margin[at]))
        return sorted(best.values(), key=lambda change: change.distance)


def spread(changes: Sequence[Moving], most: int) -> list[Moving]:
    """At most ``most`` of some changes, in their order: first those that share no column with one before them, then the
    others that do not only add columns to one before them.
    """
    taken: list[Moving] = []
    for fresh in (True, False):
        for change in changes:
            names, others = _names(change), [_names(one) for one in taken]
            shares = any(names & other for other in others) if fresh else any(names >= other for other in others)
            if not shares and len(taken) < most:
                taken.append(change)
    return sorted(taken, key=list(changes).index)


def _names(change: WithMoves) -> set[str]:
    return {move.field.name for move in change.moves}


def actionable(schema: Schema) -> Iterator[Field]:
    """The features that an applicant can move."""
    return (field for field in schema.features if field.actionable is not Actionable.NO and field.is_numeric)


def moved(application: Applications, tried: Sequence[tuple[ColumnMove, ...]]) -> Applications:
    """The application once for each of the moves, made."""
    many = application.take(np.zeros(len(tried), dtype=np.intp))
    columns: dict[str, Floats] = {}
    for at, moves in enumerate(tried):
        for move in moves:
            name = move.field.name
            columns.setdefault(name, many.frame[name].to_numpy(np.float64, copy=True))[at] = move.after
    return Applications(many.schema, many.frame.assign(**columns), many.row_number)


def _lever(field: Field, columns: TabularBlock) -> ActionableColumn | None:
    """The lever of a field; None when all training applicants had the same value."""
    x = measured(field, columns.x_num[:, columns.num_names.index(field.name)])
    x = x[np.isfinite(x)]
    if not len(x):
        return None
    # A float32 in the fewest digits that name it, so that 0.1 stays 0.1.
    levels, counts = np.unique(x, return_counts=True)
    low, high = np.quantile(x.astype(np.float64), [TAIL_SHARE, 1.0 - TAIL_SHARE])
    spread = float(np.clip(x.astype(np.float64), low, high).std())
    if len(levels) <= MAX_LEVELS:
        values = np.array([float(str(level)) for level in levels[counts >= MIN_LEVEL_SHARE * len(x)]])
        spread = spread or float(x.astype(np.float64).std())
    else:
        whole = field.type is not FieldType.NUMBER or bool(np.all(levels == np.round(levels)))
        values = round_values(float(low), float(high), whole)
    values = values[(values >= _bound(field.minimum, -math.inf)) & (values <= _bound(field.maximum, math.inf))]
    return ActionableColumn(field, values, spread) if spread > 0.0 and len(values) else None


def _bound(bound: float | None, otherwise: float) -> float:
    return otherwise if bound is None else bound


def round_values(low: float, high: float, whole: bool) -> Floats:
    """Multiples of 1, 2 or 5 times a power of ten from ``low`` to ``high``, ``MIN_STEPS`` of them or more (fewer only
    where they must be whole numbers).
    """
    if not high > low:
        return np.zeros(0)
    finest = (high - low) / MIN_STEPS
    power = math.floor(math.log10(finest))
    factor = max(factor for factor in (1, 2, 5) if factor * 10.0**power <= finest * (1 + 1e-9))
    if whole and power < 0:
        factor, power = 1, 0
    first, last = math.ceil(low / (factor * 10.0**power) - 1e-9), math.floor(high / (factor * 10.0**power) + 1e-9)
    return np.array([float(f"{number * factor}e{power}") for number in range(first, last + 1)])


def _thinned(values: Floats) -> Floats:
    """At most ``PAIR_VALUES`` of them, evenly, both ends included."""
    if len(values) <= PAIR_VALUES:
        return values
    return values[np.linspace(0, len(values) - 1, PAIR_VALUES).round().astype(np.int64)]
