"""How many trials a sweep ends per hour, and what its workers' time goes into.

`creditfusion sweep` is run as a process of its own, with the arrays that its trials read already written by a first
study. The figures are from the study that it leaves. With --compare-workers the same search is done by one worker and
by two, round by round, each worker on one thread, so that the second one adds a processor and nothing else.

    python -m experiments.benchmarks.speed.sweep_speed --schema lending_club --data applications.csv.gz \\
        --until 2010-12-31 --trials 60
    python -m experiments.benchmarks.speed.sweep_speed --schema lending_club --data applications.csv.gz \\
        --until 2010-12-31 --trials 40 --compare-workers --rounds 3
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import mean, median, stdev

from optuna.trial import FrozenTrial, TrialState

from experiments.benchmarks.measuring import markdown, median_ratio, parser, publish, tell
from experiments.benchmarks.settings.sweeps import Sweep, ended, prepared, span, sweep_options


@dataclass(frozen=True)
class Pace:
    """What a study of several workers did. Seconds are wall time.

    span: from the first trial's start to the last one's end. fitting: spent in fitting, by all workers together.
    inside: spent inside trials, fitting or not. finished_mean, pruned_mean: of such a trial's fitting; None without
    one. folds, folds_left_out: of the trials that ended, those that pruning left out.
    """

    workers: int
    finished: int
    pruned: int
    failed: int
    span: float
    fitting: float
    inside: float
    finished_mean: float | None
    pruned_mean: float | None
    folds: int
    folds_left_out: int

    @property
    def per_hour(self) -> float:
        """Trials finished or pruned."""
        return 3600 * (self.finished + self.pruned) / self.span

    @property
    def outside_fitting(self) -> float:
        """Share of the workers' time that no model was fitted in."""
        return 1 - self.fitting / (self.workers * self.span)

    @property
    def between_trials(self) -> float:
        """Share of the workers' time that lies outside of trials: proposing settings, and waiting for the last trial
        of another worker.
        """
        return 1 - self.inside / (self.workers * self.span)

    @property
    def saved(self) -> float | None:
        """Share of the fitting that pruning saved, had a pruned trial taken as long as the mean finished one; None
        where nothing was pruned, or nothing finished.
        """
        if self.finished_mean is None or self.pruned_mean is None:
            return None
        left_out = self.pruned * (self.finished_mean - self.pruned_mean)
        return left_out / (self.fitting + left_out)


def pace(trials: Sequence[FrozenTrial], workers: int) -> Pace:
    """The pace of a study with at least one trial that ended."""
    finished = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    pruned = [trial for trial in trials if trial.state == TrialState.PRUNED]
    n_folds = max(len(trial.intermediate_values) for trial in trials)
    return Pace(
        workers=workers,
        finished=len(finished),
        pruned=len(pruned),
        failed=sum(trial.state == TrialState.FAIL for trial in trials),
        span=span(trials),
        fitting=sum(_seconds(trials, "fit")),
        inside=sum(_seconds(trials, "total")),
        finished_mean=mean(_seconds(finished, "fit")) if finished else None,
        pruned_mean=mean(_seconds(pruned, "fit")) if pruned else None,
        folds=n_folds * (len(finished) + len(pruned)),
        folds_left_out=sum(n_folds - len(trial.intermediate_values) for trial in pruned),
    )


def _seconds(trials: Sequence[FrozenTrial], name: str) -> list[float]:
    return [trial.user_attrs["seconds"][name] for trial in trials if "seconds" in trial.user_attrs]


@dataclass(frozen=True)
class Turn:
    """A study to its ``n``-th trial that ended. seconds: until then, from the start of the first. best: its value.

    inside: share of the workers' time inside trials.
    """

    seconds: float
    best: float
    inside: float


def turn(trials: Sequence[FrozenTrial], workers: int, n: int) -> Turn:
    """How the first ``n`` trials that ended went; workers that end together may have begun one more."""
    first = ended(trials)[:n]
    values = [trial.values[0] for trial in first if trial.state == TrialState.COMPLETE]
    seconds = span(first)
    return Turn(seconds, min(values), sum(_seconds(first, "total")) / (workers * seconds))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    sweep_options(options, trials=60)
    options.add_argument("--workers", type=int, default=2, help="processes side by side (default: %(default)s)")
    options.add_argument("--compare-workers", action="store_true", help="one worker beside two, instead")
    options.add_argument("--rounds", type=int, default=3, help="turns of each, with that (default: %(default)s)")
    chosen = options.parse_args(arguments)
    with prepared(chosen) as sweep:
        if chosen.compare_workers:
            turns = compare(sweep, chosen.trials, chosen.rounds, chosen.seed)
            report_turns(turns, chosen.trials, chosen.json)
        else:
            tell(f"{chosen.trials} trials by {chosen.workers} workers")
            done = sweep.run("measured", chosen.trials, chosen.workers, chosen.seed)
            report_pace(pace(sweep.trials("measured"), chosen.workers), done.seconds, chosen.json)


def compare(sweep: Sweep, trials: int, rounds: int, seed: int) -> Mapping[int, list[Turn]]:
    """The turns of one worker and of two. A round is one seed; who begins changes from round to round."""
    found: dict[int, list[Turn]] = {1: [], 2: []}
    for number in range(rounds):
        for workers in (1, 2) if number % 2 == 0 else (2, 1):
            study = f"round {number + 1} of {rounds}, workers {workers}"
            sweep.run(study, trials, workers, seed + number, one_thread=True)
            found[workers].append(turn(sweep.trials(study), workers, trials))
            tell(f"{study}: {found[workers][-1]}")
    return found


def report_pace(found: Pace, whole: float, as_json: bool) -> None:
    """The figures of one study. whole: seconds of the command."""
    left_out = found.folds_left_out / found.folds if found.folds else 0.0
    lines = [
        ["trials finished", str(found.finished)],
        ["trials pruned", str(found.pruned)],
        ["trials failed", str(found.failed)],
        ["minutes from the first trial to the last", f"{found.span / 60:.1f}"],
        ["**trials finished or pruned per hour**", f"**{found.per_hour:.0f}**"],
        ["**workers' time outside fitting**", f"**{found.outside_fitting:.1%}**"],
        ["of it between trials", f"{found.between_trials:.1%}"],
        ["fitting, seconds per finished trial", _number(found.finished_mean, ".1f")],
        ["fitting, seconds per pruned trial", _number(found.pruned_mean, ".1f")],
        ["folds that pruning left out", f"{left_out:.0%}"],
        ["fitting that pruning saved, about", _number(found.saved, ".0%")],
    ]
    text = f"{markdown(['figure', 'value'], lines)}\n\n{found.workers} workers; whole command {whole / 60:.1f} min"
    figures = {"per_hour": found.per_hour, "outside_fitting": found.outside_fitting}
    figures |= {"between_trials": found.between_trials, "command_seconds": whole}
    publish({**asdict(found), **figures, "saved": found.saved}, text, as_json)


def report_turns(turns: Mapping[int, Sequence[Turn]], trials: int, as_json: bool) -> None:
    """One line per round, and whether the best values differ by more than they do from round to round."""
    one, two = turns[1], turns[2]
    lines = [
        [
            str(number),
            f"{alone.seconds:.0f}",
            f"{both.seconds:.0f}",
            f"{alone.seconds / both.seconds:.2f}",
            f"{alone.inside:.1%}",
            f"{both.inside:.1%}",
            f"{alone.best:.5f}",
            f"{both.best:.5f}",
        ]
        for number, (alone, both) in enumerate(zip(one, two, strict=True), start=1)
    ]
    headers = ["round", f"one worker, s to {trials} trials", "two workers", "ratio"]
    headers += ["one: time inside trials", "two", "one: best log-loss", "two"]
    ratio = median_ratio([turn.seconds for turn in one], [turn.seconds for turn in two])
    bests = {name: [turn.best for turn in own] for name, own in (("one", one), ("two", two))}
    figures = {
        "ratio": ratio,
        "best": {name: median(values) for name, values in bests.items()},
        "noise": {name: stdev(values) if len(values) > 1 else None for name, values in bests.items()},
        "difference": mean(bests["two"]) - mean(bests["one"]),
    }
    medians = [
        f"{name} {median(values):.5f}, from round to round {min(values):.5f} to {max(values):.5f}"
        + (f" (standard deviation {stdev(values):.5f})" if len(values) > 1 else "")
        for name, values in bests.items()
    ]
    text = f"median ratio {ratio:.2f}; best value, median over the rounds: {'; '.join(medians)}; "
    text += f"mean of two less mean of one {figures['difference']:+.5f}"
    rounds = {name: [asdict(turn) for turn in own] for name, own in (("one", one), ("two", two))}
    publish({**figures, "trials": trials, "rounds": rounds}, f"{markdown(headers, lines)}\n\n{text}", as_json)


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


if __name__ == "__main__":
    main()
