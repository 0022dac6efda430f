"""What decided an application, and why it is referred, in the words of reports and of the letter."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

from data_schemas.contract import Schema
from experiments.explain.cases import Case
from experiments.explain.columns import columns_of
from experiments.explain.facts import flag_words
from experiments.reporting.language import ENGLISH, Language, gettext_noop
from experiments.reporting.parts import DecidingPolicy, ReferReason
from experiments.reporting.policies import policy_words
from experiments.reporting.words import percent
from fusion.policy.policy import BETWEEN, NO_NARRATIVE, SECOND, Policy
from fusion.scorer import Scorer


def deciding_policy(scorer: Scorer, case: Case, language: Language = ENGLISH) -> DecidingPolicy:
    """The policy that decided, with the cut-offs of an application like this one."""
    policy, kind = scorer.deciding_policy, _kind(scorer)
    segment = ""
    if policy.segments is not None and case.segment in policy.segments.cutoffs:
        title = columns_of(scorer.schema)[policy.segments.column].title
        segment = f"{language.gettext(title)}: {case.segment}"
    return DecidingPolicy(
        kind=kind,
        words=policy_words(policy, language, scorer.schema),
        digest=policy.digest,
        approve=case.cutoffs.approve,
        decline=case.cutoffs.decline,
        segment=segment,
    )


def _kind(scorer: Scorer) -> Literal["given", "bundle", "cut_off"]:
    if scorer.policy is not None:
        return "given"
    return "bundle" if scorer.lenders_policy is not None else "cut_off"


def refer_reasons(case: Case, policy: Policy, language: Language = ENGLISH) -> tuple[ReferReason, ...]:
    """Why the policy refers an application, for whoever looks at it; empty where it does not."""
    given = [reason for reason in case.outcomes.refer_reason.split(";") if reason]
    return tuple(ReferReason(reason=one, words=_words(one, case, policy, language)) for one in given)


def _words(reason: str, case: Case, policy: Policy, language: Language) -> str:
    def shown(pd: float) -> str:
        return percent(pd, 1, language)

    if reason == BETWEEN:
        message = language.gettext(
            "The probability of default lies above {low}, up to which the policy approves, and not above {high}."
        )
        return message.format(low=shown(case.cutoffs.approve), high=shown(case.cutoffs.decline))
    if reason.startswith(SECOND):
        name = reason.removeprefix(SECOND)
        value = case.outcomes.seconds[name]
        message = language.gettext("Second model {name} gives a probability of {pd}, above the policy's {bound}.")
        if math.isnan(value):
            message = language.gettext(
                "The row breaks the data contract of second model {name}, which so gives no probability."
            )
            return message.format(name=name)
        return message.format(name=name, pd=shown(value), bound=shown(policy.refer.second[name]))
    return flag_words(_met_flag(reason, case), case.application.schema, language)


def _met_flag(entry: str, case: Case) -> str:
    """The part of the data-quality flags that meets an entry of the policy: of one column, or of all that it lists."""
    name, colon, _ = entry.partition(":")
    return entry if colon else next(flag for flag in case.quality.split(";") if flag.partition(":")[0] == name)


def needed_words(case: Case, language: Language) -> tuple[str, ...]:
    """What of a referred application is not clear or not there, for the applicant: never what a second model found, nor
    that something was withheld as private.
    """
    if case.outcomes.fused.decision != "refer":
        return ()
    schema = case.application.schema
    found: dict[str, None] = {}
    for reason in case.outcomes.refer_reason.split(";"):
        if reason != BETWEEN and not reason.startswith(SECOND):
            found |= dict.fromkeys(_needed(_met_flag(reason, case), schema, language))
    return tuple(found)


NEEDED = {
    "missing": gettext_noop("Not given: {what}"),
    "unknown_category": gettext_noop("Not clear to us: {what}"),
    "text_not_read": gettext_noop("Written in a language that we could not read: {what}"),
    "negative_span": gettext_noop("Two of your dates contradict each other: {what}"),
    "contradiction": gettext_noop("Two of your statements disagree: {what}"),
    "no_records": gettext_noop("We found no record of you in: {what}"),
}


def _needed(flag: str, schema: Schema, language: Language) -> Iterator[str]:
    kind, _, listed = flag.partition(":")
    names = [name for name in listed.split(",") if name]
    titles = {name: column.title for name, column in columns_of(schema).items() if not schema.sources_of(name)}
    wordings = {one.name: one.wording for one in schema.contradictions}
    sources = {one.name: one.title for one in schema.sources}
    if kind == NO_NARRATIVE:
        yield language.gettext("You told us nothing in your own words about your application.")
    elif kind == "narrative_only":
        yield language.gettext("No field of the application form is filled in.")
    elif kind in NEEDED:
        known = {"contradiction": wordings, "no_records": sources}.get(kind, titles)
        for name in names:
            if name in known:
                yield language.gettext(NEEDED[kind]).format(what=language.gettext(known[name]))
