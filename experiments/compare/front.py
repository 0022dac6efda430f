"""The first page of a comparison: the whole in a few sentences, and the figures to see first."""

from __future__ import annotations

import math

from experiments.compare.differences import is_known
from experiments.compare.net_benefit import PER, worth_words
from experiments.compare.pair import Pair, why_no_p
from experiments.reporting.document import Table, key_figure_table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import count, number, p_value, percent, signed
from experiments.validate.gains import NO_VARIANCE
from fusion.metrics import Gain
from fusion.validation.comparison import Comparison

BETTER = gettext_noop("The challenger {what}, beyond chance: AUC {auc}.")
WORSE = gettext_noop("The challenger {what}, beyond chance: AUC {auc}. Keep the champion.")
UNDECIDED = gettext_noop("These rows do not show that either model is better: AUC {auc}. What differs may be chance.")
OUTCOMES = {
    (1, 1): (BETTER, gettext_noop("ranks better and its PDs err less")),
    (1, 0): (BETTER, gettext_noop("ranks better")),
    (0, 1): (BETTER, gettext_noop("errs less")),
    (-1, -1): (WORSE, gettext_noop("ranks worse and its PDs err more")),
    (-1, 0): (WORSE, gettext_noop("ranks worse")),
    (0, -1): (WORSE, gettext_noop("errs more")),
    (1, -1): (
        gettext_noop(
            "The challenger ranks better and its PDs err more, both beyond chance: AUC {auc}. Calibrating one of them "
            "again may settle it."
        ),
        "",
    ),
    (-1, 1): (
        gettext_noop(
            "The challenger ranks worse and its PDs err less, both beyond chance: AUC {auc}. Calibrating one of them "
            "again may settle it."
        ),
        "",
    ),
    (0, 0): (UNDECIDED, ""),
}
"""The first sentence and what it says of the challenger, by the sides of AUC and Brier score (see ``_side``)."""


def headline(found: Pair) -> tuple[str, ...]:
    """The whole in a few sentences."""
    both = found.comparison
    basis = gettext("{n}, {n_bad} of them bad, were judged by both models.").format(
        n=count(both.n, "application"), n_bad=number(both.n_bad)
    )
    if found.alike:
        return (gettext("The two give every applicant the same PD: there is nothing to choose between them."), basis)
    if math.isnan(both.auc.difference):
        why = gettext("The applications hold too few goods or bads to say which model is better.")
        return (why, basis)
    return (_better_or_worse(both), worth_words(found), basis)


def _better_or_worse(both: Comparison) -> str:
    """The sentence that answers which model is better."""
    ends = (
        gettext("{low} to {high}").format(low=signed(both.auc.low, 4), high=signed(both.auc.high, 4))
        if is_known(both.auc)
        else gettext(NO_VARIANCE)
    )
    message, what = OUTCOMES[_side(both.auc), _side(both.brier)]
    return gettext(message).format(what=gettext(what), auc=f"{signed(both.auc.difference, 4)} ({ends})")


def _side(gain: Gain) -> int:
    """1 where the challenger is better beyond chance, -1 where it is worse, 0 where neither shows."""
    return int(gain.low > 0) - int(gain.high < 0)


def key_figures(found: Pair) -> Table:
    """What a reader wants to see first."""
    both, swaps = found.comparison, found.swaps
    rows = (
        (
            gettext("AUC of the challenger"),
            _better(both.auc.difference, 4),
            p_value(both.auc.p) if is_known(both.auc) else why_no_p(both.auc, gettext("too few goods or bads")),
        ),
        (
            gettext("Brier score of the challenger"),
            _better(both.brier.difference, 5),
            p_value(both.brier.p) if is_known(both.brier) else why_no_p(both.brier, gettext("too few rows")),
        ),
        (
            gettext("Bad, swapped out and in"),
            gettext("{rate_value} and {rate_value2}").format(
                rate_value=percent(swaps.swapped_out.rate.value), rate_value2=percent(swaps.swapped_in.rate.value)
            )
            if swaps.gain.exists
            else "–",
            gettext("{n} each way, at {approval_rate} approved").format(
                n=number(swaps.swapped_in.n), approval_rate=percent(swaps.approval_rate, 0)
            ),
        ),
        (
            gettext("Net benefit per {per}").format(per=number(PER)),
            _better(PER * found.worth.value, 2),
            gettext("bads turned down, declining above {cutoff}").format(cutoff=percent(found.cutoff, 0))
            if found.cutoff is not None
            else gettext("no cut-off"),
        ),
    )
    return key_figure_table(rows)


def _better(difference: float, digits: int) -> str:
    """A difference without its sign, which a page would take for a formula's beginning."""
    if math.isnan(difference):
        return "–"
    shown = number(abs(difference), digits)
    if not float(shown.replace(",", "")):
        return gettext("the same")
    message = gettext("{difference} better") if difference > 0 else gettext("{difference} worse")
    return message.format(difference=shown)
