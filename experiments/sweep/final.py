"""The check at the end of a sweep: the default settings and the best ones, refitted on the rows that were searched
with and compared on those that no trial has seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import optuna
from optuna.trial import FixedTrial, FrozenTrial

from experiments.sweep.arrays import HELD_OUT, SEARCH, Arrays
from experiments.sweep.objective import Task
from features.arrays import Floats
from fusion.config import Config
from fusion.metrics import brier_gain, delong, figures
from fusion.model.search_space import suggest
from fusion.model.training import fit

FINAL = "final"
SHOWN = ("auc", "brier", "log_loss", "slope")


def config_of(trial: FrozenTrial, task: Task) -> Config:
    """The settings that a trial was run with."""
    return suggest(FixedTrial(trial.params), task.space, task.base)


def check(study: optuna.Study, best: FrozenTrial, task: Task) -> Mapping[str, object]:
    """Compare the best settings with those of the first trial on the held-out rows, once: the answer is kept in the
    study, and given again as long as the best trial is the same. Gains are positive where the best settings are better.

    Empty where nothing is held out.
    """
    known: Mapping[str, object] = study.user_attrs.get(FINAL, {})
    if known.get("best_trial") == best.number:
        return known
    arrays, config = Arrays(task.arrays), config_of(best, task)
    held_out = arrays.sample(HELD_OUT, task.base)
    y = held_out.y
    if not len(y):
        return {}
    before = _margin(arrays, task.base)
    after = before if config == task.base else _margin(arrays, config)
    measured = {name: asdict(figures(y, margin)) for name, margin in (("default", before), ("best", after))}
    days = held_out.decided
    found = {
        "best_trial": best.number,
        "default_trial": 0,
        "rows": len(y),
        "bad": int(y.sum()),
        "from": None if days is None or np.isnat(days).all() else str(np.nanmin(days).astype("datetime64[D]")),
        **{name: {figure: values[figure] for figure in SHOWN} for name, values in measured.items()},
        "auc_gain": asdict(delong(y, after, before)),
        "brier_gain": asdict(brier_gain(y, after, before)),
        "looks": int(str(known.get("looks", 0))) + 1,
    }
    study.set_user_attr(FINAL, found)
    return found


def _margin(arrays: Arrays, config: Config) -> Floats:
    """What a model of the rows searched with says of the held-out ones."""
    model, _ = fit(arrays.sample(SEARCH, config), config)
    return model.predict(arrays.sample(HELD_OUT, config).design).margin
