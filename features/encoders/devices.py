"""Which device and which precision an encoder computes with."""

from __future__ import annotations

from typing import Literal

import torch

from data_schemas.errors import ContractError

Precision = Literal["auto", "bf16", "fp32"]
Device = Literal["auto", "cpu", "cuda"]


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
