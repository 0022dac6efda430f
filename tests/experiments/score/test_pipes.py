"""`-` for a path: applications from stdin, scored rows on stdout."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from experiments.demo.data import generate
from experiments.score.resumable_output import partial_folder
from fusion.bundle_folder import MANIFEST, MANIFEST_DIGEST
from tests.support.command_line import creditfusion
from tests.support.explained import Trained


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of the command; nothing may be left in it."""
    folder = tmp_path / "private"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture(scope="module")
def applications() -> bytes:
    table = generate(30, 2).table.drop(columns="outcome").astype(object)
    table.loc[7, "amount"] = "a lot"
    return str(table.to_csv(index=False)).encode()


def pipe_in(content: bytes, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def score(trained: Trained, data: Path | str, out: Path | str, folder: Path, *more: str) -> int:
    named = ("--model", trained.model, "--data", data, "--out", out, "--rejects", folder / "r.csv")
    return creditfusion("score", *named, "--cache", trained.folder / "cache", "--reasons", 1, *more)


def test_a_pipe_gives_the_bytes_of_files_and_leaves_nothing(
    trained: Trained,
    applications: bytes,
    private: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    files, pipes = tmp_path / "files", tmp_path / "pipes"
    files.mkdir()
    (files / "new.csv").write_bytes(applications)
    assert score(trained, files / "new.csv", files / "out.csv", files) == 3
    capsysbinary.readouterr()

    pipe_in(gzip.compress(applications), monkeypatch)
    assert score(trained, "-", "-", pipes) == 3
    written = capsysbinary.readouterr()
    assert written.out == (files / "out.csv").read_bytes()
    assert (pipes / "r.csv").read_bytes() == (files / "r.csv").read_bytes()
    assert b"stdin: unpacked from gzip" in written.err
    assert sorted(path.name for path in pipes.iterdir()) == ["r.csv", "r.csv.log.jsonl"]
    events = [json.loads(line) for line in (pipes / "r.csv.log.jsonl").read_text().splitlines()]
    assert events[0]["arguments"]["data"] == "stdin"
    assert list(private.iterdir()) == []


def test_a_reader_that_goes_away_ends_the_command_quietly(
    trained: Trained,
    applications: bytes,
    private: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Closed(io.BytesIO):
        def write(self, *_: object) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    pipe_in(applications, monkeypatch)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(Closed()))
    assert score(trained, "-", "-", tmp_path / "pipes") == 1
    assert "rror" not in capsys.readouterr().err
    assert [*(tmp_path / "pipes").glob("creditfusion*"), *private.iterdir()] == []


@pytest.mark.parametrize(
    ("stream", "number"), [("stdin", signal.SIGTERM), ("stdin", signal.SIGINT), ("stdout", signal.SIGTERM)]
)
def test_a_signal_to_end_leaves_no_copy_of_a_pipe(
    trained: Trained,
    applications: bytes,
    private: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stream: str,
    number: signal.Signals,
) -> None:
    class Ended(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            os.kill(os.getpid(), number)
            return super().read(size)

        def write(self, *_: object) -> int:
            os.kill(os.getpid(), number)
            return 0

    before = signal.getsignal(signal.SIGTERM)
    pipe_in(applications, monkeypatch)
    monkeypatch.setattr(sys, stream, io.TextIOWrapper(Ended(applications)))
    assert score(trained, "-", "-", tmp_path / "pipes") == 130
    assert "Interrupted." in capsys.readouterr().err
    assert [*(tmp_path / "pipes").glob("creditfusion*"), *private.iterdir()] == []
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_pipe_resumes_where_the_same_bytes_come_in_again(
    trained: Trained,
    applications: bytes,
    private: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(_descriptor: int) -> None:
        if (partial_folder(tmp_path / "out.csv") / "scored.csv").stat().st_size > 1500:
            raise OSError(errno.ENOSPC, "No space left on device")

    pipe_in(applications, monkeypatch)
    assert score(trained, "-", tmp_path / "whole.csv", tmp_path) == 3
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        pipe_in(applications, monkeypatch)
        assert score(trained, "-", tmp_path / "out.csv", tmp_path / "rejected", "--chunk-rows", "5") == 1
    pipe_in(applications.replace(b"car", b"cat"), monkeypatch)
    assert score(trained, "-", tmp_path / "out.csv", tmp_path / "rejected", "--resume") == 2
    assert "input sha256" in capsys.readouterr().err
    pipe_in(applications, monkeypatch)
    assert score(trained, "-", tmp_path / "out.csv", tmp_path / "rejected", "--resume") == 3
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert list(private.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ((), "--out - needs a file for rejected rows"),
        (("--rejects", "r.csv", "--resume"), "--out - keeps nothing to --resume"),
        (("--rejects", "r.csv", "--json"), "--out - and --json would both write to stdout"),
    ],
)
def test_stdout_has_one_owner_and_no_row_is_lost(
    private: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    says: str,
) -> None:
    pipe_in(b"a,b\n1,2\n", monkeypatch)
    assert creditfusion("score", "--model", "nowhere", "--data", "-", "--out", "-", *more) == 2
    assert says in capsys.readouterr().err
    assert list(private.iterdir()) == []


def test_what_is_wrong_with_a_pipe_names_stdin(
    private: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pipe_in(b"", monkeypatch)
    assert creditfusion("schema", "infer", "-", "--out", tmp_path / "my.schema.json") == 2
    assert "Error: stdin is empty" in capsys.readouterr().err
    assert list(private.iterdir()) == []


def test_stdin_is_read_once(private: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pipe_in(b"a,b\n1,2\n", monkeypatch)
    assert creditfusion("schema", "check", "--schema", "demo", "-", "-") == 2
    assert "stdin is named twice" in capsys.readouterr().err
    assert list(private.iterdir()) == []


def test_no_contract_and_no_page_is_written_into_a_bundle(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, applications: bytes
) -> None:
    for name in (MANIFEST, MANIFEST_DIGEST):
        (tmp_path / name).touch()
    data = tmp_path.parent / f"{tmp_path.name}.csv"
    data.write_bytes(applications)
    for verb, *named in (("infer", data), ("review", "demo", data)):
        assert creditfusion("schema", verb, *named, "--out", tmp_path / "inside") == 2
        assert "lies in the model bundle" in capsys.readouterr().err
    assert not (tmp_path / "inside").exists()
