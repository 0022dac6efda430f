"""A BERT encoder as an ONNX graph, which ONNX Runtime and OpenVINO both read.

It begins behind the embeddings, so that a large vocabulary is held once. Inputs: ``x`` float32 (rows, length, dim) and
``mask`` float32 (rows, 1, length, length), added to the attention's scores; output: float32 (rows, length, dim).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from features.arrays import Floats32
from features.encoders.networks.bert import BertShape
from features.encoders.networks.int8 import LayerReach, Product, Reach

OPSET, IR_VERSION = 23, 11  # the first opset with attention as one node, and the format that goes with it
X, MASK = "x", "mask"


def bert_graph(weights: Mapping[str, Tensor], shape: BertShape, reach: Sequence[LayerReach] | None = None) -> bytes:
    """The graph of a state dict of ``transformers.BertModel``; raises KeyError naming a missing tensor.

    reach: what the inputs of each layer's products reach, for products in eight bits; None: all in floating point.
    """
    graph = _Graph(weights, shape)
    x = X
    for number in range(shape.n_layers):
        x = graph.layer(x, f"encoder.layer.{number}", None if reach is None else reach[number])
    size: list[str | int | None] = ["rows", "length", shape.dim]
    described = helper.make_graph(
        graph.nodes,
        "bert",
        [
            helper.make_tensor_value_info(X, TensorProto.FLOAT, size),
            helper.make_tensor_value_info(MASK, TensorProto.FLOAT, ["rows", 1, "length", "length"]),
        ],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, size)],
        graph.constants,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(described, opset_imports=opsets, ir_version=IR_VERSION)
    return bytes(model.SerializeToString())


@dataclass
class _Graph:
    """Grows node by node; every method that adds some returns the name of its output."""

    weights: Mapping[str, Tensor]
    shape: BertShape
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def layer(self, x: str, at: str, reach: LayerReach | None) -> str:
        """One transformer layer."""
        own = (f"{at}.attention.self.{name}" for name in ("query", "key", "value"))
        qkv = self._affine(x, tuple(own), None if reach is None else reach.qkv)
        thirds = self._constant(np.full(3, self.shape.dim, np.int64))
        n_heads = self.shape.n_heads
        parts = [f"{at}.{name}" for name in ("q", "k", "v")]
        self.nodes.append(helper.make_node("Split", [qkv, thirds], parts, axis=-1))
        attended = self._node("Attention", *parts, MASK, q_num_heads=n_heads, kv_num_heads=n_heads)
        out = self._affine(attended, (f"{at}.attention.output.dense",), None if reach is None else reach.out)
        x = self._norm(self._node("Add", out, x), f"{at}.attention.output.LayerNorm")
        up = self._node("Gelu", self._affine(x, (f"{at}.intermediate.dense",), None if reach is None else reach.up))
        down = self._affine(up, (f"{at}.output.dense",), None)
        return self._norm(self._node("Add", down, x), f"{at}.output.LayerNorm")

    def _affine(self, x: str, names: Sequence[str], reach: Reach | None) -> str:
        weight, bias = (
            np.concatenate([self._tensor(f"{name}.{kind}") for name in names]) for kind in ("weight", "bias")
        )
        if reach is None:
            product = self._node("MatMul", x, self._constant(np.ascontiguousarray(weight.T)))
        else:
            product = self._in_eight_bits(x, Product.of(weight, reach))
        return self._node("Add", product, self._constant(bias))

    def _in_eight_bits(self, x: str, product: Product) -> str:
        evened = self._node("Mul", x, self._constant(1 / product.factors))
        scale = self._constant(np.array(product.step, np.float32)), self._constant(np.array(product.zero, np.uint8))
        x = self._node("DequantizeLinear", self._node("QuantizeLinear", evened, *scale), *scale)
        levels = self._constant(np.ascontiguousarray(product.weight.T))
        weight = self._node("DequantizeLinear", levels, self._constant(product.weight_steps), axis=1)
        return self._node("MatMul", x, weight)

    def _norm(self, x: str, name: str) -> str:
        weight, bias = (self._constant(self._tensor(f"{name}.{kind}")) for kind in ("weight", "bias"))
        return self._node("LayerNormalization", x, weight, bias, epsilon=self.shape.norm_eps, axis=-1)

    def _tensor(self, name: str) -> Floats32:
        return self.weights[name].float().numpy()

    def _constant(self, values: NDArray[np.generic]) -> str:
        name = f"constant {len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def _node(self, kind: str, *inputs: str, **attributes: float) -> str:
        name = f"{kind} {len(self.nodes)}"
        node = helper.make_node(kind, list(inputs), [name])
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return name
