"""``creditfusion score``: a PD, a score, a decision and its reasons for every application of a file."""

from __future__ import annotations

import unicodedata
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_schemas.errors import ContractError
from experiments.options import (
    CacheGbOption,
    CacheOption,
    DelimiterOption,
    EncoderOption,
    EncodingOption,
    ForceOption,
    JsonOption,
    ModelOption,
    NoCacheOption,
    PolicyOption,
    SecondOption,
    SheetOption,
    SourceOption,
    StrictOption,
    ThreadsOption,
    vector_cache,
)
from experiments.score.engines import Engine
from experiments.score.parts.addresses import is_address
from experiments.session.run import ALL_REJECTED, SOME_REJECTED
from experiments.session.standard_streams import DASH, one_from_stdin

if TYPE_CHECKING:
    from experiments.score.parts.files import FilesToScore

MAX_REASONS = 20


EXAMPLES = """
Examples:

creditfusion score --model bundle --data new.csv --out scored.csv

creditfusion score --model bundle --data new.csv --out scored.csv --reasons 2

creditfusion score --model bundle --data new.csv --out scored.csv --reasons 0

creditfusion score --model bundle --data new.csv --out scored.csv --policy policy.toml

creditfusion score --model bundle --data new.csv --out scored.csv --second fraud=models/fraud --policy policy.toml

creditfusion score --model bundle --data new.parquet --out scored.csv.gz --passthrough branch --resume

creditfusion score --model bundle --encoder models/minilm --data new.csv --out scored.csv

creditfusion score --model bundle --data applications --out scored --engine ray --workers 4

creditfusion score --model bundle --data s3://bucket/applications --out s3://bucket/scored --engine ray --address auto

zcat new.csv.gz | creditfusion score --model bundle --data - --out - --rejects rejects.csv > scored.csv
"""


def score(
    model: ModelOption,
    data: Annotated[
        Path,
        typer.Option(
            callback=one_from_stdin,
            help="Applications to score: CSV, packed or not, workbook or Parquet; - for stdin. Or a folder of .csv, "
            ".csv.gz and .parquet files; also at an address such as s3://bucket/folder.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="Scored file to write: .csv, .csv.gz or .parquet; - for CSV on stdout. For a folder: the folder that "
            "gets a scored file and its rejects under the name of each."
        ),
    ],
    rejects: Annotated[
        Path | None, typer.Option(help="File of the rows that broke the contract. Left out: OUT.rejects.csv.")
    ] = None,
    passthrough: Annotated[
        list[str] | None,
        typer.Option(
            help="Input column to copy as it is written, whether the contract knows it or not; repeat for more. "
            "A protected or unknown column goes past the model, into the scored file alone."
        ),
    ] = None,
    reasons: Annotated[
        int,
        typer.Option(min=0, max=MAX_REASONS, help="Adverse reasons per row, the strongest first; 0: none, quicker."),
    ] = 4,
    policy: PolicyOption = None,
    second: SecondOption = None,
    encoder: EncoderOption = None,
    engine: Annotated[
        Engine, typer.Option(help="What answers: this process, or Ray workers (extra ray). The bytes are the same.")
    ] = Engine.LOCAL,
    address: Annotated[
        str | None,
        typer.Option(help="Ray cluster: HOST:PORT, or auto. Left out: workers on this machine, for this run."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Ray workers, of --threads each (one if left out); 0: one per processor.")
    ] = 0,
    chunk_rows: Annotated[int, typer.Option(min=1, help="Rows held in memory at once; changes no result.")] = 10_000,
    resume: Annotated[bool, typer.Option("--resume", help="Carry on a run that was interrupted.")] = False,
    force: ForceOption = False,
    strict: StrictOption = False,
    source: SourceOption = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    sheet: SheetOption = None,
    cache: CacheOption = None,
    cache_gb: CacheGbOption = 2.0,
    no_cache: NoCacheOption = False,
    threads: ThreadsOption = 0,
    json_output: JsonOption = False,
) -> None:
    """Score applications: PD, points, decision and reasons, one row each.

    reason_1, reason_2, ... are the codes of what took most points from the score, with wording and points; fewer where
    nothing else took explain.min_points (from one that is not approved: a tenth). narrative_points: what the narratives
    gave or took. reason_flags: no_wording:CODE for a reason that the schema does not
    word, not_disclosable:CODE for a reason that may not be told to the applicant as a principal
    one, no_reason for an application that is not approved and from which nothing took points, sensitive:KIND:POINTS
    for each kind of private life that the narratives tell of, with what these sentences gave or took.

    With --policy the decision is approve, refer or decline, and refer_reason says why a row is referred.

    --second fraud=BUNDLE adds the column fraud_probability: what a second model, trained on another label, says of each
    row. It reads the same file by its own contract; a row that breaks that contract has none. A policy may refer on it.

    Rows that break the data contract go to the rejects file with the rule and the remedy; scored and rejected rows
    add up to the input. Output gets its final name when it is complete. Exit code 3: some rows were rejected; 2: all
    were.

    A column of which nearly all rows are unlike the training rows (missing, unknown, of one value, outside the range,
    in another unit) gets a warning. With --strict a warning ends the run with exit code 4 before anything is published;
    --resume without --strict then publishes what was scored.

    Of a folder every file NAME is scored into OUT/NAME and OUT/NAME.rejects.csv, with the bytes that scoring it alone
    gives; an id counts as repeated within a file. Nothing is published before all are scored. --engine ray shares the
    work of a file or a folder out to workers; whichever of them dies, and when this command does, --resume goes on and
    each row is in the result once.

    --data - reads stdin, a table in any form that a file may have, whole and before the first row is scored. --out -
    writes the scored rows to stdout once all are scored; it needs --rejects, and the run log lies beside that file.
    """
    from experiments.score.parts.job import Conduct
    from experiments.score.whole_run import ScoreRequest, score_as_requested
    from experiments.session.scorer_request import ScorerRequest
    from features.tables.reader import ReadOptions

    if out == DASH:
        _check_stdout(rejects, resume, json_output)
    given = _given_in_parts(engine, data, out, rejects)
    copied = tuple(dict.fromkeys(unicodedata.normalize("NFC", name) for name in passthrough or ()))
    vectors = partial(vector_cache, cache, cache_gb, no_cache)
    request = ScoreRequest(
        scorer=ScorerRequest(model, encoder, policy, tuple(second or ()), vectors, threads, reasons),
        data=data,
        out=out,
        rejects=rejects or out.parent / f"{out.name}.rejects.csv",
        log_beside=_log_beside(out, rejects),
        given=given,
        engine=engine,
        address=address,
        workers=workers,
        conduct=Conduct(resume, force, strict),
        sources=tuple(source or ()),
        options=ReadOptions(chunk_rows, delimiter=delimiter, encoding=encoding, sheet=sheet, passthrough=copied),
    )
    tally = score_as_requested(request, json_output)
    if tally.rejected:
        raise typer.Exit(SOME_REJECTED if tally.scored else ALL_REJECTED)


def _given_in_parts(engine: Engine, data: Path, out: Path, rejects: Path | None) -> FilesToScore | None:
    """The files of a run that is scored in parts; None for one file that this process scores from its first row on.

    Raises ContractError for options that do not go with it.
    """
    from experiments.score.parts.files import files_to_score
    from experiments.score.parts.ray_workers import check_ray

    if engine is Engine.LOCAL and not (data.is_dir() or is_address(data) or is_address(out)):
        return None
    if out == DASH:
        raise ContractError("--out - goes with one file and --engine local", "Name a file or folder with --out.")
    if engine is Engine.RAY:
        check_ray()
    return files_to_score(data, out, rejects)


def _log_beside(out: Path, rejects: Path | None) -> Path | None:
    """The file beside which the run log lies; an object store gets none."""
    if out == DASH:
        return rejects
    return None if is_address(out) else out


def _check_stdout(rejects: Path | None, resume: bool, json_output: bool) -> None:
    """Raise ContractError for options that do not go with scored rows on stdout."""
    if rejects is None:
        raise ContractError("--out - needs a file for rejected rows", "Name one with --rejects.")
    if resume:
        raise ContractError("--out - keeps nothing to --resume", "Leave --resume out, or name a file with --out.")
    if json_output:
        what = "--out - and --json would both write to stdout"
        raise ContractError(what, "Leave --json out, or name a file with --out.")
