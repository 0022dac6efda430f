"""An encoder that is opened only when a text comes whose vector is not kept.

Opening takes seconds: torch is imported, weights are read, and the vectors of the probes are compared with those of
training. Where a run has done so, it keeps a note beside the vectors, under a digest of all that the outcome depends
on (``note_key``). A run that finds the note knows its encoder's digest, and so which kept vectors are its own, without
opening it. As soon as a text has to be read, the encoder is opened and checked like any other.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from data_schemas.errors import RunError
from features.arrays import Floats32
from features.encoders.cache.embedding_cache import EmbeddingCache
from features.encoders.folder import DIGESTS, FILES, USAGE_FILES
from features.encoders.machine import engine_description
from features.encoders.vectors import PartVectors, Progress, TextEncoder
from features.encoders.vocabulary import Readable
from features.encoders.windows import Spans

TORCH = "torch"


@dataclass(frozen=True)
class EncoderNote:
    """What an opened encoder was found to be, after its vectors passed.

    Attributes:
        model_digest: ``OpenEncoder.model_digest``.
        digest: of the encoder whose vectors are kept (``TextEncoder.digest``).
        dim: length of its vectors.
        precision: what it computes in.
        readable: what its vocabulary reads.
    """

    model_digest: str
    digest: str
    dim: int
    precision: str
    readable: Readable

    def to_bytes(self) -> bytes:
        """As JSON."""
        scripts, known_ascii = sorted(self.readable.scripts), self.readable.ascii
        return json.dumps([self.model_digest, self.digest, self.dim, self.precision, scripts, known_ascii]).encode()

    @staticmethod
    def from_bytes(data: bytes) -> EncoderNote:
        """From ``to_bytes``."""
        model_digest, digest, dim, precision, scripts, known_ascii = json.loads(data)
        return EncoderNote(model_digest, digest, dim, precision, Readable(frozenset(scripts), known_ascii))


@dataclass(frozen=True)
class NotePlace:
    """Where the note about an encoder is kept.

    Attributes:
        cache: of the vectors.
        key: ``note_key``.
    """

    cache: EmbeddingCache
    key: bytes

    def read(self) -> EncoderNote | None:
        """The note; None where there is none, or where torch is imported: what was set in it since is not known."""
        if TORCH in sys.modules:
            return None
        found = self.cache.get_note(self.key)
        return None if found is None else EncoderNote.from_bytes(found)

    def write(self, note: EncoderNote) -> None:
        """Keep a note."""
        data = note.to_bytes()
        if self.cache.get_note(self.key) != data:
            self.cache.put_note(self.key, data)

    def forget(self) -> None:
        """Drop the note."""
        self.cache.drop_note(self.key)


def note_key(folder: Path, settings: str, digests: Mapping[str, str]) -> bytes | None:
    """Digest of all that opening an encoder depends on; None where that cannot be found out without opening it.

    Args:
        folder: of its files, each of which is read.
        settings: how it is opened.
        digests: of what a model brings along: tensors in the place of the encoder's, vectors of the probes.
    """
    machine = engine_description()
    if machine is None:
        return None
    try:
        files = [_digest_of(folder / name) for name in (*FILES, *USAGE_FILES, DIGESTS)]
    except OSError:
        return None  # opening says what is wrong
    parts = [machine, files, settings, sorted(digests.items())]
    return hashlib.sha256(json.dumps(parts).encode()).digest()


def _digest_of(path: Path) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(eq=False)
class DeferredEncoder:
    """A ``TextEncoder`` that is opened when the first text comes; threads may share it.

    Attributes:
        digest: that it will have.
        dim: likewise.
        open: opens and checks it.
        forget: called where it turns out to be another.
    """

    digest: str
    dim: int
    open: Callable[[], TextEncoder]
    forget: Callable[[], None]
    _opened: TextEncoder | None = field(default=None, init=False)
    _opening: Lock = field(default_factory=Lock, init=False)

    @property
    def opened(self) -> TextEncoder:
        """The encoder, opened now where it was not.

        Raises RunError where it is not the one that the note is about, and what opening it raises.
        """
        with self._opening:
            if self._opened is None:
                found = self.open()
                if (found.digest, found.dim) != (self.digest, self.dim):
                    self.forget()
                    raise RunError(
                        "the text encoder does not compute as it did when its vectors were last checked",
                        "Run the same command again: it will be checked anew.",
                    )
                self._opened = found
            return self._opened

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        """float32 (n, dim), see ``TextEncoder``."""
        return self.opened.encode(texts, on_progress)

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        """See ``TextEncoder``."""
        return self.opened.encode_parts(texts, spans, on_progress)
