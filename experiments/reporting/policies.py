"""Credit policies in the words of reports and summaries."""

from __future__ import annotations

from experiments.reporting.words import percent
from fusion.policy.policy import Policy


def policy_words(policy: Policy) -> str:
    """The cut-offs of all rows without one of their own."""
    limits = policy.cutoffs
    said = f"approve up to a PD of {percent(limits.approve)}"
    if limits.decline > limits.approve:
        said += f", decline above {percent(limits.decline)}"
    return said + (f"; other cut-offs by {policy.segments.column}" if policy.segments else "")


def policy_json(policy: Policy | None) -> dict[str, object] | None:
    """A policy for machines: the digest of what its decisions depend on, and its rules; None for none."""
    if policy is None:
        return None
    rules = policy.model_dump(mode="json", include={"cutoffs", "segments", "refer"}, exclude_none=True)
    return {"digest": policy.digest, **rules}
