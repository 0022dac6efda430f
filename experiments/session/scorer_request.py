"""The model that a verb decides by, as it was named, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from experiments.session.second_models import SecondModels
from features.encoders.cache.file import Tell
from features.encoders.threads import use_threads
from fusion.scorer import Scorer, load_scorer
from fusion.text_encoder import VectorCache


@dataclass(frozen=True)
class ScorerRequest:
    """The model that a verb decides by, as it was named.

    Attributes:
        model: The bundle.
        encoder: Where its text encoder lies; None: where training found it.
        policy: File of the policy that decides; None: the bundle's.
        second: Second models.
        vectors: Opens the cache of narratives' vectors.
        threads: Processor threads; 0: as many as there are.
        reasons: At most so many stand beside every score.
    """

    model: Path
    encoder: str | None
    policy: Path | None
    second: tuple[str, ...]
    vectors: Callable[[Tell], VectorCache | None]
    threads: int
    reasons: int = 0

    def load(self, tell: Tell) -> tuple[Scorer, SecondModels]:
        """The model and its second models, with their threads set; raises ContractError as ``SecondModels.load`` and
        ``load_scorer`` do.

        tell: gets a sentence about whatever is found damaged in the cache.
        """
        use_threads(self.threads)
        vectors = self.vectors(tell)
        seconds = SecondModels.load(self.second, vectors, self.threads)
        scorer = load_scorer(
            self.model,
            encoder=self.encoder,
            cache=vectors,
            policy=self.policy,
            seconds=seconds.scorers,
            reasons=self.reasons,
            threads=self.threads,
        )
        return scorer, seconds
