"""Whether a sweep that is killed again and again loses no finished trial and counts none twice.

`creditfusion sweep` is started with one worker and killed (SIGKILL) at random moments: in turn its worker alone, which
the command then replaces, and the command with its worker, after which the same command is run again. After every kill
the study is read, and again when it has gone on: every trial that was finished or pruned must still be there with the
same settings and values. At the end the number of trials that was asked for must be reached, each number must be there
once, no settings may count twice, and the original of a retried trial must count as failed.

    python -m experiments.benchmarks.promises.sweep_kills --schema lending_club --data applications.csv.gz \\
        --until 2010-12-31 --trials 12 --kills 5

Exit code 1: any of this does not hold, or the sweep did not go on. The moments are drawn from the time that a command
takes to begin its first trial and that of two trials after it. Needs `ps`.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime

from optuna.trial import FrozenTrial, TrialState

from experiments.benchmarks.measuring import SCORED, markdown, parser, publish, tell
from experiments.benchmarks.settings.sweeps import WARM_UP, Sweep, ended, prepared, span, sweep_options
from experiments.sweep.study import ENDED, RETRIED

STUDY = "killed"
LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 300.0  # for a killed sweep to begin its next trial

Trials = Sequence[FrozenTrial]


@dataclass(frozen=True)
class Kill:
    """One kill, and what became of it.

    whole: the command with its worker, or the worker alone. seconds: since the start, or the kill before. ended: trials
    that were finished or pruned. cut: numbers of the running ones. lost: numbers of trials that had ended and were gone
    or changed when the sweep had gone on. went_on: seconds until it began another trial, or had come to its end; None
    if neither.
    """

    whole: bool
    seconds: float
    ended: int
    cut: tuple[int, ...]
    lost: tuple[int, ...]
    went_on: float | None


@dataclass(frozen=True)
class KillOutcome:
    """The study at the end. lost: numbers of trials that had ended before any of the kills and are gone or changed.

    numbered: every number is there once, from 0. twice: numbers of ended trials with the settings of another.
    retried: numbers of trials that were cut off and run again. counted_too: those of them that do not count as failed.
    """

    asked: int
    exit_code: int
    finished: int
    pruned: int
    failed: int
    unended: int
    numbered: bool
    lost: tuple[int, ...]
    twice: tuple[int, ...]
    retried: tuple[int, ...]
    counted_too: tuple[int, ...]

    @property
    def well(self) -> bool:
        """Whether the sweep reached its end with nothing lost and nothing counted twice."""
        whole = self.exit_code in SCORED and self.finished + self.pruned == self.asked and self.numbered
        return whole and not (self.lost or self.twice or self.counted_too)


@dataclass
class Victim:
    """The command, started in a process group of its own."""

    command: Sequence[str]
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin, or begin again."""
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(self.command, stdout=quiet, stderr=quiet, start_new_session=True)

    @property
    def runs(self) -> bool:
        """Whether the command has not ended."""
        return self.process.poll() is None

    def kill_whole(self) -> None:
        """SIGKILL to the command and its worker in the same moment."""
        if self.runs:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def kill_worker(self) -> None:
        """SIGKILL to the worker, as soon as there is one; nothing if the command ends before."""
        while self.runs:
            for worker in workers_of(self.process.pid):
                os.kill(worker, signal.SIGKILL)
                return
            time.sleep(LOOK_SECONDS)


def workers_of(command: int) -> list[int]:
    """Process ids of the workers that a command has started."""
    table = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in table.splitlines()]
    return [int(row[0]) for row in rows if int(row[1]) == command and "experiments.sweep.worker" in row[-1]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Kill, go on, compare and print; see the module's text."""
    options = parser(__doc__ or "")
    sweep_options(options, trials=12)
    options.add_argument("--kills", type=int, default=5, help="how often to kill (default: %(default)s)")
    options.add_argument("--within", type=float, help="latest second of a kill (default: measured)")
    chosen = options.parse_args(arguments)
    with prepared(chosen) as sweep:
        within = chosen.within or undisturbed(sweep, chosen.seed)
        tell(f"kills within {within:.0f} s of a start")
        draw = random.Random(chosen.seed)
        moments = [draw.uniform(0, within) for _ in range(chosen.kills)]
        kills, outcome = interrupted(sweep, chosen.trials, chosen.seed, moments)
    report(kills, outcome, chosen.json)
    if len(kills) < chosen.kills:
        tell(f"the sweep had come to its end after {len(kills)} kills: ask for more --trials")
    if not (outcome.well and len(kills) == chosen.kills and all(went_well(kill) for kill in kills)):
        sys.exit(1)


def undisturbed(sweep: Sweep, seed: int) -> float:
    """Seconds that a command takes to begin its first trial, and twice those of the default settings' trial."""
    began = time.time()
    sweep.run(WARM_UP, 2, 1, seed)
    first, second = sweep.trials(WARM_UP)[:2]
    assert second.datetime_start is not None, "the second trial of two has ended"
    return second.datetime_start.timestamp() - began + 2 * span([first])


def interrupted(sweep: Sweep, trials: int, seed: int, moments: Sequence[float]) -> tuple[list[Kill], KillOutcome]:
    """Run the sweep to its end through kills so many seconds after the start, or the kill before."""
    victim = Victim(sweep.command(STUDY, trials, 1, seed))
    kills: list[Kill] = []
    seen: dict[int, FrozenTrial] = {}
    try:
        for number, seconds in enumerate(moments):
            found = kill(victim, number % 2 == 1, seconds, lambda: sweep.trials(STUDY), seen)
            if found is None:
                break
            kills.append(found)
            tell(f"kill {number + 1} of {len(moments)}: {found}")
            if found.went_on is None:
                break
        if kills and kills[-1].went_on is None:
            victim.kill_whole()
        code = victim.process.wait()
    finally:
        victim.kill_whole()
    return kills, outcome_of(sweep.trials(STUDY), seen, trials, code)


def kill(
    victim: Victim, whole: bool, seconds: float, read: Callable[[], Trials], seen: dict[int, FrozenTrial]
) -> Kill | None:
    """Kill once, and wait until the sweep has gone on; None if it ended before. seen: takes up the trials that ended.

    read: the study's trials as they are now.
    """
    with suppress(subprocess.TimeoutExpired):
        victim.process.wait(seconds)
    if whole:
        alive = victim.runs
        victim.kill_whole()
    else:
        victim.kill_worker()
        alive = victim.runs
    if not alive:
        return None
    at = datetime.now()
    before = read()
    done = ended(before)
    seen |= {trial.number: trial for trial in done}
    if whole:
        victim.start()
    after, went_on = _going_on(victim, at, read)
    cut = tuple(trial.number for trial in before if trial.state == TrialState.RUNNING)
    return Kill(whole, seconds, len(done), cut, lost(seen, after), went_on)


def _going_on(victim: Victim, at: datetime, read: Callable[[], Trials]) -> tuple[Trials, float | None]:
    """The study once a trial was begun after ``at``, or the command has ended well; and after how many seconds."""
    while True:
        code, trials = victim.process.poll(), read()
        begun = any(trial.datetime_start is not None and trial.datetime_start > at for trial in trials)
        waited = (datetime.now() - at).total_seconds()
        if begun or code in SCORED:
            return trials, waited
        if code is not None or waited > PATIENCE_SECONDS:
            return trials, None
        time.sleep(LOOK_SECONDS)


def lost(seen: Mapping[int, FrozenTrial], now: Trials) -> tuple[int, ...]:
    """Numbers of the trials ``seen`` that are not there now as they were."""
    there = {trial.number: _told(trial) for trial in now}
    return tuple(number for number, trial in sorted(seen.items()) if there.get(number) != _told(trial))


def _told(trial: FrozenTrial) -> tuple[object, ...]:
    """What a trial that ended says."""
    return trial.state, trial.values, trial.params, trial.intermediate_values, trial.user_attrs, trial.datetime_complete


def went_well(kill: Kill) -> bool:
    """Whether the sweep went on with all that it had."""
    return kill.went_on is not None and not kill.lost


def outcome_of(trials: Trials, seen: Mapping[int, FrozenTrial], asked: int, exit_code: int) -> KillOutcome:
    """Judge a study at its end. seen: trials that had ended before a kill, as they were."""
    states = [trial.state for trial in trials]
    done = [trial for trial in trials if trial.state in ENDED]
    settings = [sorted(trial.params.items()) for trial in done]
    retried = tuple(sorted({trial.system_attrs[RETRIED] for trial in trials if RETRIED in trial.system_attrs}))
    failed = {trial.number for trial in trials if trial.state == TrialState.FAIL}
    return KillOutcome(
        asked=asked,
        exit_code=exit_code,
        finished=states.count(TrialState.COMPLETE),
        pruned=states.count(TrialState.PRUNED),
        failed=len(failed),
        unended=len(states) - len(done) - len(failed),
        numbered=sorted(trial.number for trial in trials) == list(range(len(trials))),
        lost=lost(seen, trials),
        twice=tuple(trial.number for trial, own in zip(done, settings, strict=True) if settings.count(own) > 1),
        retried=retried,
        counted_too=tuple(number for number in retried if number not in failed),
    )


def report(kills: Sequence[Kill], outcome: KillOutcome, as_json: bool) -> None:
    """One line per kill, and the study at the end."""
    lines = [
        [
            str(number),
            "command and worker" if kill.whole else "worker",
            f"{kill.seconds:.1f}",
            str(kill.ended),
            _numbers(kill.cut),
            _numbers(kill.lost),
            "NO" if kill.went_on is None else f"{kill.went_on:.1f}",
        ]
        for number, kill in enumerate(kills, start=1)
    ]
    headers = ["kill", "of", "after s", "trials ended before", "cut off", "lost or changed", "next trial after s"]
    held = [
        ["finished or pruned, of those asked for", f"{outcome.finished + outcome.pruned} of {outcome.asked}"],
        ["finished, pruned", f"{outcome.finished}, {outcome.pruned}"],
        ["cut off, counted as failed", str(outcome.failed)],
        ["left waiting or running", str(outcome.unended)],
        ["retried", _numbers(outcome.retried)],
        ["retried, yet not counted as failed", _numbers(outcome.counted_too)],
        ["settings counted twice", _numbers(outcome.twice)],
        ["ended before a kill, lost or changed at the end", _numbers(outcome.lost)],
        ["each number there once", "yes" if outcome.numbered else "NO"],
    ]
    told = f"{markdown(headers, lines)}\n\n{markdown(['the study at the end', 'trials'], held)}"
    found = {"kills": [asdict(kill) for kill in kills], "outcome": asdict(outcome), "well": outcome.well}
    publish(found, told, as_json)


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"


if __name__ == "__main__":
    main()
