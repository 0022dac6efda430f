"""An encoder that is opened with the first text, and the note that says which one it will be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from data_schemas.errors import RunError
from features.arrays import Floats32
from features.encoders import machine
from features.encoders.cache.deferred import DeferredEncoder, EncoderNote, NotePlace, note_key
from features.encoders.cache.embedding_cache import EmbeddingCache
from features.encoders.machine import engine_description
from features.encoders.vectors import PartVectors, Progress
from features.encoders.vocabulary import Readable
from features.encoders.windows import Spans
from tests.support.stand_in import parts_alone
from tests.support.tiny_bert import tiny_bert

NOTE = EncoderNote("ab" * 32, "cd" * 32, 8, "bf16", Readable(frozenset({"Latin", "Han"}), ascii=True))
BOUND = 10_000_000


class StandIn:
    """Gives every text its length."""

    digest = "ef" * 32
    dim = 4

    def encode(self, texts: Sequence[str], _on_progress: Progress | None = None) -> Floats32:
        return np.array([[len(text)] * self.dim for text in texts], np.float32).reshape(-1, self.dim)

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        return parts_alone(self.encode, texts, spans, on_progress)


@pytest.fixture
def place(tmp_path: Path) -> NotePlace:
    return NotePlace(EmbeddingCache(tmp_path, BOUND), b"k" * 32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_bert(tmp_path / "bert")


def test_it_is_opened_once_with_the_first_text() -> None:
    opened: list[StandIn] = []

    def open_it() -> StandIn:
        opened.append(StandIn())
        return opened[-1]

    later = DeferredEncoder(StandIn().digest, StandIn().dim, open_it, lambda: None)
    assert (later.digest, later.dim, opened) == (StandIn().digest, StandIn().dim, [])
    np.testing.assert_array_equal(later.encode(["one"]), StandIn().encode(["one"]))
    later.encode_parts(["two"], [()])
    assert len(opened) == 1


def test_an_encoder_that_is_another_than_noted_reads_nothing_and_its_note_is_dropped(place: NotePlace) -> None:
    place.write(NOTE)
    later = DeferredEncoder(NOTE.digest, NOTE.dim, StandIn, place.forget)
    with pytest.raises(RunError, match="does not compute as it did"):
        later.encode(["one"])
    assert place.cache.get_note(place.key) is None


def test_a_note_is_read_as_it_was_written(place: NotePlace, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write(NOTE)
    assert place.read() is None  # torch is imported here, and may have been set to compute otherwise
    monkeypatch.setattr("features.encoders.cache.deferred.TORCH", "no such module")
    assert place.read() == NOTE


def test_a_damaged_note_counts_as_none(place: NotePlace) -> None:
    place.write(NOTE)
    assert place.cache.get_note(place.key) == NOTE.to_bytes()
    with place.cache.file.open() as db, db:
        db.execute("UPDATE notes SET note = substr(note, 2)")
    assert place.cache.get_note(place.key) is None


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors", "1_Pooling/config.json"])
def test_the_key_follows_every_file(folder: Path, name: str) -> None:
    before = note_key(folder, "settings", {})
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes((file.read_bytes() if file.exists() else b"") + b" ")
    assert before is not None
    assert note_key(folder, "settings", {}) not in (before, None)


def test_the_key_follows_settings_probes_and_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [
        note_key(folder, *given) for given in (("a", {}), ("b", {}), ("a", {"probes": "1"}), ("a", {"probes": "2"}))
    ]
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    keys.append(note_key(folder, "a", {}))
    assert None not in keys
    assert len(set(keys)) == 5


def test_the_key_follows_the_processor_and_the_packages(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [note_key(folder, "a", {})]
    (tmp_path / "cpuinfo").write_text("flags\t: none\n")
    monkeypatch.setattr(machine, "PROCESSORS", tmp_path / "cpuinfo")
    keys.append(note_key(folder, "a", {}))
    monkeypatch.setattr(machine, "PACKAGES", ("torch",))
    keys.append(note_key(folder, "a", {}))
    assert None not in keys
    assert len(set(keys)) == 3


def test_there_is_no_key_where_the_machine_cannot_be_described(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "PROCESSORS", tmp_path / "absent")
    assert engine_description() is None
    assert note_key(folder, "a", {}) is None
