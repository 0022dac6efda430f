"""What the figures of a policy come to, in a manager's words."""

from __future__ import annotations

from experiments.reporting.document import Finding
from experiments.reporting.words import listed, number, percent, signed
from experiments.validate.chapters.policy_tables import limit_words
from experiments.validate.chapters.policy_view import PolicyView, SegmentView
from fusion.policy.proposal import ConstraintName, Proposal, ProposalSegment, Unmet, constraints_met
from fusion.validation.intervals import Estimate

CHOSEN = (
    "The cut-offs were chosen by PDs and amounts, not by outcomes, so that these outcomes judge them fairly; but they "
    "are one period's, of applicants who were granted a loan once."
)


def findings(view: PolicyView) -> list[Finding]:
    """In the order of the tables."""
    found = [_approves(view), *_worse_than_told(view)]
    if not view.books:
        words = f"Profit and better cut-offs cannot be told: {view.why_no_money}."
        if view.judged.policy.economics is None:
            words += " A policy file says what a good loan earns and a bad one loses (--policy)."
        return [*found, Finding(key="no_money", grade="note", title="Nothing is said of profit.", words=words)]
    found += [*_loses(view), *_limits(view)]
    if view.unmet:
        found.append(_unmet(view.unmet))
    elif view.proposal:
        found.append(_proposal(view.proposal, view))
    return found


def _approves(view: PolicyView) -> Finding:
    judged, bad = view.judged, view.bad_rate(view.segments[-1])
    shares = {one: percent(judged.decision.count(one) / len(judged)) for one in ("approve", "refer", "decline")}
    said = f"{shares['approve']} are approved, {shares['refer']} referred and {shares['decline']} declined."
    if not bad.exists:
        title = "Nobody is approved."
        words = f"{said} The cut-off lies below every PD." if "refer" not in judged.decision else said
        return Finding(key="policy_approves", grade="concern", title=title, words=words)
    said += f" Of the approved {percent(bad.value)} went bad (95 % interval {percent(bad.low)} to {percent(bad.high)})"
    everybody = percent(float(judged.y.mean()))
    if judged.approved.all():
        title = "Everybody is approved."
        return Finding(key="policy_approves", grade="note", title=title, words=f"{said}. The cut-off declines nobody.")
    title = f"The policy approves {shares['approve']} of the applicants."
    return Finding(key="policy_approves", grade="note", title=title, words=f"{said}, of all applicants {everybody}.")


def _worse_than_told(view: PolicyView) -> list[Finding]:
    """More bads among the approved than their PDs said, beyond chance."""
    worse = [segment for segment in view.segments if _is_worse(view, segment)]
    if not worse:
        return []
    told = [f"{_mean_pd(view, one)} and {percent(view.bad_rate(one).value)} ({one.title})" for one in worse]
    return [
        Finding(
            key="approved_worse",
            grade="concern",
            title="Those approved went bad more often than their PDs say.",
            words=f"Mean PD and bad rate of the approved are {listed(told)}. Losses are higher than planned, and "
            "cut-offs chosen by these PDs are too loose.",
        )
    ]


def _is_worse(view: PolicyView, segment: SegmentView) -> bool:
    rows, bad = segment.rows & view.judged.approved, view.bad_rate(segment)
    return bad.exists and float(view.judged.pd[rows].mean()) < bad.low


def _mean_pd(view: PolicyView, segment: SegmentView) -> str:
    return percent(float(view.judged.pd[segment.rows & view.judged.approved].mean()))


def _loses(view: PolicyView) -> list[Finding]:
    """A policy, or a segment, that does not pay."""
    earned = {segment.title: view.profit(segment) for segment in view.segments}
    whole = earned[view.segments[-1].title]
    if whole.high < 0:
        words = f"Observed profit per application is {_money(whole, view)}, all costs counted."
        return [Finding(key="policy_loses", grade="concern", title="The policy loses money.", words=words)]
    losing = [name for name, one in earned.items() if one.high < 0]
    if not losing:
        return []
    words = f"Observed profit is below 0, beyond chance, for {listed(losing)}. Other segments pay for it."
    return [Finding(key="segment_loses", grade="concern", title="Some segments lose money.", words=words)]


def _limits(view: PolicyView) -> list[Finding]:
    constraints = view.judged.policy.constraints
    kept = constraints_met(constraints, view.present, observed=True)
    if not kept:
        return []
    if broken := [limit for limit, held in kept.items() if not held]:
        wanted = listed([_limit(view, limit) for limit in broken])
        words = f"The policy asks for {wanted}. At its present cut-offs these applicants do not keep that."
        title = "The policy breaks its own constraints."
        return [Finding(key="policy_constraints", grade="concern", title=title, words=words)]
    title = "The policy keeps its own constraints."
    words = f"It asks for {listed([_limit(view, limit) for limit in kept])}."
    return [Finding(key="policy_constraints", grade="good", title=title, words=words)]


def _limit(view: PolicyView, limit: ConstraintName) -> str:
    return limit_words(limit, float(getattr(view.judged.policy.constraints, limit)))


def _unmet(unmet: Unmet) -> Finding:
    told = listed([limit_words(limit, value) for limit, value in zip(unmet.limits, unmet.wanted, strict=True)])
    if len(unmet.limits) == 1:
        best = percent(unmet.best)
        words = f"No cut-offs reach {told}; the best that can be reached is {best}. So nothing is proposed."
    else:
        words = f"No cut-offs reach {told} together, though each alone can be reached. So nothing is proposed."
    return Finding(key="policy_proposal", grade="concern", title="The constraints cannot be met.", words=words)


def _proposal(proposal: Proposal, view: PolicyView) -> Finding:
    moved = [part for part in proposal.parts if part.before != part.after]
    if not moved:
        title, words = "The present cut-offs are the best.", "No others have a higher expected profit. " + CHOSEN
        return Finding(key="policy_proposal", grade="good", title=title, words=words)
    names = {segment.name: segment.title for segment in view.segments if segment.name is not None}
    changes = listed([_change(names[part.segment], part, len(proposal.parts) > 1) for part in moved])
    expected = signed(proposal.expected_gain, view.money_digits)
    words = f"Expected profit is highest if PDs are approved {changes}: {expected} per application. "
    words += f"By the outcomes it would have been {_money(proposal.gain, view)} per application"
    if proposal.gain.low > 0:
        title = "Other cut-offs would have earned more."
        words += f", beyond chance. {CHOSEN}"
    elif proposal.gain.high < 0:
        title = "The cut-offs that PDs call best would have earned less."
        words += f": what the PDs promise did not come true. Mend the calibration first. {CHOSEN}"
        return Finding(key="policy_proposal", grade="concern", title=title, words=words)
    else:
        title = "Other cut-offs promise more, and these outcomes do not prove it."
        words += f", which may be chance. {CHOSEN}"
    return Finding(key="policy_proposal", grade="note", title=title, words=words)


def _change(name: str, part: ProposalSegment, named: bool) -> str:
    assert part.before is not None, "a segment has cut-offs"
    assert part.after is not None, "a segment has cut-offs"
    said = f"up to {percent(part.after.approve)} instead of {percent(part.before.approve)}"
    return f"{said} ({name})" if named else said


def _money(value: Estimate, view: PolicyView) -> str:
    digits = view.money_digits
    said = signed(value.value, digits)
    if not value.exists or value.low != value.low:
        return said
    return f"{said} (95 % interval {number(value.low, digits)} to {number(value.high, digits)})"
