from __future__ import annotations

from pathlib import Path

import pytest

from fusion.watch.copies.bursts import count_rows, ring_flags, ring_signals, value_signals
from fusion.watch.copies.pairs import find_pairs
from fusion.watch.copies.rings import find_rings
from fusion.watch.signals import Signal
from tests.support.copied import Row, exchanged, narrative, store_of

DAYS = [f"2026-03-{day:02}" for day in range(1, 11)]
TEMPLATE = narrative(40, 1000)


def _day(number: int, n: int = 60) -> list[Row]:
    """An ordinary day: different narratives; employers of a few people each."""
    day = DAYS[number]
    return [Row(f"{day}/{at}", narrative(20, 100 * number + at), day=day, employer=f"e{at // 3}") for at in range(n)]


@pytest.fixture(scope="module")
def burst(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Signal], dict[str, Signal], list[str]]:
    """Nine ordinary days and one of twelve copies by people of one employer: signals by period, and flags in words."""
    copies = [Row(f"c{at}", exchanged(TEMPLATE, at), day=DAYS[9], employer="Acme") for at in range(12)]
    files = [_day(number) for number in range(9)] + [_day(9) + copies]
    store, digests = store_of(tmp_path_factory.mktemp("store"), *files)
    find_pairs(store, digests, 0, 90)
    rings, counts = find_rings(store, digests), count_rows(store, digests)
    copied = {signal.period: signal for signal in ring_signals(rings, counts, DAYS) if not signal.subject}
    alike = {signal.period: signal for signal in value_signals(counts, DAYS)}
    return copied, alike, [str(flag.words) for flag in ring_flags(rings)]


def test_a_burst_of_copies_departs_in_its_period(
    burst: tuple[dict[str, Signal], dict[str, Signal], list[str]],
) -> None:
    copied, _, _ = burst
    assert copied[DAYS[9]].p < 1e-4
    assert copied[DAYS[9]].value == pytest.approx(12 / 72)
    assert [row.id for row in copied[DAYS[9]].rows] == ["c0", "c1", "c2", "c3", "c4"]
    assert "12 of 72 narratives are copies, in 1 ring; usually 0.00%" in str(copied[DAYS[9]].words)
    assert {copied[day].value for day in DAYS[3:9]} == {0.0}


def test_one_employer_in_many_applications_departs_and_is_not_named(
    burst: tuple[dict[str, Signal], dict[str, Signal], list[str]],
) -> None:
    _, alike, _ = burst
    assert list(alike) == [DAYS[9]]
    assert (alike[DAYS[9]].subject, alike[DAYS[9]].now) == ("employer", 12.0)
    assert alike[DAYS[9]].p < 1e-4
    assert "acme" not in str(alike[DAYS[9]].words).lower()


def test_flags_say_how_many_copied_and_what_they_share(
    burst: tuple[dict[str, Signal], dict[str, Signal], list[str]],
) -> None:
    _, _, words = burst
    assert words == ["note: copied by 11 other applicants in 2026-03-10; shares employer with one of them"] * 12


def test_an_employer_who_is_always_common_does_not_depart(tmp_path: Path) -> None:
    files = [[Row(row.id, "", day=row.day, employer="City of Ulm") for row in _day(number)] for number in range(10)]
    store, digests = store_of(tmp_path, *files)
    assert min(signal.p for signal in value_signals(count_rows(store, digests), DAYS)) > 0.1


def test_copies_that_come_at_once_depart_where_others_are_usual(tmp_path: Path) -> None:
    def day(number: int) -> list[Row]:
        usual = [Row(f"u{number}/{at}", narrative(30, 5000 + at), day=DAYS[number]) for at in range(8)]
        burst = [Row(f"c{at}", exchanged(TEMPLATE, at), day=DAYS[number]) for at in range(8 if number == 9 else 0)]
        return _day(number) + usual + burst

    store, digests = store_of(tmp_path, *(day(number) for number in range(10)))
    find_pairs(store, digests, 0, 90)
    found = ring_signals(find_rings(store, digests), count_rows(store, digests), DAYS)
    last = {signal.subject: signal for signal in found if signal.period == DAYS[9]}
    assert last["at once"].p < last[""].p
    assert last["at once"].value > last[""].value - 1e-9
    assert str(last["at once"].words) == "8 of 76 narratives are copies, in 1 ring at once; usually 0.00%"
