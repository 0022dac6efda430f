"""A random sample of the rows of a file whose columns are not known yet, as text and in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from data_schemas.contract import Dialect, Schema
from data_schemas.errors import ContractError
from data_schemas.fields import Field, FieldType, Role
from features.arrays import Ints
from features.tables.containers import is_parquet
from features.tables.layout import Layout, find_layout
from features.tables.text_rows import TextRows, csv_rows, header_names, parquet_rows

_CHUNK_ROWS = 10_000
_FOUND = Dialect()


def _all_text(names: list[str]) -> Schema:
    """A schema that takes every column for text, so that the readers hand over each cell as it stands."""
    fields = tuple(Field(name, FieldType.STRING, Role.FEATURE, title=name) for name in names)
    return Schema(
        name="unknown",
        title="",
        fields=fields,
        derived=(),
        bad_values=(),
        good_values=(),
        undecided_values=(),
        strip=(),
        concepts=(),
        digest="",
        source="",
    )


_NONE = _all_text([])


@dataclass(frozen=True)
class FileSample:
    """Rows drawn from a file.

    Attributes:
        table: the cells as written, "" where a Parquet file has no value; rows in file order, each column Arrow strings
            by place among its distinct ones, so that many rows of few levels take little memory and time.
        row_number: int64 (n,), 1-based number of each row among the rows of the file.
        n_rows: rows in the file.
        n_damaged: those of them that could not be split into cells, which are never drawn.
        layout: of the file; None for Parquet.
    """

    table: pa.Table
    row_number: Ints
    n_rows: int
    n_damaged: int
    layout: Layout | None

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The table as categorical columns."""
        return pd.DataFrame({name: self.table[name].to_pandas() for name in self.table.column_names})


def sample_rows(
    path: Path,
    n_rows: int,
    dialect: Dialect = _FOUND,
    on_rows: Callable[[int], None] | None = None,
) -> FileSample:
    """Draw ``n_rows`` rows of a CSV or Parquet file or a workbook, each as likely as any other; all when it has fewer.

    Every row gets a random key and those with the smallest keys stay, so that one pass is enough. The draw is the same
    each time.

    Args:
        dialect: what is known of how the file is written.
        on_rows: called with the number of further rows read.

    Raises:
        ContractError: for a header that names columns badly or not at all.
        RunError: for a file that cannot be read.
    """
    keys, kept, numbers = np.empty(0), pa.table({}), np.empty(0, dtype=np.int64)
    random = np.random.default_rng(0)
    total = damaged = 0
    layout = None if is_parquet(path) else find_layout(path, _NONE, dialect)
    for rows in _text_rows(path, layout, dialect):
        n_new = len(rows.row_number)
        new_keys = random.random(n_new)
        hopeful = new_keys < (keys.max() if len(keys) == n_rows else 1.0)
        new = pa.table(rows.cells)
        new = new if hopeful.all() else new.filter(pa.array(hopeful))
        kept = pa.concat_tables([kept, new]) if total else new
        keys = np.concatenate([keys, new_keys[hopeful]])
        numbers = np.concatenate([numbers, rows.row_number[hopeful]])
        if len(keys) > n_rows:
            stay = np.sort(np.argpartition(keys, n_rows)[:n_rows])
            keys, kept, numbers = keys[stay], kept.take(stay), numbers[stay]
        total += n_new + len(rows.rejects)
        damaged += len(rows.rejects)
        if on_rows:
            on_rows(n_new + len(rows.rejects))
    coded = {name: kept.column(name).fill_null("").dictionary_encode() for name in kept.column_names}
    return FileSample(pa.table(coded).combine_chunks(), numbers, total, damaged, layout)


def all_cells(path: Path, names: Sequence[str], dialect: Dialect = _FOUND) -> pa.Table:
    """Some columns of all rows of a file that can be split into cells, as Arrow strings as they are written."""
    layout = None if is_parquet(path) else find_layout(path, _NONE, dialect)
    parts = [pa.table({name: rows.cells[name] for name in names}) for rows in _text_rows(path, layout, dialect)]
    return pa.concat_tables(parts)


def _text_rows(path: Path, layout: Layout | None, dialect: Dialect) -> Iterator[TextRows]:
    names = list(layout.names[: len(layout.names) - layout.n_empty]) if layout else header_names(path, _NONE, dialect)
    if layout and layout.counts_rows:
        names = names[1:]
    if "" in names:
        where = f"column {names.index('') + 1} of the header has no name"
        raise ContractError(f"{path}: {where}", "Name every column in the file's first row.")
    schema = _all_text(names)
    if layout is None:
        return parquet_rows(path, schema, False, _CHUNK_ROWS)
    return csv_rows(path, schema, False, _CHUNK_ROWS, replace(dialect, delimiter=layout.delimiter))
