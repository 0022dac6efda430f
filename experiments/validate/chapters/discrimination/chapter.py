"""How well the model ranks: over all rows, at the cut-off, by decile, by segment and by month."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.reporting.document import Finding, Section
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import listed, number, percent
from experiments.validate.chapters.discrimination.tables import (
    cutoff_slice_table,
    cutoff_table,
    gains_plot,
    gains_table,
    month_plot,
    overall_table,
    roc_plot,
    slice_table,
    spread_plot,
)
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.sides import alone
from experiments.validate.slices import Cut, enough
from features.arrays import Flags
from fusion.metrics import both_classes
from fusion.validation.intervals import Estimate, auc_interval
from fusion.validation.score_bands import gains

WEAK_AUC = 0.6
TOO_GOOD_AUC = 0.9
"""Of application scores; above it a column that knows the outcome is likelier than skill."""
MANY_BADS = 50
"""A slice with so many bads shows an AUC of 0.6, if it has one."""
WORSE_BY = 0.02  # AUC below that of training that is worth a word
OUT_OF_FOLD = "out of fold: auc"
AUC_WORDS = gettext_noop(
    "AUC is the chance that of a bad and a good applicant, drawn at random, the bad one has the higher PD: 0.5 is a "
    "random order, 1 never errs."
)


def chapter(scored: ScoredOutcomes, segments: Sequence[Cut], months: Cut | None) -> Section:
    """Discrimination, with the figures of every slice."""
    parts = [*segments, *([months] if months else [])]
    deciles = gains(scored.y, scored.margin) if both_classes(scored.y) else ()
    plots = [roc_plot(alone(scored)), spread_plot(scored), gains_plot(deciles)]
    if months:
        plots.append(month_plot(scored, months))
    return Section(
        key="discrimination",
        title=gettext("Discrimination: does it separate good from bad?"),
        findings=tuple(findings(scored, parts)),
        words=(
            gettext(
                "{auc_words} Gini is twice the AUC less one. KS is the greatest distance between the shares "
                "of bads and of goods below a score. Below a figure stands its 95 % interval: by DeLong for "
                "AUC and Gini, by 1,000 bootstrap draws for KS and average precision, normal for means, "
                "Jeffreys' for rates."
            ).format(auc_words=gettext(AUC_WORDS)),
        ),
        tables=(
            overall_table(alone(scored)),
            cutoff_table(alone(scored)),
            gains_table(deciles),
            *(table for cut in parts for table in (slice_table(scored, cut), cutoff_slice_table(scored, cut))),
        ),
        plots=tuple(plots),
    )


def findings(scored: ScoredOutcomes, cuts: Sequence[Cut]) -> list[Finding]:
    """What the figures come to."""
    area = auc_interval(scored.y, scored.margin)
    if not area.exists:
        kind = gettext("bad") if scored.y.all() else gettext("good")
        words = gettext(
            "All {scored:,} rows went {kind}. Ranking can only be judged where some went well and some did not."
        ).format(scored=len(scored), kind=kind)
        return [Finding(key="ranks", grade="alarm", title=gettext("Nothing can be said of the ranking."), words=words)]
    found = [_ranks(area, scored)]
    trained = scored.model.bundle.manifest.provenance.figures.get(OUT_OF_FOLD)
    if trained is not None and area.high < trained - WORSE_BY:
        found.append(
            Finding(
                key="ranks_worse",
                grade="concern",
                title=gettext("It ranks worse here than in training."),
                words=gettext(
                    "The AUC was {trained} on training rows that it did not learn from, and is {area_value} here. "
                    "Applicants or times have changed, or training was flattered."
                ).format(trained=number(trained, 3), area_value=number(area.value, 3)),
            )
        )
    blind = [(f"{cut.title}: {part.name}", part) for cut in cuts for part in cut.slices if _blind(scored, part.rows)]
    large = [name for name, part in blind if scored.y[part.rows].sum() >= MANY_BADS]
    if blind:
        names = large or [name for name, _ in blind]
        few = (
            ""
            if large
            else gettext(" All have fewer than {many_bads} bads: too few to say more.").format(many_bads=MANY_BADS)
        )
        found.append(
            Finding(
                key="blind_slices",
                grade="concern" if large else "note",
                title=gettext("Of some parts it is not shown that the model ranks them better than at random."),
                words=gettext("The interval of the AUC holds 0.5 for {names}.{few}").format(
                    names=listed(names), few=few
                ),
            )
        )
    return found


def _ranks(area: Estimate, scored: ScoredOutcomes) -> Finding:
    result = gettext("AUC {area_value}, 95 % interval {low} to {high}").format(
        area_value=number(area.value, 3), low=number(area.low, 3), high=number(area.high, 3)
    )
    n_bad = int(scored.y.sum())
    wins = gettext("Of a bad and a good applicant it gives the bad one the higher PD in {area_value} of cases").format(
        area_value=percent(area.value, 0)
    )
    if area.high < 0.5:
        result += gettext(". Goods have the higher PDs. Was the outcome turned?")
        return Finding(key="ranks", grade="alarm", title=gettext("It ranks the wrong way round."), words=result)
    if area.low <= 0.5:
        return Finding(
            key="ranks",
            grade="alarm",
            title=gettext("It cannot separate good applicants from bad ones."),
            words=gettext(
                "{result}: a random order does as well. Decisions by this score are decisions by lot. Either "
                "the model learned nothing (were the outcomes right that it learned from?), or {n_bad:,} "
                "bads are too few to show what it knows."
            ).format(result=result, n_bad=n_bad),
        )
    if area.value > TOO_GOOD_AUC:
        return Finding(
            key="ranks",
            grade="alarm",
            title=gettext("It ranks better than an application score can."),
            words=gettext(
                "{result}. Before the loan is granted nobody knows the outcome this well; a column that was "
                "filled in afterwards is the likeliest reason. See the chapter on the data."
            ).format(result=result),
        )
    if area.value < WEAK_AUC:
        return Finding(key="ranks", grade="concern", title=gettext("It ranks only weakly."), words=f"{result}. {wins}.")
    return Finding(key="ranks", grade="good", title=gettext("It ranks applicants."), words=f"{result}. {wins}.")


def _blind(scored: ScoredOutcomes, rows: Flags) -> bool:
    y = scored.y[rows]
    return enough(y) and auc_interval(y, scored.margin[rows]).low <= 0.5
