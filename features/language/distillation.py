"""Distillation: a small encoder that learns to give the vectors of a large one, from texts without outcomes.

With layers the student is a BERT of some of the teacher's, in their order, trained by AdamW on the squared distance and
the cosine of mean-pooled vectors. Without layers it is a table of token vectors, found in closed form (``tables``).
Everything is computed by one thread, so equal texts and seeds give equal bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the name everyone knows)
from torch import Tensor, nn

from data_schemas.errors import ContractError
from features.arrays import Floats32, Ints
from features.encoders.encoder import BertEncoder
from features.encoders.networks.bert import means
from features.encoders.windows import cut_windows

if TYPE_CHECKING:
    from transformers import BertConfig

STRETCH = 32  # batches whose texts are put together by length: little padding, and still a random order


@dataclass(frozen=True)
class DistillationSettings:
    """Settings of a distillation.

    Attributes:
        layers: of the student; 0: a table of token vectors.
        epochs: times that every training text is read, at most.
        lr: highest learning rate of AdamW; it falls linearly to 0.
        weight_decay: of AdamW.
        batch: texts that one update learns from.
        window: longest stretch of tokens that is learned from; the rest of a longer text is left out.
        validation_share: share of the texts that are held out.
        patience: epochs in turn without a lower loss on these, after which training ends.
        seed: of everything random.
    """

    layers: int = 3
    epochs: int = 5
    lr: float = 2e-4
    weight_decay: float = 0.01
    batch: int = 32
    window: int = 128
    validation_share: float = 0.05
    patience: int = 1
    seed: int = 0


@dataclass(frozen=True)
class EpochLoss:
    """Losses after an epoch; a loss is the squared distance as a share of the teacher's variance, plus 1 - cosine.

    Attributes:
        epoch: 0 is before training.
        training: mean over the updates; None before training.
        held_out: on texts that took no part.
    """

    epoch: int
    training: float | None
    held_out: float


@dataclass(frozen=True)
class Lesson:
    """What a student learns from.

    Attributes:
        ids: token ids of each text, special tokens included.
        vectors: float32 (n, dim), the teacher's.
    """

    ids: tuple[Ints, ...]
    vectors: Floats32

    @staticmethod
    def of(teacher: BertEncoder, texts: Sequence[str], window: int) -> Lesson:
        """Let the teacher read ``texts``, each up to ``window`` tokens."""
        first: dict[int, Ints] = {}
        for one in cut_windows(teacher.tokenizer, 2**31, texts, [()] * len(texts), teacher.prefix):
            cut = one.ids if len(one.ids) <= window else np.append(one.ids[: window - 1], one.ids[-1])
            first[one.text] = cut
        ids = tuple(first[at] for at in range(len(texts)))
        vectors = np.empty((len(ids), teacher.dim), np.float32)
        order = sorted(range(len(ids)), key=lambda at: len(ids[at]))
        with torch.inference_mode():
            for start in range(0, len(order), 64):
                some = order[start : start + 64]
                found = teacher.model.token_vectors([torch.from_numpy(ids[at]) for at in some])
                vectors[some] = means(found, [len(ids[at]) for at in some]).cpu().numpy()
        return Lesson(ids, vectors)

    def __len__(self) -> int:
        return len(self.ids)


def kept_layers(n_teacher: int, n_student: int) -> list[int]:
    """Which layers of the teacher the student keeps: evenly spaced, the last among them.

    Raises ContractError where there are not so many.
    """
    if not 1 <= n_student <= n_teacher:
        raise ContractError(
            f"a student of {n_student} layers cannot be made of a teacher of {n_teacher}",
            f"Give --layers from 0 (a table of token vectors) to {n_teacher}.",
        )
    return [(at + 1) * n_teacher // n_student - 1 for at in range(n_student)]


def student_weights(weights: Mapping[str, Tensor], kept: Sequence[int]) -> dict[str, Tensor]:
    """The weights of a BERT with some of its layers, by their names in the smaller model."""
    place = {f"encoder.layer.{old}.": f"encoder.layer.{new}." for new, old in enumerate(kept)}
    found = {}
    for name, tensor in weights.items():
        if name.startswith("embeddings.") and not name.endswith("position_ids"):
            found[name] = tensor
        for old, new in place.items():
            if name.startswith(old):
                found[new + name.removeprefix(old)] = tensor
    return found


def distil_layers(
    config: Mapping[str, object],
    weights: Mapping[str, Tensor],
    training: Lesson,
    held_out: Lesson,
    settings: DistillationSettings,
    on_epoch: Callable[[EpochLoss], None],
) -> dict[str, Tensor]:
    """The student's weights at the epoch with the least loss on held-out texts; ``on_epoch`` hears of every epoch.

    config, weights: of the student as it begins. Call it in a thread of ``features.encoders.threads.lone_workers``.
    """
    network = _network(config, weights)
    decayed = [weight for weight in network.parameters() if weight.ndim > 1]
    others = [weight for weight in network.parameters() if weight.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=settings.lr)
    n_updates = settings.epochs * -(-len(training) // settings.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: max(0.0, 1 - done / n_updates))
    scale = float(training.vectors.var()) or 1.0
    rng = np.random.default_rng(settings.seed)
    least = _loss(network, held_out, scale)
    best, waited = _copy(network), 0
    on_epoch(EpochLoss(0, None, least))
    for epoch in range(1, settings.epochs + 1):
        losses = []
        for batch in _shuffled(training, settings.batch, rng):
            optimizer.zero_grad()
            loss = _batch_loss(network, training, batch, scale)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        found = _loss(network, held_out, scale)
        on_epoch(EpochLoss(epoch, float(np.mean(losses)), found))
        waited = 0 if found < least else waited + 1
        if found < least:
            least, best = found, _copy(network)
        if waited >= settings.patience:
            break
    return best


def _network(config: Mapping[str, object], weights: Mapping[str, Tensor]) -> nn.Module:
    from transformers import CONFIG_MAPPING, BertModel  # takes seconds

    settings = cast("BertConfig", CONFIG_MAPPING["bert"].from_dict(dict(config)))
    settings.hidden_dropout_prob = settings.attention_probs_dropout_prob = 0.0  # the teacher's vectors know no chance
    with torch.random.fork_rng(devices=[]):
        network: nn.Module = BertModel(settings, add_pooling_layer=False)
    network.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    return network.train()


def _shuffled(lesson: Lesson, size: int, rng: np.random.Generator) -> Iterator[list[int]]:
    order = rng.permutation(len(lesson))
    batches = []
    for start in range(0, len(order), size * STRETCH):
        stretch = sorted(order[start : start + size * STRETCH].tolist(), key=lambda at: len(lesson.ids[at]))
        batches += [stretch[at : at + size] for at in range(0, len(stretch), size)]
    for at in rng.permutation(len(batches)):
        yield batches[at]


def _batch_loss(network: nn.Module, lesson: Lesson, batch: Sequence[int], scale: float) -> Tensor:
    ids = [torch.from_numpy(lesson.ids[at]) for at in batch]
    mask = nn.utils.rnn.pad_sequence([torch.ones_like(own) for own in ids], batch_first=True)
    hidden = network(input_ids=nn.utils.rnn.pad_sequence(ids, batch_first=True), attention_mask=mask).last_hidden_state
    share = mask / mask.sum(1, keepdim=True)
    found = (hidden * share[:, :, None]).sum(1)
    wanted = torch.from_numpy(lesson.vectors[list(batch)])
    return F.mse_loss(found, wanted) / scale + 1 - F.cosine_similarity(found, wanted).mean()


def _loss(network: nn.Module, lesson: Lesson, scale: float) -> float:
    total = 0.0
    order = sorted(range(len(lesson)), key=lambda at: len(lesson.ids[at]))
    with torch.no_grad():
        for start in range(0, len(order), 64):
            some = order[start : start + 64]
            total += len(some) * float(_batch_loss(network, lesson, some, scale))
    return total / len(lesson)


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in network.named_parameters()}
