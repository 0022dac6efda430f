"""The files that a sweep leaves: settings to train with, every trial, and a report; and its closing summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from data_schemas.errors import RunError
from experiments.reporting.document import Document
from experiments.reporting.html import document_html
from experiments.sweep.final import config_of
from experiments.sweep.job import REJECTS, SweepResult
from experiments.sweep.outcome import best_of, best_toml, default_of, write_leaderboard
from experiments.sweep.report import about_best, sweep_report
from experiments.sweep.study_snapshot import snapshot_of
from experiments.sweep.tables import changed_settings
from features.atomic_files import put_text

PAGE, JSON = "report.html", "report.json"
BEST, LEADERBOARD = "best.toml", "leaderboard.csv"


@dataclass(frozen=True)
class Results:
    """What was found, and the files that show it.

    found: of the search and the check.
    report: the document.
    files: by what they hold.
    """

    found: SweepResult
    report: Document
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
        lines: dict[str, object] = {
            "study": self.report.title,
            "trials": dict(Counter(line.state for line in self.found.lines)),
            "found": " ".join(self.report.headline),
        }
        best, task = best_of(self.found.lines), self.found.task
        changed = changed_settings(best, task.space, task.base) if best else {}
        if changed:
            lines["settings, default and best"] = {
                key: f"{_shown(before)}  ->  {_shown(after)}" for key, (before, after) in changed.items()
            }
        if self.found.rejected:
            lines["rejected by rule"] = dict(self.found.rejected)
        return {**lines, "files": dict(self.files)}


def _shown(value: object) -> str:
    if value is None:
        return "not asked for"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def write_results(found: SweepResult, out: Path, made_on: date) -> Results:
    """Write what is there, after an interruption too; an older best.toml goes where no trial is complete.

    Raises RunError when the folder cannot be written.
    """
    task = found.task
    files = {"report": out / PAGE, "leaderboard": out / LEADERBOARD}
    files |= {"settings": out / BEST} if found.best is not None else {}
    files |= {"rejects": out / REJECTS} if found.rejected else {}
    report = sweep_report(snapshot_of(found.study, task.objectives), task.space, task.base, out / BEST, made_on)
    try:
        if found.best is None:
            (out / BEST).unlink(missing_ok=True)
        else:
            about = about_best(report, found.best.number)
            put_text(out / BEST, best_toml(task.base, config_of(found.best, task), about))
        write_report(report, out)
        write_leaderboard(found.lines, task.space, out / LEADERBOARD)
    except OSError as error:
        raise RunError(
            f"{error.filename} cannot be written: {error.strerror}",
            "Make room or give the folder back its rights, and run the same command again: no trial is lost.",
        ) from error
    return Results(found, report, files)


def write_report(report: Document, out: Path) -> None:
    """Write the report and its page; each gets its name when it is whole. Raises OSError."""
    put_text(out / JSON, report.model_dump_json() + "\n")
    put_text(out / PAGE, document_html(report))
