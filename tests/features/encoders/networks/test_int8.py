"""Products in eight bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from features.encoders.networks.int8 import Product, Reach, reaches
from features.encoders.opening import open_encoder
from tests.support.tiny_bert import tiny_bert


def test_a_product_in_steps_is_near_the_exact_one_though_a_channel_reaches_far() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 24)).astype(np.float32)
    x[:, 5] *= 40
    weight = random.normal(size=(16, 24)).astype(np.float32)
    product = Product.of(weight, Reach(x.min(0), x.max(0)))
    levels = np.clip(np.rint(x / product.factors / product.step) + product.zero, 0, 255) - product.zero
    found = levels * product.step @ (product.weight * product.weight_steps[:, None]).T
    exact = x @ weight.T
    assert np.sqrt(np.mean((found - exact) ** 2)) < 0.02 * np.sqrt(np.mean(exact**2))


def test_an_input_that_never_varies_has_a_step() -> None:
    product = Product.of(np.zeros((3, 2), np.float32), Reach(np.zeros(2, np.float32), np.zeros(2, np.float32)))
    assert product.step > 0
    assert np.isfinite(product.weight_steps).all()
    assert 0 <= product.zero <= 255


def test_the_reach_of_each_layers_inputs_is_that_of_its_tokens(tmp_path: Path) -> None:
    bert = open_encoder(str(tiny_bert(tmp_path / "bert")), precision="fp32", device="cpu", window=32).bert
    windows = [torch.tensor([2, 5, 6, 3]), torch.tensor([2, 9, 3])]
    first, second = reaches(bert, windows)
    with torch.inference_mode():
        entered = torch.cat([bert.embedding_norm(bert.words[one] + bert.places[: len(one)]) for one in windows]).numpy()
    np.testing.assert_allclose(first.qkv.least, entered.min(0), rtol=1e-5)
    np.testing.assert_allclose(first.qkv.most, entered.max(0), rtol=1e-5)
    assert second.up.most.shape == (32,)
    assert (second.out.least <= second.out.most).all()
