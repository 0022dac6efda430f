from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.watch.copies.pairs import NEIGHBOURS, find_pairs
from fusion.watch.copies.rings import Ring, find_rings
from tests.support.copied import Row, exchanged, narrative, store_of

BACKGROUND = [Row(f"b{at}", narrative(40, at)) for at in range(60)]
TEMPLATE = narrative(40, 1000)


def _copies(n: int, name: str = "r", **cells: str) -> list[Row]:
    return [Row(f"{name}{at}", exchanged(TEMPLATE, at), **cells) for at in range(n)]


def _rings(
    folder: Path, *files: list[Row], days: int = 90, at_once: bool = False, chunk: int = 1000
) -> tuple[Ring, ...]:
    store, digests = store_of(folder, *files, chunk=chunk)
    for n in [len(digests)] if at_once else range(1, len(digests) + 1):
        find_pairs(store, digests[:n], 0 if at_once else n - 1, days)
    return find_rings(store, digests)


def _ids(ring: Ring) -> set[str]:
    return {member.row.id for member in ring.members}


def test_copies_of_a_template_with_a_tenth_of_the_words_exchanged_are_one_ring(tmp_path: Path) -> None:
    (ring,) = _rings(tmp_path, [*BACKGROUND, *_copies(8)])
    assert _ids(ring) == {f"r{at}" for at in range(8)}
    assert ring.narrative == "note"


@settings(max_examples=5, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30)), min_size=2, max_size=20, unique=True),
    st.randoms(use_true_random=False),
    st.integers(1, 9),
)
def test_order_and_chunks_of_rows_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[int, int]], mixer: random.Random, chunk: int
) -> None:
    copies = [Row(f"{one}/{at}", exchanged(narrative(30, 2000 + one), at, 0.05)) for one, at in drawn]
    rows = [*BACKGROUND[:20], *copies]
    mixed = mixer.sample(rows, len(rows))
    found, other = (
        {(ring.number, frozenset(_ids(ring))) for ring in _rings(tmp_path_factory.mktemp("store"), own, chunk=n)}
        for own, n in ((rows, 1000), (mixed, chunk))
    )
    assert found == other
    assert all(len({one.partition("/")[0] for one in ids}) == 1 for _, ids in found)  # two templates are never joined


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10**6), st.integers(8, 60), st.integers(3, 30))
def test_identical_texts_are_always_one_ring(
    tmp_path_factory: pytest.TempPathFactory, seed: int, n_words: int, n: int
) -> None:
    rows = [Row(f"r{at}", narrative(n_words, seed)) for at in range(n)]
    (ring,) = _rings(tmp_path_factory.mktemp("store"), rows)
    assert ring.n_applicants == n


def test_a_ring_keeps_its_number_when_later_files_add_members(tmp_path: Path) -> None:
    first = [*BACKGROUND, *(Row(f"r{at}", exchanged(TEMPLATE, at, 0.05)) for at in range(5))]
    later = _copies(4, "s")
    (before,) = _rings(tmp_path / "a", first)
    (after,) = _rings(tmp_path / "b", first, later)
    (at_once,) = _rings(tmp_path / "c", first, later, at_once=True)
    assert after.number == before.number
    assert _ids(after) == _ids(before) | {f"s{at}" for at in range(4)}
    assert (at_once.number, _ids(at_once)) == (after.number, _ids(after))


def test_narratives_that_are_linked_in_a_chain_are_no_ring(tmp_path: Path) -> None:
    sentences = [narrative(14, 3000 + at) for at in range(13)]
    chain = [Row(f"c{at}", f"{one} {two}") for at, (one, two) in enumerate(pairwise(sentences))]
    store, digests = store_of(tmp_path, chain)
    find_pairs(store, digests, 0, 90)
    assert find_rings(store, digests) == ()


def test_an_applicant_who_copies_himself_is_no_ring(tmp_path: Path) -> None:
    assert _rings(tmp_path, _copies(8, person="p1")) == ()


def test_copies_further_apart_than_the_window_are_no_ring(tmp_path: Path) -> None:
    files = [[Row(f"r{at}", TEMPLATE) for at in range(2)], [Row("s", TEMPLATE, day="2026-07-01")]]
    assert _rings(tmp_path / "a", *files) == ()
    assert len(_rings(tmp_path / "b", *files, days=200)) == 1


def test_a_file_that_is_kept_again_is_not_counted_twice(tmp_path: Path) -> None:
    store, digests = store_of(tmp_path, _copies(5))
    find_pairs(store, digests, 0, 90)
    before = find_rings(store, digests)
    store_of(tmp_path, _copies(5))
    find_pairs(store, digests, 0, 90)
    assert find_rings(store, digests) == before


def test_a_flood_of_copies_is_one_ring_and_costs_a_few_pairs_each(tmp_path: Path) -> None:
    (ring,) = _rings(tmp_path, [Row(f"r{at}", TEMPLATE) for at in range(400)])
    assert ring.n_applicants == 400
    assert pq.read_table(tmp_path / "digest0.pairs.parquet").num_rows <= 400 * NEIGHBOURS


def test_members_that_share_an_employer_are_joined(tmp_path: Path) -> None:
    rows = _copies(5)
    named = [Row(row.id, row.note, employer="Acme, Inc." if at < 2 else "") for at, row in enumerate(rows)]
    (ring,) = _rings(tmp_path, [*named, Row("r9", TEMPLATE, employer="ACME inc")])
    ids = [ring.members[at].row.id for at in ring.shares()["employer"][0]]
    assert ids == ["r0", "r1", "r9"]


def test_no_text_is_kept(tmp_path: Path) -> None:
    store, digests = store_of(tmp_path, _copies(5, employer="Acme"))
    find_pairs(store, digests, 0, 90)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not any(word.encode() in kept for word in [*TEMPLATE.split(), "Acme", "acme"])
