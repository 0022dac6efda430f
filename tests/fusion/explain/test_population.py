from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logit

from fusion.config import ExplainConfig
from fusion.explain.population import background_rows, describe_population
from tests.support.designs import SMALL, Trained, make_design

MARGIN = np.linspace(-4.0, 1.0, 101)


CUTOFFS = np.full(101, 0.2)


def config(background: str, share: float = 0.1) -> ExplainConfig:
    return ExplainConfig.model_validate({"background": background, "near_share": share})


def test_the_background_is_everybody_or_those_who_were_just_approved() -> None:
    columns = make_design(101).tabular
    assert background_rows(columns, MARGIN, config("all"), CUTOFFS) is columns
    near = background_rows(columns, MARGIN, config("near_cutoff"), CUTOFFS)
    approved = np.flatnonzero(logit(0.2) >= MARGIN)
    np.testing.assert_array_equal(near.x_num, columns.x_num[approved[-10:]])
    assert len(background_rows(columns, MARGIN, config("near_cutoff", share=1.0), CUTOFFS)) == len(approved)


def test_the_background_near_the_cut_off_follows_each_rows_own_cut_off() -> None:
    columns = make_design(101).tabular
    cutoffs = np.where(np.arange(101) < 50, 0.02, 0.2)  # log-odds -3.89 and -1.386; the margins rise from -4 to 1
    near = background_rows(columns, MARGIN, config("near_cutoff", share=0.04), cutoffs)
    above = MARGIN - logit(cutoffs)
    nearest = np.sort([at for at in np.argsort(-above, kind="stable") if above[at] <= 0.0][:4])
    assert set(nearest) & {0, 1, 2}
    assert set(nearest) - {0, 1, 2}
    np.testing.assert_array_equal(near.x_num, columns.x_num[nearest])


def test_where_nobody_would_be_approved_the_background_is_everybody() -> None:
    columns = make_design(101).tabular
    assert background_rows(columns, MARGIN, config("near_cutoff"), np.full(101, 0.001)) is columns


@pytest.mark.parametrize("most", [50, 700, 1000])
def test_the_population_is_bounded_and_contributions_add_up(trained: Trained, most: int) -> None:
    settings = SMALL.model_copy(update={"explain": ExplainConfig(max_rows=most)})
    margin = trained.out_of_fold.fused
    apart = np.arange(1400, dtype=np.float32).reshape(700, 2)
    population, base = describe_population(
        trained.model, trained.design, trained.y, margin, apart, settings, np.full(700, 0.2)
    )
    assert len(population) == len(population.columns) == min(most, 700)
    known = {value: at for at, value in enumerate(margin.tolist())}
    rows = np.array([known[value] for value in population.margin.tolist()])
    np.testing.assert_array_equal(population.bad, trained.y[rows] > 0.5)
    np.testing.assert_array_equal(population.distances, apart[rows])
    predicted = trained.model.predict(trained.design).margin[rows]
    np.testing.assert_allclose(base + population.contributions.sum(axis=1), predicted, rtol=0, atol=1e-5)
