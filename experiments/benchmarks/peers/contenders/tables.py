"""The rows that every contender sees, as files: what one process writes, the others read.

Nothing here needs creditfusion's own packages, so that a contender with an environment of its own can read them too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from features.arrays import Floats, Index, Ints

OUTCOME, FOLD = "outcome of the row", "fold that holds the row out"  # no name of a column
TRAIN, LATER, ABOUT = "train.parquet", "later.parquet", "about.json"


@dataclass(frozen=True)
class About:
    """What the tables are made of.

    Attributes:
        levels: Text columns of few values; columns neither here nor in ``narratives`` are numbers.
        narratives: Text columns that people wrote.
        data: The files that the rows came from.
        schema: Their schema.
        until: The last decision date of the rows to learn from; "" where ``later`` says which rows these are.
        later: The files of the rows to score; none where these are in ``data``, decided after ``until``.
    """

    levels: tuple[str, ...]
    narratives: tuple[str, ...]
    data: tuple[str, ...]
    schema: str
    until: str = ""
    later: tuple[str, ...] = ()


@dataclass(frozen=True)
class Budget:
    """How much a contender may search.

    Attributes:
        trials: Sets of settings tried, where they are searched for.
        seed: Of that search.
        seconds: Of AutoGluon.
        preset: Of AutoGluon.
        cache: Folder of vectors that creditfusion has computed already, "" for none.
    """

    trials: int = 20
    seed: int = 0
    seconds: int = 1200
    preset: str = "best_quality"
    cache: str = ""

    @staticmethod
    def parse(text: str) -> Budget:
        """The budget that ``json.dumps(asdict(budget))`` wrote."""
        return Budget(**json.loads(text))


@dataclass(frozen=True)
class Training:
    """Rows to learn from.

    Attributes:
        frame: The inputs, None where a text is missing.
        y: float64 (n,), 1 bad and 0 good.
        fold: int64 (n,), which fold holds each row out.
    """

    about: About
    frame: pd.DataFrame
    y: Floats
    fold: Ints

    @property
    def splits(self) -> list[tuple[Index, Index]]:
        """Rows to learn from and rows held out, for every fold."""
        numbers = np.unique(self.fold)
        return [(np.flatnonzero(self.fold != number), np.flatnonzero(self.fold == number)) for number in numbers]


def write_tables(folder: Path, training: Training, later: pd.DataFrame) -> None:
    """Write what ``read_training`` and ``read_later`` read; the outcomes of the later rows are not among it."""
    training.frame.assign(**{OUTCOME: training.y, FOLD: training.fold}).to_parquet(folder / TRAIN, index=False)
    later.to_parquet(folder / LATER, index=False)
    (folder / ABOUT).write_text(json.dumps(asdict(training.about)), encoding="utf-8")


def read_about(folder: Path) -> About:
    """What the tables in a folder are made of."""
    found: Mapping[str, object] = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    as_tuples = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
    return About(**as_tuples)  # type: ignore[arg-type]  # as it was written


def read_training(folder: Path) -> Training:
    """The rows to learn from."""
    frame = pd.read_parquet(folder / TRAIN)
    y, fold = frame.pop(OUTCOME).to_numpy(np.float64), frame.pop(FOLD).to_numpy(np.int64)
    return Training(read_about(folder), frame, y, fold)


def read_later(folder: Path) -> pd.DataFrame:
    """The rows to score."""
    return pd.read_parquet(folder / LATER)
