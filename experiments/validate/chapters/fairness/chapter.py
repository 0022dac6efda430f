"""Fairness: whether groups of protected columns are treated alike, and whether words about them count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from data_schemas.fields import Field, Role
from experiments.reporting.document import Finding, Plot, Section, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.lower_floors import translated
from experiments.reporting.words import listed
from experiments.session.run import Run
from experiments.validate.chapters.fairness.findings import column_findings, masking_findings, swap_findings
from experiments.validate.chapters.fairness.proxies import Probed, proxies
from experiments.validate.chapters.fairness.tables import (
    KIND_TITLES,
    FairnessView,
    Treated,
    calibration_table,
    decision_table,
    effects_table,
    moved_table,
    plots,
    sentences_table,
)
from experiments.validate.rereading import Masking, Moved, Reread, masked, moved, swapped
from experiments.validate.scored_outcomes import ScoredOutcomes
from features.tables.groups import MAX_GROUPS, groups_of
from features.text.counterfactual_terms import KINDS
from fusion.validation.fairness import fairness
from fusion.validation.fairness_effects import Treatment, effects

INTRODUCTION = (
    gettext_noop(
        "Protected columns never enter the model. Here they only group the applicants, to see whether the policy and "
        "the PDs treat them alike. A referral to a person is not counted as an approval."
    ),
    gettext_noop(
        "A difference is not yet discrimination, and none does not rule it out: groups may differ in what a lender may "
        "ask for. Where a figure stands out, the columns and narratives behind it have to be looked at by a person."
    ),
)
NOT_REREAD = gettext_noop("The narratives were not read again, with sensitive sentences cut or words exchanged.")
NO_NARRATIVES = gettext_noop("The schema has no narratives, so that none could be read again with words exchanged.")


@dataclass(frozen=True)
class FairnessRows:
    """What one look adds to the chapter."""

    tables: tuple[Table, ...] = ()
    findings: tuple[Finding, ...] = ()
    plots: tuple[Plot, ...] = ()
    words: tuple[str, ...] = ()


def chapter(scored: ScoredOutcomes, run: Run, reread: bool = True, probed: Probed | None = None) -> Section:
    """The chapter.

    Args:
        scored: what is judged.
        run: times the work.
        reread: whether narratives are read again by the encoder, with sensitive sentences cut and with words exchanged,
            which costs about as much as reading them did.
        probed: what protected attributes may be recovered from; None where that is not looked at.
    """
    narratives = bool(scored.applications.schema.narratives)
    masking = masked(scored, run) if reread else None
    parts = [_missing_columns(scored)]
    with run.timed("fairness"):
        ways = _ways(scored, masking)
        parts += [_column_part(look_at(scored, field, ways)) for field in _present(scored)]
    if probed is not None:
        parts.append(FairnessRows(*proxies(probed, _present(scored), run)))
    if masking is not None:
        parts.append(_masking_part(scored, masking))
    if reread and narratives:
        parts.append(_swap_part(scored, run))
    else:
        parts.append(FairnessRows(words=(gettext(NO_NARRATIVES) if not narratives else gettext(NOT_REREAD),)))
    return Section(
        key="fairness",
        title=gettext("Fairness"),
        words=(*INTRODUCTION, *(words for part in parts for words in part.words)),
        findings=tuple(finding for part in parts for finding in part.findings),
        tables=tuple(table for part in parts for table in part.tables),
        plots=tuple(plot for part in parts for plot in part.plots),
    )


def look_at(scored: ScoredOutcomes, field: Field, ways: Sequence[tuple[str, Treatment]] = ()) -> FairnessView:
    """The groups of one protected column, as the model is and in other ways."""
    groups, here = groups_of(scored.applications, field), Treatment(scored.approved, scored.margin)
    labels = tuple(map(translated, groups.labels))
    figures = fairness(groups.code, labels, here.approved, here.margin, scored.y)
    others, reference, large = [], figures.reference, groups.large
    for title, way in ways:
        again = fairness(groups.code, labels, way.approved, way.margin, scored.y, reference)
        found = effects(groups.code, large, reference, scored.y, here, way) if reference is not None else ()
        of_group = dict(zip(large, found, strict=True))
        others.append(Treated(title, again, tuple(of_group.get(at) for at in range(len(groups.labels)))))
    return FairnessView(field, groups, figures, tuple(others))


def _ways(scored: ScoredOutcomes, masking: Masking | None) -> list[tuple[str, Treatment]]:
    """The other ways to read an application."""
    if not scored.applications.schema.narratives:
        return []
    margin = scored.margins.columns_only
    decided = scored.model.decide(scored.applications, expit(margin), scored.quality, scored.seconds).decision
    ways = [
        (
            gettext("Without the narratives"),
            Treatment(np.array([one == "approve" for one in decided], dtype=np.bool_), margin),
        )
    ]
    if masking is not None:
        ways.append((gettext("Without sensitive sentences"), Treatment(masking.reread.approved, masking.reread.margin)))
    return ways


def _present(scored: ScoredOutcomes) -> Iterator[Field]:
    """The protected columns that the file has."""
    for field in scored.applications.schema.fields_of(Role.PROTECTED):
        if field.name in scored.applications.frame:
            yield field


def _missing_columns(scored: ScoredOutcomes) -> FairnessRows:
    """What is said where protected columns are lacking."""
    fields = scored.applications.schema.fields_of(Role.PROTECTED)
    absent = [gettext(field.title) for field in fields if field.name not in scored.applications.frame]
    if not fields:
        return FairnessRows(
            findings=(
                Finding(
                    key="fairness_no_column",
                    grade="concern",
                    title=gettext("Fairness by group could not be judged"),
                    words=gettext(
                        "The schema names no protected column (sex, age, ethnicity). Add them to the file that is "
                        "evaluated and give them the role protected in the schema: they never enter the model, and "
                        "only with them can approval rates and errors be compared between groups. Where a lender may "
                        "not ask, a proxy from name and place is customary."
                    ),
                ),
            )
        )
    if not absent:
        return FairnessRows()
    every = len(absent) == len(fields)
    return FairnessRows(
        findings=(
            Finding(
                key="fairness_absent_columns",
                grade="concern" if every else "note",
                title=gettext("Fairness by group could not be judged")
                if every
                else gettext("{absent} could not be judged").format(absent=listed(absent)),
                words=(
                    gettext("The file has no column for {absent}. Add it beside the applications and evaluate again.")
                    if len(absent) == 1
                    else gettext(
                        "The file has no column for {absent}. Add them beside the applications and evaluate again."
                    )
                ).format(absent=listed(absent)),
            ),
        )
    )


def _column_part(view: FairnessView) -> FairnessRows:
    """One column's tables, plots and findings."""
    findings, large = column_findings(view), view.groups.large
    if not view.groups.labels or len(large) > MAX_GROUPS or not view.shown:
        return FairnessRows(findings=findings)
    tables = [decision_table(view), calibration_table(view)]
    if len(large) < 2:
        return FairnessRows(tuple(tables), findings)
    tables += [effects_table(view)] if view.others else []
    return FairnessRows(tuple(tables), findings, plots(view))


def _masking_part(scored: ScoredOutcomes, masking: Masking) -> FairnessRows:
    """What cutting sensitive sentences does to decisions."""
    found = moved(scored, masking.reread)
    table = moved_table(
        "fairness_masking",
        gettext("Decisions without the sensitive sentences"),
        gettext(
            "Every sentence on private life is cut and the application decided again. Harder: referred instead "
            "of approved, or declined instead of either."
        ),
        [(gettext("Sensitive sentences cut"), found)],
    )
    return FairnessRows((sentences_table(masking), table), masking_findings(found, scored))


def _swap_part(scored: ScoredOutcomes, run: Run) -> FairnessRows:
    """What exchanging words does to decisions."""
    found: list[tuple[str, Moved]] = []
    for kind in KINDS:
        again: Reread = swapped(scored, kind, run)
        found.append((gettext(KIND_TITLES[kind]), moved(scored, again)))
    table = moved_table(
        "fairness_swaps",
        gettext("Decisions with words exchanged in the narratives"),
        gettext(
            "English words of a shipped list, all of a kind exchanged at once; only narratives that hold one change. "
            "An applicant who wrote the same of the other sex, of another marital status or under another name should "
            "be decided alike; a few lie so near a cut-off that any change of words turns them."
        ),
        found,
    )
    return FairnessRows((table,), swap_findings(dict(zip(KINDS, (one for _, one in found), strict=True))))
