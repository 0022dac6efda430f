"""Rings: applications of different applicants whose narratives are copies of each other, or of one template."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.arrays import Index
from features.sources.database import literal, temporary_database
from fusion.watch.copies.pairs import PAIRS
from fusion.watch.copies.signatures import N_BANDS, Bands
from fusion.watch.copies.store import SHARED, Store
from fusion.watch.copies.templates import by_template
from fusion.watch.signals import RowRef

if TYPE_CHECKING:
    import duckdb

MEMORY_MB = 1024
ROWS_AT_A_TIME = 100_000
LEAST_APPLICANTS = 3
"""Of a ring: that two people wrote alike by themselves happens; a third who did as well is rare."""


@dataclass(frozen=True)
class Member:
    """An application of a ring.

    Attributes:
        row: where it stands.
        period: of the row.
        applicant: keyed hash of who applied.
        shared: keyed hash of its value of each column that people may share, where it has one.
    """

    row: RowRef
    period: str
    applicant: int
    shared: Mapping[str, int]


@dataclass(frozen=True)
class Ring:
    """Applications whose narratives are copies of one template.

    Attributes:
        number: of twelve digits, made of the first member, so that it stays when later ones join; where two rings turn
            out to be one, it has the older one's.
        narrative: column of the copied texts.
        members: in the order of their files, then of periods and ids.
    """

    number: str
    narrative: str
    members: tuple[Member, ...]

    @property
    def n_applicants(self) -> int:
        """Different people."""
        return len({member.applicant for member in self.members})

    def shares(self) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        """By column, the positions of members that have a value in common with another applicant, by value."""
        found: dict[str, tuple[tuple[int, ...], ...]] = {}
        for column in sorted({name for member in self.members for name in member.shared}):
            alike: dict[int, list[int]] = defaultdict(list)
            for at, member in enumerate(self.members):
                if column in member.shared:
                    alike[member.shared[column]].append(at)
            groups = [tuple(own) for own in alike.values() if len({self.members[at].applicant for at in own}) > 1]
            if groups:
                found[column] = tuple(groups)
        return found


def find_rings(store: Store, digests: Sequence[str], least: int = LEAST_APPLICANTS) -> tuple[Ring, ...]:
    """The rings in the files of these digests, the largest first.

    Args:
        store: where their rows and pairs are kept.
        digests: of the files, in the order in which they came.
        least: applicants of a ring.
    """
    linked, late, early = _linked(store, digests)
    if not len(linked):
        return ()
    found: dict[tuple[int, str], list[tuple[tuple[int, str, str], Member]]] = defaultdict(list)
    with temporary_database(MEMORY_MB, 0, "rings of copies cannot be read") as connection:
        _view(connection, store, digests)
        linked["label"] = by_template(_bands(connection, linked), late, early)
        connection.register("copies", pa.Table.from_pandas(linked[linked["label"] >= 0], preserve_index=False))
        for label, narrative, order, member in _members(connection, store):
            found[label, narrative].append((order, member))
    rings = []
    for (_, narrative), own in found.items():
        members = tuple(member for _, member in sorted(own, key=itemgetter(0)))
        ring = Ring(_number(members[0], narrative), narrative, members)
        if ring.n_applicants >= least:
            rings.append(ring)
    return tuple(sorted(rings, key=lambda ring: (-ring.n_applicants, ring.number)))


def _number(first: Member, narrative: str) -> str:
    name = f"{narrative}\n{first.period}\n{first.row.id}"
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _linked(store: Store, digests: Sequence[str]) -> tuple[pd.DataFrame, Index, Index]:
    """The narratives that are copies of another: place of the file, row, narrative column; and the places of both ends
    of each link among them.
    """
    paths = [path for path in map(store.pairs_of, digests) if path.exists()]
    pairs = pa.concat_tables([PAIRS.empty_table(), *map(pq.read_table, paths)])
    ends = []
    for side in ("late", "early"):
        place = pc.index_in(pairs[f"{side}_file"], pa.array(digests, pa.string()))
        ends.append(pa.table({"place": place, "row": pairs[side], "narrative": pairs["narrative"]}).to_pandas())
    codes, linked = pd.MultiIndex.from_frame(pd.concat(ends)).factorize()
    late, early = np.split(codes, 2)
    return pd.DataFrame(linked.tolist(), columns=["place", "row", "narrative"]), late, early


def _view(connection: duckdb.DuckDBPyConnection, store: Store, digests: Sequence[str]) -> None:
    listed = ", ".join(literal(str(store.rows_of(digest))) for digest in digests)
    connection.execute(f"""
        CREATE VIEW kept AS
        SELECT * REPLACE (narrative::VARCHAR AS narrative), list_position([{listed}], filename) - 1 AS place
        FROM read_parquet([{listed}], filename = true, union_by_name = true)""")


def _bands(connection: duckdb.DuckDBPyConnection, linked: pd.DataFrame) -> Bands:
    """The signatures of these narratives."""
    connection.register(
        "linked", pa.Table.from_pandas(linked.assign(code=np.arange(len(linked))), preserve_index=False)
    )
    bands = np.zeros((len(linked), N_BANDS), dtype=np.uint64)
    query = "SELECT code, bands FROM kept JOIN linked USING (place, row, narrative)"
    for batch in connection.sql(query).to_arrow_reader(ROWS_AT_A_TIME):
        own = batch["bands"].flatten().to_numpy(zero_copy_only=False)
        bands[batch["code"].to_numpy(zero_copy_only=False)] = own.reshape(-1, N_BANDS)
    return bands


def _members(
    connection: duckdb.DuckDBPyConnection, store: Store
) -> Iterator[tuple[int, str, tuple[int, str, str], Member]]:
    """Each copy with the number of its template, its narrative column and its place among the copies of that."""
    shared = "".join(f', "{SHARED}{name.replace(chr(34), chr(34) * 2)}"' for name in store.columns)
    query = f"""
        SELECT label, narrative, place, file, row, id, period, applicant{shared}
        FROM kept JOIN copies USING (place, row, narrative)"""
    for batch in connection.sql(query).to_arrow_reader(ROWS_AT_A_TIME):
        for line in batch.to_pylist():
            own = {name: line[f"{SHARED}{name}"] for name in store.columns}
            known = {name: value for name, value in own.items() if value is not None}
            row = RowRef(line["file"], line["row"], line["id"])
            member = Member(row, line["period"], line["applicant"], known)
            yield line["label"], line["narrative"], (line["place"], line["period"], line["id"]), member
