"""Free text as written to text as read, with the way back: every span of the clean text knows its place in the raw one.

Cleaning is a chain of edits (entities, composed letters, strip rules, widths, gaps, ends), each a list of replaced
stretches; a span is carried back through them in reverse. All steps take time linear in the text's length.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from data_schemas.contract import StripRule
from features.text.scripts import SPACELESS, count_spaceless, has_spaceless

Edit = tuple[int, int, str]  # start, end, replacement

STRIP_BLOCK = 4096  # a longer text meets the strip rules block by block, so that a slow rule stays linear;
STRIP_REACH = 1024  # there a match may reach this far beyond its block
LONGEST_ABBREVIATION = 8
MAX_PASSAGES = 40
LONGEST_SPACELESS = 60  # characters of a sentence in a script without spaces: two or three clauses of Chinese

_ENTITY = re.compile(r"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};)")
_CONTROL = r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufeff\ud800-\udfff"  # what \s takes for white space is left out
_GAP = re.compile(rf"[\s{_CONTROL}]{{2,}}|[^\S ]|[{_CONTROL}]")
_PLAIN = re.compile(r"[!-%'-~]+(?: [!-%'-~]+)*")  # words of ASCII with a space between them: only strip rules apply
_WIDTHS = re.compile("[０-９Ａ-Ｚａ-ｚ％＄￥＋－／＆＃＠＝＿]+(?:．[０-９]+)*|[\uff66-\uff9f]+")
# Stops are taken by the run, and once: "....x" must not be tried again from every point of it.
_STOP = re.compile(r"""(?<![.!?…])[.!?…]++["'”’)\]]*+(?=\s|\Z)|[;。！？；｡]+["'”’)\]」』]*|\n""")
_STOP_SPACELESS = re.compile(rf"""{_STOP.pattern}|(?<=[{SPACELESS}])(?:[.!?]++|…++)["'”’)\]」』]*+(?=[{SPACELESS}])""")
_PAUSE = re.compile(r"[，、：﹐､]+|[,:](?!\d)|[^\S\n]+")
_BORDER = re.compile(rf"(?:(?<=[{SPACELESS}])|(?=[{SPACELESS}]))(?![\u0e31\u0e33-\u0e3a\u0e45-\u0e4e])")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr st jr sr inc ltd co corp no vs etc approx dept e.g i.e u.s a.m p.m".split()  # noqa: SIM905 (shorter)
)


@dataclass(frozen=True)
class Stage:
    """One step of cleaning, as the bounds of its edits before (old) and after (new) it.

    Attributes:
        old_start: begin of each edit in the text before.
        old_end: end of each.
        new_start: begin of each in the text after.
        new_end: end of each.
    """

    old_start: tuple[int, ...]
    old_end: tuple[int, ...]
    new_start: tuple[int, ...]
    new_end: tuple[int, ...]

    def back(self, start: int, end: int) -> tuple[int, int]:
        """The span before this step; a replaced stretch is taken whole."""
        if start == end:
            at = self._place(start)[0]
            return at, at
        return self._place(start)[0], self._place(end - 1)[1]

    def _place(self, at: int) -> tuple[int, int]:
        """The old span of the character at ``at``."""
        i = bisect_right(self.new_start, at) - 1
        if i < 0:
            return at, at + 1
        if at < self.new_end[i]:
            return self.old_start[i], self.old_end[i]
        old = at - self.new_end[i] + self.old_end[i]
        return old, old + 1


@dataclass(frozen=True)
class CleanText:
    """A narrative as the model reads it.

    Attributes:
        text: the clean text.
        stages: the steps from the raw text to it, in order.
    """

    text: str
    stages: tuple[Stage, ...] = ()

    def to_raw(self, start: int, end: int) -> tuple[int, int]:
        """The span of the raw text that became ``text[start:end]``; raises ValueError for a span outside the text."""
        if not 0 <= start <= end <= len(self.text):
            raise ValueError(f"span {start}..{end} is outside a text of {len(self.text)} characters")
        for stage in reversed(self.stages):
            start, end = stage.back(start, end)
        return start, end


def clean(raw: str, strip: Sequence[StripRule]) -> CleanText:
    """Prepare a narrative for reading.

    HTML entities become characters; letters and their accents become one character (NFC); matches of the strip rules
    become line breaks; full-width letters and digits and half-width kana get their usual width, while the punctuation
    of Chinese and Japanese stays; control characters, byte order marks and halves of surrogate pairs go; a run of white
    space becomes one line break if it holds one, else one space; the ends are bare. A match of a strip rule that begins
    in the first 4,096 characters of a block and is longer than 1,024 may be cut short in a text longer than 4,096
    characters.
    """
    if _PLAIN.fullmatch(raw) and not _strips(raw, strip):
        return CleanText(raw)
    text, stages = raw, list[Stage]()
    for edits in (_entities, _composed, lambda now: _strips(now, strip), _widths, _gaps, _ends):
        found = edits(text)
        if found:
            text, stage = _apply(text, found)
            stages.append(stage)
    return CleanText(text, tuple(stages))


def n_stripped(raw: str, strip: Sequence[StripRule]) -> int:
    """How many stretches of a narrative the strip rules cut before it is read; those that overlap count once."""
    text = _apply(raw, _entities(raw))[0]
    return len(_strips(_apply(text, _composed(text))[0], strip))


def sentences(clean_text: str) -> list[tuple[int, int]]:
    """Spans of the sentences, in order, that together hold every character that is not white space.

    A sentence ends at a line break, a semicolon, a stop of East Asian scripts, or at . ! ? … before white space or
    between characters of a script without spaces, unless the point follows a common abbreviation or a single letter.
    Text without any of these is one sentence; where most of a sentence is in a script without spaces, no part is longer
    than ``LONGEST_SPACELESS`` characters: it is cut at a comma or a space, or else between two characters.
    """
    spans = []
    start = 0
    spaceless = has_spaceless(clean_text)
    for stop in (_STOP_SPACELESS if spaceless else _STOP).finditer(clean_text):
        if stop.group() == "." and _is_abbreviation(clean_text, stop.start()):
            continue
        spans.append(_trimmed(clean_text, start, stop.end()))
        start = stop.end()
    spans.append(_trimmed(clean_text, start, len(clean_text)))
    found = [span for span in spans if span[0] < span[1]]
    if not spaceless:
        return found
    parts = (part for start, end in found for part in _spaceless_parts(clean_text, start, end))
    return [part for part in parts if part[0] < part[1]]


def _spaceless_parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A sentence, or the parts of one that is too long for a script without spaces."""
    if end - start <= LONGEST_SPACELESS or 2 * count_spaceless(text[start:end]) <= end - start:
        yield start, end
        return
    while end - start > LONGEST_SPACELESS:
        cut = _cut(text, start, start + LONGEST_SPACELESS)
        yield _trimmed(text, start, cut)
        start = cut
    yield _trimmed(text, start, end)


def _cut(text: str, start: int, last: int) -> int:
    """Where to cut a stretch: after its last pause in the second half; else at the last place there that is inside no
    word of letters or digits and before no vowel sign; else at its end.
    """
    half = (start + last) // 2
    places = [pause.end() for pause in _PAUSE.finditer(text, half, last)]
    places = places or [place.start() for place in _BORDER.finditer(text, half, last + 1) if place.start() <= last]
    return places[-1] if places else last


def covering_sentences(clean_text: str) -> list[tuple[int, int]]:
    """Spans of all sentences, each up to where the next begins: together the whole text.

    A stretch without letters or digits goes with the sentence before it.
    """
    starts = [start for start, end in sentences(clean_text) if _LETTER_OR_DIGIT.search(clean_text, start, end)]
    return _up_to_the_next([0, *starts[1:]], len(clean_text)) if clean_text else []


def passages(clean_text: str) -> list[tuple[int, int]]:
    """Spans of at most ``MAX_PASSAGES`` passages, which cover the text as ``covering_sentences`` does.

    A passage is a sentence; of too many, neighbours are joined into passages of nearly equal length.
    """
    spans = covering_sentences(clean_text)
    if len(spans) <= MAX_PASSAGES:
        return spans
    return _up_to_the_next(_evenly([start for start, _ in spans], len(clean_text)), len(clean_text))


def _up_to_the_next(starts: Sequence[int], end: int) -> list[tuple[int, int]]:
    return list(zip(starts, [*starts[1:], end], strict=True))


def _evenly(starts: Sequence[int], end: int) -> list[int]:
    """``MAX_PASSAGES`` of ``starts``, each as near as can be to where the rest of the text would be cut evenly."""
    kept = [at := 0]
    for n_left in range(MAX_PASSAGES - 1, 0, -1):
        even = starts[at] + (end - starts[at]) / (n_left + 1)
        first = at + 1
        at = bisect_left(starts, even, first, len(starts) - n_left)  # enough must stay for the passages after it
        if at > first and even - starts[at - 1] < starts[at] - even:
            at -= 1
        kept.append(at)
    return [starts[at] for at in kept]


def _apply(text: str, edits: Sequence[Edit]) -> tuple[str, Stage]:
    """Replace sorted, separate stretches."""
    parts: list[str] = []
    new_start, new_end = [], []
    old = new = 0
    for start, end, replacement in edits:
        parts += (text[old:start], replacement)
        new += start - old
        new_start.append(new)
        new += len(replacement)
        new_end.append(new)
        old = end
    parts.append(text[old:])
    starts, ends = tuple(edit[0] for edit in edits), tuple(edit[1] for edit in edits)
    return "".join(parts), Stage(starts, ends, tuple(new_start), tuple(new_end))


def _entities(text: str) -> list[Edit]:
    if "&" not in text:
        return []
    found = ((m.start(), m.end(), html.unescape(m.group())) for m in _ENTITY.finditer(text))
    return [edit for edit in found if edit[2] != text[edit[0] : edit[1]]]


def _composed(text: str) -> list[Edit]:
    """Letters that have another form in Unicode's composed form (NFC), with the marks that belong to them."""
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return []
    starts = [at for at, character in enumerate(text) if not _joins(character)]
    if not starts or starts[0]:
        starts = [0, *starts]
    spans = pairwise([*starts, len(text)])
    found = ((start, end, unicodedata.normalize("NFC", text[start:end])) for start, end in spans)
    return [edit for edit in found if edit[2] != text[edit[0] : edit[1]]]


def _joins(character: str) -> bool:
    """Whether a character may become one with those before it: a mark, or a vowel or last consonant of a Hangul
    syllable.
    """
    return unicodedata.category(character)[0] == "M" or "\u1160" <= character <= "\u11ff"


def _strips(text: str, strip: Sequence[StripRule]) -> list[Edit]:
    spans = sorted(span for rule in strip for span in _matches(_compiled(rule.pattern), text))
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return [(start, end, "\n") for start, end in merged]


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """Non-empty matches, searched block by block in a long text."""
    at = 0
    while at < len(text):
        last = len(text) if len(text) <= STRIP_BLOCK else at + STRIP_BLOCK
        following = last
        for match in pattern.finditer(text, at, last + STRIP_REACH):
            if match.start() >= last:
                break
            if match.end() > match.start():
                yield match.span()
                following = max(last, match.end())
        at = following


def _widths(text: str) -> list[Edit]:
    """Forms of letters that differ from the usual ones in width alone."""
    if text.isascii():
        return []
    return [(m.start(), m.end(), unicodedata.normalize("NFKC", m.group())) for m in _WIDTHS.finditer(text)]


def _gaps(text: str) -> list[Edit]:
    return [(m.start(), m.end(), _gap(m.group())) for m in _GAP.finditer(text) if m.group() != "\n"]


def _gap(found: str) -> str:
    if "\n" in found or "\r" in found:
        return "\n"
    return " " if any(character.isspace() for character in found) else ""


def _ends(text: str) -> list[Edit]:
    start, end = _trimmed(text, 0, len(text))
    return [edit for edit in ((0, start, ""), (max(end, start), len(text), "")) if edit[0] < edit[1]]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without white space at its ends."""
    rest = text[start:end].lstrip()
    first = end - len(rest)
    return first, first + len(rest.rstrip())


def _is_abbreviation(text: str, stop: int) -> bool:
    word = text[max(0, stop - LONGEST_ABBREVIATION) : stop].rsplit(None, 1)[-1:]
    return bool(word) and (word[0].lower() in _ABBREVIATIONS or (len(word[0]) == 1 and word[0].isalpha()))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
