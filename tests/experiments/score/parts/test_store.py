"""Folders and object stores hold whole objects, whose content never changes."""

from __future__ import annotations

import os
from pathlib import Path

import fsspec
import pytest

from data_schemas.errors import ContractError, RunError
from experiments.score.parts.addresses import address, is_address
from experiments.score.parts.executor import InProcess
from experiments.score.parts.files import files_to_score
from experiments.score.parts.job import Conduct, score_in_parts
from experiments.score.parts.store import Store, is_file, is_folder, open_store
from experiments.session.run import Run
from features.tables.reader import ReadOptions
from tests.support.scoring_in_parts import SCORER, Batch


@pytest.fixture(params=["folder", "file address", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    root = tmp_path / "store"
    named = {"folder": str(root), "file address": f"file://{root}", "memory": f"memory://{root.relative_to('/')}"}
    made = open_store(named[request.param])
    made.make()
    return made


def content(store: Store, name: str) -> bytes:
    with store.open(name) as stream:
        return stream.read()


def test_an_object_that_is_there_is_never_replaced(store: Store) -> None:
    assert store.put_new("a/b.part", b"first\nrows")
    assert not store.put_new("a/b.part", b"second")
    assert content(store, "a/b.part") == b"first\nrows"
    with store.open("a/b.part") as stream:
        assert stream.readline() == b"first\n"
        assert stream.read() == b"rows"
    with store.fetched("a/b.part") as path:
        assert path.read_bytes() == b"first\nrows"


def test_objects_are_listed_removed_and_cleared(store: Store) -> None:
    for name in ("a/2", "a/1", "b/1", "top"):
        store.put_new(name, b"")
    assert store.names() == ["a/1", "a/2", "b/1", "top"]
    assert store.names("a") == ["a/1", "a/2"]
    assert store.names("none") == []
    store.remove("a/2")
    store.remove("a/2")
    assert store.names("a") == ["a/1"]
    store.clear()
    assert store.names() == []
    with pytest.raises(FileNotFoundError):
        store.open("top")
    with pytest.raises(FileNotFoundError), store.fetched("top"):
        pass


def test_no_input_is_left_out_unnoticed(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [file.name for file in batch.given().files]
    (batch.data / "may.unfinished-1.csv").write_bytes((batch.data / "a.csv").read_bytes())
    assert [file.name for file in batch.given().files] == sorted([*names, "may.unfinished-1.csv"])
    link = batch.data / "link"
    link.symlink_to(batch.data / "sub", target_is_directory=True)
    with pytest.raises(ContractError, match="in/link is neither CSV"):
        batch.given()
    link.unlink()
    pipe = batch.data / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(ContractError, match=r"in/pipe\.csv is no regular file"):
        batch.given()
    with pytest.raises(ContractError, match=r"in/pipe\.csv is no regular file"):
        files_to_score(pipe, batch.out / "one.csv", None)
    pipe.rename(batch.data / "pipe")
    with pytest.raises(ContractError, match="in/pipe is neither CSV"):
        batch.given()
    (batch.data / "pipe").unlink()
    link = batch.data / "gone.csv"
    link.symlink_to("nowhere.csv")
    with pytest.raises(ContractError, match=r"in/gone\.csv is a link to nothing"):
        batch.given()
    link.unlink()
    odd = os.fsdecode(os.fsencode(batch.data) + b"/\xff.csv")
    Path(odd).touch()
    with pytest.raises(ContractError, match=r"name is no UTF-8: .*udcff\.csv"):
        batch.given()
    Path(odd).unlink()
    scandir = os.scandir

    def denied(path: Path) -> object:
        if Path(path).name == "sub":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(PermissionError, match="in/sub"):
        batch.given()


def test_a_file_is_published_in_place_of_an_older_one(store: Store) -> None:
    for content_now in (b"old", b"new"):
        with store.scratch() as folder:
            (folder / "made").write_bytes(content_now)
            assert store.names() in ([], ["sub/out.csv"])
            store.publish(folder / "made", "sub/out.csv")
            assert not (folder / "made").exists()
    assert content(store, "sub/out.csv") == b"new"
    assert is_file(f"{store.address}/sub/out.csv")
    assert is_folder(f"{store.address}/sub")
    with pytest.raises(RunError, match="absent does not exist"):
        is_folder(f"{store.address}/absent")


def test_a_file_system_without_hard_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    store = open_store(str(tmp_path))
    assert store.put_new("one", b"1")
    assert not store.put_new("one", b"2")
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_addresses_are_as_they_were_typed(tmp_path: Path) -> None:
    assert address(Path("s3://bucket/a/b.csv")) == "s3://bucket/a/b.csv"
    assert address(Path("file:///data/a.csv")) == "file:///data/a.csv"
    assert address(tmp_path / "a.csv") == str(tmp_path / "a.csv")
    assert [is_address(Path(one)) for one in ("s3://bucket", "C:/x", "a/b.csv", "memory://a")] == [
        True,
        False,
        False,
        True,
    ]
    with pytest.raises(ContractError, match="nosuch://a cannot be reached"):
        is_folder("nosuch://a")


def test_an_object_store_gets_the_bytes_that_a_folder_gets(
    batch: Batch, alone: dict[str, bytes], tmp_path: Path
) -> None:
    memory = fsspec.filesystem("memory")
    root = f"/{tmp_path.name}"
    memory.put(str(batch.data), f"{root}/in", recursive=True)
    given = files_to_score(Path(f"memory:/{root}/in"), Path(f"memory:/{root}/out"), None)
    with Run.start("score", None, {}) as run:
        score_in_parts(SCORER, given, ReadOptions(10), InProcess(SCORER), run, Conduct())
    out = open_store(f"memory:/{root}/out")
    assert {name: content(out, name) for name in out.names()} == alone
    assert open_store(given.work).names() == []
