"""The joint head: one logistic model of columns and narratives.

log-odds = bias + what each column's piecewise-linear code adds + for each narrative what its vector, its words or its
absence adds. The text path is strongly shrunk: a network on concatenated vectors and columns overfits. The head is
additive, so it splits exactly over columns, narratives and the sentences inside them; interactions are the trees'
business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy import sparse

from features.arrays import Floats
from fusion.model.basis import HeadInputs


@dataclass(frozen=True)
class HeadOutput:
    """Log-odds of bad, in parts. columns: float64 (n,), the bias included. text: float64 (n, n_narratives)."""

    columns: Floats
    text: Floats

    @property
    def margin(self) -> Floats:
        """The parts together, float64 (n,)."""
        together: Floats = self.columns + self.text.sum(axis=1)
        return together


@dataclass(frozen=True)
class Head:
    """A fitted head: its weights, float64, for the inputs that one basis makes.

    bias: (1,). columns: (p,). text: (n_narratives, dim). absent: (n_narratives,). words: (n_narratives * n_buckets,).
    """

    bias: Floats
    columns: Floats
    text: Floats
    absent: Floats
    words: Floats

    def output(self, inputs: HeadInputs) -> HeadOutput:
        """The parts of every row's log-odds; a row's digits do not depend on the rows beside it."""
        columns = self.bias + (inputs.x_columns * self.columns).sum(axis=1)
        if not len(self.absent):  # whatever the dimension of vectors that nobody wrote
            return HeadOutput(columns, np.zeros((len(inputs), 0)))
        vector = (inputs.x_text * self.text).sum(axis=2)
        text = vector + inputs.x_absent * self.absent + _words(inputs.x_words, self.words, len(self.absent))
        return HeadOutput(columns, text)

    @staticmethod
    def mean(heads: Sequence[Head]) -> Head:
        """The head whose log-odds are the mean of theirs: all are linear in the same inputs."""
        stacks = {field.name: [getattr(head, field.name) for head in heads] for field in fields(Head)}
        return Head(**{name: np.mean(stack, axis=0) for name, stack in stacks.items()})

    @staticmethod
    def weighted(heads: Sequence[Head], weights: Sequence[float]) -> Head:
        """The head whose log-odds are the weighted sum of theirs."""
        scaled = [
            {field.name: weight * getattr(head, field.name) for field in fields(Head)}
            for head, weight in zip(heads, weights, strict=True)
        ]
        return Head(**{field.name: np.sum([one[field.name] for one in scaled], axis=0) for field in fields(Head)})

    def to_arrays(self) -> dict[str, Floats]:
        """The weights by name, for a safetensors file."""
        return {field.name: np.ascontiguousarray(getattr(self, field.name)) for field in fields(Head)}

    @staticmethod
    def from_arrays(arrays: Mapping[str, Floats]) -> Head:
        """The head that ``to_arrays`` wrote."""
        return Head(**{field.name: arrays[field.name] for field in fields(Head)})


def _words(x_words: sparse.csr_matrix, weights: Floats, n_narratives: int) -> Floats:
    """float64 (n, n_narratives): what the words of each narrative add."""
    n_buckets = len(weights) // max(1, n_narratives)
    products = x_words.data * weights[x_words.indices]
    row = np.repeat(np.arange(x_words.shape[0]), np.diff(x_words.indptr))
    place = row * n_narratives + x_words.indices // max(1, n_buckets)
    added = np.bincount(place, products, minlength=x_words.shape[0] * n_narratives).astype(np.float64)
    return added.reshape(x_words.shape[0], n_narratives)
