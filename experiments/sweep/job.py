"""A sweep from files to results: encode once, search with workers, check the best settings, tell what was found.

Everything lies in one folder. Running the same command again goes on where the last one stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial

from data_schemas.errors import ContractError, RunError
from experiments.session.decision_dates import rows_until
from experiments.session.interrupts import terminated_as_interrupted
from experiments.session.progress import advance_to
from experiments.session.run import Run
from experiments.sweep.arrays import SEARCH, Source, write_arrays
from experiments.sweep.conditions import Search, fingerprint, searching_text, split
from experiments.sweep.final import check
from experiments.sweep.objective import MEANS, Task
from experiments.sweep.outcome import Line, best_of, leaderboard
from experiments.sweep.searching import GO_ON, Effort, search_until_enough
from experiments.sweep.storage import open_storage
from experiments.sweep.study import StudyPlan, open_study, requeue
from experiments.train.decided import Decided
from experiments.train.prepared import mask_narratives
from fusion.config import EncoderConfig
from fusion.model.cross_validation import forward_blocks
from fusion.model.folds import tied_groups
from fusion.text_encoder import OpenEncoder

ARRAYS = (
    *("data", "reading", "schema", "encoder", "arithmetic", "code"),
    *("settings", "space", "last day", "held out"),
)  # conditions they hang on
REJECTS = "rejects.csv"

Opener = Callable[[EncoderConfig], OpenEncoder]


@dataclass(frozen=True)
class SweepFolder:
    """Where a sweep is kept.

    out: its folder.
    study: its name.
    storage: a database's URL, or None for a file in ``out``.
    resume: whether the study must be there already.
    """

    out: Path
    study: str
    storage: str | None = None
    resume: bool = False

    @property
    def rejects(self) -> Path:
        """Where the rows that broke the contract go."""
        return self.out / REJECTS

    def make(self) -> None:
        """Make the folder, and see that it can be written and that the database answers, before hours of work.

        Raises RunError when not; ContractError for a storage that is no database's URL.
        """
        probe = self.out / ".writable"
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise RunError(
                f"the folder {self.out} cannot be written: {error.strerror}", "Choose another --out."
            ) from error
        if self.storage is not None:
            open_storage(self.storage, requeue).remove_session()


@dataclass(frozen=True)
class SweepResult:
    """What a sweep holds when it ends or is interrupted. final: of ``final.check``, empty where there was none."""

    study: optuna.Study
    task: Task
    lines: list[Line]
    final: Mapping[str, object]
    rejected: Mapping[str, int]
    interrupted: bool

    @property
    def best(self) -> FrozenTrial | None:
        """The best complete trial, by the first objective."""
        best = best_of(self.lines)
        return None if best is None else self.study.get_trials(deepcopy=False)[best.number]


def sweep_study(
    read: Decided,
    search: Search,
    place: SweepFolder,
    effort: Effort,
    opener: Opener,
    run: Run,
) -> SweepResult:
    """Search, and check the best settings; ``opener`` opens the text encoder of a config.

    Raises ContractError for conditions that differ from those of the study, and for rows that cannot be searched with;
    RunError for a storage that cannot be used, for workers that die, and when trials fail one after the other;
    KeyboardInterrupt where SIGTERM or Ctrl-C comes before the search.
    """
    with terminated_as_interrupted():
        try:
            remove_leftovers(place.out)
            encoder = opener(search.base.encoder)
            source = _source(read, search, encoder, opener, run)
            search = searching_text(search, source.applications.take(source.rows[SEARCH]), run.note)
            conditions = fingerprint(search, read, encoder)
            plan = StudyPlan(
                place.study, place.storage, place.out, search.objectives, effort.seed, conditions, place.resume
            )
            study = open_study(plan)
            arrays = _arrays(source, search, conditions, place.out, run)
            task = Task(search.base, search.space, search.objectives, search.folds, arrays)
            interrupted = search_until_enough(study, plan, task, effort, run)
        except KeyboardInterrupt:
            run.note(GO_ON)
            raise
        rejected = dict(Counter(read.rejects.frame["rule"]))
        return _checked(SweepResult(study, task, leaderboard(study, search.objectives), {}, rejected, interrupted), run)


def _source(read: Decided, search: Search, encoder: OpenEncoder, opener: Opener, run: Run) -> Source:
    """The rows of the sweep, as ``train`` would take them: masked first, for which rows are tied hangs on that."""
    learn = rows_until(read.applications, search.until)
    known = mask_narratives(read.applications.take(learn), search.base, encoder, run).applications
    groups = tied_groups(known)
    rows = split(known, groups, search)
    if search.folds == "time":  # what it refuses is refused now, and not by every trial
        own = known.take(rows[SEARCH])
        forward_blocks(own.outcome(), groups[rows[SEARCH]], own.decision_date(), search.base.folds.n_folds)
    return Source(known, groups, rows, opener)


def refuse_never_flat(search: Search, effort: Effort) -> None:
    """Raise ContractError where nothing would tell that a study is flat."""
    if effort.until_flat and (len(search.objectives) > 1 or search.objectives[0] not in MEANS):
        raise ContractError(
            "--until-flat needs the noise of the folds, which only an objective that is a mean over the rows tells",
            f"Take one objective, {' or '.join(MEANS)}, or leave out --until-flat.",
        )


def refuse_tuning(search: Search) -> None:
    """Raise ContractError where the encoder is to be tuned: trials share vectors that are computed once, before any
    outcome is looked at.
    """
    if search.base.encoder.tuning != "none":
        raise ContractError(
            f"encoder.tuning is {search.base.encoder.tuning!r}, and a sweep searches with the encoder as it comes",
            "Sweep with encoder.tuning none, then train with the best settings and the tuning: "
            f"train --config best.toml --set encoder.tuning={search.base.encoder.tuning}.",
        )


def _checked(found: SweepResult, run: Run) -> SweepResult:
    """With the final check, unless the search was interrupted, or the check is."""
    if found.interrupted or found.best is None:
        return found
    try:
        with run.stage("check"):
            return replace(found, final=check(found.study, found.best, found.task))
    except KeyboardInterrupt:
        run.note(GO_ON)
        return replace(found, interrupted=True)


def remove_leftovers(out: Path) -> None:
    """Remove what processes that were killed while they wrote arrays have left: it tells of applicants."""
    for path in out.glob("arrays-*.writing-*"):
        number = path.name.rpartition("-")[2]
        if number.isdecimal() and not _lives(int(number)):
            shutil.rmtree(path, ignore_errors=True)


def _lives(pid: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # of another user
    return True


def _arrays(source: Source, search: Search, conditions: Mapping[str, str], out: Path, run: Run) -> Path:
    """The folder of the arrays, written unless an earlier run has."""
    key = hashlib.sha256(json.dumps([conditions[name] for name in ARRAYS]).encode()).hexdigest()[:12]
    folder = out / f"arrays-{key}"
    if folder.exists():
        return folder
    schema = source.applications.schema
    total = len({text for field in schema.narratives for text in source.applications.narrative(field.name)})

    @contextmanager
    def stage(name: str) -> Iterator[Callable[[int], None]]:
        with run.stage(f"encode {name.removeprefix('vectors-')}", total=total, unit="texts") as advance:
            yield advance_to(advance)

    write_arrays(source, search.space, search.base, folder, stage)
    return folder
