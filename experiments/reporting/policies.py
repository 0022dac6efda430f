"""Credit policies in the words of reports and summaries."""

from __future__ import annotations

from data_schemas.contract import Schema
from experiments.reporting.language import Language, current_language, gettext_noop
from experiments.reporting.words import percent
from fusion.policy.policy import BETWEEN, NO_NARRATIVE, SECOND, Policy

ENTRIES = {
    NO_NARRATIVE: gettext_noop("nothing is written"),
    "narrative_only": gettext_noop("only words are given"),
    "text_not_read": gettext_noop("the encoder cannot read the language"),
    "missing": gettext_noop("a value is missing"),
    "unknown_category": gettext_noop("a value is unknown to the model"),
    "negative_span": gettext_noop("dates contradict each other"),
    "masked": gettext_noop("private words were withheld"),
    "no_records": gettext_noop("there are no records"),
    "contradiction": gettext_noop("what is written contradicts the form"),
    BETWEEN: gettext_noop("the PD lies between the cut-offs"),
}
"""What refers an application, by its kind in policies and scored files."""


def policy_words(policy: Policy, language: Language | None = None, schema: Schema | None = None) -> str:
    """The cut-offs of all rows without one of their own, and what else refers an application.

    Args:
        policy: It.
        language: Of the words.
        schema: Of the applications: columns have their titles, and what refers is in words rather than as the policy's
            file has it.
    """
    language = language or current_language()
    words = cutoff_words(policy, language)
    if policy.segments is not None:
        column = policy.segments.column if schema is None else _title(policy.segments.column, schema, language)
        words += language.gettext("; ") + language.gettext("other cut-offs by {column}").format(column=column)
    if entries := _refer_entries(policy, language, schema):
        message = (
            language.gettext("refer by {entries}") if schema is None else language.gettext("referred where {entries}")
        )
        words += language.gettext("; ") + message.format(entries=language.gettext(", ").join(entries))
    return words


def cutoff_words(policy: Policy, language: Language | None = None) -> str:
    """The cut-offs of all rows without one of their own."""
    limits, language = policy.cutoffs, language or current_language()
    message = language.gettext("approve up to a PD of {approve}")
    if limits.decline > limits.approve:
        message = language.gettext("approve up to a PD of {approve}, decline above {decline}")
    return message.format(approve=percent(limits.approve, 1, language), decline=percent(limits.decline, 1, language))


def entry_words(entry: str, schema: Schema, language: Language | None = None) -> str:
    """What refers an application, as policies and scored files have it, in words."""
    language = language or current_language()
    kind, _, name = entry.partition(":")
    if entry.startswith(SECOND):
        return language.gettext("second model {name}").format(name=name)
    if kind not in ENTRIES:
        return entry
    words = language.gettext(ENTRIES[kind])
    if not name:
        return words
    return language.gettext("{words} ({what})").format(words=words, what=_title(name, schema, language))


def _title(name: str, schema: Schema, language: Language) -> str:
    titles = {field.name: field.title for field in schema.fields}
    titles |= {feature.name: feature.title for feature in schema.derived}
    titles |= {source.name: source.title for source in schema.sources}
    return language.gettext(titles.get(name, name))


def _refer_entries(policy: Policy, language: Language, schema: Schema | None) -> list[str]:
    """What refers an application beside its PD."""
    refer = policy.refer
    entries = [*([NO_NARRATIVE] if refer.no_narrative else []), *refer.quality]
    bounds = {f"{SECOND}{name}": percent(bound, 1, language) for name, bound in refer.second.items()}

    def words(entry: str) -> str:
        return entry if schema is None else entry_words(entry, schema, language)

    above = language.gettext("{entry} above {bound}")
    return [*map(words, entries), *(above.format(entry=words(one), bound=bound) for one, bound in bounds.items())]


def policy_json(policy: Policy | None) -> dict[str, object] | None:
    """A policy for machines: the digest of what its decisions depend on, and its rules; None for none."""
    if policy is None:
        return None
    rules = policy.model_dump(mode="json", include={"cutoffs", "segments", "refer"}, exclude_none=True)
    return {"digest": policy.digest, **rules}
