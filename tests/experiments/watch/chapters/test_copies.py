from __future__ import annotations

from dataclasses import replace

import pytest

from data_schemas.messages import Message
from experiments.watch.chapters.copies import chapter
from fusion.watch.copies.rings import Member, Ring
from fusion.watch.signals import RowRef, Signal
from tests.support.sections import drawings, findings, tables

PERIODS = ["2026-03-01", "2026-03-02"]


def _ring(n: int, number: str = "0123456789ab") -> Ring:
    """Applicants who write by turns in two periods; the first three share an employer."""
    members = [
        Member(RowRef("new.csv", at + 1, f"<b>{at}</b>"), PERIODS[at % 2], at, {"employer": 7} if at < 3 else {})
        for at in range(n)
    ]
    return Ring(number, "desc", tuple(members))


SIGNAL = Signal(PERIODS[1], "copies", "", 0.04, 0.05, 0.03, 0.08, 0.01, 1e-6, Message(""))
VALUE = replace(SIGNAL, check="velocity", subject="employer", now=12.0, low=6.0, high=19.0, usual=0.5)


def test_rings_are_listed_and_drawn() -> None:
    section = chapter([_ring(8), _ring(3, "ba9876543210")], [SIGNAL, VALUE], PERIODS)
    assert section is not None
    first, second = tables(section)["rings"].rows
    assert first[:7] == ("0123456789ab", 8, 8, *PERIODS, "desc", "employer: 3 alike")
    assert second[1] == 3
    assert tables(section)["shared_values"].rows[0][0] == "employer"
    assert set(drawings(section)) == {"copied_share", "rings_drawn"}
    assert findings(section)["copies"].grade == "concern"
    assert findings(section)["copies"].title == "2 rings of copied narratives, 2 rings of them active in 2026-03-02."


def test_a_ring_of_the_past_is_a_note() -> None:
    section = chapter([_ring(8)], [SIGNAL], [*PERIODS, "2026-03-03"])
    assert section is not None
    assert findings(section)["copies"].grade == "note"


def test_without_a_ring_the_finding_is_good() -> None:
    section = chapter([], [SIGNAL], PERIODS)
    assert section is not None
    assert findings(section)["copies"].grade == "good"
    assert set(drawings(section)) == {"copied_share"}


def test_without_narratives_there_is_no_chapter() -> None:
    assert chapter([], [], PERIODS) is None


@pytest.mark.parametrize("n", [3, 13, 300])
def test_a_ring_of_any_size_is_drawn(n: int) -> None:
    section = chapter([_ring(n)], [], PERIODS)
    assert section is not None
    assert drawings(section)["rings_drawn"].startswith("<svg ")
