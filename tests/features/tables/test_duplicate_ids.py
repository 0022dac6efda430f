"""Repeated ids are found over any number of calls."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from features.tables.duplicate_ids import DuplicateIds


@given(st.lists(st.lists(st.text("ab", max_size=4)), max_size=12))
def test_repeats_are_found_as_by_a_set(batches: list[list[str]]) -> None:
    ids, known = DuplicateIds(), set[str]()
    for batch in batches:
        wanted = []
        for name in batch:
            wanted.append(name in known)
            known.add(name)
        assert ids.add(batch).tolist() == wanted


def test_memory_stays_at_16_bytes_an_id_in_few_runs() -> None:
    ids = DuplicateIds()
    for start in range(0, 5000, 10):
        assert not ids.add(str(i) for i in range(start, start + 10)).any()
    assert sum(run.nbytes for run in ids._runs) == 5000 * 16
    assert len(ids._runs) < 12
