"""Where studies are kept: torn, broken and locked journals; databases that cannot be used, told without a password."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from optuna.trial import TrialState

from data_schemas.errors import ContractError, RunError
from experiments.sweep.storage import (
    JournalLock,
    disk_told,
    loss_told,
    open_database,
    open_journal,
    sole_command,
    without_password,
)
from experiments.sweep.study import open_study
from tests.support.postgres import Server, running_server, server_binaries
from tests.support.studies import BASE, parabola

ROOT = Path(__file__).resolve().parents[3]


class TestJournal:
    """The journal file: torn, broken, locked, in impossible places."""

    @pytest.fixture
    def journal(self, tmp_path: Path) -> Path:
        open_study(replace(BASE, folder=tmp_path)).optimize(parabola, n_trials=4)
        return tmp_path / "study.journal"

    @pytest.mark.parametrize("torn", [b'{"op_code":6,"wor', b"\0\0\0\0\0\0", b'{"op_code":8}\0\0\n', b"\xff\xfe\n"])
    def test_a_torn_last_line_is_cut_and_all_before_it_kept(self, journal: Path, torn: bytes) -> None:
        whole = journal.read_bytes()
        journal.write_bytes(whole + torn)
        study = open_study(replace(BASE, folder=journal.parent))
        assert journal.read_bytes() == whole
        assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 4
        study.optimize(parabola, n_trials=1)
        assert len(open_study(replace(BASE, folder=journal.parent)).trials) == 5

    def test_cut_anywhere_it_keeps_every_whole_record(self, journal: Path) -> None:
        whole = journal.read_bytes()
        ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
        for length in range(0, len(whole), 97):
            journal.write_bytes(whole[:length])
            open_journal(journal)
            assert len(journal.read_bytes()) == max([0, *(end for end in ends if end <= length)])

    def test_a_line_torn_under_a_running_worker_does_not_swallow_the_next(self, journal: Path) -> None:
        study = open_study(replace(BASE, folder=journal.parent))
        with journal.open("ab") as file:
            file.write(b'{"op_code":6,"wor')
        study.optimize(parabola, n_trials=1)
        assert len(open_study(replace(BASE, folder=journal.parent)).trials) == 5

    def test_a_broken_line_in_the_middle_names_file_and_line(self, journal: Path) -> None:
        lines = journal.read_bytes().splitlines(keepends=True)
        before = b"".join([*lines[:4], lines[4][:9] + b"\n", *lines[5:]])
        journal.write_bytes(before)
        with pytest.raises(RunError, match=r"study\.journal, line 5 is no record of a study.*copy"):
            open_study(replace(BASE, folder=journal.parent))
        assert journal.read_bytes() == before

    def test_records_that_do_not_fit_together(self, journal: Path) -> None:
        lines = journal.read_bytes().splitlines(keepends=True)
        journal.write_bytes(b'{"op_code":6}\n' + b"".join(lines))
        with pytest.raises(RunError, match=r"study\.journal does not read as a study"):
            open_study(replace(BASE, folder=journal.parent))

    def test_a_folder_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("")
        with pytest.raises(RunError, match=r"out/study\.journal cannot be written \(File exists\).*--out"):
            open_study(replace(BASE, folder=tmp_path / "out"))

    def test_a_journal_that_is_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "study.journal").mkdir()
        with pytest.raises(RunError, match=r"study\.journal cannot be written \(Is a directory\)"):
            open_study(replace(BASE, folder=tmp_path))

    def test_a_read_only_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(RunError, match=r"study\.journal cannot be written \(Permission denied\).*--out"):
            open_study(replace(BASE, folder=tmp_path))

    def test_a_full_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match=r"cannot be kept \(No space left on device\)"):
            open_study(replace(BASE, folder=tmp_path))

    def test_a_killed_owner_frees_the_lock_at_once(self, tmp_path: Path) -> None:
        journal = tmp_path / "study.journal"
        code = (
            "import sys, time; from pathlib import Path; from experiments.sweep.storage import JournalLock;"
            f"JournalLock(Path({str(journal)!r})).acquire(); print('held', flush=True); time.sleep(60)"
        )
        with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as process:
            assert process.stdout
            assert process.stdout.readline() == b"held\n"
            process.kill()
        begun = time.monotonic()
        lock = JournalLock(journal)
        assert lock.acquire()
        lock.release()
        assert time.monotonic() - begun < 1


HOLD = """
import subprocess, sys, time
from pathlib import Path
from experiments.sweep.storage import sole_command
with sole_command(Path(sys.argv[1]), print) as lock:
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], pass_fds=(lock,))
    print(worker.pid, flush=True)
    time.sleep(60)
"""


class TestSoleCommand:
    """One command at a time in a folder, its workers included."""

    def test_another_command_is_refused_then_let_in(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("experiments.sweep.storage.PATIENCE_SECONDS", 0.3)
        notes: list[object] = []
        with sole_command(tmp_path, notes.append):
            with (
                pytest.raises(RunError, match=rf"another sweep runs in {tmp_path}.*--out"),
                sole_command(tmp_path, notes.append),
            ):
                pass
            assert notes == [f"waiting for what still runs in {tmp_path}"]
        with sole_command(tmp_path, notes.append):
            assert len(notes) == 1

    def test_workers_of_a_killed_command_are_waited_for(self, tmp_path: Path) -> None:
        command = [sys.executable, "-c", HOLD, str(tmp_path)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
            assert process.stdout
            worker = int(process.stdout.readline())
            process.kill()
            process.wait()
            waits: list[str] = []

            def end_worker(note: str) -> None:
                waits.append(note)
                os.kill(worker, signal.SIGKILL)

            begun = time.monotonic()
            with sole_command(tmp_path, end_worker):
                assert len(waits) == 1
        assert time.monotonic() - begun < 10

    def test_a_folder_that_is_gone(self, tmp_path: Path) -> None:
        with pytest.raises(RunError, match="No such file or directory"), sole_command(tmp_path / "gone", print):
            pass


def test_a_full_disk_is_told_in_words(tmp_path: Path) -> None:
    with (
        pytest.raises(RunError, match=r"cannot be kept \(No space left on device, big\.npy\).*--out"),
        disk_told(tmp_path),
    ):
        raise OSError(28, "No space left on device", "big.npy")


class TestDatabase:
    """Databases that cannot be used: told at once, in words, without a password."""

    @pytest.mark.parametrize(
        ("url", "told"),
        [
            ("study.journal", "--storage is no database URL"),
            ("postgresql://user:hunter2@host:port/x", "--storage is no database URL"),
            ("nonsense://user:hunter2@host/x", "no database is known as 'nonsense'"),
            ("redis://user:hunter2@host/x", "no database is known as 'redis'"),
        ],
    )
    def test_what_is_no_database(self, tmp_path: Path, url: str, told: str) -> None:
        with pytest.raises(ContractError, match=rf"{told}.*postgresql://USER:PASSWORD@HOST/DATABASE") as caught:
            open_study(replace(BASE, folder=tmp_path, storage=url))
        assert "hunter2" not in str(caught.value)

    def test_a_missing_driver(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "psycopg2", None)
        with pytest.raises(RunError, match=r"psycopg2' is not installed.*pip install 'creditfusion\[postgres\]'"):
            open_study(replace(BASE, folder=tmp_path, storage="postgresql://u:hunter2@localhost/x"))

    def test_nobody_listens(self, tmp_path: Path) -> None:
        pytest.importorskip("psycopg2", reason="the PostgreSQL driver is not installed")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        begun = time.monotonic()
        url = f"postgresql://u:hunter2@127.0.0.1:{port}/x?password=hunter2"
        with pytest.raises(RunError, match=r"database postgresql.*u:\*\*\*@127.*Connection refused") as caught:
            open_study(replace(BASE, folder=tmp_path, storage=url))
        assert "hunter2" not in str(caught.value)
        assert time.monotonic() - begun < 5

    def test_a_host_that_never_answers(self, tmp_path: Path) -> None:
        pytest.importorskip("psycopg2", reason="the PostgreSQL driver is not installed")
        with socket.socket() as silent:  # takes the connection and says nothing
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            begun = time.monotonic()
            url = f"postgresql://u:hunter2@127.0.0.1:{silent.getsockname()[1]}/x?connect_timeout=2"
            with pytest.raises(RunError, match=r"cannot be used: .*timeout expired"):
                open_study(replace(BASE, folder=tmp_path, storage=url))
            assert time.monotonic() - begun < 8

    def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("these are notes\n" * 100)
        with pytest.raises(RunError, match=r"cannot be used: file is not a database"):
            open_study(replace(BASE, folder=tmp_path, storage=f"sqlite:///{tmp_path / 'notes.txt'}"))

    def test_an_address_to_show(self) -> None:
        assert without_password("postgresql://u:hunter2@db/x?password=hunter2") == "postgresql+psycopg2://u:***@db/x"

    def test_machines_draw_different_trials(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        drawn = []
        for host in ("a", "b"):
            monkeypatch.setattr(socket, "gethostname", lambda name=host: name)
            study = open_study(replace(BASE, name=host, storage=f"sqlite:///{tmp_path / 'study.db'}"))
            study.optimize(parabola, n_trials=1)
            drawn.append(study.trials[0].params["x"])
        assert drawn[0] != drawn[1]

    def test_heartbeats_are_on(self, tmp_path: Path) -> None:
        storage = open_database(f"sqlite:///{tmp_path / 'study.db'}", 15, lambda *_: None)
        assert (storage.heartbeat_interval, storage.grace_period) == (15, 45)

    @pytest.mark.slow
    def test_wrong_password_and_unknown_database(self, tmp_path: Path, postgres: Server) -> None:
        wrong = postgres.url("postgres").replace("s3cret", "hunter2")
        with pytest.raises(RunError, match="password authentication failed") as caught:
            open_study(replace(BASE, folder=tmp_path, storage=wrong))
        assert "hunter2" not in str(caught.value)
        with pytest.raises(RunError, match='database "absent" does not exist'):
            open_study(replace(BASE, folder=tmp_path, storage=postgres.url("absent")))


@pytest.mark.slow
def test_a_server_that_stops_under_a_study(postgres: Server, tmp_path: Path) -> None:
    assert postgres.port  # there is a PostgreSQL; this one is stopped
    binaries = server_binaries()
    assert binaries
    with running_server(binaries) as server:
        plan = replace(BASE, folder=tmp_path, storage=server.create("short"))
        study = open_study(plan)
        study.optimize(parabola, n_trials=1)
    with pytest.raises(RunError, match=r"database is lost: .*Run the same command again"), loss_told():
        study.optimize(parabola, n_trials=1)
    with pytest.raises(RunError, match=r"cannot be used: .*Connection refused"):
        open_study(plan)
