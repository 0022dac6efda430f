"""Which encoding a file is read in: the one named, marked, found or usual; or an error that says what may be named."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

from data_schemas.errors import ContractError
from features.tables.encodings import BAD_BYTES, find_encoding
from features.tables.scan import Scan, Source, count_lines

MOST_UNDECIDED = 0.01
"""Share of the lines that may hold damaged bytes where no encoding fits; they are rejected."""

MOST_DAMAGED = 0.05
"""Share of the lines beyond ASCII that may be damaged where the encoding is known; they are rejected."""

_FEWEST_DAMAGED = 3  # lines
_FEWEST_DIFFERENT = 4  # different characters that show a text to be UTF-8
_MANY_NULS = 0.1  # of the bytes
_UTF8 = ("utf-8", "utf-8-sig")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark its own begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class TextEncoding:
    """The encoding of a text.

    Attributes:
        encoding: as Python names it.
        finding: how it was come by, where that is not plain; "" else.
        to_name: what a contract has to name for such files; None: they show it themselves.
    """

    encoding: str
    finding: str = ""
    to_name: str | None = None


def text_encoding(
    source: Source, scanned: Scan, known: Sequence[str], given: str | None, usual: str | None
) -> TextEncoding:
    """The encoding of a text.

    Args:
        known: names that its columns should have.
        given: the encoding that was named for this file.
        usual: the one that such files have where they do not show another.

    Raises:
        ContractError: for an unknown encoding, one that does not fit the text, or a text that several may fit.
    """
    marked = next((name for mark, name in _MARKS if scanned.head.startswith(mark)), None)
    if given is not None:
        return _given(source, scanned, given, marked)
    if marked is not None:
        return TextEncoding(marked, "" if marked == "utf-8" else f"read as {marked}")
    if (wide := _without_mark(scanned.head)) is not None:
        return TextEncoding(wide, f"read as {wide}", wide)
    if scanned.is_utf8:
        return TextEncoding("utf-8")
    found = find_encoding(scanned.other, known)
    encoding = found.encoding or usual
    if encoding is not None:
        _check_damage(source, encoding, "Name the right encoding with --encoding, or write the file again in UTF-8.")
        named = None if encoding == "utf-8" else encoding
        return TextEncoding(encoding, f"read as {encoding}" if named else "", named)
    counts = count_lines(source, "utf-8")
    if counts.n_damaged <= MOST_UNDECIDED * counts.n_lines:
        return TextEncoding("utf-8")
    others = f"; it may be {', '.join(found.others)}" if found.others else ""
    raise ContractError(
        f"{source.path} is no UTF-8 text ({counts.n_damaged:,} of {counts.n_lines:,} lines), and too little "
        f"in it shows its encoding{others}",
        f"Name it, as with --encoding {found.others[0] if found.others else 'cp1252'}, or write the file in UTF-8.",
    )


def _given(source: Source, scanned: Scan, given: str, marked: str | None) -> TextEncoding:
    try:
        name = codecs.lookup(given).name
    except LookupError as error:
        raise ContractError(
            f"there is no encoding {given!r}", "Name one that Python knows, such as latin-1."
        ) from error
    if marked is not None and not name.startswith(marked[:6]):
        what = f"{source.path} begins with the mark of {marked}, and was to be read as {given}"
        raise ContractError(what, "Leave the encoding option out.")
    if name not in _UTF8 and _is_plainly_utf8(scanned):
        what = f"{source.path} is UTF-8 text, and was to be read as {given}, which would garble it"
        raise ContractError(what, "Leave the encoding option out.")
    _check_damage(source, given, "Leave the encoding option out: it is found where the text shows it.")
    return TextEncoding(given, to_name=None if name in _UTF8 else given)


def _is_plainly_utf8(scanned: Scan) -> bool:
    different = set(scanned.other.decode("utf-8", BAD_BYTES))
    return scanned.is_utf8 and sum(not letter.isascii() for letter in different) >= _FEWEST_DIFFERENT


def _without_mark(head: bytes) -> str | None:
    """UTF-16 by its many NULs, in the order of bytes that gives line ends."""
    if head.count(0) < _MANY_NULS * len(head):
        return None
    text = {name: head[: len(head) // 2 * 2].decode(name, "replace") for name in ("utf-16-le", "utf-16-be")}
    ends = {name: (one.count("\n") + one.count("\r")) * ("\0" not in one) for name, one in text.items()}
    best = max(ends, key=lambda name: ends[name])
    return best if ends[best] > 10 * min(ends.values()) else None


def _check_damage(source: Source, encoding: str, remedy: str) -> None:
    """Raise ContractError where many of the lines beyond ASCII cannot be decoded."""
    counts = count_lines(source, encoding)
    if counts.n_damaged >= _FEWEST_DAMAGED and counts.n_damaged > MOST_DAMAGED * counts.n_other:
        raise ContractError(
            f"{source.path}: {counts.n_damaged:,} of the {counts.n_other:,} lines with characters beyond ASCII hold "
            f"bytes that are no {encoding}",
            remedy,
        )
