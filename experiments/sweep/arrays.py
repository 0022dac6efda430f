"""What every trial reads, computed once and mapped into the memory of all workers: no trial encodes anything.

One folder of ``.npy`` files per set of rows: columns and outcomes once, narrative vectors once for each way of encoding
that the space allows, words once for each way of counting them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from data_schemas.errors import RunError
from features.arrays import Index, Ints
from features.atomic_files import new_folder
from features.design import Design, TabularBlock, TextBlock
from features.narratives.reader import TextReader
from features.tables.applications import Applications
from features.tables.auxiliary_outcomes import auxiliary_outcomes
from features.tabular import TabularEncoder
from fusion.config import Config, EncoderConfig, TextConfig
from fusion.model.search_space import Space
from fusion.model.training_sample import Auxiliary, TrainingSample
from fusion.text_encoder import OpenEncoder

SEARCH, HELD_OUT = "search", "held_out"
CSR = ("data", "indices", "indptr")

Progress = Callable[[int], None]
Stage = Callable[[str], AbstractContextManager[Progress]]


@dataclass(frozen=True)
class Source:
    """What arrays are made of.

    applications: without what the base config masks. groups: int64 (n,), ``folds.tied_groups`` of these. rows:
    positions of the rows to search with (``SEARCH``), and of those of the final check (``HELD_OUT``).
    open_encoder: the text encoder of a config, behind its cache.
    """

    applications: Applications
    groups: Ints
    rows: Mapping[str, Index]
    open_encoder: Callable[[EncoderConfig], OpenEncoder]


@dataclass(frozen=True)
class Arrays:
    """A folder that ``write_arrays`` made."""

    folder: Path

    def sample(self, rows: str, config: Config) -> TrainingSample:
        """The rows ``SEARCH`` or ``HELD_OUT`` as ``config`` reads them; what stays unread stays on the disk."""
        folder = self.folder / rows
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        vectors, words = _vectors_name(config.encoder), _words_name(config.text)
        csr = tuple(_mapped(folder, f"{words}-{field}") for field in CSR)
        x_lex = sparse.csr_matrix(csr, shape=(len(csr[2]) - 1, about["n_words"][words]))
        written, x_style = _mapped(folder, "has_text"), _mapped(folder, "x_style")
        text = TextBlock(_mapped(folder, vectors), written, x_lex, tuple(about["narratives"]), x_style)
        tabular = TabularBlock(
            _mapped(folder, "x_num"),
            _mapped(folder, "x_cat"),
            tuple(about["num_names"]),
            tuple(about["cat_names"]),
            tuple(about["n_levels"]),
        )
        decided = _mapped(folder, "decided") if about["dated"] else None
        y, groups = _mapped(folder, "y"), _mapped(folder, "groups")
        outcomes = zip(about["auxiliary"], _mapped(folder, "auxiliary"), strict=True)
        auxiliary = tuple(Auxiliary(name, values) for name, values in outcomes)
        return TrainingSample(Design(tabular, text), y, groups, tuple(about["monotone"]), decided, auxiliary)


def write_arrays(source: Source, space: Space, base: Config, folder: Path, stage: Stage) -> Arrays:
    """Write what the trials of ``space`` may ask for. stage: opens the progress, in texts, of one way of encoding.

    The columns' levels are those of the rows to search with. What is written tells of applicants, so only its owner may
    look. Raises RunError when the folder cannot be written.
    """
    try:
        with new_folder(folder) as fresh:
            fresh.chmod(0o700)
            for name in (SEARCH, HELD_OUT):
                (fresh / name).mkdir()
            n_words = {}
            for name, array in _texts(source, space, base, stage):
                if name.startswith("words-"):
                    n_words[name] = array.shape[1]
                for rows, index in source.rows.items():
                    _save(fresh / rows, name, array[index])
            _write_columns(source, n_words, fresh)
    except OSError as error:
        raise RunError(
            f"the arrays of the sweep cannot be written to {folder}: {error.strerror}",
            "Choose another --out, or free the disk.",
        ) from error
    return Arrays(folder)


def _texts(source: Source, space: Space, base: Config, stage: Stage) -> Iterator[tuple[str, Any]]:
    """Every way to encode the narratives and to count their words, by name."""
    applications = source.applications
    encoders = {_vectors_name(one.encoder): one.encoder for one in space.options(base, "encoder")}
    texts = {_words_name(one.text): one.text for one in space.options(base, "text")}
    for name, config in encoders.items():
        reader = TextReader(applications.schema, source.open_encoder(config).text_encoder, 1, 1, base.text.style)
        with stage(name) as progress:
            text = reader.read(applications, progress)
        yield name, text.x_text
    yield "has_text", text.has_text
    yield "x_style", text.x_style
    for name, counted in texts.items():
        counter = TextReader(applications.schema, reader.encoder, counted.n_buckets, counted.ngrams)
        yield name, counter.read_words(applications)


def _write_columns(source: Source, n_words: Mapping[str, int], folder: Path) -> None:
    """Everything but the texts."""
    applications = source.applications
    tabular = TabularEncoder.fit(applications.take(source.rows[SEARCH]))
    for rows, index in source.rows.items():
        own = applications.take(index)
        block, y, decided = tabular.encode(own), own.outcome(), own.decision_date()
        auxiliary = auxiliary_outcomes(own, y)
        arrays = {"x_num": block.x_num, "x_cat": block.x_cat, "y": y, "groups": source.groups[index]}
        arrays["auxiliary"] = np.array(list(auxiliary.values()), dtype=np.float64).reshape(len(auxiliary), len(y))
        for name, array in (arrays if decided is None else {**arrays, "decided": decided}).items():
            _save(folder / rows, name, array)
        about = {
            "num_names": block.num_names,
            "cat_names": block.cat_names,
            "n_levels": block.n_levels,
            "monotone": tabular.monotone,
            "narratives": [field.name for field in own.schema.narratives],
            "n_words": n_words,
            "dated": decided is not None,
            "auxiliary": list(auxiliary),
        }
        (folder / rows / "about.json").write_text(json.dumps(about), encoding="utf-8")


def _vectors_name(config: EncoderConfig) -> str:
    return f"vectors-{config.unit}-{config.window}-{config.pooling}"


def _words_name(config: TextConfig) -> str:
    return f"words-{config.n_buckets}-{config.ngrams}"


def _save(folder: Path, name: str, array: Any) -> None:
    parts = {f"{name}-{field}": getattr(array, field) for field in CSR} if sparse.issparse(array) else {name: array}
    for part, values in parts.items():
        np.save(folder / f"{part}.npy", np.ascontiguousarray(values), allow_pickle=False)


def _mapped(folder: Path, name: str) -> Any:
    """The array of a file, read as it is looked at."""
    return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))
