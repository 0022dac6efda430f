"""A sweep's worker with a cheap objective, for tests that kill it.

python -m tests.support.sweep_worker JOB.json WORKER
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import optuna
from optuna.trial import TrialState

from experiments.sweep.study import StudyPlan, counted, enough, open_study, requeue_dead, this_worker, was_taken_over

N_FOLDS = 3
RELEASE = "release"


@dataclass(frozen=True)
class Job:
    """What the workers do.

    ``apart``: each signs its trials as if it ran on a host of its own. ``hold_after``: once so many trials are
    finished, the first worker stops in the middle of its next one, until a file named ``RELEASE`` lies beside the job.
    """

    plan: StudyPlan
    n_trials: int
    fold_seconds: float
    apart: bool = False
    hold_after: int | None = None


def write_job(job: Job, path: Path) -> Path:
    path.write_text(json.dumps(asdict(job), default=str))
    return path


def read_job(path: Path) -> Job:
    fields = json.loads(path.read_text())
    plan = fields["plan"]
    plan |= {"folder": Path(plan["folder"]), "objectives": tuple(plan["objectives"])}
    return Job(**fields | {"plan": StudyPlan(**plan)})


def finished(study: optuna.Study) -> int:
    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))


def hold(trial: optuna.Trial, release: Path) -> None:
    """Wait in the middle of a trial, and say so in the study."""
    trial.set_user_attr("held", True)
    while not release.exists():
        time.sleep(0.02)


def work(job: Job, worker: int, release: Path) -> None:
    """Trials until so many are finished; a trial that a dead worker left is waited for and retried."""
    held_after = job.hold_after if worker == 0 else None
    study = open_study(job.plan, worker)
    signature = this_worker() | ({"host": f"host-{worker}"} if job.apart else {})

    def objective(trial: optuna.Trial) -> float:
        trial.set_user_attr("worker", signature)
        x = trial.suggest_float("x", -1.0, 1.0)
        for fold in range(1, N_FOLDS + 1):
            time.sleep(job.fold_seconds)
            trial.report(x * x + 0.1 / fold, fold)
            if trial.should_prune():
                raise optuna.TrialPruned
            if fold == 1 and held_after is not None and finished(study) >= held_after and not release.exists():
                hold(trial, release)
        return x * x

    while finished(study) < job.n_trials:
        requeue_dead(study)
        if counted(study) < job.n_trials:
            try:
                study.optimize(objective, callbacks=[enough(job.n_trials)])
            except ValueError as error:
                if not was_taken_over(error):
                    raise
        else:
            time.sleep(0.2)


if __name__ == "__main__":
    job_file = Path(sys.argv[1])
    work(read_job(job_file), int(sys.argv[2]), job_file.with_name(RELEASE))
