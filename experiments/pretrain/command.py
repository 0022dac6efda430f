"""``creditfusion pretrain``: an encoder that learns the lender's language from texts without outcomes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from experiments.options import (
    DateOption,
    DelimiterOption,
    EncodingOption,
    JsonOption,
    LanguageOption,
    MaskOption,
    SheetOption,
    SourceOption,
    TextsOption,
    ThreadsOption,
    report_day,
)
from experiments.session.run import SOME_REJECTED

EXAMPLES = """
Examples:

creditfusion pretrain --schema demo --data past.csv --out encoder

creditfusion pretrain --schema my.schema.json --data 2023.csv --data 2024.parquet --mask health --out encoder

creditfusion pretrain --data letters.txt --out encoder --max-minutes 60 --new-words 200

creditfusion pretrain --data letters.txt --out encoder --max-minutes 60 --new-words 200 --resume

creditfusion train --schema demo --data past.csv --out model --set encoder.source=encoder
"""


def pretrain(
    data: TextsOption,
    out: Annotated[Path, typer.Option(help="Encoder to write, a folder; an older one there is replaced.")],
    schema: Annotated[
        str | None,
        typer.Option(help="Schema file, or the name of a shipped one; its strip rules are for .txt files too."),
    ] = None,
    encoder: Annotated[
        str, typer.Option(help="Encoder to begin with: embedded, a folder, or org/name@revision on the hub.")
    ] = "embedded",
    mask: MaskOption = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Read rows decided up to this day, so that later ones judge fairly."),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Times that every text is read, at most.")] = 3,
    lr: Annotated[float, typer.Option(help="Highest learning rate.")] = 5e-5,
    batch_tokens: Annotated[int, typer.Option(min=8, help="Tokens that one update learns from, about.")] = 4096,
    window: Annotated[int, typer.Option(min=8, help="Longest stretch of tokens read at once.")] = 128,
    new_words: Annotated[
        int, typer.Option(min=0, help="Frequent words, now broken into pieces, that become tokens of their own.")
    ] = 0,
    max_minutes: Annotated[
        float | None, typer.Option(min=0.01, help="Longest time to train; results then depend on the machine's speed.")
    ] = None,
    patience: Annotated[int, typer.Option(min=1, help="Epochs without progress after which training ends.")] = 2,
    checkpoint_steps: Annotated[int, typer.Option(min=1, help="Updates between two checkpoints.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Carry on a run that was interrupted.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Begin anew where an interrupted run left a checkpoint.")
    ] = False,
    source: SourceOption = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    sheet: SheetOption = None,
    language: LanguageOption = "en",
    made_on: DateOption = None,
    threads: ThreadsOption = 0,
    json_output: JsonOption = False,
) -> None:
    """Train an encoder further on texts without outcomes: it learns to guess hidden words of them.

    Whole words are hidden, 15 % of them, others in every epoch. Narratives are read as a model reads them: sentences
    of the kinds in --mask are cut, strip rules applied. Texts that occur twice are read once; 5 % are held out, and
    the perplexity on them (among how many equally likely words the encoder is in doubt; lower is better) is measured
    before and after every epoch. The best epoch is written as an encoder's folder, which encoder.source takes;
    OUT.report.html beside it shows the figures.

    An interrupted run goes on with --resume, and comes to the same result. No text leaves the machine, and none stands
    in the folder, the report or the log. Exit code 3: some rows broke the contract; they were not read, and are in
    OUT.rejects.csv.
    """
    from experiments.pretrain.job import Places
    from experiments.pretrain.texts import TextsRequest
    from experiments.pretrain.whole_run import PretrainRequest, pretrain_as_requested
    from experiments.reporting.catalogues import language_of
    from experiments.reporting.files import Edition
    from features.language.settings import PretrainingSettings
    from features.tables.reader import ReadOptions

    settings = PretrainingSettings(
        epochs=epochs,
        lr=lr,
        batch_tokens=batch_tokens,
        window=window,
        new_words=new_words,
        max_minutes=max_minutes,
        patience=patience,
        checkpoint_steps=checkpoint_steps,
        seed=seed,
    )
    texts = TextsRequest(
        data=tuple(data),
        schema=schema,
        mask=tuple(dict.fromkeys(mask or ())),
        options=ReadOptions(delimiter=delimiter, encoding=encoding, sheet=sheet),
        sources=tuple(source or ()),
        threads=threads,
        until=until.date() if until else None,
    )
    request = PretrainRequest(
        texts=texts,
        encoder=encoder,
        settings=settings,
        places=Places(out, resume=resume, force=force),
        edition=Edition(report_day(made_on), language_of(language)),
    )
    if pretrain_as_requested(request, json_output).n_rejected:
        raise typer.Exit(SOME_REJECTED)
