"""A study held still, and what can be counted in it: the same for the report's words and for its pictures."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from experiments.sweep.outcome import Line, best_of, default_of, is_complete, leaderboard

MAX_SHOWN = 6  # settings in one picture
FEWEST_RANKED = 10  # complete trials from which leading ones are compared with all
LEADING = 5  # at least so many leading trials, as PED-ANOVA asks for; of more than 50, the best tenth
HINT = 50  # complete trials below which findings on single settings are a hint: a tenth of them is too few
FEW = 4
EDGE = 0.02  # of a range


@dataclass(frozen=True)
class StudySnapshot:
    """A copy of a study in memory. A complete trial whose value is not finite counts as failed in it.

    study: the copy.
    first: the same trials with the first objective alone, on which history, importance and slices are based.
    objectives: names, in the study's order.
    """

    study: optuna.Study
    first: optuna.Study
    objectives: tuple[str, ...]

    @cached_property
    def lines(self) -> list[Line]:
        """The leaderboard."""
        return leaderboard(self.study, self.objectives)

    @cached_property
    def trials(self) -> list[FrozenTrial]:
        """All trials, with the first objective as their value."""
        return self.first.get_trials(deepcopy=False)

    @cached_property
    def complete(self) -> list[FrozenTrial]:
        """Complete trials, the best in the first objective first."""
        found = [trial for trial in self.trials if trial.state == TrialState.COMPLETE]
        return sorted(found, key=lambda trial: (self.loss(trial), trial.number))

    @property
    def best(self) -> Line | None:
        """The best complete trial."""
        return best_of(self.lines)

    @property
    def default(self) -> Line | None:
        """The complete trial of the settings that the sweep began with."""
        return default_of(self.lines)

    @property
    def leading(self) -> list[FrozenTrial]:
        """The best tenth of the complete trials, five at least; empty where there are too few to compare with."""
        n = len(self.complete)
        return self.complete[: max(LEADING, math.ceil(n / 10))] if n >= FEWEST_RANKED else []

    @property
    def sign(self) -> float:
        """1 where less is better in the first objective, else -1."""
        return -1.0 if self.first.direction == optuna.study.StudyDirection.MAXIMIZE else 1.0

    def loss(self, trial: FrozenTrial) -> float:
        """The first objective of a complete trial, so that less is better."""
        return self.sign * _value(trial)

    @cached_property
    def importance(self) -> dict[str, float]:
        """Share of each setting in what sets leading trials apart from all, the largest first; empty where it cannot be
        computed.

        By conditional PED-ANOVA (Watanabe, Bansal and Hutter, IJCAI 2023, and its extension to conditional settings).
        """
        losses = [self.loss(trial) for trial in self.complete]
        if not self.leading or losses[len(self.leading) - 1] == losses[-1]:
            return {}
        with silence("Some regimes for parameter"):
            found = get_param_importances(self.first, evaluator=self.evaluator)
        return found if all(math.isfinite(share) for share in found.values()) and any(found.values()) else {}

    @property
    def evaluator(self) -> PedAnovaImportanceEvaluator:
        """Compares the leading trials with all."""
        return PedAnovaImportanceEvaluator(target_quantile=len(self.leading) / len(self.complete))

    @cached_property
    def shown(self) -> list[str]:
        """The settings that matter most and that differ between complete trials; by name where it is not known."""
        varied = [
            key
            for key in dict.fromkeys(key for trial in self.trials for key in trial.params)
            if len({trial.params[key] for trial in self.complete if key in trial.params}) > 1
        ]
        return sorted(varied, key=lambda key: -self.importance.get(key, 0.0))[:MAX_SHOWN]

    def distribution(self, key: str) -> BaseDistribution:
        """The range that a setting was asked from."""
        return next(trial.distributions[key] for trial in self.trials if key in trial.distributions)

    def place(self, key: str, value: object) -> float | None:
        """Where a number lies in its range, 0 to 1, by its logarithm where that was searched.

        None for a choice, and for one of a few whole numbers.
        """
        range_ = self.distribution(key)
        if not isinstance(range_, IntDistribution | FloatDistribution):
            return None
        low, high, at = float(range_.low), float(range_.high), float(str(value))
        if isinstance(range_, IntDistribution) and high - low < FEW:
            return None
        if range_.log:
            low, high, at = math.log(low), math.log(high), math.log(at)
        return (at - low) / (high - low) if high > low else None

    def at_edge(self, key: str, value: object) -> bool:
        """Whether a number lies at the end of its range."""
        place = self.place(key, value)
        return place is not None and not EDGE < place < 1 - EDGE

    @cached_property
    def worst_shown(self) -> float | None:
        """The loss beyond which a trial is left out of pictures, as it would press all others together; None: none."""
        losses = np.array([self.loss(trial) for trial in self.complete])
        if len(losses) < FEWEST_RANKED:
            return None
        quarter, three = np.quantile(losses, [0.25, 0.75])
        limit = float(three + 3 * (three - quarter))
        return limit if limit > losses[0] and (losses > limit).any() else None

    def seconds(self, number: int) -> float | None:
        """Seconds that a trial spent fitting models."""
        return self._seconds.get(number)

    @cached_property
    def _seconds(self) -> dict[int, float]:
        return {line.number: line.seconds["fit"] for line in self.lines if "fit" in line.seconds}


def snapshot_of(study: optuna.Study, objectives: Sequence[str]) -> StudySnapshot:
    """The study as it is now, copied; workers may go on with the study itself."""
    trials = [_cleaned(trial) for trial in study.get_trials()]
    directions = list(study.directions)
    whole = _copy(study.study_name, directions, trials, study.user_attrs)
    first = _copy(study.study_name, directions[:1], [_first(trial) for trial in trials], {})
    return StudySnapshot(whole, first, tuple(objectives))


@contextmanager
def silence(*beginnings: str) -> Iterator[None]:
    """Warnings of optuna that begin so are dropped: the report has better words for them."""
    with warnings.catch_warnings():
        for beginning in beginnings:
            warnings.filterwarnings("ignore", message=beginning, category=UserWarning)
        yield


def _copy(
    name: str,
    directions: Sequence[optuna.study.StudyDirection],
    trials: Sequence[FrozenTrial],
    attributes: Mapping[str, object],
) -> optuna.Study:
    loud = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        made = optuna.create_study(
            study_name=name, directions=list(directions), sampler=optuna.samplers.RandomSampler()
        )
    finally:
        optuna.logging.set_verbosity(loud)
    made.add_trials(trials)
    for key, value in attributes.items():
        made.set_user_attr(key, value)
    return made


def _cleaned(trial: FrozenTrial) -> FrozenTrial:
    """A copy with finite values alone."""
    made = copy.copy(trial)
    made.intermediate_values = {step: x for step, x in trial.intermediate_values.items() if math.isfinite(x)}
    if trial.state == TrialState.COMPLETE and not is_complete(trial):
        made.state, made.values = TrialState.FAIL, None
        made.user_attrs = trial.user_attrs | {"error": "its value is no number"}
    return made


def _first(trial: FrozenTrial) -> FrozenTrial:
    """A copy with its first value alone."""
    made = copy.copy(trial)
    made.values = None if trial.values is None else trial.values[:1]
    return made


def _value(trial: FrozenTrial) -> float:
    value = trial.value
    assert value is not None  # of complete trials only
    return value
