"""Words of narratives by period: how many narratives use each, and which words moved.

Words are counted by a hash. A word itself is kept and shown only where at least ``LEAST_USERS`` narratives of the
counted rows use it, since a rare one could name a person; only words of letters count, no numbers. Of more than
``MOST_WORDS`` words those with the lowest hashes are counted: their counts are exact, whatever the order of the rows.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np

from data_schemas.messages import Number, message
from features.arrays import Flags, Ints
from features.text.words import words_of
from fusion.validation.intervals import rate
from fusion.watch.departures import Departure, Figure, share_chances
from fusion.watch.packing import ints
from fusion.watch.signals import Signal, shares

LEAST_USERS = 20
MOST_WORDS = 2**15
MOST_SHOWN = 10
MOST_REMEMBERED = 2**18
LIKELY = 0.05

_LETTERS = re.compile(r"[^\W\d_]{3,30}|[^\x00-\u024f\W\d_]{2}")  # shorter words say little, but in Chinese


@dataclass(frozen=True, eq=False)
class WordCounts:
    """How many narratives use each word.

    Attributes:
        hashes: int64 (n_words,), ascending, of the words.
        counts: int64 (n_words,), narratives that use each.
        names: The words that at least ``LEAST_USERS`` narratives use, by hash.
    """

    hashes: Ints
    counts: Ints
    names: Mapping[int, str]

    @property
    def whole(self) -> bool:
        """Whether all words are counted."""
        return len(self.hashes) < MOST_WORDS

    def of(self, hashes: Ints) -> Ints:
        """int64 (n,), the counts of these words."""
        at = np.searchsorted(self.hashes, hashes)
        at[at == len(self.hashes)] = 0
        if not len(self.hashes):
            return np.zeros(len(hashes), dtype=np.int64)
        return np.where(self.hashes[at] == hashes, self.counts[at], 0)

    def counted(self, hashes: Ints) -> Flags:
        """bool (n,): whether these words would be counted."""
        if self.whole:
            return np.ones(len(hashes), dtype=np.bool_)
        found: Flags = hashes <= self.hashes[-1]
        return found

    @staticmethod
    def unpacked(hashes: str, counts: str, names: Mapping[str, int]) -> WordCounts:
        """From packed arrays (``fusion.watch.packing``) and the hashes of the named words."""
        return WordCounts(ints(hashes), ints(counts), {at: name for name, at in names.items()})


@dataclass(frozen=True)
class WordCounter:
    """Counts words.

    Attributes:
        met: Words met so far by hash, so that one is named that only several files together use often enough. It is
            never written.
    """

    met: dict[int, str] = field(default_factory=dict, repr=False, compare=False)

    def count(self, texts: Iterable[str]) -> WordCounts:
        """The words of these texts, each once per text."""
        users = Counter[str]()
        for text in texts:
            if text:
                users.update({word for word in words_of(text) if _LETTERS.fullmatch(word)})
        hashed = {_hash(word): word for word in users}
        for at, word in hashed.items():
            if len(self.met) < MOST_REMEMBERED:
                self.met[at] = word
        hashes = np.array(sorted(hashed)[:MOST_WORDS], dtype=np.int64)
        counts = np.array([users[hashed[at]] for at in hashes.tolist()], dtype=np.int64)
        often = hashes[counts >= LEAST_USERS].tolist()
        return WordCounts(hashes, counts, {at: hashed[at] for at in often})

    def add(self, left: WordCounts, right: WordCounts) -> WordCounts:
        """The words of both."""
        hashes = np.union1d(left.hashes, right.hashes)[:MOST_WORDS]
        counts = left.of(hashes) + right.of(hashes)
        names = {}
        for at in hashes[counts >= LEAST_USERS].tolist():
            name = left.names.get(at) or right.names.get(at) or self.met.get(at)
            if name is not None:
                names[at] = name
        return WordCounts(hashes, counts, names)


def _hash(word: str) -> int:
    return int.from_bytes(blake2b(word.encode(errors="replace"), digest_size=8).digest(), "little") >> 1


@dataclass(frozen=True)
class Words:
    """Words of some narratives.

    Attributes:
        written: How many narratives there are.
        counts: How many use each word.
    """

    written: int
    counts: WordCounts


def word_signals(period: str, narrative: str, now: Words, usual: Sequence[Words], history: bool) -> list[Signal]:
    """The words that moved most: at most ``MOST_SHOWN``, those that moved furthest beyond chance first.

    Their chances are multiplied so that, shared among the signals shown, they are shared among all words compared.
    """
    usual = [one for one in usual if one.written]
    if not now.written or not usual:
        return []
    names, hashes = _compared(now, usual)
    if not len(hashes):
        return []
    k, n = now.counts.of(hashes), now.written
    then = np.stack([one.counts.of(hashes) for one in usual])
    rows = np.array([one.written for one in usual], dtype=np.int64)
    p = share_chances(k, n, then, rows, history)
    before = shares(then.sum(axis=0).astype(np.float64), rows.sum())
    size = np.abs(k / n - before)
    order = np.lexsort((hashes, np.where(p * len(hashes) < LIKELY, -size, p), p * len(hashes) >= LIKELY))[:MOST_SHOWN]
    chance = np.minimum(1.0, p * len(hashes) / len(order))
    return [
        _signal(period, f"{narrative}:{names[int(hashes[at])]}", (int(k[at]), n), float(before[at]), float(chance[at]))
        for at in order.tolist()
    ]


def _compared(now: Words, usual: Sequence[Words]) -> tuple[Mapping[int, str], Ints]:
    """The words used often enough on either side to be named, and counted everywhere: names and hashes."""
    names = {at: name for one in (*usual, now) for at, name in one.counts.names.items()}
    hashes = np.array(sorted(names), dtype=np.int64)
    for one in (*usual, now):
        hashes = hashes[one.counts.counted(hashes)]
    return names, hashes


def _signal(period: str, subject: str, counts: tuple[int, int], usual: float, p: float) -> Signal:
    (k, n), found = counts, rate(*counts)
    ratio = math.log((k + 0.5) / (n - k + 0.5)) - _log_odds(usual, n)
    name = subject.partition(":")[2]
    words = message(
        "“{word}”: in {share} of narratives, usually {usual} (log-odds {ratio})",
        word=name,
        share=Number(found.value, ".1%"),
        usual=Number(usual, ".1%"),
        ratio=Number(ratio, "+.1f"),
    )
    departure = Departure(found.value, found.low, found.high, usual, p)
    return Figure(period, "word", subject, n).signal(departure, abs(found.value - usual), words)


def _log_odds(share: float, n: int) -> float:
    """With half a narrative added on either side, so that it exists for a word that nobody used."""
    return math.log((share * n + 0.5) / ((1 - share) * n + 0.5))
