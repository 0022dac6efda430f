"""Which engine, which number format and which device an encoder computes with."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

import torch

from data_schemas.errors import ContractError

Precision = Literal["auto", "bf16", "fp32"]
EncoderPrecision = Literal["auto", "bf16", "fp32", "int8"]
Device = Literal["auto", "cpu", "cuda"]
Engine = Literal["auto", "torch", "openvino", "onnx"]

PACKAGES = {"openvino": ("openvino", "onnx"), "onnx": ("onnxruntime", "onnx")}
"""What an engine needs installed; the extra of the package has its name."""
DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32, "int8": torch.int8}


@dataclass(frozen=True)
class Computing:
    """What an encoder computes with.

    Attributes:
        engine: what runs its layers.
        dtype: number format of the matrix products, bf16, fp32 or int8.
        device: where.
    """

    engine: Literal["torch", "openvino", "onnx"]
    dtype: torch.dtype
    device: torch.device


def computing(engine: Engine, precision: EncoderPrecision, device: Device) -> Computing:
    """What is asked for; raises ContractError for what does not go together, or is not installed.

    Args:
        engine: ``"auto"`` is torch: whoever wants another engine asks for it, because its last digits are its own.
        precision: ``"auto"`` is bf16 where the processor computes in it natively and the engine has it, else fp32.
        device: ``"auto"`` is the first CUDA device where there is one and the engine is torch, else the CPU.
    """
    if engine == "auto" or engine == "torch":
        if precision == "int8":
            raise ContractError(
                "torch does not compute the encoder in int8 here",
                "Set encoder.engine to openvino or onnx, or encoder.precision to auto.",
            )
        on = device_of(device)
        return Computing("torch", _dtype(precision, native_bf16(on)), on)
    if device == "cuda":
        raise ContractError(f"encoder.engine {engine} computes on the CPU alone", "Leave the device at auto.")
    if missing := [name for name in PACKAGES[engine] if find_spec(name) is None]:
        raise ContractError(
            f"encoder.engine {engine} needs {' and '.join(missing)}",
            f"Run `pip install 'creditfusion[{engine}]'`, or set encoder.engine to torch.",
        )
    if engine == "onnx" and precision == "bf16":
        raise ContractError(
            "ONNX Runtime does not compute in bf16 on the CPU", "Set encoder.precision to fp32, int8 or auto."
        )
    cpu = torch.device("cpu")
    return Computing(engine, _dtype(precision, engine == "openvino" and native_bf16(cpu)), cpu)


def precision_of(dtype: torch.dtype) -> str:
    """``"bf16"``, ``"fp32"`` or ``"int8"``."""
    return next(name for name, own in DTYPES.items() if own == dtype)


def device_of(device: Device) -> torch.device:
    """The device meant; ``"auto"`` is the first CUDA device where there is one, else the CPU. Raises ContractError for
    CUDA where there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ContractError("there is no CUDA device for the encoder", "Leave the device at auto, or set cpu.")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def native_bf16(device: torch.device) -> bool:
    """Whether products of bf16 run on hardware units; software emulation is slower than fp32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    abilities = torch.cpu.get_capabilities()
    return any(abilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "arm_bf16", "bf16"))


def _dtype(precision: EncoderPrecision, native: bool) -> torch.dtype:
    if precision == "auto":
        return torch.bfloat16 if native else torch.float32
    return DTYPES[precision]
