"""The work behind the endpoints: orders are answered and logged before anybody hears of it; the shadow follows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from data_schemas.errors import RunError, UserError
from experiments.serve.answers import ModelAnswer, ModelFacts, Rejected
from experiments.serve.decision_log import Decision, DecisionLog
from experiments.serve.scoring import Answers, Models, Order, RowAnswer, answer_orders, shadow_orders
from fusion.scorer import Scorer
from fusion.versions import package_versions


@dataclass(eq=False)
class Service:
    """Models and their decision log.

    Attributes:
        models: What scores.
        log: Where decisions are kept.
        trouble: Why decisions cannot be kept now; "" where they can.
        shadow_failures: Batches that the shadow could not score or log; they never hurt an answer.
    """

    models: Models
    log: DecisionLog
    trouble: str = ""
    shadow_failures: int = 0

    def decide(self, orders: Sequence[Order]) -> list[Answers]:
        """The answers to orders, logged; raises RunError where they cannot be logged, for then there is no decision."""
        answers = answer_orders(self.models, orders)
        made = [
            one
            for order, own in zip(orders, answers, strict=True)
            if isinstance(own, list)
            for one in self._decisions(order, own)
        ]
        try:
            self.log.append(made)
        except RunError as error:
            self.trouble = error.message
            raise
        self.trouble = ""
        return answers

    def shadow(self, orders: Sequence[Order]) -> None:
        """Let the shadow score the same applications and log what it would have decided."""
        try:
            answers = shadow_orders(self.models, orders)
            for order, own in zip(orders, answers, strict=True):
                if isinstance(own, list):
                    self.log.append(self._decisions(order, own))
        except (UserError, ValueError):
            self.shadow_failures += 1

    def _decisions(self, order: Order, answers: Sequence[RowAnswer]) -> list[Decision]:
        """What the log keeps of answers: of the shadow's also what it rejects, else the scored rows alone."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        ms = round((time.perf_counter() - order.received) * 1e3, 3)
        routing, found = self.models.routing, []
        for one in answers:
            scored = one.scored
            if scored is None and one.route != "shadow":
                continue
            broken = f"{one.result.column}:{one.result.rule}" if isinstance(one.result, Rejected) else ""
            found.append(
                Decision(
                    time=now,
                    id=one.row.id,
                    model=self.models.scorer(one.route).model_id,
                    route=one.route,
                    experiment=routing.experiment,
                    share=routing.share,
                    inputs=one.row.digest,
                    pd=scored.pd if scored else None,
                    score=scored.score if scored else None,
                    decision=scored.decision if scored else "",
                    refer_reason=scored.refer_reason if scored else "",
                    reasons=tuple(reason.code for reason in scored.reasons) if scored else (),
                    rejected=broken,
                    ms=ms,
                )
            )
        return found

    def facts(self) -> ModelAnswer:
        """What the model cards say first."""
        models = self.models
        return ModelAnswer(
            champion=_facts(models.champion, models),
            challenger=_facts(models.challenger, models) if models.challenger else None,
            shadow=_facts(models.shadow, models) if models.shadow else None,
            experiment=models.routing.experiment,
            share=models.routing.share,
            reasons=models.champion.n_reasons,
            version=package_versions().get("creditfusion", ""),
        )


def _facts(scorer: Scorer, models: Models) -> ModelFacts:
    made, schema = scorer.bundle.manifest.provenance, scorer.schema
    return ModelFacts(
        model=scorer.model_id,
        schema_name=schema.name,
        schema_title=schema.title,
        schema_digest=schema.digest,
        window=made.window,
        rows=made.n_rows,
        bad=made.n_bad,
        figures=made.figures,
        encoder=made.encoder_digest,
        policy=scorer.lenders_policy.digest if scorer.lenders_policy is not None else None,
        second_models={name: one.model_id for name, one in models.seconds.items()},
    )
