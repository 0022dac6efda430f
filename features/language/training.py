"""Training an encoder to guess hidden words: first its head alone, where that is new, then all of it.

Whatever is drawn depends on the seed, the phase, the epoch and the update alone, never on what was drawn before, so
that a training that goes on from a checkpoint comes to the same bits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from data_schemas.errors import ContractError, RunError
from features.arrays import Ints
from features.encoders.windows import cut_windows
from features.language.batches import Batch, MaskedWindows, masked_windows
from features.language.checkpoint import Checkpoint
from features.language.model import LanguageModel
from features.language.settings import PretrainingSettings

HEAD_TIME = 0.2
"""Share of a bounded time for the head alone."""

MOST_VALIDATION_TOKENS = 2**16
"""Of more held-out tokens so many are judged by; which ones, the seed decides."""

_VALIDATION = 0  # first of the seeds of fixed masks; phases count from 1


@dataclass(frozen=True)
class EpochFigures:
    """What an epoch came to, on the held-out texts and on its own.

    Attributes:
        epoch: epochs of the whole encoder so far; 0 is the frozen encoder with its head, a broken number one that the
            time ended.
        loss: -log probability of a hidden token of the held-out texts, a mean in nats; their masks are always the same.
        training_loss: the same of the tokens learned from, as they were met; None for epoch 0.
        tokens: tokens read in training so far, the head's phase included.
        seconds: of training and validation so far.
    """

    epoch: float
    loss: float
    training_loss: float | None
    tokens: int
    seconds: float

    @property
    def perplexity(self) -> float:
        """exp of the loss: among how many equally likely tokens the encoder is in doubt."""
        return math.exp(self.loss)


@dataclass(frozen=True)
class Watch:
    """What a training reports to, and asks.

    Attributes:
        on_tokens: called with the number of tokens read since the last call.
        on_epoch: called with the figures of every epoch that ended.
        save: called between two updates when a checkpoint is due, with the number of updates so far.
        stopped: asked between two updates whether to stop; a checkpoint is saved first.
    """

    on_tokens: Callable[[int], None] = lambda _: None
    on_epoch: Callable[[EpochFigures], None] = lambda _: None
    save: Callable[[int, Checkpoint], None] = lambda _, __: None
    stopped: Callable[[], bool] = lambda: False


class Stopped(Exception):  # noqa: N818 (no error: what ``Watch.stopped`` asked for)
    """A training that was stopped between two updates; its checkpoint is saved."""


@dataclass(frozen=True)
class Windows:
    """The texts as windows of token ids, int64 (n,) each with its special tokens.

    Attributes:
        training: to learn from.
        validation: held out.
    """

    training: Sequence[Ints]
    validation: Sequence[Ints]

    @staticmethod
    def of(
        model: LanguageModel, training: Sequence[str], validation: Sequence[str], settings: PretrainingSettings
    ) -> Windows:
        """Cut texts into windows; of the held-out ones so many as are judged by."""
        learned, held_out = (
            [window.ids for window in cut_windows(model.tokenizer, settings.window, texts, [()] * len(texts))]
            for texts in (training, validation)
        )
        order = np.random.Generator(np.random.PCG64(settings.seed)).permutation(len(held_out)).tolist()
        sizes = np.cumsum([len(held_out[i]) for i in order])
        kept = sorted(order[: max(1, int(np.searchsorted(sizes, MOST_VALIDATION_TOKENS, side="right")))])
        return Windows(learned, [held_out[i] for i in kept])

    def expected_tokens(self, share: float) -> float:
        """Tokens that an epoch reads, about, where each word is hidden with this chance: those of windows in which
        something is.
        """
        lengths = np.array([len(ids) for ids in self.training])
        return float(np.sum(lengths * (1 - (1 - share) ** np.maximum(lengths - 2, 0))))


@dataclass(frozen=True)
class Phase:
    """A part of the training with its own weights and schedule.

    Attributes:
        number: seeds its draws.
        name: what learns.
        epochs: at most.
        lr: highest learning rate.
        ends: seconds of the whole training at which it ends; infinite without a bound.
    """

    number: int
    name: Literal["head", "encoder"]
    epochs: int
    lr: float
    ends: float


def phases(model: LanguageModel, settings: PretrainingSettings) -> list[Phase]:
    """The phases that a model needs."""
    ends = math.inf if settings.max_minutes is None else settings.max_minutes * 60
    encoder = Phase(2, "encoder", settings.epochs, settings.lr, ends)
    if model.has_head:
        return [encoder]
    return [Phase(1, "head", settings.head_epochs, settings.head_lr, ends * HEAD_TIME), encoder]


@dataclass
class Position:
    """Where a training stands, between two updates.

    Attributes:
        phase: its number.
        epoch: whole epochs of the phase.
        step: updates of this epoch.
        updates: updates in all.
        tokens: tokens read in all.
        seconds: spent in all.
        phase_began: of these seconds, those before this phase.
        loss_sum: of this epoch's hidden tokens.
        n_hidden: their number.
        history: figures of the epochs so far.
    """

    phase: int
    epoch: int = 0
    step: int = 0
    updates: int = 0
    tokens: int = 0
    seconds: float = 0.0
    phase_began: float = 0.0
    loss_sum: float = 0.0
    n_hidden: int = 0
    history: list[EpochFigures] = field(default_factory=list)

    @staticmethod
    def of(state: Mapping[str, Any]) -> Position:
        """From a checkpoint's state."""
        history = [EpochFigures(**row) for row in state["history"]]
        return Position(**{**state, "history": history})


def pretrain(
    model: LanguageModel,
    windows: Windows,
    settings: PretrainingSettings,
    watch: Watch,
    checkpoint: Checkpoint | None = None,
) -> tuple[EpochFigures, ...]:
    """Train; the figures of all epochs. The model then has the weights of the epoch with the lowest validation loss,
    epoch 0 included: where nothing was learned it is as it was, but for its head.

    Two trainings of one seed on a CPU with as many threads come to the same bits, whether or not they were interrupted,
    unless their time is bounded.

    Args:
        model: what is trained, in place.
        windows: its texts.
        settings: how.
        watch: what hears of it.
        checkpoint: where to go on from.

    Raises:
        Stopped: when ``watch.stopped`` says so.
        ContractError: where the held-out texts are too short for a hidden word.
        RunError: when the loss is no number any more.
    """
    on_cuda = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=on_cuda):
        training = _Training(model, windows, settings, watch, checkpoint)
        training.run()
        return tuple(training.at.history)


class _Training:
    """A training under way."""

    def __init__(
        self,
        model: LanguageModel,
        windows: Windows,
        settings: PretrainingSettings,
        watch: Watch,
        checkpoint: Checkpoint | None,
    ) -> None:
        self.model, self.windows, self.settings, self.watch = model, windows, settings, watch
        self.part_tokens, self.parts = settings.part_tokens(model.device), settings.parts(model.device)
        self.phases = phases(model, settings)
        self.weights = model.weights()
        self.at = Position(self.phases[0].number)
        self.best: dict[str, Tensor] = {}
        self.moments: dict[str, Tensor] = {}
        if checkpoint is not None:
            self.at = Position.of(dict(checkpoint.state))
            self._put(checkpoint.weights)
            self.best, self.moments = dict(checkpoint.best), dict(checkpoint.moments)
        elif not model.has_head:
            counts = np.bincount(np.concatenate(windows.training), minlength=len(model.kinds.special))
            model.expect(np.where(model.kinds.special, 0, counts))
        self.clock = time.perf_counter() - self.at.seconds

    def run(self) -> None:
        """All phases that are left."""
        for phase in self.phases:
            if phase.number >= self.at.phase:
                self._run(phase)
        self._put(self.best)

    def _run(self, phase: Phase) -> None:
        learned = self.model.head_weights() if phase.name == "head" else set(self.weights)
        for name, weight in self.weights.items():
            weight.requires_grad_(name in learned)
        optimizer = _optimizer({name: self.weights[name] for name in sorted(learned)}, phase.lr, self.settings)
        if self.at.phase < phase.number:
            self.at.phase, self.at.epoch, self.at.step, self.at.phase_began = phase.number, 0, 0, self._seconds()
        elif self.moments:
            _restore(optimizer, self.weights, self.moments)
        if phase.name == "encoder" and not self.at.history:
            self._judge(0.0, None)
        while self.at.epoch < phase.epochs and not self._worn_out() and self._seconds() < phase.ends:
            self._epoch(phase, optimizer)

    def _epoch(self, phase: Phase, optimizer: torch.optim.AdamW) -> None:
        settings = self.settings
        seeds = (settings.seed, phase.number, self.at.epoch)
        masked = self._masked(self.windows.training, seeds)
        steps = math.ceil(len(masked.parts) / self.parts)
        while self.at.step < steps and self._seconds() < phase.ends:
            rate = self._rate(phase, (self.at.epoch + (self.at.step + 1) / steps) / phase.epochs)
            for group in optimizer.param_groups:
                group["lr"] = phase.lr * rate
            torch.manual_seed(int(np.random.SeedSequence([*seeds, self.at.step]).generate_state(1)[0]))
            begin = self.at.step * self.parts
            self._update(list(masked.batches(begin, begin + self.parts)), optimizer)
            self._between_updates(optimizer)
        if phase.name == "encoder" and self.at.n_hidden:
            self._judge(self.at.epoch + self.at.step / steps, self.at.loss_sum / self.at.n_hidden)
        self.at.epoch, self.at.step, self.at.loss_sum, self.at.n_hidden = self.at.epoch + 1, 0, 0.0, 0

    def _update(self, batches: Sequence[Batch], optimizer: torch.optim.AdamW) -> None:
        """One step down the mean loss of the hidden tokens of all these batches."""
        n_hidden = sum(len(batch.hidden) for batch in batches)
        self.model.network.train()
        for batch in batches:
            loss = self.model.loss(batch.to(self.model.device))
            (loss / n_hidden).backward()  # type: ignore[no-untyped-call]
            self.at.loss_sum += float(loss.detach())
            if not math.isfinite(self.at.loss_sum):
                raise RunError("the loss is no number any more", "Train with a lower --lr.")
            self.at.tokens += batch.n_tokens
            self.watch.on_tokens(batch.n_tokens)
        torch.nn.utils.clip_grad_norm_([w for w in self.weights.values() if w.requires_grad], self.settings.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        self.at.n_hidden += n_hidden
        self.at.step += 1
        self.at.updates += 1

    def _between_updates(self, optimizer: torch.optim.AdamW) -> None:
        self.at.seconds = self._seconds()
        stopped = self.watch.stopped()
        if stopped or self.at.updates % self.settings.checkpoint_steps == 0:
            moments = _moments(optimizer, self.weights)
            self.watch.save(self.at.updates, Checkpoint(asdict(self.at), self.weights, moments, self.best))
        if stopped:
            raise Stopped

    def _rate(self, phase: Phase, done: float) -> float:
        """The learning rate as a share of the highest: up in the first updates, then down to 0 at the end of the epochs
        or of the time, whichever is nearer.
        """
        if phase.ends < math.inf:
            done = max(done, (self._seconds() - self.at.phase_began) / (phase.ends - self.at.phase_began))
        warmup = self.settings.warmup
        return max(0.0, min(done / warmup if warmup else 1.0, (1 - done) / (1 - warmup)))

    def _judge(self, epoch: float, training_loss: float | None) -> None:
        """Measure the validation loss, and keep the weights if it is the lowest so far."""
        loss = self.validation_loss()
        self.at.seconds = self._seconds()
        figures = EpochFigures(epoch, loss, training_loss, self.at.tokens, self.at.seconds)
        if not self.at.history or loss < min(row.loss for row in self.at.history):
            self.best = {name: weight.detach().cpu().clone() for name, weight in self.weights.items()}
        self.at.history.append(figures)
        self.watch.on_epoch(figures)

    def validation_loss(self) -> float:
        """Mean of -log probability of the hidden tokens of the held-out texts, in nats."""
        masked = self._masked(self.windows.validation, (self.settings.seed, _VALIDATION))
        self.model.network.train(False)
        total, n_hidden = 0.0, 0
        with torch.no_grad():
            for batch in masked.batches(0, len(masked.parts)):
                total += float(self.model.loss(batch.to(self.model.device)))
                n_hidden += len(batch.hidden)
        if not n_hidden:
            raise ContractError(
                "the held-out texts are too few and too short to judge by",
                "Give more texts, or a larger share of them.",
            )
        return total / n_hidden

    def _masked(self, windows: Sequence[Ints], seeds: tuple[int, ...]) -> MaskedWindows:
        settings, model = self.settings, self.model
        return masked_windows(windows, model.kinds, settings.mask_share, model.filling, self.part_tokens, seeds)

    def _worn_out(self) -> bool:
        """Whether the last epochs brought nothing, so many as the patience has."""
        losses = [row.loss for row in self.at.history]
        return bool(losses) and len(losses) - 1 - int(np.argmin(losses)) >= self.settings.patience

    def _seconds(self) -> float:
        return time.perf_counter() - self.clock

    def _put(self, weights: Mapping[str, Tensor]) -> None:
        """Give the model these weights."""
        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.copy_(weights[name])


def _optimizer(weights: Mapping[str, Tensor], lr: float, settings: PretrainingSettings) -> torch.optim.AdamW:
    """AdamW that decays matrices, and neither biases nor layer norms."""
    matrices = [weight for weight in weights.values() if weight.ndim > 1]
    others = [weight for weight in weights.values() if weight.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=lr)


def _moments(optimizer: torch.optim.AdamW, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What the optimizer remembers of each weight that it has met, by "name:kind"."""
    known = {name: optimizer.state[weight] for name, weight in weights.items() if weight in optimizer.state}
    return {f"{name}:{kind}": tensor for name, state in known.items() for kind, tensor in state.items()}


def _restore(optimizer: torch.optim.AdamW, weights: Mapping[str, Tensor], moments: Mapping[str, Tensor]) -> None:
    """Have it remember what ``_moments`` gave."""
    for key, tensor in moments.items():
        name, _, kind = key.rpartition(":")
        weight = weights[name]
        optimizer.state[weight][kind] = tensor if kind == "step" else tensor.to(weight.device)
