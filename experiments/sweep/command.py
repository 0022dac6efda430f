"""``creditfusion sweep``: the settings that do best on decisions which their models did not see."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from experiments.options import (
    CacheGbOption,
    CacheOption,
    DecidedDataOption,
    DelimiterOption,
    EncodingOption,
    JsonOption,
    LanguageOption,
    NoCacheOption,
    SchemaOption,
    SheetOption,
    SourceOption,
    vector_cache,
)
from experiments.session.run import INTERRUPTED, SOME_REJECTED


class FoldKind(StrEnum):
    """How trials are judged, as on the command line."""

    RANDOM = "random"
    TIME = "time"


EXAMPLES = """
Examples:

creditfusion sweep --schema demo --data past.csv --out sweep --trials 50

creditfusion sweep --schema lending_club --data applications.csv.gz --until 2010-12-31 --out sweep --timeout 3600

creditfusion sweep --schema my.schema.json --data past.csv --out sweep --space narrow.toml --objective log_loss
--objective cost

creditfusion sweep --schema my.schema.json --data past.csv --out sweep --study autumn
--storage postgresql://risk@db.example/optuna

creditfusion train --schema my.schema.json --data past.csv --out model --config sweep/best.toml
"""


def sweep(
    schema: SchemaOption,
    data: DecidedDataOption,
    out: Annotated[Path, typer.Option(help="Folder of the sweep: study, results, what trials read.", file_okay=False)],
    trials: Annotated[
        int, typer.Option(min=1, help="Trials to finish or prune, those of earlier runs of the study included.")
    ] = 100,
    timeout: Annotated[float | None, typer.Option(min=0, help="Seconds after which no trial is begun.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes side by side; 0 for one per processor.")] = 0,
    config: Annotated[Path | None, typer.Option(help="Settings to begin with, as TOML: the first trial.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="A setting to begin with, such as folds.n_folds=4.")
    ] = None,
    space: Annotated[Path | None, typer.Option(help="TOML that narrows the ranges searched.")] = None,
    objective: Annotated[
        list[str] | None,
        typer.Option(help="log_loss, brier, auc, ks or cost; repeat for the best compromises. Default: log_loss."),
    ] = None,
    folds: Annotated[
        FoldKind,
        typer.Option(help="random: every row out of fold; time: the newer half, by models of what came before."),
    ] = FoldKind.RANDOM,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Look at decisions up to this day only.")
    ] = None,
    hold_out: Annotated[
        float,
        typer.Option(min=0.0, max=0.5, help="Share of the rows, the newest, kept for the check at the end."),
    ] = 0.15,
    until_flat: Annotated[
        bool, typer.Option("--until-flat", help="Stop when more trials promise less than the folds' own noise.")
    ] = False,
    study: Annotated[str | None, typer.Option(help="Name of the study. Left out: that of the folder.")] = None,
    storage: Annotated[
        str | None, typer.Option(help="Database of the study, for many machines. Left out: a file in --out.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a study; fail where there is none.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the search; folds have their own, folds.seed.")] = 0,
    language: LanguageOption = "en",
    source: SourceOption = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    sheet: SheetOption = None,
    cache: CacheOption = None,
    cache_gb: CacheGbOption = 2.0,
    no_cache: NoCacheOption = False,
    json_output: JsonOption = False,
) -> None:
    """Search for better settings, and prove that they are better.

    Trains with the default settings first, then with settings that Optuna proposes, each judged on rows that its
    models did not see; in the end the best settings are compared with the first ones on the newest rows, which no trial
    saw. Writes best.toml (for train --config), leaderboard.csv and report.html. Run it again to go on: nothing that was
    finished is lost. Exit code 3: some rows were rejected; 130: interrupted.
    """
    from experiments.reporting.catalogues import language_of
    from experiments.sweep.whole_run import SweepRequest, sweep_as_requested
    from features.tables.reader import ReadOptions

    request = SweepRequest(
        schema=schema,
        data=tuple(data),
        out=out,
        trials=trials,
        timeout=timeout,
        workers=workers,
        config=config,
        overrides=tuple(overrides or ()),
        space=space,
        objectives=tuple(dict.fromkeys(objective or ["log_loss"])),
        folds=folds.value,
        until=until.date() if until else None,
        hold_out=hold_out,
        until_flat=until_flat,
        study=study or out.resolve().name,
        storage=storage,
        resume=resume,
        seed=seed,
        sources=tuple(source or ()),
        language=language_of(language),
        options=ReadOptions(need_target=True, delimiter=delimiter, encoding=encoding, sheet=sheet),
        vectors=partial(vector_cache, cache, cache_gb, no_cache),
    )
    found = sweep_as_requested(request, json_output)
    if found.interrupted:
        raise typer.Exit(INTERRUPTED)
    if found.rejected:
        raise typer.Exit(SOME_REJECTED)
