"""Where an applicant's value lies beside those of most approved applicants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data_schemas.fields import Direction, Field, FieldType, Role
from experiments.explain.approved import ApprovedValues, Side
from features.design import TabularBlock


def block(income: list[float], car: list[float], home: list[int]) -> TabularBlock:
    x_num = np.array([income, car], dtype=np.float32).T
    return TabularBlock(x_num, np.array([home], dtype=np.int32).T, ("income", "car"), ("home",), (3,))


def column(name: str, type_: FieldType = FieldType.NUMBER, direction: Direction = Direction.NONE) -> Field:
    return Field(name, type_, Role.FEATURE, name, direction=direction)


NAN = float("nan")
POPULATION = block([10, 20, 30, 40, NAN, 99], [1, 1, 1, 0, 0, 0], [1, 1, 2, 2, 2, 2])
APPROVED = ApprovedValues(POPULATION, np.array([1, 1, 1, 1, 1, 0], dtype=np.bool_))


@pytest.mark.parametrize(
    ("income", "direction", "side"),
    [
        (15, Direction.NONE, Side.BELOW),  # 3 of 5 have more
        (15, Direction.FALLING, Side.BELOW),
        (15, Direction.RISING, Side.NONE),  # less of what is risky speaks for the applicant
        (25, Direction.NONE, Side.NONE),  # 2 of 5 have more, 2 less, one has none
        (35, Direction.NONE, Side.ABOVE),
        (35, Direction.FALLING, Side.NONE),
        (NAN, Direction.NONE, Side.NONE),
    ],
)
def test_most_is_more_than_half_of_the_approved(income: float, direction: Direction, side: Side) -> None:
    assert APPROVED.side(column("income", direction=direction), block([income], [0], [1])) is side


@pytest.mark.parametrize(("home", "side"), [(1, Side.NONE), (2, Side.RARER), (0, Side.NONE)])
def test_a_level_is_rarer_or_it_is_not(home: int, side: Side) -> None:
    """Two of five approved applicants have level 1, two of six of all; a level that nobody knows is neither."""
    assert APPROVED.side(column("home", FieldType.STRING), block([1], [0], [home])) is side


def test_a_number_that_stands_for_none_is_compared_with_nobody() -> None:
    labelled = replace(column("income"), labels=((10.0, "no record"),))
    assert APPROVED.side(labelled, block([10], [0], [1])) is Side.NONE
    assert APPROVED.side(labelled, block([35], [0], [1])) is Side.NONE  # 2 of 5 have less, once 10 is no number
    assert APPROVED.side(column("income"), block([35], [0], [1])) is Side.ABOVE


def test_yes_and_no_are_levels() -> None:
    yes_or_no = column("car", FieldType.BOOLEAN)
    assert APPROVED.side(yes_or_no, block([1], [0], [1])) is Side.RARER
    assert APPROVED.side(yes_or_no, block([1], [1], [1])) is Side.NONE


def test_where_nobody_was_approved_nothing_is_compared() -> None:
    nobody = ApprovedValues(POPULATION, np.zeros(6, dtype=np.bool_))
    assert nobody.side(column("income"), block([15], [0], [2])) is Side.NONE
