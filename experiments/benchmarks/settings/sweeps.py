"""What the benchmarks of `creditfusion sweep` share: its command line, and the studies that it leaves."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial

from experiments.benchmarks.measuring import SCORED, Measured, draw, measure, tell, write_rows
from experiments.sweep.storage import open_storage
from experiments.sweep.study import ENDED, STUDY_FILE, requeue

WARM_UP = "warm-up"


@dataclass(frozen=True)
class Sweep:
    """Sweeps over one file, in one folder: each study has a name of its own, the arrays are shared.

    given: options of the command. folder: what its --out is.
    """

    given: tuple[str, ...]
    folder: Path

    def command(self, study: str, trials: int, workers: int, seed: int) -> list[str]:
        """`creditfusion sweep` with its summary as JSON, as a command of its own process."""
        own = ["--out", str(self.folder), "--study", study, "--json"]
        own += ["--trials", str(trials), "--workers", str(workers), "--seed", str(seed)]
        return [sys.executable, "-m", "creditfusion", "sweep", *self.given, *own]

    def run(self, study: str, trials: int, workers: int, seed: int, one_thread: bool = False) -> Measured:
        """Run it to its end. one_thread: for each worker, where it would otherwise share out all that there are."""
        alone = ["env", "OMP_NUM_THREADS=1"] if one_thread else []
        return measure([*alone, *self.command(study, trials, workers, seed)], SCORED)

    def trials(self, study: str) -> list[FrozenTrial]:
        """All trials of a study as they are now; none where there is no such study."""
        if not (self.folder / STUDY_FILE).exists():
            return []
        storage = open_storage(self.folder / STUDY_FILE, requeue)
        if study not in optuna.get_all_study_names(storage):
            return []
        return optuna.load_study(study_name=study, storage=storage).get_trials(deepcopy=False)


def sweep_options(to: argparse.ArgumentParser, trials: int) -> None:
    """Add the options of `sweep` that a benchmark passes on, and --rows."""
    to.add_argument("--schema", required=True, help="schema file, or the name of a shipped one")
    to.add_argument("--data", type=Path, required=True, help="decided applications, CSV or gzipped CSV")
    to.add_argument("--until", help="last day that the sweep may look at")
    to.add_argument("--rows", type=int, help="so many rows, drawn at random (default: all)")
    to.add_argument("--trials", type=int, default=trials, help="to finish or prune (default: %(default)s)")
    to.add_argument("--space", help="as of `sweep`")
    to.add_argument("--set", action="append", default=[], help="as of `sweep`; repeat for more")
    to.add_argument("--folds", choices=("random", "time"), default="random", help="as of `sweep`")
    to.add_argument(
        "--hold-out", default="0", help="as of `sweep` (default: %(default)s, so that all rows are searched with)"
    )
    to.add_argument("--seed", type=int, default=0, help="of the search (default: %(default)s)")


@contextmanager
def prepared(chosen: argparse.Namespace) -> Iterator[Sweep]:
    """A sweep in a temporary folder after a first study of one trial, which writes the arrays and is not counted."""
    with tempfile.TemporaryDirectory() as work:
        data = chosen.data
        if chosen.rows is not None:
            data = Path(work) / "data.csv"
            write_rows(data, draw(chosen.data, chosen.rows))
        sweep = Sweep(_given(chosen, data), Path(work) / "sweep")
        tell("a first study of one trial, which writes the arrays (not counted)")
        sweep.run(WARM_UP, 1, 1, chosen.seed)
        yield sweep


def _given(chosen: argparse.Namespace, data: Path) -> tuple[str, ...]:
    options = ["--schema", chosen.schema, "--data", str(data), "--folds", chosen.folds, "--hold-out", chosen.hold_out]
    options += ["--until", chosen.until] if chosen.until else []
    options += ["--space", chosen.space] if chosen.space else []
    return (*options, *(part for setting in chosen.set for part in ("--set", setting)))


def ended(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Those that were finished or pruned, by the time at which they were."""

    def end(trial: FrozenTrial) -> float:
        assert trial.datetime_complete is not None, "an ended trial has an end"
        return trial.datetime_complete.timestamp()

    return sorted((trial for trial in trials if trial.state in ENDED), key=end)


def span(trials: Sequence[FrozenTrial]) -> float:
    """Seconds from the start of the first trial to the end of the last one."""
    starts = [trial.datetime_start.timestamp() for trial in trials if trial.datetime_start is not None]
    ends = [trial.datetime_complete.timestamp() for trial in trials if trial.datetime_complete is not None]
    return max(ends) - min(starts)
