"""From the sentences of a narrative that is made of records back to the records' dates."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date

from data_schemas.contract import StripRule
from data_schemas.sources import ENTRY_DATE
from experiments.reporting.language import ENGLISH, Language
from experiments.reporting.words import day
from features.text.cleaning import clean, covering_sentences

Days = tuple[date, ...]


def entries_of(raw: str, strip: Sequence[StripRule], passages: Sequence[str]) -> list[Days]:
    """The dates of the entries that each passage of a narrative comes from, the earliest first.

    Args:
        raw: The narrative as it was made of the records, one entry a line behind its date.
        strip: What is cut before the narrative is read, the dates among it.
        passages: In their order, as the model read them; sentences of the narrative may be missing, because a mask cut
            them. One that is not found has no date.
    """
    cleaned = clean(raw, strip)
    entries = [(found.start(), date.fromisoformat(found[0][1:11])) for found in re.finditer(ENTRY_DATE, raw)]
    begins = [begin for begin, _ in entries]
    at, dates = 0, []
    for passage in passages:
        days: dict[date, None] = {}
        for start, end in covering_sentences(passage):
            sentence = passage[start:end].strip()
            place = cleaned.text.find(sentence, at)
            if sentence and place >= 0:
                at = place + len(sentence)
                first, last = cleaned.to_raw(place, at)
                mine = entries[max(0, bisect_right(begins, first) - 1) : bisect_left(begins, last)]
                days |= dict.fromkeys(one for _, one in mine)
        dates.append(tuple(days))
    return dates


def in_words(days: Days, language: Language = ENGLISH) -> str:
    """``3 May 2024``, or from the first to the last day; "" for none."""
    ends = [day(one, language) for one in dict.fromkeys((*days[:1], *days[-1:]))]
    return " to ".join(ends) if language.is_english else " – ".join(ends)
