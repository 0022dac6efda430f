"""Whether PDs come true: over all rows, by PD, by band of score, by segment and by month."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from scipy.stats import binom

from experiments.reporting.document import Finding, Grade, Section
from experiments.reporting.language import gettext
from experiments.reporting.words import listed, number, p_value, percent
from experiments.validate.chapters.calibration.tables import (
    band_name,
    band_table,
    month_plot,
    overall_table,
    reliability_plot,
    reliability_table,
    slice_table,
    tests_table,
)
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.sides import alone
from experiments.validate.slices import Cut
from fusion.metrics import both_classes
from fusion.validation.calibration_tests import expected_calibration_error, hosmer_lemeshow, spiegelhalter
from fusion.validation.intervals import Estimate, rate, slope_interval
from fusion.validation.score_bands import Band, band_edges, first_inversion, score_bands, two_sided_jeffreys_p

MUCH = 0.25
"""Share of the bad rate by which mean PDs may be off before nobody should rely on them."""
OVER_CONFIDENT, TOO_CAUTIOUS = 0.8, 1.25
"""Calibration slopes below and above which PDs are too extreme, and too much alike."""
UNSURE_SLOPE = (0.5, 2.0)
"""A slope whose interval reaches either is not known."""
LEVEL = 0.05


def chapter(scored: ScoredOutcomes, segments: Sequence[Cut], months: Cut | None) -> Section:
    """Calibration, with the figures of every slice."""
    parts = [*segments, *([months] if months else [])]
    bands = bands_of(scored)
    return Section(
        key="calibration",
        title=gettext("Calibration: do the PDs come true?"),
        findings=findings(scored, bands, parts),
        words=(
            gettext(
                "A PD of 10 % is right when of a hundred such applicants ten default. Whoever sets prices, limits and "
                "reserves by the PD needs that, however well the model ranks. Below a bad rate stands its 95 % "
                "interval by Jeffreys; a mean PD outside it differs by more than chance. PDs are taken as given."
            ),
        ),
        tables=(
            overall_table(alone(scored)),
            tests_table(scored),
            reliability_table(scored),
            band_table(bands),
            *(slice_table(scored, cut) for cut in parts),
        ),
        plots=(reliability_plot(alone(scored)), *([month_plot(scored, months)] if months else [])),
    )


def bands_of(scored: ScoredOutcomes) -> tuple[Band, ...]:
    """The rows by band of score; the bands part the training applicants into tenths."""
    bundle = scored.model.bundle
    edges = band_edges(bundle.model.scores(bundle.population.margin).score)
    return score_bands(scored.y, scored.pd, bundle.model.scores(scored.margin).score, edges)


def findings(scored: ScoredOutcomes, bands: Sequence[Band], cuts: Sequence[Cut]) -> tuple[Finding, ...]:
    """What is to be said of the PDs. bands: of score, the riskiest first. cuts: segments and months."""
    if not len(scored):
        words = gettext("There is no row with an outcome, so that no PD can be compared with what came.")
        return (
            Finding(
                key="calibration_level", grade="alarm", title=gettext("Nothing can be said of the PDs."), words=words
            ),
        )
    found = [_level(scored), _slope(scored), _tests(scored), _bands(bands)]
    if both_classes(scored.y) and sum(band.n > 0 for band in bands) > 1:
        found.append(_order(bands))
    return tuple(found + _slices(scored, cuts))


def _level(scored: ScoredOutcomes) -> Finding:
    """Whether the PDs are right on average."""
    key, expected, came = "calibration_level", float(scored.pd.mean()), rate(float(scored.y.sum()), len(scored))
    result = gettext("It expects {expected} to default; {came_value} did").format(
        expected=percent(expected), came_value=percent(came.value)
    )
    chance = gettext("the 95 % interval of the bad rate is {low} to {high}").format(
        low=percent(came.low), high=percent(came.high)
    )
    if came.low <= expected <= came.high:
        if came.value == 0 or max(came.high - came.value, came.value - came.low) > MUCH * came.value:
            words = gettext("{result}, but on {scored:,} rows with {sum:,} bads that says little: {chance}.").format(
                result=result, scored=len(scored), sum=int(scored.y.sum()), chance=chance
            )
            return Finding(
                key=key, grade="note", title=gettext("Too few bads to say whether the PDs are right."), words=words
            )
        words = gettext("{result}; {chance}, so that the difference may be chance.").format(
            result=result, chance=chance
        )
        return Finding(key=key, grade="good", title=gettext("The PDs are right on average."), words=words)
    low = expected < came.value
    off = abs(expected - came.value) / came.value if came.value else math.inf
    by = gettext(" by {off} of what they were").format(off=percent(off, 0)) if came.value else ""
    immature = (
        ""
        if both_classes(scored.y)
        else gettext(" All rows ended alike: are all outcomes known yet, and all rows here?")
    )
    effect = (
        gettext("Losses are under-estimated{by}; prices and reserves that rest on these PDs are too low").format(by=by)
        if low
        else gettext("Losses are over-estimated{by}; good applicants are turned away or pay too much").format(by=by)
    )
    return Finding(
        key=key,
        grade="alarm" if off > MUCH else "concern",
        title=(gettext("The PDs are too low.") if low else gettext("The PDs are too high.")),
        words=gettext("{result}. {effect}. This is more than chance: {chance}.{immature}").format(
            result=result, effect=effect, chance=chance, immature=immature
        ),
    )


def _slope(scored: ScoredOutcomes) -> Finding:
    """Whether high PDs are high enough and low ones low enough."""
    key, slope = "calibration_slope", slope_interval(scored.y, scored.margin)[0]
    if not slope.exists:
        words = gettext(
            "Good and bad rows with different PDs are needed, and these must not part entirely by their PD."
        )
        return Finding(key=key, grade="note", title=gettext("Whether PDs spread rightly cannot be said."), words=words)
    result = gettext("The calibration slope is {slope_value} (95 % interval {ends}; 1 is right)").format(
        slope_value=number(slope.value, 2), ends=_ends(slope)
    )
    if slope.high < 0:
        words = gettext("{result}: those with the higher PDs default less often. Was the outcome turned?").format(
            result=result
        )
        return Finding(key=key, grade="alarm", title=gettext("The PDs run against the risk."), words=words)
    if slope.high < 1:
        extreme = gettext("High PDs are too high, low PDs too low")
        if slope.value >= OVER_CONFIDENT:
            words = gettext("{result}. {extreme}, by little.").format(result=result, extreme=extreme)
            return Finding(key=key, grade="note", title=gettext("The PDs are a little over-confident."), words=words)
        words = gettext("{result}. {extreme}: applicants who look safe default more often than it says.").format(
            result=result, extreme=extreme
        )
        return Finding(key=key, grade="concern", title=gettext("The PDs are over-confident."), words=words)
    if slope.low > 1:
        alike = gettext("High PDs are too low, low PDs too high")
        if slope.value <= TOO_CAUTIOUS:
            words = gettext("{result}. {alike}, by little.").format(result=result, alike=alike)
            return Finding(key=key, grade="note", title=gettext("The PDs are a little too cautious."), words=words)
        words = gettext("{result}. {alike}: it separates applicants better than its PDs admit.").format(
            result=result, alike=alike
        )
        return Finding(key=key, grade="concern", title=gettext("The PDs are too cautious."), words=words)
    if slope.low < UNSURE_SLOPE[0] or slope.high > UNSURE_SLOPE[1]:
        words = gettext(
            "{result}: with so few bads, or PDs so alike, PDs may be too extreme or too much alike unseen."
        ).format(result=result)
        return Finding(key=key, grade="note", title=gettext("Whether PDs spread rightly cannot be said."), words=words)
    return Finding(
        key=key, grade="good", title=gettext("High PDs are high enough, low ones low enough."), words=f"{result}."
    )


def _ends(found: Estimate) -> str:
    return gettext("{low} to {high}").format(low=number(found.low, 2), high=number(found.high, 2))


def _tests(scored: ScoredOutcomes) -> Finding:
    """Whether tests of all PDs together find them wrong, and by how much."""
    key = "calibration_tests"
    groups, whole = hosmer_lemeshow(scored.y, scored.pd).p, spiegelhalter(scored.y, scored.pd).p
    tests = [
        f"{name} {p_value(p)}"
        for name, p in ((gettext("Hosmer-Lemeshow"), groups), (gettext("Spiegelhalter"), whole))
        if math.isfinite(p)
    ]
    results = listed(tests)
    if not min(groups, whole if math.isfinite(whole) else 1.0) < LEVEL:
        words = gettext("No sign against the PDs: {results}. With few bads tests miss even large errors.").format(
            results=results
        )
        return Finding(key=key, grade="good", title=gettext("Tests of calibration pass."), words=words)
    distance = number(100 * expected_calibration_error(scored.y, scored.pd), 1)
    words = gettext(
        "The PDs are not all right: {results}. How much it matters: over tenths of the applicants by "
        "PD, mean PD and bad rate differ by {distance} percentage points on average, part of it by "
        "chance."
    ).format(results=results, distance=distance)
    return Finding(key=key, grade="note", title=gettext("Tests find an error in the PDs."), words=words)


def _bands(bands: Sequence[Band]) -> Finding:
    """Bands whose PD is too low, beside how many would be so by chance."""
    key, filled = "calibration_bands", [band for band in bands if band.n]
    low = [band for band in filled if band.jeffreys_p < LEVEL]
    n_high = sum(band.jeffreys_p > 1 - LEVEL for band in filled)
    chance = LEVEL * len(filled)
    by_chance = gettext("Chance alone would bring about {chance} of {filled}.").format(
        chance=number(chance, 1), filled=len(filled)
    )
    high = (
        gettext(" In {n_high} of {filled} bands the PD is too high in the same sense.").format(
            n_high=n_high, filled=len(filled)
        )
        if n_high
        else ""
    )
    if not low:
        words = gettext("The Jeffreys test finds no PD too low at the level of 5 %. {by_chance}{high}").format(
            by_chance=by_chance, high=high
        )
        return Finding(key=key, grade="good", title=gettext("In no band of score is the PD too low."), words=words)
    names = listed(
        [
            gettext("{band_name} ({mean_pd}, came {rate_value})").format(
                band_name=band_name(band), mean_pd=percent(band.mean_pd), rate_value=percent(band.rate.value)
            )
            for band in low
        ]
    )
    words = gettext(
        "By the Jeffreys test at the level of 5 % the PD is too low at scores {names}. {by_chance}{high}"
    ).format(names=names, by_chance=by_chance, high=high)
    title = gettext("In {low} of {filled} bands of score the PD is too low.").format(low=len(low), filled=len(filled))
    if float(binom.sf(len(low) - 1, len(filled), LEVEL)) >= LEVEL:
        return Finding(
            key=key, grade="note", title=title, words=gettext("{words} So few may be chance.").format(words=words)
        )
    grade: Grade = "alarm" if 2 * len(low) > len(filled) else "concern"
    return Finding(
        key=key, grade=grade, title=title, words=gettext("{words} So many are not chance.").format(words=words)
    )


def _order(bands: Sequence[Band]) -> Finding:
    """Whether the bad rate falls from band to band."""
    key, broken = "calibration_order", first_inversion(bands)
    if broken is None:
        words = gettext("From band to band the bad rate falls, or stays, as the score rises.")
        return Finding(key=key, grade="good", title=gettext("A better score means fewer defaults."), words=words)
    filled = [band for band in bands if band.n]
    apart = [pair for pair in pairwise(filled) if pair[1].rate.low > pair[0].rate.high]
    worse, better = (apart or [broken])[0]
    result = gettext(
        "At scores {band_name} {rate_value} default, at the better scores {band_name2} {rate_value2}"
    ).format(
        band_name=band_name(worse),
        rate_value=percent(worse.rate.value),
        band_name2=band_name(better),
        rate_value2=percent(better.rate.value),
    )
    if apart:
        words = gettext(
            "{result}, more than chance explains. A cut-off between the two turns the wrong applicants away."
        ).format(result=result)
        return Finding(
            key=key, grade="concern", title=gettext("A better score does not always mean fewer defaults."), words=words
        )
    words = gettext("{result}; the intervals overlap, so that this may be chance.").format(result=result)
    return Finding(key=key, grade="note", title=gettext("The bad rate does not fall in every band."), words=words)


def _slices(scored: ScoredOutcomes, cuts: Sequence[Cut]) -> list[Finding]:
    """Segments and months whose PDs are off by more than chance, though they are many."""
    names, p = [], []
    for cut in cuts:
        for part in cut.slices:
            if not len(part):
                continue
            n_bad, mean_pd = float(scored.y[part.rows].sum()), float(scored.pd[part.rows].mean())
            p.append(two_sided_jeffreys_p(n_bad, len(part), mean_pd))
            names.append(
                gettext("{cut_title} {part_name} (PD {mean_pd}, came {n_bad})").format(
                    cut_title=cut.title, part_name=part.name, mean_pd=percent(mean_pd), n_bad=percent(n_bad / len(part))
                )
            )
    if not p:
        return []
    key, level = "calibration_slices", LEVEL / len(p)
    off = [name for name, one in zip(names, p, strict=True) if one < level]
    how = gettext(
        "{p} segments and months were looked at, each at the level of 5 % divided by their number (Bonferroni)"
    ).format(p=len(p))
    if not off:
        singly = sum(one < LEVEL for one in p)
        words = gettext(
            "No difference stays beyond chance when that many are looked at: {how}. By itself {singly} would be."
        ).format(how=how, singly=singly)
        title = gettext("In no segment or month are the PDs shown to be off.")
        return [Finding(key=key, grade="good", title=title, words=words)]
    title = gettext("In {off} of {p} segments and months the PDs are off.").format(off=len(off), p=len(p))
    return [
        Finding(
            key=key,
            grade="concern",
            title=title,
            words=gettext("It is so in {off}. {how}.").format(off=listed(off), how=how),
        )
    ]
