"""A reason's wording where the schema has none: drafted from the column's title, if that is words at all."""

from __future__ import annotations

import re

from experiments.reporting.language import Language
from features.inference.reason_wordings import subject_of, words_in
from features.text.scripts import has_spaceless

_SHORT = {
    "n": "number of", "no": "number of", "num": "number of", "nr": "number of", "pct": "percentage of",
    "avg": "average", "max": "highest", "min": "lowest", "amt": "amount", "acct": "account", "accts": "accounts",
    "mths": "months", "yrs": "years", "inq": "inquiries", "bal": "balance", "emp": "employment", "acc": "accounts",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]{3,}")
_VOWEL = re.compile("[aeiouyäöüáéíóúàèâêôãõåøæœ]|[^a-zß-ÿ]", re.IGNORECASE)


def drafted_wording(title: str, language: Language) -> str:
    """What a letter calls a column that the schema does not word; "" where its title is no words that people read."""
    subject = subject_of(title)
    if subject is not None and subject.is_whole(title) and not subject.is_vague(title):
        return language.gettext(str(subject.reason["wording"]))
    plain = readable(title)
    return language.gettext("“{title}” in your application.").format(title=plain) if plain else ""


def readable(title: str) -> str:
    """A title in words, common abbreviations written out: ``num_collaborators`` as ``number of collaborators``; "" for
    one like ``A14`` or ``1. En.``.
    """
    if has_spaceless(title):
        return title if len(re.findall(r"[^\W\d_]", title)) >= 2 else ""
    parts = words_in(title).split() if title.isascii() else title.split()
    words = [_SHORT.get(part, part) for part in parts]
    if any(len(word) == 1 and word.isalpha() and word not in "aei" for word in words):
        return ""
    plain = [word for word in words if _WORD.fullmatch(word) and _VOWEL.search(word)]
    if not set(plain) - set(_SHORT.values()) or 2 * len(plain) < sum(word not in _SHORT.values() for word in words):
        return ""
    return title if " " in title.strip() else " ".join(words)
