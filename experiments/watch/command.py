"""``creditfusion watch``: what changes in applications and texts after a model is live, with alarms."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from experiments.options import (
    CacheGbOption,
    CacheOption,
    DateOption,
    DelimiterOption,
    EncoderOption,
    EncodingOption,
    ForceOption,
    JsonOption,
    LanguageOption,
    NoCacheOption,
    PolicyOption,
    SecondOption,
    SheetOption,
    SinceOption,
    SourceOption,
    ThreadsOption,
    report_day,
    vector_cache,
)
from experiments.session.run import ALL_REJECTED, SOME_REJECTED, WARNED

ALARMED = 5
"""Exit code of a watch that gave an alarm."""

EXAMPLES = """
Examples:

creditfusion watch --model bundle --data monday.csv --out watch

creditfusion watch --model bundle --data january.csv --data february.csv --period week --out watch

creditfusion watch --model bundle --data new.csv --reference last_year.csv --rules rules.toml --out watch

creditfusion watch --model bundle --data new.csv --language zh --out watch

creditfusion watch --model bundle --follow incoming --rules rules.toml --out watch

creditfusion watch --schema complaints.schema.json --data complaints.csv.gz --period month --out mood
"""


class Period(StrEnum):
    """What rows are gathered by."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def watch(
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of the watch; the next run carries it on.")],
    model: Annotated[
        Path | None, typer.Option(help="Model bundle, the folder that `train` wrote. Left out: texts alone, --schema.")
    ] = None,
    schema: Annotated[
        str | None, typer.Option(help="Schema of dated texts, such as complaints, that are watched without a model.")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Applications or texts: CSV, packed or not, workbook or Parquet; repeat for more."),
    ] = None,
    reference: Annotated[
        list[Path] | None,
        typer.Option(help="File of usual rows. Left out: what the bundle knows of its training rows. Repeat for more."),
    ] = None,
    follow: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, help="Folder in which files arrive; they are watched until SIGTERM or Ctrl-C."
        ),
    ] = None,
    period: Annotated[
        Period, typer.Option(help="Rows are gathered by the day, week or month in which they were decided.")
    ] = Period.DAY,
    since: SinceOption = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Take decisions up to this day, and no later.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="Rules of alarms and their receivers, TOML. Left out: the shipped ones.")
    ] = None,
    policy: PolicyOption = None,
    second: SecondOption = None,
    quote: Annotated[
        bool, typer.Option("--quote", help="Let flagged.csv quote the narratives of the rows that it names.")
    ] = False,
    made_on: DateOption = None,
    language: LanguageOption = "en",
    force: ForceOption = False,
    encoder: EncoderOption = None,
    source: SourceOption = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    sheet: SheetOption = None,
    chunk_rows: Annotated[int, typer.Option(min=1, help="Rows held in memory at once; changes no result.")] = 10_000,
    cache: CacheOption = None,
    cache_gb: CacheGbOption = 2.0,
    no_cache: NoCacheOption = False,
    threads: ThreadsOption = 0,
    json_output: JsonOption = False,
) -> None:
    """Watch what arrives after a model is live: data, scores, texts, fraud and mood, with alarms.

    Reads each file once, scores it, and keeps small profiles of every day, week or month in OUT/state. A period that
    departs from what is usual (the model's training rows, or --reference), by more than its rule lets pass and than
    chance explains, gives a warning or an alarm. OUT holds watch.html and watch.json, alerts.jsonl (every alert with
    its evidence), flagged.csv (rows that a person should look at) and rejects.csv (rows that broke the data contract).

    The next run with the same --out carries on; files that it has read are known by their bytes, and are left out. A
    run that was killed loses nothing: run the same command again. No file of OUT holds a narrative, but for flagged.csv
    with --quote.

    --follow takes files as they arrive in a folder. Names that are hidden or end in .part or .tmp are left alone, and a
    file is read once its size has settled; one that cannot be read is noted and left.

    Exit code 0: nothing departs; 4: warnings; 5: alarms; 3: neither, but some rows were rejected.
    """
    from experiments.reporting.catalogues import language_of
    from experiments.watch.whole_run import WatchRequest, watch_as_requested
    from features.tables.reader import ReadOptions

    request = WatchRequest(
        model=model,
        schema=schema,
        data=tuple(data or ()),
        references=tuple(reference or ()),
        follow=follow,
        out=out,
        period=period.value,
        since=_day(since),
        until=_day(until),
        rules=rules,
        policy=policy,
        second=tuple(second or ()),
        quote=quote,
        force=force,
        encoder=encoder,
        sources=tuple(source or ()),
        options=ReadOptions(chunk_rows, outcome_if_known=True, delimiter=delimiter, encoding=encoding, sheet=sheet),
        vectors=partial(vector_cache, cache, cache_gb, no_cache),
        threads=threads,
        language=language_of(language),
    )
    ended = watch_as_requested(request, partial(report_day, made_on), json_output)
    grades = {alert.grade for alert in ended.alerts}
    if grades:
        raise typer.Exit(ALARMED if "alarm" in grades else WARNED)
    if any(file.rejected for file in ended.taken):
        raise typer.Exit(SOME_REJECTED if any(file.watched for file in ended.taken) else ALL_REJECTED)


def _day(given: datetime | None) -> date | None:
    return given.date() if given is not None else None
