"""What the benchmarks of explanations share: applications read with their sentences, Shapley weights."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.options import vector_cache
from features.arrays import Floats, Index
from features.design import Design
from features.narratives.reader import TextReader
from features.narratives.sentences import SentenceBlock
from features.tables.applications import Applications
from features.tables.reader import ReadOptions, read_all
from fusion.bundle import Bundle
from fusion.scorer import load_scorer
from fusion.text_encoder import CACHE_GB


@dataclass(frozen=True)
class ExplainedRows:
    """Applications as a bundle's model sees them."""

    bundle: Bundle
    reader: TextReader
    design: Design
    block: SentenceBlock

    def take(self, rows: Index) -> ExplainedRows:
        """The rows at these positions."""
        return ExplainedRows(self.bundle, self.reader, self.design.take(rows), self.block.take(rows))


def add_options(options: argparse.ArgumentParser) -> None:
    """The options that ``read_explained`` needs."""
    options.add_argument("--model", type=Path, required=True, help="bundle, the folder that `train` wrote")
    options.add_argument("--data", type=Path, required=True, help="applications")
    options.add_argument("--since", type=np.datetime64, help="first day that is looked at")
    options.add_argument("--before", type=np.datetime64, help="first day that is not looked at any more")
    options.add_argument("--cache", type=Path, help="folder of the vectors already computed")


def read_explained(given: argparse.Namespace) -> ExplainedRows:
    """The applications that the options name, read whole."""
    scorer = load_scorer(given.model, cache=vector_cache(given.cache, CACHE_GB, False, print))
    applications = between(read_all(given.data, scorer.schema, ReadOptions()).applications, given.since, given.before)
    reading = scorer.read(applications, sentences=True)
    return ExplainedRows(scorer.bundle, scorer.reader, reading.design, reading.sentences)


def shapley_weights(k: int) -> Floats:
    """float64 (k,): weight of a coalition of s others in a player's value, s! (k - s - 1)! / k!."""
    return np.array([math.factorial(s) * math.factorial(k - s - 1) / math.factorial(k) for s in range(k)])


def between(applications: Applications, since: np.datetime64 | None, before: np.datetime64 | None) -> Applications:
    """Those decided from ``since`` on and before ``before``; all of them without decision dates."""
    dates = applications.decision_date()
    if dates is None:
        return applications
    wanted = np.ones(len(applications), dtype=np.bool_)
    if since is not None:
        wanted &= dates >= since.astype("datetime64[s]")
    if before is not None:
        wanted &= dates < before.astype("datetime64[s]")
    return applications.take(wanted)
