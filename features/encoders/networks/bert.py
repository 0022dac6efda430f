"""The forward pass of a BERT encoder over a stream of tokens, without padding and without a batch.

A text's vector must not depend on who else is encoded with it, to the last bit. Ordinary batches break that: their
shape follows the neighbours, and matrix kernels round differently for different shapes. Here every step is either per
token, and then runs in tiles of one fixed number of rows, or attention, and then sees texts of exactly one length. Both
give a token the same bits wherever it stands. It is also faster: nothing is computed for padding, a tile stays in
the core's cache from one attention to the next, and the weights are laid out once for the kernels that read them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the name everyone knows)
from torch import Tensor

from data_schemas.errors import ContractError
from features.encoders.networks.unpadded import attend_unpadded, attends_unpadded

CPU_TILE = 256
CUDA_TILE = 4096
CPU_BATCH = 4096
CUDA_BATCH = 65536
ATTENTION_SCORES = 2**19


@dataclass(frozen=True)
class BertShape:
    """What the weights alone do not show. max_tokens: positions the model knows."""

    n_layers: int
    n_heads: int
    dim: int
    max_tokens: int
    norm_eps: float

    @staticmethod
    def of(config: Mapping[str, object], origin: str) -> BertShape:
        """The shape in a ``config.json``; raises ContractError for anything but a plain BERT encoder."""
        wanted = {
            "model_type": "bert",
            "hidden_act": "gelu",
            "position_embedding_type": "absolute",
            "is_decoder": False,
        }
        defaults = {"position_embedding_type": "absolute", "is_decoder": False}
        for name, value in wanted.items():
            found = config.get(name, defaults.get(name))
            if found != value:
                raise ContractError(
                    f"{origin}: {name} is {found!r}, not {value!r}", "Give a BERT encoder such as MiniLM or BGE."
                )
        try:
            n_layers, n_heads, dim, max_tokens = (int(str(config[name])) for name in _SIZES)
            return BertShape(n_layers, n_heads, dim, max_tokens, float(str(config.get("layer_norm_eps", 1e-12))))
        except (KeyError, ValueError) as error:
            raise ContractError(f"{origin}: no usable {error}", "Give the encoder's complete folder.") from error


_SIZES = ("num_hidden_layers", "num_attention_heads", "hidden_size", "max_position_embeddings")


@dataclass(frozen=True)
class Affine:
    """x @ weight.T + bias, with what follows it fused in where the kernels can (``packed``)."""

    weight: Tensor
    bias: Tensor
    packed: bool

    @staticmethod
    def of(weight: Tensor, bias: Tensor, tile: int) -> Affine:
        """Lay the weights out for ``tile`` rows, where this CPU has oneDNN kernels for their type."""
        if weight.device.type == "cpu" and can_pack(weight.dtype):
            return Affine(torch.ops.mkldnn._reorder_linear_weight(weight, tile), bias, packed=True)
        return Affine(weight, bias, packed=False)

    def __call__(self, x: Tensor) -> Tensor:
        """(rows, n_in) -> (rows, n_out)."""
        if self.packed:
            y: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")
            return y
        return F.linear(x, self.weight, self.bias)

    def gelu(self, x: Tensor) -> Tensor:
        """The same with the exact (erf) GELU after it."""
        if self.packed:
            y: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "gelu", [], "none")
            return y
        return F.gelu(F.linear(x, self.weight, self.bias))


def can_pack(dtype: torch.dtype) -> bool:
    """Whether oneDNN's prepacked linear kernels exist here for this type."""
    if not torch._C._has_mkldnn:
        return False
    return dtype == torch.float32 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


@dataclass(frozen=True)
class Norm:
    """Layer normalisation over the last axis."""

    weight: Tensor
    bias: Tensor
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        """(rows, dim) -> (rows, dim)."""
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


@dataclass(frozen=True)
class Layer:
    """One transformer layer; query, key and value are one matrix."""

    qkv: Affine
    out: Affine
    out_norm: Norm
    up: Affine
    down: Affine
    down_norm: Norm

    def after_attention(self, x: Tensor, attended: Tensor) -> Tensor:
        """Everything of the layer that is per token: (rows, dim) twice -> (rows, dim)."""
        x = self.out_norm(self.out(attended).add_(x))
        return self.down_norm(self.down(self.up.gelu(x)).add_(x))


@dataclass(frozen=True)
class Bert:
    """A BERT encoder without pooler. Make it with ``Bert.of``.

    words: float32 (vocabulary, dim). places: float32 (max_tokens, dim), position plus the embedding of token type 0.
    tile: rows of every matrix product.
    """

    shape: BertShape
    words: Tensor
    places: Tensor
    embedding_norm: Norm
    layers: tuple[Layer, ...]
    dtype: torch.dtype
    tile: int

    @staticmethod
    def of(weights: Mapping[str, Tensor], shape: BertShape, dtype: torch.dtype, device: torch.device) -> Bert:
        """Build it from a state dict of ``transformers.BertModel``; raises KeyError naming a missing tensor."""
        tile = CPU_TILE if device.type == "cpu" else CUDA_TILE

        def get(name: str, to: torch.dtype = dtype) -> Tensor:
            return weights[name].to(device=device, dtype=to).contiguous()

        def affine(*names: str) -> Affine:
            weight = torch.cat([get(f"{name}.weight") for name in names])
            return Affine.of(weight, torch.cat([get(f"{name}.bias") for name in names]), tile)

        def norm(name: str, to: torch.dtype = dtype) -> Norm:
            return Norm(get(f"{name}.weight", to), get(f"{name}.bias", to), shape.norm_eps)

        def layer(at: str) -> Layer:
            return Layer(
                affine(*(f"{at}.attention.self.{name}" for name in ("query", "key", "value"))),
                affine(f"{at}.attention.output.dense"),
                norm(f"{at}.attention.output.LayerNorm"),
                affine(f"{at}.intermediate.dense"),
                affine(f"{at}.output.dense"),
                norm(f"{at}.output.LayerNorm"),
            )

        full = torch.float32
        kinds = get("embeddings.token_type_embeddings.weight", full)
        return Bert(
            shape,
            get("embeddings.word_embeddings.weight", full),
            get("embeddings.position_embeddings.weight", full) + kinds[0],
            norm("embeddings.LayerNorm", full),
            tuple(layer(f"encoder.layer.{i}") for i in range(shape.n_layers)),
            dtype,
            tile,
        )

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return self.words.device

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.shape.dim

    @property
    def max_tokens(self) -> int:
        """Longest window."""
        return self.shape.max_tokens

    @property
    def batch_tokens(self) -> int:
        """About as many tokens are given at once."""
        return CPU_BATCH if self.device.type == "cpu" else CUDA_BATCH

    @property
    def engine(self) -> str:
        """Nothing beside torch, as ``TokenModel`` asks."""
        return ""

    def token_vectors(self, windows: Sequence[Tensor]) -> Tensor:
        """The vector of every token, one window after the other.

        windows: int64 (length,) token ids with their special tokens, each at most ``max_tokens`` long; windows of
        equal length should stand together. Returns float32 (n_tokens, dim), on the model's device.
        """
        lengths = [len(window) for window in windows]
        n_tokens = sum(lengths)
        ids = torch.cat([*windows, windows[0].new_zeros(-n_tokens % self.tile)]).to(self.device)
        places = torch.cat([torch.arange(n) for n in [*lengths, -n_tokens % self.tile]]).to(self.device)
        places.clamp_(max=self.shape.max_tokens - 1)  # only the filling at the end can be longer than a window
        return self._hidden(ids, places, runs_of_length(lengths))[:n_tokens].float()

    def _hidden(self, ids: Tensor, places: Tensor, runs: Sequence[tuple[int, int]]) -> Tensor:
        tiles = [slice(at, at + self.tile) for at in range(0, len(ids), self.tile)]
        x = torch.cat([self.embedding_norm(self.words[ids[t]] + self.places[places[t]]) for t in tiles]).to(self.dtype)
        for layer in self.layers:
            attended = self.attend(torch.cat([layer.qkv(x[t]) for t in tiles]), runs)
            x = torch.cat([layer.after_attention(x[t], attended[t]) for t in tiles])
        return x

    def attend(self, qkv: Tensor, runs: Sequence[tuple[int, int]]) -> Tensor:
        """Self-attention inside each window. qkv: (rows, 3 * dim). Returns (rows, dim), zero in the filling."""
        dim, n_heads = self.shape.dim, self.shape.n_heads
        if attends_unpadded(qkv.device, qkv.dtype):
            return attend_unpadded(qkv, runs, n_heads)
        attended = qkv.new_zeros(len(qkv), dim)
        at = 0
        for count, length in runs:
            part = slice(at, at + count * length)
            q, k, v = qkv[part].view(count, length, 3, n_heads, dim // n_heads).permute(2, 0, 3, 1, 4)
            attended[part] = _attention(q, k, v).transpose(1, 2).reshape(count * length, dim)
            at = part.stop
        return attended


def means(vectors: Tensor, lengths: Sequence[int]) -> Tensor:
    """Mean over each of the neighbouring runs of rows, of ``lengths`` rows: (sum of lengths, dim) -> (n, dim)."""
    return torch.segment_reduce(vectors, "mean", lengths=torch.tensor(lengths, device=vectors.device))


def _attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """softmax(q k' / sqrt(d)) v for (windows, heads, length, d) each."""
    if q.device.type != "cpu" or q.dtype != torch.bfloat16:
        return F.scaled_dot_product_attention(q, k, v)
    # In bf16 on the CPU plain products are up to three times as fast, in blocks whose scores stay in the cache.
    n, n_heads, length, d = q.shape
    mixed = q.new_empty(n, n_heads, length, d)
    step = max(1, ATTENTION_SCORES // (n_heads * length * length))
    for at in range(0, n, step):
        block = slice(at, at + step)
        q_block, k_block, v_block = (x[block].reshape(-1, length, d) for x in (q, k, v))
        unread = q.new_empty(()).expand(len(q_block), length, length)
        scores = torch.baddbmm(unread, q_block, k_block.transpose(1, 2), beta=0, alpha=d**-0.5)
        mixed[block] = torch.bmm(scores.softmax(-1), v_block).view(-1, n_heads, length, d)
    return mixed


def runs_of_length(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbouring windows of equal length as (count, length)."""
    runs: list[tuple[int, int]] = []
    for length in lengths:
        if runs and runs[-1][1] == length:
            runs[-1] = (runs[-1][0] + 1, length)
        else:
            runs.append((1, length))
    return runs
