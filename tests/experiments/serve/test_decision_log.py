from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data_schemas.errors import ContractError, RunError
from experiments.serve.decision_log import JsonLines, NoLog, open_log, read_log
from tests.support.decisions import decision
from tests.support.postgres import PASSWORD, QUOTED, Server

KILLED = """
import os, sys
from pathlib import Path
from experiments.serve.decision_log import JsonLines
from tests.support.decisions import decision

log = JsonLines.open(Path(sys.argv[1]))
for number in range(1_000_000):
    log.append([decision(f"{number}-{part}") for part in range(3)])
    print(number, flush=True)
"""


def test_what_is_appended_is_read_again(tmp_path: Path) -> None:
    made = [decision("a"), decision(None, pd=None, score=None, decision="", rejected="dti:type", route="shadow")]
    log = open_log(str(tmp_path / "new" / "log.jsonl"))
    log.append(made)
    log.append([])
    log.append([decision("é\n")])
    log.close()
    assert read_log(str(tmp_path / "new" / "log.jsonl")).decisions == [*made, decision("é\n")]


def test_a_torn_line_is_no_decision_and_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = JsonLines.open(path)
    log.append([decision("a"), decision("b")])
    log.close()
    whole = path.read_bytes()
    for n_torn in (1, 2, 100, len(whole) // 2 - 1):
        path.write_bytes(whole[:-n_torn])
        read = read_log(str(path))
        assert ([one.id for one in read.decisions], read.n_broken) == (["a"], 1)
    log = JsonLines.open(path)
    log.append([decision("c")])
    log.close()
    read = read_log(str(path))
    assert ([one.id for one in read.decisions], read.n_broken) == (["a", "c"], 0)


def test_a_long_torn_line_is_cut_off_too(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"x" * 200_000)
    JsonLines.open(path).close()
    assert path.read_bytes() == b""


def test_a_writer_that_is_killed_leaves_every_decision_that_it_confirmed(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    confirmed = [process.stdout.readline() for _ in range(30)][-1]
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    process.stdout.close()
    log = JsonLines.open(path)
    log.append([decision("later")])
    log.close()
    names = [one.id for one in read_log(str(path)).decisions]
    assert names[-1] == "later"
    assert names[:-1] == [f"{number}-{part}" for number in range(1000) for part in range(3)][: len(names) - 1]
    assert len(names) - 1 >= 3 * (int(confirmed) + 1)


def test_one_log_has_one_writer(tmp_path: Path) -> None:
    log = JsonLines.open(tmp_path / "log.jsonl")
    with pytest.raises(RunError, match="another process writes"):
        JsonLines.open(tmp_path / "log.jsonl")
    log.close()
    JsonLines.open(tmp_path / "log.jsonl").close()


def test_a_full_disk_leaves_no_half_of_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.jsonl"
    log = JsonLines.open(path)
    log.append([decision("a")])
    write = os.write

    def full(handle: int, data: bytes) -> int:
        if not data.startswith(b'{"time"'):
            raise OSError(28, "No space left on device")
        return write(handle, data[:100])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(RunError, match="cannot be written"):
        log.append([decision("b"), decision("c")])
    monkeypatch.undo()
    log.append([decision("d")])
    log.close()
    assert [one.id for one in read_log(str(path)).decisions] == ["a", "d"]


def test_half_a_batch_that_cannot_be_cut_off_at_once_is_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = JsonLines.open(tmp_path / "log.jsonl")
    log.append([decision("a")])
    write = os.write

    def failing(*_: object) -> int:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda handle, data: write(handle, data[:100]) if len(data) > 300 else failing())
        patch.setattr(os, "ftruncate", failing)
        with pytest.raises(RunError, match="Input/output error"):
            log.append([decision("b")])
    log.append([decision("c")])
    log.close()
    assert [one.id for one in read_log(str(tmp_path / "log.jsonl")).decisions] == ["a", "c"]


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be read"):
        read_log(str(tmp_path / "none.jsonl"))
    (tmp_path / "other.jsonl").write_text('{"event": "started"}\n')
    with pytest.raises(ContractError, match="holds no decision"):
        read_log(str(tmp_path / "other.jsonl"))
    with pytest.raises(RunError, match="cannot be opened"):
        open_log(str(tmp_path / "other.jsonl" / "log"))


def test_without_a_log_nothing_is_kept() -> None:
    log = open_log(None)
    log.append([decision()])
    log.close()
    assert isinstance(log, NoLog)


@pytest.mark.slow
def test_postgres_keeps_decisions_of_many_writers(postgres: Server) -> None:
    url = postgres.create("decisions")
    one, other = open_log(url), open_log(url)
    one.append([decision("a"), decision(None, pd=None, score=None)])
    other.append([decision("b", reasons=())])
    assert [made.id for made in read_log(url).decisions] == ["a", None, "b"]
    assert read_log(url).decisions[0] == decision("a")
    one.close()
    other.close()


@pytest.mark.slow
def test_a_database_that_cannot_be_used_is_named_without_its_password(postgres: Server) -> None:
    for url in (postgres.url("missing"), "postgresql://u:s3cret@127.0.0.1:1/none"):
        with pytest.raises(RunError, match="cannot be used") as error:
            open_log(url)
        assert not {PASSWORD, QUOTED, "s3cret"} & {part for part in str(error.value).split() if "s3cret" in part}
    with pytest.raises(ContractError, match="no URL"):
        open_log("postgresql://u:p@host:port/db")
