"""A probe as `creditfusion probe` asks for it, from the bundle's folder to the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from experiments.options import check_free
from experiments.probe.job import Question, probe_file
from experiments.probe.report import Probed, report
from experiments.reporting.files import Edition, names_of, write_pages
from experiments.reporting.language import speaking
from experiments.session.run import Run
from experiments.session.sources import shown, with_sources
from features.encoders.cache.file import Tell
from features.encoders.threads import use_threads
from features.tables.reader import ReadOptions
from fusion.scorer import load_scorer
from fusion.text_encoder import VectorCache

REPORT, REJECTS = "protected", "protected.rejects.csv"


@dataclass(frozen=True)
class ProbeRequest:
    """What a run of probe is asked for.

    Attributes:
        model: The bundle.
        encoder: Where its text encoder lies; None: where training found it.
        question: What to look at.
        options: How the data are read.
        sources: Further sources, as they were named.
        out: Folder of the report.
        force: Whether to replace an earlier one.
        edition: Of the report.
        vectors: Opens the cache of narratives' vectors.
        threads: Processor threads; 0: as many as there are.
    """

    model: Path
    encoder: str | None
    question: Question
    options: ReadOptions
    sources: tuple[str, ...]
    out: Path
    force: bool
    edition: Edition
    vectors: Callable[[Tell], VectorCache | None]
    threads: int

    @property
    def logged(self) -> dict[str, object]:
        """The arguments that the run log keeps."""
        return {
            "model": self.model,
            "data": self.question.data,
            "out": self.out,
            "columns": self.question.columns,
            "most_rows": self.question.most_rows,
            "language": self.edition.language.code,
            "date": self.edition.made_on,
            "sources": shown(self.sources),
        }


def probe_as_requested(request: ProbeRequest, json_output: bool) -> int:
    """Probe a file, write the report and print the summary; the number of rejected rows.

    Raises ContractError as ``probe_file`` does, and for a report that is there already.
    """
    check_free(request.out, names_of(REPORT, rejects=REJECTS), request.force)
    with Run.start("probe", request.out, request.logged, json_output) as run:
        with run.timed("load"):
            use_threads(request.threads)
            scorer = load_scorer(
                request.model,
                encoder=request.encoder,
                cache=request.vectors(run.note),
                seconds=None,  # nothing is decided
                threads=request.threads,
            )
        options = with_sources(
            run, [request.question.data], scorer.schema, request.sources, request.options, threads=request.threads
        )
        with speaking(request.edition.language):  # the name of the model is words
            probed, rejects = probe_file(scorer, request.question, options, run)
        with run.timed("write"), speaking(request.edition.language):
            write_pages(request.out, {REPORT: report(probed, request.edition.made_on)}, rejects.frame, REJECTS)
        _finish(run, probed, request.out)
    return probed.n_rejected


def _finish(run: Run, probed: Probed, out: Path) -> None:
    rows = {"rows": probed.n_rows, "rejected": probed.n_rejected, "read": probed.n_read}
    figures = probed.figures()
    too_few = {one.field.name: str(one.groups.too_few) for one in probed.attributes if one.groups.too_few}
    run.finish(
        {"out": out, **rows, "auc": figures, "not_judged": too_few},
        {"out": out, **rows, "not judged": too_few, "AUC, .5 is chance": _in_words(figures)},
    )


def _in_words(figures: Mapping[str, Mapping[str, tuple[float, float, float]]]) -> dict[str, dict[str, str]]:
    """AUCs with their intervals as people read them, by column and source."""
    return {
        name: {source: f"{auc:.3f} ({low:.3f} to {high:.3f})" for source, (auc, low, high) in found.items()}
        for name, found in figures.items()
        if found
    }
