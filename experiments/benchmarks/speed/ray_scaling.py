"""What Ray workers cost and bring: the local engine, one worker and two of them, in turns on the same rows.

Each is a whole command, cold cache, one thread, and gives the same bytes. The seconds of a start (imports, Ray, the
loaded model) are measured on a hundred rows and reported beside; what is left over is divided by the rows.

    python -m experiments.benchmarks.speed.ray_scaling --model model --data applications.csv.gz --rows 20000
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from experiments.benchmarks.measuring import (
    SCORED,
    draw,
    markdown,
    measure,
    median_ratio,
    model_and_data,
    parser,
    publish,
    score_command,
    tell,
    write_rows,
)

ENGINES: Mapping[str, Sequence[str]] = {
    "local": (),
    "one worker": ("--engine", "ray", "--workers", "1"),
    "two workers": ("--engine", "ray", "--workers", "2"),
}
START_ROWS = 100


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    model_and_data(options, 20_000)
    options.add_argument("--rounds", type=int, default=3, help="how many (default: %(default)s)")
    options.add_argument("--chunk-rows", type=int, default=500, help="rows of a part (default: %(default)s)")
    given = options.parse_args(arguments)
    seconds: dict[str, list[float]] = {name: [] for name in ENGINES}
    starts: dict[str, list[float]] = {name: [] for name in ENGINES}
    with tempfile.TemporaryDirectory() as folder:
        rows, few, out = Path(folder) / "new.csv", Path(folder) / "few.csv", Path(folder) / "out.csv"
        write_rows(rows, draw(given.data, given.rows))
        write_rows(few, draw(given.data, START_ROWS))
        contents: set[bytes] = set()
        for number in range(given.rounds):
            for name, engine in ENGINES.items():
                tell(f"round {number + 1}: {name}")
                more = [*engine, "--no-cache", "--threads", "1", "--chunk-rows", str(given.chunk_rows), "--force"]
                starts[name].append(measure(score_command(given.model, few, out, *more), SCORED).seconds)
                seconds[name].append(measure(score_command(given.model, rows, out, *more), SCORED).seconds)
                contents.add(out.read_bytes())
    if len(contents) > 1:
        raise RuntimeError("the engines do not give the same bytes")
    work = {name: [whole - start for whole, start in zip(seconds[name], starts[name], strict=True)] for name in ENGINES}
    table = [
        (
            name,
            f"{median(starts[name]):.1f}",
            f"{median(seconds[name]):.1f}",
            f"{(given.rows - START_ROWS) / median(work[name]):,.0f}",
            f"{median_ratio(work['local'], work[name]):.2f}",
        )
        for name in ENGINES
    ]
    text = markdown(("engine", "start, s", "whole, s", "rows/s behind the start", "times as fast as local"), table)
    publish({"rows": given.rows, "seconds": seconds, "starts": starts}, text, given.json)


if __name__ == "__main__":
    main()
