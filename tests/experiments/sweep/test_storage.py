"""Where studies are kept: broken, full and locked files; databases that cannot be used, reported without a password."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from optuna.trial import TrialState

from data_schemas.errors import ContractError, RunError
from experiments.sweep import storage
from experiments.sweep.storage import database_errors, disk_errors, open_storage, without_password
from experiments.sweep.study import STUDY_FILE, StudyPlan, open_study
from tests.support.postgres import Server, running_server, server_binaries
from tests.support.studies import BASE, parabola


class TestFile:
    """The study's file: broken, full, shared, in impossible places."""

    @pytest.fixture
    def plan(self, tmp_path: Path) -> StudyPlan:
        return replace(BASE, folder=tmp_path / "a {0}?%20#b")  # nothing of it is read as a URL

    def test_it_lies_in_the_folder_and_is_read_again(self, plan: StudyPlan) -> None:
        open_study(plan).optimize(parabola, n_trials=2)
        assert (plan.folder / STUDY_FILE).exists()
        assert [trial.state for trial in open_study(plan).trials] == [TrialState.COMPLETE] * 2

    @pytest.mark.parametrize("cut", [0, 100, 5000])
    def test_a_write_that_was_cut_off_leaves_what_was_there(self, plan: StudyPlan, tmp_path: Path, cut: int) -> None:
        """A folder as a power cut leaves it: in the middle of a transaction, the end of its log unwritten."""
        open_study(plan).optimize(parabola, n_trials=3)
        whole = open_study(plan)
        size = sum(path.stat().st_size for path in plan.folder.glob(f"{STUDY_FILE}-wal"))
        whole.optimize(parabola, n_trials=1)
        other = sqlite3.connect(plan.folder / STUDY_FILE)
        other.execute("UPDATE trial_values SET value = 7")
        copied = replace(plan, folder=shutil.copytree(plan.folder, tmp_path / "copy"))
        other.close()
        log = copied.folder / f"{STUDY_FILE}-wal"
        assert log.stat().st_size > size + cut
        os.truncate(log, log.stat().st_size - cut)
        study = open_study(copied)
        assert [trial.value for trial in study.trials[:3]] == [trial.value for trial in whole.trials[:3]]
        study.optimize(parabola, n_trials=1)
        assert len(open_study(copied).trials) == len(study.trials)

    def test_a_file_that_is_no_study(self, plan: StudyPlan) -> None:
        plan.folder.mkdir()
        (plan.folder / STUDY_FILE).write_text("these are notes\n" * 100)
        with pytest.raises(RunError, match=r"study\.db cannot be used: file is not a database"):
            open_study(plan)

    def test_a_folder_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("")
        with pytest.raises(RunError, match=r"cannot be kept \(File exists, .*/out\).*--out"):
            open_study(replace(BASE, folder=tmp_path / "out"))

    def test_a_file_that_is_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / STUDY_FILE).mkdir()
        with pytest.raises(RunError, match=r"study\.db cannot be used: unable to open database file"):
            open_study(replace(BASE, folder=tmp_path))

    def test_a_read_only_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "mkdir", refuse)
        with pytest.raises(RunError, match=r"cannot be kept \(Permission denied\).*--out"):
            open_study(replace(BASE, folder=tmp_path))

    def test_a_full_disk(self, plan: StudyPlan) -> None:
        study = open_study(plan)
        study.optimize(parabola, n_trials=1)
        with sqlite3.connect(plan.folder / STUDY_FILE) as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()

        def limited(path: Path) -> sqlite3.Connection:
            connection = connect(path)
            connection.execute(f"PRAGMA max_page_count = {pages}")
            return connection

        connect = storage._connect
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(storage, "_connect", limited)
            small = open_study(plan)
            with pytest.raises(RunError, match=r"database is lost: database or disk is full"), database_errors():
                small.optimize(parabola, n_trials=1000)
        assert study.trials[0].state == TrialState.COMPLETE
        assert len(open_study(plan).trials) >= 1

    def test_a_writer_waits_for_another(self, plan: StudyPlan) -> None:
        study = open_study(plan)
        connection = sqlite3.connect(plan.folder / STUDY_FILE, isolation_level=None, check_same_thread=False)
        connection.execute("BEGIN IMMEDIATE")
        release = threading.Timer(1.0, connection.rollback)
        release.start()
        study.optimize(parabola, n_trials=1)
        release.join()
        assert study.trials[0].state == TrialState.COMPLETE

    def test_a_waiting_trial_goes_to_one_worker(self, plan: StudyPlan) -> None:
        """All of them ask in the same moment."""
        study = open_study(plan)
        for number in range(8):
            study.enqueue_trial({"x": number / 10})
        studies = [open_study(plan, worker) for worker in range(4)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda one: one.optimize(parabola, n_trials=2), studies))
        assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 8
        assert sorted(trial.params["x"] for trial in study.trials) == [number / 10 for number in range(8)]


def test_a_full_disk_is_reported_in_words(tmp_path: Path) -> None:
    with (
        pytest.raises(RunError, match=r"cannot be kept \(No space left on device, big\.npy\).*--out"),
        disk_errors(tmp_path),
    ):
        raise OSError(28, "No space left on device", "big.npy")


class TestDatabase:
    """Databases that cannot be used: reported at once, in words, without a password."""

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("study.db", "--storage is no database URL"),
            ("postgresql://user:hunter2@host:port/x", "--storage is no database URL"),
            ("nonsense://user:hunter2@host/x", "no database is known as 'nonsense'"),
            ("redis://user:hunter2@host/x", "no database is known as 'redis'"),
        ],
    )
    def test_what_is_no_database(self, tmp_path: Path, url: str, message: str) -> None:
        with pytest.raises(ContractError, match=rf"{message}.*postgresql://USER:PASSWORD@HOST/DATABASE") as caught:
            open_study(replace(BASE, folder=tmp_path, storage=url))
        assert "hunter2" not in str(caught.value)

    def test_a_missing_driver(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "psycopg2", None)
        with pytest.raises(RunError, match=r"psycopg2' is not installed.*pip install 'creditfusion\[postgres\]'"):
            open_study(replace(BASE, folder=tmp_path, storage="postgresql://u:hunter2@localhost/x"))

    @pytest.fixture
    def attempts(self, monkeypatch: pytest.MonkeyPatch) -> list[object]:
        """How long each attempt to connect to PostgreSQL may last."""
        driver = pytest.importorskip("psycopg2", reason="the PostgreSQL driver is not installed")
        tried: list[object] = []

        def connect(*arguments: object, **options: object) -> object:
            tried.append(options["connect_timeout"])
            return really_connect(*arguments, **options)

        really_connect = driver.connect
        monkeypatch.setattr(driver, "connect", connect)
        return tried

    def test_nobody_listens(self, tmp_path: Path, attempts: list[object]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        url = f"postgresql://u:hunter2@127.0.0.1:{port}/x?password=hunter2"
        with pytest.raises(RunError, match=r"database postgresql.*u:\*\*\*@127.*Connection refused") as caught:
            open_study(replace(BASE, folder=tmp_path, storage=url))
        assert "hunter2" not in str(caught.value)
        assert attempts == [storage.CONNECT_SECONDS]

    def test_a_host_that_never_answers(self, tmp_path: Path, attempts: list[object]) -> None:
        with socket.socket() as silent:  # takes the connection and says nothing
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            url = f"postgresql://u:hunter2@127.0.0.1:{silent.getsockname()[1]}/x?connect_timeout=2"
            with pytest.raises(RunError, match=r"cannot be used: .*timeout expired"):
                open_study(replace(BASE, folder=tmp_path, storage=url))
            assert attempts == ["2"]

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
        opened = open_storage(f"sqlite:///{tmp_path / 'study.db'}", lambda *_: None, 15)
        assert (opened.heartbeat_interval, opened.grace_period) == (15, 45)

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
    with pytest.raises(RunError, match=r"database is lost: .*Run the same command again"), database_errors():
        study.optimize(parabola, n_trials=1)
    with pytest.raises(RunError, match=r"cannot be used: .*Connection refused"):
        open_study(plan)
