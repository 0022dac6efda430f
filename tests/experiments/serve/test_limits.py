from __future__ import annotations

import math

import pytest

from data_schemas.errors import ContractError
from experiments.serve import limits
from experiments.serve.limits import Limits, RateLimiter, check_limits, retry_after


def test_a_caller_may_burst_and_then_waits_for_its_rate() -> None:
    now = 0.0
    rates = RateLimiter(rate=10, burst=20, clock=lambda: now)
    assert rates.take("a", 20) == 0
    assert rates.take("a", 1) == pytest.approx(0.1)
    assert rates.take("b", 20) == 0
    now = 0.1
    assert rates.take("a", 1) == 0
    assert rates.take("a", 5) == pytest.approx(0.5)


def test_without_a_rate_nobody_waits() -> None:
    assert RateLimiter(rate=0, burst=1).take("a", 1e9) == 0


def test_many_callers_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CALLERS", 10)
    rates = RateLimiter(rate=1, burst=1, clock=lambda: 0.0)
    for number in range(100):
        rates.take(str(number), 1)
    assert len(rates._buckets) == 10
    assert rates.take("99", 1) > 0


def test_waits_are_whole_seconds() -> None:
    assert [retry_after(seconds) for seconds in (0.01, 1.0, 1.2)] == ["1", "1", "2"]


def test_a_rate_that_is_none_is_refused() -> None:
    for rate in (-1.0, math.nan, math.inf):
        with pytest.raises(ContractError, match="is no rate"):
            check_limits(Limits(rate=rate))
