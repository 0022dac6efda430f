"""The report of a studied application for the validator: every contribution, and what makes them again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from scipy.special import expit

from experiments.explain.cases import Case
from experiments.explain.deciding import deciding_policy, refer_reasons
from experiments.explain.facts import facts
from experiments.explain.report_content import Reporter
from experiments.explain.statements import statements_of
from experiments.reporting.background import in_words
from experiments.reporting.decision.underwriter import Narrative
from experiments.reporting.decision.validator import (
    Ablation,
    Background,
    Contribution,
    Digests,
    SentenceContribution,
    ValidatorReport,
)
from experiments.reporting.language import Language, gettext_noop, speaking
from experiments.reporting.parts import Fact
from fusion.explain.explanation import to_points
from fusion.scorer import SEED
from fusion.versions import package_versions


def validator_report(reporter: Reporter, case: Case) -> ValidatorReport:
    """Every contribution and all that is needed to make them again."""
    explanation, scale = case.explanation, reporter.bundle.config.scale
    contributions = _contributions(reporter, case)
    total = explanation.base + sum(part.log_odds for part in contributions)
    outcomes, margin = case.outcomes, case.outcomes.fused.margin
    language = reporter.heading.language
    ablations = {
        gettext_noop("columns only"): outcomes.columns_only.margin,
        gettext_noop("narratives only"): outcomes.text_only,
    }
    if case.narratives_written:
        ablations[gettext_noop("this model, nothing written")] = outcomes.silent.margin
    return ValidatorReport(
        subject=reporter.subject(case),
        result=reporter.result(outcomes.fused),
        margin=margin,
        base=explanation.base,
        starting_score=reporter.score(explanation.base),
        total=total,
        reconciliation=total - margin,
        points_per_log_odds=float(to_points(np.ones(1), scale)[0]),
        background=_background(reporter, explanation.base),
        contributions=contributions,
        sentences=_sentence_contributions(reporter, case),
        sentence_method=reporter.method(case),
        seed=SEED,
        ablations=tuple(Ablation(name=name, margin=value, pd=float(expit(value))) for name, value in ablations.items()),
        digests=_digests(reporter),
        versions=_versions(reporter),
        command=reporter.heading.command_for(case.id),
        sources=reporter.sources(case),
        policy=deciding_policy(reporter.study.scorer, case, language),
        refer_reasons=refer_reasons(case, reporter.study.scorer.deciding_policy, language),
    )


def _contributions(reporter: Reporter, case: Case) -> tuple[Contribution, ...]:
    """Columns, then narratives; nothing of them is sampled, so their standard errors are 0."""
    explanation = case.explanation
    language = reporter.heading.language
    extents = {narrative.name: _extent(narrative, language) for narrative in reporter.narratives(case)}
    known = facts(case, language) | extents
    stated = statements_of(case, reporter.points)
    whole = np.concatenate([explanation.columns[0], explanation.narratives[0]])
    rows = zip(
        (*explanation.column_names, *explanation.narrative_names),
        whole.tolist(),
        reporter.points(whole),
        explanation.from_trees[0].tolist(),
        strict=True,
    )
    return tuple(
        Contribution(
            kind="column" if number < len(explanation.column_names) else "narrative",
            name=name,
            fact=known[name],
            log_odds=log_odds,
            points=points,
            error=0.0,
            stacker=from_trees,
            head=log_odds - from_trees,
            source=reporter.source_of(name),
            statements=stated.get(name, ()),
        )
        for number, (name, log_odds, points, from_trees) in enumerate(rows)
    )


def _sentence_contributions(reporter: Reporter, case: Case) -> tuple[SentenceContribution, ...]:
    """Every sentence, in log-odds."""
    explanation, concepts, language = case.explanation, reporter.bundle.schema.concepts, reporter.heading.language
    points, found = reporter.points(explanation.sentences), []
    place: dict[int, int] = {}
    for at, (text, narrative) in enumerate(
        zip(explanation.block.text, explanation.block.narrative.tolist(), strict=True)
    ):
        place[narrative] = place.get(narrative, 0) + 1
        concept = case.matches.concept[at]
        found.append(
            SentenceContribution(
                narrative=explanation.narrative_names[narrative],
                place=place[narrative],
                text=text.strip(),
                concept=language.gettext(concepts[concept].name) if concept >= 0 else None,
                similarity=float(str(case.matches.similarity[at])) if concepts else None,
                sensitive=tuple(language.gettext(kind) for kind in sorted(case.matches.sensitive[at])),
                log_odds=float(explanation.sentences[at]),
                points=points[at],
                error=float(explanation.sentence_error[at]),
                n_orders=int(explanation.orders[at]),
                exact=bool(explanation.exact[at]),
            )
        )
    return tuple(found)


def _background(reporter: Reporter, base: float) -> Background:
    """What absent columns are drawn from."""
    rows = reporter.background_rows
    cutoff = reporter.study.scorer.deciding_policy.cutoffs.approve
    with speaking(reporter.heading.language):
        words = in_words(rows, base, reporter.bundle.config.explain, cutoff)
    return Background(kind="near_cut_off" if rows.near else "all", n_rows=rows.n, words=words)


def _digests(reporter: Reporter) -> Digests:
    """What the model was made of."""
    manifest = reporter.bundle.manifest
    source = manifest.provenance
    return Digests(
        model=hashlib.sha256(manifest.to_bytes()).hexdigest(),
        schema_=source.schema_digest,
        config=source.config_digest,
        data=source.data_digest,
        encoder=source.encoder_digest,
    )


def _versions(reporter: Reporter) -> dict[str, str]:
    """Versions that made this report, and beside them those that trained the model, where they differ."""
    now: Mapping[str, str] = package_versions()
    then = reporter.bundle.manifest.provenance.versions
    before = reporter.heading.language.gettext("{name} in training")
    return {**now, **{before.format(name=name): was for name, was in then.items() if now.get(name) != was}}


def _extent(narrative: Narrative, language: Language) -> Fact:
    """How much was written; the sentences themselves stand in their own table."""
    n = len(narrative.sentences)
    words = language.ngettext("{n} sentence", "{n} sentences", n).format(n=n)
    return Fact(title=narrative.title, value=words if n else None)
