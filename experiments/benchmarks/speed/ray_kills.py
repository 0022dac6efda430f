"""Scoring with Ray workers while they and the command itself are killed at random moments: same bytes, each row once.

The same rows are scored twice: by the local engine, undisturbed, and by Ray workers, of which one is killed by SIGKILL
every few seconds, or the command itself, which is then started again with --resume. What both wrote is compared.

    python -m experiments.benchmarks.speed.ray_kills --model model --data applications.csv.gz --rows 20000 --kills 20
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from experiments.benchmarks.measuring import draw, model_and_data, parser, publish, score_command, tell, write_rows

DRIVERS = 0.25
"""Share of the kills that hit the command itself."""


@dataclass(frozen=True)
class Kills:
    """What was killed until a run came to its end.

    Attributes:
        workers: Workers and reading tasks.
        commands: The command itself.
        exit_code: Of the command that came to its end.
    """

    workers: int
    commands: int
    exit_code: int


def score_while_killing(command: Sequence[str], n_kills: int, seconds: tuple[float, float], seed: int) -> Kills:
    """Run a command that scores with Ray, killing one of its processes every so many seconds, until it ends.

    Args:
        seconds: Least and most between two kills.
    """
    chance = random.Random(seed)
    workers = commands = 0
    running = _started(command)
    while workers + commands < n_kills:
        try:
            return Kills(workers, commands, running.wait(chance.uniform(*seconds)))
        except subprocess.TimeoutExpired:
            found = _workers(running.pid)
        if found and chance.random() > DRIVERS:
            chance.choice(found).send_signal(signal.SIGKILL)
            workers += 1
        elif found:
            running.kill()
            running.wait()
            commands += 1
            running = _started([*command, "--resume"])
    return Kills(workers, commands, running.wait())


def _started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _workers(pid: int) -> list[psutil.Process]:
    """The workers and reading tasks of a command, as Ray titles them."""
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        try:
            title = " ".join(process.cmdline()[:1])
        except psutil.Error:
            continue
        if title.startswith(("ray::_Worker", "ray::read_for_workers")):
            found.append(process)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare and print; see the module's text."""
    options = parser(__doc__ or "")
    model_and_data(options, 20_000)
    options.add_argument("--kills", type=int, default=20, help="how many (default: %(default)s)")
    options.add_argument("--workers", type=int, default=4, help="how many (default: %(default)s)")
    options.add_argument("--chunk-rows", type=int, default=100, help="rows of a part (default: %(default)s)")
    options.add_argument("--seed", type=int, default=0, help="of the moments (default: %(default)s)")
    options.add_argument("--pause", type=float, default=15.0, help="most seconds between kills (default: %(default)s)")
    given = options.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        rows, local, ray = Path(folder) / "new.csv", Path(folder) / "local.csv", Path(folder) / "ray.csv"
        write_rows(rows, draw(given.data, given.rows))
        tell("local")
        subprocess.run(score_command(given.model, rows, local), check=False, stdout=subprocess.DEVNULL)
        workers = ["--engine", "ray", "--workers", str(given.workers), "--chunk-rows", str(given.chunk_rows)]
        tell("ray")
        begin = time.perf_counter()
        command = score_command(given.model, rows, ray, *workers)
        kills = score_while_killing(command, given.kills, (given.pause / 5, given.pause), given.seed)
        seconds = time.perf_counter() - begin
        same = all(
            Path(f"{local}{end}").read_bytes() == Path(f"{ray}{end}").read_bytes() for end in ("", ".rejects.csv")
        )
        left = Path(f"{ray}.parts").exists()
    found = {"workers": kills.workers, "commands": kills.commands, "same_bytes": same, "parts_left": left}
    text = f"{kills.workers} workers and {kills.commands} commands killed in {seconds:.0f} s; same bytes: {same}"
    publish({**found, "rows": given.rows, "seconds": seconds}, text, given.json)
    if not same or left:
        sys.exit(1)


if __name__ == "__main__":
    main()
