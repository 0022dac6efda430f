from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.errors import RunError
from features.encoders.cache.embedding_cache import FILE_NAME, EmbeddingCache
from tests.support.cached_vectors import BOUND, DIGEST, alter, vectors


def names(count: int, prefix: str = "") -> list[str]:
    return [f"{prefix}{n}" for n in range(count)]


def test_stored_vectors_are_found(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "deep" / "cache", BOUND)
    cache.put_many(DIGEST, ["a", "bb"], vectors(["a", "bb"]))
    found = EmbeddingCache(tmp_path / "deep" / "cache", BOUND).get_many(DIGEST, ["x", "bb", "a"], 8)
    assert sorted(found) == [1, 2]
    np.testing.assert_array_equal(found[1], vectors(["bb"])[0])
    assert found[1].dtype == np.float32


def test_no_texts_are_looked_up(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, BOUND)
    cache.put_many(DIGEST, [], vectors([]))
    assert cache.get_many(DIGEST, [], 8) == {}
    assert len(cache) == 0


def test_vectors_of_another_encoder_are_not_used(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, BOUND)
    cache.put_many(DIGEST, ["a"], vectors(["a"]))
    assert cache.get_many("cd" * 32, ["a"], 8) == {}
    assert cache.get_many(DIGEST, ["a"], 9) == {}


def test_the_text_is_not_in_the_files(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, BOUND)
    cache.put_many(DIGEST, ["a secret narrative"], vectors(["a secret narrative"]))
    assert all(b"secret" not in path.read_bytes() for path in tmp_path.iterdir())


def test_size_is_bounded_and_the_oldest_entries_are_evicted_first(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, 100_000)
    for step in range(10):
        texts = names(100, f"{step}-")
        cache.put_many(DIGEST, texts, vectors(texts, 64))
        assert cache.n_bytes <= 100_000
        assert len(cache.get_many(DIGEST, names(20, "0-"), 64)) == 20  # used all the time, so kept
    assert len(cache.get_many(DIGEST, names(100, "9-"), 64)) == 100
    assert len(cache.get_many(DIGEST, names(100, "1-"), 64)) == 0


def test_a_bound_smaller_than_one_write_holds(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, 50_000)
    cache.put_many(DIGEST, names(2000), vectors(names(2000), 64))
    assert cache.n_bytes <= 50_000


def test_a_file_that_is_damaged_when_it_is_opened_is_moved_aside_with_a_note(tmp_path: Path) -> None:
    EmbeddingCache(tmp_path, BOUND)
    path = tmp_path / FILE_NAME
    path.write_bytes(b"not a database at all" * 1000)
    notes: list[str] = []
    cache = EmbeddingCache(tmp_path, BOUND, notes.append)
    cache.put_many(DIGEST, ["a"], vectors(["a"]))
    assert len(cache) == 1
    assert path.with_suffix(".damaged").exists()
    assert notes == [f"the cache of vectors {path} was damaged; it lies in vectors-1.damaged now and is begun anew"]


@pytest.mark.parametrize("content", [b"x" * 8192, b"", None])
@pytest.mark.parametrize("use", ["read", "write", "count"])
def test_a_file_that_is_damaged_or_gone_later_is_begun_anew(tmp_path: Path, content: bytes | None, use: str) -> None:
    notes: list[str] = []
    cache = EmbeddingCache(tmp_path, BOUND, notes.append)
    cache.put_many(DIGEST, names(500), vectors(names(500)))
    for path in tmp_path.iterdir():
        path.unlink()
    if content is not None:
        cache.path.write_bytes(content)
    match use:
        case "read":
            assert cache.get_many(DIGEST, ["1"], 8) == {}
        case "write":
            cache.put_many(DIGEST, ["a"], vectors(["a"]))
        case _:
            assert len(cache) == 0
    cache.put_many(DIGEST, ["b"], vectors(["b"]))
    assert list(cache.get_many(DIGEST, ["b"], 8)) == [0]
    assert len(notes) == (content is not None)


def test_without_a_listener_damage_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database at all" * 1000)
    with pytest.warns(UserWarning, match="was damaged"):
        EmbeddingCache(tmp_path, BOUND)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_no_damage_of_the_file_stops_a_run_or_changes_a_vector(data: st.DataObject) -> None:
    texts = names(400)
    with tempfile.TemporaryDirectory() as folder:
        cache = EmbeddingCache(Path(folder), 60_000, lambda _: None)  # small: reading and writing touch every table
        cache.put_many(DIGEST, texts, vectors(texts))
        size = cache.path.stat().st_size
        begin = data.draw(st.integers(0, size - 1))
        length = data.draw(st.sampled_from([1, 2, 100, 4096, 8192]))
        byte = data.draw(st.integers(0, 255))
        with cache.path.open("r+b") as file:
            file.seek(begin)
            file.write(bytes([byte]) * min(length, size - begin))
            if data.draw(st.booleans()):
                file.truncate(begin)
        for _ in range(2):
            found = cache.get_many(DIGEST, texts, 8)
            assert all((found[n] == len(texts[n])).all() for n in found)
            cache.put_many(DIGEST, names(300, "other"), vectors(names(300, "other")))


def test_a_damaged_page_whose_keys_are_nothing_costs_no_run(tmp_path: Path) -> None:
    texts = names(400)
    cache = EmbeddingCache(tmp_path, 60_000, lambda _: None)
    cache.put_many(DIGEST, texts, vectors(texts))
    with cache.path.open("r+b") as file:
        file.seek(26_828)
        file.write(b"\0")
    found = cache.get_many(DIGEST, texts, 8)
    assert all((found[n] == len(texts[n])).all() for n in found)


def test_an_entry_under_another_key_is_damaged(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, BOUND)
    cache.put_many(DIGEST, ["a", "bb"], vectors(["a", "bb"]))
    entries: dict[bytes, bytes] = {}
    alter(cache, lambda entry: entries.setdefault(b"first", entry))
    assert len(cache.get_many(DIGEST, ["a", "bb"], 8)) == 1


def test_numbers_that_were_none_when_they_were_stored_are_not_taken(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, BOUND)
    cache.put_many(DIGEST, ["a", "b"], np.array([[np.nan] * 8, [1] * 8], np.float32))
    assert list(cache.get_many(DIGEST, ["a", "b"], 8)) == [1]


def test_entries_of_an_older_layout_are_forgotten_without_a_word(tmp_path: Path) -> None:
    notes: list[str] = []
    cache = EmbeddingCache(tmp_path, BOUND, notes.append)
    cache.put_many(DIGEST, ["a"], vectors(["a"]))
    with sqlite3.connect(cache.path) as db:
        db.execute("PRAGMA user_version = 0")
    db.close()
    assert len(EmbeddingCache(tmp_path, BOUND, notes.append)) == 0
    assert notes == []


@pytest.mark.parametrize("place", ["file/cache", "/proc/no/cache"])
def test_folder_that_cannot_be_written(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match=r"embedding cache .*Choose a"):
        EmbeddingCache(tmp_path / place, BOUND)


WRITER = """
import sys
from pathlib import Path
import numpy as np
from features.encoders.cache.embedding_cache import EmbeddingCache
cache = EmbeddingCache(Path(sys.argv[1]), 10_000_000)
for step in range(int(sys.argv[3])):
    texts = [f"{sys.argv[2]}-{step}-{n}" for n in range(50)] + ["shared"]
    cache.put_many("ab" * 32, texts, np.full((51, 8), len(texts[0]), np.float32))
    assert len(cache.get_many("ab" * 32, texts, 8)) == 51
    print(step, flush=True)
"""


def writer(folder: Path, name: str, n_steps: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), name, str(n_steps)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_three_processes_at_once(tmp_path: Path) -> None:
    running = [writer(tmp_path, name, 20) for name in "abc"]
    for process in running:
        process.communicate(timeout=600)
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(EmbeddingCache(tmp_path, BOUND)) == 3 * 20 * 50 + 1


def test_a_new_cache_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        for number in range(40):
            assert len(list(pool.map(EmbeddingCache, [tmp_path / str(number)] * 4, [BOUND] * 4))) == 4


def test_a_killed_writer_leaves_a_sound_cache(tmp_path: Path) -> None:
    process = writer(tmp_path, "k", 100_000)
    assert process.stdout is not None
    for _ in range(5):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=600)
    cache = EmbeddingCache(tmp_path, BOUND)
    texts = [f"k-{step}-{n}" for step in range(5) for n in range(50)]
    assert len(cache.get_many(DIGEST, texts, 8)) == 250
    cache.put_many(DIGEST, ["after"], vectors(["after"]))


def test_many_texts_are_looked_up_with_few_queries_by_their_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = EmbeddingCache(tmp_path, BOUND)
    texts = names(5_000)
    cache.put_many(DIGEST, texts, vectors(texts))
    asked: list[str] = []

    def traced(path: Path, timeout: float) -> sqlite3.Connection:
        connection = open_database(path, timeout=timeout)
        connection.set_trace_callback(asked.append)
        return connection

    open_database = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", traced)
    assert len(cache.get_many(DIGEST, texts, 8)) == 5_000
    assert len(asked) <= 5_000 / 100
    with cache.file.open() as db:
        plans = [db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall() for query in asked if "FROM vectors" in query]
    assert plans
    assert all("SEARCH vectors USING PRIMARY KEY" in str(plan) for plan in plans)


def test_half_a_surrogate_pair_has_a_key(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, BOUND)
    cache.put_many(DIGEST, ["\ud800"], vectors(["x"]))
    assert len(cache.get_many(DIGEST, ["\ud800"], 8)) == 1
