"""What decided an application, and why it is referred, in the words of reports and of the letter."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Literal

from data_schemas.contract import Schema
from experiments.explain.cases import Case
from experiments.explain.columns import columns_of
from experiments.explain.facts import flag_words
from experiments.reporting.parts import DecidingPolicy, ReferReason
from experiments.reporting.policies import policy_words
from experiments.reporting.words import percent
from fusion.policy.policy import BETWEEN, NO_NARRATIVE, SECOND, Policy
from fusion.scorer import Scorer


def deciding_policy(scorer: Scorer, case: Case) -> DecidingPolicy:
    """The policy that decided, with the cut-offs of an application like this one."""
    policy, kind = scorer.deciding_policy, _kind(scorer)
    segment = ""
    if policy.segments is not None and case.segment in policy.segments.cutoffs:
        title = columns_of(scorer.schema)[policy.segments.column].title
        segment = f"{title}: {case.segment}"
    return DecidingPolicy(
        kind=kind,
        words=policy_words(policy),
        digest=policy.digest,
        approve=case.cutoffs.approve,
        decline=case.cutoffs.decline,
        segment=segment,
    )


def _kind(scorer: Scorer) -> Literal["given", "bundle", "cut_off"]:
    if scorer.policy is not None:
        return "given"
    return "bundle" if scorer.lenders_policy is not None else "cut_off"


def refer_reasons(case: Case, policy: Policy) -> tuple[ReferReason, ...]:
    """Why the policy refers an application, for whoever looks at it; empty where it does not."""
    given = [reason for reason in case.outcomes.refer_reason.split(";") if reason]
    return tuple(ReferReason(reason=one, words=_words(one, case, policy)) for one in given)


def _words(reason: str, case: Case, policy: Policy) -> str:
    if reason == BETWEEN:
        low, high = percent(case.cutoffs.approve), percent(case.cutoffs.decline)
        return f"The probability of default lies above {low}, up to which the policy approves, and not above {high}."
    if reason.startswith(SECOND):
        name = reason.removeprefix(SECOND)
        value, bound = case.outcomes.seconds[name], percent(policy.refer.second[name])
        if math.isnan(value):
            return f"The row breaks the data contract of second model {name}, which so gives no probability."
        return f"Second model {name} gives a probability of {percent(value)}, above the policy's {bound}."
    return flag_words(_met_flag(reason, case), case.application.schema)


def _met_flag(entry: str, case: Case) -> str:
    """The part of the data-quality flags that meets an entry of the policy: of one column, or of all that it lists."""
    name, colon, _ = entry.partition(":")
    return entry if colon else next(flag for flag in case.quality.split(";") if flag.partition(":")[0] == name)


def needed_words(case: Case) -> tuple[str, ...]:
    """What of a referred application is not clear or not there, for the applicant: never what a second model found, nor
    that something was withheld as private.
    """
    if case.outcomes.fused.decision != "refer":
        return ()
    schema = case.application.schema
    found: dict[str, None] = {}
    for reason in case.outcomes.refer_reason.split(";"):
        if reason != BETWEEN and not reason.startswith(SECOND):
            found |= dict.fromkeys(_needed(_met_flag(reason, case), schema))
    return tuple(found)


def _needed(flag: str, schema: Schema) -> Iterator[str]:
    kind, _, listed = flag.partition(":")
    names = [name for name in listed.split(",") if name]
    titles = {name: column.title for name, column in columns_of(schema).items()}
    own = [titles[name] for name in names if name in titles and not schema.sources_of(name)]
    wordings: Mapping[str, str] = {one.name: one.wording for one in schema.contradictions}
    if kind == NO_NARRATIVE:
        yield "You told us nothing in your own words about your application."
    elif kind == "missing":
        yield from (f"Not given: {title}" for title in own)
    elif kind == "unknown_category":
        yield from (f"Not clear to us: {title}" for title in own)
    elif kind == "text_not_read":
        yield from (f"Written in a language that we could not read: {title}" for title in own)
    elif kind == "contradiction":
        yield from (f"Two of your statements disagree: {wordings[name]}" for name in names)
    elif kind == "narrative_only":
        yield "No field of the application form is filled in."
    elif kind == "no_records":
        sources = {one.name: one.title for one in schema.sources}
        yield from (f"We found no record of you in: {sources[name]}" for name in names)
