from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from data_schemas.errors import ContractError, RunError
from experiments.watch.delivery import Deliverer
from experiments.watch.job import Watch, summary
from experiments.watch.state import open_state
from fusion.watch.part import Batch, Observed
from tests.support.watches import HOOKED, AmountPart, Sums, kept, watching, write

TODAY = date(2026, 12, 31)
QUIET = {"2026-11-01": [100, 100], "2026-11-02": [100, 110], "2026-11-03": [90, 100]}
LOUD = {"2026-11-03": [100], "2026-11-04": [400, 400], "2026-11-05": [150, 1500]}


@dataclass(frozen=True)
class Silent(Deliverer):
    """Delivers nothing."""

    def deliver(self, *_: object) -> None:
        pass


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [write(tmp_path / "quiet.csv", QUIET), write(tmp_path / "loud.csv", LOUD)]


def alerts_in(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "alerts.jsonl").read_text(encoding="utf-8").splitlines()]


def test_departing_periods_give_alerts_flags_and_a_page(files: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with watching(out) as watch:
        watch.take_all(files, TODAY)
        counts = summary(watch, watch.state.unreported())
    assert [(one["period"], one["grade"]) for one in alerts_in(out)] == [
        ("2026-11-04", "alarm"),
        ("2026-11-05", "alarm"),
    ]
    assert alerts_in(out)[0]["rows"] == [{"file": "first.csv", "row": 1, "id": "a"}]
    with (out / "flagged.csv").open(newline="") as file:
        (flag,) = csv.DictReader(file)
    assert flag == {
        "id": "loud-2026-11-05-1",
        "row": "5",
        "file": "loud.csv",
        "period": "2026-11-05",
        "check": "odd",
        "size": "1500.0",
        "words": "large",
        "ring": "",
    }
    page = json.loads((out / "watch.json").read_text(encoding="utf-8"))
    titles = [finding["title"] for finding in page["sections"][0]["findings"]]
    assert titles == ["2026-11-05: the mean amount is 825.", "2026-11-04: the mean amount is 400."]
    assert "What needs attention" in (out / "watch.html").read_text(encoding="utf-8")
    assert (counts["rows"], counts["watched"], counts["rejected"]) == (11, 11, 0)
    assert (counts["periods"], counts["warnings"], counts["alarms"]) == (5, 0, 2)


def test_nothing_in_the_folder_quotes_an_applicant(files: list[Path], tmp_path: Path) -> None:
    with watching(tmp_path / "out") as watch:
        watch.take_all(files, TODAY)
    for path in (tmp_path / "out").rglob("*"):
        assert not path.is_file() or b"what was written" not in path.read_bytes(), path


def test_files_that_are_known_are_left_out_and_chunks_change_nothing(files: list[Path], tmp_path: Path) -> None:
    with watching(tmp_path / "once") as watch:
        watch.take_all(files, TODAY)
        once = kept(watch.state)
    with watching(tmp_path / "again", chunk_rows=2) as watch:
        watch.take_all(files[:1], TODAY)
    part = AmountPart()
    with watching(tmp_path / "again", part, chunk_rows=2) as watch:
        copied = tmp_path / "another name.csv"
        copied.write_bytes(files[0].read_bytes())
        watch.take_all([copied, *files], TODAY)
        assert (watch.known, len(watch.taken), sum(part.sizes)) == (2, 1, 5)
        assert kept(watch.state) == once
    assert (tmp_path / "once" / "alerts.jsonl").read_bytes() == (tmp_path / "again" / "alerts.jsonl").read_bytes()


def test_a_period_is_held_against_those_before_and_the_named_reference(files: list[Path], tmp_path: Path) -> None:
    part = AmountPart()
    usual = write(tmp_path / "usual.csv", {"2025-01-01": [380], "2025-02-01": [420]})
    with watching(tmp_path / "out", part) as watch:
        watch.check_identity([usual])
        watch.take_references([usual])
        watch.take_references([usual])
        watch.take_all(files, date(2026, 11, 5))
    last = part.watched_periods[-1]
    assert (last.period, last.profile, last.reference) == ("2026-11-05", (2, 1650), (2, 800))
    assert [period for period, _ in last.history] == [f"2026-11-0{day}" for day in range(1, 5)]
    assert last.history[2] == ("2026-11-03", (3, 290))
    assert [one.ended for one in part.watched_periods] == [True] * 4 + [False]
    assert part.watched_periods[0].history == ()


def test_a_period_is_looked_at_again_when_it_has_ended(files: list[Path], tmp_path: Path) -> None:
    part = AmountPart()
    with watching(tmp_path / "out", part) as watch:
        assert watch.settle(TODAY)  # the first time, there is a page to write
        watch.take(files[1])
        assert watch.settle(date(2026, 11, 5))
        assert not watch.settle(date(2026, 11, 5))
        assert watch.settle(date(2026, 11, 6))
        assert not watch.settle(date(2026, 11, 7))
    assert [(one.period, one.ended) for one in part.watched_periods[-2:]] == [
        ("2026-11-05", False),
        ("2026-11-05", True),
    ]


def test_rows_without_a_date_are_a_period_of_their_own_and_nobodys_history(tmp_path: Path) -> None:
    part, path = AmountPart(), tmp_path / "mixed.csv"
    path.write_text("id,day,amount\na,2026-11-01,1\nb,,2\nc,2026-11-02,1\n", encoding="utf-8")
    with watching(tmp_path / "out", part) as watch:
        watch.take_all([path], TODAY)
    assert {one.period: [name for name, _ in one.history] for one in part.watched_periods} == {
        "2026-11-01": [],
        "2026-11-02": ["2026-11-01"],
        "undated": ["2026-11-01", "2026-11-02"],
    }


def test_without_dates_every_file_is_a_period_in_the_order_of_arrival(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv"):
        (tmp_path / name).write_text(f"id,amount\n{name},5\n", encoding="utf-8")
    with watching(tmp_path / "out") as watch:
        watch.take_all([tmp_path / "b.csv", tmp_path / "a.csv"], TODAY)
        assert watch.state.periods() == ["b.csv", "a.csv"]


def test_only_the_days_asked_for_are_watched(files: list[Path], tmp_path: Path) -> None:
    with watching(tmp_path / "out") as watch:
        days = replace(watch.intake, since=date(2026, 11, 2), until=date(2026, 11, 2))
        Watch(days, watch.rules, watch.state, watch.out, watch.run, watch.deliverer).take_all(files[:1], TODAY)
        (file,) = watch.state.files("data")
        assert watch.state.periods() == ["2026-11-02"]
        assert (file.rows, file.watched, file.left_out) == (6, 2, 4)


def test_rejected_rows_are_counted_and_named_without_their_cells(tmp_path: Path) -> None:
    path = tmp_path / "mixed.csv"
    path.write_text("id,day,amount\na,2026-11-01,1\nb,2026-11-01,his 'many' words\n", encoding="utf-8")
    with watching(tmp_path / "out") as watch:
        watch.take_all([path], TODAY)
        assert summary(watch, ())["rejected_by_rule"] == {"type": 1}
    page = json.loads((tmp_path / "out" / "watch.json").read_text(encoding="utf-8"))
    (finding,) = page["sections"][0]["findings"]
    assert (finding["key"], finding["words"]) == ("rejected_files", "mixed.csv: 1 of 2 rows, mostly by the rule type.")
    with (tmp_path / "out" / "rejects.csv").open(newline="") as file:
        (reject,) = csv.DictReader(file)
    assert [reject[name] for name in ("file", "row", "column", "rule")] == ["mixed.csv", "2", "amount", "type"]
    assert reject["message"].startswith("the value is not a ")
    assert not any(b"many" in file.read_bytes() for file in (tmp_path / "out").rglob("*") if file.is_file())


def test_outcomes_are_read_where_they_are_known_and_no_row_is_lost_to_them(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    rows = [f"{n},2026-11-01,1,{cell}\n" for n, cell in enumerate(["bad", "open", "", "odd"])]
    path.write_text("id,day,amount,outcome\n" + "".join(rows), encoding="utf-8")
    outcomes: list[list[str]] = []

    class Outcomes(AmountPart):
        def observe(self, batch: Batch) -> Observed[Sums]:
            outcomes.append(list(batch.applications.frame["outcome"]))
            return super().observe(batch)

    with watching(tmp_path / "out", Outcomes()) as watch:
        watch.take_all([path], TODAY)
    assert outcomes == [["bad", "", "", ""]]


def test_a_bad_file_leaves_nothing_of_itself_and_all_of_those_before(files: list[Path], tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("id,day\na,2026-11-09\n", encoding="utf-8")
    with watching(tmp_path / "out") as watch:
        with pytest.raises(ContractError, match=r"bad.csv: the header lacks 'amount'"):
            watch.take_all([*files, bad], TODAY)
        assert len(watch.state.files("data")) == 2
        assert "2026-11-09" not in watch.state.periods()
    assert len(alerts_in(tmp_path / "out")) == 2


def test_a_file_that_is_being_written_is_not_taken(files: list[Path], tmp_path: Path) -> None:
    class Growing(AmountPart):
        def observe(self, batch: Batch) -> Observed[Sums]:
            with files[0].open("a") as file:
                file.write("z,2026-11-03,1\n")
            return super().observe(batch)

    with watching(tmp_path / "out", Growing()) as watch:
        with pytest.raises(RunError, match=r"quiet.csv was changed while it was read"):
            watch.take_all(files[:1], TODAY)
        assert not watch.state.files("data")


def test_another_watch_is_not_carried_on(tmp_path: Path) -> None:
    with watching(tmp_path / "out") as watch:
        watch.check_identity([])
    with (
        watching(tmp_path / "out", kind="week") as watch,
        pytest.raises(ContractError, match=r"belongs to another watch \(period: day then, week now\).*--force"),
    ):
        watch.check_identity([])
    with open_state(tmp_path / "out", force=True) as state:
        state.check_identity({"period": "week"})


def test_two_processes_do_not_watch_into_one_folder(tmp_path: Path) -> None:
    with watching(tmp_path), pytest.raises(RunError, match=r"another process watches into"), open_state(tmp_path):
        pass


def test_a_file_that_is_no_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "watch.sqlite").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(ContractError, match=r"watch.sqlite is no state of a watch"), open_state(tmp_path):
        pass


@contextmanager
def killed_at(n: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Inside, this process gets SIGKILL when it begins its n-th statement on a state."""
    connect, n_calls = sqlite3.connect, [0]

    def count(_: str) -> None:
        n_calls[0] += 1
        if n_calls[0] == n:
            os.kill(os.getpid(), signal.SIGKILL)

    def traced(path: Path, isolation_level: None) -> sqlite3.Connection:
        connection = connect(path, isolation_level=isolation_level)
        connection.set_trace_callback(count)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    yield


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_killed_at_any_moment_a_watch_loses_and_doubles_nothing(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(out: Path) -> None:
        with watching(out, rules=HOOKED, deliverer=Silent(HOOKED)) as watch:
            watch.take_all(files, TODAY)

    run(tmp_path / "whole")
    with open_state(tmp_path / "whole") as state:
        whole = kept(state)
    out, kills, n = tmp_path / "killed", 0, 1
    while True:
        child = os.fork()
        if child == 0:
            with killed_at(n, monkeypatch):
                run(out)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            assert os.WEXITSTATUS(status) == 0
            break
        kills, n = kills + 1, n + 3  # each run gets a little further, and leaves another moment behind
    assert kills > 10
    with open_state(out) as state:
        assert kept(state) == whole
    assert len(alerts_in(out)) == 2
