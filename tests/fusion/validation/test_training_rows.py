"""Fingerprints of training rows: they recognise a row by its id and day, under one salt, and hold no id."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from features.tables.applications import Applications
from fusion.validation.training_rows import TrainingRows
from tests.support.small import applications, row


def some(folder: Path, *ids: str, asked: str = "01.03.2024") -> Applications:
    return applications(folder, [row(id=one, asked=asked) for one in ids])


def test_a_row_is_known_again_by_its_id(tmp_path: Path) -> None:
    rows = TrainingRows.of(some(tmp_path, "a1", "b2", "c3"), "salt")
    assert rows.known
    assert rows.among(some(tmp_path, "b2", "d4", "a1"), "salt").tolist() == [True, False, True]


def test_the_same_id_on_another_day_is_a_stranger(tmp_path: Path) -> None:
    rows = TrainingRows.of(some(tmp_path, "1", "2"), "salt")
    assert not rows.among(some(tmp_path, "1", "2", asked="02.03.2024"), "salt").any()


def test_another_salt_knows_nothing(tmp_path: Path) -> None:
    own = some(tmp_path, "1", "2")
    assert not TrainingRows.of(own, "salt").among(own, "pepper").any()


def test_order_does_not_matter_and_nothing_of_the_ids_is_kept(tmp_path: Path) -> None:
    one = TrainingRows.of(some(tmp_path, "1", "2", "3"), "salt")
    other = TrainingRows.of(some(tmp_path, "3", "1", "2"), "salt")
    np.testing.assert_array_equal(one.marks, other.marks)
    assert one.marks.dtype == np.uint64
    assert list(one.to_arrays()) == ["marks"]
    np.testing.assert_array_equal(TrainingRows.from_arrays(one.to_arrays()).marks, one.marks)


def test_rows_without_ids_of_their_own_are_never_known(tmp_path: Path) -> None:
    assert not TrainingRows.unknown().known
    assert not TrainingRows.unknown().among(some(tmp_path, "1"), "salt").any()
