"""The chapter on odd applications."""

from __future__ import annotations

from data_schemas.messages import Message
from experiments.watch.chapters.oddness import MAX_ROWS, chapter
from fusion.watch.departures import Departure, Figure
from fusion.watch.oddness import OddProfile
from fusion.watch.signals import Flag, RowRef

DAYS = [("2026-01-01", OddProfile(500, 1, {"dti": 1})), ("2026-01-02", OddProfile(400, 30, {"amount": 28, "dti": 2}))]
FLAGS = [
    Flag(RowRef("new.csv", at, f"a{at}"), "2026-01-02", "odd", float(at), Message("amount")) for at in range(1, 31)
]


def test_the_oddest_rows_come_first_and_causes_are_counted() -> None:
    signal = Figure("2026-01-02", "odd", "", 400).signal(Departure(0.075, 0.05, 0.1, 0.001, 1e-9), 0.074, Message(""))
    copied = Flag(RowRef("x", 1, "b"), "p", "copies", 99.0, Message(""))
    found = chapter(OddProfile(10_000, 9), DAYS, [signal], [*FLAGS, copied])
    assert found is not None
    (finding,) = found.findings
    assert (finding.grade, finding.title) == (
        "concern",
        "30 of 400 applications of 2026-01-02 are odd, more than usual.",
    )
    oddest, causes = found.tables
    assert [row[1] for row in oddest.rows] == [f"a{at}" for at in range(30, 30 - MAX_ROWS, -1)]
    assert oddest.note.startswith(f"The {MAX_ROWS} oddest of 30")
    assert causes.rows == (("amount", 28, 28), ("dti", 3, 2))
    (plot,) = found.plots
    assert "<svg" in plot.drawing
    assert "the reference, 0.09" in plot.words


def test_usual_periods_are_good_and_none_has_no_chapter() -> None:
    signal = Figure("2026-01-01", "odd", "", 500).signal(Departure(0.002, 0.0, 0.01, 0.001, 0.6), 0.001, Message(""))
    found = chapter(OddProfile(10_000, 9), DAYS[:1], [signal], [])
    assert found is not None
    assert [one.grade for one in found.findings] == ["good"]
    assert [table.key for table in found.tables] == ["odd_causes"]
    alone = chapter(None, DAYS[:1], [], [])
    assert alone is not None
    assert [one.grade for one in alone.findings] == ["note"]
    assert chapter(None, [("2026-01-01", OddProfile())], [], []) is None
