"""The files of a sweep's report, and where the best settings come from in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import optuna

from experiments.reporting.sweep_page import sweep_html
from experiments.reporting.sweep_report import SweepReport
from experiments.sweep.plots import draw
from experiments.sweep.report import sweep_report
from experiments.sweep.study_snapshot import hold
from features.atomic_files import put_text
from fusion.config import Config
from fusion.model.search_space import Space

PAGE, JSON = "report.html", "report.json"


def write_report(
    out: Path,
    study: optuna.Study,
    objectives: Sequence[str],
    space: Space,
    base: Config,
    best_toml: Path,
    made_on: date,
    before: Callable[[SweepReport], object] = lambda _: None,
) -> SweepReport:
    """Write the report of the trials that there are now, and its page; each gets its name when it is whole.

    Workers may go on with the study meanwhile. out: an existing folder. base: the config of the first trial. best_toml:
    where the best settings are written, for the command that the page names. before: is given the report before that
    is written. Raises OSError.
    """
    evidence = hold(study, objectives)
    report = sweep_report(evidence, space, base, best_toml, made_on)
    before(report)
    put_text(out / JSON, report.model_dump_json() + "\n")
    put_text(out / PAGE, sweep_html(report, draw(evidence, report.charts)))
    return report


def about_best(report: SweepReport) -> list[str]:
    """Where the best settings come from, for the top of their file; equal trials, equal lines."""
    return [f"The best settings of study {report.study}, trial {report.best_trial}.", *report.headline[1:]]
