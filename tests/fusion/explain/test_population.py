from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logit

from fusion.config import Config, DecisionConfig, ExplainConfig
from fusion.explain.population import background_rows, describe_population
from tests.support.designs import SMALL, Trained, make_design

MARGIN = np.linspace(-4.0, 1.0, 101)


def config(background: str, share: float = 0.1, max_pd: float = 0.2) -> Config:
    explain = ExplainConfig.model_validate({"background": background, "near_share": share})
    return Config(explain=explain, decision=DecisionConfig(max_pd=max_pd))


def test_the_background_is_everybody_or_those_who_were_just_approved() -> None:
    columns = make_design(101).tabular
    assert background_rows(columns, MARGIN, config("all")) is columns
    near = background_rows(columns, MARGIN, config("near_cutoff"))
    approved = np.flatnonzero(logit(0.2) >= MARGIN)
    np.testing.assert_array_equal(near.x_num, columns.x_num[approved[-10:]])
    assert len(background_rows(columns, MARGIN, config("near_cutoff", share=1.0))) == len(approved)


def test_where_nobody_would_be_approved_the_background_is_everybody() -> None:
    columns = make_design(101).tabular
    assert background_rows(columns, MARGIN, config("near_cutoff", max_pd=0.001)) is columns


@pytest.mark.parametrize("most", [50, 700, 1000])
def test_the_population_is_bounded_and_contributions_add_up(trained: Trained, most: int) -> None:
    settings = SMALL.model_copy(update={"explain": ExplainConfig(max_rows=most)})
    margin = trained.out_of_fold.fused
    apart = np.arange(1400, dtype=np.float32).reshape(700, 2)
    population, base = describe_population(trained.model, trained.design, trained.y, margin, apart, settings)
    assert len(population) == len(population.columns) == min(most, 700)
    known = {value: at for at, value in enumerate(margin.tolist())}
    rows = np.array([known[value] for value in population.margin.tolist()])
    np.testing.assert_array_equal(population.bad, trained.y[rows] > 0.5)
    np.testing.assert_array_equal(population.distances, apart[rows])
    said = trained.model.predict(trained.design).margin[rows]
    np.testing.assert_allclose(base + population.contributions.sum(axis=1), said, rtol=0, atol=1e-5)
