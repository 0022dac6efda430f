"""Whether the applicants are still those that the model learned from: score, columns, narratives, months."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import binom

from experiments.reporting.document import Finding, Grade, Section
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import count, listed, number, percent
from experiments.validate.chapters.stability.shift import Shift, Shifts, shifts
from experiments.validate.chapters.stability.tables import plots, tables
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.slices import month_cut
from fusion.validation.psi import SHIFTED
from fusion.validation.text_drift import MIN_NARRATIVES
from fusion.validation.vintages import Vintage, vintages

MUCH_WEIGHT = 0.05  # share of the scores' movement from which a shifted column is a concern by itself
RARE = 0.01
LEVEL = 0.05
WORDS = (
    gettext_noop(
        "A model knows the applicants that it learned from. The population stability index (PSI) says how far others "
        "differ from them: below 0.1 stable, up to 0.25 moderate, above it shifted. “Chance” is what samples of "
        "these sizes stay below 19 times in 20 when nothing has changed; a larger index is a change, though it may be "
        "a small one."
    ),
    gettext_noop(
        "Scores are compared with those that training applicants had from models that did not learn from them. "
        "Narratives are compared by the vectors that the model reads, along the 16 directions in which they varied "
        "most in training; of these the one that moved most counts."
    ),
    gettext_noop(
        "Vintages: the bad rate of those decided in a month, beside the PD that they were given. How a month’s loans "
        "go bad with their time on book cannot be drawn: the data contract holds how a loan ended, and no date of "
        "default."
    ),
)


def chapter(scored: ScoredOutcomes) -> Section:
    """Stability, over all rows and by month of decision."""
    months = month_cut(scored)
    by_month = {part.name: part.rows for part in months.slices} if months else {}
    score = scored.model.bundle.model.scores(scored.margin).score
    moved, grown = shifts(scored, months), vintages(by_month, scored.y, scored.pd, score, scored.approved)
    return Section(
        key="stability",
        title=gettext("Stability: are these still the applicants that it learned from?"),
        findings=tuple(findings(moved, grown)),
        words=WORDS,
        tables=tuple(tables(scored, moved, grown, months)),
        plots=tuple(plots(moved, grown, months)),
    )


def findings(moved: Shifts, grown: Sequence[Vintage]) -> list[Finding]:
    """All findings of the chapter."""
    return [
        _score(moved.score),
        _columns(moved.columns),
        *_narratives(moved),
        *(_months(moved, grown) if grown else [_undated()]),
        *_vintages(grown),
    ]


def _score(score: Shift) -> Finding:
    key, result = (
        "stability_score",
        gettext("The PSI of the score is {index_value}").format(index_value=number(score.index.value, 3)),
    )
    where = gettext(" Most changed is the share with a PD {what}.").format(what=score.what) if score.what else ""
    match score.index.verdict:
        case "unknown":
            words = gettext("There are no scores to compare.")
            return Finding(key=key, grade="note", title=gettext("Whether the scores moved is not known."), words=words)
        case "stable":
            title = gettext("By the scores, these are the applicants that the model learned from.")
            return Finding(
                key=key,
                grade="good",
                title=title,
                words=gettext("{result}, below 0.1: stable.{where}").format(result=result, where=where),
            )
        case "within chance":
            title = gettext("There are too few rows to say whether the scores moved.")
            words = gettext("{result}; with so few rows chance alone reaches {chance}.").format(
                result=result, chance=number(score.index.chance, 3)
            )
            return Finding(key=key, grade="note", title=title, words=words)
        case "moderate":
            title = gettext("The scores have moved somewhat since training.")
            words = gettext(
                "{result}, between 0.1 and 0.25: moderate.{where} Watch it, and see whether the PDs still come true."
            ).format(result=result, where=where)
            return Finding(key=key, grade="note", title=title, words=words)
    return Finding(
        key=key,
        grade="concern",
        title=gettext("By the scores, these are no longer the applicants that the model learned from."),
        words=gettext(
            "{result}, above 0.25: shifted.{where} Find out why before relying on PDs and cut-offs: other "
            "applicants, other products, or a column that is filled in differently. Training again may "
            "be due."
        ).format(result=result, where=where),
    )


def _columns(columns: Sequence[Shift]) -> Finding:
    key = "stability_columns"
    shifted, moderate = (_worded(columns, word) for word in ("shifted", "moderate"))
    few = _worded(columns, "within chance")
    if not (shifted or moderate):
        words = gettext("None of {columns} has a PSI of 0.1 or more").format(columns=count(len(columns), "column")) + (
            gettext(" beyond chance.") if few else "."
        )
        if few:
            words += gettext(" There are too few rows to judge {one_title}.").format(
                one_title=listed([one.title for one in few])
            )
        return Finding(
            key=key, grade="note" if few else "good", title=gettext("No column has moved much."), words=words
        )
    worst = [*shifted, *moderate][:3]
    details = "; ".join(f"{one.title} ({number(one.index.value, 2)}), {one.what}" for one in worst)
    heavy = [one.title for one in shifted if one.weight >= MUCH_WEIGHT]
    words = gettext(
        "Of {columns} {shifted} shifted (PSI above 0.25) and {moderate} moved moderately. Most moved: {details}."
    ).format(columns=count(len(columns), "column"), shifted=len(shifted), moderate=len(moderate), details=details)
    grade: Grade = "concern" if heavy else "note"
    if heavy:
        title = gettext("Columns that the score leans on have shifted: {heavy}.").format(heavy=listed(heavy, 2))
        words += gettext(" Check that they are still filled in as they were, and whether PDs still come true.")
    elif shifted:
        title = gettext("Some columns have shifted, of little weight in the score: {titles}.").format(
            titles=listed(_titles(shifted), 2)
        )
    else:
        title = gettext("Some columns have moved somewhat: {titles}.").format(titles=listed(_titles(moderate), 2))
    return Finding(key=key, grade=grade, title=title, words=words)


def _titles(some: Sequence[Shift]) -> list[str]:
    return [one.title for one in some]


def _worded(some: Sequence[Shift], word: str) -> list[Shift]:
    return [one for one in some if one.index.verdict_of_many == word]


def _narratives(moved: Shifts) -> list[Finding]:
    if not moved.narratives:
        return []
    key, texts = "stability_narratives", moved.texts
    shifted, moderate = (_worded(texts, word) for word in ("shifted", "moderate"))
    unread = [one.title for one in moved.narratives if math.isnan(one.drift.cosine)]
    few = gettext(
        "Fewer than {min_narratives} were written, here or in training, of {unread}: these were not compared."
    ).format(min_narratives=MIN_NARRATIVES, unread=listed(unread))
    tail = f" {few}" if unread else ""
    if found := [*shifted, *moderate]:
        details = [f"{one.title} ({number(one.index.value, 2)}{f', {one.what}' if one.what else ''})" for one in found]
        title = (
            gettext("Narratives are no longer those of training.")
            if shifted
            else gettext("Narratives have moved somewhat.")
        )
        words = gettext("By PSI: {details}.{tail} See what the text is worth here before relying on it.").format(
            details="; ".join(details), tail=tail
        )
        return [Finding(key=key, grade="concern" if shifted else "note", title=title, words=words)]
    if unread:
        return [Finding(key=key, grade="note", title=gettext("Not every narrative could be compared."), words=few)]
    if unsure := _worded(texts, "within chance"):
        title = gettext("There are too few narratives to say whether they moved.")
        details = [f"{one.title} ({number(one.index.value, 2)})" for one in unsure]
        words = gettext("By PSI, {details} moved by 0.1 or more, which with so few rows may be chance.").format(
            details=listed(details)
        )
        return [Finding(key=key, grade="note", title=title, words=words)]
    title = gettext("Applicants write as they did in training.")
    words = gettext("Neither whether they write, nor what and how much, has moved by a PSI of 0.1.")
    return [Finding(key=key, grade="good", title=title, words=words)]


def _undated() -> Finding:
    words = gettext("The rows have no date of decision, so that nothing can be said of a trend.")
    return Finding(
        key="stability_months", grade="note", title=gettext("Stability over time is not known."), words=words
    )


def _months(moved: Shifts, grown: Sequence[Vintage]) -> list[Finding]:
    key, months = "stability_months", moved.score.months
    off = [one.name for one, index in zip(grown, months, strict=True) if index.verdict_of_many == "shifted"]
    empty = [one.name for one in grown if not one.n]
    empty_months = gettext(" No decision falls into {empty}.").format(empty=listed(empty)) if empty else ""
    if off:
        title = gettext("In {off} of {grown} the scores were not those of training.").format(
            off=count(len(off), "month"), grown=len(grown)
        )
        words = gettext("The PSI of the score is above {shifted} and beyond chance in {off}.{empty_months}").format(
            shifted=SHIFTED, off=listed(off), empty_months=empty_months
        )
        return [Finding(key=key, grade="concern", title=title, words=words)]
    title = gettext("No month’s scores are far from those of training.")
    words = gettext("In none of {grown} is the PSI of the score above {shifted} beyond chance.{empty_months}").format(
        grown=count(len(grown), "month"), shifted=SHIFTED, empty_months=empty_months
    )
    return [Finding(key=key, grade="good", title=title, words=words)]


def _vintages(grown: Sequence[Vintage]) -> list[Finding]:
    key, known = "stability_vintages", [one for one in grown if one.n]
    if not known:
        return []
    off, months = [one for one in known if one.off], count(len(known), "month")
    if not off:
        words = gettext(
            "{course} The mean PD lies outside the 95 % interval of the bad rate in none of {months}."
        ).format(course=_course(known), months=months)
        return [
            Finding(key=key, grade="good", title=gettext("Month by month the bad rate is as predicted."), words=words)
        ]
    words = gettext(
        "{course} The mean PD lies outside the 95 % interval of the bad rate in {names}; by chance it would in one "
        "month of twenty. "
    ).format(course=_course(known), names=listed([one.name for one in off]))
    beyond = [one.name for one in off if one.p < LEVEL / len(known)]
    if beyond:
        words += gettext(
            "In {beyond} it is more than chance (Jeffreys test at 5 % over {months}, Bonferroni). "
        ).format(beyond=listed(beyond), months=months)
    elif float(binom.sf(len(off) - 1, len(known), LEVEL)) < RARE:
        words += gettext("So many are not chance. ")
    else:
        words += gettext("So few may be chance. ")
    words += gettext("The chapter on calibration says how far.")
    title = gettext("In {off} of {months} the bad rate was not as predicted.").format(off=len(off), months=months)
    return [Finding(key=key, grade="note", title=title, words=words)]


def _course(known: Sequence[Vintage]) -> str:
    """Bad rate and approval rate from month to month."""
    if len(known) == 1:
        (one,) = known
        bad, approved = percent(one.bad_rate.value), percent(one.approved.value, 0)
        return gettext("In {one_name}, the only month, the bad rate is {bad} and the approval rate {approved}.").format(
            one_name=one.name, bad=bad, approved=approved
        )
    low, high = (pick(known, key=lambda one: one.bad_rate.value) for pick in (min, max))
    less, more = (pick(known, key=lambda one: one.approved.value) for pick in (min, max))
    return gettext(
        "The bad rate by month of decision runs from {bad_rate_value} ({low_name}) to "
        "{bad_rate_value2} ({high_name}), the approval rate from {approved_value} ({less_name}) to "
        "{approved_value2} ({more_name})."
    ).format(
        bad_rate_value=percent(low.bad_rate.value),
        low_name=low.name,
        bad_rate_value2=percent(high.bad_rate.value),
        high_name=high.name,
        approved_value=percent(less.approved.value, 0),
        less_name=less.name,
        approved_value2=percent(more.approved.value, 0),
        more_name=more.name,
    )
