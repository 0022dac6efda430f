"""Made-up studies with one of everything that a sweep leaves behind: nothing in them was measured."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from experiments.reporting.document import Document
from experiments.reporting.language import current_language
from experiments.sweep.outcome import leaderboard
from experiments.sweep.report import sweep_report
from experiments.sweep.study_snapshot import snapshot_of
from fusion.config import Config, Setting
from fusion.model.search_space import Space, active_settings, full_space, suggest

N_FOLDS = 5
START = datetime(2026, 2, 3, 9, 0)
CUT_OFF, RUN_AGAIN, BROKEN, STILL_RUNNING = 6, 8, 12, 40
TARGETS = {"log_loss": "minimize", "auc": "maximize", "cost": "minimize"}


@dataclass
class Drawn:
    """A trial that draws its settings near a known good place, the nearer the later."""

    random: random.Random
    width: float
    fixed: Mapping[str, Setting]
    params: dict[str, Any] = field(default_factory=dict)
    distributions: dict[str, BaseDistribution] = field(default_factory=dict)

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        place = round(self._number(low, high, log))
        return int(self._keep(name, place, IntDistribution(low, high, log=log)))

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return float(self._keep(name, self._number(low, high, log), FloatDistribution(low, high, log=log)))

    def suggest_categorical(self, name: str, choices: Sequence[Setting]) -> Any:
        near = self.random.random() > self.width
        return self._keep(name, choices[0 if near else self.random.randrange(len(choices))], _among(choices))

    def _number(self, low: float, high: float, log: bool) -> float:
        share = self.random.random() if self.random.random() < self.width else 0.25 + 0.3 * self.random.random()
        value = low * (high / low) ** share if log else low + (high - low) * share
        return min(max(value, low), high)

    def _keep(self, name: str, value: Setting, distribution: BaseDistribution) -> Any:
        self.params[name] = self.fixed.get(name, value)
        self.distributions[name] = distribution
        return self.params[name]


def _among(choices: Sequence[Setting]) -> CategoricalDistribution:
    return CategoricalDistribution(tuple(choices))


def study(
    objectives: Sequence[str] = ("log_loss",), n: int = 41, seed: int = 0, space: Space | None = None
) -> optuna.Study:
    """A sweep of 41 trials by two workers: complete, pruned, one cut off and run again, one broken, one running."""
    drawn = random.Random(seed)
    made = empty([TARGETS[name] for name in objectives])
    attributes: dict[int, Drawn] = {}
    free = [START, START + timedelta(seconds=1)]
    for number in range(n):
        fixed: Mapping[str, Setting] = active_settings(Config(), full_space()) if number == 0 else {}
        if number == RUN_AGAIN:
            fixed = attributes[CUT_OFF].params
        trial = Drawn(random.Random(drawn.random()), 1.0 - 0.7 * number / n, fixed)
        attributes[number] = trial
        suggest(trial, space or full_space(), Config())
        ended = _ended(number, trial, objectives, free[number % 2])
        free[number % 2] = ended.datetime_complete or START
        made.add_trial(ended)
    return made


def empty(directions: Sequence[str] = ("minimize",), name: str = "lending-club") -> optuna.Study:
    """A study without trials, made in silence."""
    loud = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    made = optuna.create_study(study_name=name, directions=[StudyDirection[goal.upper()] for goal in directions])
    optuna.logging.set_verbosity(loud)
    return made


def _figures(trial: Drawn) -> dict[str, float]:
    """What a trial is worth: the worse, the farther its trees are from a good place."""
    rate = math.log10(float(trial.params.get("stacker.learning_rate", 0.02)) / 0.04)
    leaves = int(trial.params.get("stacker.num_leaves", 7))
    loss = 0.3312 + 0.004 * rate**2 + 0.00003 * (leaves - 5) ** 2 + 0.0002 * trial.random.random()
    return {
        "log_loss": loss,
        "auc": 0.7136 - 4 * (loss - 0.3312),
        "ks": 0.3110 - 3 * (loss - 0.3312),
        "brier": 0.0963 + 0.2 * (loss - 0.3312),
        "slope": 1.0 + 0.05 * rate,
        "auc_columns_only": 0.7061 - 4 * (loss - 0.3312),
        "text_gain": 0.0075,
        "cost": 1.0 + 0.004 * int(trial.params.get("stacker.n_trees", 600)),
        "auc_newest": 0.7088,
        "slope_newest": 0.97,
    }


def _ended(number: int, trial: Drawn, objectives: Sequence[str], began: datetime) -> FrozenTrial:
    figures = _figures(trial)
    fit = 6.0 + int(trial.params.get("stacker.num_leaves", 7)) + 6 * trial.random.random()
    first, worse = figures[objectives[0]], 0.004 if TARGETS[objectives[0]] == "minimize" else -0.004
    folds = [first + worse / fold + 0.0001 * trial.random.random() for fold in range(1, N_FOLDS)] + [first]
    state = _state(number, figures["log_loss"], len(objectives))
    done = {TrialState.COMPLETE: N_FOLDS, TrialState.PRUNED: 1 + number % 3, TrialState.FAIL: 0}.get(state, 0)
    spent = fit * max(done, 1) / N_FOLDS
    ended = None if state == TrialState.RUNNING else began + timedelta(seconds=spent + 0.5)
    retried = {"failed_trial": CUT_OFF, "retry_history": [CUT_OFF]} if number == RUN_AGAIN else {}
    return FrozenTrial(
        number=number,
        state=state,
        value=None,
        values=[figures[name] for name in objectives] if state == TrialState.COMPLETE else None,
        datetime_start=began,
        datetime_complete=ended,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs=_attributes(number, trial, state, figures, spent),
        system_attrs=retried,
        intermediate_values={} if len(objectives) > 1 else dict(enumerate(folds[:done], start=1)),
        trial_id=number,
    )


def _attributes(
    number: int, trial: Drawn, state: TrialState, figures: Mapping[str, float], spent: float
) -> dict[str, Any]:
    """What the trial noted; nothing of its end where its worker was killed."""
    noted: dict[str, Any] = {
        "worker": {"host": "example", "pid": 100 + number % 2, "started": 1.0},
        "config": dict(trial.params),
    }
    if state in (TrialState.COMPLETE, TrialState.PRUNED) or number == BROKEN:
        noted["seconds"] = {"fit": spent, "total": spent + 0.4}
    if state == TrialState.COMPLETE:
        noted["figures"] = dict(figures)
    if number == BROKEN:
        noted["error"] = "RuntimeError: the head did not converge"
    return noted


def _state(number: int, loss: float, n_objectives: int) -> TrialState:
    if number in (CUT_OFF, BROKEN):
        return TrialState.FAIL
    if number == STILL_RUNNING:
        return TrialState.RUNNING
    if number > 10 and n_objectives == 1 and (loss > 0.3320 or number % 7 == 0):
        return TrialState.PRUNED
    return TrialState.COMPLETE


def final(**changes: object) -> dict[str, object]:
    """What the check on the held-out slice leaves; a gain that chance may explain."""
    plain: dict[str, object] = {
        "best_trial": 0,
        "default_trial": 0,
        "rows": 4163,
        "bad": 512,
        "from": "2010-09-01",
        "default": {"auc": 0.7052, "brier": 0.10121, "log_loss": 0.34512, "slope": 0.981},
        "best": {"auc": 0.7063, "brier": 0.10112, "log_loss": 0.34477, "slope": 0.973},
        "auc_gain": {"difference": 0.0011, "low": -0.0018, "high": 0.0040, "p": 0.457},
        "brier_gain": {"difference": 0.00009, "low": -0.00021, "high": 0.00039, "p": 0.556},
    }
    return plain | changes


def alone(numbers: Sequence[int], **kwargs: Any) -> optuna.Study:
    """A study of these trials of the example alone, numbered anew."""
    whole = study(**kwargs)
    made = empty([direction.name.lower() for direction in whole.directions])
    for trial in whole.get_trials():
        if trial.number in numbers:
            made.add_trial(trial)
    return made


def checked(objectives: Sequence[str] = ("log_loss",)) -> optuna.Study:
    """The example when all is done: what it depends on, and the check of its best trial."""
    made = study(objectives)
    made.set_user_attr("fingerprint", {"data": "ab" * 32, "schema": "cd" * 32, "objective": " and ".join(objectives)})
    made.set_user_attr("final", final(best_trial=leaderboard(made, objectives)[0].number))
    return made


def report() -> Document:
    """Its report, in the current language."""
    return _report_in(current_language().code)


@cache
def _report_in(_language: str) -> Document:
    snapshot = snapshot_of(checked(), ("log_loss",))
    return sweep_report(snapshot, full_space(), Config(), Path("sweep/best.toml"), START.date())
