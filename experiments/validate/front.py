"""The first pages of a validation, for a manager: verdict, headline figures, the plots that matter, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from experiments.reporting.document import Finding, Section, Table, key_figure_table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.policies import cutoff_words
from experiments.reporting.words import count, number, percent, sentences
from experiments.validate.scored_outcomes import ScoredOutcomes
from fusion.validation.intervals import Estimate, auc_interval, bootstrap, mean_share, rate

PLOTS = ("roc", "reliability", "approval_and_bad_rate", "stability_columns", "calibration_by_month")
"""Those that matter most, of which a report has those that its rows allow."""

ACTIONS: tuple[tuple[str, str], ...] = (
    (
        "ranks_worse",
        gettext_noop("Train again on newer applications, and compare both models on the same rows (compare)."),
    ),
    (
        "ranks",
        gettext_noop("Do not decide by it. Check outcomes and columns with who made the file, then train again."),
    ),
    ("blind_slices", gettext_noop("Refer these applicants to a person, or gather more of them and train again.")),
    ("training_rows", gettext_noop("Evaluate again without --keep-training-rows.")),
    ("out_of_time", gettext_noop("Evaluate on decisions from after the training window (--since).")),
    (
        "unlike_training",
        gettext_noop("Compare the named columns with the training file: unit, coding, a feed that broke."),
    ),
    (
        "leak",
        gettext_noop("Ask when the named columns are filled in. If after the decision: role ignored, and train again."),
    ),
    ("rejected", gettext_noop("Mend the feed that breaks the contract (rejects.csv names rule and remedy).")),
    (
        "calibration_level",
        gettext_noop("Calibrate again on recent outcomes (train) before prices or reserves use the PD."),
    ),
    (
        "calibration_slope",
        gettext_noop("Train again on recent outcomes; until then trust the order more than the PDs."),
    ),
    (
        "calibration_bands",
        gettext_noop("Set cut-offs with the observed bad rates of these bands, and calibrate again."),
    ),
    ("calibration_order", gettext_noop("Place no cut-off between the two bands until more outcomes are in.")),
    (
        "calibration_slices",
        gettext_noop("Watch these parts, and give them cut-offs of their own in the policy where it persists."),
    ),
    ("stability_score", gettext_noop("Find out which applicants are new. Train again if they are here to stay.")),
    ("stability_columns", gettext_noop("Check that these columns are still filled in as in training.")),
    ("stability_narratives", gettext_noop("Read some of the new narratives; watch what the text is worth.")),
    ("stability_months", gettext_noop("Look at what changed in these months: product, channel, form.")),
    (
        "text_worth_silent",
        gettext_noop("Ask applicants to write, or score those who do not by a model of columns alone."),
    ),
    ("text_worth", gettext_noop("Score by columns alone until more rows show a gain.")),
    ("source_worth", gettext_noop("Leave the source out where it costs money, and train again.")),
    ("policy_approves", gettext_noop("Move the cut-offs (policy file) to what the lender can bear.")),
    ("approved_worse", gettext_noop("Calibrate again, or lower the approve cut-off.")),
    ("policy_loses", gettext_noop("Lower the approve cut-off, or price the risk; the chapter proposes cut-offs.")),
    ("segment_loses", gettext_noop("Give these segments cut-offs of their own.")),
    ("policy_constraints", gettext_noop("Change the cut-offs or the constraints: they cannot both stand.")),
    ("policy_proposal", gettext_noop("Relax a constraint, or improve the model first.")),
    (
        "fairness_impact",
        gettext_noop("Find what drives the difference before use; test a less unequal cut-off or model."),
    ),
    (
        "fairness_opportunity",
        gettext_noop("Look at the good applicants who were declined, and at the columns that took points."),
    ),
    (
        "fairness_calibration",
        gettext_noop("Calibrate by group in review; do not raise any group's PD beyond its bad rate."),
    ),
    ("fairness_narratives", gettext_noop("See which sentences take points; consider to mask them (text.mask).")),
    ("fairness_sentences", gettext_noop("Mask these sentences in training (text.mask).")),
    ("fairness_masking", gettext_noop("Mask these sentences in training (text.mask).")),
    ("fairness_swap", gettext_noop("Read the changed applications; mask such words or train with more narratives.")),
    (
        "fairness_no_column",
        gettext_noop("Add sex, age or ethnicity to the file with the role protected, and evaluate again."),
    ),
    ("fairness_absent_columns", gettext_noop("Add the columns to the file, and evaluate again.")),
    (
        "fairness_proxy",
        gettext_noop("Have a person judge which narratives or columns stand for it; see `creditfusion probe`."),
    ),
)
"""What to do about a finding that is a concern or an alarm, by how its key begins; the first that fits counts."""


def with_actions(chapters: Iterable[Section]) -> tuple[Section, ...]:
    """The chapters, with what to do beside every concern and alarm."""
    return tuple(
        chapter.model_copy(update={"findings": tuple(_with_action(finding) for finding in chapter.findings)})
        for chapter in chapters
    )


def _with_action(finding: Finding) -> Finding:
    if finding.grade not in ("concern", "alarm"):
        return finding
    action = next((action for key, action in ACTIONS if finding.key.startswith(key)), "")
    return finding.model_copy(update={"action": gettext(action)})


def plots_of(chapters: Iterable[Section]) -> tuple[str, ...]:
    """The plots of the first pages that these chapters have."""
    drawn = {plot.key for chapter in chapters for plot in chapter.plots}
    return tuple(key for key in PLOTS if key in drawn)


def headline(findings: Sequence[Finding]) -> tuple[str, ...]:
    """The verdict in a sentence or two."""
    alarms = [finding for finding in findings if finding.grade == "alarm"]
    concerns = [finding for finding in findings if finding.grade == "concern"]
    if alarms:
        return (
            (
                gettext("Do not rely on this model before this is resolved: ")
                if len(alarms) == 1
                else gettext("Do not rely on this model before these are resolved: ")
            )
            + sentences(finding.title for finding in alarms),
        )
    if concerns:
        return (
            gettext("Nothing speaks against using the model as it is meant; {concerns} should be looked into.").format(
                concerns=count(len(concerns), "thing")
            ),
        )
    return (gettext("Every test of this report is passed."),)


def key_figures(scored: ScoredOutcomes) -> Table:
    """The headline figures with their intervals."""
    area, ks = auc_interval(scored.y, scored.margin), bootstrap(scored.y, scored.margin).ks
    bad = rate(float(scored.y.sum()), len(scored))
    approved = scored.approved
    passed = rate(float(scored.y[approved].sum()), int(approved.sum()))
    accepted = rate(float(approved.sum()), len(scored))
    rows = (
        ("AUC", _number(area), gettext("{ends}0.5 is a random order, 1 never errs").format(ends=_ends(area))),
        ("KS", _number(ks), gettext("{ends}0 separates no good from bad, 1 all of them").format(ends=_ends(ks))),
        (
            gettext("Mean PD"),
            percent(mean_share(scored.pd).value),
            gettext("observed {bad_value}, {percents}").format(bad_value=percent(bad.value), percents=_percents(bad)),
        ),
        (gettext("Approved"), percent(accepted.value, 0), cutoff_words(scored.policy)),
        (
            gettext("Bad, of those approved"),
            percent(passed.value) if passed.exists else "–",
            gettext("{percents}; of all {bad_value}").format(percents=_percents(passed), bad_value=percent(bad.value))
            if passed.exists
            else gettext("of all {bad_value}").format(bad_value=percent(bad.value)),
        ),
    )
    return key_figure_table(rows)


def _number(found: Estimate) -> str:
    return f"{found.value:.3f}" if found.exists else "–"


def _ends(found: Estimate) -> str:
    return (
        gettext("95 % interval {low} to {high}; ").format(low=number(found.low, 3), high=number(found.high, 3))
        if found.bounded
        else ""
    )


def _percents(found: Estimate) -> str:
    return gettext("95 % interval {low} to {high}").format(low=percent(found.low), high=percent(found.high))
