"""The trained model that the tests of fusion share."""

from __future__ import annotations

import pytest

from fusion.model.training import fit
from tests.support.designs import SMALL, Trained, make_design, outcome, sample_of


@pytest.fixture(scope="session")
def trained() -> Trained:
    """A model of 700 rows whose outcome hangs on a column and on the narratives."""
    design = make_design(700)
    y = outcome(design)
    model, out_of_fold = fit(sample_of(design, y), SMALL)
    return Trained(model, out_of_fold, design, y)
