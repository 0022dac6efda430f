"""``creditfusion distil``: a smaller, quicker encoder that gives nearly the vectors of a large one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.options import (
    DelimiterOption,
    EncodingOption,
    JsonOption,
    MaskOption,
    SheetOption,
    SourceOption,
    TextsOption,
    ThreadsOption,
)
from experiments.session.run import SOME_REJECTED

EXAMPLES = """
Examples:

creditfusion distil --schema demo --data past.csv --layers 3 --out small

creditfusion distil --data letters.txt --encoder encoder --layers 0 --out static

creditfusion train --schema demo --data past.csv --out model --set encoder.source=static
"""


def distil(
    data: TextsOption,
    out: Annotated[Path, typer.Option(help="Encoder to write, a folder; an older one there is replaced.")],
    schema: Annotated[str | None, typer.Option(help="Schema file, or the name of a shipped one.")] = None,
    encoder: Annotated[
        str, typer.Option(help="Teacher: embedded, a folder, or org/name@revision on the hub.")
    ] = "embedded",
    layers: Annotated[int, typer.Option(min=0, help="Layers of the student; 0: a table of token vectors.")] = 3,
    mask: MaskOption = None,
    epochs: Annotated[int, typer.Option(min=1, help="Times that every text is read, at most.")] = 5,
    lr: Annotated[float, typer.Option(min=1e-9, help="Highest learning rate.")] = 2e-4,
    batch: Annotated[int, typer.Option(min=1, help="Texts that one update learns from.")] = 32,
    window: Annotated[int, typer.Option(min=8, help="Longest stretch of tokens learned from, of each text.")] = 128,
    patience: Annotated[int, typer.Option(min=1, help="Epochs without progress after which training ends.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    source: SourceOption = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    sheet: SheetOption = None,
    threads: ThreadsOption = 0,
    json_output: JsonOption = False,
) -> None:
    """Distil an encoder into one of fewer layers, or into a table of token vectors, on texts without outcomes.

    The student begins with evenly spaced layers of the teacher and learns its mean-pooled vectors; 5 % of the texts
    are held out, and the best epoch on them is kept. With --layers 0 a table is found that gives them as means of
    token vectors: far quicker, and blind to the order of words. encoder.source takes the folder. No text stands in it.

    Exit code 3: some rows broke the contract; they were not read, and are in OUT.rejects.csv.
    """
    from experiments.distil.whole_run import DistilRequest, distil_as_requested
    from experiments.pretrain.texts import TextsRequest
    from features.language.distillation import DistillationSettings
    from features.tables.reader import ReadOptions

    texts = TextsRequest(
        data=tuple(data),
        schema=schema,
        mask=tuple(dict.fromkeys(mask or ())),
        options=ReadOptions(delimiter=delimiter, encoding=encoding, sheet=sheet),
        sources=tuple(source or ()),
        threads=threads,
    )
    request = DistilRequest(
        texts=texts,
        encoder=encoder,
        settings=DistillationSettings(
            layers=layers, epochs=epochs, lr=lr, batch=batch, window=window, patience=patience, seed=seed
        ),
        out=out,
    )
    if distil_as_requested(request, json_output).n_rejected:
        raise typer.Exit(SOME_REJECTED)
