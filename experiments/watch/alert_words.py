"""Sentences of signals and flags in the language of the page.

``fusion.watch`` puts them together in English, and the state, alerts.jsonl and flagged.csv keep them so; here they are
recognised by the messages that they follow, a longer one before a shorter that would fit too.
"""

from __future__ import annotations

import re

from experiments.reporting.language import current_language, gettext, gettext_noop
from experiments.reporting.lower_floors import lower_words, recognised_words

SENTENCES = (
    gettext_noop("{words}, a change since {period}"),
    gettext_noop("{words}; where outcomes are known by now it was off by {miss} on average"),
    gettext_noop("{words}; shares {column} with one of them"),
    gettext_noop("{words}; mainly by {columns}"),
    gettext_noop("{words}; odder than all but {n_rows} of the {n} training rows"),
    gettext_noop("{words}; odder than all {n} training rows"),
    gettext_noop("{name}: the mean vector lies {distance} of the usual spread away, by chance {usual}"),
    gettext_noop("{name}: PSI {psi} along principal component {component} of the narratives"),
    gettext_noop("{name}: PSI {psi}, most moved: {cells}"),
    gettext_noop(
        "a classifier separates a sample of {n} rows from the usual ones with an AUC of {area} (0.5: not at all), by "
        "{columns}"
    ),
    gettext_noop("{name}: written by {share} of {n} rows, usually {usual}"),
    gettext_noop("{name}: {share} of {n} narratives cannot be read by the encoder, usually {usual}"),
    gettext_noop("“{word}”: in {share} of narratives, usually {usual} (log-odds {ratio})"),
    gettext_noop("mean PD {share}, usually {usual}"),
    gettext_noop("first reason {code}: {share} of a sample of {n} rows, usually {usual}"),
    gettext_noop("{name}: {k} of {n} applications are {level}, usually {usual}"),
    gettext_noop(
        "{name}: {k} of {n} rows contradict themselves, {share}, usually {usual}; {stated} state what their column "
        "holds too"
    ),
    gettext_noop("{n} applications, usually {usual} on this day of the week"),
    gettext_noop("{n} applications, usually {usual}"),
    gettext_noop("{name}: {share} of {n} rows without a value, usually {usual}"),
    gettext_noop("{name}: {share} of {n} rows with a level that the model does not know, usually {usual}"),
    gettext_noop("{name}: {share} of {n} rows outside the range of training, usually {usual}"),
    gettext_noop("{name}: {share} of {n} rows without a probability, usually {usual}"),
    gettext_noop("{name}: {share} of {n} rows above {bound}, usually {usual}"),
    gettext_noop("{name}: {share} of {n} rows, usually {usual}"),
    gettext_noop("{name}: {share} of {n} texts, usually {usual}"),
    gettext_noop("{name}: mean sentiment {mean} of {n} texts, usually {usual}"),
    gettext_noop("{name}: mean probability {mean}, usually {usual}"),
    gettext_noop("{name} probability {probability}, above {bound}"),
    gettext_noop(
        "estimated AUC {area} ({low} to {high}), usually {usual}: if the PDs are right for these applicants, which "
        "outcomes alone can show"
    ),
    gettext_noop("AUC {area} ({low} to {high}) of {n} rows with outcomes, usually {usual}"),
    gettext_noop("bad rate {share} of {n} rows with outcomes, mean PD {mean}: {ratio} times, usually {usual}"),
    gettext_noop("{k} of {n} narratives are copies, in {rings} at once; usually {usual}"),
    gettext_noop("{k} of {n} narratives are copies, in {rings}; usually {usual}"),
    gettext_noop("{name}: copied by {n} other applicants in {period}"),
    gettext_noop("{name}: copied by {n} other applicants from {first} to {last}"),
    gettext_noop("one value of {column} stands in {k} of {n} applications, usually in {usual}"),
    gettext_noop("{n_odd} of {n} rows are odd, {share}, usually {usual}"),
    gettext_noop("{name}: {wording} {column} is {given}, and the {kind} in {narrative} is {apart} away"),
)
PARTS = (
    gettext_noop("{first} beside {second}"),
    gettext_noop("{name} is unlike the texts of training"),
    gettext_noop("its columns together"),
    gettext_noop("{value} (usually {low} to {high})"),
    gettext_noop("{name} missing or unknown"),
    gettext_noop("{name} missing"),
    gettext_noop("above {low} to {high}"),
    gettext_noop("{n} rings"),
    gettext_noop("{n} ring"),
    gettext_noop("no topic"),
    gettext_noop("columns"),
    gettext_noop("score"),
    gettext_noop("estimated"),
    gettext_noop("approve"),
    gettext_noop("refer"),
    gettext_noop("decline"),
)
"""What sentences hold in their places, beside the words of ``lower_floors``."""
_MOVED = re.compile(r"(?P<cell>.+) (?P<shares>\S+% → \S+%)")


def alert_words(text: str) -> str:
    """The sentence of a signal or a flag in the current language; what is none, or is English, as it is."""
    if current_language().is_english:
        return text
    recognised = recognised_words(text, SENTENCES, _part)
    return _parts(text) if recognised is None else recognised


def _part(name: str, text: str) -> str:
    return alert_words(text) if name == "words" else _parts(text)


def _parts(text: str) -> str:
    return gettext("; ").join(map(_of_part, text.split("; ")))


def _of_part(text: str) -> str:
    if moved := _MOVED.fullmatch(text):
        return f"{_of_part(moved['cell'])} {moved['shares']}"
    if text.startswith("PD "):
        return gettext("PD {range}").format(range=_of_part(text.removeprefix("PD ")))
    recognised = recognised_words(text, PARTS, lambda _, part: _of_part(part))
    return lower_words(text) if recognised is None else recognised
