"""What the tests of fusion share: one trained model, and one core."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from threadpoolctl import ThreadpoolController

from fusion.model.training import fit
from tests.support.designs import SMALL, Trained, make_design, outcome, sample_of


@pytest.fixture(scope="session")
def thread_pools() -> ThreadpoolController:
    """The thread pools of the process."""
    return ThreadpoolController()


@pytest.fixture(autouse=True)
def one_core(thread_pools: ThreadpoolController) -> Iterator[None]:
    """Small fits are quicker on one core, the more so beside other work."""
    with thread_pools.limit(limits=1):
        yield


@pytest.fixture(scope="session")
def trained() -> Trained:
    """A model of 700 rows whose outcome hangs on a column and on the narratives."""
    design = make_design(700)
    y = outcome(design)
    model, out_of_fold = fit(sample_of(design, y), SMALL)
    return Trained(model, out_of_fold, design, y)
