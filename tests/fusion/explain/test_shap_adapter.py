from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

from fusion.explain.attribution import Explainer
from fusion.explain.shap_adapter import to_shap
from fusion.model.training import fit
from tests.support.designs import WITH_COMPONENTS, Trained, make_design, outcome, sample_of
from tests.support.logged import make_with_sentences

mpl.use("Agg")


def test_shap_draws_an_explanation(trained: Trained) -> None:
    design, block = make_with_sentences(40, seed=5)
    explanation = Explainer.of(trained.model, trained.design.tabular).explain(design, block)
    shap_values = to_shap(explanation, design)
    assert shap_values.shape == (40, 8)
    assert list(shap_values.feature_names) == [
        "number_0",
        "number_1",
        "number_2",
        "number_3",
        "level_0",
        "level_1",
        *design.text.names,
    ]
    assert np.abs(shap_values.values.sum(axis=1) + shap_values.base_values - explanation.margin).max() < 1e-6
    assert set(np.unique(shap_values.data[:, 6:])) == {0.0, 1.0}

    import shap
    from matplotlib import pyplot as plt

    for plot, rows in ((shap.plots.waterfall, shap_values[0]), (shap.plots.beeswarm, shap_values)):
        figure = plt.figure()
        plot(rows, show=False)
        drawn = {text.get_text() for axes in plt.gcf().axes for text in axes.get_yticklabels()}
        assert any("number_0" in text for text in drawn)
        plt.close(plt.gcf())
        plt.close(figure)


def test_a_narrative_is_one_feature_however_many_columns_of_it_the_trees_use() -> None:
    design, block = make_with_sentences(300)
    model, _ = fit(sample_of(design, outcome(design)), WITH_COMPONENTS)
    explanation = Explainer.of(model, design.tabular).explain(design, block)
    shap_values = to_shap(explanation, design)
    assert shap_values.shape == (300, 8)
    assert np.abs(shap_values.values.sum(axis=1) + shap_values.base_values - explanation.margin).max() < 1e-6


def test_other_rows_are_refused(trained: Trained) -> None:
    design, block = make_with_sentences(3, seed=5)
    explanation = Explainer.of(trained.model, trained.design.tabular).explain(design, block)
    with pytest.raises(ValueError, match="2 rows beside the explanation of 3"):
        to_shap(explanation, make_design(2))
