"""The chapter with the verdict, in a manager's words: better beyond chance? would it pay? are its PDs right?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from experiments.compare.differences import graded, is_known
from experiments.compare.net_benefit import worth_words
from experiments.compare.pair import Pair
from experiments.compare.rows import CHALLENGER, CHAMPION, PairedRows
from experiments.reporting.document import Finding, Section
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import count, number, p_value, percent, signed
from experiments.validate.chapters.calibration.chapter import MUCH, UNSURE_SLOPE
from experiments.validate.gains import NO_VARIANCE
from experiments.validate.scored_outcomes import ScoredOutcomes
from fusion.metrics import Gain
from fusion.validation.comparison import ModelFigures
from fusion.validation.intervals import Estimate
from fusion.validation.net_benefit import net_benefit

FAR_OFF = 0.1  # of the bad rate, by which the mean PD may miss it beyond chance without being a concern
MANY_REJECTED = 0.05


def chapter(found: Pair, rows: PairedRows) -> Section:
    """The findings, and what they rest on."""
    words = (
        gettext(
            "“Beyond chance” means that the 95 % interval of a difference leaves out 0. The tests share their rows, so "
            "that they are no independent witnesses; and a challenger that was picked because it did best on these "
            "very rows is flattered by all of them."
        ),
    )
    return Section(key="verdict", title=gettext("Verdict"), findings=tuple(findings(found, rows)), words=words)


def findings(found: Pair, rows: PairedRows) -> list[Finding]:
    """Everything that a manager must know."""
    both = found.comparison
    every = (
        [_alike(found)]
        if found.alike
        else [_difference(both.auc, RANKS), _difference(both.brier, ERRS), _swaps(found), _pays(found)]
    )
    every.append(_calibrated(CHALLENGER, both.challenger, both.n_bad / both.n))
    every.append(_calibrated(CHAMPION, both.champion, both.n_bad / both.n))
    every += _idle(found)
    every += [one for scored, name in _sides(found) for one in _out_of_time(scored, name)]
    return every + _left_out(rows)


def _alike(found: Pair) -> Finding:
    same = found.champion.model.bundle.manifest.model_id == found.challenger.model.bundle.manifest.model_id
    words = (
        gettext("Both bundles hold the same model.")
        if same
        else gettext("They are two models, and on these rows they do not differ.")
    )
    return Finding(key="better", grade="note", title=gettext("The two give every applicant the same PD."), words=words)


@dataclass(frozen=True)
class DifferenceWords:
    """How a difference between the models is put into words.

    Attributes:
        key: of the finding.
        what: the figure, before the difference.
        digits: decimals of the difference.
        test: name of the test, before p.
        titles: of a better challenger, a worse one, neither.
        unknown: title for a difference without an interval.
        nothing: title where there is no difference.
        needed: what it takes to have one.
    """

    key: str
    what: str
    digits: int
    test: str
    titles: tuple[str, str, str]
    unknown: str
    nothing: str
    needed: str


RANKS = DifferenceWords(
    key="better",
    what="AUC",
    digits=4,
    test="DeLong ",
    titles=(
        gettext_noop("The challenger ranks better, beyond chance."),
        gettext_noop("The challenger ranks worse, beyond chance."),
        gettext_noop("Neither ranks better beyond chance."),
    ),
    unknown=gettext_noop("Whether the ranking differs by chance is not known."),
    nothing=gettext_noop("Nothing can be said of the ranking."),
    needed=gettext_noop("It takes two goods and two bads to compare how models rank."),
)
ERRS = DifferenceWords(
    key="closer",
    what=gettext_noop("Brier score lower by"),
    digits=5,
    test="",
    titles=(
        gettext_noop("The challenger's PDs err less, beyond chance."),
        gettext_noop("The challenger's PDs err more, beyond chance."),
        gettext_noop("Neither model's PDs err less beyond chance."),
    ),
    unknown=gettext_noop("Whether the errors differ by chance is not known."),
    nothing=gettext_noop("Nothing can be said of the errors."),
    needed=gettext_noop("It takes two rows to compare errors."),
)


def _difference(gain: Gain, wording: DifferenceWords) -> Finding:
    """Whether the challenger is better by a figure."""
    if math.isnan(gain.difference):
        return Finding(key=wording.key, grade="concern", title=wording.nothing, words=wording.needed)
    words = f"{gettext(wording.what)} {signed(gain.difference, wording.digits)}"
    if not is_known(gain):
        words += gettext("; {no_variance}, so that it has no interval and no p.").format(
            no_variance=gettext(NO_VARIANCE)
        )
        return Finding(key=wording.key, grade="note", title=wording.unknown, words=words)
    grade, title = graded(gain.low, gain.high, wording.titles)
    ends = gettext("{low} to {high}").format(
        low=signed(gain.low, wording.digits), high=signed(gain.high, wording.digits)
    )
    words += gettext(", 95 % interval {ends}, {test}{p}.").format(ends=ends, test=wording.test, p=p_value(gain.p))
    return Finding(key=wording.key, grade=grade, title=title, words=words)


def _swaps(found: Pair) -> Finding:
    swaps = found.swaps
    at = gettext("when each approves {approval_rate}").format(approval_rate=percent(swaps.approval_rate, 0))
    if not swaps.gain.exists:
        words = gettext("Swap sets at other approval rates are in the chapter on them.")
        return Finding(
            key="swaps",
            grade="note",
            title=gettext("They approve the same applicants {at}.").format(at=at),
            words=words,
        )
    titles = (
        gettext("Those whom the challenger would take in default less than those whom it would leave out."),
        gettext("Those whom the challenger would take in default more than those whom it would leave out."),
        gettext("Swapped-in and swapped-out applicants default alike, as far as these rows show."),
    )
    grade, title = graded(swaps.gain.low, swaps.gain.high, titles)
    words = gettext(
        "{capitalize}, {n} are swapped each way: {rate_value} of the swapped-out and {rate_value2} "
        "of the swapped-in turned bad, a difference of {points}. Of all approved loans {rate_value3} "
        "turn bad with the champion and {rate_value4} with the challenger."
    ).format(
        capitalize=at.capitalize(),
        n=count(swaps.swapped_in.n, "applicant"),
        rate_value=percent(swaps.swapped_out.rate.value),
        rate_value2=percent(swaps.swapped_in.rate.value),
        points=_points(swaps.gain),
        rate_value3=percent(swaps.champion.rate.value, 2),
        rate_value4=percent(swaps.challenger.rate.value, 2),
    )
    return Finding(key="swaps", grade=grade, title=title, words=words)


def _pays(found: Pair) -> Finding:
    if found.cutoff is None:
        words = gettext("The champion's policy declines nobody, or everybody; the decision curve shows other cut-offs.")
        return Finding(
            key="pays", grade="note", title=gettext("There is no cut-off to judge net benefit at."), words=words
        )
    titles = (
        gettext("Deciding by the challenger is worth more at the cut-off."),
        gettext("Deciding by the challenger is worth less at the cut-off."),
        gettext("At the cut-off, deciding by either is worth the same, as far as these rows show."),
    )
    grade, title = graded(found.worth.low, found.worth.high, titles)
    return Finding(key="pays", grade=grade, title=title, words=worth_words(found))


def _idle(found: Pair) -> list[Finding]:
    """Whether the challenger is worth more than no model at all."""
    if found.cutoff is None:
        return []
    curve = net_benefit(found.y, found.challenger.pd, [found.cutoff])
    if curve.worth[0] >= 0:
        return []
    simple = gettext("declining nobody") if curve.decline_all[0] <= 0 else gettext("declining everybody")
    return [
        Finding(
            key="idle",
            grade="concern",
            title=gettext("At the cut-off, the challenger is worth less than {simple}.").format(simple=simple),
            words=gettext(
                "Declining PDs above {cutoff} turns down too many goods for the bads it catches. Either its "
                "PDs are wrong there, or the cut-off does not suit these applicants."
            ).format(cutoff=percent(found.cutoff, 0)),
        )
    ]


def _calibrated(name: str, side: ModelFigures, bad_rate: float) -> Finding:
    gap, title = side.in_the_large.gap, gettext(name.capitalize())
    slope = (
        gettext(" Slope {slope_value}, right is 1.").format(slope_value=number(side.slope.value, 2))
        if side.slope.exists
        else ""
    )
    result = gettext("Its mean PD is {bad_rate}; {bad_rate2} turned bad.{slope}").format(
        bad_rate=percent(bad_rate + gap.value), bad_rate2=percent(bad_rate), slope=slope
    )
    level = gap.low <= 0 <= gap.high
    straight = not side.slope.bounded or side.slope.low <= 1 <= side.slope.high
    key = f"calibrated_{name}"
    if level and straight and _unsure(side, bad_rate):
        words = gettext("{result} With so few bads, or PDs so alike, an error of the PDs would go unseen.").format(
            result=result
        )
        found = gettext("{title}: too few bads to say whether the PDs are right.").format(title=title)
        return Finding(key=key, grade="note", title=found, words=words)
    if level and straight:
        found = gettext("{title}: the PDs are right.").format(title=title)
        return Finding(key=key, grade="good", title=found, words=result)
    if level:
        word = gettext("too extreme") if side.slope.value < 1 else gettext("too timid")
        found = gettext("{title}: the PDs are {word}.").format(title=title, word=word)
        return Finding(key=key, grade="note", title=found, words=result)
    found = (
        gettext("{title}: the PDs are too high over all.")
        if gap.value > 0
        else gettext("{title}: the PDs are too low over all.")
    ).format(title=title)
    words = gettext("{result} Cut-offs in PD mean something else than they say until it is calibrated again.").format(
        result=result
    )
    grave = abs(gap.value) > FAR_OFF * bad_rate
    return Finding(key=key, grade="concern" if grave else "note", title=found, words=words)


def _unsure(side: ModelFigures, bad_rate: float) -> bool:
    """Whether too little is known of level or slope to call PDs right that nothing speaks against."""
    gap, slope = side.in_the_large.gap, side.slope
    wide = max(gap.high - gap.value, gap.value - gap.low) > MUCH * bad_rate
    bent = not slope.bounded or slope.low < UNSURE_SLOPE[0] or slope.high > UNSURE_SLOPE[1]
    return not bad_rate or not gap.bounded or wide or bent


def _out_of_time(scored: ScoredOutcomes, name: str) -> list[Finding]:
    """Whether a model learned from these rows, or may have."""
    taught = scored.model.bundle.learned_from(scored.applications)
    if taught is not None and taught.any():
        return [
            Finding(
                key=f"out_of_time_{name}",
                grade="alarm",
                title=gettext("The {name} learned from {sum} of these.").format(
                    name=gettext(name), sum=count(int(taught.sum()), "row")
                ),
                words=gettext(
                    "That is {mean} of them, by the fingerprints in its bundle. A model is flattered on rows "
                    "that it learned from: compare other ones (--since)."
                ).format(mean=percent(float(taught.mean()))),
            )
        ]
    learned, n = scored.model.bundle.manifest.provenance.window, scored.n_in_training_window
    if learned is None or n is None:
        return [
            Finding(
                key=f"out_of_time_{name}",
                grade="note",
                title=gettext("Nothing shows that these rows are new to the {name}.").format(name=gettext(name)),
                words=gettext(
                    "Without decision dates its training window cannot be compared with them. A model is flattered "
                    "on rows that it learned from, and so is its comparison."
                ),
            )
        ]
    if not n:
        return []
    return [
        Finding(
            key=f"out_of_time_{name}",
            grade="alarm" if n == len(scored) else "concern",
            title=gettext("The {name} may have learned from these rows.").format(name=gettext(name)),
            words=gettext(
                "{n} ({n2}) were decided up to {learned}, the end of its training window. A model is "
                "flattered on rows that it learned from: compare later ones (--since)."
            ).format(n=count(n, "row"), n2=percent(n / len(scored)), learned=learned[1]),
        )
    ]


def _left_out(rows: PairedRows) -> list[Finding]:
    if not rows.n_rejected:
        return []
    share = rows.n_rejected / rows.n_rows
    return [
        Finding(
            key="rejected",
            grade="concern" if share > MANY_REJECTED else "note",
            title=gettext("{n_rejected} broke a data contract and were not compared.").format(
                n_rejected=count(rows.n_rejected, "row")
            ),
            words=gettext(
                "That is {share} of those read; rejects.csv says which, whose contract, and why. If they are "
                "unlike the others, the figures are too."
            ).format(share=percent(share)),
        )
    ]


def _sides(found: Pair) -> tuple[tuple[ScoredOutcomes, str], tuple[ScoredOutcomes, str]]:
    return (found.challenger, CHALLENGER), (found.champion, CHAMPION)


def _points(gain: Estimate) -> str:
    ends = gettext("{value} to {value2}").format(value=signed(100 * gain.low, 1), value2=signed(100 * gain.high, 1))
    return gettext("{value} points (95 % interval {ends})").format(value=signed(100 * gain.value, 1), ends=ends)
