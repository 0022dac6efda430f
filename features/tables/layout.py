"""How a CSV file is laid out, found by looking at all of it once: encoding, delimiter, header, and what is no row.

Exports begin with a notice or ``sep=;``, end in lines of totals, put a delimiter at the end of every row, or give the
column of row numbers no name. What is found does not depend on the size of chunks; lines left out are named.
"""

from __future__ import annotations

import codecs
import csv
import functools
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from data_schemas.contract import Dialect, Schema
from data_schemas.errors import ContractError
from features.tables.containers import unreadable_error
from features.tables.csv_records import Lines
from features.tables.encodings import BAD_BYTES
from features.tables.header import DELIMITERS, check_delimiter, column_names
from features.tables.scan import Scan, Source, count_lines, open_text, scan
from features.tables.text_encoding import text_encoding

_MOST_NOTICES, _MOST_FOOTERS = 50, 20  # lines
_EVEN = 0.5  # share of rows of one width by which a delimiter is known
_BLANK = "\ufeff \t\r\n\x1a"
_NUMBER = re.compile(r"[+-]?[\d.,' ]+%?")
_SEP_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """How a CSV file is laid out.

    Attributes:
        source: where its text is found.
        encoding: as Python names it.
        delimiter: between cells.
        names: of all columns, as many as a row has cells; "" for one without a name.
        n_before: physical lines before the header.
        n_empty: columns at the end without a name, which are empty in most rows; others are rejected.
        counts_rows: whether the first column, without a name, counts the rows.
        end: bytes of the text at which the table ends; None: all of it.
        n_left_out: lines with text that are no rows of the table.
        findings: what is not as usual, in words, and which lines are left out.
        dialect: what a contract has to name so that such files are read.
    """

    source: Source
    encoding: str
    delimiter: str
    names: tuple[str, ...]
    n_before: int
    n_empty: int
    counts_rows: bool
    end: int | None
    n_left_out: int
    findings: tuple[str, ...]
    dialect: Dialect

    def open(self) -> AbstractContextManager[TextIO]:
        """The text of the table, from the file's first line on; undecodable bytes are lone surrogates."""
        return open_text(self.source, self.encoding, self.end)


@dataclass(frozen=True)
class _Header:
    """Where the header is: its line, from 0, among the physical ones, and the delimiter of its cells."""

    line: int
    delimiter: str


def find_layout(path: Path, schema: Schema, dialect: Dialect) -> Layout:
    """The layout of a CSV file, plain or packed, or of a sheet of a workbook.

    What ``dialect`` names holds; else what the file itself shows; else what the schema's own dialect names.

    Raises ContractError for a file without a header, or whose encoding, delimiter or sheet does not fit or has to be
    named; RunError for a file that cannot be read.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise unreadable_error(path, error) from error
    source = Source(path, dialect.sheet or schema.dialect.sheet, schema.fields)
    stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return _find(source, stamp, dialect, schema.dialect)


@functools.lru_cache(maxsize=16)
def _find(source: Source, stamp: tuple[int, ...], given: Dialect, usual: Dialect) -> Layout:
    """The layout; ``stamp`` names the state of the file."""
    del stamp
    scanned, known = scan(source), [field.name for field in source.fields]
    read = text_encoding(source, scanned, known, given.encoding, usual.encoding)
    lines = _lines(scanned, read.encoding, source.path)
    if not any(line.strip(_BLANK) for line in lines):
        raise ContractError(f"{source.path} is empty", "It must begin with a header row that names the columns.")
    header = _header(lines, known, given.delimiter, usual.delimiter, scanned.head_is_all, source.path)
    names, below = _table(lines[header.line :], header.delimiter, scanned.head_is_all, source.path)
    all_names, n_empty = _all_names(names, below, source.path)
    last = _footers(scanned, read.encoding, header.delimiter, len(all_names))
    n_bytes = sum(len(line.encode(_codec(scanned, read.encoding), "surrogateescape")) for line in last)
    first = count_lines(source, read.encoding).n_lines - len(last) + 1 if last else 0
    before, footers = _with_text(lines[: header.line], 1), _with_text(last, first)
    findings = (
        scanned.how,
        read.finding,
        "" if header.delimiter in (",", given.delimiter) else f"delimiter {header.delimiter!r}",
        _left_out(before, "before the header"),
        _left_out(footers, "behind the table"),
        "empty columns without a name at the end" if n_empty else "",
    )
    return Layout(
        source=source,
        encoding=read.encoding,
        delimiter=header.delimiter,
        names=all_names,
        n_before=header.line,
        n_empty=n_empty,
        counts_rows=not all_names[0] and len(all_names) > 1 and _counts([cells[0] for cells in below]),
        end=scanned.size - n_bytes if last else None,
        n_left_out=len(before) + len(footers),
        findings=tuple(filter(None, findings)),
        dialect=Dialect(read.to_name, None if header.delimiter == "," else header.delimiter, source.sheet),
    )


def _lines(scanned: Scan, encoding: str, path: Path) -> list[str]:
    """The whole physical lines at the beginning, with their ends."""
    text = codecs.getincrementaldecoder(encoding)(BAD_BYTES).decode(scanned.head, scanned.head_is_all)
    taken: list[str] = []
    try:
        lines = Lines(io.StringIO(text, newline=""))
        for line in lines:
            taken.append(line)
            lines.begin()
    except csv.Error as error:
        raise _no_header(path) from error
    return taken if scanned.head_is_all or len(taken) == 1 else taken[:-1]


def _no_header(path: Path) -> ContractError:
    return ContractError(f"{path} does not begin with a header row", "Check that it is a CSV file.")


def _header(
    lines: Sequence[str], known: Sequence[str], given: str | None, usual: str | None, whole: bool, path: Path
) -> _Header:
    """Where the header is. Raises ContractError for a delimiter that was given and does not fit it."""
    first = next(at for at, line in enumerate(lines) if line.strip(_BLANK))
    named = _SEP_LINE.fullmatch(lines[first].strip(_BLANK))
    if named and len(lines) > first + 1:
        usual = named[1]
        first = next((at for at in range(first + 1, len(lines)) if lines[at].strip(_BLANK)), first)
    delimiters = [given] if given else list(dict.fromkeys([*([usual] if usual else []), *DELIMITERS]))
    found = _known_header(lines, first, known, delimiters) or _likely_header(lines, first, delimiters, whole)
    try:
        if given:
            check_delimiter(lines[found.line].strip(_BLANK), given, known, path)
    except csv.Error as error:
        raise _no_header(path) from error
    return found


def _table(lines: Sequence[str], delimiter: str, whole: bool, path: Path) -> tuple[list[str], list[list[str]]]:
    """The names in the first of these lines, and the cells of the rows below it."""
    try:
        names = column_names(lines[0].strip(_BLANK), delimiter)
    except csv.Error as error:
        raise _no_header(path) from error
    if "\0" in lines[0]:
        remedy = "If it is UTF-16 text, name the encoding utf-16-le or utf-16-be; otherwise export the table again."
        raise ContractError(f"{path}: the header holds NUL bytes", remedy)
    return names, [cells for _, cells in _records(lines[1:], delimiter, whole)]


def _known_header(lines: Sequence[str], first: int, known: Sequence[str], delimiters: Sequence[str]) -> _Header | None:
    """The line that has most of the known names, where those before it are too narrow to be rows."""
    best, most = None, 0
    for at in range(first, min(first + _MOST_NOTICES, len(lines))):
        for delimiter in delimiters:
            names = _cells(lines[at], delimiter)
            n = len(set(known).intersection(names))
            if n > most and all(_filled(line, delimiter) < len(names) / 2 for line in lines[first:at]):
                best, most = _Header(at, delimiter), n
    return best


def _likely_header(lines: Sequence[str], first: int, delimiters: Sequence[str], whole: bool) -> _Header:
    """The first line as wide as most rows are, by the delimiter that parts them most evenly; else the first line."""
    best, merit = _Header(first, delimiters[0]), (0.0, 0, 0.0, 0)
    for delimiter in delimiters:
        rows = list(_records(lines[first:], delimiter, whole))
        widths = Counter(len(cells) for _, cells in rows)
        width = max(widths, key=lambda wide: (widths[wide], wide), default=1)
        at = next((at for at, cells in rows[:_MOST_NOTICES] if _names_columns(cells, width)), None)
        if width < 2 or at is None:
            continue
        even = widths[width] / sum(number >= at for number, _ in rows)
        if even >= _EVEN and (even, -at, even, width) > merit:
            best, merit = _Header(first + at, delimiter), (1.0, -at, even, width)
    return best


def _names_columns(cells: Sequence[str], width: int) -> bool:
    """Whether a row may be the header of a table of this width: as wide, and mostly words."""
    filled = [cell for cell in cells if cell.strip()]
    words = sum(not _NUMBER.fullmatch(cell.strip()) for cell in filled)
    return abs(len(cells) - width) <= 1 and 2 * len(filled) >= width and 2 * words >= len(filled)


def _filled(line: str, delimiter: str) -> int:
    return sum(bool(cell) for cell in _cells(line, delimiter))


def _cells(line: str, delimiter: str) -> list[str]:
    """The cells of a line that may be the header; none where its quotes are damaged."""
    try:
        return column_names(line.strip(_BLANK), delimiter)
    except csv.Error:
        return []


def _records(lines: Sequence[str], delimiter: str, whole: bool) -> Iterator[tuple[int, list[str]]]:
    """Rows with cells and the lines, from 0, on which they begin; the last one only where the text is whole."""
    reader = csv.reader(lines, delimiter=delimiter)
    held: tuple[int, list[str]] | None = None
    at = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error:  # damage, which is rejected when its row is read
            continue
        if any(cells) or len(cells) > 1:
            if held:
                yield held
            held = at, cells
        at = reader.line_num
    if held and whole:
        yield held


def _all_names(names: list[str], below: Sequence[Sequence[str]], path: Path) -> tuple[tuple[str, ...], int]:
    """Names of as many columns as the rows have cells, and how many empty ones are at the end.

    Raises ContractError for rows with one cell more than the header, the first of which counts them.
    """
    named = len(names)
    while named > 1 and not names[named - 1]:
        named -= 1
    widths = Counter(len(cells) for cells in below if len(cells) > 1)  # one cell may be a line behind the table
    width = max(widths, key=lambda wide: (widths[wide], wide), default=len(names))
    usual = [cells for cells in below if len(cells) == width]
    empty = sum(not any(cell.strip() for cell in cells[named:]) for cells in usual)
    if width > named and 2 * empty > len(usual):
        return (*names[:named], *[""] * (width - named)), width - named
    if width == len(names) + 1 and _counts([cells[0] for cells in usual]):
        what = f"{path}: rows have one cell more than the header, and the first cells count the rows"
        raise ContractError(what, "Give the first column a name, or write the table without row names.")
    return tuple(names[:named] if width == named else names), 0


def _counts(cells: Sequence[str]) -> bool:
    """Whether cells are whole numbers, each one more than the one before; at least two."""
    if len(cells) < 2 or not all(cell.strip().isdecimal() for cell in cells):
        return False
    numbers = [int(cell) for cell in cells]
    return all(after == before + 1 for before, after in itertools.pairwise(numbers))


def _footers(scanned: Scan, encoding: str, delimiter: str, width: int) -> list[str]:
    """The last lines, where they are behind the table and no rows of it, with blank ones among them.

    Such a line has no delimiter and no quote, and either a blank line parts it from the rows or all have several words.
    """
    lines = _last_lines(scanned, encoding) if width > 1 and scanned.is_whole else []
    begin, n = len(lines), 0
    for at in range(len(lines) - 1, 0, -1):
        text = lines[at].strip(_BLANK)
        if delimiter in text or '"' in text or n == _MOST_FOOTERS:
            break
        if text:
            begin, n = at, n + 1
    parted = begin > 1 and not lines[begin - 1].strip(_BLANK)
    in_words = all(" " in line.strip(_BLANK) for line in lines[begin:] if line.strip(_BLANK))
    return lines[begin:] if begin > 1 and (parted or (in_words and lines[-1].endswith("\n"))) else []


def _last_lines(scanned: Scan, encoding: str) -> list[str]:
    """The whole physical lines at the end, with their ends."""
    text = scanned.tail[len(scanned.tail) % 2 :].decode(_codec(scanned, encoding), BAD_BYTES)
    lines = re.findall("[^\n]*\n|[^\n]+", text)
    return lines if scanned.size == len(scanned.tail) else lines[1:]


def _codec(scanned: Scan, encoding: str) -> str:
    """The encoding of a part of the text: without a mark, of which UTF-16 takes its order."""
    ends = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
    return ends.get(scanned.head[:2], encoding) if encoding == "utf-16" else encoding


def _with_text(lines: Sequence[str], first: int) -> list[int]:
    """The numbers of the lines that are not blank, counted from ``first``."""
    return [number for number, line in enumerate(lines, first) if line.strip(_BLANK)]


def _left_out(numbers: Sequence[int], where: str) -> str:
    """Which lines are left out, in words; "" for none."""
    if not numbers:
        return ""
    if len(numbers) == 1:
        return f"line {numbers[0]:,} {where} left out"
    return f"{len(numbers)} lines {where} left out ({', '.join(f'{number:,}' for number in numbers)})"
