"""Small studies for tests of a sweep's report, trial by trial, and what the report makes of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from experiments.reporting.document import Document, Finding, Plot, Section, Table
from experiments.sweep import captions
from experiments.sweep.report import sweep_report
from experiments.sweep.study_snapshot import StudySnapshot, snapshot_of
from fusion.config import Between, Config
from fusion.model.search_space import Dimension, Space, full_space
from tests.support import example_study

ONE, TWO = ("log_loss",), ("log_loss", "cost")
DAY = date(2026, 2, 3)
RATE = Space((Dimension("stacker.learning_rate", Between(0.005, 0.1, log=True), False, ()),))


def blank(_: StudySnapshot, keys: Iterable[str]) -> dict[str, str]:
    """Stands for ``plots.draw``, which takes longer than the rest."""
    return dict.fromkeys(keys, "<svg xmlns='http://www.w3.org/2000/svg'/>")


def report_of(
    study: optuna.Study, objectives: tuple[str, ...] = ONE, space: Space | None = None, drawn: bool = False
) -> Document:
    with pytest.MonkeyPatch.context() as patch:
        if not drawn:
            patch.setattr(captions, "draw", blank)
        return sweep_report(snapshot_of(study, objectives), space or full_space(), Config(), Path("out/best.toml"), DAY)


def section(report: Document, key: str) -> Section:
    return next(one for one in report.sections if one.key == key)


def plots_of(report: Document) -> dict[str, Plot]:
    return {plot.key: plot for plot in section(report, "search").plots}


def gain_of(report: Document) -> Finding:
    """What the check on held-out rows comes to."""
    (found,) = section(report, "held_out").findings
    return found


def table(report: Document, key: str) -> Table:
    return next(one for part in report.sections for one in part.tables if one.key == key)


def by_row(found: Table) -> dict[object, dict[str, object]]:
    """The cells of a table by the name of the row and the key of the column."""
    keys = [column.key for column in found.columns]
    return {row[0]: dict(zip(keys, row, strict=True)) for row in found.rows}


def text(html: str) -> str:
    """What can be read, without tags, style sheet and pictures."""
    body = re.sub(r"<(style|svg).*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", body))


def trial(value: float | None, state: TrialState = TrialState.COMPLETE, **kwargs: Any) -> optuna.trial.FrozenTrial:
    return optuna.create_trial(value=value, state=state, **kwargs)


def rated(value: float, rate: float, **kwargs: Any) -> optuna.trial.FrozenTrial:
    ranges: dict[str, BaseDistribution] = {"stacker.learning_rate": FloatDistribution(0.005, 0.1, log=True)}
    return trial(value, params={"stacker.learning_rate": rate}, distributions=ranges, **kwargs)


def study_of(*trials: optuna.trial.FrozenTrial, **kwargs: Any) -> optuna.Study:
    made = example_study.empty(**kwargs)
    made.add_trials(trials)
    return made


def by_rate(n: int, value: Callable[[float], float], **kwargs: Any) -> optuna.Study:
    """Trials over the whole range of the rate, and a choice that does nothing."""
    places = [(7 * number % n) / (n - 1) for number in range(n)]
    made = example_study.empty()
    for number, place in enumerate(places):
        made.add_trial(
            trial(
                value(place),
                params={"stacker.learning_rate": 0.005 * 20**place, "text.words": number % 2 == 0},
                distributions={
                    "stacker.learning_rate": FloatDistribution(0.005, 0.1, log=True),
                    "text.words": CategoricalDistribution((True, False)),
                },
                user_attrs={"seconds": {"fit": 10 + number, "total": 11.0 + number}, **kwargs},
            )
        )
    return made
