"""A scorer without a model: a rule gives the margins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scipy.special import expit

from data_schemas.contract import Schema
from features.arrays import Floats
from features.batches.column_counts import Counts
from features.batches.warnings import ColumnWarning
from features.tables.applications import Applications
from fusion.answers import Answer
from fusion.config import Config, DecisionConfig
from fusion.model.fusion_model import Scores
from fusion.monitor import Monitor
from fusion.policy.policy import Policy, Seconds, decide_all, default_policy


@dataclass(frozen=True)
class RuleScorer:
    """What ``score_file`` needs of a model (``experiments.score.answering.RowScorer``), answered by ``rule``."""

    schema: Schema
    rule: Callable[[Applications, Monitor], Answer]
    model_id: str = "m1"
    encoder_digest: str = "e1"
    lenders_policy: Policy | None = None
    n_reasons: int = 0
    unlike: Callable[[Counts], tuple[ColumnWarning, ...]] = lambda _: ()
    on_begin: Callable[[Applications, Monitor], None] = lambda *_: None

    def unlike_training(self, counts: Counts) -> tuple[ColumnWarning, ...]:
        return self.unlike(counts)

    def begin(self, applications: Applications, monitor: Monitor) -> Callable[[Seconds], Answer]:
        self.on_begin(applications, monitor)

        def answer(seconds: Seconds) -> Answer:
            assert not seconds
            return self.rule(applications, monitor)

        return answer


def answer_of(applications: Applications, margin: Floats, score: Floats, quality: Sequence[str]) -> Answer:
    """The answer to applications with these margins, declined above a PD of 0.2."""
    pd = expit(margin)
    decisions = decide_all(default_policy(Config(decision=DecisionConfig(max_pd=0.2))), applications, pd, quality)
    return Answer(Scores(margin, pd, score), decisions, tuple(quality))
