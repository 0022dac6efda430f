"""A comparison: two models and files in, one document out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from data_schemas.errors import ContractError
from experiments.compare import front, net_benefit, shadow_test, swap_sets, verdict
from experiments.compare.pair import Pair, pair
from experiments.compare.rows import CHALLENGER, CHAMPION, ComparedFiles, PairedRows, read_pair
from experiments.compare.validation_chapters import (
    calibration_chapter,
    discrimination_chapter,
    months_chapter,
    segments_chapter,
)
from experiments.reporting.document import Document, Section
from experiments.reporting.html import GRADES
from experiments.reporting.language import gettext
from experiments.reporting.model_name import name_and_digest
from experiments.reporting.words import number, percent
from experiments.session.run import Run
from experiments.session.second_models import NO_SECOND_MODELS, RowPlaces, SecondModels
from experiments.validate.card import origin
from experiments.validate.scored_outcomes import ScoredOutcomes, score_outcomes
from experiments.validate.slices import month_cut, segment_cuts
from features.tables.csv_records import data_digest
from fusion.scorer import Scorer
from fusion.validation.power import ALPHA

COMPARISON = "comparison"


@dataclass(frozen=True)
class ComparisonRequest:
    """What to compare.

    Attributes:
        files: what to read.
        approval_rate: share that each model approves; None for what the champion's policy approves.
        powers: of the shadow test.
        segments: columns of the champion's schema to divide the rows by; empty for those that it suggests.
        made_on: the day the report was made.
    """

    files: ComparedFiles
    approval_rate: float | None
    powers: tuple[float, ...]
    segments: tuple[str, ...]
    made_on: date


@dataclass(frozen=True)
class ComparisonResult:
    """What a comparison gave."""

    pair: Pair
    rows: PairedRows
    document: Document


def compare_models(
    champion: Scorer,
    challenger: Scorer,
    order: ComparisonRequest,
    run: Run,
    second_models: SecondModels = NO_SECOND_MODELS,
) -> ComparisonResult:
    """Compare two models on decided applications.

    Raises ContractError for a segment that does not fit the schema, an approval rate or power out of range, and as
    ``read_pair`` does.
    """
    check_order(order)
    digest = data_digest(order.files.paths)
    rows = read_pair(champion.bundle.schema, challenger.bundle.schema, order.files, run)
    places = RowPlaces(rows.file, rows.champion.row_number)
    seconds = second_models.beside(order.files.paths, order.files.options, places, run)
    one = score_outcomes(champion, rows.champion, run, seconds)
    same = champion.bundle.manifest.model_id == challenger.bundle.manifest.model_id
    other = one if same else score_outcomes(challenger, rows.challenger, run, seconds)
    with run.stage("compare") as advance:
        found = pair(one, other, order.approval_rate, order.powers)
        chapters = chapters_of(found, rows, order)
        advance(len(found))
    document = comparison(found, order, chapters, digest)
    return ComparisonResult(found, rows, document)


def check_order(order: ComparisonRequest) -> None:
    """Raise ContractError for an approval rate or a power that is none."""
    if order.approval_rate is not None and not 0 < order.approval_rate < 1:
        raise ContractError(
            f"--approval-rate {order.approval_rate} is no share", "Give a number between 0 and 1, such as 0.8."
        )
    for power in order.powers:
        if not ALPHA < power < 1:
            raise ContractError(f"--power {power} is no power", f"Give a number between {ALPHA} and 1, such as 0.8.")


def chapters_of(found: Pair, rows: PairedRows, order: ComparisonRequest) -> list[Section]:
    """Every chapter, in its order."""
    return [
        verdict.chapter(found, rows),
        discrimination_chapter(found),
        calibration_chapter(found),
        swap_sets.chapter(found),
        net_benefit.chapter(found),
        segments_chapter(found, segment_cuts(found.champion, order.segments)),
        months_chapter(found, month_cut(found.champion)),
        shadow_test.chapter(found),
    ]


def comparison(found: Pair, order: ComparisonRequest, chapters: list[Section], digest: str) -> Document:
    """The document."""
    return Document(
        report="comparison",
        title=gettext(found.champion.model.bundle.schema.title),
        kicker=gettext("Champion and challenger compared"),
        made_on=order.made_on,
        facts={
            gettext("Champion"): _learned(found.champion),
            gettext("Challenger"): _learned(found.challenger),
            gettext("Compared on"): ", ".join(path.name for path in order.files.paths),
            gettext("Rows"): gettext("{found}, {n_bad} bad").format(
                found=number(len(found)), n_bad=number(found.comparison.n_bad)
            ),
            gettext("Decided"): found.champion.decided,
            gettext("Compared at"): gettext("{approval_rate} approved by each").format(
                approval_rate=percent(found.swaps.approval_rate, 1)
            )
            + (
                gettext(", decline above a PD of {cutoff}{own}").format(
                    cutoff=percent(found.cutoff, 1), own=gettext(net_benefit.OWN) if found.segmented else ""
                )
                if found.cutoff is not None
                else ""
            ),
        },
        headline=front.headline(found),
        key_figures=front.key_figures(found),
        sections=tuple(chapters),
        origin=origins(found) | {gettext("files compared sha256"): digest},
    )


def _learned(scored: ScoredOutcomes) -> str:
    made = scored.model.bundle.manifest.provenance
    return gettext("{name_and_digest}, {n_rows} applications").format(
        name_and_digest=name_and_digest(scored.model.bundle), n_rows=number(made.n_rows)
    )


def origins(found: Pair) -> dict[str, str]:
    """Versions and digests of both."""
    return {
        f"{gettext(name)}: {key}": value
        for scored, name in ((found.champion, CHAMPION), (found.challenger, CHALLENGER))
        for key, value in origin(scored.model.bundle).items()
    }


def summary(found: ComparisonResult) -> Mapping[str, object]:
    """Every figure to its last digit, for machines."""
    both, swaps = found.pair.comparison, found.pair.swaps
    findings = found.document.findings()
    return counts(found) | {
        "rejected_by_rule": dict(Counter(found.rows.rejects["rule"])),
        "auc": vars(both.auc) | {"champion": both.champion.auc, "challenger": both.challenger.auc},
        "brier": vars(both.brier) | {"champion": both.champion.brier, "challenger": both.challenger.brier},
        "spearman": both.spearman,
        "swap_sets": {
            "approval_rate": swaps.approval_rate,
            "swapped": swaps.swapped_in.n,
            "bad_rate_swapped_out": vars(swaps.swapped_out.rate),
            "bad_rate_swapped_in": vars(swaps.swapped_in.rate),
            "gain": vars(swaps.gain),
        },
        "net_benefit": {"cutoff": found.pair.cutoff, "gain": vars(found.pair.worth)},
        "shadow_test": [vars(need) for need in found.pair.plan],
        "findings": [{"key": one.key, "grade": one.grade, "title": one.title} for one in findings],
    }


def lines(found: ComparisonResult) -> Mapping[str, object]:
    """The same for people."""
    document = found.document
    return counts(found) | {
        "verdict": document.headline[0],
        "findings": {f"{at}. {GRADES[one.grade]}": one.title for at, one in enumerate(document.findings(), 1)},
    }


def counts(found: ComparisonResult) -> dict[str, object]:
    """Which models, and what became of the rows."""
    ids = [one.model.bundle.manifest.model_id for one in (found.pair.champion, found.pair.challenger)]
    rows = found.rows
    return {
        "champion": ids[0],
        "challenger": ids[1],
        "rows": rows.n_rows,
        "compared": len(rows),
        "bad": found.pair.comparison.n_bad,
        "rejected": rows.n_rejected,
        "undecided": rows.n_undecided,
        "before_since": rows.n_before,
        "undated": rows.n_undated,
    }
