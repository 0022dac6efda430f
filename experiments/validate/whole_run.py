"""A validation as `creditfusion evaluate` asks for it, from the bundle's folder to the report and the card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from experiments.options import check_free
from experiments.reporting.files import names_of, write_pages
from experiments.reporting.language import Language, speaking
from experiments.session.run import Run
from experiments.session.scorer_request import ScorerRequest
from experiments.session.sources import shown, with_sources
from experiments.session.unlike_training import refuse
from experiments.validate.job import CARD, VALIDATION, ValidationRequest, validate
from experiments.validate.summary import summarise
from features.tables.reader import ReadOptions


@dataclass(frozen=True)
class EvaluateRequest:
    """What a run of evaluate is asked for.

    Attributes:
        scorer: The model, and what decides.
        validation: What to validate on.
        options: How the data are read.
        sources: Further sources, as they were named.
        out: Folder of report and card.
        force: Whether to replace earlier ones.
        strict: Whether columns unlike the training rows end the run.
        language: Of report and card.
    """

    scorer: ScorerRequest
    validation: ValidationRequest
    options: ReadOptions
    sources: tuple[str, ...]
    out: Path
    force: bool
    strict: bool
    language: Language

    @property
    def logged(self) -> dict[str, object]:
        """The arguments that the run log keeps."""
        return {
            "model": self.scorer.model,
            "data": list(self.validation.files),
            "out": self.out,
            "since": self.validation.since,
            "policy": self.scorer.policy,
            "second": list(self.scorer.second) or None,
            "language": self.language.code,
            "segments": self.validation.segments,
            "sources": shown(self.sources),
            "date": self.validation.made_on,
        }


def evaluate_as_requested(request: EvaluateRequest, json_output: bool) -> int:
    """Validate, write report and card, and print the summary; the number of rejected rows.

    Raises ContractError as ``validate`` does, and for a report that is there already.
    """
    check_free(request.out, names_of(VALIDATION, CARD), request.force)
    with Run.start("evaluate", request.out, request.logged, json_output) as run:
        with run.timed("load"):
            scorer, seconds = request.scorer.load(run.note)
        options = with_sources(
            run,
            request.validation.files,
            scorer.schema,
            request.sources,
            request.options,
            threads=request.scorer.threads,
            strict=request.strict,
        )
        with speaking(request.language):
            found = validate(scorer, request.validation, options, run, seconds)
        if request.strict:
            refuse(found.scored.warnings, "Look at the columns, or leave --strict out.")
        with run.timed("write"), speaking(request.language):
            write_pages(request.out, {VALIDATION: found.report, CARD: found.card}, found.rejects.frame)
        summed = summarise(found)
        run.finish({"out": request.out, **summed.summary}, {"out": request.out, **summed.lines})
    return len(found.rejects)
