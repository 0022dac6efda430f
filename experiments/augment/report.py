"""The page on augmentation: what each kind does, its counts, and examples side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from experiments.augment.job import EXCERPT, Augmented, AugmentedKind, Example
from experiments.reporting.document import Column, Document, Section, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.parts import MarkedText, Passage
from experiments.reporting.words import count, number, percent
from features.augmentation.settings import Kind

TITLES: dict[Kind, str] = {
    "synonyms": gettext_noop("Synonyms"),
    "masked_words": gettext_noop("Masked words"),
    "dropout": gettext_noop("Words left out"),
    "back_translation": gettext_noop("There and back"),
}
ABOUT: dict[Kind, str] = {
    "synonyms": gettext_noop(
        "Words are replaced by words that share a usual meaning with them in WordNet; which meaning is meant in the "
        "narrative is not asked."
    ),
    "masked_words": gettext_noop(
        "Words are replaced by what a language model expects in their place. It knows the words around, not the one "
        "that stood there, so that the meaning may change."
    ),
    "dropout": gettext_noop("Words are left out."),
    "back_translation": gettext_noop(
        "Sentences are translated into another language and back by models on this machine."
    ),
}
KEPT = (
    gettext_noop(
        "Never replaced: numbers, amounts and dates, in digits or in words; negations; the words of the schema's "
        "sensitive concepts and of a person's sex, family and origin; words with a capital, which are mostly names; "
        "words that were given as protected; words without meaning of their own. Where a variant would change one of "
        "these all the same, the narrative stays as it is."
    ),
    gettext_noop(
        "Variants are learned from in the training rows alone, inside each fold. No validation, no held-out row and "
        "nothing that a bundle keeps of its population has any."
    ),
)


def report(augmented: Augmented, made_on: date) -> Document:
    """What augmentation makes of the narratives of a file."""
    return Document(
        report="augmentation",
        title=gettext("What augmentation makes of the narratives"),
        kicker=gettext("Report on augmentation · {product}").format(product=gettext(augmented.product)),
        made_on=made_on,
        facts={
            gettext("File"): ", ".join(augmented.files),
            gettext("Rows"): number(augmented.n_rows),
            gettext("Rejected"): number(len(augmented.rejected)),
            gettext("Augmented"): count(augmented.n_read, "row"),
            gettext("Share of words to replace"): percent(augmented.rate),
            gettext("Seed"): str(augmented.seed),
        },
        headline=(
            gettext(
                "This page holds texts of applicants. It is for the lender's eyes: keep it as you keep the "
                "applications."
            ),
            *(_headline(one) for one in augmented.kinds),
        ),
        sections=(
            Section(key="counts", title=gettext("How much is replaced"), tables=(_counts(augmented),)),
            *(_section(one) for one in augmented.kinds),
            Section(key="kept", title=gettext("What stays as it is"), words=KEPT),
        ),
        origin={},
    )


def _headline(one: AugmentedKind) -> str:
    counts = one.counts
    return gettext("{kind}: {share} of the words change, and {unchanged} of {n} stay as they are.").format(
        kind=gettext(TITLES[one.kind]),
        share=percent(counts.n_replaced / counts.n_words) if counts.n_words else gettext("none"),
        unchanged=number(counts.n_unchanged),
        n=count(counts.n_texts, "narrative"),
    )


def _counts(augmented: Augmented) -> Table:
    return Table(
        key="counts",
        title=gettext("Counts"),
        note=gettext("Each different narrative counts once. Of a sentence that was translated all words count."),
        columns=(
            Column(key="kind", title=gettext("Kind")),
            Column(key="texts", title=gettext("Narratives"), form="count"),
            Column(key="unchanged", title=gettext("Left as they are"), form="count"),
            Column(key="words", title=gettext("Words"), form="count"),
            Column(key="replaced", title=gettext("Words replaced"), form="count"),
            Column(key="share", title=gettext("Share"), form="percent", digits=1),
            Column(key="edits", title=gettext("Places"), form="count"),
        ),
        rows=tuple(
            (
                gettext(TITLES[one.kind]),
                one.counts.n_texts,
                one.counts.n_unchanged,
                one.counts.n_words,
                one.counts.n_replaced,
                one.counts.n_replaced / one.counts.n_words if one.counts.n_words else None,
                one.counts.n_edits,
            )
            for one in augmented.kinds
        ),
    )


def _section(one: AugmentedKind) -> Section:
    table = Table(
        key=f"examples_{one.kind}",
        title=gettext("Examples"),
        note=gettext(
            "Of a narrative of more than {most} characters a stretch is shown. Replaced words are underlined."
        ).format(most=EXCERPT),
        columns=(
            Column(key="number", title=gettext("No."), form="count"),
            Column(key="text", title=gettext("Narrative")),
            Column(key="variant", title=gettext("Variant")),
        ),
        rows=tuple((at + 1, *_side_by_side(example)) for at, example in enumerate(one.examples)),
    )
    return Section(key=one.kind, title=gettext(TITLES[one.kind]), words=(ABOUT[one.kind],), tables=(table,))


def _side_by_side(example: Example) -> tuple[MarkedText, MarkedText]:
    """The narrative with what is replaced marked, and the variant with what it is replaced by."""
    parts = list(_parts(example))
    return _marked(old for old, _ in parts), _marked(new for _, new in parts)


def _marked(parts: Iterable[tuple[str, bool]]) -> MarkedText:
    return MarkedText(passages=tuple(Passage(text=text, marked=marked) for text, marked in parts if text))


def _parts(example: Example) -> Iterator[tuple[tuple[str, bool], tuple[str, bool]]]:
    """The stretches of text and variant side by side, and whether they are marked."""
    at = 0
    for start, end, new in example.edits:
        same = (example.text[at:start], False)
        yield same, same
        yield (example.text[start:end], True), (new, True)
        at = end
    same = (example.text[at:], False)
    yield same, same
