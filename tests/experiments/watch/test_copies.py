from __future__ import annotations

from pathlib import Path

import pytest

from experiments.watch.copies import CopiesGatherer
from experiments.watch.gathering import Gathered
from fusion.watch.copies.store import Store
from tests.support.copied import Row, batch, exchanged, narrative

TEMPLATE = narrative(40, 1000)
DAYS = [f"2026-03-0{day}" for day in range(1, 7)]


def _gatherer(folder: Path) -> CopiesGatherer:
    return CopiesGatherer(Store(folder / "copies", ("employer",)), 90)


def _file(number: int) -> list[Row]:
    """Thirty narratives of a day, and on the last day ten copies."""
    day = DAYS[number]
    quiet = [Row(f"{number}/{at}", narrative(20, 100 * number + at), day=day) for at in range(30)]
    burst = [Row(f"c{at}", exchanged(TEMPLATE, at), day=day) for at in range(10)]
    return quiet + (burst if number == 5 else [])


def _take(gatherer: CopiesGatherer, number: int) -> None:
    gatherer.observe(batch(_file(number), f"{number}.csv"))
    gatherer.keep(f"digest{number}")


def _digests(n: int) -> list[str]:
    return [f"digest{number}" for number in range(n)]


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Gathered:
    gatherer = _gatherer(tmp_path_factory.mktemp("out"))
    for number in range(6):
        _take(gatherer, number)
    return gatherer.gather(_digests(6), DAYS)


def test_a_burst_of_copies_gives_flags_a_signal_and_a_chapter(at_once: Gathered) -> None:
    assert {flag.row.id for flag in at_once.flags} == {f"c{at}" for at in range(10)}
    assert len({flag.ring for flag in at_once.flags}) == 1
    last = [signal for signal in at_once.signals if signal.check == "copies" and signal.period == DAYS[5]]
    assert (last[0].value, last[0].p < 0.01) == (0.25, True)
    assert at_once.chapter is not None


def test_files_that_come_one_by_one_give_what_all_at_once_give(tmp_path: Path, at_once: Gathered) -> None:
    gatherer = _gatherer(tmp_path)
    for number in range(6):
        _take(gatherer, number)
        found = gatherer.gather(_digests(number + 1), DAYS[: number + 1])
    assert (found.flags, found.signals) == (at_once.flags, at_once.signals)


def test_a_file_that_is_dropped_or_unknown_to_the_state_counts_for_nothing(tmp_path: Path, at_once: Gathered) -> None:
    gatherer = _gatherer(tmp_path)
    gatherer.observe(batch(_file(5), "bad.csv"))
    gatherer.drop()
    _take(gatherer, 5)  # kept by a run that was killed before its state knew the file
    for number in range(5):
        _take(gatherer, number)
    assert gatherer.gather(_digests(5), DAYS[:5]).flags == ()
    _take(gatherer, 5)
    assert gatherer.gather(_digests(6), DAYS).flags == at_once.flags


def test_without_files_there_is_nothing(tmp_path: Path) -> None:
    assert _gatherer(tmp_path).gather([], []) == Gathered((), (), None)
