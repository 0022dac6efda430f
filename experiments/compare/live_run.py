"""A comparison of what a service decided, as `creditfusion compare --decisions` asks for it: log and outcomes in, files
out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from data_schemas.reader import load_schema
from experiments.compare.decisions import one_experiment, paired, read_outcomes
from experiments.compare.decisions_report import live_document, live_summary
from experiments.options import check_free
from experiments.reporting.files import names_of, write_pages
from experiments.reporting.language import Language, speaking
from experiments.serve.decision_log import read_log
from experiments.session.run import Run
from features.sources.locations import masked
from features.tables.reader import ReadOptions


@dataclass(frozen=True)
class LiveRequest:
    """A comparison of what a service decided.

    Attributes:
        log: File or PostgreSQL URL.
        data: Files of outcomes.
        schema: Names id and outcome.
        experiment: Which one; None where the log has one alone.
        options: How the files are read.
        made_on: Day on the report.
        out: Folder of the report.
        force: Whether to replace an earlier one.
        language: Of the report.
    """

    log: str
    data: tuple[Path, ...]
    schema: str
    experiment: str | None
    options: ReadOptions
    made_on: date
    out: Path
    force: bool
    language: Language


def compare_live(request: LiveRequest, json_output: bool) -> int:
    """Compare what a service decided with how it went; the number of rejected rows."""
    check_free(request.out, names_of("comparison"), request.force)
    contract = load_schema(request.schema)
    arguments: dict[str, object] = {"decisions": masked(request.log), "data": request.data, "schema": request.schema}
    arguments |= {"language": request.language.code}
    with Run.start("compare", request.out, arguments, json_output) as run:
        with run.timed("read"):
            log = read_log(request.log)
            outcomes = read_outcomes(request.data, contract, request.options)
        found = paired(one_experiment(log.decisions, request.experiment), outcomes)
        with run.timed("write"), speaking(request.language):
            document = live_document(found, contract.title, request.made_on)
            write_pages(request.out, {"comparison": document}, outcomes.rejects)
        counts = {"outcomes": len(outcomes.bad), "undecided": outcomes.n_undecided}
        counts |= {"rejected": len(outcomes.rejects), "broken_log_lines": log.n_broken}
        run.finish({"out": request.out, **live_summary(found), **counts})
    return len(outcomes.rejects)
