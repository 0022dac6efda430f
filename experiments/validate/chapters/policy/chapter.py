"""What the policy's cut-offs do, what others would do, and which would be best."""

from __future__ import annotations

from experiments.reporting.document import Finding, Section
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import listed, number, percent, signed
from experiments.validate.chapters.policy.figures import PolicyView, SegmentView, view_of
from experiments.validate.chapters.policy.tables import plots, tables
from experiments.validate.scored_outcomes import ScoredOutcomes
from fusion.policy.proposal import ConstraintName, Proposal, ProposalSegment, Unmet, constraints_met
from fusion.validation.intervals import Estimate

WORDS = gettext_noop(
    "Approved are PDs up to the approve cut-off, declined are those above the decline cut-off, and a person looks at "
    "the rest. All figures are of applicants who were granted a loan once, so how those would have fared who never "
    "were is not in them; a looser policy than the one they came from cannot be judged by them."
)
MONEY_WORDS = gettext_noop(
    "Profit is the margin on good loans less the loss on bad ones and less the costs of handling, per application, in "
    "the currency of the amounts. “Expected” takes the PDs for true, “observed” takes what happened. Of the referred "
    "the share that the policy states is taken to be approved in the end, alike in good and bad: what a person finds "
    "out is not known here, and may make referring worth more than it says."
)


def chapter(scored: ScoredOutcomes) -> Section:
    """The policy's own figures and, where it says what loans earn and lose, its simulation and a proposal."""
    view = view_of(scored)
    return Section(
        key="policy",
        title=gettext("Policy: what the cut-offs do"),
        words=(gettext(WORDS), gettext(MONEY_WORDS)) if view.books else (gettext(WORDS),),
        findings=tuple(findings(view)),
        tables=tuple(tables(view)),
        plots=tuple(plots(view)),
    )


CHOSEN = gettext_noop(
    "The cut-offs were chosen by PDs and amounts, not by outcomes, so that these outcomes judge them fairly; but they "
    "are one period's, of applicants who were granted a loan once."
)


def findings(view: PolicyView) -> list[Finding]:
    """In the order of the tables."""
    found = [_approves(view), *_worse_than_expected(view)]
    if not view.books:
        words = gettext("Profit and better cut-offs cannot be computed: {why_no_money}.").format(
            why_no_money=view.why_no_money
        )
        if view.scored.policy.economics is None:
            words += gettext(" A policy file says what a good loan earns and a bad one loses (--policy).")
        return [*found, Finding(key="no_money", grade="note", title=gettext("Profit is not estimated."), words=words)]
    found += [*_loses(view), *_limits(view)]
    if view.unmet:
        found.append(_unmet(view.unmet))
    elif view.proposal:
        found.append(_proposal(view.proposal, view))
    return found


def _approves(view: PolicyView) -> Finding:
    scored, bad = view.scored, view.bad_rate(view.segments[-1])
    shares = {one: percent(scored.decision.count(one) / len(scored)) for one in ("approve", "refer", "decline")}
    result = gettext("{approve} are approved, {refer} referred and {decline} declined.").format(
        approve=shares["approve"], refer=shares["refer"], decline=shares["decline"]
    )
    if not bad.exists:
        title = gettext("Nobody is approved.")
        words = (
            gettext("{result} The cut-off lies below every PD.").format(result=result)
            if "refer" not in scored.decision
            else result
        )
        return Finding(key="policy_approves", grade="concern", title=title, words=words)
    result += gettext(" Of the approved {bad_value} went bad (95 % interval {low} to {high})").format(
        bad_value=percent(bad.value), low=percent(bad.low), high=percent(bad.high)
    )
    everybody = percent(float(scored.y.mean()))
    if scored.approved.all():
        title = gettext("Everybody is approved.")
        return Finding(
            key="policy_approves",
            grade="note",
            title=title,
            words=gettext("{result}. The cut-off declines nobody.").format(result=result),
        )
    title = gettext("The policy approves {approve} of the applicants.").format(approve=shares["approve"])
    return Finding(
        key="policy_approves",
        grade="note",
        title=title,
        words=gettext("{result}, of all applicants {everybody}.").format(result=result, everybody=everybody),
    )


def _worse_than_expected(view: PolicyView) -> list[Finding]:
    """More bads among the approved than their PDs said, beyond chance."""
    worse = [segment for segment in view.segments if _is_worse(view, segment)]
    if not worse:
        return []
    figures = [
        gettext("{mean_pd} and {value} ({one_title})").format(
            mean_pd=_mean_pd(view, one), value=percent(view.bad_rate(one).value), one_title=one.title
        )
        for one in worse
    ]
    return [
        Finding(
            key="approved_worse",
            grade="concern",
            title=gettext("Those approved went bad more often than their PDs say."),
            words=gettext(
                "Mean PD and bad rate of the approved are {figures}. Losses are higher than planned, and "
                "cut-offs chosen by these PDs are too loose."
            ).format(figures=listed(figures)),
        )
    ]


def _is_worse(view: PolicyView, segment: SegmentView) -> bool:
    rows, bad = segment.rows & view.scored.approved, view.bad_rate(segment)
    return bad.exists and float(view.scored.pd[rows].mean()) < bad.low


def _mean_pd(view: PolicyView, segment: SegmentView) -> str:
    return percent(float(view.scored.pd[segment.rows & view.scored.approved].mean()))


def _loses(view: PolicyView) -> list[Finding]:
    """A policy, or a segment, that does not pay."""
    earned = {segment.title: view.profit(segment) for segment in view.segments}
    whole = earned[view.segments[-1].title]
    if whole.high < 0:
        words = gettext("Observed profit per application is {money}, all costs counted.").format(
            money=_money(whole, view)
        )
        return [Finding(key="policy_loses", grade="concern", title=gettext("The policy loses money."), words=words)]
    losing = [name for name, one in earned.items() if one.high < 0]
    if not losing:
        return []
    words = gettext("Observed profit is below 0, beyond chance, for {losing}. Other segments pay for it.").format(
        losing=listed(losing)
    )
    return [Finding(key="segment_loses", grade="concern", title=gettext("Some segments lose money."), words=words)]


def _limits(view: PolicyView) -> list[Finding]:
    constraints = view.scored.policy.constraints
    kept = constraints_met(constraints, view.present, observed=True)
    if not kept:
        return []
    if broken := [limit for limit, held in kept.items() if not held]:
        wanted = listed([_limit(view, limit) for limit in broken])
        words = gettext(
            "The policy asks for {wanted}. At its present cut-offs these applicants do not keep that."
        ).format(wanted=wanted)
        title = gettext("The policy breaks its own constraints.")
        return [Finding(key="policy_constraints", grade="concern", title=title, words=words)]
    title = gettext("The policy keeps its own constraints.")
    words = gettext("It asks for {limit}.").format(limit=listed([_limit(view, limit) for limit in kept]))
    return [Finding(key="policy_constraints", grade="good", title=title, words=words)]


def _limit(view: PolicyView, limit: ConstraintName) -> str:
    return limit_words(limit, float(getattr(view.scored.policy.constraints, limit)))


def _unmet(unmet: Unmet) -> Finding:
    wanted = listed([limit_words(limit, value) for limit, value in zip(unmet.limits, unmet.wanted, strict=True)])
    if len(unmet.limits) == 1:
        best = percent(unmet.best)
        words = gettext(
            "No cut-offs reach {wanted}; the best that can be reached is {best}. So nothing is proposed."
        ).format(wanted=wanted, best=best)
    else:
        words = gettext(
            "No cut-offs reach {wanted} together, though each alone can be reached. So nothing is proposed."
        ).format(wanted=wanted)
    return Finding(key="policy_proposal", grade="concern", title=gettext("The constraints cannot be met."), words=words)


def _proposal(proposal: Proposal, view: PolicyView) -> Finding:
    moved = [part for part in proposal.parts if part.before != part.after]
    if not moved:
        title, words = (
            gettext("The present cut-offs are the best."),
            gettext("No others have a higher expected profit. ") + gettext(CHOSEN),
        )
        return Finding(key="policy_proposal", grade="good", title=title, words=words)
    names = {segment.name: segment.title for segment in view.segments if segment.name is not None}
    changes = listed([_change(names[part.segment], part, len(proposal.parts) > 1) for part in moved])
    expected = signed(proposal.expected_gain, view.money_digits)
    words = gettext("Expected profit is highest if PDs are approved {changes}: {expected} per application. ").format(
        changes=changes, expected=expected
    )
    words += gettext("By the outcomes it would have been {money} per application").format(
        money=_money(proposal.gain, view)
    )
    if proposal.gain.low > 0:
        title = gettext("Other cut-offs would have earned more.")
        words += gettext(", beyond chance. {chosen}").format(chosen=gettext(CHOSEN))
    elif proposal.gain.high < 0:
        title = gettext("The cut-offs that PDs call best would have earned less.")
        words += gettext(": what the PDs promise did not come true. Mend the calibration first. {chosen}").format(
            chosen=gettext(CHOSEN)
        )
        return Finding(key="policy_proposal", grade="concern", title=title, words=words)
    else:
        title = gettext("Other cut-offs promise more, and these outcomes do not prove it.")
        words += gettext(", which may be chance. {chosen}").format(chosen=gettext(CHOSEN))
    return Finding(key="policy_proposal", grade="note", title=title, words=words)


def _change(name: str, part: ProposalSegment, named: bool) -> str:
    assert part.before is not None, "a segment has cut-offs"
    assert part.after is not None, "a segment has cut-offs"
    change = gettext("up to {approve} instead of {approve2}").format(
        approve=percent(part.after.approve), approve2=percent(part.before.approve)
    )
    return f"{change} ({name})" if named else change


def _money(value: Estimate, view: PolicyView) -> str:
    digits = view.money_digits
    amount = signed(value.value, digits)
    if not value.exists or value.low != value.low:
        return amount
    return gettext("{amount} (95 % interval {low} to {high})").format(
        amount=amount, low=number(value.low, digits), high=number(value.high, digits)
    )


def limit_words(limit: ConstraintName, wanted: float) -> str:
    """A constraint in words: ``an approval rate of at least 60.0 %``."""
    message = {
        "min_approval_rate": gettext("an approval rate of at least {share}"),
        "max_bad_rate": gettext("a bad rate of at most {share}"),
        "max_refer_rate": gettext("a share of referrals of at most {share}"),
    }
    return message[limit].format(share=percent(wanted))
