"""What a sweep's report says in words and figures."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from experiments.reporting.document import Document, Interval
from experiments.reporting.html import document_html
from experiments.sweep.captions import FIRST_STOP
from experiments.sweep.held_out import GRADES, OUTCOMES, SIGNIFICANT, Outcome, final_check, holm
from experiments.sweep.outcome import best_of, default_of, leaderboard
from experiments.sweep.report import sweep_report
from experiments.sweep.study import _pruner
from experiments.sweep.study_snapshot import snapshot_of
from experiments.sweep.tables import changed_settings
from experiments.sweep.time_spent import TimeSpent, time_spent
from fusion.config import Config
from fusion.model.search_space import full_space
from tests.support import example_study
from tests.support.example_study import START
from tests.support.small_studies import (
    DAY,
    ONE,
    RATE,
    by_rate,
    by_row,
    gain_of,
    plots_of,
    rated,
    report_of,
    section,
    study_of,
    table,
    text,
    trial,
)


def sentences(report: Document) -> str:
    """All sentences of a report."""
    plots = [part for plot in plots_of(report).values() for part in (plot.title, plot.words, plot.gap)]
    return " ".join([*report.headline, *(words for part in report.sections for words in part.words), *plots])


def time_of(study: optuna.Study) -> TimeSpent:
    return time_spent(snapshot_of(study, ONE))


def checked(**changes: Any) -> optuna.Study:
    """The example with a check on held-out rows."""
    study = example_study.study()
    best = leaderboard(study, ONE)[0].number
    study.set_user_attr("final", example_study.final(**{"best_trial": best, **changes}))
    return study


def test_the_headline_counts_and_compares() -> None:
    report = example_study.report()
    lines = leaderboard(example_study.study(), ONE)
    states = [line.state for line in lines]
    assert report.key_figures
    assert report.key_figures.rows[1][:2] == ("Trials", str(len(lines)))
    first, second, third, _ = report.headline
    assert first.startswith("21 settings were searched for the lowest out-of-fold log-loss. ")
    for state, what in (("complete", "trials went to the end"), ("pruned", "were stopped early")):
        assert f"{states.count(state)} {what}" in first
    assert "and 2 failed (1 of them was run again)" in first
    assert second == "1 trial was still open when this was written."
    best, default = lines[0], next(line for line in lines if line.number == 0)
    gain = round(default.values["log_loss"], 5) - round(best.values["log_loss"], 5)
    assert gain > 0
    assert f"number {best.number} with {best.values['log_loss']:.5f}" in third
    assert f"{default.values['log_loss']:.5f}, which is {gain:.5f} worse" in third


def gains(auc: tuple[float, float, float, float], brier: tuple[float, float, float, float]) -> dict[str, Any]:
    """A check with these gains: difference, low, high, p."""
    names = ("difference", "low", "high", "p")
    return {
        "default": {"auc": 0.7, "brier": 0.1, "log_loss": 0.3, "slope": 1.0},
        "best": {"auc": 0.7 + auc[0], "brier": 0.1 - brier[0], "log_loss": 0.3, "slope": 1.0},
        "auc_gain": dict(zip(names, auc, strict=True)),
        "brier_gain": dict(zip(names, brier, strict=True)),
    }


UP, FLAT, DOWN = (0.01, 0.004, 0.016, 0.001), (0.01, -0.004, 0.024, 0.16), (-0.01, -0.016, -0.004, 0.001)


@pytest.mark.parametrize(
    ("auc", "brier", "outcome", "words"),
    [
        (UP, UP, "better", "the gain is beyond chance: AUC 0.0100 better (95 % interval +0.0040 to +0.0160"),
        (UP, FLAT, "better", "+0.02400, p = 0.160, not significant)"),
        (FLAT, FLAT, "unsure", "the gain is not significant: chance could explain it"),
        (DOWN, FLAT, "worse", "the best settings are worse than the default, beyond chance: AUC 0.0100 worse"),
        (DOWN, DOWN, "worse", "Brier score 0.01000 worse"),
        (UP, DOWN, "mixed", "one figure is better than the default's and the other is worse"),
    ],
)
def test_the_verdict_follows_the_held_out_rows(
    auc: tuple[float, float, float, float], brier: tuple[float, float, float, float], outcome: Outcome, words: str
) -> None:
    report = report_of(checked(**gains(auc, brier)))
    assert gain_of(report).grade == GRADES[outcome]
    assert words in report.headline[-1]
    assert "On 4,163 rows that no trial saw (decided from 1 September 2010 on)" in report.headline[-1]
    use = section(report, "use").words
    assert ("Keep the default" in use[0]) == (outcome == "worse")
    assert ("no need to change the default" in use[0]) == (outcome in ("unsure", "mixed"))
    assert OUTCOMES[outcome] in gain_of(report).title
    assert text(document_html(report)).count(OUTCOMES[outcome]) >= 2


def test_the_default_may_be_the_best() -> None:
    study = study_of(rated(0.1, 0.02), rated(0.2, 0.03), rated(0.3, 0.04))
    study.set_user_attr("final", example_study.final(best_trial=0, **gains((0, 0, 0, 1.0), (0, 0, 0, 1.0))))
    report = report_of(study, space=RATE)
    assert OUTCOMES["same"] in gain_of(report).title
    assert "No trial was better than the default, which has 0.10000." in report.headline
    assert "there is no gain, and nothing to adopt" in report.headline[-1]
    lines = leaderboard(study, ONE)
    assert changed_settings(lines[0], RATE, Config()) == {}
    assert all("changed" not in str(row["about"]) for row in by_row(table(report, "best_settings")).values())


def test_a_default_that_was_run_again_is_still_the_default() -> None:
    again = rated(0.1, 0.02, system_attrs={"failed_trial": 0, "retry_history": [0]})
    report = report_of(study_of(trial(None, TrialState.FAIL), rated(0.2, 0.03), again), space=RATE)
    assert (report.facts["Best trial"], report.facts["Trial of the default settings"]) == ("2", "2")
    assert OUTCOMES["same"] in gain_of(report).title


@pytest.mark.parametrize(
    ("p_auc", "p_brier", "looks", "outcome", "words"),
    [
        (0.03, 0.2, 1, "unsure", "corrected for two tests (Holm)"),
        (0.024, 0.2, 1, "better", "p = 0.200, not significant)"),
        (0.03, 0.04, 1, "unsure", "chance could explain it"),
        (0.024, 0.04, 1, "better", "(95 % interval +0.0040 to +0.0160, p = 0.024); Brier score"),
        (0.01, 0.2, 3, "unsure", "corrected for two tests and 3 looks at these rows (Holm)"),
        (0.008, 0.2, 3, "better", "corrected for two tests and 3 looks at these rows (Holm)"),
        (0.04, math.nan, 1, "better", "p = 0.040)."),
        (0.04, math.nan, 2, "unsure", "corrected for 2 looks at these rows (Holm)"),
    ],
)
def test_beyond_chance_allows_for_every_test_and_look(
    p_auc: float, p_brier: float, looks: int, outcome: Outcome, words: str
) -> None:
    study = checked(looks=looks, **gains((0.01, 0.004, 0.016, p_auc), (0.01, 0.004, 0.016, p_brier)))
    report = report_of(study)
    assert OUTCOMES[outcome] in gain_of(report).title
    assert words in report.headline[-1]
    assert by_row(table(report, "held_out_figures"))["p"]["auc"] == p_auc
    check = final_check(snapshot_of(study, ONE))
    assert check
    assert all(gain.p_corrected >= gain.p for gain in check.gains)


def test_holms_correction() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])  # as p.adjust of R
    assert holm([0.01, 0.02], times=3) == pytest.approx([0.06, 0.06])
    assert holm([0.4, 0.9]) == pytest.approx([0.8, 0.9])
    assert holm([0.5], times=3) == [1.0]
    assert holm([]) == []


def test_of_many_gains_by_chance_few_are_reported_as_gains() -> None:
    uniform = np.random.default_rng(0).uniform(size=(4000, 3, 2))
    claimed = [min(p for looked in looks for p in holm(list(looked), times=3)) < SIGNIFICANT for looks in uniform]
    assert np.mean(claimed) < 0.055


def test_a_check_of_another_trial_is_no_check() -> None:
    report = report_of(checked(best_trial=1))
    assert OUTCOMES["unchecked"] in gain_of(report).title
    assert "honest one" not in sentences(report)
    assert (
        "The figures on the held-out rows are those of trial 1, not of the best one." in section(report, "limits").words
    )
    assert "honest one" in sentences(report_of(checked()))
    assert "honest one" not in sentences(report_of(example_study.study()))
    assert "used for trial 1, the best one then" in report.headline[-1]


def test_how_often_the_rows_were_looked_at_is_reported() -> None:
    assert "were looked at 3 times" in sentences(report_of(checked(looks=3)))
    assert "were looked at once" in sentences(report_of(checked()))
    assert "No held-out rows were looked at" in sentences(report_of(example_study.study()))


def test_held_out_figures_that_do_not_exist() -> None:
    nothing = {"auc": math.nan, "brier": math.nan, "log_loss": math.nan, "slope": math.nan}
    gain = {"difference": math.nan, "low": math.nan, "high": math.nan, "p": math.nan}
    study = checked(default=nothing, best=nothing, auc_gain=gain, brier_gain=gain, **{"from": None})
    report = report_of(study)
    assert OUTCOMES["unchecked"] in gain_of(report).title
    assert "could not be judged: they hold too few good or bad outcomes" in report.headline[-1]
    assert "nan" not in text(document_html(report)).lower()


def test_history_shows_what_the_last_third_brought() -> None:
    late = study_of(*[trial(0.5 - 0.00001 * n) for n in range(9)])
    words = plots_of(report_of(late, space=RATE))["history"].words
    assert words.startswith("The best value, 0.49992, was found at trial 8 of 0 to 8. The last 3 trials improved it by")
    assert words.endswith(" by 0.00003, so more may find better still.")
    early = study_of(*[trial(0.5 + 0.01 * n) for n in range(9)])
    assert plots_of(report_of(early, space=RATE))["history"].words.endswith("The last 3 trials brought nothing better.")
    tiny = study_of(*[trial(0.5 - 1e-7 * n) for n in range(9)])
    assert "improved it by less than 0.00001" in plots_of(report_of(tiny, space=RATE))["history"].words


def test_importance_and_slices_find_the_setting_that_matters() -> None:
    report = report_of(by_rate(60, lambda place: (place - 0.5) ** 2))
    found = plots_of(report)
    assert re.match(r"stacker.learning_rate matters most \((9\d|100)", found["importance"].words)
    assert "hint" not in found["importance"].words
    assert (
        "The best 6 trials have stacker.learning_rate from 0.0197 to 0.0254 (searched: 0.005 to 0.1)"
        in found["slices"].words
    )
    assert "lies at the end" not in found["slices"].words
    edge = plots_of(report_of(by_rate(60, lambda place: place)))
    assert "The best value of stacker.learning_rate, 0.005, lies at the end of its range" in edge["slices"].words


def test_slower_trials_may_be_better_or_not() -> None:
    def words(study: optuna.Study) -> str:
        return plots_of(report_of(study))["time"].words

    better = study_of(*[trial(1.0 - n / 10, user_attrs={"seconds": {"fit": 10.0 + n}}) for n in range(12)])
    worse = study_of(*[trial(1.0 + n / 10, user_attrs={"seconds": {"fit": 10.0 + n}}) for n in range(12)])
    alike = study_of(*[trial(1.0 + n / 10, user_attrs={"seconds": {"fit": 10.0}}) for n in range(12)])
    few = study_of(*[trial(1.0, user_attrs={"seconds": {"fit": 10.0 + n}}) for n in range(5)])
    assert words(better).startswith("The best trial is one of those that took more than 16 s of fitting")
    assert words(worse).startswith("Trials that took more than 16 s of fitting were no better than the faster half")
    assert words(few) == "There are too few trials to say whether time pays. They took 10 s to 14 s of fitting."
    assert words(alike) == "All trials took about as long, 10 s of fitting."


def test_the_time_adds_up() -> None:
    study = example_study.study()
    time = time_of(study)
    ended = [one for one in study.get_trials() if "seconds" in one.user_attrs]
    assert TrialState.FAIL in {one.state for one in ended}
    assert time.fit == pytest.approx(sum(one.user_attrs["seconds"]["fit"] for one in ended))
    assert time.n_workers == 2
    ends = [one.datetime_complete for one in ended if one.datetime_complete]
    assert time.covered == pytest.approx((max(ends) - START).total_seconds(), rel=0.05)
    assert time.outside is not None
    assert time.fit is not None
    assert time.fit + time.outside == pytest.approx(2 * time.covered, rel=0.1)
    seconds = by_row(table(report_of(study), "seconds"))
    assert seconds["of 2 workers, on fitting models"]["seconds"] == time.fit


def timed(begin: int, end: int, fit: float | None, state: TrialState = TrialState.COMPLETE) -> optuna.trial.FrozenTrial:
    """A trial of one worker, in seconds from the start; fit: None where none was noted."""
    noted = {} if fit is None else {"seconds": {"fit": fit}}
    made = trial(
        0.5 if state == TrialState.COMPLETE else None, state, user_attrs={"worker": {"pid": 1, "host": "a"}, **noted}
    )
    made.datetime_start, made.datetime_complete = START + timedelta(seconds=begin), START + timedelta(seconds=end)
    return made


def test_failed_trials_spent_their_fitting_on_fitting() -> None:
    broken, killed = timed(10, 30, 19.0, TrialState.FAIL), timed(40, 9000, None, TrialState.FAIL)
    time = time_of(study_of(timed(0, 10, 9.0), broken, timed(30, 40, 9.0), killed))
    assert (time.fit, time.outside, time.n_workers) == (37.0, 3.0, 1)
    assert time.covered == pytest.approx(40)


def test_what_pruning_saved_is_counted_against_the_mean_complete_trial() -> None:
    stopped = [timed(50, 60, seconds, TrialState.PRUNED) for seconds in (8.0, 12.0, 30.0)]
    study = study_of(timed(0, 20, 16.0), timed(20, 50, 24.0), *stopped)
    report = report_of(study)
    assert time_of(study).saved == pytest.approx(12 + 8 + 0)
    assert "saved about 20 s of fitting, counted against the mean trial that went to the end" in sentences(report)
    assert time_of(study_of(*stopped)).saved is None


def by_folds(value: Callable[[int, int], float], n_folds: int = 3) -> Document:
    """Of 20 complete trials. value: of a trial's number and the folds done."""
    steps = range(1, n_folds + 1)
    return report_of(
        study_of(*[trial(value(n, n_folds), intermediate_values={s: value(n, s) for s in steps}) for n in range(20)])
    )


def test_an_early_stop_is_rated_by_the_folds_at_which_one_can_happen() -> None:
    early = sentences(by_folds(lambda n, done: -n if done == 1 else n))
    assert "Among the trials that went to the end, the value after 2 folds" in early
    assert "at 1.00 (rank correlation, 1 at most): stopping so early loses little." in early
    late = sentences(by_folds(lambda n, done: n if done < 3 else n * 7 % 20))
    assert "an early stop may lose a good one" in late
    assert "rank correlation" not in sentences(by_folds(lambda n, done: n * done, n_folds=2))


def test_the_first_stop_is_that_of_the_pruner() -> None:
    study = study_of(*[trial(0.1, intermediate_values={1: 0.1, 2: 0.1, 3: 0.1}) for _ in range(20)])
    stops = []
    for done in (1, 2, 3):
        bad = trial(None, TrialState.PRUNED, intermediate_values=dict.fromkeys(range(1, done + 1), 0.9))
        if _pruner().prune(study, bad):
            stops.append(done)
    assert min(stops) == FIRST_STOP


def test_the_command_can_be_pasted() -> None:
    def command(path: str, **fingerprint: str) -> list[str]:
        study = checked()
        study.set_user_attr("fingerprint", fingerprint)
        report = sweep_report(snapshot_of(study, ONE), full_space(), Config(), Path(path), DAY)
        return shlex.split(section(report, "use").command)

    plain = ["creditfusion", "train", "--schema", "SCHEMA", "--data", "FILE", "--out", "MODEL"]
    odd = "my sweeps/o'clock $HOME/best.toml"
    assert command(odd) == command(odd, **{"last day": "none"}) == [*plain, "--config", odd]
    assert command("best.toml", **{"last day": "2010-12-31"}) == [
        *plain,
        *("--until", "2010-12-31", "--config", "best.toml"),
    ]


def test_differences_are_those_of_the_figures_shown() -> None:
    shown = report_of(study_of(trial(0.389556), trial(0.388784))).headline  # apart by 0.000772
    assert "The best trial is number 1 with 0.38878; the default has 0.38956, which is 0.00078 worse." in shown
    tiny = report_of(study_of(trial(0.3895601), trial(0.38956))).headline
    assert "The best trial is number 1 with 0.38956; the default has 0.38956, which is less than 0.00001 worse." in tiny


def test_one_failure_that_was_run_again() -> None:
    again = trial(0.2, system_attrs={"failed_trial": 0, "retry_history": [0]})
    assert "and 1 failed (it was run again)" in report_of(study_of(trial(None, TrialState.FAIL), again)).headline[0]


def test_best_and_default_of_a_leaderboard() -> None:
    lines = leaderboard(study_of(trial(0.3), trial(0.1), trial(None, TrialState.FAIL)), ONE)
    best, default = best_of(lines), default_of(lines)
    assert best
    assert default
    assert (best.number, default.number) == (1, 0)
    again = trial(0.2, system_attrs={"failed_trial": 0, "retry_history": [0]})
    lines = leaderboard(study_of(trial(None, TrialState.FAIL), trial(0.3), again), ONE)
    assert [line.number for line in (best_of(lines), default_of(lines)) if line] == [2, 2]
    nothing = leaderboard(study_of(trial(None, TrialState.FAIL)), ONE)
    assert best_of(nothing) is default_of(nothing) is best_of([]) is default_of([]) is None


def test_a_rest_between_two_runs_is_not_counted() -> None:
    whole = example_study.study()
    early, late = example_study.alone(range(2)), example_study.alone(range(2))
    assert early.get_trials()[0].datetime_start == START
    trials = late.get_trials()
    for one in trials:
        assert one.datetime_start
        assert one.datetime_complete
        one.datetime_start = one.datetime_start.replace(year=2027)
        one.datetime_complete = one.datetime_complete.replace(year=2027)
        one.user_attrs["worker"] = {"host": "example", "pid": 7}
    early.add_trials(trials)
    assert time_of(early).covered < 2 * time_of(whole).covered


def test_failures_are_named() -> None:
    assert section(report_of(example_study.study()), "failures").words == (
        "1 trial: its worker was killed",
        "1 trial: RuntimeError: the head did not converge",
    )
    cut = [trial(None, TrialState.FAIL, user_attrs={"interrupted": True}) for _ in range(2)]
    assert section(report_of(study_of(*cut)), "failures").words == ("2 trials: interrupted",)


def test_the_held_out_figures_add_up() -> None:
    rows = by_row(table(example_study.report(), "held_out_figures"))
    best = next(name for name in rows if str(name).startswith("Trial "))
    for figure, sign in (("auc", 1), ("brier", -1)):
        gain = rows["Gain"][figure]
        assert isinstance(gain, Interval)
        difference = sign * (float(str(rows[best][figure])) - float(str(rows["Default"][figure])))
        assert gain.value == pytest.approx(difference, abs=1e-6)
        assert float(str(rows["p, corrected"][figure])) >= float(str(rows["p"][figure]))


def test_a_study_is_copied_and_left_alone() -> None:
    study = example_study.checked()
    before = study.get_trials()
    snapshot = snapshot_of(study, ONE)
    assert [one.number for one in snapshot.trials] == [one.number for one in before]
    sweep_report(snapshot, full_space(), Config(), Path("best.toml"), DAY)
    assert study.get_trials() == before
    assert example_study.report().facts["Best trial"] == str(leaderboard(study, ONE)[0].number)
