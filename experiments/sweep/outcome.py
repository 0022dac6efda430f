"""What a sweep found, as files for people and programs: the leaderboard, and the best settings as TOML."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from experiments.sweep.study import RETRIED
from features.tables.csv_writer import write_header, write_rows
from fusion.config import Config, Setting
from fusion.model.choosing import CHOOSABLE
from fusion.model.search_space import Space

FIGURES = (
    "log_loss",
    "auc",
    "ks",
    "brier",
    "slope",
    "auc_columns_only",
    "text_gain",
    "cost",
    "auc_newest",
    "slope_newest",
)
STATES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


@dataclass(frozen=True)
class Line:
    """One trial of the leaderboard.

    rank: from 1, the best. state: "complete", "pruned" or "failed". front: whether no other trial is better in one
    objective and as good in the rest; with one objective, the best. values: by objective, of complete trials only.
    figures, seconds: what the trial measured. settings: those that it was asked for, by dotted key. retried: the trial
    that was cut off and that this one runs again.
    """

    rank: int
    number: int
    state: str
    front: bool
    values: Mapping[str, float]
    figures: Mapping[str, float]
    seconds: Mapping[str, float]
    settings: Mapping[str, Setting]
    retried: int | None


def leaderboard(study: optuna.Study, objectives: Sequence[str]) -> list[Line]:
    """All trials that ended, the best first: complete, then pruned (the later the better), then failed.

    With several objectives the Pareto front comes first; within it and after it the first objective decides. A complete
    trial whose value is not finite counts as failed. objectives: the names of the study's objectives, in its order.
    """
    signs = [-1.0 if direction == optuna.study.StudyDirection.MAXIMIZE else 1.0 for direction in study.directions]
    trials = [trial for trial in study.get_trials(deepcopy=False) if trial.state in STATES]
    complete = {trial.number: _losses(trial, signs) for trial in trials if is_complete(trial)}
    front = _front(complete)

    def place(trial: FrozenTrial) -> tuple[float, ...]:
        if trial.number in complete:
            return 0, trial.number not in front, *complete[trial.number], trial.number
        if trial.state == TrialState.PRUNED:
            last = max(trial.intermediate_values, default=0)
            return 1, -last, signs[0] * trial.intermediate_values.get(last, 0.0), trial.number
        return 2, trial.number

    return [
        Line(
            rank=rank,
            number=trial.number,
            state="failed" if trial.state == TrialState.COMPLETE and not is_complete(trial) else STATES[trial.state],
            front=trial.number in front,
            values=dict(zip(objectives, trial.values, strict=True)) if is_complete(trial) else {},
            figures=_numbers(trial.user_attrs.get("figures")),
            seconds=_numbers(trial.user_attrs.get("seconds")),
            settings=settings_of(trial),
            retried=trial.system_attrs.get(RETRIED),
        )
        for rank, trial in enumerate(sorted(trials, key=place), start=1)
    ]


def best_of(lines: Sequence[Line]) -> Line | None:
    """The best complete trial of a leaderboard."""
    return lines[0] if lines and lines[0].state == "complete" else None


def default_of(lines: Sequence[Line]) -> Line | None:
    """The complete trial of the settings that the sweep began with: the first one, or where that was run again."""
    return next((line for line in lines if line.state == "complete" and 0 in (line.number, line.retried)), None)


def is_complete(trial: FrozenTrial) -> bool:
    """Whether a trial went to its end and every value of it is a number."""
    return trial.state == TrialState.COMPLETE and all(math.isfinite(value) for value in trial.values)


def settings_of(trial: FrozenTrial) -> dict[str, Setting]:
    """The settings that a trial was asked for, by dotted key."""
    return dict(trial.user_attrs.get("config") or trial.params)


def write_leaderboard(lines: Sequence[Line], space: Space, path: Path) -> None:
    """Write the lines as CSV: one column per objective, figure and searched setting, empty where there is none."""
    objectives = list(dict.fromkeys(name for line in lines for name in line.values))
    figures = [name for name in FIGURES if any(name in line.figures for line in lines)]
    columns = ["rank", "trial", "state", *(["front"] if len(objectives) > 1 else [])]
    columns += [*(f"objective {name}" for name in objectives), *figures, "fit_seconds", "total_seconds", "retry_of"]
    columns += [one.key for one in space.dimensions]
    rows = [[cells.get(name, "") for name in columns] for cells in map(_cells, lines)]
    frame = pd.DataFrame(rows, columns=columns, dtype=object)
    beside = path.with_name(f".{path.name}")
    with beside.open("w", newline="", encoding="utf-8") as file:
        write_header(file, columns)
        write_rows(file, frame)
    beside.replace(path)


def best_toml(base: Config, best: Config, about: Sequence[str] = ()) -> str:
    """``best`` as TOML that ``load_config`` reads back to it: every setting that differs from the shipped defaults, and
    each that training would otherwise choose.

    base: the config that the sweep began with; what differs from it is marked. about: lines of the comment at the top.
    """
    before, shipped = dict(_leaves(base)), dict(_leaves(Config()))
    lines = [f"# {_one_line(line)}" for line in about]
    section = ""
    for key, value in _leaves(best):
        if value == shipped[key] and ".".join(key) not in CHOOSABLE:
            continue
        if key[0] != section:
            section = key[0]
            lines += ["", f"[{section}]"]
        was = "" if value == before[key] else f"  # {_toml(before[key])} before the sweep"
        lines.append(f"{key[1]} = {_toml(value)}{was}")
    return "\n".join(lines).lstrip("\n") + "\n"


def _losses(trial: FrozenTrial, signs: Sequence[float]) -> tuple[float, ...]:
    return tuple(sign * value for sign, value in zip(signs, trial.values, strict=True))


def _front(losses: Mapping[int, tuple[float, ...]]) -> set[int]:
    """Those of which no other is as good in all objectives and better in one; of one objective, the first best."""
    if not losses:
        return set()
    if len(next(iter(losses.values()))) == 1:
        return {min(losses, key=lambda number: (losses[number], number))}
    return {
        number
        for number, mine in losses.items()
        if not any(other != mine and all(b <= a for a, b in zip(mine, other, strict=True)) for other in losses.values())
    }


def _numbers(given: object) -> dict[str, float]:
    """Those entries of a trial's attribute that are finite numbers."""
    if not isinstance(given, dict):
        return {}
    return {name: float(x) for name, x in given.items() if isinstance(x, int | float) and math.isfinite(x)}


def _cells(line: Line) -> dict[str, object]:
    """A line by column, without those that it has no value for."""
    cells: dict[str, object] = {"rank": line.rank, "trial": line.number, "state": line.state}
    cells |= {f"objective {name}": value for name, value in line.values.items()} | dict(line.figures)
    cells |= {f"{name}_seconds": value for name, value in line.seconds.items()}
    cells |= {"front": "yes"} if line.front else {}
    cells |= {} if line.retried is None else {"retry_of": line.retried}
    for key, value in line.settings.items():
        cells[key] = str(value).lower() if isinstance(value, bool) else value
    return cells


def _leaves(config: Config) -> Iterator[tuple[tuple[str, str], object]]:
    for section, node in config:
        for name, value in node:
            yield (section, name), value


def _toml(value: object) -> str:
    """A setting as TOML. JSON is TOML for text, numbers, truth and lists, but for infinity and the character DEL."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _one_line(text: str) -> str:
    """Text that can stand in a comment: on one line, with nothing in it that TOML forbids there."""
    return "".join(character if character.isprintable() else " " for character in text)
