"""The files of the report on protected attributes."""

from __future__ import annotations

from pathlib import Path

from experiments.probe.report import ProtectedReport
from experiments.reporting.protected import protected_html
from experiments.train.job import write_rejects
from features.atomic_files import put_text
from features.tables.applications import Rejects

PAGE, JSON, REJECTS = "protected.html", "protected.json", "protected.rejects.csv"
NAMES = (PAGE, JSON, REJECTS)


def write_report(out: Path, report: ProtectedReport, rejects: Rejects) -> None:
    """Write page, JSON and rejected rows (none: no such file); each gets its name when it is complete."""
    out.mkdir(parents=True, exist_ok=True)
    put_text(out / JSON, report.model_dump_json() + "\n")
    put_text(out / PAGE, protected_html(report))
    (out / REJECTS).unlink(missing_ok=True)
    if len(rejects):
        write_rejects(rejects, out / f".{REJECTS}")
        (out / f".{REJECTS}").replace(out / REJECTS)
