"""``creditfusion train``: from decided applications to a model bundle."""

from __future__ import annotations

from datetime import datetime
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
    ThreadsOption,
    vector_cache,
)
from experiments.session.run import SOME_REJECTED

EXAMPLES = """
Examples:

creditfusion train --schema demo --data past.csv --out model

creditfusion train --schema lending_club --data applications.csv.gz --until 2010-12-31 --out model

creditfusion train --schema my.schema.json --data undated.csv --holdout 0.3 --out model

creditfusion train --schema my.schema.json --data 2023.csv --data 2024.csv --out model --set stacker.n_trees=800

creditfusion train --schema my.schema.json --data past.csv --out model --policy policy.toml

creditfusion train --schema my.schema.json --data past.csv --out model --set encoder.tuning=lora
"""


def train(
    schema: SchemaOption,
    data: DecidedDataOption,
    out: Annotated[Path, typer.Option(help="Bundle to write, a folder.")],
    config: Annotated[Path | None, typer.Option(help="Settings as TOML, or the name of shipped ones: mission.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="A setting, such as stacker.n_trees=800.")
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Learn from decisions up to this day; later ones judge the model."),
    ] = None,
    holdout: Annotated[
        float | None,
        typer.Option(help="Share of the rows, drawn at random, that judges the model: for files without dates."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Skip choosing settings, and the plain pipeline as a reference.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an older bundle.")] = False,
    policy: Annotated[
        Path | None,
        typer.Option(
            help="Policy file, TOML, to keep in the bundle: it decides wherever no other is given. Left out: the "
            "model's own cut-off, decision.max_pd, does."
        ),
    ] = None,
    language: LanguageOption = "en",
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
    """Train a model and say what it is worth.

    Fits the fused model and its ablations (columns only, text only) out of fold, judges them on the training rows, on
    the newest of them and on rows after --until (or a share of them, --holdout), compares the model with a plain
    pipeline of LightGBM and TF-IDF on the same rows, says what it came upon, and writes a bundle. Rows that break the
    contract go to OUT.rejects.csv. Exit code 3: some rows were rejected.
    """
    from experiments.reporting.catalogues import language_of
    from experiments.train.job import TrainingFiles
    from experiments.train.rows import HoldOut
    from experiments.train.whole_run import TrainRequest, train_as_requested
    from features.tables.reader import ReadOptions

    hold_out = HoldOut(until.date() if until else None, holdout)
    request = TrainRequest(
        schema=schema,
        files=TrainingFiles(tuple(data), out, hold_out, language_of(language)),
        config=config,
        overrides=tuple(overrides or ()),
        policy=policy,
        quick=quick,
        force=force,
        options=ReadOptions(need_target=True, delimiter=delimiter, encoding=encoding, sheet=sheet),
        sources=tuple(source or ()),
        vectors=partial(vector_cache, cache, cache_gb, no_cache),
        threads=threads,
    )
    if train_as_requested(request, json_output).rejected:
        raise typer.Exit(SOME_REJECTED)
