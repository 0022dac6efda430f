"""What one full underwriter report costs once the model is loaded: exact sentences, page and JSON, nothing cached.

Applications are drawn at random, and apart from them those with long narratives, whose sentences cost most to read
again. Each is studied and written one by one, as ``creditfusion explain`` does; one more goes before the clock starts,
so that compiling is not counted. Making ready is not counted either: loading, counting the background, encoding the
concepts' statements.

    python -m experiments.benchmarks.speed.report_speed --model model --data applications.csv.gz --since 2011-01-01
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import torch

from experiments.benchmarks.attribution.explained import between
from experiments.benchmarks.measuring import markdown, model_and_data, parser, publish
from experiments.explain.cases import Study
from experiments.explain.report_content import Heading, Reporter
from experiments.explain.standing import Crowd
from experiments.reporting.decision.pages import underwriter_html
from experiments.session.progress import Clock
from features.arrays import Floats
from features.tables.applications import Applications
from features.tables.reader import ReadOptions, read_all
from fusion.bundle import Bundle, load
from fusion.scorer import Scorer
from fusion.text_encoder import bundle_encoder

LONG = 500  # characters of all narratives of an application that count as long
DRAWN, LONG_ONES = "drawn at random", f"narratives of {LONG} characters or more"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    model_and_data(options, n_rows=40)
    options.add_argument("--since", type=np.datetime64, help="first day of decisions that is looked at")
    options.add_argument("--threads", type=int, default=2, help="processor threads (default: %(default)s)")
    chosen = options.parse_args(arguments)
    bundle = load(chosen.model)
    applications = between(read_all(chosen.data, bundle.schema, ReadOptions()).applications, chosen.since, None)
    clock = Clock()
    reporter = make_reporter(bundle, chosen.data, chosen.threads, clock)
    took = {name: write_each(reporter, rows, clock) for name, rows in samples(applications, chosen.rows).items()}
    report(took, clock, chosen.threads, chosen.json)


def make_reporter(bundle: Bundle, data: Path, threads: int, clock: Clock) -> Reporter:
    """What writes reports of ``data``'s applications, without a cache; its stages are timed on ``clock``."""
    torch.set_num_threads(threads)
    scorer = Scorer(bundle, bundle_encoder(bundle), threads=threads)
    study = Study.of(scorer, exact=True, timed=clock.timed)
    return Reporter(study, Crowd.of(bundle.population, bundle.config.scale), Heading(data, date.today(), ()))


def samples(applications: Applications, n_rows: int) -> dict[str, Applications]:
    """``n_rows`` applications of each kind, or as many as there are, and before them one to warm up."""
    length = np.zeros(len(applications), dtype=np.int64)
    for field in applications.schema.narratives:
        length += np.array([len(text) for text in applications.narrative(field.name)], dtype=np.int64)
    random = np.random.Generator(np.random.PCG64(0))
    found = {}
    for name, those in ((DRAWN, np.arange(len(applications))), (LONG_ONES, np.flatnonzero(length >= LONG))):
        found[name] = applications.take(random.permutation(those)[: n_rows + 1])
    return found


def write_each(reporter: Reporter, applications: Applications, clock: Clock) -> Floats:
    """Seconds of every report but the first."""
    seconds = []
    for at in range(len(applications)):
        begin = time.perf_counter()
        case = reporter.study.study(applications.take(np.array([at])))
        with clock.timed("write"):
            made = reporter.underwriter(case)
            underwriter_html(made)
            made.model_dump_json()
        seconds.append(time.perf_counter() - begin)
    return np.array(seconds[1:])


def report(took: dict[str, Floats], clock: Clock, threads: int, as_json: bool) -> None:
    """Seconds per report, and how all of them divide into stages."""
    kept = {name: seconds for name, seconds in took.items() if len(seconds)}
    figures = {
        name: {
            "reports": len(seconds),
            "median": float(np.median(seconds)),
            "9 of 10 within": float(np.quantile(seconds, 0.9)),
            "longest": float(seconds.max()),
        }
        for name, seconds in kept.items()
    }
    lines = [
        [name, str(found["reports"]), *(f"{found[key]:.2f}" for key in ("median", "9 of 10 within", "longest"))]
        for name, found in figures.items()
    ]
    whole = sum(clock.seconds.values())
    stages = {name: seconds / whole for name, seconds in clock.seconds.items()}
    parts = ", ".join(f"{name} {part:.0%}" for name, part in sorted(stages.items(), key=lambda item: -item[1]))
    tables = [
        markdown(["seconds per report", "reports", "median", "9 of 10 within", "longest"], lines),
        f"{threads} threads; of the time: {parts}",
    ]
    publish({"seconds": figures, "stages": stages, "threads": threads}, "\n\n".join(tables), as_json)


if __name__ == "__main__":
    main()
