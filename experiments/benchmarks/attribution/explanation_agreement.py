"""Whether contributions are right, not only additive: against Shapley values by brute force through the whole pipeline.

Reduced: a model of a few columns and one narrative is trained on the rows before --since, and for --applicants of the
later ones every coalition of its columns and of the narrative's sentences is scored against a background, every part
of the narrative read by the encoder as a text of its own: the definition, enumerated.

Full: the bundle's own model. For --applicants whose narratives are short enough that every part of them can be read,
--orders random orders of the players are walked forwards and backwards, each from another training row, scoring the
application after every step.

Printed per mode of attribution (exact: parts of narratives read again; fast: from the one reading): Spearman's rank
correlation over all players of an applicant, and how many of the four strongest adverse players are found.

    python -m experiments.benchmarks.attribution.explanation_agreement --model bundle --data applications.csv.gz \\
        --since 2011-01-01 --columns fico_range_low,annual_inc,dti,loan_amnt,purpose --narrative desc
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from scipy import sparse
from scipy.stats import spearmanr

from experiments.benchmarks.attribution.explained import (
    ExplainedRows,
    add_options,
    between,
    read_explained,
    shapley_weights,
)
from experiments.benchmarks.measuring import markdown, parser, publish, tell
from features.arrays import Floats, Floats32, Index, Ints
from features.design import Design, TabularBlock, TextBlock, no_style
from features.narratives.sentences import SentenceBlock
from features.tables.reader import ReadOptions, read_all
from fusion.explain.attribution import Explainer
from fusion.explain.exact_sentences import explain_exactly
from fusion.explain.explanation import Explanation
from fusion.model.fusion_model import FusionModel
from fusion.model.training import fit
from fusion.model.training_sample import TrainingSample

ADVERSE = 4
MAX_SENTENCES = 8
REDUCED_SENTENCES = 5
BACKGROUND_ROWS = 60
TREES = 120
ORDERS_AT_ONCE = 500


@dataclass(frozen=True)
class ModelParts:
    """One application with every part of its narratives read.

    Attributes:
        design: The application itself, one row.
        sizes: Sentences per narrative.
        vectors: Per narrative, by bit mask of its sentences.
        words: The same, of the word counts.
    """

    design: Design
    sizes: tuple[int, ...]
    vectors: tuple[Floats32, ...]
    words: tuple[sparse.csr_matrix, ...]

    def texts(self, masks: Ints) -> TextBlock:
        """Rows of which only the sentences of ``masks`` (m, n_narratives) are written."""
        n_narratives = len(self.sizes)
        x_text = np.stack([self.vectors[j][masks[:, j]] for j in range(n_narratives)], axis=1)
        words = sparse.hstack([self.words[j][masks[:, j]] for j in range(n_narratives)], format="csr", dtype=np.float32)
        names = self.design.text.names
        return TextBlock(x_text, masks > 0, sparse.csr_matrix(words), names, no_style(masks > 0))


def read_parts(sample: ExplainedRows, row: int) -> ModelParts:
    """Read every part of every narrative of one application."""
    one = sample.take(np.array([row]))
    sizes, vectors, words = [], [], []
    for number in range(len(one.design.text.names)):
        own = [one.block.text[at] for at in np.flatnonzero(one.block.narrative == number)]
        masks = range(1 << len(own))
        texts = ["".join(text for i, text in enumerate(own) if mask >> i & 1).strip() for mask in masks]
        x_text, x_lex = one.reader.read_texts(texts)
        if own:  # the whole is the narrative as it was scored
            x_text[-1] = one.design.text.x_text[0, number]
        sizes.append(len(own))
        vectors.append(x_text)
        words.append(x_lex)
    return ModelParts(one.design, tuple(sizes), tuple(vectors), tuple(words))


# The full model, by sampling


def sampled_values(
    model: FusionModel, background: TabularBlock, parts: ModelParts, n_orders: int, seed: int
) -> Sampled:
    """Owen values of the columns and of all sentences, from ``n_orders`` orders walked both ways."""
    random = np.random.Generator(np.random.PCG64([seed, 11]))
    n_columns = len(background.num_names) + len(background.cat_names)
    owner, sentence = _players(parts, n_columns)
    unions = n_columns + len(parts.sizes)
    total, square = np.zeros(len(owner)), np.zeros(len(owner))
    drawn = random.permutation(len(background))[:n_orders]
    for start in range(0, len(drawn), ORDERS_AT_ONCE):
        rows = drawn[start : start + ORDERS_AT_ONCE]
        by_union = random.permuted(np.tile(np.arange(unions), (len(rows), 1)), axis=1)
        rank = np.argsort(by_union, axis=1)[:, owner] + random.random((len(rows), len(owner))) / 2
        order = np.argsort(rank, axis=1)
        forwards = _walk(model, background.take(rows), parts, order, n_columns, sentence, owner)
        backwards = _walk(model, background.take(rows), parts, order[:, ::-1], n_columns, sentence, owner)
        pair = (forwards + backwards) / 2
        total += pair.sum(axis=0)
        square += (pair**2).sum(axis=0)
    mean = total / len(drawn)
    return Sampled(mean, np.sqrt(np.maximum(square / len(drawn) - mean**2, 0.0) / len(drawn)))


@dataclass(frozen=True)
class Sampled:
    """Values of the players and their standard errors."""

    values: Floats
    errors: Floats


def _players(parts: ModelParts, n_columns: int) -> tuple[Index, Index]:
    """Per player its union (a column's own, or its narrative's), and its bit within the narrative."""
    owner = [*range(n_columns)]
    bit = [0] * n_columns
    for number, size in enumerate(parts.sizes):
        owner += [n_columns + number] * size
        bit += [1 << i for i in range(size)]
    return np.array(owner), np.array(bit)


def _walk(
    model: FusionModel,
    background: TabularBlock,
    parts: ModelParts,
    order: Index,
    n_columns: int,
    bit: Index,
    owner: Index,
) -> Floats:
    """float64 (n_orders, n_players): what each player added when its turn came."""
    n, n_players = order.shape
    own = parts.design.tabular
    n_num = len(own.num_names)
    x_num, x_cat = background.x_num.copy(), background.x_cat.copy()
    masks = np.zeros((n, len(parts.sizes)), dtype=np.int64)
    every = np.arange(n)

    def margin() -> Floats:
        return model.predict(Design(replace(background, x_num=x_num, x_cat=x_cat), parts.texts(masks))).margin

    added = np.zeros((n, n_players))
    before = margin()
    for place in range(n_players):
        player = order[:, place]
        numbers = player < n_num
        x_num[every[numbers], player[numbers]] = own.x_num[0, player[numbers]]
        levels = (player >= n_num) & (player < n_columns)
        x_cat[every[levels], player[levels] - n_num] = own.x_cat[0, player[levels] - n_num]
        of_narrative = player >= n_columns
        masks[every[of_narrative], owner[player[of_narrative]] - n_columns] |= bit[player[of_narrative]]
        now = margin()
        added[every, player] = now - before
        before = now
    return added


# The reduced model, by enumeration


def enumerated_values(model: FusionModel, background: TabularBlock, parts: ModelParts) -> Floats:
    """Owen values of the columns and of the one narrative's sentences, by the definition."""
    own = parts.design.tabular
    n_num, n_columns = len(own.num_names), len(own.num_names) + len(own.cat_names)
    k = parts.sizes[0]
    worth = np.zeros((1 << n_columns, 1 << k))
    repeated = np.zeros(len(background), dtype=np.int64)
    for coalition in range(1 << n_columns):
        x_num, x_cat = background.x_num.copy(), background.x_cat.copy()
        for column in range(n_columns):
            if coalition >> column & 1 and column < n_num:
                x_num[:, column] = own.x_num[0, column]
            elif coalition >> column & 1:
                x_cat[:, column - n_num] = own.x_cat[0, column - n_num]
        tabular = replace(background, x_num=x_num, x_cat=x_cat)
        rows = np.tile(np.arange(len(background)), 1 << k)
        masks = np.repeat(np.arange(1 << k), len(background))[:, None]
        margin = model.predict(Design(tabular.take(rows), parts.texts(masks))).margin
        worth[coalition] = margin.reshape(1 << k, len(repeated)).mean(axis=1)
    return np.concatenate([_columns(worth, n_columns, k), _sentences(worth, n_columns, k)])


def _columns(worth: Floats, n_columns: int, k: int) -> Floats:
    """Shapley values of the columns among the unions: the columns and the narrative as one."""
    values = np.zeros(n_columns)
    n_unions = n_columns + (k > 0)
    weights = shapley_weights(n_unions)
    for column, coalition in itertools.product(range(n_columns), range(1 << n_columns)):
        if coalition >> column & 1:
            continue
        for whole in {0, (1 << k) - 1}:
            gain = worth[coalition | 1 << column, whole] - worth[coalition, whole]
            values[column] += weights[coalition.bit_count() + (whole > 0)] * gain
    return values


def _sentences(worth: Floats, n_columns: int, k: int) -> Floats:
    """Owen values of the narrative's sentences."""
    values = np.zeros(k)
    if not k:
        return values
    outer, inner = shapley_weights(n_columns + 1), shapley_weights(k)
    around = np.array([outer[coalition.bit_count()] for coalition in range(1 << n_columns)])
    mean = around @ worth
    for sentence, part in itertools.product(range(k), range(1 << k)):
        if not part >> sentence & 1:
            values[sentence] += inner[part.bit_count()] * (mean[part | 1 << sentence] - mean[part])
    return values


def fewer(design: Design, names: Sequence[str], narrative: str) -> Design:
    """A few columns and one narrative of a design."""
    tabular, text = design.tabular, design.text
    num = [tabular.num_names.index(name) for name in names if name in tabular.num_names]
    cat = [tabular.cat_names.index(name) for name in names if name in tabular.cat_names]
    number = text.names.index(narrative)
    n_buckets = text.x_lex.shape[1] // len(text.names)
    few = TabularBlock(
        np.ascontiguousarray(tabular.x_num[:, num]),
        np.ascontiguousarray(tabular.x_cat[:, cat]),
        tuple(tabular.num_names[i] for i in num),
        tuple(tabular.cat_names[i] for i in cat),
        tuple(tabular.n_levels[i] for i in cat),
    )
    words = sparse.csr_matrix(text.x_lex[:, number * n_buckets : (number + 1) * n_buckets])
    one = TextBlock(
        text.x_text[:, [number]], text.has_text[:, [number]], words, (narrative,), text.x_style[:, [number]]
    )
    return Design(few, one)


def only(block: SentenceBlock, number: int) -> SentenceBlock:
    """The sentences of one narrative, which becomes the only one."""
    mine = np.flatnonzero(block.narrative == number)
    return SentenceBlock(
        tuple(block.text[at] for at in mine),
        block.row[mine],
        np.zeros(len(mine), dtype=np.int64),
        block.x_sentence[mine],
        block.share[mine],
        block.x_lex[mine],
    )


def train_reduced(sample: ExplainedRows, given: argparse.Namespace) -> tuple[FusionModel, Design]:
    """A small model of the columns and the narrative that are named, and the rows that it learned from."""
    past = between(
        read_all(given.data, sample.bundle.schema, ReadOptions(need_target=True)).applications, None, given.since
    )
    whole = Design(sample.bundle.tabular.encode(past), sample.reader.read(past))
    design, y = fewer(whole, given.columns.split(","), given.narrative), past.outcome()
    config = sample.bundle.config
    config = config.model_copy(update={"stacker": config.stacker.model_copy(update={"n_trees": TREES})})
    free = (0,) * len(design.tabular.num_names)
    model, _ = fit(TrainingSample(design, y, np.arange(len(y)), free), config)
    return model, design


# Comparing


@dataclass(frozen=True)
class Agreement:
    """Per applicant: rank correlation over all players, share of the strongest adverse players that were found, and
    the largest difference in log-odds.
    """

    correlation: Floats
    overlap: Floats
    worst: Floats

    def cells(self) -> list[str]:
        """A line of the table."""
        correlation = [f"{self.correlation.mean():.4f}", f"{self.correlation.min():.4f}"]
        return [str(len(self.worst)), *correlation, f"{self.overlap.mean():.1%}", f"{self.worst.max():.1e}"]

    def figures(self) -> dict[str, list[float]]:
        """The same for machines, applicant by applicant."""
        return {field.name: getattr(self, field.name).tolist() for field in fields(Agreement)}


def agreement(found: Sequence[Floats], wanted: Sequence[Floats]) -> Agreement:
    """Compare players' values, applicant by applicant."""
    pairs = list(zip(found, wanted, strict=True))
    return Agreement(
        np.array([float(spearmanr(one, other).statistic) for one, other in pairs]),
        np.array([_overlap(one, other) for one, other in pairs]),
        np.array([float(np.abs(one - other).max()) for one, other in pairs]),
    )


def _overlap(one: Floats, other: Floats) -> float:
    strongest = [set(np.argsort(-values, kind="stable")[:ADVERSE].tolist()) for values in (one, other)]
    return len(strongest[0] & strongest[1]) / ADVERSE


def players(explanation: Explanation) -> Floats:
    """All players of a single row: columns, then sentences narrative by narrative."""
    return np.concatenate([explanation.columns[0], explanation.sentences])


def explained(explainer: Explainer, sample: ExplainedRows, rows: Index) -> dict[str, list[Floats]]:
    """Both modes of attribution, row by row."""
    found: dict[str, list[Floats]] = {"exact": [], "fast": []}
    for row in rows.tolist():
        one = sample.take(np.array([row]))
        exact = explain_exactly(explainer, one.design, one.block, one.reader.read_texts)
        found["exact"].append(players(exact))
        found["fast"].append(players(explainer.explain(one.design, one.block)))
    return found


def choose(sample: ExplainedRows, narrative: str, n: int, most_sentences: int, seed: int) -> Index:
    """Some applicants with 2 to ``most_sentences`` sentences in ``narrative``, and no longer narrative."""
    number = sample.design.text.names.index(narrative)
    sizes = np.zeros(sample.design.text.has_text.shape, dtype=np.int64)
    np.add.at(sizes, (sample.block.row, sample.block.narrative), 1)
    fit_ = np.flatnonzero((sizes[:, number] >= 2) & (sizes.max(axis=1) <= most_sentences))
    return np.sort(np.random.Generator(np.random.PCG64(seed)).permutation(fit_)[:n])


def full_model(sample: ExplainedRows, given: argparse.Namespace) -> dict[str, Agreement]:
    """The bundle's model against sampling."""
    chosen = choose(sample, given.narrative, given.applicants, MAX_SENTENCES, given.seed)
    background = sample.bundle.background()
    found = explained(sample.bundle.explainer(), sample, chosen)
    wanted = []
    for count, row in enumerate(chosen.tolist(), 1):
        sampled = sampled_values(sample.bundle.model, background, read_parts(sample, row), given.orders, row)
        wanted.append(sampled.values)
        tell(f"applicant {count} of {len(chosen)}, largest standard error {sampled.errors.max():.4f}")
    return {mode: agreement(values, wanted) for mode, values in found.items()}


def reduced_model(sample: ExplainedRows, given: argparse.Namespace) -> dict[str, Agreement]:
    """A small model against enumeration."""
    model, learned = train_reduced(sample, given)
    number = sample.design.text.names.index(given.narrative)
    design = fewer(sample.design, given.columns.split(","), given.narrative)
    few = replace(sample, design=design, block=only(sample.block, number))
    chosen = choose(few, given.narrative, given.applicants, REDUCED_SENTENCES, given.seed)
    background = learned.tabular.take(np.linspace(0, len(learned) - 1, BACKGROUND_ROWS).astype(np.intp))
    found = explained(Explainer.of(model, background), few, chosen)
    wanted = [enumerated_values(model, background, read_parts(few, row)) for row in chosen.tolist()]
    return {mode: agreement(values, wanted) for mode, values in found.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    add_options(options)
    options.add_argument("--columns", required=True, help="columns of the reduced model, by commas")
    options.add_argument("--narrative", required=True, help="narrative of the reduced model")
    options.add_argument("--applicants", type=int, default=50)
    options.add_argument("--orders", type=int, default=2000, help="orders walked per applicant, full model")
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args(arguments)
    sample = read_explained(given)
    tell("reduced model")
    found = {f"reduced model, {mode}": result for mode, result in reduced_model(sample, given).items()}
    tell("full model")
    found |= {f"full model, {mode}": result for mode, result in full_model(sample, given).items()}
    heads = ["attribution", "applicants", "mean rank correlation", "least", "top 4 found", "worst difference"]
    table = markdown(heads, [[name, *result.cells()] for name, result in found.items()])
    publish({name: result.figures() for name, result in found.items()}, table, given.json)


if __name__ == "__main__":
    main()
