"""``creditfusion demo``: the whole path on synthetic applications whose risk rule is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.options import JsonOption, ThreadsOption
from experiments.session.run import Run

EXAMPLES = """
Examples:

creditfusion demo

creditfusion demo --rows 20000 --out big_demo --seed 7

creditfusion demo --sources --rows 3000 --out sources_demo
"""


def demo(
    rows: Annotated[int, typer.Option(min=300, help="Past applications to learn from.")] = 10_000,
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("demo_run"),
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal files.")] = 0,
    sources: Annotated[
        bool, typer.Option("--sources", help="With bureau accounts, transactions and call notes in files of their own.")
    ] = False,
    threads: ThreadsOption = 0,
    json_output: JsonOption = False,
) -> None:
    """Generate synthetic applications, train, score, explain a few, and hold the model against the rule behind them.

    Nothing in the data is real. The narratives carry signal that the columns do not, so the summary shows what reading
    them is worth, and how near the model came to the best possible AUC. With --sources each further file carries signal
    that nothing else does, and the summary shows what each is worth.
    """
    from experiments.demo.job import DemoFiles, check_folder, run_demo

    check_folder(out)
    with Run.start(
        "demo", out / "demo", {"rows": rows, "out": out, "seed": seed, "sources": sources}, json_output
    ) as run:
        run.finish(run_demo(DemoFiles(out), rows, seed, threads, run, sources))
