"""Second models of a run, such as one of fraud: their probabilities beside the PDs of the rows of one file.

A second model reads the same file by its own data contract, and so may need other columns of it. A row that breaks that
contract has no probability.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from experiments.session.progress import advance_to
from experiments.session.run import Run
from features.arrays import Floats, Ints
from features.tables.applications import Applications, Chunk
from features.tables.reader import ReadOptions, read_chunks
from fusion.monitor import Monitor
from fusion.policy.policy import Seconds
from fusion.scorer import Scorer, load_scorer
from fusion.text_encoder import VectorCache

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

SecondRows = Mapping[str, Sequence[Applications]]
"""By the names of second models: the applications of some rows that keep their contracts."""


@dataclass(frozen=True)
class SecondModels:
    """Second models by their names.

    Attributes:
        scorers: each with its encoder.
    """

    scorers: Mapping[str, Scorer] = field(default_factory=dict)

    @staticmethod
    def load(given: Sequence[str], vectors: VectorCache | None = None, threads: int = 0) -> SecondModels:
        """The models that ``--second NAME=BUNDLE`` name.

        Raises ContractError for what names none, a name that is given twice, or a model whose schema has further
        sources; else as ``load_scorer`` does.
        """
        bundles = named_bundles(given)
        scorers = {
            name: load_scorer(path, cache=vectors, seconds=None, threads=threads) for name, path in bundles.items()
        }
        for name, scorer in scorers.items():
            if scorer.schema.sources:
                what = f"second model {name} needs records of {', '.join(one.name for one in scorer.schema.sources)}"
                raise ContractError(what, "Train it on a contract without further sources.")
        return SecondModels(scorers)

    @property
    def identity(self) -> str:
        """Names all that the probabilities depend on, in a line; "none" without a model."""
        parts = [f"{name} {one.model_id} {one.encoder_digest[:12]}" for name, one in sorted(self.scorers.items())]
        return ", ".join(parts) or "none"

    @property
    def contracts(self) -> SecondContracts:
        """What reading a file for them takes."""
        return SecondContracts({name: scorer.schema for name, scorer in self.scorers.items()})

    def open(self, path: Path, options: ReadOptions) -> SecondReading:
        """Begin to read a file, as ``options`` read it for the first model."""
        return SecondReading(self, self.contracts.open(path, options))

    def probabilities(self, rows: Ints, found: SecondRows, monitor: Monitor) -> Seconds:
        """Probabilities of applications by the numbers of their rows, in rising order; NaN for those not found.

        Args:
            rows: int64 (n,), all of them.
            found: By model those that keep its contract.
            monitor: Follows the texts.
        """
        return {name: self._of_one(scorer, rows, found.get(name, ()), monitor) for name, scorer in self.scorers.items()}

    def _of_one(self, scorer: Scorer, rows: Ints, found: Sequence[Applications], monitor: Monitor) -> Floats:
        probabilities = np.full(len(rows), np.nan)
        for own in found:
            reading = scorer.read(own, Monitor(on_texts=monitor.on_texts))
            probabilities[np.searchsorted(rows, own.row_number)] = scorer.scores(reading).pd
        return probabilities

    def beside(self, paths: Sequence[Path], options: ReadOptions, rows: RowPlaces, run: Run) -> Seconds:
        """Probabilities of rows of several files, which the first model reads with ``options``.

        Raises as ``SecondReading.beside`` does.
        """
        found = {name: np.full(len(rows.file), np.nan) for name in self.scorers}
        if not self.scorers:
            return found
        with run.timed("second models"), run.progress("encode", unit="texts") as on_text:
            for at, path in enumerate(paths):
                own = rows.file == at
                if own.any():
                    pds = self.open(path, options).beside(rows.row[own], Monitor(on_texts=advance_to(on_text)))
                    for name, pd in pds.items():
                        found[name][own] = pd
        return found


NO_SECOND_MODELS = SecondModels()


@dataclass(frozen=True)
class RowPlaces:
    """Where rows of several files stand, file by file.

    Attributes:
        file: int64 (n,), number of the file, from 0.
        row: int64 (n,), number of the row in its file, rising within each file.
    """

    file: Ints
    row: Ints


@dataclass(frozen=True)
class SecondContracts:
    """How files are read for second models, without the models: a reader may be another process than the scorer.

    Attributes:
        schemas: by the models' names.
    """

    schemas: Mapping[str, Schema] = field(default_factory=dict)

    def open(self, path: Path, options: ReadOptions) -> SecondRowsReading:
        """Begin to read a file, as ``options`` read it for the first model."""
        own = replace(options, passthrough=(), joined=None, need_target=False, outcome_if_known=False)
        return SecondRowsReading({name: _Stream(name, schema, path, own) for name, schema in self.schemas.items()})


@dataclass(frozen=True)
class SecondRowsReading:
    """A file as it is read by the contracts of second models.

    Attributes:
        streams: one for each model.
    """

    streams: Mapping[str, _Stream]

    def of_rows(self, rows: Ints) -> SecondRows:
        """The applications of these rows, in rising order, behind those asked for before, that keep each contract.

        Raises ContractError, naming the model, where the file lacks columns that it needs.
        """
        return {name: stream.of_rows(rows) for name, stream in self.streams.items()}


@dataclass(frozen=True)
class SecondReading:
    """A file as it is read and scored by second models.

    Attributes:
        models: the models.
        rows: the file.
    """

    models: SecondModels
    rows: SecondRowsReading

    def beside(self, rows: Ints, monitor: Monitor) -> Seconds:
        """Probabilities of applications by the numbers of their rows, in rising order, behind those asked for before.

        Raises as ``SecondRowsReading.of_rows``.
        """
        return self.models.probabilities(rows, self.rows.of_rows(rows), monitor)


class _Stream:
    """A file read for one second model as far as it is needed."""

    def __init__(self, name: str, schema: Schema, path: Path, options: ReadOptions) -> None:
        self.name = name
        self.chunks: Iterator[Chunk] | None = read_chunks(path, schema, options)
        self.pending: list[Chunk] = []

    def of_rows(self, rows: Ints) -> tuple[Applications, ...]:
        """The applications of these rows that keep the contract."""
        if not len(rows):
            return ()
        self._read_through(int(rows[-1]))
        wanted = [chunk.applications.take(np.isin(chunk.applications.row_number, rows)) for chunk in self.pending]
        self.pending = [chunk for chunk in self.pending if _last_row(chunk) > rows[-1]]
        return tuple(own for own in wanted if len(own))

    def _read_through(self, row: int) -> None:
        """Read until this row of the file, or its end, was read."""
        while self.chunks is not None and (not self.pending or _last_row(self.pending[-1]) < row):
            try:
                chunk = next(self.chunks, None)
            except ContractError as error:
                raise ContractError(f"second model {self.name}: {error.message}", error.remedy) from error
            if chunk is None:
                self.chunks = None
            else:
                self.pending.append(chunk)


def _last_row(chunk: Chunk) -> int:
    """Number of the last row of a chunk; 0 for an empty one."""
    applications, rejects = chunk.applications.row_number, chunk.rejects.frame["row"].to_numpy()
    return int(max(applications[-1] if len(applications) else 0, rejects[-1] if len(rejects) else 0))


def named_bundles(given: Sequence[str]) -> Mapping[str, Path]:
    """Bundles by name, as ``NAME=BUNDLE`` name them; raises ContractError for what names none, or a name twice."""
    found: dict[str, Path] = {}
    for one in given:
        name, equals, path = one.partition("=")
        if not (equals and path and _NAME.fullmatch(name)):
            remedy = "Write NAME=BUNDLE with a name of letters, digits and _, such as fraud=models/fraud."
            raise ContractError(f"--second {one} names no model", remedy)
        if name in found:
            raise ContractError(f"--second names {name} twice", "Give each second model a name of its own.")
        found[name] = Path(path)
    return found
