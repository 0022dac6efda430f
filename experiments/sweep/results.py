"""The files that a sweep leaves: settings to train with, every trial, and a report; and its closing summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from data_schemas.errors import RunError
from experiments.reporting.sweep_report import SweepReport
from experiments.sweep.final import config_of
from experiments.sweep.job import REJECTS, SweepResult
from experiments.sweep.outcome import best_of, best_toml, default_of, write_leaderboard
from experiments.sweep.report_files import PAGE, about_best, write_report
from features.atomic_files import put_text

BEST, LEADERBOARD = "best.toml", "leaderboard.csv"


@dataclass(frozen=True)
class Results:
    """What was found, and the files that tell of it."""

    found: SweepResult
    report: SweepReport
    files: Mapping[str, Path]

    def summary(self) -> Mapping[str, object]:
        """For machines."""
        lines = self.found.lines
        best, default = best_of(lines), default_of(lines)
        return {
            "study": self.found.study.study_name,
            "interrupted": self.found.interrupted,
            "trials": dict(Counter(line.state for line in lines)),
            "best_trial": best.number if best else None,
            "best": dict(best.values) if best else None,
            "settings": dict(best.settings) if best else None,
            "default": dict(default.values) if default else None,
            "final": dict(self.found.final),
            "rejected": sum(self.found.rejected.values()),
            "rejected_by_rule": dict(self.found.rejected),
            "files": dict(self.files),
        }

    def lines(self) -> Mapping[str, object]:
        """For people: what the report says first, and the settings that changed."""
        told: dict[str, object] = {
            "study": self.report.study,
            "trials": dict(Counter(line.state for line in self.found.lines)),
            "found": " ".join(self.report.headline),
        }
        changed = [setting for setting in self.report.settings if setting.changed]
        if changed:
            told["settings, default and best"] = {
                one.key: f"{_shown(one.default)}  ->  {_shown(one.best)}" for one in changed
            }
        if self.found.rejected:
            told["rejected by rule"] = dict(self.found.rejected)
        return {**told, "files": dict(self.files)}


def _shown(value: object) -> str:
    if value is None:
        return "not asked for"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def write_results(found: SweepResult, out: Path, made_on: date) -> Results:
    """Write what is there, after an interruption too; an older best.toml goes where no trial is complete.

    Raises RunError when the folder cannot be written.
    """
    base, space = found.task.base, found.task.space
    files = {"report": out / PAGE, "leaderboard": out / LEADERBOARD}
    files |= {"settings": out / BEST} if found.best is not None else {}
    files |= {"rejects": out / REJECTS} if found.rejected else {}

    def write_best(report: SweepReport) -> None:
        if found.best is None:
            (out / BEST).unlink(missing_ok=True)
        else:
            put_text(out / BEST, best_toml(base, config_of(found.best, found.task), about_best(report)))

    try:
        report = write_report(
            out, found.study, found.task.objectives, space, base, out / BEST, made_on, before=write_best
        )
        write_leaderboard(found.lines, space, out / LEADERBOARD)
    except OSError as error:
        raise RunError(
            f"{error.filename} cannot be written: {error.strerror}",
            "Make room or give the folder back its rights, and run the same command again: no trial is lost.",
        ) from error
    return Results(found, report, files)
