"""One pass over the bytes of a file: what is needed to tell its encoding and its layout, in bounded memory."""

from __future__ import annotations

import codecs
import functools
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, cast

from data_schemas.fields import Field
from features.tables.containers import READ_ERRORS, open_bytes
from features.tables.csv_records import MAX_RECORD
from features.tables.encodings import BAD_BYTES

_BLOCK, _HEAD, _TAIL, _OTHER = 2**20, 2**18, 2**16, 2**18  # bytes


@dataclass(frozen=True)
class Source:
    """Where the text of a table is found.

    Attributes:
        path: of the file.
        sheet: of a workbook; None: its only one.
        fields: columns of the contract, in whose notation dates and numbers of a workbook are written.
    """

    path: Path
    sheet: str | None
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Scan:
    """What the bytes of a text show.

    Attributes:
        how: what had to be done to come by them, in words; "" for a plain file.
        size: how many they are.
        head: the first of them, with one line end at least.
        tail: the last of them.
        other: the first lines that hold bytes beyond ASCII.
        is_utf8: whether all is valid UTF-8.
        is_whole: whether reading came to the end; else the file is damaged there.
    """

    how: str
    size: int
    head: bytes
    tail: bytes
    other: bytes
    is_utf8: bool
    is_whole: bool

    @property
    def head_is_all(self) -> bool:
        """Whether there is nothing behind the head."""
        return self.size == len(self.head)


@dataclass(frozen=True)
class LineCounts:
    """Lines of a text: all, those with characters beyond ASCII, and those with bytes that cannot be decoded."""

    n_lines: int
    n_other: int
    n_damaged: int


def scan(source: Source) -> Scan:
    """Look at all bytes once. Raises as ``open_bytes`` does; damage further on ends the pass."""
    head = tail = other = b""
    size, is_utf8, is_whole = 0, True, True
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open_bytes(source.path, source.sheet, source.fields) as (stream, how):
        while True:
            try:
                block = stream.read1(_BLOCK)
            except READ_ERRORS:
                is_whole = False
                break
            if not _line_end(head) and len(head) < MAX_RECORD:
                head += block
            size += len(block)
            tail = (tail + block)[-_TAIL:]
            is_utf8 = is_utf8 and _decodes(decoder, block)
            if not block:
                break
            if len(other) < _OTHER and not block.isascii():
                lines = [line for line in block.split(b"\n") if not line.isascii()]
                other += b"\n".join(lines)[:_OTHER] + b"\n"
    head = head[: max(_HEAD, _line_end(head))] if _line_end(head) else head
    return Scan(how, size, head, tail, other, is_utf8, is_whole)


def _line_end(text: bytes) -> int:
    """Bytes of the first line with its end; 0 where no line ends."""
    found = re.search(rb"[\r\n]", text)
    return found.end() if found else 0


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes) -> bool:
    """Whether the next block is valid text; an empty one is the end."""
    try:
        decoder.decode(block, not block)
    except UnicodeDecodeError:
        return False
    return True


def count_lines(source: Source, encoding: str) -> LineCounts:
    """Lines of the text in this encoding, up to where it can be read."""
    n_lines = n_other = n_damaged = 0
    damaged = re.compile("[\udc00-\udcff]")
    with open_text(source, encoding) as stream:
        try:
            for line in iter(functools.partial(stream.readline, MAX_RECORD), ""):
                n_lines += 1
                if not line.isascii():
                    n_other += 1
                    n_damaged += damaged.search(line) is not None
        except READ_ERRORS:
            pass
    return LineCounts(n_lines, n_other, n_damaged)


@contextmanager
def open_text(source: Source, encoding: str, end: int | None = None) -> Iterator[TextIO]:
    """The text with its line breaks kept; undecodable bytes become lone surrogates. Raises as ``open_bytes`` does.

    end: bytes that are read; None: all.
    """
    with open_bytes(source.path, source.sheet, source.fields) as (binary, _):
        if end is not None:
            binary = io.BufferedReader(cast(io.RawIOBase, _Beginning(binary, end)), buffer_size=2**16)
        with io.TextIOWrapper(binary, encoding, errors=BAD_BYTES, newline="") as text:
            yield text


class _Beginning(io.RawIOBase):
    """The first ``n_bytes`` of a stream."""

    def __init__(self, stream: io.BufferedReader[io.RawIOBase], n_bytes: int) -> None:
        self._stream, self._left = stream, n_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        content = self._stream.read1(min(len(buffer), self._left))
        buffer[: len(content)] = content
        self._left -= len(content)
        return len(content)
