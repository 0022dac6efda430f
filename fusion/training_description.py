"""What a bundle keeps of the applicants that a model learned from."""

from __future__ import annotations

from dataclasses import dataclass

from features.arrays import Floats
from features.design import Design
from fusion.config import Config
from fusion.explain.population import Population, describe_population, sampled_rows
from fusion.model.fusion_model import FusionModel
from fusion.validation.text_drift import Reference, describe_texts, distances


@dataclass(frozen=True)
class TrainingDescription:
    """The applicants that a model learned from.

    Attributes:
        population: them without their narratives, for explanations.
        base: where explanations begin (``Explainer.base``).
        reference: what their narratives were like, for drift.
    """

    population: Population
    base: float
    reference: Reference


def describe_training(
    model: FusionModel, design: Design, y: Floats, margin: Floats, config: Config, cutoffs: Floats
) -> TrainingDescription:
    """Describe the training rows of a model, at most ``config.explain.max_rows`` of them, drawn at random.

    Args:
        model: the model.
        design: its training rows.
        y: float64 (n,), their outcomes.
        margin: float64 (n,), out-of-fold log-odds.
        config: settings.
        cutoffs: float64 (n,), the PD up to which each of the rows is approved.
    """
    reference = describe_texts(design.text, sampled_rows(len(design), config))
    apart = distances(reference, design.text)
    population, base = describe_population(model, design, y, margin, apart, config, cutoffs)
    return TrainingDescription(population, base, reference)
