from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from features.encoders.cache import cached_encoder
from features.encoders.cache.cached_encoder import CachedEncoder
from features.encoders.cache.embedding_cache import EmbeddingCache
from tests.support.cached_vectors import BOUND, DIGEST, alter, vectors
from tests.support.stand_in import RecordingEncoder


def recording() -> RecordingEncoder:
    return RecordingEncoder(vectors, 8, DIGEST)


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry[:5] + bytes([entry[5] ^ 0x20]) + entry[6:],
        lambda entry: np.float16("nan").tobytes() + entry[2:],
        lambda entry: np.float16("inf").tobytes() + entry[2:],
        lambda entry: entry[2:],
        lambda entry: entry + b"\0\0",
        lambda entry: entry[:-1],
        lambda _: "text",
        lambda _: None,
        lambda entry: entry[:-8] + bytes(8),
    ],
    ids=["bit", "nan", "infinity", "shorter", "longer", "odd", "text", "empty", "checksum"],
)
def test_damaged_entries_are_computed_anew_and_counted(
    tmp_path: Path, change: Callable[[bytes], bytes | str | None]
) -> None:
    notes: list[str] = []
    encoder, cache = recording(), EmbeddingCache(tmp_path, BOUND, notes.append)
    cached, texts, cuts = CachedEncoder(encoder, cache), ["one", "two. three"], [[(0, 3)], [(0, 5), (5, 10)]]
    first = cached.encode_parts(texts, cuts)
    alter(cache, change)
    again = cached.encode_parts(texts, cuts)
    for name in ("whole", "parts", "share"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))
    assert notes == [f"damaged entries in the cache of vectors {cache.path}: 3; they are computed anew"]
    n_asked = len(encoder.asked)
    cached.encode_parts(texts, cuts)
    assert len(encoder.asked) == n_asked


def test_cached_encoder_reads_each_text_once(tmp_path: Path) -> None:
    encoder = recording()
    cached = CachedEncoder(encoder, EmbeddingCache(tmp_path, BOUND))
    progress: list[int] = []
    first = cached.encode(["a", "bb", "a", ""], progress.append)
    assert encoder.asked == ["a", "bb", ""]
    assert progress == [1, 4]
    again = cached.encode(["", "ccc", "a", "bb"])
    assert encoder.asked == ["a", "bb", "", "ccc"]
    np.testing.assert_array_equal(first, vectors(["a", "bb", "a", ""]))
    np.testing.assert_array_equal(again, vectors(["", "ccc", "a", "bb"]))
    assert cached.encode([]).shape == (0, 8)


def test_progress_over_several_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached_encoder, "ENCODE_STEP", 2)
    cached = CachedEncoder(recording(), EmbeddingCache(tmp_path, BOUND))
    cached.encode(["1"])
    progress: list[int] = []
    cached.encode(["1", "2", "3", "4", "5", "6"], progress.append)
    assert progress == [1, 3, 5, 6]


def test_a_text_is_read_again_only_for_parts_that_are_not_known(tmp_path: Path) -> None:
    encoder = recording()
    cached = CachedEncoder(encoder, EmbeddingCache(tmp_path, BOUND))
    cached.encode(["one", "two. three"])
    assert cached.hit_rate == 0
    progress: list[int] = []
    cuts = [[(0, 3)], [(0, 5), (5, 10)], [(0, 3)]]
    first = cached.encode_parts(["one", "two. three", "one"], cuts, progress.append)
    assert encoder.asked == ["one", "two. three", "two. three", "two. ", "three"]  # the stand-in reads passages alone
    assert progress == [2, 3]
    assert cached.hit_rate == 1 - 3 / 5
    again = cached.encode_parts(["one", "two. three", "one"], cuts)
    assert len(encoder.asked) == 5
    assert again.bounds.tolist() == [0, 1, 3, 4]
    np.testing.assert_array_equal(again.parts, vectors(["one", "two. ", "three", "one"]))
    np.testing.assert_array_equal(again.parts, first.parts)
    np.testing.assert_array_equal(again.share, [1, 0.5, 0.5, 1])


def test_parts_of_another_cut_are_not_taken(tmp_path: Path) -> None:
    encoder = recording()
    cached = CachedEncoder(encoder, EmbeddingCache(tmp_path, BOUND))
    cached.encode_parts(["a b c"], [[(0, 2), (2, 5)]])
    other = cached.encode_parts(["a b c"], [[(0, 4), (4, 5)]])
    np.testing.assert_array_equal(other.parts, vectors(["a b ", "c"]))
    both = cached.encode_parts(["a b c", "a b c"], [[(0, 2), (2, 5)], [(0, 4), (4, 5)]])
    np.testing.assert_array_equal(both.parts, vectors(["a ", "b c", "a b ", "c"]))
    assert cached.n_encoded == 2


def test_a_file_of_parts_stays_in_its_bound_and_holds_no_text(tmp_path: Path) -> None:
    cached = CachedEncoder(recording(), EmbeddingCache(tmp_path, 50_000))
    texts = [f"a secret. {n} narrative" for n in range(1500)]
    cached.encode_parts(texts, [[(0, 10), (10, len(text))] for text in texts])
    assert 0 < cached.cache.n_bytes <= 50_000
    assert all(b"secret" not in path.read_bytes() for path in tmp_path.iterdir())
