"""What each source of a schema gives to a score: the contributions of all that is made of its records."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from data_schemas.contract import Schema
from data_schemas.sources import APPLICATION
from features.arrays import Floats
from fusion.explain.explanation import Explanation


def owner(schema: Schema, name: str) -> str:
    """The source with which a column or narrative counts, or ``APPLICATION``.

    A derived feature counts with the first source of which it is made.
    """
    return next(iter(schema.sources_of(name)), APPLICATION)


def source_names(schema: Schema) -> tuple[str, ...]:
    """The application itself, then each source; nothing for a schema without sources."""
    return (APPLICATION, *(one.name for one in schema.sources)) if schema.sources else ()


def source_log_odds(explanation: Explanation, schema: Schema) -> Mapping[str, Floats]:
    """Contributions in log-odds of bad, float64 (n,) each, of the application itself, then of each source; with
    ``explanation.base`` they add up to the margin. Nothing for a schema without sources.
    """
    found = {name: np.zeros(len(explanation)) for name in source_names(schema)}
    if found:
        parts = [*explanation.columns.T, *explanation.narratives.T]
        names = (*explanation.column_names, *explanation.narrative_names)
        for name, part in zip(names, parts, strict=True):  # one by one: no row's digits hang on the others
            found[owner(schema, name)] += part
    return found
