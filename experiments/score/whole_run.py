"""A run of score: load, score a file or files in parts, say what was found, sum up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_schemas.errors import UserError
from experiments.score.engines import Engine
from experiments.score.job import ScoredFile, ScoreFiles, checked_fingerprint, score_file
from experiments.score.parts.executor import Executor, InProcess
from experiments.score.parts.files import FilesToScore
from experiments.score.parts.job import Beside, Conduct, ScoredFiles, check_free_parts, check_no_parts, score_in_parts
from experiments.score.parts.kept_sources import SourcesOfFiles
from experiments.score.parts.ray_workers import ScorerSource, ray_workers
from experiments.score.resumable_output import Tally, check_in_the_way
from experiments.session.run import Run
from experiments.session.scorer_request import ScorerRequest
from experiments.session.second_models import SecondModels
from experiments.session.sources import shown, with_sources
from experiments.session.standard_streams import DASH, copy_to_stdout, output_file
from features.batches.warnings import in_lines
from features.sources.joined import JoinedSources
from features.tables.csv_records import file_sha256
from features.tables.reader import ReadOptions
from fusion.scorer import Scorer

FREQUENT = 5  # first reasons that the summary names


@dataclass(frozen=True)
class ScoreRequest:
    """What a run of score is asked for.

    Attributes:
        scorer: The model that scores.
        data: The applications, a file or a folder.
        out: The scored rows; ``-``: on stdout.
        rejects: The rows that break the contract, of one file.
        log_beside: The file beside which the run log lies; None: no log.
        given: The files of a run in parts; None: one file that this process scores from its first row on.
        engine: What answers.
        address: Of a Ray cluster; None: this machine.
        workers: Of Ray; 0: one per processor.
        conduct: What is done about other runs and about doubts.
        sources: Further sources, as they were named.
        options: How the data are read.
    """

    scorer: ScorerRequest
    data: Path
    out: Path
    rejects: Path
    log_beside: Path | None
    given: FilesToScore | None
    engine: Engine
    address: str | None
    workers: int
    conduct: Conduct
    sources: tuple[str, ...]
    options: ReadOptions

    @property
    def logged(self) -> dict[str, object]:
        """The arguments that the run log keeps."""
        return {
            "model": self.scorer.model,
            "data": self.data,
            "out": self.out,
            "rejects": self.rejects,
            "passthrough": self.options.passthrough,
            "reasons": self.scorer.reasons,
            "chunk_rows": self.options.chunk_rows,
            "resume": self.conduct.resume,
            "policy": self.scorer.policy,
            "second": list(self.scorer.second) or None,
            "sources": shown(self.sources),
            "engine": self.engine.value,
        }


def score_as_requested(request: ScoreRequest, json_output: bool) -> Tally:
    """Score what is asked for and print the summary; the counts over all rows.

    Raises as ``score_file`` and ``score_in_parts`` do.
    """
    with (
        Run.start("score", request.log_beside, request.logged, json_output) as run,
        output_file(request.out, request.rejects) as scored,
    ):
        with run.timed("load"):
            scorer, seconds = request.scorer.load(run.note)
            if request.engine is Engine.LOCAL:
                scorer.prepare()
        _note_unworded(scorer, run)
        done: ScoredFile | ScoredFiles
        if request.given is not None:
            done = _score_parts(scorer, request, request.given, seconds, run)
        else:
            done = _score_one(scorer, request, scored, seconds, run)
        _note_without_second(done.tally, run)
        if request.out == DASH:
            copy_to_stdout(scored)
        run.finish(
            {
                "out": request.out,
                **({"rejects": request.rejects} if request.given is None else request.given.shown),
                **counts(done.tally, scorer.n_reasons > 0),
                "lines_left_out": done.n_left_out,
                "rows_resumed": done.n_resumed,
                "rows_per_second": (done.tally.rows - done.n_resumed) / run.clock.total,
                "cache_hit_rate": scorer.encoder.hit_rate,
                "warnings": in_lines(done.warnings),
            }
        )
    return done.tally


def _score_parts(
    scorer: Scorer, request: ScoreRequest, given: FilesToScore, seconds: SecondModels, run: Run
) -> ScoredFiles:
    check_free_parts(given, request.conduct)
    options, sources = _joined_parts(scorer, request, given, run)
    executor: Executor = InProcess(scorer, seconds)
    if request.engine is Engine.RAY:
        named = request.scorer
        loads = ScorerSource.like(scorer, named.model, named.encoder, named.vectors(run.note), named.threads)
        loads = loads.with_second(named.second, seconds)
        executor = run.hold(ray_workers(loads, request.address, request.workers, run.note))
    return score_in_parts(scorer, given, options, executor, run, request.conduct, Beside(seconds, sources))


def _joined_parts(
    scorer: Scorer, request: ScoreRequest, given: FilesToScore, run: Run
) -> tuple[ReadOptions, SourcesOfFiles | None]:
    """How the files are read and, where the contract has further sources, what was joined with them.

    Files at an address are copied here for the join, as long as the run lasts.
    """
    if not scorer.schema.sources:
        return _joined(scorer, request, given.paths, run), None
    paths = {file.name: run.hold(file.fetched()) for file in given.files}
    with run.timed("fingerprint"):
        digests = {name: file_sha256(path) for name, path in paths.items()}  # ahead of the join, as of one file
    try:
        options = _joined(scorer, request, list(paths.values()), run)
    except UserError as error:
        message = error.message
        for file in given.files:
            message = message.replace(str(paths[file.name]), str(file.data))
        raise type(error)(message, error.remedy) from error
    joined = options.joined
    return options, SourcesOfFiles(joined, paths, digests) if isinstance(joined, JoinedSources) else None


def _score_one(scorer: Scorer, request: ScoreRequest, scored: Path, seconds: SecondModels, run: Run) -> ScoredFile:
    conduct = request.conduct
    if not conduct.force:
        check_in_the_way(scored, request.rejects, conduct.resume)  # before a join that may take minutes
        check_no_parts(scored)
    files = ScoreFiles(request.data, scored, request.rejects, resumable=request.out != DASH)
    before = checked_fingerprint(files, run)  # rows that come while sources are joined would lack their records
    options = _joined(scorer, request, [request.data], run)
    return score_file(
        scorer,
        files,
        options,
        run,
        resume=conduct.resume,
        force=conduct.force,
        strict=conduct.strict,
        seconds=seconds,
        before=before,
    )


def _joined(scorer: Scorer, request: ScoreRequest, paths: Sequence[Path], run: Run) -> ReadOptions:
    return with_sources(
        run,
        paths,
        scorer.schema,
        request.sources,
        request.options,
        threads=request.scorer.threads,
        strict=request.conduct.strict,
    )


def _note_unworded(scorer: Scorer, run: Run) -> None:
    if scorer.n_reasons and scorer.unworded:
        run.note(
            f"The schema words no reason for {', '.join(scorer.unworded)}: as reasons they are marked "
            "[no wording], and are nothing to give an applicant.",
            {"without_wording": scorer.unworded},
        )


def _note_without_second(tally: Tally, run: Run) -> None:
    for name, n_rows in tally.without_second.items():
        if n_rows:
            run.note(
                f"{n_rows:,} rows break the contract of second model {name} and have no probability",
                {"second": name, "without": n_rows},
            )


def counts(tally: Tally, with_reasons: bool) -> Mapping[str, object]:
    """The counts for reading and for ``--json``; mean PD and the rates are None without scored rows.

    with_reasons: those of reasons too, with the most frequent first reasons.
    """
    found: dict[str, object] = {
        "rows": tally.rows,
        "scored": tally.scored,
        "rejected": tally.rows - tally.scored,
        "mean_pd": tally.pd_sum / tally.scored if tally.scored else None,
        "decline_rate": tally.declined / tally.scored if tally.scored else None,
        "refer_rate": tally.referred / tally.scored if tally.scored else None,
        "rejected_by_rule": tally.rejected,
        "data_quality": tally.quality,
    }
    if not with_reasons:
        return found
    frequent = sorted(tally.first_reasons.items(), key=lambda item: (-item[1], item[0]))[:FREQUENT]
    return found | {
        "with_undisclosable_reason": tally.undisclosable,
        "with_sensitive_statement": tally.sensitive,
        "first_reasons": dict(frequent),
    }
