"""Scripts of texts: which are written without spaces between words, and which language a script gives away."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

SPACELESS = (
    r"\u0e01-\u0e3a\u0e40-\u0eff\u0f00-\u0f0a\u0f10-\u109f\u1780-\u17d3"  # Thai, Lao, Tibetan, Burmese, Khmer
    r"\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31f0-\u31ff\uff66-\uff9f"  # kana, bopomofo
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
)
"""Characters of scripts that put no space between words, as the inside of a regular expression's class."""

HAN, KANA, HANGUL = "Han", "Kana", "Hangul"
SYLLABIC = frozenset({HAN, KANA, HANGUL})  # one character is a syllable or a word, about three Latin letters
LETTERS_A_SYLLABLE = 3
LEAST_KANA = 0.05
"""From this share of kana among Chinese characters and kana on, a text is Japanese."""

_SPACELESS = re.compile(f"[{SPACELESS}]")
_RENAMED = {
    "CJK": HAN,
    "IDEOGRAPHIC": HAN,
    "HIRAGANA": KANA,
    "KATAKANA": KANA,
    "KATAKANA-HIRAGANA": KANA,
    "FULLWIDTH": "Latin",
    "HALFWIDTH": KANA,
    "HANGUL": HANGUL,
}
_LANGUAGES = {HAN: "Chinese", KANA: "Japanese", HANGUL: "Korean", "Thai": "Thai", "Lao": "Lao", "Khmer": "Khmer"}


@lru_cache(maxsize=65536)
def script_of(letter: str) -> str:
    """The script of a letter, such as ``"Latin"``, ``"Cyrillic"``, ``"Han"`` or ``"Kana"``; "" for other characters."""
    if not letter.isalpha():
        return ""
    first = unicodedata.name(letter, "").partition(" ")[0]
    return "" if first == "MODIFIER" else _RENAMED.get(first, first.capitalize())


def has_spaceless(text: str) -> bool:
    """Whether any character is of a script without spaces between words."""
    return not text.isascii() and _SPACELESS.search(text) is not None


def count_spaceless(text: str) -> int:
    """How many characters are of scripts without spaces between words."""
    return len(_SPACELESS.findall(text))


def n_words(text: str) -> float:
    """How many words a text has, about: those between spaces, and one for every two characters of scripts without."""
    if not has_spaceless(text):
        return len(text.split())
    return len(_SPACELESS.sub(" ", text).split()) + count_spaceless(text) / 2


def language_of(text: str) -> str:
    """The language of a text as far as its script tells it, such as ``"Chinese"``; else the script, such as
    ``"Latin script"``; "" for a text without a letter.

    The script with the most letters decides; a Chinese character, a kana or a Korean syllable counts as
    ``LETTERS_A_SYLLABLE``.
    """
    if text.isascii():
        return "Latin script" if any(map(str.isalpha, text)) else ""
    counts = Counter(map(script_of, text))
    del counts[""]
    if not counts:
        return ""
    n_kana, n_east = counts[KANA], counts[KANA] + counts[HAN]
    east = KANA if n_kana > LEAST_KANA * n_east else HAN
    del counts[KANA], counts[HAN]
    weights = {name: n * (LETTERS_A_SYLLABLE if name in SYLLABIC else 1) for name, n in counts.items()}
    weights[east] = n_east * LETTERS_A_SYLLABLE
    script = max(sorted(weights), key=weights.__getitem__)
    return _LANGUAGES.get(script, f"{script} script")
