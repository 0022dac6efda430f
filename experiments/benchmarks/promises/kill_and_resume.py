"""Whether a scoring run that is killed leaves nothing half done, and gives the same bytes when it is resumed.

A file is scored once undisturbed. Then `creditfusion score` is started again and again, killed (SIGKILL) at moments
spread at random over the time that it took, and resumed; each trial begins with an empty cache. After every kill
the final names must not be there, unless the run had finished by then.

    python -m experiments.benchmarks.promises.kill_and_resume --model model --data applications.csv.gz \\
        --rows 2000 --kills 10

Exit code 1: a trial gave other bytes, or a final name before its time.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from experiments.benchmarks.measuring import (
    SCORED,
    draw,
    markdown,
    measure,
    model_and_data,
    parser,
    publish,
    result,
    score_command,
    tell,
    write_rows,
)


@dataclass(frozen=True)
class KilledRun:
    """One killed run. seconds: from its start to the kill. finished: it had ended by itself before.

    early_name: a final name was there although the run had not published. rows_kept: rows that resuming found done.
    """

    seconds: float
    finished: bool
    early_name: bool
    rows_kept: int
    same_bytes: bool


def main(arguments: Sequence[str] | None = None) -> None:
    """Kill, resume, compare and print; see the module's text."""
    options = parser(__doc__ or "")
    model_and_data(options, n_rows=2000)
    options.add_argument("--kills", type=int, default=10, help="runs to kill (default: %(default)s)")
    options.add_argument("--chunk-rows", type=int, default=100, help="as of `score` (default: %(default)s)")
    options.add_argument("--seed", type=int, default=0, help="of the moments (default: %(default)s)")
    chosen = options.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_rows(work / "data.csv", draw(chosen.data, chosen.rows))
        tell("undisturbed run")
        undisturbed = measure(_command(chosen.model, work, "undisturbed", chosen.chunk_rows), SCORED)
        wanted = result(work / "undisturbed" / "out.csv")
        trials = []
        for number, seconds in enumerate(moments(undisturbed.seconds, chosen.kills, chosen.seed)):
            command = _command(chosen.model, work, f"trial {number}", chosen.chunk_rows)
            trials.append(trial(command, work / f"trial {number}" / "out.csv", seconds, wanted))
            tell(f"kill {number + 1} of {chosen.kills}, after {seconds:.1f} s: {trials[-1]}")
    report(trials, undisturbed.seconds, chosen.json)
    if not all(one.same_bytes and not one.early_name for one in trials):
        sys.exit(1)


def _command(model: Path, work: Path, name: str, chunk_rows: int) -> list[str]:
    folder = work / name
    more = ["--cache", str(folder / "cache"), "--chunk-rows", str(chunk_rows)]
    return score_command(model, work / "data.csv", folder / "out.csv", *more)


def moments(seconds: float, n: int, seed: int) -> list[float]:
    """One random moment in each of ``n`` equal parts of ``seconds``."""
    draw_one = random.Random(seed).random
    return [seconds * (part + draw_one()) / n for part in range(n)]


def trial(command: Sequence[str], out: Path, seconds: float, wanted: tuple[bytes, bytes]) -> KilledRun:
    """Start the command, kill it after ``seconds``, and resume it."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    finished = process.wait() in SCORED
    if finished:
        return KilledRun(seconds, True, False, 0, result(out) == wanted)
    early_name = _published_early(out, wanted)
    resumed = measure([*command, "--resume"], SCORED)
    return KilledRun(seconds, False, early_name, int(resumed.summary["rows_resumed"]), result(out) == wanted)


def _published_early(out: Path, wanted: tuple[bytes, bytes]) -> bool:
    """Whether a final name is there without its whole content.

    Killed while it publishes, a run may have given the rejects file its name, and the scored file too, last.
    """
    rejects = out.with_name(out.name + ".rejects.csv")
    return any(file.exists() and file.read_bytes() != whole for file, whole in zip((out, rejects), wanted, strict=True))


def report(trials: Sequence[KilledRun], undisturbed: float, as_json: bool) -> None:
    """One line per killed run."""
    lines = [
        [
            f"{one.seconds:.1f}",
            "finished before" if one.finished else "killed",
            "YES" if one.early_name else "no",
            f"{one.rows_kept:,}",
            "yes" if one.same_bytes else "NO",
        ]
        for one in trials
    ]
    headers = ["killed after s", "state", "unfinished under its final name", "rows kept", "resumed to the same bytes"]
    told = f"{markdown(headers, lines)}\n\nundisturbed: {undisturbed:.1f} s"
    publish({"undisturbed_seconds": undisturbed, "trials": [asdict(one) for one in trials]}, told, as_json)


if __name__ == "__main__":
    main()
