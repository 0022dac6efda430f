"""How an encoder is trained on texts without outcomes."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from data_schemas.errors import ContractError
from features.encoders.devices import Device, Precision

CPU_TOKENS, CUDA_TOKENS = 2**11, 2**15
"""Tokens computed at once: few enough for a processor's caches, and many enough for a GPU."""


@dataclass(frozen=True)
class PretrainingSettings:
    """Settings of a pre-training.

    Raises ContractError for values that make no sense.

    Attributes:
        epochs: times that every training text is read, masked anew each time.
        head_epochs: times before these for the head alone, where the encoder comes without one.
        lr: highest learning rate of AdamW, of the encoder and its head.
        head_lr: the same while the head is fitted alone.
        warmup: share of a phase in which the learning rate rises; after it the rate falls linearly to 0.
        weight_decay: of AdamW; biases and layer norms are not decayed.
        clip: longest gradient, as its norm over all weights.
        batch_tokens: tokens that one update learns from, about; padding counts.
        tokens_at_once: most tokens computed at once, filling included; an update sums the gradients of several such
            parts. None: what suits the device, 2,048 on a CPU and 32,768 on CUDA.
        window: longest token sequence read at once, special tokens included.
        mask_share: chance of a word to be masked.
        validation_share: share of the texts that are held out.
        patience: epochs in turn without a lower validation loss, after which training ends.
        new_words: most frequent words of the texts that become tokens of their own; 0: none.
        max_minutes: longest time of training in all; None: no bound. With one, results depend on the machine's speed.
        checkpoint_steps: updates between two checkpoints; it changes no result.
        seed: of everything random.
        precision: ``"auto"`` multiplies in bf16 where the device does so natively; weights are fp32 always.
        device: ``"auto"`` is the first CUDA device where there is one, else the CPU.
    """

    epochs: int = 3
    head_epochs: int = 1
    lr: float = 5e-5
    head_lr: float = 3e-3
    warmup: float = 0.06
    weight_decay: float = 0.01
    clip: float = 1.0
    batch_tokens: int = 4096
    tokens_at_once: int | None = None
    window: int = 128
    mask_share: float = 0.15
    validation_share: float = 0.05
    patience: int = 2
    new_words: int = 0
    max_minutes: float | None = None
    checkpoint_steps: int = 200
    seed: int = 0
    precision: Precision = "auto"
    device: Device = "auto"

    def __post_init__(self) -> None:
        for name in ("epochs", "head_epochs", "patience", "checkpoint_steps"):
            _check(name, getattr(self, name), getattr(self, name) >= 1, "a whole number from 1 up")
        for name in ("lr", "head_lr", "clip"):
            _check(name, getattr(self, name), 0 < getattr(self, name) < float("inf"), "a number above 0")
        for name in ("mask_share", "validation_share"):
            _check(name, getattr(self, name), 0 < getattr(self, name) <= 0.5, "a share above 0, at most 0.5")
        for name in ("weight_decay", "new_words", "seed"):
            _check(name, getattr(self, name), getattr(self, name) >= 0, "a number from 0 up")
        _check("warmup", self.warmup, 0 <= self.warmup < 1, "a share from 0 up, below 1")
        _check("window", self.window, self.window >= 8, "8 tokens or more")
        at_once = self.tokens_at_once
        _check(
            "tokens_at_once", at_once, at_once is None or at_once >= self.window, f"at least the window, {self.window}"
        )
        enough = self.batch_tokens >= self.window
        _check("batch_tokens", self.batch_tokens, enough, f"at least the window, {self.window}")
        minutes = self.max_minutes
        _check("max_minutes", minutes, minutes is None or minutes > 0, "a number of minutes above 0")

    def part_tokens(self, device: torch.device) -> int:
        """Most tokens that are computed at once on this device."""
        suits = CPU_TOKENS if device.type == "cpu" else CUDA_TOKENS
        return min(self.batch_tokens, max(self.window, self.tokens_at_once or suits))

    def parts(self, device: torch.device) -> int:
        """Parts whose gradients one update sums."""
        return max(1, round(self.batch_tokens / self.part_tokens(device)))


def _check(name: str, value: object, holds: bool, wanted: str) -> None:
    if not holds:
        raise ContractError(f"{name.replace('_', '-')} is {value}", f"Give {wanted}.")
