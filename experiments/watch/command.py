"""``creditfusion watch``: what changes in applications and texts after a model is live, with alarms."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from data_schemas.errors import ContractError
from experiments.options import (
    CacheGbOption,
    CacheOption,
    DateOption,
    DelimiterOption,
    EncoderOption,
    EncodingOption,
    ForceOption,
    JsonOption,
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
from experiments.session.run import ALL_REJECTED, SOME_REJECTED, WARNED, Run
from features.encoders.threads import use_threads

ALARMED = 5
"""Exit code of a watch that gave an alarm."""

EXAMPLES = """
Examples:

creditfusion watch --model bundle --data monday.csv --out watch

creditfusion watch --model bundle --data january.csv --data february.csv --period week --out watch

creditfusion watch --model bundle --data new.csv --reference last_year.csv --rules rules.toml --out watch

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
    from data_schemas.reader import load_schema
    from experiments.session.second_models import SecondModels
    from experiments.session.sources import shown
    from experiments.watch.delivery import Deliverer
    from experiments.watch.follow import follow as follow_folder
    from experiments.watch.job import Watch, summary
    from experiments.watch.opened import Opened
    from experiments.watch.parts import open_gatherers, open_parts
    from experiments.watch.reading import Intake
    from experiments.watch.state import FOLDER, open_state
    from features.tables.reader import ReadOptions
    from fusion.scorer import load_scorer
    from fusion.watch.rules import load_rules

    if (model is None) == (schema is None):
        raise ContractError("a watch is one of --model or of --schema", "Give one of them.")
    if not data and follow is None:
        raise ContractError("no file is named", "Name at least one with --data, or a folder with --follow.")
    if since is not None and until is not None and until < since:
        raise ContractError("--until is before --since, so no day is left", "Name a later day with --until.")
    alarm_rules = load_rules(rules)
    deliverer = Deliverer(alarm_rules)
    arguments: dict[str, object] = {"model": model, "schema": schema, "data": data, "out": out, "rules": rules}
    arguments |= {"reference": reference, "period": period, "since": since, "until": until, "policy": policy}
    arguments |= {"second": second, "sources": shown(source), "quote": quote}
    options = ReadOptions(
        chunk_rows,
        outcome_if_known=True,
        delimiter=delimiter,
        encoding=encoding,
        sheet=sheet,
        passthrough=alarm_rules.copies.columns,
    )
    with Run.start("watch", out / "watch", arguments, json_output) as run:
        with run.timed("load"):
            use_threads(threads)
            vectors = vector_cache(cache, cache_gb, no_cache, run.note)
            if model is not None:
                seconds = SecondModels.load(second or (), vectors, threads)
                named = tuple(seconds.scorers)
                scorer = load_scorer(
                    model, encoder=encoder, cache=vectors, policy=policy, seconds=named, threads=threads
                )
                opened = Opened.of_model(scorer, seconds, quote)
            else:
                opened = Opened.of_texts(load_schema(str(schema)), encoder, vectors, quote)
            intake = Intake(
                opened,
                open_parts(opened),
                open_gatherers(alarm_rules, out / FOLDER),
                period.value,
                options,
                source or (),
                _day(since),
                _day(until),
                threads,
            )
        state = run.hold(open_state(out, force))
        found = Watch(intake, alarm_rules, state, out, run, deliverer)
        found.check_identity(reference or ())
        found.take_references(reference or ())
        found.take_all(data or (), report_day(made_on))
        if follow is not None:
            follow_folder(found, follow, lambda: report_day(made_on))
        alerts = state.unreported()
        run.finish({"out": out, **summary(found, alerts)})
        state.report(alerts)
    grades = {alert.grade for alert in alerts}
    if grades:
        raise typer.Exit(ALARMED if "alarm" in grades else WARNED)
    if any(file.rejected for file in found.taken):
        raise typer.Exit(SOME_REJECTED if any(file.watched for file in found.taken) else ALL_REJECTED)


def _day(given: datetime | None) -> date | None:
    return given.date() if given is not None else None
