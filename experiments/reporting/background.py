"""What explanations of a model compare with, in words."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import logit

from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import sentences
from fusion.config import ExplainConfig

ADVICE = gettext_noop(
    "The starting score lies below the least that is approved, so an applicant may be declined although little speaks "
    "against them in particular. Where that matters, set explain.background to near_cutoff: reasons are then told "
    "against those who would just have been approved."
)


@dataclass(frozen=True)
class BackgroundRows:
    """How many rows there are: of the background, of the population that the bundle keeps, and in training."""

    n: int
    n_kept: int
    n_training: int

    @property
    def near(self) -> bool:
        """Whether the background is a part of the population, and so those who would just be approved."""
        return self.n < self.n_kept

    @property
    def drawn(self) -> bool:
        """Whether the population is a random part of the training applicants."""
        return self.n_kept < self.n_training

    @property
    def words(self) -> str:
        """Who they are."""
        if self.near:
            within = (
                gettext(", among a random {n_kept:,} of {n_training:,}").format(
                    n_kept=self.n_kept, n_training=self.n_training
                )
                if self.drawn
                else ""
            )
            return gettext(
                "the {n:,} training applicants who would just have been approved, their log-odds the nearest "
                "below the highest that is approved{within}"
            ).format(n=self.n, within=within)
        if self.drawn:
            return gettext("a random {n:,} of {n_training:,} training applicants").format(
                n=self.n, n_training=self.n_training
            )
        return gettext("{n:,} training applicants").format(n=self.n)


def in_words(rows: BackgroundRows, base: float, config: ExplainConfig, cutoff: float) -> str:
    """What the background is, what error it brings, and what to choose where it serves badly.

    Args:
        rows: counts of it.
        base: see ``fusion.explain.explanation.Explanation``.
        config: settings.
        cutoff: the PD up to which the deciding policy approves, of rows without cut-offs of their own.
    """
    parts = [
        gettext("An absent column is drawn from {words}; an absent narrative is the state of nothing written.").format(
            words=rows.words
        )
    ]
    if rows.drawn:
        parts.append(gettext("The base and all contributions carry the sampling error of that draw."))
    return sentences([*parts, *advice(base, config, cutoff)])


def advice(base: float, config: ExplainConfig, cutoff: float) -> list[str]:
    """Whether another background would serve better; at most one sentence or two."""
    low = config.background == "all" and base > logit(cutoff)
    return [gettext(ADVICE)] if low else []
