"""The carriers of the model's inputs check their own shapes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.arrays import Floats32
from features.design import Design, TextBlock
from tests.support.designs import make_design


def with_style(design: Design, n_style: int = 4) -> Design:
    """The same rows with a style that names its row, narrative and feature."""
    n, n_narratives = design.text.has_text.shape
    x_style = np.arange(n * n_narratives * n_style, dtype=np.float32).reshape(n, n_narratives, n_style)
    return replace(design, text=replace(design.text, x_style=x_style))


@pytest.mark.parametrize(
    "x_style",
    [
        np.zeros((5, 2, 4), np.float64),
        np.zeros((5, 2), np.float32),
        np.zeros((4, 2, 4), np.float32),
        np.zeros((5, 1, 4), np.float32),
    ],
)
def test_style_that_does_not_fit_the_narratives_is_refused(x_style: Floats32) -> None:
    text = make_design(5).text
    assert text.has_text.shape == (5, 2)
    assert text.x_style.shape == (5, 2, 0)
    with pytest.raises(ValueError, match=r"x_style must be float32 \(5, 2\) by features"):
        replace(text, x_style=x_style)


def test_style_goes_with_its_rows() -> None:
    design = with_style(make_design(6))
    first, last = np.array([0, 2]), np.array([5])
    joined = Design.concat([design.take(first), design.take(last)])
    np.testing.assert_array_equal(joined.text.x_style, design.text.x_style[[0, 2, 5]])


def test_no_narratives_have_no_style() -> None:
    assert TextBlock.empty(3).x_style.shape == (3, 0, 0)
