"""A BERT classifier whose last layer alone is tuned, for ``paper_protocol``.

All layers below the last are frozen, so what they make of every text is computed once. A classifier reads nothing but
the first token's vector, so of the last layer only that token's row is computed: its query attends to all tokens, and
with keys and values left unmultiplied, q (W h) = (q W) h, this costs a hundredth of the whole layer. It is the same
function as the layer of ``transformers.BertModel``, which a test holds it to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the name everyone knows)
from safetensors.torch import load_file
from sklearn.model_selection import StratifiedKFold, train_test_split
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from features.arrays import Floats, Index, Ints
from features.encoders.encoder import BertEncoder
from features.encoders.networks.bert import BertShape
from features.encoders.source_files import locate
from features.encoders.threads import lone_workers
from features.encoders.windows import cut_windows
from fusion.metrics import auc

BATCH = 32
BATCH_TOKENS = 16384  # tokens whose frozen layers are computed at once
SORTED_BATCHES = 50  # within so many batches texts are sorted by length, which saves padding
WEIGHT_DECAY = 0.01
WARM_UP = 0.1
DROPOUT = 0.1
CLIP = 1.0
WEIGHTS = "model.safetensors"
NEW_WEIGHT = 0.02  # standard deviation of a new weight, as in BERT


@dataclass(frozen=True)
class Hidden:
    """What the frozen layers make of every text.

    Attributes:
        tokens: bfloat16 (n_tokens, dim), one text after the other.
        start: int64 (n + 1,), where each text's tokens begin, and the end of the last.
    """

    tokens: Tensor
    start: Ints

    def padded(self, rows: Index) -> tuple[Tensor, Tensor]:
        """float32 (n, longest, dim) of these texts, and bool (n, longest), which of that is no text."""
        lengths = (self.start[rows + 1] - self.start[rows]).astype(np.int64)
        place = np.arange(lengths.max())
        beyond = place >= lengths[:, None]
        at = np.where(beyond, 0, self.start[rows, None] + place)
        return self.tokens[torch.from_numpy(at)].float(), torch.from_numpy(beyond)


def hidden_states(encoder: BertEncoder, texts: Sequence[str], longest: int) -> Hidden:
    """Every layer but the last over the first ``longest`` tokens of each text."""
    below = replace(encoder.bert, layers=encoder.bert.layers[:-1])
    ids: list[Ints] = []
    for window in cut_windows(encoder.tokenizer, sum(map(len, texts)) + 3, texts, [()] * len(texts)):
        own = window.ids
        ids.append(own if len(own) <= longest else np.append(own[: longest - 1], own[-1]))
    lengths = np.array([len(own) for own in ids], np.int64)
    start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    tokens = torch.empty((int(start[-1]), encoder.dim), dtype=torch.bfloat16)
    order = np.argsort(lengths, kind="stable")
    ends = np.cumsum(lengths[order]) // BATCH_TOKENS
    with torch.inference_mode():
        for batch in np.split(order, np.flatnonzero(np.diff(ends)) + 1):
            vectors = below.token_vectors([torch.from_numpy(ids[i]) for i in batch]).to(torch.bfloat16)
            for i, text in zip(batch, torch.split(vectors, lengths[batch].tolist()), strict=True):
                tokens[int(start[i]) : int(start[i + 1])] = text
    return Hidden(tokens, start)


class LastLayer(nn.Module):
    """BERT's last layer for the first token, its pooler, and a linear classifier upon that."""

    def __init__(self, weights: dict[str, Tensor], shape: BertShape, seed: int) -> None:
        super().__init__()
        self.random = torch.Generator().manual_seed(seed)  # of its own: classifiers are trained side by side
        n_layers, self.n_heads, eps = shape.n_layers, shape.n_heads, shape.norm_eps
        at = f"encoder.layer.{n_layers - 1}."
        own = {name.removeprefix(at): value.float() for name, value in weights.items() if name.startswith(at)}
        dim = own["attention.output.LayerNorm.weight"].numel()
        self.query = _linear(own, "attention.self.query")
        self.key, self.value = _linear(own, "attention.self.key"), _linear(own, "attention.self.value")
        self.out, self.out_norm = _linear(own, "attention.output.dense"), _norm(own, "attention.output.LayerNorm", eps)
        self.up, self.down = _linear(own, "intermediate.dense"), _linear(own, "output.dense")
        self.down_norm = _norm(own, "output.LayerNorm", eps)
        pooled = "pooler.dense.weight" in weights
        self.pooler = _linear(weights, "pooler.dense") if pooled else _new(dim, dim, self.random)
        self.classifier = _new(dim, 1, self.random)

    def first_token(self, h: Tensor, beyond: Tensor) -> Tensor:
        """The layer's output for the first token, (n, dim). h: (n, longest, dim). beyond: (n, longest)."""
        n, _, dim = h.shape
        heads = (self.n_heads, dim // self.n_heads)
        first = h[:, 0]
        key, value = self.key.weight.view(*heads, dim), self.value.weight.view(*heads, dim)
        # The key's bias adds the same to all scores of a row, which softmax does not see.
        asked = torch.einsum("nhd,hde->nhe", self.query(first).view(n, *heads), key) / heads[1] ** 0.5
        scores = torch.bmm(asked, h.transpose(1, 2)).masked_fill(beyond[:, None], -torch.inf)
        share = self._dropped(scores.softmax(-1))
        context = torch.einsum("nhe,hde->nhd", torch.bmm(share, h), value)
        context = context + share.sum(-1, keepdim=True) * self.value.bias.view(heads)
        x = self.out_norm(self._dropped(self.out(context.reshape(n, dim))) + first)
        normed: Tensor = self.down_norm(self._dropped(self.down(F.gelu(self.up(x)))) + x)
        return normed

    def forward(self, h: Tensor, beyond: Tensor) -> Tensor:
        """Log-odds of bad, (n,)."""
        pooled = torch.tanh(self.pooler(self.first_token(h, beyond)))
        margin: Tensor = self.classifier(self._dropped(pooled))[:, 0]
        return margin

    def _dropped(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        return x * torch.empty_like(x).bernoulli_(1 - DROPOUT, generator=self.random) / (1 - DROPOUT)


@dataclass(frozen=True)
class Tuning:
    """How a classifier is trained.

    Attributes:
        learning_rate: Of AdamW, warmed up over the first tenth, then falling to nothing.
    """

    learning_rate: float
    epochs: int


@dataclass(frozen=True)
class Classifier:
    """A classifier to be tuned.

    Attributes:
        weights: Of the whole encoder, by their names in ``transformers.BertModel``.
    """

    hidden: Hidden
    weights: dict[str, Tensor]
    shape: BertShape

    @staticmethod
    def open(source: str, encoder: BertEncoder, texts: Sequence[str], longest: int) -> Classifier:
        """Read the source's weights, and the texts with all layers but the last. Raises as ``locate`` does."""
        found = load_file(Path(locate(source)) / WEIGHTS)
        weights = {name.removeprefix("bert."): value for name, value in found.items()}
        return Classifier(hidden_states(encoder, texts, longest), weights, encoder.bert.shape)

    def fit(self, y: Floats, rows: Index, tuning: Tuning, seed: int) -> LastLayer:
        """A classifier that learned from these rows of y (n,)."""
        shuffler = np.random.default_rng(seed)
        model = LastLayer(self.weights, self.shape, seed).train()
        optimizer = torch.optim.AdamW(
            model.parameters(), lr=tuning.learning_rate, weight_decay=WEIGHT_DECAY, fused=True
        )
        n_steps = tuning.epochs * -(-len(rows) // BATCH)
        warm = max(1, round(WARM_UP * n_steps))
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min((step + 1) / warm, (n_steps - step) / max(1, n_steps - warm))
        )
        for _ in range(tuning.epochs):
            for batch in self._batches(rows, shuffler):
                outcome = torch.from_numpy(y[batch]).float()
                loss = F.binary_cross_entropy_with_logits(model(*self.hidden.padded(batch)), outcome)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(model.parameters(), CLIP)
                optimizer.step()
                schedule.step()
        return model

    def margin(self, model: LastLayer, rows: Index) -> Floats:
        """Log-odds of bad of these texts, float64 (len(rows),)."""
        model.eval()
        margin = np.empty(len(rows))
        order = np.argsort(self.hidden.start[rows + 1] - self.hidden.start[rows], kind="stable")
        with torch.inference_mode():
            for part in np.array_split(order, -(-len(rows) // (4 * BATCH))):
                margin[part] = model(*self.hidden.padded(rows[part])).numpy()
        return margin

    def _batches(self, rows: Index, shuffler: np.random.Generator) -> Iterator[Index]:
        """All rows in random batches of texts of similar length."""
        shuffled, batches = shuffler.permutation(rows), []
        for at in range(0, len(rows), SORTED_BATCHES * BATCH):
            near = shuffled[at : at + SORTED_BATCHES * BATCH]
            near = near[np.argsort(self.hidden.start[near + 1] - self.hidden.start[near], kind="stable")]
            batches += [near[i : i + BATCH] for i in range(0, len(near), BATCH)]
        for i in shuffler.permutation(len(batches)):
            yield batches[i]


def choose(classifier: Classifier, y: Floats, train: Index, grid: Sequence[Tuning], seed: int) -> Tuning:
    """The tuning with the best AUC on a fifth of the training rows, when learning from the other four."""
    learn, judge = train_test_split(train, test_size=0.2, random_state=seed, stratify=y[train])

    def worth(tuning: Tuning) -> float:
        return auc(y[judge], classifier.margin(classifier.fit(y, learn, tuning, seed), judge))

    with threadpool_limits(1, user_api="blas"), lone_workers(torch.device("cpu")) as pool:
        found = list(pool.map(worth, grid))
    return grid[int(np.argmax(found))]


@dataclass(frozen=True)
class BertScores:
    """The classifier's log-odds of one outer fold, float64.

    Attributes:
        own: (n_train,), of every training row from a classifier that never saw its outcome.
        in_sample: (n_train,), of the same rows from the classifier that learned from all of them.
        test: (n_test,), from that one.
    """

    own: Floats
    in_sample: Floats
    test: Floats


def nested_scores(
    classifier: Classifier, y: Floats, train: Index, test: Index, tuning: Tuning, n_folds: int, seed: int
) -> BertScores:
    """Scores of training and test rows; those of training rows out of ``n_folds`` inner folds, and in sample."""
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    cut = list(folds.split(train, y[train]))
    everything = np.arange(len(train))
    jobs = [*(learn for learn, _ in cut), everything]
    with threadpool_limits(1, user_api="blas"), lone_workers(torch.device("cpu")) as pool:
        *inner, outer = pool.map(
            lambda number: classifier.fit(y, train[jobs[number]], tuning, seed + number), range(len(jobs))
        )
    own = np.empty(len(train))
    for model, (_, held_out) in zip(inner, cut, strict=True):
        own[held_out] = classifier.margin(model, train[held_out])
    return BertScores(own, classifier.margin(outer, train), classifier.margin(outer, test))


def _linear(weights: dict[str, Tensor], name: str) -> nn.Linear:
    weight = weights[f"{name}.weight"].float()
    made = nn.Linear(weight.shape[1], weight.shape[0])
    made.weight = nn.Parameter(weight.clone())
    made.bias = nn.Parameter(weights[f"{name}.bias"].float().clone())
    return made


def _norm(weights: dict[str, Tensor], name: str, eps: float) -> nn.LayerNorm:
    made = nn.LayerNorm(weights[f"{name}.weight"].numel(), eps=eps)
    made.weight = nn.Parameter(weights[f"{name}.weight"].clone())
    made.bias = nn.Parameter(weights[f"{name}.bias"].clone())
    return made


def _new(n_in: int, n_out: int, random: torch.Generator) -> nn.Linear:
    made = nn.Linear(n_in, n_out)
    nn.init.normal_(made.weight, std=NEW_WEIGHT, generator=random)
    nn.init.zeros_(made.bias)
    return made
