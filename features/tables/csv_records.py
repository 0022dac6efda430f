"""Lines to records: splitting the text of a CSV file so that damage stays where it is.

A record is one row. It usually is one physical line; a quoted cell may hold line breaks, and then it is several.
A record that does not fit the header becomes a rejected one, and reading goes on at the next line that fits.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

from data_schemas.errors import RunError
from features.tables.containers import READ_ERRORS, unreadable_error

MAX_RECORD = 8 * 2**20
"""Longest record that is read, in characters; what is longer is rejected, so a stray quote cannot swallow a file."""

_KEPT_OF_OVERSIZED = 10_000  # characters of an oversized record that its reject shows


class Record(NamedTuple):
    """One record of a CSV file.

    Attributes:
        raw: its text without the last line break.
        cells: as many as the header has; none where it is rejected.
        rule: name of the broken rule; "" where none is broken.
        message: what is wrong and what to do; "" where nothing is.
    """

    raw: str
    cells: list[str]
    rule: str = ""
    message: str = ""


csv.field_size_limit(MAX_RECORD)


def printable(raw: str) -> str:
    r"""The text with bytes that could not be decoded, and NUL, written as ``\x..``, so that any file can hold it."""
    return re.sub("[\0\udc00-\udcff]", lambda match: f"\\x{ord(match[0]) & 0xFF:02x}", raw)


def file_sha256(path: Path) -> str:
    """sha256 of a file in hexadecimal; raises RunError when it cannot be read, or is a pipe or another stream.

    A stream can be read once, and every file is read more than once: to know it again, then for its rows.
    """
    try:
        if path.is_fifo() or path.is_char_device() or path.is_socket():
            raise RunError(f"{path} is no regular file", "Write what it gives to a file first, and name that.")
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise unreadable_error(path, error) from error


def data_digest(paths: Sequence[Path]) -> str:
    """sha256 over the files' own sha256s, in order; raises RunError as ``file_sha256`` does."""
    return hashlib.sha256(b"".join(bytes.fromhex(file_sha256(path)) for path in paths)).hexdigest()


class _TooLongError(csv.Error):
    """A record grew past MAX_RECORD."""


class Lines:
    """Physical lines of a text stream that can be handed back; remembers those taken since ``begin``.

    A carriage return alone ends a line only in a file whose first line it ends; in any other it is part of a cell.
    What fails while lines are taken in advance fails again when they are used up.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._failure: Exception | None = None
        first = stream.readline(MAX_RECORD)
        self._returns_end_lines = first.endswith("\r")
        self._back = deque([first] if first else [])
        self._size = 0
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._piece()
        if not line:
            raise StopIteration
        self.taken.append(line)
        self._size += len(line)
        if self._size >= MAX_RECORD:
            raise _TooLongError
        return line

    def take(self, n: int, n_characters: int) -> list[str]:
        """The next lines: ``n``, or fewer where the text ends, breaks off or is longer than ``n_characters``."""
        lines: list[str] = []
        size = 0
        try:
            while len(lines) < n and size < n_characters:
                line = self._piece()
                if not line:
                    break
                lines.append(line)
                size += len(line)
        except READ_ERRORS as error:
            self._failure = error
        return lines

    def _piece(self) -> str:
        """A line, or MAX_RECORD characters of one; "" at the end."""
        return self._back.popleft() if self._back else self._read()

    def _read(self) -> str:
        if self._failure is not None:
            raise self._failure
        line = self._stream.readline(MAX_RECORD)
        if self._returns_end_lines or not line.endswith("\r"):
            return line
        pieces, size = [line], len(line)
        while pieces[-1].endswith("\r") and size < MAX_RECORD:
            pieces.append(self._stream.readline(MAX_RECORD - size))
            size += len(pieces[-1])
        return "".join(pieces)

    def begin(self) -> None:
        """Start a new record."""
        self.taken = []
        self._size = 0

    def hand_back(self, lines: Sequence[str]) -> None:
        """Put lines back in front of what is still to come."""
        self._back.extendleft(reversed(lines))

    def skip_rest_of_line(self, piece: str) -> None:
        """Drop what is left of the line that this piece, the last one read, begins."""
        while len(piece) == MAX_RECORD and not piece.endswith(("\r", "\n")):
            piece = self._piece()


def split(line: str, delimiter: str) -> list[str]:
    """The cells of one line, lenient about quotes; for headers."""
    return next(csv.reader([line], delimiter=delimiter), [])


def records(lines: Lines, delimiter: str, width: int) -> Iterator[Record]:
    """Split lines into records of ``width`` cells; blank lines are no records.

    Raises what reading the stream raises (OSError, EOFError, zlib.error).
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield from _resume(reader, lines, width, error)
            continue
        if len(cells) == width and len(lines.taken) == 1:
            yield _sound(lines.taken[0], cells)
        elif len(cells) == width:
            yield _sound("".join(lines.taken), cells)
        elif len(lines.taken) > 1:
            yield from _resume(reader, lines, width, None)
        elif len(cells) > 1 or lines.taken[0].strip():
            yield _reject(lines.taken, "width", _width_message(len(cells), width))


def _resume(reader: Iterator[list[str]], lines: Lines, width: int, error: csv.Error | None) -> Iterator[Record]:
    """Reject the record just taken, up to the first of its later lines that begins a record of the header's width.

    A record whose quote never closes has the rest of the file for later lines; any other has those that it took.
    """
    taken = lines.taken
    if isinstance(error, _TooLongError) and len(taken) == 1:
        lines.skip_rest_of_line(taken[0])
        message = f"the row is longer than {MAX_RECORD:,} characters. Shorten it, or close the quote that it opens"
        yield _reject([taken[0][:_KEPT_OF_OVERSIZED]], "size", message)
        return
    unclosed = error is not None and (isinstance(error, _TooLongError) or "end of data" in str(error))
    n_lines = MAX_RECORD if unclosed else len(taken)
    rule, message = _fault(error, unclosed)
    rejected, size = [taken[0]], len(taken[0])
    lines.hand_back(taken[1:])
    while len(rejected) < n_lines and size < MAX_RECORD:
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error:
            cells = []
        if len(cells) == width:
            lines.hand_back(lines.taken)  # so that nothing is held between two records
            break
        rejected.append(lines.taken[0])
        size += len(lines.taken[0])
        lines.hand_back(lines.taken[1:])
    yield _reject(rejected, rule, message)


def _fault(error: csv.Error | None, unclosed: bool) -> tuple[str, str]:
    """Rule and message for a record that could not be split; without an error its width is wrong."""
    if error is None:
        return "width", "the row's line breaks do not fit its quotes. Quote cells that hold line breaks"
    if unclosed:
        return "quoting", "a quote opens that never closes. Close it; double a quote that is part of the text"
    if "new-line" in str(error):
        return "quoting", "a carriage return stands in a cell without quotes. Quote the cell"
    return "quoting", "text follows a closing quote. Double the quotes that are part of the text"


def _width_message(found: int, width: int) -> str:
    remedy = "Fill in the missing cells" if found < width else "Quote cells that hold the delimiter"
    return f"the row has {found} cells and the table {width} columns. {remedy}"


def _sound(raw: str, cells: list[str]) -> Record:
    """A record of the right width; still rejected when its bytes are damaged."""
    rule, message = _damage(raw)
    return Record(raw.rstrip("\r\n"), [] if rule else cells, rule, message)


def _reject(taken: Sequence[str], rule: str, message: str) -> Record:
    """A rejected record; damaged bytes are named first, since they are often the cause of the rest."""
    raw = "".join(taken).rstrip("\r\n")
    damage = _damage(raw)
    return Record(raw, [], damage[0] or rule, damage[1] or message)


def _damage(raw: str) -> tuple[str, str]:
    """Rule and message for NUL or undecodable bytes in a row; ("", "") without."""
    if "\0" in raw:
        return "nul", "the row holds a NUL byte. Write the row again from its source"
    if not raw.isascii():
        try:
            raw.encode()
        except UnicodeEncodeError:
            return "encoding", "the row holds bytes that are no valid text. Name the file's encoding, such as latin-1"
    return "", ""
