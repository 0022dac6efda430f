"""Rings: applications of different applicants whose narratives are copies of each other, or of one template."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from features.sources.database import literal, temporary_database
from fusion.watch.copies.pairs import PAIRS
from fusion.watch.copies.store import SHARED, Store
from fusion.watch.signals import RowRef

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
        narratives: columns whose texts are copies.
    """

    row: RowRef
    period: str
    applicant: int
    shared: Mapping[str, int]
    narratives: tuple[str, ...]


@dataclass(frozen=True)
class Ring:
    """Applications that are linked by copied narratives.

    Attributes:
        number: of twelve digits, made of the first member, so that it stays when others join; where two rings turn out
            to be one, it has the older one's.
        members: in the order of their files, then of periods and ids.
    """

    number: str
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
    nodes = _linked(store, digests)
    if not len(nodes):
        return ()
    members: dict[int, list[tuple[tuple[int, str, str], Member]]] = defaultdict(list)
    for label, order, member in _members(store, digests, nodes):
        members[label].append((order, member))
    rings = []
    for own in members.values():
        ordered = tuple(member for _, member in sorted(own, key=itemgetter(0)))
        ring = Ring(_number(ordered[0]), ordered)
        if ring.n_applicants >= least:
            rings.append(ring)
    return tuple(sorted(rings, key=lambda ring: (-ring.n_applicants, ring.number)))


def _number(first: Member) -> str:
    return hashlib.sha256(f"{first.period}\n{first.row.id}".encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _linked(store: Store, digests: Sequence[str]) -> pa.Table:
    """The rows that are copies: place of the file, row, number of the connected component, narrative."""
    paths = [path for path in map(store.pairs_of, digests) if path.exists()]
    pairs = pa.concat_tables([PAIRS.empty_table(), *map(pq.read_table, paths)])
    ends = []
    for side in ("late", "early"):
        file = pc.index_in(pairs[f"{side}_file"], pa.array(digests, pa.string()))
        ends.append(pa.table({"file": file, "row": pairs[side], "narrative": pairs["narrative"]}))
    both = pa.concat_tables(ends).to_pandas()
    codes, _ = pd.MultiIndex.from_frame(both[["file", "row"]]).factorize()
    late, early = np.split(codes, 2)
    size = int(codes.max(initial=-1)) + 1
    links = coo_matrix((np.ones(len(late), np.int8), (late, early)), shape=(size, size))
    both["label"] = connected_components(links, directed=False)[1][codes] if size else codes
    return pa.Table.from_pandas(both.drop_duplicates(), preserve_index=False)


def _members(
    store: Store, digests: Sequence[str], nodes: pa.Table
) -> Iterator[tuple[int, tuple[int, str, str], Member]]:
    """Each linked row with the number of its component and its place among the members of that."""
    listed = ", ".join(literal(str(store.rows_of(digest))) for digest in digests)
    shared = "".join(f', "{SHARED}{name.replace(chr(34), chr(34) * 2)}"' for name in store.columns)
    with temporary_database(MEMORY_MB, 0, "rings of copies cannot be read") as connection:
        connection.register("nodes", nodes)
        found = connection.sql(f"""
            SELECT label, nodes.file AS place, kept.file AS file, kept.row AS row, id, period, applicant,
                list_sort(list(DISTINCT nodes.narrative)) AS narratives{shared}
            FROM read_parquet([{listed}], filename = true, union_by_name = true) kept
            JOIN nodes ON nodes.row = kept.row AND nodes.file = list_position([{listed}], filename) - 1
            WHERE is_first GROUP BY ALL""")
        for batch in found.to_arrow_reader(ROWS_AT_A_TIME):
            for line in batch.to_pylist():
                own = {name: line[f"{SHARED}{name}"] for name in store.columns}
                known = {name: value for name, value in own.items() if value is not None}
                row = RowRef(line["file"], line["row"], line["id"])
                member = Member(row, line["period"], line["applicant"], known, tuple(line["narratives"]))
                yield line["label"], (line["place"], line["period"], line["id"]), member
