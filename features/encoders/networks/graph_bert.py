"""A plain BERT through OpenVINO or ONNX Runtime, in fixed shapes.

Neither may split work between threads, which would round by their number: ONNX Runtime computes in the thread that
calls it, OpenVINO in streams of one thread each. OpenVINO is given a finished graph and converts none, so nothing of it
touches the network.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import numpy as np
import torch
from torch import Tensor

from data_schemas.errors import ContractError
from features.arrays import Floats32
from features.encoders.devices import Computing, native_bf16
from features.encoders.networks.bert import Bert, BertShape, Norm, can_pack
from features.encoders.networks.fixed_shapes import FixedShapes
from features.encoders.networks.int8 import reaches

STEP = 32
TOKENS = 512  # places of a batch: larger ones are hardly faster and take longer where there are few texts
MASKED = -1e9

Run = Callable[[Floats32, Floats32], Floats32]
"""(x, mask), as ``features.encoders.networks.onnx_graph`` has them, to the hidden states of the last layer."""


@dataclass(frozen=True)
class GraphBert:
    """A BERT whose layers an inference engine computes, as a ``TokenModel``. Make it with ``GraphBert.of``.

    Attributes:
        words: float32 (vocabulary, dim).
        places: float32 (max_tokens, dim), position plus the embedding of token type 0.
        dtype: bf16, fp32 or int8, what matrix products are computed in.
        engine: the engine's name and release.
    """

    words: Tensor
    places: Tensor
    embedding_norm: Norm
    run: Run
    dtype: torch.dtype
    engine: str

    @staticmethod
    def of(
        weights: Mapping[str, Tensor], shape: BertShape, computing: Computing, calibration: Sequence[Tensor]
    ) -> GraphBert:
        """Build it from a state dict of ``transformers.BertModel``; raises KeyError naming a missing tensor.

        calibration: windows of token ids, on which the steps of eight bits are measured.
        """
        from features.encoders.networks.onnx_graph import bert_graph

        bert = Bert.of(weights, shape, torch.float32, torch.device("cpu"))
        graph = bert_graph(weights, shape, reaches(bert, calibration) if computing.dtype == torch.int8 else None)
        run, engine = _openvino(graph, computing.dtype) if computing.engine == "openvino" else _onnx_runtime(graph)
        return GraphBert(bert.words, bert.places, bert.embedding_norm, run, computing.dtype, engine)

    @property
    def device(self) -> torch.device:
        """The CPU."""
        return self.words.device

    @property
    def batch_tokens(self) -> int:
        """Several batches' worth: each length's last batch ends with empty rows."""
        return 8 * TOKENS

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.words.shape[1]

    @property
    def max_tokens(self) -> int:
        """Longest window."""
        return len(self.places)

    def token_vectors(self, windows: Sequence[Tensor]) -> Tensor:
        """float32 (n_tokens, dim), one window after the other."""
        return FixedShapes(STEP, self.max_tokens, TOKENS, spare=0, pad=0).token_vectors(windows, self._hidden)

    def _hidden(self, ids: Tensor, mask: Tensor) -> Tensor:
        rows, length = ids.shape
        x = self.embedding_norm(self.words[ids] + self.places[:length])
        unread = (1 - mask).float().mul_(MASKED)[:, None, None, :].expand(rows, 1, length, length)
        return torch.from_numpy(self.run(x.numpy(), unread.contiguous().numpy()))


def has_bf16() -> bool:
    """Whether OpenVINO may compute in bf16 here: natively, and within what ``ONEDNN_MAX_CPU_ISA`` allows."""
    return native_bf16(torch.device("cpu")) and can_pack(torch.bfloat16)


def _onnx_runtime(graph: bytes) -> tuple[Run, str]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def run(x: Floats32, mask: Floats32) -> Floats32:
        return np.asarray(session.run(None, {"x": x, "mask": mask})[0])

    return run, f"onnxruntime {onnxruntime.__version__}"


def _openvino(graph: bytes, dtype: torch.dtype) -> tuple[Run, str]:
    import openvino

    if dtype == torch.bfloat16 and not has_bf16():
        raise ContractError("OpenVINO cannot compute in bf16 on this processor", "Set encoder.precision to fp32.")
    in_bf16 = dtype == torch.int8 and has_bf16()  # what is not in eight bits
    core = openvino.Core()
    threads = str(os.cpu_count() or 1)
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if dtype == torch.bfloat16 or in_bf16 else "f32",
        "NUM_STREAMS": threads,
        "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": "NO",  # other work may hold the core that a stream would be bound to
    }
    compiled = core.compile_model(core.read_model(graph), "CPU", settings)
    idle: SimpleQueue[openvino.InferRequest] = SimpleQueue()

    def run(x: Floats32, mask: Floats32) -> Floats32:
        try:
            request = idle.get_nowait()
        except Empty:
            request = compiled.create_infer_request()
        found = np.array(request.infer([x, mask], share_inputs=True, share_outputs=True)[0])
        idle.put(request)
        return found

    return run, f"openvino {openvino.__version__}"
