"""Second models by period, such as one of fraud: mean probability, and rows above the bound of the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import TypeAdapter
from scipy.special import expit

from data_schemas.messages import Number, message
from features.arrays import Flags, Floats
from fusion.policy.policy import Policy
from fusion.scorer import Scorer
from fusion.watch.departures import Figure, mean_departure, share_departure, usual_of
from fusion.watch.part import Batch, JsonObject, Observed, Watched, first_of
from fusion.watch.score_profile import in_nanos, mean_of
from fusion.watch.signals import Flag, RowRef, Signal, first_rows


@dataclass(frozen=True)
class SecondFigures:
    """What one second model gives some rows.

    Attributes:
        rows: those with a probability.
        without: those without, because they break the model's data contract.
        total: sum of the probabilities, in billionths.
        squared: sum of their squares, in billionths.
        above: rows above the policy's bound; 0 where it has none.
        first: the first of these.
    """

    rows: int = 0
    without: int = 0
    total: int = 0
    squared: int = 0
    above: int = 0
    first: tuple[RowRef, ...] = ()

    def __add__(self, other: SecondFigures) -> SecondFigures:
        return SecondFigures(
            self.rows + other.rows,
            self.without + other.without,
            self.total + other.total,
            self.squared + other.squared,
            self.above + other.above,
            first_rows(self.first, other.first),
        )

    @property
    def mean(self) -> tuple[float, float, int]:
        """Mean probability, variance of single ones, and number of rows."""
        return mean_of(self.total, self.squared, self.rows)


@dataclass(frozen=True)
class SecondProfile:
    """What second models give some rows.

    Attributes:
        models: by name.
    """

    models: Mapping[str, SecondFigures]


_PROFILE = TypeAdapter(SecondProfile)


@dataclass(frozen=True)
class SecondPart:
    """Watches second models.

    Attributes:
        bounds: probability above which the policy refers, by name of the model; nothing for one that it does not name.
        trained: what each gave the rows that it learned from, by parts of it which had not seen them.
    """

    bounds: Mapping[str, float]
    trained: SecondProfile

    @staticmethod
    def of(seconds: Mapping[str, Scorer], policy: Policy) -> SecondPart:
        """The part that watches these models beside a policy."""
        bounds = {name: bound for name, bound in policy.refer.second.items() if name in seconds}
        trained = {}
        for name, scorer in seconds.items():
            probability = expit(scorer.bundle.population.margin)
            trained[name] = _figures(probability, _above(probability, bounds.get(name)))
        return SecondPart(bounds, SecondProfile(trained))

    @property
    def name(self) -> str:
        """Its key in the state."""
        return "second"

    def observe(self, batch: Batch) -> Observed[SecondProfile]:
        """The probabilities of a batch, which a model must have scored; rows above a bound are flagged."""
        if batch.scored is None:
            raise ValueError("a batch without scores")
        found, flags = {}, list[Flag]()
        for name, probability in batch.scored.seconds.items():
            bound = self.bounds.get(name)
            above = _above(probability, bound)
            found[name] = _figures(probability, above, first_of(batch, above))
            for row in np.flatnonzero(above).tolist():
                flags.append(_flag(batch.row(row), batch.period, name, float(probability[row]), self.bounds[name]))
        return Observed(SecondProfile(found), tuple(flags))

    def add(self, left: SecondProfile, right: SecondProfile) -> SecondProfile:
        """The probabilities of both."""
        return SecondProfile({name: own + right.models[name] for name, own in left.models.items()})

    def to_json(self, profile: SecondProfile) -> JsonObject:
        """As plain data."""
        found: JsonObject = _PROFILE.dump_python(profile, mode="json")
        return found

    def from_json(self, content: JsonObject) -> SecondProfile:
        """What ``to_json`` gave."""
        return _PROFILE.validate_python(content)

    def signals(self, watched: Watched[SecondProfile]) -> tuple[Signal, ...]:
        """Of each model the mean probability, and the shares of rows above the bound and without a probability."""
        usual, history = usual_of(watched.reference, watched.history)
        found = list[Signal]()
        for name, now in watched.profile.models.items():
            then = [profile.models[name] for _, profile in usual if name in profile.models]
            found.extend(self._signals(watched.period, name, now, then, history))
        return tuple(found)

    def _signals(
        self, period: str, name: str, now: SecondFigures, then: Sequence[SecondFigures], history: bool
    ) -> list[Signal]:
        found = []
        if (mean := mean_departure(now.mean, [one.mean for one in then], history)) is not None:
            words = message(
                "{name}: mean probability {mean}, usually {usual}",
                name=name,
                mean=Number(mean.now, ".2%"),
                usual=Number(mean.usual, ".2%"),
            )
            size = abs(mean.now / mean.usual - 1) if mean.usual else 0.0
            found.append(Figure(period, "second_model", name, now.rows).signal(mean, size, words))
        above = [(one.above, one.rows) for one in then]
        if name in self.bounds and (share := share_departure(now.above, now.rows, above, history)) is not None:
            words = message(
                "{name}: {share} of {n} rows above {bound}, usually {usual}",
                name=name,
                share=Number(share.now, ".2%"),
                n=Number(now.rows, ","),
                bound=Number(self.bounds[name], ".1%"),
                usual=Number(share.usual, ".2%"),
            )
            figure = Figure(period, "second_model", f"{name}:above", now.rows)
            found.append(figure.signal(share, abs(share.now - share.usual), words, now.first))
        rows, without = now.rows + now.without, [(one.without, one.rows + one.without) for one in then]
        if (share := share_departure(now.without, rows, without, history)) is not None:
            words = message(
                "{name}: {share} of {n} rows without a probability, usually {usual}",
                name=name,
                share=Number(share.now, ".2%"),
                n=Number(rows, ","),
                usual=Number(share.usual, ".2%"),
            )
            figure = Figure(period, "second_model", f"{name}:without", rows)
            found.append(figure.signal(share, abs(share.now - share.usual), words))
        return found


def _above(probability: Floats, bound: float | None) -> Flags:
    """bool (n,): above the bound; a row without a probability is not."""
    if bound is None:
        return np.zeros(len(probability), dtype=np.bool_)
    found: Flags = probability > bound
    return found


def _flag(row: RowRef, period: str, name: str, probability: float, bound: float) -> Flag:
    words = message(
        "{name} probability {probability}, above {bound}",
        name=name,
        probability=Number(probability, ".1%"),
        bound=Number(bound, ".1%"),
    )
    return Flag(row, period, "second_model", probability, words)


def _figures(probability: Floats, above: Flags, first: tuple[RowRef, ...] = ()) -> SecondFigures:
    given = probability[~np.isnan(probability)]
    return SecondFigures(
        rows=len(given),
        without=len(probability) - len(given),
        total=in_nanos(given),
        squared=in_nanos(np.square(given)),
        above=int(above.sum()),
        first=first,
    )
