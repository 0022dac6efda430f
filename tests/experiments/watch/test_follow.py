from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from data_schemas.errors import RunError
from experiments.watch.follow import Folder, follow
from experiments.watch.job import summary
from tests.support.watches import AmountPart, watching, write

QUIET, LOUD = {"2026-11-01": [100], "2026-11-02": [110]}, {"2026-11-03": [900]}


def looks(*steps: Callable[[], object]) -> Callable[[float], None]:
    """What happens while the folder is not looked at, step by step; then the process is asked to end."""
    left: Iterator[Callable[[], object]] = iter(steps)

    def wait(_: float) -> None:
        step = next(left, None)
        if step is None:
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            step()

    return wait


def nothing() -> None:
    pass


def test_a_file_is_given_once_it_has_settled_and_again_when_it_has_changed(tmp_path: Path) -> None:
    folder, path = Folder(tmp_path), tmp_path / "a.csv"
    path.write_text("1")
    assert folder.arrived() == []
    path.write_text("12")
    assert folder.arrived() == []
    assert folder.arrived() == [path]
    assert folder.arrived() == []
    path.write_text("123")
    assert [folder.arrived(), folder.arrived(), folder.arrived()] == [[], [path], []]


def test_unfinished_and_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    for name in (".a.csv", "a.csv.part", "a.tmp"):
        (tmp_path / name).write_text("1")
    (tmp_path / "b.csv").mkdir()
    folder = Folder(tmp_path)
    assert [folder.arrived(), folder.arrived()] == [[], []]
    (tmp_path / "a.csv.part").rename(tmp_path / "a.csv")
    assert [folder.arrived(), folder.arrived()] == [[], [tmp_path / "a.csv"]]


def test_files_that_arrive_together_are_given_by_age(tmp_path: Path) -> None:
    for age, name in enumerate("cab"):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (age, age))
    folder = Folder(tmp_path)
    folder.arrived()
    assert [path.name for path in folder.arrived()] == ["c", "a", "b"]


def test_files_are_watched_as_they_arrive_until_the_process_is_asked_to_end(tmp_path: Path) -> None:
    incoming, out, alerts = tmp_path / "in", tmp_path / "out", list[int]()
    incoming.mkdir()

    def n_alerts() -> None:
        alerts.append(len((out / "alerts.jsonl").read_text(encoding="utf-8").splitlines()))

    steps = looks(
        n_alerts,
        lambda: write(incoming / "monday.csv", QUIET),
        nothing,
        lambda: (incoming / "bad.csv").write_text("no,table\n1,2\n", encoding="utf-8"),
        nothing,
        n_alerts,
        lambda: write(incoming / "tuesday.csv", LOUD),
        nothing,
        n_alerts,
    )
    with watching(out) as watch:
        follow(watch, incoming, lambda: date(2026, 12, 1), steps)
        counts = summary(watch, watch.state.unreported())
    assert alerts == [0, 0, 1]
    assert (counts["files"], counts["files_refused"], counts["alarms"]) == (2, 1, 1)
    page = json.loads((out / "watch.json").read_text(encoding="utf-8"))
    keys = [finding["key"] for finding in page["sections"][0]["findings"]]
    assert keys[-1] == "refused_files"
    assert "bad.csv: " in page["sections"][0]["findings"][-1]["words"]

    with watching(out) as watch:
        follow(watch, incoming, lambda: date(2026, 12, 1), looks(nothing, nothing))
        assert (watch.known, len(watch.state.alerts())) == (2, 1)


def test_asked_to_end_amid_a_file_it_is_read_by_the_next_run(tmp_path: Path) -> None:
    class Ended(AmountPart):
        def add(self, left: tuple[int, int], right: tuple[int, int]) -> tuple[int, int]:
            os.kill(os.getpid(), signal.SIGTERM)
            return super().add(left, right)

    incoming = tmp_path / "in"
    incoming.mkdir()
    write(incoming / "monday.csv", {"2026-11-01": [1, 2, 3]})
    with watching(tmp_path / "out", Ended(), chunk_rows=1) as watch:
        follow(watch, incoming, lambda: date(2026, 12, 1), looks(nothing, nothing))
        assert not watch.state.files("data")
    with watching(tmp_path / "out") as watch:
        follow(watch, incoming, lambda: date(2026, 12, 1), looks(nothing, nothing))
        assert watch.state.profile("data", "2026-11-01", "amount") == {"rows": 3, "sum": 6}


def test_a_folder_that_goes_ends_the_watch_with_its_name(tmp_path: Path) -> None:
    incoming = tmp_path / "in"
    incoming.mkdir()
    with watching(tmp_path / "out") as watch, pytest.raises(RunError, match=r"the folder .*in cannot be read any more"):
        follow(watch, incoming, lambda: date(2026, 12, 1), looks(incoming.rmdir))


def test_a_file_whose_name_is_no_utf_8_is_watched_or_refused_like_any_other(tmp_path: Path) -> None:
    path = write(tmp_path / "new.csv", QUIET).rename(tmp_path / os.fsdecode(b"new\xff.csv"))
    bad = tmp_path / os.fsdecode(b"bad\xff.csv")
    bad.write_text("id,day\n")
    with watching(tmp_path / "out") as watch:
        watch.take_or_refuse(path)
        watch.take_or_refuse(bad)
        assert [(file.name, bool(file.refused)) for file in watch.state.files("data")] == [
            ("new?.csv", False),
            ("bad?.csv", True),
        ]


def test_a_failing_source_is_not_held_against_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise RunError("the database does not answer", "Start it.")

    monkeypatch.setattr("experiments.watch.reading.with_sources", unreachable)
    path = write(tmp_path / "monday.csv", QUIET)
    with watching(tmp_path / "out") as watch:
        object.__setattr__(watch.intake, "sources", ("bureau=postgresql://somewhere",))
        with pytest.raises(RunError, match="the database does not answer"):
            watch.take_or_refuse(path)
        assert not watch.state.files("data")
