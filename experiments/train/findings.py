"""What a training run should make its reader do: one function per rule, from figures to findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from data_schemas.contract import Schema
from data_schemas.fields import Field, FieldType, Role
from data_schemas.unfinished import unfinished
from experiments.reporting.words import count, listed, number, percent
from experiments.train.plain import PlainComparison
from experiments.train.rows import Split
from experiments.train.slices import SliceReport
from experiments.train.tuning import TuningRecord
from features.arrays import Floats
from features.inference.leakage import after_decision, leak_by_outcome, single_auc
from features.inference.planted_words import leak_by_words
from features.inference.profile import ColumnProfile, profile
from features.narratives.legibility import Languages
from features.tables.applications import Applications
from features.text.cleaning import clean
from fusion.metrics import Figures
from fusion.validation.intervals import Estimate

Severity = Literal["warning", "note"]

SIGNIFICANT = 0.05  # two-sided
FEW = 30  # outcomes of one kind below which figures say little
MAX_PROFILED = 50_000  # rows that are looked at for leaks, as many as `schema infer` looks at
MAX_NAMES = 12
TOO_GOOD = 0.99  # lower end of an out-of-fold AUC's interval that hardly any honest model reaches
MUCH_UNREAD = 0.01  # share of the narratives that are not read, for a warning


@dataclass(frozen=True)
class Finding:
    """What a training run came upon.

    Attributes:
        key: for machines.
        severity: a warning says that the model or its figures may not hold; a note is good to know.
        sentence: what was found, with figures.
        remedy: what to do.
    """

    key: str
    severity: Severity
    sentence: str
    remedy: str


def findings_of(
    applications: Applications,
    split: Split,
    slices: Sequence[SliceReport],
    plain: PlainComparison | None,
    written: Languages,
    tuning: TuningRecord | None = None,
) -> tuple[Finding, ...]:
    """Everything that a training run came upon, warnings first.

    Args:
        applications: all decided rows.
        split: those that the model learned from, and those held out.
        slices: its figures, first on all training rows.
        plain: how it compares with the plain pipeline; None where that was not fitted.
        written: the languages of the narratives.
        tuning: how the encoder learned; None where it did not.
    """
    own = applications.take(split.learn)
    found = [
        *likely_leaks(own),
        *no_better_than_chance(slices[0].auc),
        *too_good(own, slices[0].auc),
        *off_calibration(slices),
        *few_outcomes(slices[0].fused),
        *behind_plain(plain),
        *tuning_worth(tuning),
        *over_fitting(tuning),
        *not_read(written),
        *useless_columns(own),
        *open_guesses(applications.schema),
        *nothing_held_out(applications, split),
    ]
    return tuple(sorted(found, key=lambda finding: finding.severity != "warning"))


def finding_lines(findings: Sequence[Finding]) -> Mapping[str, str]:
    """Findings for people, numbered."""
    return {f"{at}. {one.severity}": f"{one.sentence} {one.remedy}" for at, one in enumerate(findings, 1)}


def likely_leaks(own: Applications) -> Iterator[Finding]:
    """Features that may have been filled in after the decision, and narratives with words that may have been written
    then, by the rules of `schema infer`.
    """
    if len(own) > MAX_PROFILED:
        own = own.take(np.sort(np.random.default_rng(0).choice(len(own), MAX_PROFILED, replace=False)))
    bad, decided = own.outcome(), own.schema.field_of(Role.DECISION_DATE)
    day = _profile(own, decided) if decided is not None and decided.name in own.frame else None
    for field in own.schema.features:
        if why := _leak(_profile(own, field), bad, day):
            yield Finding(
                key=f"leak: {field.name}",
                severity="warning",
                sentence=f"“{field.title}” ({field.name}) may know the outcome: {why}.",
                remedy="Is it known before the decision, in this form? If not, give it the role 'ignored' and train "
                "again: on new applications the model would be worse than its figures.",
            )
    for narrative in own.schema.narratives:
        read = [clean(text, own.schema.strip).text for text in own.narrative(narrative.name)]
        if sign := leak_by_words(read, bad):
            yield Finding(
                key=f"leak: {narrative.name}",
                severity="warning",
                sentence=f"Words of “{narrative.title}” ({narrative.name}) may know the outcome: {sign.why}.",
                remedy="Were they written before the decision? If not, cut them with a `strip` rule of the schema and "
                "train again.",
            )


def _leak(column: ColumnProfile, bad: Floats, decided: ColumnProfile | None) -> str:
    late = after_decision(column, decided) if decided is not None else ""
    sign = leak_by_outcome(column, bad)
    return "; ".join(why for why in (late, sign.why if sign is not None else "") if why)


def _profile(own: Applications, field: Field) -> ColumnProfile:
    """What the cells of a column look like, as texts."""
    cells = own.frame[field.name]
    if field.type is FieldType.DATE:
        texts = cells.dt.strftime("%Y-%m-%d").fillna("")
    elif field.is_numeric:
        texts = pd.Series(["" if np.isnan(value) else f"{value:.15g}" for value in cells], dtype=object)
    else:
        texts = cells
    return profile(field.name, texts.astype(object))


def no_better_than_chance(auc: Estimate) -> Iterator[Finding]:
    """An order of the training rows that chance may have made, or would beat."""
    if auc.low <= 0.5:
        worse = auc.high < 0.5
        yield Finding(
            key="worse_than_chance" if worse else "no_better_than_chance",
            severity="warning",
            sentence=f"The model ranks training rows that it did not see {'worse' if worse else 'no better'} than "
            f"chance: an out-of-fold AUC of {auc.value:.3f} (95 % {auc.low:.3f} to {auc.high:.3f}).",
            remedy="Do not use it. Check which target values the schema calls bad, and whether anything in the columns "
            "can tell good from bad.",
        )


def too_good(own: Applications, auc: Estimate) -> Iterator[Finding]:
    """An order of the training rows that is nearly perfect, as no honest input makes it."""
    if auc.low >= TOO_GOOD:
        bad = own.outcome()
        alone = {field: single_auc(_profile(own, field), bad) for field in own.schema.features}
        strongest = max(alone, key=lambda field: alone[field], default=None)
        named = f"; alone, {strongest.name} ranks best ({alone[strongest]:.3f})" if strongest is not None else ""
        yield Finding(
            key="too_good",
            severity="warning",
            sentence=f"The model ranks training rows that it did not see almost without error: an out-of-fold AUC of "
            f"{auc.value:.3f} (95 % {auc.low:.3f} to {auc.high:.3f}){named}.",
            remedy="An input may know the outcome. Give what is not known before the decision the role 'ignored' and "
            "train again.",
        )


def off_calibration(slices: Sequence[SliceReport]) -> Iterator[Finding]:
    """PDs that are too far apart, or not far enough, on the newest or held-out rows."""
    for part in slices:
        slope = part.slope
        if not part.judges or not slope.bounded or slope.low <= 1.0 <= slope.high:
            continue
        how = "too far apart" if slope.value < 1.0 else "too close together"
        yield Finding(
            key=f"calibration: {part.name}",
            severity="warning",
            sentence=f"The PDs are {how} on the rows “{part.name}”: a calibration slope of {number(slope.value, 2)} "
            f"(95 % {number(slope.low, 2)} to {number(slope.high, 2)}), where 1 is right.",
            remedy="Rank with them, but do not price by them before `creditfusion evaluate` on newer rows; a leak, or "
            "applicants that change, would do this.",
        )


def few_outcomes(figures: Figures) -> Iterator[Finding]:
    """Too few of either outcome for the figures to say much."""
    for n, what in ((figures.n_bad, "bad"), (figures.n - figures.n_bad, "good")):
        if n < FEW:
            yield Finding(
                key=f"few_{what}",
                severity="warning",
                sentence=f"Only {count(n, 'row')} of {number(figures.n)} turned out {what}: the model has learned "
                "little from them, and its figures may be far off.",
                remedy=f"Add {what} ones (a longer window), and read every figure with its interval.",
            )


def behind_plain(plain: PlainComparison | None) -> Iterator[Finding]:
    """A plain pipeline that ranks better, beyond chance."""
    for part in plain.slices if plain is not None else ():
        if part.standing == "behind":
            yield Finding(
                key=f"behind_plain: {part.name}",
                severity="warning",
                sentence=f"On the rows “{part.name}” the model is {part.words}.",
                remedy="The settings do not fit these data: run `creditfusion sweep`, or look for a column with a "
                "risk direction that is not true.",
            )


def tuning_worth(tuning: TuningRecord | None) -> Iterator[Finding]:
    """An encoder that is not better for tuning, beyond chance."""
    if tuning is None or (tuning.worth.gain.p < SIGNIFICANT and tuning.worth.gain.difference > 0):
        return
    worse = tuning.worth.gain.p < SIGNIFICANT
    yield Finding(
        key="tuning_worth",
        severity="warning" if worse else "note",
        sentence=f"Tuning the encoder {'made its vectors worse' if worse else 'was not worth it beyond chance'}: AUC "
        f"of the vectors alone {tuning.worth_words}.",
        remedy="Train again with encoder.tuning none, and keep the simpler model unless this one is ahead on rows held "
        "out.",
    )


def over_fitting(tuning: TuningRecord | None) -> Iterator[Finding]:
    """An encoder that began to learn its rows by heart."""
    if tuning is not None and tuning.over_fitting:
        yield Finding(
            key="over_fitting",
            severity="note",
            sentence=f"The encoder began to learn its rows by heart: {'; '.join(tuning.over_fitting)}.",
            remedy="The best epoch was kept. Try a smaller tuning.learning_rate, more tuning.dropout or "
            "tuning.weight_decay, or fewer layers.",
        )


def not_read(written: Languages) -> Iterator[Finding]:
    """Narratives in a language that the encoder cannot read."""
    if written.n_unread:
        share = written.n_unread / written.n_written
        yield Finding(
            key="text_not_read",
            severity="warning" if share >= MUCH_UNREAD else "note",
            sentence=f"The encoder cannot read {written.n_unread:,} of {written.n_written:,} narratives "
            f"({percent(share, 1)}; {listed(list(written.unread), MAX_NAMES)}); they have no influence.",
            remedy="Choose an encoder that knows the language (encoder.source), or set text.min_read = 0 to learn from "
            "the words alone.",
        )


def useless_columns(own: Applications) -> Iterator[Finding]:
    """Inputs that are empty in the training rows, or have one value there."""
    empty, constant = [], []
    for field in (*own.schema.features, *own.schema.narratives):
        if field.name in own.frame:
            cells = own.frame[field.name]
            missing = (cells == "") if cells.dtype == object else cells.isna()
            if missing.all():
                empty.append(field.name)
            elif not missing.any() and cells.nunique() == 1:
                constant.append(field.name)
    for names, what, key in (
        (empty, "without any value", "empty_columns"),
        (constant, "with one and the same value", "constant_columns"),
    ):
        if names:
            yield Finding(
                key=key,
                severity="note",
                sentence=f"Inputs {what} in all training rows: {number(len(names))} ({listed(names, MAX_NAMES)}).",
                remedy="Nothing was learned from it. Mend the export, or give such a column the role 'ignored'.",
            )


def open_guesses(schema: Schema) -> Iterator[Finding]:
    """Guesses of `schema infer` that nobody has confirmed: a confirmed one loses its note."""
    guessed = unfinished(schema).guesses
    if guessed:
        yield Finding(
            key="guesses",
            severity="note",
            sentence=f"The schema still holds {count(len(guessed), 'unconfirmed note')} of `schema infer`, on "
            f"{listed(guessed, MAX_NAMES)}.",
            remedy="Look through them, correct what is wrong, and delete each `guess`.",
        )


def nothing_held_out(applications: Applications, split: Split) -> Iterator[Finding]:
    """Without decision dates, and without any rows held out, no figure is of rows that took no part at all."""
    if not len(split.held_out) and applications.decision_date() is None:
        yield Finding(
            key="nothing_held_out",
            severity="note",
            sentence="There are no decision dates, and no rows were held out: all figures are out of fold.",
            remedy="`--holdout 0.3` keeps a random 30 % of the rows to judge the model by.",
        )
