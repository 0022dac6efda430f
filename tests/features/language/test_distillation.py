"""Students: which layers they keep, that they come nearer to the teacher, and with the same bits each time."""

from __future__ import annotations

import numpy as np
import pytest

from data_schemas.errors import ContractError
from features.language.distillation import Lesson, kept_layers
from features.language.tables import distil_table


def lesson(n: int, seed: int) -> Lesson:
    """Texts whose vectors are exactly means of token vectors."""
    table = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    rng = np.random.default_rng(seed)
    ids = tuple(np.concatenate([[0], rng.integers(2, 12, rng.integers(3, 9)), [1]]) for _ in range(n))
    return Lesson(ids, np.stack([table[own].mean(0) for own in ids]))


@pytest.mark.parametrize(
    ("teacher", "student", "kept"), [(6, 3, [1, 3, 5]), (6, 2, [2, 5]), (12, 4, [2, 5, 8, 11]), (6, 6, [*range(6)])]
)
def test_the_student_keeps_evenly_spaced_layers_with_the_last(teacher: int, student: int, kept: list[int]) -> None:
    assert kept_layers(teacher, student) == kept


def test_more_layers_than_the_teacher_has_are_refused() -> None:
    with pytest.raises(ContractError, match=r"7 layers cannot be made of a teacher of 6.*from 0 .* to 6"):
        kept_layers(6, 7)


def test_a_table_finds_the_means_that_made_the_vectors() -> None:
    weights, losses = distil_table(lesson(400, 1), lesson(40, 2), 12)
    (table,) = weights.values()
    outside = lesson(30, 3)
    found = np.stack([table.numpy()[own].mean(0) for own in outside.ids])
    assert np.mean((found - outside.vectors) ** 2) < 0.01 * outside.vectors.var()
    assert min(loss.held_out for loss in losses) < 0.05
