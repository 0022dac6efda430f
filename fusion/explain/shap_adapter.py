"""Explanations as shap's own object, so that shap's plots draw them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.design import Design
from fusion.explain.explanation import Explanation

if TYPE_CHECKING:
    import shap


def to_shap(explanation: Explanation, design: Design) -> shap.Explanation:
    """The contributions of columns and narratives, in log-odds of bad, as ``shap.Explanation`` of n rows.

    Its ``data`` is what the model saw of ``design``, the rows that were explained: numbers, codes of levels, and for a
    narrative 1 where something was written and 0 where nothing was. Sentences have no place in it.
    Raises ValueError when ``design`` has other rows.
    """
    if len(design) != len(explanation):
        raise ValueError(f"{len(design)} rows beside the explanation of {len(explanation)}")
    from shap import Explanation as ShapExplanation  # takes seconds

    return ShapExplanation(
        values=np.hstack([explanation.columns, explanation.narratives]),
        base_values=np.full(len(explanation), explanation.base),
        data=np.hstack([design.tabular.x_num, design.tabular.x_cat, design.text.has_text]).astype(np.float64),
        feature_names=[*explanation.column_names, *explanation.narrative_names],
    )
