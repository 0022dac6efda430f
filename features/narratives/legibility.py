"""Which narratives an encoder can read; the others count as not written.

A text in a script that the encoder does not know still has a vector, of unknown tokens or single letters, which says
little more than how long the text is. So it is withheld from all that reads narratives: from vectors and words, from
the ties between copies, from training as from scoring. It then has the same influence as an empty cell, because it is
one.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
import pandas as pd

from features.arrays import Flags
from features.encoders.vocabulary import Vocabulary
from features.tables.applications import Applications
from features.text.cleaning import clean
from features.text.scripts import language_of


@dataclass(frozen=True)
class Legibility:
    """Finds the narratives that an encoder cannot read.

    Attributes:
        vocabulary: of the encoder; None: everything can be read.
        least_share: of the letters of a narrative that the vocabulary must know; 0: everything is read.
    """

    vocabulary: Vocabulary | None = None
    least_share: float = 0.0

    def without_unread(self, applications: Applications) -> tuple[Applications, Flags]:
        """The applications with empty cells in the place of narratives that cannot be read, and bool
        (n, n_narratives), where these are.
        """
        schema = applications.schema
        unread = np.zeros((len(applications), len(schema.narratives)), np.bool_)
        if self.vocabulary is None or not self.least_share:
            return applications, unread
        for at, field in enumerate(schema.narratives):
            column = applications.narrative(field.name)
            odd = self._unread(applications, {raw for raw in column if raw}, self.vocabulary)
            unread[:, at] = [raw in odd for raw in column]
        if not unread.any():
            return applications, unread
        frame = applications.frame.copy()
        for at, field in enumerate(schema.narratives):
            frame[field.name] = pd.Series(np.where(unread[:, at], "", applications.narrative(field.name)), dtype=object)
        return replace(applications, frame=frame), unread

    def _unread(self, applications: Applications, raws: set[str], vocabulary: Vocabulary) -> set[str]:
        """Those of the raw texts that cannot be read."""
        easy = vocabulary.reads_ascii
        hard = sorted(raw for raw in raws if not (easy and raw.isascii() and "&" not in raw))
        shares = vocabulary.share_read([clean(raw, applications.schema.strip).text for raw in hard])
        return {raw for raw, share in zip(hard, shares.tolist(), strict=True) if share < self.least_share}


READS_ALL = Legibility()


@dataclass(frozen=True)
class Languages:
    """The languages of narratives; or, where a script is used by several, the scripts.

    Attributes:
        written: how many narratives are in each (``features.text.scripts.language_of``), the most frequent first.
        unread: the same of those that the encoder cannot read.
    """

    written: Mapping[str, int]
    unread: Mapping[str, int]

    @property
    def n_written(self) -> int:
        """How many narratives have letters."""
        return sum(self.written.values())

    @property
    def n_unread(self) -> int:
        """How many of them the encoder cannot read."""
        return sum(self.unread.values())


def languages(applications: Applications, unread: Flags) -> Languages:
    """The languages of narratives as they were written, labels such as a job title left out.

    unread: bool (n, n_narratives), see ``Legibility.without_unread``.
    """
    written, lost = Counter[str](), Counter[str]()
    for at, field in enumerate(applications.schema.narratives):
        if field.match_concepts:
            column = [language_of(html.unescape(raw)) for raw in applications.narrative(field.name)]
            written.update(filter(None, column))
            lost.update(filter(None, compress(column, unread[:, at])))
    return Languages(_by_frequency(written), _by_frequency(lost))


def _by_frequency(counts: Counter[str]) -> Mapping[str, int]:
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
