"""Credit policies in the words of reports and summaries."""

from __future__ import annotations

from experiments.reporting.language import Language, current_language
from experiments.reporting.words import percent
from fusion.policy.policy import NO_NARRATIVE, SECOND, Policy


def policy_words(policy: Policy, language: Language | None = None) -> str:
    """The cut-offs of all rows without one of their own, and what else refers an application."""
    limits, language = policy.cutoffs, language or current_language()
    message = language.gettext("approve up to a PD of {approve}")
    if limits.decline > limits.approve:
        message = language.gettext("approve up to a PD of {approve}, decline above {decline}")
    words = message.format(approve=percent(limits.approve, 1, language), decline=percent(limits.decline, 1, language))
    if policy.segments is not None:
        words += "; " + language.gettext("other cut-offs by {column}").format(column=policy.segments.column)
    if entries := _refer_entries(policy, language):
        words += "; " + language.gettext("refer by {entries}").format(entries=", ".join(entries))
    return words


def _refer_entries(policy: Policy, language: Language) -> list[str]:
    """What refers an application beside its PD, as the policy's file and scored files have it."""
    refer = policy.refer
    bounds = [
        language.gettext("{entry} above {bound}").format(entry=f"{SECOND}{name}", bound=percent(bound, 1, language))
        for name, bound in refer.second.items()
    ]
    return [*([NO_NARRATIVE] if refer.no_narrative else []), *refer.quality, *bounds]


def policy_json(policy: Policy | None) -> dict[str, object] | None:
    """A policy for machines: the digest of what its decisions depend on, and its rules; None for none."""
    if policy is None:
        return None
    rules = policy.model_dump(mode="json", include={"cutoffs", "segments", "refer"}, exclude_none=True)
    return {"digest": policy.digest, **rules}
