"""A look at augmentation as `creditfusion augment` asks for it, from the names of files to the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from data_schemas.reader import load_schema
from experiments.augment.job import DEFAULT, Question, augment_files, kinds_of
from experiments.augment.report import report
from experiments.options import check_free
from experiments.reporting.files import Edition, write_pages
from experiments.reporting.html import document_html
from experiments.reporting.language import speaking
from experiments.session.run import Run
from experiments.session.sources import shown, with_sources
from features.atomic_files import put_text
from features.encoders.threads import use_threads
from features.tables.reader import ReadOptions
from fusion.config_file import load_config


@dataclass(frozen=True)
class AugmentRequest:
    """What a run of augment is asked for.

    Attributes:
        schema: A file or a shipped one.
        data: Applications.
        kinds: Names of the kinds to show; empty for those of the settings.
        most_rows: Of more rows than this, so many are drawn at random.
        config: File of settings; None: the defaults.
        overrides: Single settings, ``key=value``.
        out: The page.
        force: Whether to replace an earlier one.
        edition: Of the page.
        options: How the data are read.
        sources: Further sources, as they were named.
        threads: Processor threads; 0: as many as there are.
    """

    schema: str
    data: tuple[Path, ...]
    kinds: tuple[str, ...]
    most_rows: int
    config: Path | None
    overrides: tuple[str, ...]
    out: Path
    force: bool
    edition: Edition
    options: ReadOptions
    sources: tuple[str, ...]
    threads: int

    @property
    def rejects(self) -> str:
        """Name of the file of rows that broke the contract, beside the page."""
        return f"{self.out.name}.rejects.csv"

    @property
    def logged(self) -> dict[str, object]:
        """The arguments that the run log keeps."""
        return {
            "schema": self.schema,
            "data": list(self.data),
            "out": self.out,
            "kinds": self.kinds,
            "rows": self.most_rows,
            "language": self.edition.language.code,
            "date": self.edition.made_on,
            "sources": shown(self.sources),
            "config": self.config,
            "set": list(self.overrides),
        }


def augment_as_requested(request: AugmentRequest, json_output: bool) -> int:
    """Vary narratives, write the page and print the summary; the number of rejected rows.

    Raises ContractError as ``augment_files`` does, for settings that make no sense and a page that is there already.
    """
    out = request.out
    check_free(out.parent, (out.name, request.rejects), request.force)
    with Run.start("augment", out, request.logged, json_output) as run:
        contract, settings = load_schema(request.schema), load_config(request.config, request.overrides)
        use_threads(request.threads)
        kinds = kinds_of(request.kinds or settings.augment.kinds or DEFAULT)
        question = Question(request.data, kinds, request.most_rows)
        options = with_sources(run, question.data, contract, request.sources, request.options, threads=request.threads)
        augmented = augment_files(question, contract, settings, options, run)
        with run.timed("write"), speaking(request.edition.language):
            put_text(out, document_html(report(augmented, request.edition.made_on)))
            write_pages(out.parent, {}, augmented.rejected, request.rejects)
        run.finish({"report": out, **augmented.summary()})
    return len(augmented.rejected)
