"""What the figures of fairness come to, for a manager."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from experiments.reporting.document import Finding, Grade
from experiments.reporting.words import listed, percent
from experiments.validate.chapters.fairness.tables import FairnessView, Treated
from experiments.validate.rereading import Moved
from experiments.validate.scored_outcomes import ScoredOutcomes
from features.tables.groups import MIN_ROWS
from features.text.counterfactual_terms import SwapKind
from fusion.validation.fairness import FourFifths, Group
from fusion.validation.intervals import Estimate

MUCH_OPPORTUNITY = 0.05
"""A difference of approval rates among goods that is worth a look."""
MUCH_GAP = 0.01
"""A difference of calibration gaps, as PD, that is worth a look."""
MUCH_RATIO = 0.01
"""A change of an impact ratio that is worth a word."""
MANY_CHANGED = 0.05
"""Share of decisions that an exchange of words may not change."""

GRADE: Mapping[FourFifths, Grade] = {"below": "alarm", "perhaps below": "concern", "perhaps met": "note"}
NAMES: Mapping[SwapKind, str] = {
    "gender": "Words of sex",
    "family": "Words of marital status",
    "names": "First names",
    "origin": "Words of origin",
}


def column_findings(view: FairnessView) -> tuple[Finding, ...]:
    """What is to be said of one protected column."""
    title, key = view.field.title, view.field.name
    if view.groups.too_few:
        return (
            Finding(
                key=f"fairness_unjudged_{key}",
                grade="note",
                title=f"{title}: too few to judge",
                words=f"Groups cannot be compared: {view.groups.too_few}. Nothing is known of fairness by {title}.",
            ),
        )
    return (_four_fifths(view), *_too_small(view), *_opportunity(view), *_calibration(view), *_texts(view))


def _large(view: FairnessView) -> list[Group]:
    """The groups that are compared with the reference."""
    return [view.figures.groups[at] for at in view.groups.large if at != view.figures.reference]


def _four_fifths(view: FairnessView) -> Finding:
    """The four-fifths rule, for the worst group."""
    title, key = view.field.title, f"fairness_impact_{view.field.name}"
    known = [group for group in _large(view) if group.four_fifths]
    if not known:
        words = "Nobody in the groups that are large enough is approved, so that approval rates cannot be compared."
        return Finding(key=key, grade="note", title=f"{title}: nobody is approved", words=words)
    worst = min(known, key=lambda group: group.disparity.impact_ratio.value)
    word, ratio = worst.four_fifths, worst.disparity.impact_ratio
    many = [group.label for group in known if group.four_fifths in ("below", "perhaps below")]
    facts = (
        f"Of {worst.label} {percent(worst.approval.value)} are approved, of {view.reference} "
        f"{percent(_approval(view))}: a ratio of {_number(ratio)}. "
    )
    more = f"Below four fifths are {listed(many)}. " if len(many) > 1 else ""
    heads: dict[FourFifths, str] = {
        "below": f"{title}: approvals differ by more than the four-fifths rule allows",
        "perhaps below": f"{title}: approvals may differ by more than the four-fifths rule allows",
        "perhaps met": f"{title}: the four-fifths rule seems kept, not surely",
        "met": f"{title}: the four-fifths rule is kept",
    }
    ends = {
        "below": "US agencies take less than 0.8 as evidence of adverse impact. Find out what drives it, and whether a "
        "less unequal cut-off or model serves as well, before the policy is used.",
        "perhaps below": "The figure lies below 0.8, its interval does not rule out chance. Judge more applications.",
        "perhaps met": "The figure lies above 0.8, its interval reaches below. Judge more applications.",
        "met": "All of the interval lies above 0.8."
        + (" Approvals differ beyond chance all the same." if ratio.high < 1 else ""),
    }
    grade: Grade = GRADE.get(word) or ("note" if ratio.high < 1 else "good")
    return Finding(key=key, grade=grade, title=heads[word], words=facts + more + ends[word])


def _too_small(view: FairnessView) -> Iterator[Finding]:
    if view.too_small:
        n = sum(group.n for group in view.figures.groups if group.too_few_rows)
        yield Finding(
            key=f"fairness_small_{view.field.name}",
            grade="note",
            title=f"{view.field.title}: too few to judge of {listed(view.too_small)}",
            words=f"With fewer than {MIN_ROWS} applications ({n:,} in all) a group's figures say nothing either way.",
        )


def _opportunity(view: FairnessView) -> Iterator[Finding]:
    """Goods of a group that are turned away more often than those of the reference."""
    known = [group for group in _large(view) if group.disparity.opportunity.exists]
    worst = min(known, key=lambda group: group.disparity.opportunity.value, default=None)
    if (
        worst is not None
        and worst.disparity.opportunity.high < 0
        and worst.disparity.opportunity.value < -MUCH_OPPORTUNITY
    ):
        other = worst.opportunity.value - worst.disparity.opportunity.value
        yield Finding(
            key=f"fairness_opportunity_{view.field.name}",
            grade="concern",
            title=f"{view.field.title}: good applicants are approved unequally",
            words=f"Of those who repaid, {percent(worst.opportunity.value)} are approved in {worst.label} and "
            f"{percent(other)} in {view.reference}. More good applicants of the first are turned away.",
        )


def _calibration(view: FairnessView) -> Iterator[Finding]:
    """Groups whose PDs are too high beside those of the reference, or too low."""
    off = [group for group in _large(view) if _off(group.disparity.calibration_gap)]
    if off:
        worst = max(off, key=lambda group: abs(group.disparity.calibration_gap.value))
        high = worst.disparity.calibration_gap.value > 0
        yield Finding(
            key=f"fairness_calibration_{view.field.name}",
            grade="concern" if high else "note",
            title=f"{view.field.title}: PDs are not equally right",
            words=f"Beside {view.reference}, PDs of {worst.label} are too {'high' if high else 'low'} by "
            f"{_points(worst.disparity.calibration_gap.value)} percentage points "
            f"({'the group looks worse' if high else 'the group looks better'} than it is).",
        )


def _texts(view: FairnessView) -> Iterator[Finding]:
    """Whether reading the narratives, or the sensitive sentences in them, moves an impact ratio."""
    for key, what, other in zip(
        ("fairness_narratives", "fairness_sentences"),
        ("the narratives", "sentences of private life"),
        view.others,
        strict=False,
    ):
        lower, higher = _shifted(view, other)
        key, title = f"{key}_{view.field.name}", view.field.title
        if lower:
            yield Finding(
                key=key,
                grade="concern",
                title=f"{title}: reading {what} lowers approvals of {listed(lower)}",
                words=f"Without {what} the approval rate of {listed(lower)} is higher beside that of {view.reference}, "
                f"beyond chance. What is written may stand for {title}: see which sentences take points, and whether "
                "to mask them.",
            )
        elif higher:
            yield Finding(
                key=key,
                grade="good",
                title=f"{title}: reading {what} raises approvals of {listed(higher)}",
                words=f"Without {what} the approval rate of {listed(higher)} would be lower beside that of "
                f"{view.reference}, beyond chance.",
            )


def _shifted(view: FairnessView, other: Treated) -> tuple[list[str], list[str]]:
    """The groups whose impact ratio would be higher the other way, beyond chance, and those with a lower one."""
    found = [
        (group.label, effect.impact_ratio)
        for group, effect in zip(view.figures.groups, other.effects, strict=True)
        if effect is not None and effect.impact_ratio.exists and abs(effect.impact_ratio.value) >= MUCH_RATIO
    ]
    return [label for label, change in found if change.low > 0], [label for label, one in found if one.high < 0]


def masking_findings(found: Moved, scored: ScoredOutcomes) -> tuple[Finding, ...]:
    """What cutting sensitive sentences comes to."""
    cut = scored.model.bundle.config.text.mask
    if not found.n:
        title, words = "No sentence is about private life", "The schema's concepts find none in these narratives."
    else:
        title = f"Cutting sentences of private life changes {percent(found.changed.value)} of those decisions"
        words = f"{found.n:,} applications have such sentences. Without them {_decided(found)}."
    if cut:
        words += f" The model cuts some already ({listed([kind.value.replace('_', ' ') for kind in cut])})."
    grade: Grade = "concern" if found.n and found.changed.low > MANY_CHANGED and not cut else "note"
    if grade == "concern":
        words += " That is more than a model should take from them: consider to mask them in training (text.mask)."
    return (Finding(key="fairness_masking", grade="good" if not found.n else grade, title=title, words=words),)


def swap_findings(found: Mapping[SwapKind, Moved]) -> tuple[Finding, ...]:
    """What exchanging words comes to, a finding for each kind that was found often enough, and one for the others."""
    findings = [_swap_finding(kind, one) for kind, one in found.items() if one.n >= MIN_ROWS]
    rare = [NAMES[kind] for kind, one in found.items() if one.n < MIN_ROWS]
    if rare:
        findings.append(
            Finding(
                key="fairness_swap_rare",
                grade="note",
                title=f"Too few to judge: {listed(rare)}",
                words=f"Fewer than {MIN_ROWS} applications hold them, so that exchanging them says little.",
            )
        )
    return tuple(findings)


def _swap_finding(kind: SwapKind, found: Moved) -> Finding:
    """One kind. A share of decisions always lies near enough to a cut-off to turn with any change of words."""
    name = NAMES[kind]
    grade: Grade = "concern" if found.changed.low > MANY_CHANGED else "note" if found.n_decided else "good"
    lean = ""
    if found.pd.bounded and not found.pd.low <= 0 <= found.pd.high:
        way = "rise" if found.pd.value > 0 else "fall"
        lean = f" Their PDs {way} by {_points(found.pd.value)} percentage points on average, beyond chance."
    heads = {
        "good": f"{name} change no decision",
        "note": f"{name} change few decisions",
        "concern": f"{name} change decisions",
    }
    words = f"{found.n:,} applications hold such words. With all of them exchanged {_decided(found)}.{lean}"
    return Finding(key=f"fairness_swap_{kind}", grade=grade, title=heads[grade], words=words)


def _decided(found: Moved) -> str:
    """How many are decided otherwise, in words."""
    if not found.n_decided:
        return f"none is decided otherwise (up to {percent(found.changed.high)} cannot be ruled out)"
    return (
        f"{found.n_decided:,} ({percent(found.changed.value)}, interval {percent(found.changed.low)} to "
        f"{percent(found.changed.high)}) are decided otherwise, {found.n_harder:,} harder and {found.n_kinder:,} kinder"
    )


def _off(gap: Estimate) -> bool:
    return gap.exists and abs(gap.value) > MUCH_GAP and not gap.low <= 0 <= gap.high


def _approval(view: FairnessView) -> float:
    at = view.figures.reference
    return view.figures.groups[at].approval.value if at is not None else float("nan")


def _points(difference: float) -> str:
    return f"{100 * abs(difference):.2f}"


def _number(ratio: Estimate) -> str:
    return f"{ratio.value:.2f} (interval {ratio.low:.2f} to {ratio.high:.2f})"
