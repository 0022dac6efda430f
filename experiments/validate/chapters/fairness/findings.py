"""What the figures of fairness come to, for a manager."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from experiments.reporting.document import Finding, Grade
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.lower_floors import translated
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
    "gender": gettext_noop("Words of sex"),
    "family": gettext_noop("Words of marital status"),
    "names": gettext_noop("First names"),
    "origin": gettext_noop("Words of origin"),
}


def column_findings(view: FairnessView) -> tuple[Finding, ...]:
    """What is to be said of one protected column."""
    title, key = gettext(view.field.title), view.field.name
    if view.groups.too_few is not None:
        return (
            Finding(
                key=f"fairness_unjudged_{key}",
                grade="note",
                title=gettext("{title}: too few to judge").format(title=title),
                words=gettext("Groups cannot be compared: {too_few}. Nothing is known of fairness by {title}.").format(
                    too_few=translated(view.groups.too_few), title=title
                ),
            ),
        )
    return (_four_fifths(view), *_too_small(view), *_opportunity(view), *_calibration(view), *_texts(view))


def _large(view: FairnessView) -> list[Group]:
    """The groups that are compared with the reference."""
    return [view.figures.groups[at] for at in view.groups.large if at != view.figures.reference]


def _four_fifths(view: FairnessView) -> Finding:
    """The four-fifths rule, for the worst group."""
    title, key = gettext(view.field.title), f"fairness_impact_{view.field.name}"
    known = [group for group in _large(view) if group.four_fifths]
    if not known:
        words = gettext(
            "Nobody in the groups that are large enough is approved, so that approval rates cannot be compared."
        )
        return Finding(
            key=key, grade="note", title=gettext("{title}: nobody is approved").format(title=title), words=words
        )
    worst = min(known, key=lambda group: group.disparity.impact_ratio.value)
    word, ratio = worst.four_fifths, worst.disparity.impact_ratio
    many = [group.label for group in known if group.four_fifths in ("below", "perhaps below")]
    facts = gettext(
        "Of {label} {approval_value} are approved, of {reference} {approval}: a ratio of {number}. "
    ).format(
        label=worst.label,
        approval_value=percent(worst.approval.value),
        reference=view.reference,
        approval=percent(_approval(view)),
        number=_number(ratio),
    )
    more = gettext("Below four fifths are {many}. ").format(many=listed(many)) if len(many) > 1 else ""
    heads: dict[FourFifths, str] = {
        "below": gettext("{title}: approvals differ by more than the four-fifths rule allows").format(title=title),
        "perhaps below": gettext("{title}: approvals may differ by more than the four-fifths rule allows").format(
            title=title
        ),
        "perhaps met": gettext("{title}: the four-fifths rule seems kept, not surely").format(title=title),
        "met": gettext("{title}: the four-fifths rule is kept").format(title=title),
    }
    ends = {
        "below": gettext(
            "US agencies take less than 0.8 as evidence of adverse impact. Find out what drives it, and whether a "
            "less unequal cut-off or model serves as well, before the policy is used."
        ),
        "perhaps below": gettext(
            "The figure lies below 0.8, its interval does not rule out chance. Judge more applications."
        ),
        "perhaps met": gettext("The figure lies above 0.8, its interval reaches below. Judge more applications."),
        "met": gettext("All of the interval lies above 0.8.")
        + (gettext(" Approvals differ beyond chance all the same.") if ratio.high < 1 else ""),
    }
    grade: Grade = GRADE.get(word) or ("note" if ratio.high < 1 else "good")
    return Finding(key=key, grade=grade, title=heads[word], words=facts + more + ends[word])


def _too_small(view: FairnessView) -> Iterator[Finding]:
    if view.too_small:
        n = sum(group.n for group in view.figures.groups if group.too_few_rows)
        yield Finding(
            key=f"fairness_small_{view.field.name}",
            grade="note",
            title=gettext("{field_title}: too few to judge of {too_small}").format(
                field_title=gettext(view.field.title), too_small=listed(view.too_small)
            ),
            words=gettext(
                "With fewer than {min_rows} applications ({n:,} in all) a group's figures say nothing either way."
            ).format(min_rows=MIN_ROWS, n=n),
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
            title=gettext("{field_title}: good applicants are approved unequally").format(
                field_title=gettext(view.field.title)
            ),
            words=gettext(
                "Of those who repaid, {opportunity_value} are approved in {label} and {other} in "
                "{reference}. More good applicants of the first are turned away."
            ).format(
                opportunity_value=percent(worst.opportunity.value),
                label=worst.label,
                other=percent(other),
                reference=view.reference,
            ),
        )


def _calibration(view: FairnessView) -> Iterator[Finding]:
    """Groups whose PDs are too high beside those of the reference, or too low."""
    off = [group for group in _large(view) if _off(group.disparity.calibration_gap)]
    if off:
        worst = max(off, key=lambda group: abs(group.disparity.calibration_gap.value))
        high = worst.disparity.calibration_gap.value > 0
        words = gettext(
            "Beside {reference}, PDs of {label} are too low by {points} percentage points (the group looks better than "
            "it is)."
        )
        if high:
            words = gettext(
                "Beside {reference}, PDs of {label} are too high by {points} percentage points (the group looks worse "
                "than it is)."
            )
        yield Finding(
            key=f"fairness_calibration_{view.field.name}",
            grade="concern" if high else "note",
            title=gettext("{field_title}: PDs are not equally right").format(field_title=gettext(view.field.title)),
            words=words.format(
                reference=view.reference, label=worst.label, points=_points(worst.disparity.calibration_gap.value)
            ),
        )


def _texts(view: FairnessView) -> Iterator[Finding]:
    """Whether reading the narratives, or the sensitive sentences in them, moves an impact ratio."""
    for key, what, other in zip(
        ("fairness_narratives", "fairness_sentences"),
        (gettext("the narratives"), gettext("sentences of private life")),
        view.others,
        strict=False,
    ):
        lower, higher = _shifted(view, other)
        key, title = f"{key}_{view.field.name}", gettext(view.field.title)
        if lower:
            yield Finding(
                key=key,
                grade="concern",
                title=gettext("{title}: reading {what} lowers approvals of {lower}").format(
                    title=title, what=what, lower=listed(lower)
                ),
                words=gettext(
                    "Without {what} the approval rate of {lower} is higher beside that of {reference}, beyond "
                    "chance. What is written may stand for {title}: see which sentences take points, and whether "
                    "to mask them."
                ).format(what=what, lower=listed(lower), reference=view.reference, title=title),
            )
        elif higher:
            yield Finding(
                key=key,
                grade="good",
                title=gettext("{title}: reading {what} raises approvals of {higher}").format(
                    title=title, what=what, higher=listed(higher)
                ),
                words=gettext(
                    "Without {what} the approval rate of {higher} would be lower beside that of {reference}, "
                    "beyond chance."
                ).format(what=what, higher=listed(higher), reference=view.reference),
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
        title, words = (
            gettext("No sentence is about private life"),
            gettext("The schema's concepts find none in these narratives."),
        )
    else:
        title = gettext("Cutting sentences of private life changes {changed_value} of those decisions").format(
            changed_value=percent(found.changed.value)
        )
        words = gettext("{n:,} applications have such sentences. Without them {decided}.").format(
            n=found.n, decided=_decided(found)
        )
    if cut:
        words += gettext(" The model cuts some already ({replace}).").format(
            replace=listed([gettext(kind.value).replace("_", " ") for kind in cut])
        )
    grade: Grade = "concern" if found.n and found.changed.low > MANY_CHANGED and not cut else "note"
    if grade == "concern":
        words += gettext(
            " That is more than a model should take from them: consider to mask them in training (text.mask)."
        )
    return (Finding(key="fairness_masking", grade="good" if not found.n else grade, title=title, words=words),)


def swap_findings(found: Mapping[SwapKind, Moved]) -> tuple[Finding, ...]:
    """What exchanging words comes to, a finding for each kind that was found often enough, and one for the others."""
    findings = [_swap_finding(kind, one) for kind, one in found.items() if one.n >= MIN_ROWS]
    rare = [gettext(NAMES[kind]) for kind, one in found.items() if one.n < MIN_ROWS]
    if rare:
        findings.append(
            Finding(
                key="fairness_swap_rare",
                grade="note",
                title=gettext("Too few to judge: {rare}").format(rare=listed(rare)),
                words=gettext(
                    "Fewer than {min_rows} applications hold them, so that exchanging them says little."
                ).format(min_rows=MIN_ROWS),
            )
        )
    return tuple(findings)


def _swap_finding(kind: SwapKind, found: Moved) -> Finding:
    """One kind. A share of decisions always lies near enough to a cut-off to turn with any change of words."""
    name = gettext(NAMES[kind])
    grade: Grade = "concern" if found.changed.low > MANY_CHANGED else "note" if found.n_decided else "good"
    lean = ""
    if found.pd.bounded and not found.pd.low <= 0 <= found.pd.high:
        lean = gettext(" Their PDs fall by {points} percentage points on average, beyond chance.")
        if found.pd.value > 0:
            lean = gettext(" Their PDs rise by {points} percentage points on average, beyond chance.")
        lean = lean.format(points=_points(found.pd.value))
    heads = {
        "good": gettext("{name} change no decision").format(name=name),
        "note": gettext("{name} change few decisions").format(name=name),
        "concern": gettext("{name} change decisions").format(name=name),
    }
    words = gettext("{n:,} applications hold such words. With all of them exchanged {decided}.{lean}").format(
        n=found.n, decided=_decided(found), lean=lean
    )
    return Finding(key=f"fairness_swap_{kind}", grade=grade, title=heads[grade], words=words)


def _decided(found: Moved) -> str:
    """How many are decided otherwise, in words."""
    if not found.n_decided:
        return gettext("none is decided otherwise (up to {high} cannot be ruled out)").format(
            high=percent(found.changed.high)
        )
    return gettext(
        "{n_decided:,} ({changed_value}, interval {low} to {high}) are decided otherwise, "
        "{n_harder:,} harder and {n_kinder:,} kinder"
    ).format(
        n_decided=found.n_decided,
        changed_value=percent(found.changed.value),
        low=percent(found.changed.low),
        high=percent(found.changed.high),
        n_harder=found.n_harder,
        n_kinder=found.n_kinder,
    )


def _off(gap: Estimate) -> bool:
    return gap.exists and abs(gap.value) > MUCH_GAP and not gap.low <= 0 <= gap.high


def _approval(view: FairnessView) -> float:
    at = view.figures.reference
    return view.figures.groups[at].approval.value if at is not None else float("nan")


def _points(difference: float) -> str:
    return f"{100 * abs(difference):.2f}"


def _number(ratio: Estimate) -> str:
    return gettext("{ratio_value:.2f} (interval {low:.2f} to {high:.2f})").format(
        ratio_value=ratio.value, low=ratio.low, high=ratio.high
    )
