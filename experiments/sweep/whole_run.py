"""A run of sweep: read the decisions, search, check the best settings, write what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from data_schemas.reader import load_schema
from experiments.options import report_day
from experiments.reporting.language import Language, speaking
from experiments.session.run import Run
from experiments.session.sources import shown, with_sources
from experiments.sweep.conditions import Search, settled
from experiments.sweep.job import SweepFolder, SweepResult, refuse_never_flat, refuse_tuning, sweep_study
from experiments.sweep.results import write_results
from experiments.sweep.searching import effort_of
from experiments.sweep.storage import database_errors
from experiments.train.decided import read_decided, write_rejects
from features.encoders.cache.file import Tell
from features.tables.reader import ReadOptions
from fusion.config import EncoderConfig
from fusion.config_file import load_config
from fusion.model.cross_validation import Folds
from fusion.model.search_space import load_space
from fusion.text_encoder import OpenEncoder, VectorCache, open_text_encoder


@dataclass(frozen=True)
class SweepRequest:
    """What a run of sweep is asked for.

    Attributes:
        schema: Of the data, a file or a shipped one.
        data: Decided applications.
        out: Folder of the sweep.
        trials: To finish or prune, those of earlier runs included.
        timeout: Seconds after which no trial is begun; None: no end.
        workers: Processes side by side; 0: one per processor.
        config: File of the settings to begin with; None: the defaults.
        overrides: Settings on top of ``config``.
        space: File that narrows the ranges searched; None: the shipped ones.
        objectives: What is searched for, each once; of several the best compromises.
        folds: How trials are judged.
        until: Last day of decision that is looked at; None: all.
        hold_out: Share of the rows, the newest, that is kept for the check at the end.
        until_flat: Whether to stop when more trials promise nothing.
        study: Name of the study.
        storage: Database of the study, whose URL may hold a password; None: a file in ``out``.
        resume: Whether the study must be there already.
        seed: Of the search.
        sources: Further sources, as they were named.
        language: Of the report.
        options: How the data are read.
        vectors: Opens the cache of narratives' vectors.
    """

    schema: str
    data: tuple[Path, ...]
    out: Path
    trials: int
    timeout: float | None
    workers: int
    config: Path | None
    overrides: tuple[str, ...]
    space: Path | None
    objectives: tuple[str, ...]
    folds: Folds
    until: date | None
    hold_out: float
    until_flat: bool
    study: str
    storage: str | None
    resume: bool
    seed: int
    sources: tuple[str, ...]
    language: Language
    options: ReadOptions
    vectors: Callable[[Tell], VectorCache | None]

    @property
    def logged(self) -> dict[str, object]:
        """The arguments that the run log keeps: all but the storage."""
        return {
            "schema": self.schema,
            "data": self.data,
            "out": self.out,
            "config": self.config,
            "set": self.overrides,
            "space": self.space,
            "sources": shown(self.sources),
            "objective": self.objectives,
            "folds": self.folds,
            "until": self.until,
            "hold_out": self.hold_out,
            "trials": self.trials,
            "timeout": self.timeout,
            "workers": self.workers,
            "study": self.study,
            "seed": self.seed,
            "language": self.language.code,
        }


def sweep_as_requested(request: SweepRequest, json_output: bool) -> SweepResult:
    """Search as is asked for, write the results and print the summary.

    Raises ContractError for settings, files or a storage that cannot be searched with, and as ``sweep_study`` does.
    """
    with Run.start("sweep", request.out, request.logged, json_output) as run:
        schema = load_schema(request.schema)
        search = _search(request, run)
        effort = effort_of(request.trials, request.workers, request.timeout, request.seed, request.until_flat)
        refuse_never_flat(search, effort)
        refuse_tuning(search)
        place = SweepFolder(request.out, request.study, request.storage, request.resume)
        place.make()
        options = with_sources(run, request.data, schema, request.sources, request.options)
        read = read_decided(schema, request.data, options, run)
        write_rejects(read.rejects, place.rejects)

        def opener(of: EncoderConfig) -> OpenEncoder:
            return open_text_encoder(of, request.vectors(run.note))

        with database_errors():
            found = sweep_study(read, search, place, effort, opener, run)
            with speaking(request.language):
                results = write_results(found, place.out, report_day(None))
        run.finish(results.summary(), results.lines())
    return found


def _search(request: SweepRequest, run: Run) -> Search:
    base = load_config(request.config, request.overrides)
    space = load_space(request.space, base)
    wanted = Search(base, space, request.objectives, request.folds, request.until, request.hold_out)
    return settled(wanted, run.note)
