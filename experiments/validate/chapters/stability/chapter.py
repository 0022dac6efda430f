"""Whether the applicants are still those that the model learned from: score, columns, narratives, months."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import binom

from experiments.reporting.document import Finding, Grade, Section
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
    "A model knows the applicants that it learned from. The population stability index (PSI) says how far others "
    "differ from them: below 0.1 stable, up to 0.25 moderate, above it shifted. “Chance” is what samples of "
    "these sizes stay below 19 times in 20 when nothing has changed; a larger index is a change, though it may be "
    "a small one.",
    "Scores are compared with those that training applicants had from parts of the model which had not seen them. "
    "Narratives are compared by the vectors that the model reads, along the 16 directions in which they varied most in "
    "training; of these the one that moved most counts.",
    "Vintages: the bad rate of those decided in a month, beside the PD that they were given. How a month’s loans go "
    "bad with their time on book cannot be drawn: the data contract holds how a loan ended, and no date of default.",
)


def chapter(scored: ScoredOutcomes) -> Section:
    """Stability, over all rows and by month of decision."""
    months = month_cut(scored)
    by_month = {part.name: part.rows for part in months.slices} if months else {}
    score = scored.model.bundle.model.scores(scored.margin).score
    moved, grown = shifts(scored, months), vintages(by_month, scored.y, scored.pd, score, scored.approved)
    return Section(
        key="stability",
        title="Stability: are these still the applicants that it learned from?",
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
    key, result = "stability_score", f"The PSI of the score is {number(score.index.value, 3)}"
    where = f" Most changed is the share with a PD {score.what}." if score.what else ""
    match score.index.verdict:
        case "unknown":
            words = "There are no scores to compare."
            return Finding(key=key, grade="note", title="Whether the scores moved is not known.", words=words)
        case "stable":
            title = "By the scores, these are the applicants that the model learned from."
            return Finding(key=key, grade="good", title=title, words=f"{result}, below 0.1: stable.{where}")
        case "within chance":
            title = "There are too few rows to say whether the scores moved."
            words = f"{result}; with so few rows chance alone reaches {number(score.index.chance, 3)}."
            return Finding(key=key, grade="note", title=title, words=words)
        case "moderate":
            title = "The scores have moved somewhat since training."
            words = (
                f"{result}, between 0.1 and 0.25: moderate.{where} Watch it, and see whether the PDs still come true."
            )
            return Finding(key=key, grade="note", title=title, words=words)
    return Finding(
        key=key,
        grade="concern",
        title="By the scores, these are no longer the applicants that the model learned from.",
        words=f"{result}, above 0.25: shifted.{where} Find out why before relying on PDs and cut-offs: other "
        "applicants, other products, or a column that is filled in differently. Training again may be due.",
    )


def _columns(columns: Sequence[Shift]) -> Finding:
    key = "stability_columns"
    shifted, moderate = (_worded(columns, word) for word in ("shifted", "moderate"))
    few = _worded(columns, "within chance")
    if not (shifted or moderate):
        words = f"None of {count(len(columns), 'column')} has a PSI of 0.1 or more" + (
            " beyond chance." if few else "."
        )
        if few:
            words += f" There are too few rows to judge {listed([one.title for one in few])}."
        return Finding(key=key, grade="note" if few else "good", title="No column has moved much.", words=words)
    worst = [*shifted, *moderate][:3]
    details = "; ".join(f"{one.title} ({number(one.index.value, 2)}), {one.what}" for one in worst)
    heavy = [one.title for one in shifted if one.weight >= MUCH_WEIGHT]
    words = (
        f"Of {count(len(columns), 'column')} {len(shifted)} shifted (PSI above 0.25) and {len(moderate)} moved "
        f"moderately. Most moved: {details}."
    )
    grade: Grade = "concern" if heavy else "note"
    if heavy:
        title = f"Columns that the score leans on have shifted: {listed(heavy)}."
        words += " Check that they are still filled in as they were, and whether PDs still come true."
    elif shifted:
        title = f"Some columns have shifted, of little weight in the score: {listed(_titles(shifted))}."
    else:
        title = f"Some columns have moved somewhat: {listed(_titles(moderate))}."
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
    few = (
        f"Fewer than {MIN_NARRATIVES} were written, here or in training, of {listed(unread)}: these were not compared."
    )
    tail = f" {few}" if unread else ""
    if found := [*shifted, *moderate]:
        details = [f"{one.title} ({number(one.index.value, 2)}{f', {one.what}' if one.what else ''})" for one in found]
        title = "Narratives are no longer those of training." if shifted else "Narratives have moved somewhat."
        words = f"By PSI: {'; '.join(details)}.{tail} See what the text is worth here before relying on it."
        return [Finding(key=key, grade="concern" if shifted else "note", title=title, words=words)]
    if unread:
        return [Finding(key=key, grade="note", title="Not every narrative could be compared.", words=few)]
    if unsure := _worded(texts, "within chance"):
        title = "There are too few narratives to say whether they moved."
        details = [f"{one.title} ({number(one.index.value, 2)})" for one in unsure]
        words = f"By PSI, {listed(details)} moved by 0.1 or more, which with so few rows may be chance."
        return [Finding(key=key, grade="note", title=title, words=words)]
    title = "Applicants write as they did in training."
    words = "Neither whether they write, nor what and how much, has moved by a PSI of 0.1."
    return [Finding(key=key, grade="good", title=title, words=words)]


def _undated() -> Finding:
    words = "The rows have no date of decision, so that nothing can be said of a trend."
    return Finding(key="stability_months", grade="note", title="Stability over time is not known.", words=words)


def _months(moved: Shifts, grown: Sequence[Vintage]) -> list[Finding]:
    key, months = "stability_months", moved.score.months
    off = [one.name for one, index in zip(grown, months, strict=True) if index.verdict_of_many == "shifted"]
    empty = [one.name for one in grown if not one.n]
    empty_months = f" No decision falls into {listed(empty)}." if empty else ""
    if off:
        title = f"In {count(len(off), 'month')} of {len(grown)} the scores were not those of training."
        words = f"The PSI of the score is above {SHIFTED} and beyond chance in {listed(off)}.{empty_months}"
        return [Finding(key=key, grade="concern", title=title, words=words)]
    title = "No month’s scores are far from those of training."
    words = (
        f"In none of {count(len(grown), 'month')} is the PSI of the score above {SHIFTED} beyond chance.{empty_months}"
    )
    return [Finding(key=key, grade="good", title=title, words=words)]


def _vintages(grown: Sequence[Vintage]) -> list[Finding]:
    key, known = "stability_vintages", [one for one in grown if one.n]
    if not known:
        return []
    off, months = [one for one in known if one.off], count(len(known), "month")
    words = f"{_course(known)} The mean PD lies outside the 95 % interval of the bad rate in "
    if not off:
        words += f"none of {months}."
        return [Finding(key=key, grade="good", title="Month by month the bad rate is what was foretold.", words=words)]
    words += f"{listed([one.name for one in off])}; by chance it would in one month of twenty. "
    beyond = [one.name for one in off if one.p < LEVEL / len(known)]
    if beyond:
        words += f"In {listed(beyond)} it is more than chance (Jeffreys test at 5 % over {months}, Bonferroni). "
    elif float(binom.sf(len(off) - 1, len(known), LEVEL)) < RARE:
        words += "So many are not chance. "
    else:
        words += "So few may be chance. "
    words += "The chapter on calibration says how far."
    title = f"In {len(off)} of {months} the bad rate was not what was foretold."
    return [Finding(key=key, grade="note", title=title, words=words)]


def _course(known: Sequence[Vintage]) -> str:
    """Bad rate and approval rate from month to month."""
    if len(known) == 1:
        (one,) = known
        bad, approved = percent(one.bad_rate.value), percent(one.approved.value, 0)
        return f"In {one.name}, the only month, the bad rate is {bad} and the approval rate {approved}."
    low, high = (pick(known, key=lambda one: one.bad_rate.value) for pick in (min, max))
    less, more = (pick(known, key=lambda one: one.approved.value) for pick in (min, max))
    return (
        f"The bad rate by month of decision runs from {percent(low.bad_rate.value)} ({low.name}) to "
        f"{percent(high.bad_rate.value)} ({high.name}), the approval rate from {percent(less.approved.value, 0)} "
        f"({less.name}) to {percent(more.approved.value, 0)} ({more.name})."
    )
