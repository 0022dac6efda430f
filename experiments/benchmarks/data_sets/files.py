"""The data sets as files and as frames.

python -m experiments.benchmarks.data_sets.files --source data --out work   # every set, a folder each
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from experiments.benchmarks.data_sets.definitions import SETS
from experiments.benchmarks.data_sets.spec import DataSet
from experiments.benchmarks.measuring import tell


@dataclass(frozen=True)
class Files:
    """Where a set lies.

    Attributes:
        schema: The data contract.
        train: Rows to learn from, with their outcome.
        test: Rows to be judged on, with their outcome.
    """

    schema: Path
    train: Path
    test: Path


@dataclass(frozen=True)
class Frames:
    """A set's rows, every cell as text: the columns of the source.

    Attributes:
        train: Rows to learn from.
        test: Rows to be judged on.
    """

    train: pd.DataFrame
    test: pd.DataFrame


def read_frames(data_set: DataSet, source: Path) -> Frames:
    """The rows of a set, from the folder of all sources."""
    rows = data_set.rows(source)
    test = data_set.split.test_rows(rows)
    return Frames(rows[~test].reset_index(drop=True), rows[test].reset_index(drop=True))


def write_files(data_set: DataSet, source: Path, folder: Path) -> Files:
    """Write contract and rows of a set into ``folder/NAME``; what stands there is replaced."""
    own = folder / data_set.name
    own.mkdir(parents=True, exist_ok=True)
    files = Files(own / "set.schema.json", own / "train.csv", own / "test.csv")
    frames = read_frames(data_set, source)
    files.schema.write_text(data_set.schema(), encoding="utf-8")
    frames.train.to_csv(files.train, index=False, lineterminator="\n")
    frames.test.to_csv(files.test, index=False, lineterminator="\n")
    return files


def sets_named(names: Iterable[str]) -> tuple[DataSet, ...]:
    """The sets of these names, all for none; ValueError for a name of none."""
    by_name = {one.name: one for one in SETS}
    if unknown := [name for name in names if name not in by_name]:
        raise ValueError(f"{unknown[0]!r} is no data set; there are {', '.join(by_name)}")
    return tuple(by_name[name] for name in names) or SETS


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the sets; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True, help="folder of the sources, one folder for each")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--sets", nargs="+", default=(), help="names of sets (default: all)")
    given = parser.parse_args(arguments)
    for data_set in sets_named(given.sets):
        files = write_files(data_set, given.source, given.out)
        tell(f"{data_set.name}: {files.train.parent}")


if __name__ == "__main__":
    main()
