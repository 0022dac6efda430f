"""How long one row takes from the command to the finished CSV: imports, verifying and opening the model, the answer.

Whole processes of ``creditfusion score`` with one row, of its ``--help`` and of ``creditfusion settings``; beside them,
turn by turn, those of another checkout (``--before``, such as a git worktree of an older commit). The row's vectors are
in a cache that untimed runs have filled, or (cold) computed. Processor seconds are what others' load on the machine
changes least.

    python -m experiments.benchmarks.speed.start_up --model model --data applications.csv --before ../older
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from experiments.benchmarks.measuring import (
    SCORED,
    Measured,
    draw,
    markdown,
    measure,
    median_ratio,
    model_and_data,
    parser,
    publish,
    tell,
    write_rows,
)

CHECKOUT = Path(__file__).parents[3]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    model_and_data(options, n_rows=1)
    options.add_argument("--before", type=Path, help="an older checkout to compare with")
    options.add_argument("--rounds", type=int, default=5, help="turns of each (default: %(default)s)")
    chosen = options.parse_args(arguments)
    checkouts = {"now": CHECKOUT} | ({"before": chosen.before.resolve()} if chosen.before else {})
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_rows(work / "data.csv", draw(chosen.data, chosen.rows))
        files = ["--model", str(chosen.model.resolve()), "--data", str(work / "data.csv")]
        score = ["score", *files, "--out", str(work / "out.csv"), "--force"]
        verbs = {
            "score": [*score, "--cache", str(work / "cache")],
            "score, cold": [*score, "--no-cache"],
            "--help": ["score", "--help"],
            "settings": ["settings"],
        }
        for name, checkout in checkouts.items():
            tell(f"a first run, not timed: {name}")
            measure(_command(checkout, verbs["score"]), SCORED)
        took = take_turns(checkouts, verbs, chosen.rounds)
    report(took, chosen.rounds, chosen.json)


def take_turns(
    checkouts: dict[str, Path], verbs: dict[str, list[str]], n_rounds: int
) -> dict[tuple[str, str], list[Measured]]:
    """What each verb of each checkout took, once a round, by verb and checkout."""
    took: dict[tuple[str, str], list[Measured]] = {(verb, name): [] for verb in verbs for name in checkouts}
    for number in range(n_rounds):
        for verb, name in took:
            took[verb, name].append(measure(_command(checkouts[name], verbs[verb]), SCORED))
        tell(f"round {number + 1} of {n_rounds}")
    return took


def _command(checkout: Path, verb: Sequence[str]) -> list[str]:
    return ["env", f"PYTHONPATH={checkout}", sys.executable, "-P", "-m", "creditfusion", *verb]


def report(took: dict[tuple[str, str], list[Measured]], n_rounds: int, as_json: bool) -> None:
    """Print the medians and how many times as quick each verb has become."""
    rows, found = [], {}
    for (verb, name), runs in took.items():
        seconds, cpu = median(one.seconds for one in runs), median(one.cpu_seconds for one in runs)
        base = [one.cpu_seconds for one in took.get((verb, "before"), runs)]
        ratio = median_ratio(base, [one.cpu_seconds for one in runs])
        found[f"{verb}, {name}"] = {"seconds": seconds, "cpu_seconds": cpu, "ratio": ratio}
        rows.append([f"{verb}, {name}", f"{seconds:.2f}", f"{cpu:.2f}", f"{ratio:.2f}"])
    tables = markdown(["", "seconds", "processor seconds", "times as quick"], rows)
    publish({"rounds": n_rounds, "took": found}, f"{tables}\n\nmedian of {n_rounds} rounds", as_json)


if __name__ == "__main__":
    main()
