"""The colours of pictures for every eye: contrast, and how colour-blind people see them."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.colors import to_rgb

from experiments.reporting.charts import BLUE, INK, MUTED, RED
from experiments.validate.chapters.stability.tables import SHADES

Rgb = npt.NDArray[np.float64]

COLOUR_MATRICES = {
    "all cones": np.eye(3),
    "no long cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no middle cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no short cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
"""Of linear RGB: Machado, Oliveira and Fernandes, IEEE Transactions on Visualization and Computer Graphics 2009."""
TO_XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
APART = 20.0  # CIE 1976 colour difference; 2.3 is just noticeable side by side


def linear(colour: str | tuple[float, float, float]) -> Rgb:
    rgb: Rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: Rgb) -> Rgb:
    xyz = np.array(TO_XYZ) @ rgb / np.array([0.9505, 1.0, 1.089])
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(one: str, other: str, eye: str) -> float:
    matrix = np.array(COLOUR_MATRICES[eye])
    first, second = (lab(np.clip(matrix @ linear(colour), 0, 1)) for colour in (one, other))
    return float(np.linalg.norm(first - second))


def contrast(colour: str) -> float:
    """On white, by WCAG 2."""
    return float(1.05 / (np.array(TO_XYZ[1]) @ linear(colour) + 0.05))


@pytest.mark.parametrize("eye", COLOUR_MATRICES)
def test_lines_of_one_picture_differ_for_every_eye(eye: str) -> None:
    for one, other in combinations((INK, MUTED, BLUE, RED), 2):
        assert difference(one, other, eye) > APART, (one, other)


@pytest.mark.parametrize("eye", COLOUR_MATRICES)
def test_shades_of_the_picture_by_month_grow_darker_for_every_eye(eye: str) -> None:
    shades = [to_rgb(SHADES(at)) for at in range(SHADES.N)]
    lightness = [lab(np.clip(np.array(COLOUR_MATRICES[eye]) @ linear(shade), 0, 1))[0] for shade in shades]
    assert all(light - dark > 6 for light, dark in pairwise(lightness)), lightness


def test_letters_and_lines_stand_out_from_white() -> None:
    assert min(contrast(colour) for colour in (INK, MUTED)) >= 4.5
    assert min(contrast(colour) for colour in (BLUE, RED)) >= 4.5
