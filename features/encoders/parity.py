"""Whether an encoder still gives the vectors that a model learned with: measured on a fixed set of texts.

Digests name an encoder's files; they do not see what computes with them. Another release of torch, transformers or the
tokenizers, another processor or a fault of our own could give other vectors from the same files. So training keeps the
vectors of the ``PROBES``, computed in fp32, and whoever scores compares. What is allowed follows from the precision in
which is scored: in fp32 no value may differ by more than rounding; in bf16 and int8 the differences of all values
together may not be larger than these make them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from features.arrays import Floats, Floats32
from features.encoders.vectors import TextEncoder

PROBES = (
    "",
    "Rent.",
    "The table is made of oak and has four legs.",
    "I need 4,500 to replace the roof before winter; the old one leaks at 2 corners, and the quote is good until May.",
    "Monday to Friday the shop opens at 9:30. On Saturday it opens at 11 and closes early. On Sunday it stays closed.",
    "Un atelier de menuiserie cherche à remplacer une scie; les pièces coûtent 1 200 €.",
    "Die Brücke über den Fluß wird im März für vierzehn Tage gesperrt.",
    "Поезд отправляется в семь часов утра с третьего пути.",
    "我们打算把厨房重新装修一遍,预计需要两个星期。",
    "図書館は月曜日が休みです。",
    "القطار يصل إلى المحطة في الساعة السادسة مساء.",
    "ร้านเปิดทุกวันตั้งแต่แปดโมงเช้า",
    "water " * 60,
)
"""Texts of ours about nobody, in several scripts and lengths."""

FP32_SHARE = 2e-4
"""Allowed in fp32: how far a single value may be off beside its rounding."""
SHARES = {"bf16": 0.04, "int8": 0.1}
"""Allowed in bf16 and int8: root mean square of the differences."""
SHIFTS = {"bf16": 1e-3, "int8": 2e-3}
"""Allowed there: mean of the differences, which stays near zero because rounding goes either way."""


@dataclass(frozen=True)
class Parity:
    """How far an encoder's vectors are from those of training, as shares of the root mean square of the latter.

    Attributes:
        measured: the difference.
        allowed: the most that passes.
    """

    measured: float
    allowed: float

    @property
    def holds(self) -> bool:
        """Whether the encoder may be used; it may not where a value is no number."""
        return self.measured <= self.allowed


def probe_vectors(encoder: TextEncoder) -> Floats32:
    """float32 (n_probes, dim)."""
    return encoder.encode(PROBES)


def compare_vectors(kept: Floats32, found: Floats32, precision: str) -> Parity:
    """Compare the vectors of the probes; of several measures, the one that is worst.

    Args:
        kept: float32 (n_probes, dim), of training, computed in fp32.
        found: the same of the encoder that is examined.
        precision: what that one computes in, ``"fp32"``, ``"bf16"`` or ``"int8"``.
    """
    if kept.shape != found.shape or not np.isfinite(found).all():
        return Parity(math.inf, FP32_SHARE)
    before, difference = kept.astype(np.float64), found.astype(np.float64) - kept
    scale = _rms(before) or 1.0
    if precision in SHARES:
        spread = Parity(_rms(difference) / scale, SHARES[precision])
        shift = Parity(abs(float(difference.mean())) / scale, SHIFTS[precision])
        return max(spread, shift, key=lambda parity: parity.measured / parity.allowed)
    # Vectors are rounded to float16: two that hardly differ may lie one of its steps apart.
    step = np.spacing(np.maximum(np.abs(kept), np.abs(found)).astype(np.float16)).astype(np.float64)
    return Parity(float(np.maximum(np.abs(difference) - step, 0.0).max()) / scale, FP32_SHARE)


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
