"""A random sample of the rows of a file whose columns are not known yet, as text and in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from data_schemas.contract import Field, FieldType, Role, Schema
from data_schemas.errors import ContractError
from features.tables.sources import TextRows, csv_rows, header_names, parquet_rows

_CHUNK_ROWS = 10_000


@dataclass(frozen=True)
class FileSample:
    """Rows drawn from a file.

    Attributes:
        frame: object dtype, the cells as written, "" where a Parquet file has no value; rows in file order.
        n_rows: rows in the file.
        n_damaged: those of them that could not be split into cells, which are never drawn.
    """

    frame: pd.DataFrame
    n_rows: int
    n_damaged: int


def sample_rows(
    path: Path,
    n_rows: int,
    delimiter: str = ",",
    encoding: str | None = None,
    on_rows: Callable[[int], None] | None = None,
) -> FileSample:
    """Draw ``n_rows`` rows of a CSV, gzipped CSV or Parquet file, each as likely as any other; all when it has fewer.

    Every row gets a random key and those with the smallest keys stay, so that one pass is enough. The draw is the same
    each time.

    Args:
        on_rows: called with the number of further rows read.

    Raises:
        ContractError: for a header that names columns badly or not at all.
        RunError: for a file that cannot be read.
    """
    keys, kept = np.empty(0), pd.DataFrame()
    random = np.random.default_rng(0)
    total = damaged = 0
    for rows in _text_rows(path, delimiter, encoding):
        n_new = len(rows.row_number)
        new_keys = random.random(n_new)
        hopeful = new_keys < (keys.max() if len(keys) == n_rows else 1.0)
        cells = {name: column.fill_null("").to_numpy(zero_copy_only=False) for name, column in rows.cells.items()}
        frame = pd.DataFrame({name: values[hopeful] for name, values in cells.items()}, dtype=object)
        kept = pd.concat([kept, frame], ignore_index=True) if total else frame
        keys = np.concatenate([keys, new_keys[hopeful]])
        if len(keys) > n_rows:
            stay = np.sort(np.argpartition(keys, n_rows)[:n_rows])
            keys, kept = keys[stay], kept.iloc[stay].reset_index(drop=True)
        total += n_new + len(rows.rejects)
        damaged += len(rows.rejects)
        if on_rows:
            on_rows(n_new + len(rows.rejects))
    return FileSample(kept, total, damaged)


def _text_rows(path: Path, delimiter: str, encoding: str | None) -> Iterator[TextRows]:
    names = header_names(path, _all_text([]), delimiter, encoding)
    if "" in names:
        where = f"column {names.index('') + 1} of the header has no name"
        raise ContractError(f"{path}: {where}", "Name every column in the file's first row.")
    other = next((mark for mark in ";\t|" if mark in names[0]), None)
    if len(names) == 1 and other:
        remedy = f"Set the delimiter option to {other!r}."
        raise ContractError(f"{path}: the header has one column, {names[0][:80]!r}", remedy)
    schema = _all_text(names)
    if path.suffix.lower() == ".parquet":
        return parquet_rows(path, schema, False, _CHUNK_ROWS)
    return csv_rows(path, schema, False, _CHUNK_ROWS, delimiter, encoding)


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
