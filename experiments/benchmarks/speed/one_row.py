"""How long one application takes from Python once a model is loaded: ``fusion.load(...).score(row)``.

Rows whose narratives have about ``--words`` words in all are scored one call after the other, as dicts, on one
processor core: first with an empty cache of vectors, so that every narrative is encoded, then again with the cache
that these calls have filled. Ten threads then score the same rows together; their digits must be those of before.

    python -m experiments.benchmarks.speed.one_row --model model --data applications.csv.gz --calls 1000

Exit code 1: threads gave other digits.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import torch

import fusion
from experiments.benchmarks.measuring import draw, markdown, model_and_data, parser, publish, tell
from fusion.scorer import Scorer

THREADS = 10
WARM_UP = 20  # calls that are not counted: numba and Arrow load what they need
Row = Mapping[str, str]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    model_and_data(options, 20_000)
    options.add_argument("--words", type=int, default=60, help="words of the narratives (default: %(default)s)")
    options.add_argument("--calls", type=int, default=1000, help="calls that are counted (default: %(default)s)")
    options.add_argument("--reasons", type=int, default=0, help="reasons per row (default: %(default)s)")
    chosen = options.parse_args(arguments)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as cache:
        scorer = fusion.load(chosen.model, cache=cache, reasons=chosen.reasons, threads=1)
        rows = rows_of_length(draw(chosen.data, chosen.rows), scorer, chosen.words, chosen.calls + WARM_UP)
        tell(f"{len(rows) - WARM_UP:,} calls, twice")
        empty = timed(scorer, rows)
        full = timed(scorer, rows)
        alone = pds(scorer, rows)
        with ThreadPoolExecutor(THREADS) as pool:
            together = list(pool.map(lambda row: pds(scorer, [row])[0], rows))
    found = {"empty cache": figures(empty), "full cache": figures(full)}
    table = [[name, *(f"{value:.1f}" for value in one.values())] for name, one in found.items()]
    equal = "equal" if together == alone else "OTHER"
    tables = markdown(["ms per call", "median", "95 %", "worst"], table)
    publish(
        {"ms": found, "calls": len(empty), "threads_equal": together == alone},
        f"{tables}\n\nDigits of {THREADS} threads together: {equal}",
        chosen.json,
    )
    sys.exit(0 if together == alone else 1)


def rows_of_length(records: Sequence[Sequence[str]], scorer: Scorer, n_words: int, n: int) -> list[Row]:
    """The ``n`` records whose narratives come nearest to ``n_words`` words in all, in file order, as dicts."""
    names = [field.name for field in scorer.schema.narratives]
    rows = [dict(zip(records[0], record, strict=True)) for record in records[1:]]
    off = [abs(sum(len(row[name].split()) for name in names) - n_words) for row in rows]
    nearest = sorted(sorted(range(len(rows)), key=lambda at: off[at])[:n])
    return [rows[at] for at in nearest]


def timed(scorer: Scorer, rows: Sequence[Row]) -> list[float]:
    """Milliseconds of each call after the warm-up."""
    found = []
    for row in rows:
        begin = time.perf_counter()
        scorer.score(row)
        found.append((time.perf_counter() - begin) * 1e3)
    return found[WARM_UP:]


def pds(scorer: Scorer, rows: Sequence[Row]) -> list[float]:
    """The PD of each row, scored by itself; NaN for one that breaks the contract."""
    scored = [scorer.score(row).scores["pd"].tolist() for row in rows]
    return [one[0] if one else float("nan") for one in scored]


def figures(seconds: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and worst."""
    ordered = sorted(seconds)
    return {"median": median(ordered), "p95": ordered[int(0.95 * (len(ordered) - 1))], "worst": ordered[-1]}


if __name__ == "__main__":
    main()
