"""Which encoding text is in: the one whose characters belong to one language, and stand where letters of words stand.

Bytes that are no UTF-8 decode in many encodings; in the wrong one they give letters of several languages, capitals
inside words, symbols between letters, or rare characters. An encoding is taken where nearly all characters fit it and
no other that would read the bytes differently comes near; else the file's owner has to name it. (The detector
charset-normalizer 3.5 takes 400 rows of Spanish names in cp1252 for cp1250, and of French ones for cp1257.)
"""

from __future__ import annotations

import codecs
import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BAD_BYTES = "creditfusion.bad_bytes"
"""Error handler under which each undecodable byte becomes a lone surrogate, which no valid text holds."""

MOST_MISFITS = 0.02
"""Share of the characters beyond ASCII that may be unusual in the encoding that is taken."""

FEWEST_MISFITS = 3
"""Misfits that any other encoding must have more than the one that is taken, whose own count tenfold."""

_SAMPLE = 20_000  # characters of different words that are looked at
_UTF8_LEAD = 10  # characters of UTF-8 for each byte that is none, with which a file is damaged UTF-8
_SYMBOLS = frozenset("“”„‘’‚‹›«»–—…•€£¥§°´·ºª¿¡½¼¾²³©®™±×µ\xa0\xad‰†")
_ELISION = re.compile(r"(?i)^\W*([a-zà]|qu|dell|all|nell|sull|dall|un|lorsqu|puisqu|jusqu|aujourd|mc)$")
_CONTRACTION = re.compile(r"(?i)(s|t|m|d|re|ve|ll)(?!\w)")
_WESTERN = (
    "äöüß",
    "àâæçéèêëîïôœùûüÿ",
    "áéíñóúü",
    "áâãàçéêíóôõúü",
    "àèéìíîòóù",
    "åäöæøéü",
    "äëïéèöüóáíç",
    "áéíóúýþæöð",
    "àèéíïòóúüç",
)
_CENTRAL = ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž", "äöüß")
_TURKISH = "çğıöşüİâîû"
_BALTIC = ("ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž")
_CYRILLIC = ("абвгдеёжзийклмнопрстуфхцчшщъыьэюя№", "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя№")
_GREEK = ("αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋΐΰ",)
_ALPHABETS = {
    "cp1252": _WESTERN,
    "cp1250": _CENTRAL,
    "cp1251": _CYRILLIC,
    "cp1253": _GREEK,
    "cp1254": (_TURKISH, *_WESTERN),
    "cp1257": _BALTIC,
    "iso8859_2": _CENTRAL,
    "iso8859_5": _CYRILLIC,
    "iso8859_7": _GREEK,
    "iso8859_15": _WESTERN,
    "koi8_u": _CYRILLIC,
    "mac_roman": _WESTERN,
    "cp850": _WESTERN,
    "cp852": _CENTRAL,
    "cp866": _CYRILLIC,
}
_OLD = ("mac_roman", "cp850", "cp852", "cp866")  # of DOS and the old Mac: only where nothing else fits


def _mark_bad_bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(BAD_BYTES, _mark_bad_bytes)


@dataclass(frozen=True)
class Found:
    """What bytes beyond ASCII show of their encoding.

    Attributes:
        encoding: as Python names it; None where several come into question, or none.
        others: encodings that come into question where it is None, the likeliest first.
    """

    encoding: str | None
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Fit:
    """How a text looks in one encoding: ``misfits`` of ``n`` characters of its different words."""

    encoding: str
    text: str
    n: int
    misfits: int

    @property
    def share(self) -> float:
        return self.misfits / max(self.n, 1)


def find_encoding(lines: bytes, names: Sequence[str] = ()) -> Found:
    """The encoding of lines that hold bytes beyond ASCII; damaged UTF-8 is UTF-8 still.

    Args:
        lines: whole lines of a file, some of them no UTF-8.
        names: column names that the file should have: encodings that show most of them come into question.
    """
    as_utf8 = lines.decode("utf-8", BAD_BYTES)
    bad = len(re.findall("[\udc80-\udcff]", as_utf8))
    if len(re.findall("[\x80-\ud7ff\ue000-\U0010ffff]", as_utf8)) >= _UTF8_LEAD * bad:
        return Found("utf-8")
    read = {encoding: lines.decode(encoding, BAD_BYTES) for encoding in (*_ALPHABETS, *_asian())}
    shown = {encoding: sum(name in text for name in names if not name.isascii()) for encoding, text in read.items()}
    fits = sorted(
        (_fit(encoding, text) for encoding, text in read.items() if shown[encoding] == max(shown.values())),
        key=lambda fit: (fit.share, fit.encoding in _OLD),
    )
    first = fits[0]
    sure = first.encoding in _ALPHABETS and first.misfits == 0 and first.n > FEWEST_MISFITS
    rivals = [fit for fit in fits if fit.text != first.text and not (sure and fit.encoding in _OLD)]
    enough = 10 * first.misfits + FEWEST_MISFITS
    if first.share <= MOST_MISFITS and all(fit.misfits >= enough for fit in rivals):
        return Found(first.encoding)
    return Found(None, tuple(fit.encoding for fit in fits if fit.share <= max(2 * first.share, 0.25))[:4])


def _fit(encoding: str, text: str) -> _Fit:
    words = _sample(dict.fromkeys(re.findall(r"[^\s,;|\"]*[^\0-\x7f\s][^\s,;|\"]*", text)))
    n = sum(not letter.isascii() for word in words for letter in word)
    damaged = FEWEST_MISFITS * sum(
        "\x7f" < letter < "\xa0" or "\udc7f" < letter < "\ue000" for word in words for letter in word
    )
    if encoding in _asian():
        usual = _asian()[encoding]
        return _Fit(
            encoding, text, n, damaged + sum(c not in usual and not c.isascii() for word in words for c in word)
        )
    misfits = min(sum(_misfits(word, alphabet) for word in words) for alphabet in _ALPHABETS[encoding])
    return _Fit(encoding, text, n, damaged + misfits)


def _sample(words: Iterable[str]) -> list[str]:
    """So many of the words as hold ``_SAMPLE`` characters, at least one."""
    taken, size = [], 0
    for word in words:
        taken.append(word[:_SAMPLE])
        size += len(word)
        if size > _SAMPLE:
            break
    return taken


def _misfits(word: str, alphabet: str) -> int:
    """Characters beyond ASCII that the alphabet lacks, or that stand where its words have no such letter."""
    letters, own_script = _letters(alphabet), alphabet[0] in "аα"
    found = 0
    for at, letter in enumerate(word):
        if letter.isascii():
            continue
        before, after = word[at - 1 : at] if at else "", word[at + 1 : at + 2]
        if letter in _SYMBOLS:
            inside = before.isalpha() and after.isalpha()
            elided = letter in "’´" and (_ELISION.match(word[:at]) or _CONTRACTION.match(word[at + 1 :]))
            found += inside and letter not in "·\xad" and not elided
        elif letter not in letters:
            found += 1
        elif own_script:
            touches_latin = any(beside.isascii() and beside.isalpha() for beside in (before, after))
            found += touches_latin or (letter.isupper() and before.isalpha())
        elif letter.isupper():
            found += before.islower()
        else:
            found += before.isupper() and after.isupper() and letter != "ß"
    return found


@functools.cache
def _letters(alphabet: str) -> frozenset[str]:
    return frozenset(alphabet + alphabet.upper())


@functools.cache
def _asian() -> dict[str, frozenset[str]]:
    """The usual characters of Chinese, Japanese and Korean, by encoding: the first level of each standard."""
    signs = _rows("gb2312", range(0xA1, 0xA4)) + "￥·—–‘’“”…"
    simplified = _rows("gb2312", range(0xB0, 0xD8)) + signs
    traditional = _rows("big5", range(0xA4, 0xC7), range(0x40, 0xFF)) + _rows(
        "big5", range(0xA1, 0xA4), range(0x40, 0xFF)
    )
    japanese = _rows("euc_jp", [0xA1, 0xA3, 0xA4, 0xA5, *range(0xB0, 0xD0)]) + signs
    korean = _rows("euc_kr", [0xA1, 0xA3, *range(0xB0, 0xC9)])
    common = frozenset(traditional + signs)
    return {
        "gb18030": frozenset(simplified) | common,
        "big5hkscs": common,
        "cp932": frozenset(japanese),
        "euc_jp": frozenset(japanese),
        "cp949": frozenset(korean),
    }


def _rows(encoding: str, leads: Sequence[int] | range, trails: range = range(0xA1, 0xFF)) -> str:
    return b"".join(bytes((lead, trail)) for lead in leads for trail in trails).decode(encoding, "ignore")
