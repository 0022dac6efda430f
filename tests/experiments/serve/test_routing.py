from __future__ import annotations

import math

import pytest

from experiments.serve.routing import Routing, draw


def test_the_draw_never_changes() -> None:
    assert draw("pilot", "A-1") == 0.7311897068476594
    assert Routing("pilot", 0.1).route("A-1") == "champion"


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
def test_shares_are_met_within_chance(share: float) -> None:
    routing, n = Routing("pilot", share), 20_000
    drawn = sum(routing.route(f"D-{number}") == "challenger" for number in range(n))
    assert abs(drawn - n * share) <= 4 * math.sqrt(n * share * (1 - share))


def test_another_experiment_draws_other_applications() -> None:
    one, other = Routing("pilot", 0.5), Routing("second", 0.5)
    same = sum(one.route(str(name)) == other.route(str(name)) for name in range(2000))
    assert abs(same - 1000) < 4 * math.sqrt(500)


def test_a_larger_share_keeps_whoever_had_the_challenger() -> None:
    small, large = Routing("pilot", 0.1), Routing("pilot", 0.3)
    drawn = [name for name in map(str, range(2000)) if small.route(name) == "challenger"]
    assert all(large.route(name) == "challenger" for name in drawn)
