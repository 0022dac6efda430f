from __future__ import annotations

import random
from pathlib import Path

import pytest

from fusion.watch.copies.pairs import find_pairs
from fusion.watch.copies.rings import Ring, find_rings
from tests.support.copied import Row, exchanged, narrative, store_of

BACKGROUND = [Row(f"b{at}", narrative(40, at)) for at in range(60)]
TEMPLATE = narrative(40, 1000)


def _copies(n: int, name: str = "r", **cells: str) -> list[Row]:
    return [Row(f"{name}{at}", exchanged(TEMPLATE, at), **cells) for at in range(n)]


def _rings(folder: Path, *files: list[Row], days: int = 90, at_once: bool = False) -> tuple[Ring, ...]:
    store, digests = store_of(folder, *files)
    for n in [len(digests)] if at_once else range(1, len(digests) + 1):
        find_pairs(store, digests[:n], 0 if at_once else n - 1, days)
    return find_rings(store, digests)


def _ids(ring: Ring) -> set[str]:
    return {member.row.id for member in ring.members}


def test_copies_of_a_template_with_a_tenth_of_the_words_exchanged_are_one_ring(tmp_path: Path) -> None:
    (ring,) = _rings(tmp_path, [*BACKGROUND, *_copies(8)])
    assert _ids(ring) == {f"r{at}" for at in range(8)}
    assert {member.narratives for member in ring.members} == {("note",)}


def test_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    rows = [*BACKGROUND, *_copies(8)]
    mixed = random.Random(1).sample(rows, len(rows))
    (ring,), (other,) = _rings(tmp_path / "a", rows), _rings(tmp_path / "b", mixed)
    assert (ring.number, _ids(ring)) == (other.number, _ids(other))


def test_a_ring_keeps_its_number_when_later_files_add_members(tmp_path: Path) -> None:
    first, later = [*BACKGROUND, *_copies(5)], _copies(4, "s")
    (before,) = _rings(tmp_path / "a", first)
    (after,) = _rings(tmp_path / "b", first, later)
    (at_once,) = _rings(tmp_path / "c", first, later, at_once=True)
    assert after.number == before.number
    assert _ids(after) == _ids(before) | {f"s{at}" for at in range(4)}
    assert (at_once.number, _ids(at_once)) == (after.number, _ids(after))


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


@pytest.mark.parametrize("n", [3, 400])
def test_the_same_text_many_times_is_one_ring(tmp_path: Path, n: int) -> None:
    (ring,) = _rings(tmp_path, [Row(f"r{at}", TEMPLATE) for at in range(n)])
    assert ring.n_applicants == n


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
