"""What share of a scoring run goes into checks that a file is what the model learned from.

The given file is repeated under new ids until it is long enough, and scored twice in this process: once so that the
cache knows its narratives, once with each check timed. The share is CPU time, start-up left out, so that others' load
changes it little. The checks are those of a file's layout and encoding, of levels spelled otherwise, of narratives that
hold no text or none that can be read, of lines that are no applications, of negative spans, of results that are no
finite numbers, of cached vectors, and of batches that are unlike the training rows.

    python -m experiments.benchmarks.speed.checks_cost --model model --data applications.csv --rows 100000
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from time import process_time
from typing import Any
from unittest import mock

import fusion.scorer
from data_schemas.reader import load_schema
from experiments.benchmarks.measuring import markdown, model_and_data, parser, publish, tell, write_rows
from experiments.benchmarks.speed.score_memory import repeated
from experiments.score import resumable_output
from experiments.score.job import ScoreFiles, score_file
from experiments.session.run import Run
from features.encoders.cache import entries as cache_entries
from features.narratives.legibility import Legibility
from features.tables import cell_checks, data_quality, reader, text_rows
from features.tables.reader import ReadOptions
from fusion.scorer import Scorer, load_scorer

CHECKS: Mapping[str, Sequence[tuple[object, str]]] = {
    "layout and encoding": [(text_rows, "find_layout"), (reader, "find_layout")],
    "spelling of levels": [(cell_checks, "composed"), (cell_checks, "_listed_spelling")],
    "placeholders": [(cell_checks, "placeholders")],
    "totals and empty rows": [(reader, "totals_lines"), (reader, "empty_rows")],
    "unread narratives": [(Legibility, "without_unread")],
    "negative spans": [(data_quality, "negative_spans")],
    "finite results": [(fusion.scorer, "check_finite")],
    "checksums of cached vectors": [(cache_entries, "sealed")],
    "batch unlike training": [
        *[(fusion.scorer, "count_columns"), (fusion.scorer, "unlike_training")],
        (resumable_output, "summed"),
    ],
}
"""Functions by where they are called from; none calls another."""

AIM = 0.05


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__)
    model_and_data(options, n_rows=100_000)
    options.add_argument("--reasons", type=int, default=0, help="as of `score` (default: %(default)s)")
    chosen = options.parse_args(arguments)
    id_name = load_schema(chosen.model / "schema.json").id.name
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_rows(work / "data.csv", islice(repeated(chosen.data, id_name), chosen.rows + 1))
        scorer = load_scorer(chosen.model, cache=work / "vectors", reasons=chosen.reasons)
        scorer.prepare()
        tell("fill the cache")
        score(scorer, work / "data.csv")
        again = (work / "data.csv").rename(work / "again.csv")  # a layout that was found once is known
        tell("score")
        seconds: dict[str, float] = {}
        with timed(seconds):
            begin = process_time()
            score(scorer, again)
            total = process_time() - begin
    report(seconds, total, chosen.rows, chosen.json)


def score(scorer: Scorer, data: Path) -> None:
    """Score a file into its folder, without a log."""
    files = ScoreFiles(data, data.with_name("out.csv"), data.with_name("rejects.csv"))
    with Run.start("score", None, {}) as run:
        score_file(scorer, files, ReadOptions(), run, force=True)


@contextmanager
def timed(seconds: dict[str, float]) -> Iterator[None]:
    """Adds up the CPU time of each check meanwhile."""
    with ExitStack() as stack:
        for check, places in CHECKS.items():
            seconds[check] = 0.0
            for place, name in places:
                stack.enter_context(mock.patch.object(place, name, _metered(getattr(place, name), check, seconds)))
        yield


def _metered(function: Callable[..., Any], check: str, seconds: dict[str, float]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        begin = process_time()
        try:
            return function(*arguments, **named)
        finally:
            seconds[check] += process_time() - begin

    return call


def report(seconds: Mapping[str, float], total: float, n_rows: int, as_json: bool) -> None:
    """One line per check, and their sum beside the aim."""
    rows = [*seconds.items(), ("all checks", sum(seconds.values())), ("the whole run", total)]
    lines = [[check, f"{cpu / n_rows * 1e6:.1f}", f"{cpu / total:.1%}"] for check, cpu in rows]
    table = markdown(["", "CPU us/row", "share"], lines)
    share = sum(seconds.values()) / total
    found = {"rows": n_rows, "cpu_seconds": total, "of_checks": dict(seconds), "share": share}
    publish(found, f"{table}\n\n{n_rows:,} rows; the aim is a share below {AIM:.0%}", as_json)


if __name__ == "__main__":
    main()
