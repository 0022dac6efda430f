"""Eight bits for a BERT's matrix products: what their inputs reach, and weights and inputs in steps.

Inputs get one step for all (per product), measured once on fixed texts: steps that followed the batch would make a
text's vector depend on its neighbours. A few channels reach much further than the rest, so a product's input is divided
by a factor per channel and its weights are multiplied by it, which evens both out (SmoothQuant, Xiao et al. 2022, with
alpha = .5). The input of the last matrix of a layer, behind the GELU, stays in floating point: its outliers stand in a
few tokens alone, and in eight bits it alone triples the error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from features.arrays import Floats32
from features.encoders.networks.bert import Bert, Layer, runs_of_length

LEVELS = 255
MOST = 127


@dataclass(frozen=True)
class Reach:
    """How far the input of a product goes.

    Attributes:
        least: float32 (n_in,), by channel.
        most: float32 (n_in,).
    """

    least: Floats32
    most: Floats32


@dataclass(frozen=True)
class LayerReach:
    """Of the inputs of a layer's products that are computed in eight bits."""

    qkv: Reach
    out: Reach
    up: Reach


@dataclass(frozen=True)
class Product:
    """A product in eight bits: x / factors in steps of ``step`` from ``zero``, times weights in steps of their own.

    Attributes:
        factors: float32 (n_in,).
        step: of the input.
        zero: the step that stands for 0, from 0 to 255.
        weight: int8 (n_out, n_in).
        weight_steps: float32 (n_out,).
    """

    factors: Floats32
    step: float
    zero: int
    weight: np.ndarray[tuple[int, ...], np.dtype[np.int8]]
    weight_steps: Floats32

    @staticmethod
    def of(weight: Floats32, reach: Reach) -> Product:
        """Of weights float32 (n_out, n_in) and what their input reaches."""
        furthest = np.maximum(np.maximum(-reach.least, reach.most), 1e-3)
        factors = np.sqrt(furthest / np.maximum(np.abs(weight).max(axis=0), 1e-5))
        least, most = min(0.0, float((reach.least / factors).min())), float((reach.most / factors).max())
        step = _rounded((max(most, 0.0) - least) / LEVELS)
        weight = weight * factors
        weight_steps = np.maximum(np.abs(weight).max(axis=1), 1e-12) / MOST
        levels = np.rint(weight / weight_steps[:, None]).astype(np.int8)
        return Product(factors.astype(np.float32), step, round(-least / step), levels, weight_steps.astype(np.float32))


def _rounded(step: float) -> float:
    """To three digits, so that another processor's rounding does not give another step."""
    return max(float(f"{step:.2e}"), 1e-6)


def reaches(bert: Bert, windows: Sequence[Tensor]) -> list[LayerReach]:
    """What the inputs of each layer's products reach while ``bert`` reads ``windows`` (token ids), in fp32."""
    lengths = [len(window) for window in windows]
    places = torch.cat([torch.arange(length) for length in lengths])
    found = []
    with torch.inference_mode():
        x = bert.embedding_norm(bert.words[torch.cat(list(windows))] + bert.places[places])
        for layer in bert.layers:
            x, reach = _through(bert, layer, x, runs_of_length(lengths))
            found.append(reach)
    return found


def _through(bert: Bert, layer: Layer, x: Tensor, runs: Sequence[tuple[int, int]]) -> tuple[Tensor, LayerReach]:
    attended = bert.attend(layer.qkv(x), runs)
    between = layer.out_norm(layer.out(attended).add_(x))
    after = layer.down_norm(layer.down(layer.up.gelu(between)).add_(between))
    return after, LayerReach(_reach(x), _reach(attended), _reach(between))


def _reach(x: Tensor) -> Reach:
    return Reach(x.amin(0).numpy(), x.amax(0).numpy())
