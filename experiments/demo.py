"""``creditfusion demo``: the whole path on synthetic applications whose risk rule is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.options import JsonOption, ThreadsOption
from experiments.runs import Run

EXAMPLES = """
Examples:

creditfusion demo

creditfusion demo --rows 20000 --out big_demo --seed 7
"""


def demo(
    rows: Annotated[int, typer.Option(min=300, help="Past applications to learn from.")] = 10_000,
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("demo_run"),
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal files.")] = 0,
    threads: ThreadsOption = 0,
    json_output: JsonOption = False,
) -> None:
    """Generate synthetic applications, train, score, and hold the model against the rule behind them.

    Nothing in the data is real. The narratives carry signal that the columns do not, so the summary shows what reading
    them is worth, and how near the model came to the best possible AUC.
    """
    from data_schemas.reader import load_schema
    from experiments.demo_steps import DemoFiles, check_folder, judge, write_files
    from experiments.encoders import open_text_encoder
    from experiments.scoring import Files, bundle_scorer, score_file
    from experiments.training import TrainingFiles, train_bundle
    from features.design import Design
    from features.reading import ReadOptions, read_all
    from features.text import TextReader
    from fusion.bundle import load
    from fusion.config import Config

    check_folder(out)
    files, schema, config = DemoFiles(out), load_schema("demo"), Config()
    with Run.start("demo", out / "demo", {"rows": rows, "out": out, "seed": seed}, json_output) as run:
        with run.stage("generate"):
            write_files(files, rows, seed)
        encoder = open_text_encoder(config.encoder, files.vectors, 1.0, threads)
        past = TrainingFiles((files.past,), files.model)
        report, _ = train_bundle(schema, past, ReadOptions(need_target=True), config, encoder, run)
        bundle = load(files.model)
        score_file(
            bundle_scorer(bundle, encoder, threads, run),
            Files(files.new, files.scored, files.rejects),
            ReadOptions(),
            run,
            force=True,
        )
        with run.stage("compare"):
            new = read_all(files.new, schema, ReadOptions()).applications
            reader = TextReader(schema, encoder, config.text.n_buckets, config.text.ngrams)
            columns_only, _ = bundle.model.ablations(Design(bundle.tabular.encode(new), reader.read(new)), threads)
            against_the_rule = judge(files, columns_only)
        run.finish(
            {
                "data": "synthetic, nothing in it is real",
                "model": report.model_id,
                "past applications": report.n_rows,
                "new applications": len(new),
                "on the new applications": against_the_rule,
                "files": {file.name: file for file in (files.about, files.past, files.new, files.scored, files.model)},
            }
        )
