"""What a comparison comes to, in a manager's words: better beyond chance? would it pay? are its PDs right?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from experiments.compare.net_benefit import PER, thousand
from experiments.compare.pair import Pair, why_no_p
from experiments.compare.rows import CHALLENGER, CHAMPION, PairedRows
from experiments.reporting.document import Finding, Grade, Section, Table, key_figure_table
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
SEGMENTED = "The cut-off is that of rows without a cut-off of their own, taken for all rows: the policy has segments."


def chapter(found: Pair, rows: PairedRows) -> Section:
    """The findings, and what they rest on."""
    words = (
        "“Beyond chance” means that the 95 % interval of a difference leaves out 0. The tests share their rows, so "
        "that they are no independent witnesses; and a challenger that was picked because it did best on these very "
        "rows is flattered by all of them.",
    )
    return Section(key="verdict", title="Verdict", findings=tuple(findings(found, rows)), words=words)


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


def headline(found: Pair) -> tuple[str, ...]:
    """The whole in a few sentences."""
    both = found.comparison
    basis = f"{count(both.n, 'application')}, {number(both.n_bad)} of them bad, were judged by both models."
    if found.alike:
        return ("The two give every applicant the same PD: there is nothing to choose between them.", basis)
    if math.isnan(both.auc.difference):
        why = "The applications hold too few goods or bads to say which model is better."
        return (why, basis)
    tests = [both.auc, both.brier]
    better, worse = sum(one.low > 0 for one in tests), sum(one.high < 0 for one in tests)
    ends = f"{signed(both.auc.low, 4)} to {signed(both.auc.high, 4)}" if _known(both.auc) else NO_VARIANCE
    auc = f"{signed(both.auc.difference, 4)} ({ends})"
    if better and not worse:
        what = (
            "ranks better and its PDs err less" if better == 2 else "ranks better" if both.auc.low > 0 else "errs less"
        )
        first = f"The challenger {what}, beyond chance: AUC {auc}."
    elif worse and not better:
        what = "ranks worse and its PDs err more" if worse == 2 else "ranks worse" if both.auc.high < 0 else "errs more"
        first = f"The challenger {what}, beyond chance: AUC {auc}. Keep the champion."
    elif better and worse:
        ranks = both.auc.low > 0
        first = (
            f"The challenger ranks {'better' if ranks else 'worse'} and its PDs err {'more' if ranks else 'less'}, "
            f"both beyond chance: AUC {auc}. Calibrating one of them again may settle it."
        )
    else:
        first = f"These rows do not show that either model is better: AUC {auc}. What differs may be chance."
    return (first, _money(found), basis)


def key_figures(found: Pair) -> Table:
    """What a reader wants to see first."""
    both, swaps = found.comparison, found.swaps
    rows = (
        (
            "AUC of the challenger",
            _better(both.auc.difference, 4),
            p_value(both.auc.p) if _known(both.auc) else why_no_p(both.auc, "too few goods or bads"),
        ),
        (
            "Brier score of the challenger",
            _better(both.brier.difference, 5),
            p_value(both.brier.p) if _known(both.brier) else why_no_p(both.brier, "too few rows"),
        ),
        (
            "Bad, swapped out and in",
            f"{percent(swaps.swapped_out.rate.value)} and {percent(swaps.swapped_in.rate.value)}"
            if swaps.gain.exists
            else "–",
            f"{number(swaps.swapped_in.n)} each way, at {percent(swaps.approval_rate, 0)} approved",
        ),
        (
            f"Net benefit per {number(PER)}",
            _better(PER * found.worth.value, 2),
            f"bads turned down, declining above {percent(found.cutoff, 0)}"
            if found.cutoff is not None
            else "no cut-off",
        ),
    )
    return key_figure_table(rows)


def _alike(found: Pair) -> Finding:
    same = found.champion.model.bundle.manifest.model_id == found.challenger.model.bundle.manifest.model_id
    words = (
        "Both bundles hold the same model." if same else "They are two models, and on these rows they do not differ."
    )
    return Finding(key="better", grade="note", title="The two give every applicant the same PD.", words=words)


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
        "The challenger ranks better, beyond chance.",
        "The challenger ranks worse, beyond chance.",
        "Neither ranks better beyond chance.",
    ),
    unknown="Whether the ranking differs by chance is not known.",
    nothing="Nothing can be said of the ranking.",
    needed="It takes two goods and two bads to compare how models rank.",
)
ERRS = DifferenceWords(
    key="closer",
    what="Brier score lower by",
    digits=5,
    test="",
    titles=(
        "The challenger's PDs err less, beyond chance.",
        "The challenger's PDs err more, beyond chance.",
        "Neither model's PDs err less beyond chance.",
    ),
    unknown="Whether the errors differ by chance is not known.",
    nothing="Nothing can be said of the errors.",
    needed="It takes two rows to compare errors.",
)


def _difference(gain: Gain, wording: DifferenceWords) -> Finding:
    """Whether the challenger is better by a figure."""
    if math.isnan(gain.difference):
        return Finding(key=wording.key, grade="concern", title=wording.nothing, words=wording.needed)
    words = f"{wording.what} {signed(gain.difference, wording.digits)}"
    if not _known(gain):
        words += f"; {NO_VARIANCE}, so that it has no interval and no p."
        return Finding(key=wording.key, grade="note", title=wording.unknown, words=words)
    grade, title = _graded(gain.low, gain.high, wording.titles)
    ends = f"{signed(gain.low, wording.digits)} to {signed(gain.high, wording.digits)}"
    words += f", 95 % interval {ends}, {wording.test}{p_value(gain.p)}."
    return Finding(key=wording.key, grade=grade, title=title, words=words)


def _swaps(found: Pair) -> Finding:
    swaps = found.swaps
    at = f"when each approves {percent(swaps.approval_rate, 0)}"
    if not swaps.gain.exists:
        words = "Swap sets at other approval rates are in the chapter on them."
        return Finding(key="swaps", grade="note", title=f"They approve the same applicants {at}.", words=words)
    titles = (
        "Those whom the challenger would take in default less than those whom it would leave out.",
        "Those whom the challenger would take in default more than those whom it would leave out.",
        "Swapped-in and swapped-out applicants default alike, as far as these rows show.",
    )
    grade, title = _graded(swaps.gain.low, swaps.gain.high, titles)
    words = (
        f"{at.capitalize()}, {count(swaps.swapped_in.n, 'applicant')} are swapped each way: "
        f"{percent(swaps.swapped_out.rate.value)} of the swapped-out and {percent(swaps.swapped_in.rate.value)} of the "
        f"swapped-in turned bad, a difference of {_points(swaps.gain)}. Of all approved loans "
        f"{percent(swaps.champion.rate.value, 2)} turn bad with the champion and "
        f"{percent(swaps.challenger.rate.value, 2)} with the challenger."
    )
    return Finding(key="swaps", grade=grade, title=title, words=words)


def _pays(found: Pair) -> Finding:
    if found.cutoff is None:
        words = "The champion's policy declines nobody, or everybody; the decision curve shows other cut-offs."
        return Finding(key="pays", grade="note", title="There is no cut-off to judge net benefit at.", words=words)
    titles = (
        "Deciding by the challenger is worth more at the cut-off.",
        "Deciding by the challenger is worth less at the cut-off.",
        "At the cut-off, deciding by either is worth the same, as far as these rows show.",
    )
    grade, title = _graded(found.worth.low, found.worth.high, titles)
    return Finding(key="pays", grade=grade, title=title, words=_money(found))


def _idle(found: Pair) -> list[Finding]:
    """Whether the challenger is worth more than no model at all."""
    if found.cutoff is None:
        return []
    curve = net_benefit(found.y, found.challenger.pd, [found.cutoff])
    if curve.worth[0] >= 0:
        return []
    simple = "declining nobody" if curve.decline_all[0] <= 0 else "declining everybody"
    return [
        Finding(
            key="idle",
            grade="concern",
            title=f"At the cut-off, the challenger is worth less than {simple}.",
            words=f"Declining PDs above {percent(found.cutoff, 0)} turns down too many goods for the bads it catches. "
            "Either its PDs are wrong there, or the cut-off does not suit these applicants.",
        )
    ]


def _money(found: Pair) -> str:
    """Net benefit in words."""
    if found.cutoff is None or not found.worth.exists:
        return "Net benefit was not judged, as there is no cut-off."
    worth = thousand(found.worth)
    ends = f", 95 % interval {signed(worth.low, 2)} to {signed(worth.high, 2)}" if worth.bounded else ""
    return (
        f"Declining PDs above {percent(found.cutoff, 0)}, the challenger is worth {signed(worth.value, 2)} bads turned "
        f"down per {number(PER)} applications more than the champion{ends}, wrongly declined goods counted."
        + (f" {SEGMENTED}" if found.segmented else "")
    )


def _calibrated(name: str, side: ModelFigures, bad_rate: float) -> Finding:
    gap, title = side.in_the_large.gap, name.capitalize()
    slope = f" Slope {number(side.slope.value, 2)}, right is 1." if side.slope.exists else ""
    result = f"Its mean PD is {percent(bad_rate + gap.value)}; {percent(bad_rate)} turned bad.{slope}"
    level = gap.low <= 0 <= gap.high
    straight = not side.slope.bounded or side.slope.low <= 1 <= side.slope.high
    if level and straight and _unsure(side, bad_rate):
        words = f"{result} With so few bads, or PDs so alike, an error of the PDs would go unseen."
        found = f"{title}: too few bads to say whether the PDs are right."
        return Finding(key=f"calibrated_{name}", grade="note", title=found, words=words)
    if level and straight:
        return Finding(key=f"calibrated_{name}", grade="good", title=f"{title}: the PDs are right.", words=result)
    if level:
        word = "too extreme" if side.slope.value < 1 else "too timid"
        return Finding(key=f"calibrated_{name}", grade="note", title=f"{title}: the PDs are {word}.", words=result)
    grave = abs(gap.value) > FAR_OFF * bad_rate
    return Finding(
        key=f"calibrated_{name}",
        grade="concern" if grave else "note",
        title=f"{title}: the PDs are too {'high' if gap.value > 0 else 'low'} over all.",
        words=f"{result} Cut-offs in PD mean something else than they say until it is calibrated again.",
    )


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
                title=f"The {name} learned from {count(int(taught.sum()), 'row')} of these.",
                words=f"That is {percent(float(taught.mean()))} of them, by the fingerprints in its bundle. A model is "
                "flattered on rows that it learned from: compare other ones (--since).",
            )
        ]
    learned, n = scored.model.bundle.manifest.provenance.window, scored.n_in_training_window
    if learned is None or n is None:
        return [
            Finding(
                key=f"out_of_time_{name}",
                grade="note",
                title=f"Nothing shows that these rows are new to the {name}.",
                words="Without decision dates its training window cannot be compared with them. A model is flattered "
                "on rows that it learned from, and so is its comparison.",
            )
        ]
    if not n:
        return []
    return [
        Finding(
            key=f"out_of_time_{name}",
            grade="alarm" if n == len(scored) else "concern",
            title=f"The {name} may have learned from these rows.",
            words=f"{count(n, 'row')} ({percent(n / len(scored))}) were decided up to {learned[1]}, the end of its "
            "training window. A model is flattered on rows that it learned from: compare later ones (--since).",
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
            title=f"{count(rows.n_rejected, 'row')} broke a data contract and were not compared.",
            words=f"That is {percent(share)} of those read; rejects.csv says which, whose contract, and why. If they "
            "are unlike the others, the figures are too.",
        )
    ]


def _sides(found: Pair) -> tuple[tuple[ScoredOutcomes, str], tuple[ScoredOutcomes, str]]:
    return (found.challenger, CHALLENGER), (found.champion, CHAMPION)


def _graded(low: float, high: float, titles: tuple[str, str, str]) -> tuple[Grade, str]:
    """The grade of a difference that is above 0 where the challenger is better, and its title of those for better,
    worse and neither.
    """
    if low > 0:
        return "good", titles[0]
    return ("concern", titles[1]) if high < 0 else ("note", titles[2])


def _known(gain: Gain) -> bool:
    """Whether a difference has an interval and p."""
    return not math.isnan(gain.p)


def _better(difference: float, digits: int) -> str:
    """A difference without its sign, which a page would take for a formula's beginning."""
    if math.isnan(difference):
        return "–"
    word = "better" if difference > 0 else "worse"
    shown = number(abs(difference), digits)
    return f"{shown} {word}" if float(shown.replace(",", "")) else "the same"


def _points(gain: Estimate) -> str:
    ends = f"{signed(100 * gain.low, 1)} to {signed(100 * gain.high, 1)}"
    return f"{signed(100 * gain.value, 1)} points (95 % interval {ends})"
