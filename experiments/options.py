"""Command-line options that several verbs share, so that they are named and explained alike everywhere."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_schemas.concepts import Sensitive
from data_schemas.errors import ContractError
from experiments.session.standard_streams import from_stdin

if TYPE_CHECKING:
    from features.encoders.cache.file import Tell
    from fusion.text_encoder import VectorCache

ModelOption = Annotated[Path, typer.Option("--model", help="Model bundle, the folder that `train` wrote.")]
SchemaOption = Annotated[
    str, typer.Option("--schema", help="Schema file, or the name of a shipped one: demo, lending_club.")
]
DecidedDataOption = Annotated[
    list[Path],
    typer.Option(
        "--data",
        callback=from_stdin,
        help="Decided applications: CSV, packed or not, workbook or Parquet; - for stdin; repeat for more.",
    ),
]
TextsOption = Annotated[
    list[Path],
    typer.Option(
        "--data",
        help="Texts: CSV, gzipped CSV or Parquet that a schema describes, or .txt with one text per line "
        "(per paragraph where blank lines part them); repeat for more.",
    ),
]
SourceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="NAME=LOCATION",
        help="Records of a source of the schema: NAME=FILE (CSV, packed or not, workbook or Parquet), "
        "NAME=FILE.duckdb#TABLE or NAME=postgresql://USER@HOST/DATABASE#TABLE, a SELECT in place of the table; "
        "repeat for each.",
    ),
]
MaskOption = Annotated[
    list[Sensitive] | None,
    typer.Option("--mask", help="Kind of private life whose sentences are cut first, as text.mask; repeat."),
]
SinceOption = Annotated[
    datetime | None,
    typer.Option("--since", formats=["%Y-%m-%d"], help="Take decisions from this day on, and no earlier."),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", help="Policy file, TOML. Left out: the bundle's, or else its cut-off, decision.max_pd."),
]
SecondOption = Annotated[
    list[str] | None,
    typer.Option(
        "--second",
        metavar="NAME=BUNDLE",
        help="A second model, trained on another label such as fraud, that reads the same rows; repeat for more.",
    ),
]
LanguageOption = Annotated[
    str, typer.Option(help="Of letters and pages: en, zh, or the path of a .po file with another.")
]
SegmentOption = Annotated[
    list[str] | None, typer.Option("--segment", help="Column to part the rows by; repeat for more.")
]
StrictOption = Annotated[
    bool,
    typer.Option("--strict", help="Publish nothing, with exit code 4, where a column is unlike the training rows."),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace what an earlier run wrote, finished or not.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object on stdout.")]
ThreadsOption = Annotated[
    int, typer.Option("--threads", min=0, help="Processor threads to use; 0 for as many as there are.")
]
DelimiterOption = Annotated[
    str | None, typer.Option("--delimiter", help="Delimiter of CSV input, found out when not given.")
]
EncodingOption = Annotated[
    str | None, typer.Option("--encoding", help="Text encoding of CSV input, found out when not given.")
]
SheetOption = Annotated[
    str | None, typer.Option("--sheet", help="Sheet of a workbook, where it has several and the schema names none.")
]
EncoderOption = Annotated[
    str | None,
    typer.Option("--encoder", help="The model's text encoder: folder, hub id or embedded. Left out: as in training."),
]
DateOption = Annotated[
    datetime | None,
    typer.Option("--date", formats=["%Y-%m-%d"], help="Day on the reports. Left out: SOURCE_DATE_EPOCH or today."),
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        file_okay=False,
        help="Folder of the narrative vectors already computed (never the texts). "
        "Left out: CREDITFUSION_CACHE, else the user's cache folder.",
    ),
]
CacheGbOption = Annotated[float, typer.Option("--cache-gb", min=0.001, help="Most room the cache may take, in GB.")]
NoCacheOption = Annotated[bool, typer.Option("--no-cache", help="Compute every vector anew and keep none.")]


def vector_cache(cache: Path | None, max_gb: float, no_cache: bool, tell: Tell) -> VectorCache | None:
    """The cache of narrative vectors that the options mean; None for no cache.

    tell: gets a sentence about whatever is found damaged in it.
    """
    from fusion.text_encoder import VectorCache  # takes a second

    if no_cache:
        return None
    if cache is None:
        named = os.environ.get("CREDITFUSION_CACHE")
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        cache = Path(named) if named else Path(base) / "creditfusion" / "vectors"
    return VectorCache(cache, max_gb, tell)


def check_free(out: Path, names: Iterable[str], force: bool) -> None:
    """Raise ContractError when a file of one of these names lies in ``out`` and may not be replaced."""
    found = [name for name in names if (out / name).exists()]
    if found and not force:
        raise ContractError(f"{out / found[0]} exists", "Replace it with --force, or choose another --out.")


def report_day(given: datetime | None) -> date:
    """The day to put on reports: the one given, else that of SOURCE_DATE_EPOCH in UTC (reproducible-builds.org), else
    today.

    Raises ContractError when SOURCE_DATE_EPOCH is no number of seconds.
    """
    if given is not None:
        return given.date()
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        return date.today()
    try:
        return datetime.fromtimestamp(int(epoch), UTC).date()
    except (ValueError, OverflowError, OSError) as error:
        raise ContractError(
            f"SOURCE_DATE_EPOCH is {epoch!r}, no seconds since 1970", "Unset it, or give the day with --date."
        ) from error
