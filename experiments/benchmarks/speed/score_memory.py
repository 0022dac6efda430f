"""How much memory `creditfusion score` takes for a short and for a long file: it holds a chunk of rows, not the file.

The long file is the given one repeated under new ids (1, 2, 3, ...), the short one its first rows. The cache is copied
before it is used; fill it by scoring the given file with `--cache` once, or the first run is a cold one. Reported is
the largest memory up to 10 %, 50 % and the end of each run's time (on Linux).

    python -m experiments.benchmarks.speed.score_memory --model model --data applications.csv.gz --cache vectors
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from data_schemas.reader import load_schema
from experiments.benchmarks.measuring import (
    SCORED,
    Measured,
    markdown,
    measure,
    parser,
    publish,
    rows_of,
    score_command,
    tell,
    write_rows,
)

SHARES = {"10 %": 0.1, "50 %": 0.5, "100 %": 1.0}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    options.add_argument("--model", type=Path, required=True, help="model bundle, the folder that `train` wrote")
    options.add_argument("--data", type=Path, required=True, help="applications, CSV or gzipped CSV")
    options.add_argument("--cache", type=Path, help="cache that knows the file's narratives (default: an empty one)")
    options.add_argument("--short", type=int, default=10_000, help="rows of the short file (default: %(default)s)")
    options.add_argument("--long", type=int, default=1_000_000, help="rows of the long file (default: %(default)s)")
    options.add_argument("--chunk-rows", type=int, default=10_000, help="as of `score` (default: %(default)s)")
    options.add_argument("--reasons", type=int, default=4, help="as of `score` (default: %(default)s)")
    options.add_argument("--folder", type=Path, help="where the files are put meanwhile (default: a temporary one)")
    chosen = options.parse_args(arguments)
    id_name = load_schema(chosen.model / "schema.json").id.name
    runs: dict[int, Measured] = {}
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        work = Path(folder)
        if chosen.cache is not None:
            shutil.copytree(chosen.cache, work / "cache")
        more = ["--cache", str(work / "cache"), "--chunk-rows", str(chosen.chunk_rows), "--force"]
        more += ["--reasons", str(chosen.reasons)]
        for n_rows in (chosen.short, chosen.long):
            tell(f"write {n_rows:,} rows")
            write_rows(work / "data.csv", islice(repeated(chosen.data, id_name), n_rows + 1))
            tell(f"score {n_rows:,} rows")
            runs[n_rows] = measure(score_command(chosen.model, work / "data.csv", work / "out.csv", *more), SCORED)
    report(runs, chosen.json)


def repeated(data: Path, id_name: str) -> Iterator[list[str]]:
    """The file's header, then its rows over and over without end, their ids replaced by 1, 2, 3, ..."""
    header = next(rows_of(data))
    yield header
    at, number = header.index(id_name), 0
    while True:
        before = number
        for row in islice(rows_of(data), 1, None):
            number += 1
            yield [*row[:at], str(number), *row[at + 1 :]]
        if number == before:
            return  # a file without rows cannot be repeated


def report(runs: dict[int, Measured], as_json: bool) -> None:
    """One line per file, and the difference between the two."""
    lines, found = [], []
    for n_rows, run in runs.items():
        rejected, hits = run.summary["rejected"], run.summary["cache_hit_rate"]
        found.append({"rows": n_rows, "rejected": rejected, "cache_hit_rate": hits, "peak_mb": run.peak_mb})
        found[-1] |= {"seconds": run.seconds, "rows_per_second": n_rows / run.seconds, "peak_mb_up_to": peaks(run)}
        rate, known = f"{n_rows / run.seconds:,.0f}", f"{hits or 0:.1%}"
        up_to = [f"{peak:,}" for peak in peaks(run).values()]
        peak = f"{run.peak_mb:,.0f}"
        lines.append([f"{n_rows:,}", f"{rejected:,}", known, f"{run.seconds:,.0f}", rate, peak, *up_to])
    headers = ["rows", "rejected", "cache hits", "seconds", "rows/s", "peak MB", *(f"up to {at}" for at in SHARES)]
    table = markdown(headers, lines)
    short, long = runs.values()
    more = long.peak_mb - short.peak_mb
    publish({"files": found, "difference_mb": more}, f"{table}\n\nDifference of the peaks: {more:+,.0f} MB", as_json)


def peaks(run: Measured) -> dict[str, int]:
    """The largest resident set, in MB, that was seen up to each of ``SHARES`` of the run; 0 where none was."""
    n = len(run.resident_mb)
    return {name: max(run.resident_mb[: max(1, round(share * n))], default=0) for name, share in SHARES.items()}


if __name__ == "__main__":
    main()
