"""How well a protected trait of applicants can be recovered from what a model reads of them: a linear probe.

A logistic regression learns each row's level of the trait and is tested on rows that it did not learn from, by the AUC
of one level against the rest. Arrays have one row per applicant; ``level`` is int64 (n,) from 0, every level in use,
and ``fold`` is int64 (n,) below N_FOLDS.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse
from scipy.special import log_softmax
from scipy.stats import rankdata
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from data_schemas.messages import Message, Number, Value, message
from features.arrays import Flags, Floats, Floats32, Index, Ints
from features.tables.groups import MIN_ROWS, Groups
from fusion.metrics import placements
from fusion.model.basis import HeadInputs
from fusion.model.folds import assign_folds
from fusion.validation.intervals import Estimate, Z

Inputs = Floats32 | sparse.csr_matrix

Source = Literal["narratives", "written", "words", "style", "columns", "both", "score"]
"""What a trait is recovered from.

narratives: the vectors of all narratives, and which of them were written at all. written: the same among applicants who
wrote something. words: the single words that the model counts. style: how the narratives are written, which of them at
all; only of a model that reads it. columns: the structured columns. both: columns, vectors and style. score: the
model's score alone.
"""

Verdict = Literal["chance", "unsure", "hardly", "somewhat", "clearly", "well"]
SOMEWHAT, CLEARLY, WELL = 0.55, 0.65, 0.80  # AUCs from which the words of that name are used

SEED = 0
"""Of the folds: equal for every run, so that equal rows give equal figures."""

N_FOLDS = 5
MIN_IN_FOLD = 2
"""Rows of every level that every fold must hold, for an AUC and its variance."""

INVERSE_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Inverse L2 penalties that are tried, the strongest penalty first."""

N_KNOTS = 6

WIDENING = 2.0**0.5
"""What the standard error is multiplied with. Folds are not independent: what fold a teaches about fold b, fold b
teaches about fold a. With nothing to learn, each pair of folds so counts twice, and the variance of the mean is twice
that of independent folds. The more there is to learn, the less that matters, and the interval is then on the wide side.
No estimator of this variance is unbiased (Bengio and Grandvalet, JMLR 2004).
"""


@dataclass(frozen=True)
class ProbeAccuracy:
    """How well the levels can be distinguished.

    Attributes:
        overall: The mean over the levels of the AUC of one against the rest.
        by_level: Each of these AUCs.
        influence: float64 (n,), what each row adds to the error of ``overall``; their squares sum to its variance,
            folds being independent.
    """

    overall: Estimate
    by_level: tuple[Estimate, ...]
    influence: Floats


@dataclass(frozen=True)
class ProbeInputs:
    """What a model reads of n applicants.

    Attributes:
        sources: Inputs (n, p) by source; a text says why there are none.
        wrote: bool (n,), whether the applicant wrote anything.
        tied: int64 (n,), rows of one number stay in one fold; see ``fusion.model.folds.tied_groups``.
    """

    sources: dict[Source, Inputs | Message]
    wrote: Flags
    tied: Ints

    @staticmethod
    def of(inputs: HeadInputs, x_style: Floats32, margin: Floats, tied: Ints) -> ProbeInputs:
        """From the inputs of the model's head, the style of the narratives (``TextBlock.x_style``), which the model
        reads where it is not empty, and its calibrated log-odds (n,).
        """
        wrote = np.asarray((inputs.x_absent == 0).any(axis=1), np.bool_)
        return ProbeInputs(_read_sources(inputs, x_style) | {"score": rank_code(margin)}, wrote, tied)


@dataclass(frozen=True)
class SourceProbe:
    """How well a trait is recovered from one source, on which rows."""

    accuracy: ProbeAccuracy
    rows: Index


@dataclass(frozen=True)
class TraitProbe:
    """How well one trait is recovered from each source.

    Attributes:
        found: The sources that could be probed.
        gaps: The others, and why.
        gain: AUC of columns and narratives together less that of the columns; None where one of them is missing.
    """

    found: dict[Source, SourceProbe]
    gaps: dict[Source, Message]
    gain: Estimate | None


def probe_trait(groups: Groups, inputs: ProbeInputs, advance: Callable[[int], None]) -> TraitProbe:
    """Probe every source for a trait whose groups can be told apart (``groups.too_few`` is "").

    Args:
        groups: The trait; groups too small to judge are left out.
        inputs: What the model reads of the same rows.
        advance: Called with 1 after each of the sources.
    """
    level, labels = groups.levels(), [groups.labels[at] for at in groups.large]
    found, gaps = dict[Source, SourceProbe](), dict[Source, Message]()
    for source in inputs.sources:
        outcome = _probe_source(source, inputs, level, labels)
        if isinstance(outcome, Message):
            gaps[source] = outcome
        elif outcome is not None:
            found[source] = outcome
        advance(1)
    gain = None
    if "both" in found and "columns" in found:
        both, columns = found["both"], found["columns"]  # the same rows in the same folds
        gain = accuracy_difference(both.accuracy, columns.accuracy, inputs.tied[both.rows])
    return TraitProbe(found, gaps, gain)


def verdict(auc: Estimate) -> Verdict:
    """The word for an AUC.

    chance: the interval begins at .5 or below and ends below SOMEWHAT. unsure: it begins there and ends above, so there
    are too few rows to say. Else the AUC itself decides.
    """
    if auc.low <= 0.5:
        return "chance" if auc.high < SOMEWHAT else "unsure"
    if auc.value < SOMEWHAT:
        return "hardly"
    if auc.value < CLEARLY:
        return "somewhat"
    return "clearly" if auc.value < WELL else "well"


def _read_sources(inputs: HeadInputs, x_style: Floats32) -> dict[Source, Inputs | Message]:
    """What a trait may be recovered from, but for the score: style by rank, all else as the model's head takes it."""
    found: dict[Source, Inputs | Message] = {}
    silence = None
    if not inputs.x_absent.shape[1]:
        silence = message("the model reads no narratives")
    elif inputs.x_absent.all():
        silence = message("nobody wrote anything")
    vectors = np.hstack([inputs.x_text.reshape(len(inputs), -1), inputs.x_absent])
    found["narratives"] = found["written"] = silence or vectors
    found["words"] = silence or message("they hold no word that the model counts")
    if inputs.x_words.nnz:
        found["words"] = inputs.x_words
    style = style_code(x_style)
    if x_style.shape[2]:
        found["style"] = silence or np.hstack([style, inputs.x_absent])
    lacking = None if inputs.x_columns.shape[1] else message("the model sees no columns")
    found["columns"] = lacking or inputs.x_columns
    found["both"] = lacking or silence or np.hstack([inputs.x_columns, vectors, style])
    return found


def _probe_source(
    source: Source, inputs: ProbeInputs, level: Ints, labels: Sequence[Value]
) -> SourceProbe | Message | None:
    """How well the levels are recovered from a source; why they cannot be; None where another source says the same."""
    x, known = inputs.sources[source], level >= 0
    rows = np.flatnonzero(known & inputs.wrote if source == "written" else known)
    if source == "written" and (isinstance(x, Message) or len(rows) == known.sum()):
        return None
    if isinstance(x, Message):
        return x
    counts = np.bincount(level[rows], minlength=len(labels))
    if counts.min() < MIN_ROWS:
        return message(
            "of {label} fewer than {n} wrote anything",
            label=repr(str(labels[int(counts.argmin())])),
            n=Number(MIN_ROWS),
        )
    level, tied = level[rows], inputs.tied[rows]
    fold = deal_folds(level, tied, SEED)
    if fold is None:
        return message(
            "rows that share a narrative or an applicant must not part, and so do not fill {n} folds",
            n=Number(N_FOLDS),
        )
    return SourceProbe(probe_accuracy(level, fold, out_of_fold(x[rows], level, fold), tied), rows)


def deal_folds(level: Ints, tied: Ints, seed: int) -> Ints | None:
    """A fold for every row, so that rows of one ``tied`` number (n,) never part; None when too few rows are free.

    Stratified: among rows that are tied to no other every level is dealt out evenly.
    """
    fold = assign_folds(level.astype(np.float64), tied, N_FOLDS, seed)
    counts = np.zeros((N_FOLDS, int(level.max(initial=0)) + 1), np.int64)
    np.add.at(counts, (fold, level), 1)
    return fold if counts.min() >= MIN_IN_FOLD else None


def out_of_fold(x: Inputs, level: Ints, fold: Ints) -> Floats:
    """Log-probability of each level, float64 (n, n_levels), from regressions that did not learn from the row's fold.

    The penalty for a fold is chosen without it: by the likelihood that models which learned neither from this fold nor
    from one of its two neighbours (the folds in a ring) give to that neighbour.
    """
    losses = [_losses(x, level, fold, k) for k in range(N_FOLDS)]
    log_p = np.empty((len(level), int(level.max()) + 1))
    for k in range(N_FOLDS):
        best = int(np.argmin(losses[k][1] + losses[k - 1][0]))
        learn, held_out = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        (found,) = _log_probabilities(x, level, learn, held_out, INVERSE_PENALTIES[best : best + 1])
        log_p[held_out] = found
    return log_p


def probe_accuracy(level: Ints, fold: Ints, log_p: Floats, tied: Ints) -> ProbeAccuracy:
    """How well ``log_p`` (n, n_levels) ranks the levels, compared within folds only, as their models differ.

    AUCs of folds are weighted by their numbers of pairs. The variance is that of DeLong et al. (Biometrics 1988),
    which for out-of-fold predictions is that of LeDell et al. (Electronic Journal of Statistics 2015); rows of one
    ``tied`` number (n,) count as one observation, and the interval is widened by WIDENING.
    """
    levels = range(log_p.shape[1])
    values, influences = zip(*(_one_against_rest(level == one, fold, log_p[:, one]) for one in levels), strict=True)
    by_level = tuple(_estimate(*found, tied, 0.0) for found in zip(values, influences, strict=True))
    influence: Floats = np.mean(influences, axis=0)
    return ProbeAccuracy(_estimate(float(np.mean(values)), influence, tied, 0.0), by_level, influence)


def accuracy_difference(one: ProbeAccuracy, other: ProbeAccuracy, tied: Ints) -> Estimate:
    """AUC of one minus that of the other, on the same rows in the same folds."""
    gain = one.overall.value - other.overall.value
    return _estimate(gain, one.influence - other.influence, tied, -1.0)


def rank_code(values: Floats) -> Floats32:
    """float32 (n, N_KNOTS): a single number per row as a piecewise-linear code over its ranks.

    With it a regression can find a level that stands in the middle of the others.
    """
    rank = (rankdata(values) - 0.5) / max(len(values), 1)
    knots = np.linspace(0.0, 1.0, N_KNOTS)
    hats: Floats = np.maximum(0.0, 1.0 - np.abs(rank[:, None] - knots) * (N_KNOTS - 1))
    return hats.astype(np.float32)


def style_code(x_style: Floats32) -> Floats32:
    """float32 (n, n_narratives * n_style * N_KNOTS): every feature as ``rank_code`` among the narratives that were
    written, 0 where there is none.
    """
    features = x_style.reshape(len(x_style), -1)
    code = np.zeros((*features.shape, N_KNOTS), np.float32)
    for at, values in enumerate(features.T.astype(np.float64)):
        written = np.isfinite(values)
        code[written, at] = rank_code(values[written])
    return code.reshape(len(code), features.shape[1] * N_KNOTS)


def _losses(x: Inputs, level: Ints, fold: Ints, k: int) -> Floats:
    """float64 (2, n_strengths): log-loss on fold k and on the next one, of models that learned from neither.

    Infinite for penalties weaker than one that already did worse than the one before; they take longest to fit.
    """
    pair = [np.flatnonzero(fold == k), np.flatnonzero(fold == (k + 1) % N_FOLDS)]
    both = np.concatenate(pair)
    learn = np.setdiff1d(np.arange(len(fold)), both)
    losses = np.full((2, len(INVERSE_PENALTIES)), np.inf)
    for at, log_p in enumerate(_log_probabilities(x, level, learn, both, INVERSE_PENALTIES)):
        lost = -log_p[np.arange(len(both)), level[both]]
        losses[:, at] = lost[: len(pair[0])].sum(), lost[len(pair[0]) :].sum()
        if at and losses[:, at].sum() > losses[:, at - 1].sum():
            break
    return losses


def _log_probabilities(
    x: Inputs, level: Ints, learn: Index, test: Index, strengths: tuple[float, ...]
) -> Iterator[Floats]:
    """Log-probabilities of the levels for the rows ``test``, one array per strength, learned from ``learn``."""
    model = LogisticRegression(solver="lbfgs", warm_start=True, tol=1e-4, max_iter=300)
    known, tested = x[learn], x[test]
    for strength in strengths:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early it is a probe like any other
            model.set_params(C=strength).fit(known, level[learn])
        decision = np.asarray(model.decision_function(tested), dtype=np.float64)
        # From the log-odds, as a probability of a level that is certain would round to 0.
        yield log_softmax(decision if decision.ndim == 2 else np.column_stack([-decision / 2, decision / 2]), axis=1)


def _one_against_rest(is_level: Flags, fold: Ints, score: Floats) -> tuple[float, Floats]:
    """AUC over the pairs within folds, and the influence of every row on it."""
    parts = [np.flatnonzero(fold == k) for k in np.unique(fold)]
    pairs = np.array([is_level[rows].sum() * (~is_level[rows]).sum() for rows in parts], dtype=np.float64)
    value, influence = 0.0, np.zeros(len(fold))
    for rows, share in zip(parts, pairs / pairs.sum(), strict=True):
        own = is_level[rows]
        above_rest, below_own = placements(own.astype(np.float64), score[rows])
        auc = float(above_rest.mean())
        value += share * auc
        for members, placed in ((rows[own], above_rest), (rows[~own], below_own)):
            influence[members] = share * (placed - auc) / np.sqrt(len(members) * (len(members) - 1))
    return value, influence


def _estimate(value: float, influence: Floats, tied: Ints, least: float) -> Estimate:
    """The interval around ``value``, cut at ``least`` and 1."""
    together = np.bincount(np.unique(tied, return_inverse=True)[1], influence)
    half = WIDENING * Z * float(np.sqrt(np.square(together).sum()))
    return Estimate(value, max(value - half, least), min(value + half, 1.0))
