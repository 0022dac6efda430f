from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from features.arrays import Floats
from features.design import Design, TabularBlock
from features.narratives.sentences import SentenceBlock
from features.text.cleaning import MAX_PASSAGES
from fusion.explain.attribution import Explainer, ModelOutputs
from fusion.explain.sentence_shapley import MAX_ENUMERATED, PAIRS, part_outputs
from fusion.model.fusion_model import OUTCOME, FusionModel
from fusion.model.training import fit
from fusion.model.training_sample import Auxiliary
from tests.support.designs import (
    MONOTONE,
    SMALL,
    WITH_COMPONENTS,
    Shape,
    log_odds,
    make_design,
    outcome,
    sample_of,
    with_numbers,
    without_narratives,
)
from tests.support.logged import make_with_sentences, whole_text, without_sentences
from tests.support.shapley_values import shapley

SHAPE = Shape(n_num=3, n_cat=1)


@pytest.fixture(scope="module")
def with_sentences() -> tuple[Design, SentenceBlock]:
    return make_with_sentences(400, shape=SHAPE)


def plain(design: Design) -> FusionModel:
    return fit(sample_of(design, outcome(design), MONOTONE[: SHAPE.n_num]), SMALL)[0]


def with_components(design: Design) -> FusionModel:
    """Trees hear components of the narratives too; bad outcomes hang on two of them together."""
    is_large = np.abs(design.text.x_text[:, :, 1]).sum(axis=1) > 1.0
    y = np.where(np.random.default_rng(3).random(len(design)) < 0.9, is_large, outcome(design)).astype(np.float64)
    return fit(sample_of(design, y, MONOTONE[: SHAPE.n_num]), WITH_COMPONENTS)[0]


def with_auxiliary(design: Design) -> FusionModel:
    """Components, and members that learned the log-odds themselves."""
    sample = sample_of(design, outcome(design), MONOTONE[: SHAPE.n_num])
    return fit(replace(sample, auxiliary=(Auxiliary("later", log_odds(design)),)), WITH_COMPONENTS)[0]


MODELS: dict[str, Callable[[Design], FusionModel]] = {
    "plain": plain,
    "components": with_components,
    "auxiliary": with_auxiliary,
}


@pytest.fixture(scope="module", params=MODELS)
def model(with_sentences: tuple[Design, SentenceBlock], request: pytest.FixtureRequest) -> FusionModel:
    return MODELS[request.param](with_sentences[0])


@pytest.fixture(scope="module")
def explainer(model: FusionModel, with_sentences: tuple[Design, SentenceBlock]) -> Explainer:
    return Explainer.of(model, with_sentences[0].tabular.take(np.arange(30)))


def brute_force(model: FusionModel, background: TabularBlock, row: Design) -> tuple[float, Floats]:
    """Base and Shapley values of one row's columns and narratives, by scoring it against every background row."""
    n_num, n_cat = len(row.tabular.num_names), len(row.tabular.cat_names)
    n_columns, n_narratives = n_num + n_cat, len(row.text.names)
    n_buckets = row.text.x_lex.shape[1] // n_narratives

    def worth(coalition: frozenset[int]) -> float:
        x_num, x_cat = background.x_num.copy(), background.x_cat.copy()
        for player in coalition:
            if player < n_num:
                x_num[:, player] = row.tabular.x_num[0, player]
            elif player < n_columns:
                x_cat[:, player - n_num] = row.tabular.x_cat[0, player - n_num]
        kept = np.array([n_columns + j in coalition for j in range(n_narratives)])
        has_text = row.text.has_text & kept
        x_text = np.where(has_text[:, :, None], row.text.x_text, np.float32(0))
        words = row.text.x_lex.toarray() * np.repeat(has_text, n_buckets, axis=1)
        x_style = np.where(has_text[:, :, None], row.text.x_style, np.float32(np.nan))
        text = replace(row.text, x_text=x_text, has_text=has_text, x_lex=sparse.csr_matrix(words), x_style=x_style)
        tabular = replace(background, x_num=x_num, x_cat=x_cat)
        return float(model.predict(Design(tabular, text.take(np.zeros(len(background), dtype=np.intp)))).margin.mean())

    return worth(frozenset()), shapley(n_columns + n_narratives, worth)


def test_the_models_have_the_parts_that_they_are_explained_for(model: FusionModel) -> None:
    boosters = [lgb.Booster(model_str=booster.text) for booster in model.fused.stacker.boosters]
    gain = np.sum([booster.feature_importance("gain") for booster in boosters], axis=0)
    assert gain[SHAPE.n_num + SHAPE.n_cat + 2 :].sum() > 0 or not model.n_text_columns
    taught = [member for member in model.fused.members if member.target != OUTCOME]
    assert any(member.weight for member in taught) or not taught
    assert (model.n_text_columns, len(taught)) in {(0, 0), (6, 0), (6, 2)}


@pytest.mark.parametrize("row", [0, 3, 11])
def test_columns_and_narratives_get_their_shapley_values(
    explainer: Explainer, with_sentences: tuple[Design, SentenceBlock], row: int
) -> None:
    design, block = with_sentences
    index = np.array([row])
    explanation = explainer.explain(design.take(index), block.take(index))
    base, values = brute_force(explainer.model, design.tabular.take(np.arange(30)), design.take(index))
    assert explanation.base == pytest.approx(base, abs=1e-8)
    np.testing.assert_allclose(
        np.concatenate([explanation.columns[0], explanation.narratives[0]]), values, rtol=0, atol=1e-7
    )


@pytest.mark.parametrize("place", [0, 40, 90])
def test_sentences_get_their_owen_values(
    explainer: Explainer, with_sentences: tuple[Design, SentenceBlock], place: int
) -> None:
    design, block = with_sentences
    bounds = block.bounds()
    begin, end = [(a, b) for a, b in itertools.pairwise(bounds.tolist()) if b - a > 1][place]
    row, narrative = int(block.row[begin]), int(block.narrative[begin])
    explanation = explainer.explain(design, block)

    def worth(coalition: frozenset[int]) -> float:
        kept = [begin + i for i in sorted(coalition)]
        text = without_sentences(design, block, row, narrative, kept)
        part = Design(design.tabular.take(np.array([row])), text)
        nothing = block.take(np.zeros(0, dtype=np.intp))
        return float(explainer.explain(part, nothing).narratives[0, narrative])

    np.testing.assert_allclose(explanation.sentences[begin:end], shapley(end - begin, worth), rtol=0, atol=1e-5)


def test_contributions_add_up(explainer: Explainer, with_sentences: tuple[Design, SentenceBlock]) -> None:
    design, block = with_sentences
    explanation = explainer.explain(design, block)
    assert np.abs(explanation.reconciliation).max() < 1e-8
    np.testing.assert_array_equal(explanation.margin, explainer.model.predict(design).margin)
    summed = np.zeros_like(explanation.narratives)
    np.add.at(summed, (block.row, block.narrative), explanation.sentences)
    np.testing.assert_allclose(summed, explanation.narratives, rtol=0, atol=1e-9)
    assert (explanation.sentence_error == 0.0).all()


def test_shares_sum_to_one_without_special_tokens(
    explainer: Explainer, with_sentences: tuple[Design, SentenceBlock]
) -> None:
    design, block = with_sentences
    bounds = block.bounds()
    total = np.repeat(np.add.reduceat(block.share, bounds[:-1]), np.diff(bounds))
    exact = replace(block, share=block.share / total)
    rounded = replace(exact, share=exact.share.astype(np.float16).astype(np.float32))
    design = Design(design.tabular, whole_text(exact, design.text, np.random.default_rng(0)))
    games = list(explainer.games(ModelOutputs.of(explainer.model, design), rounded))
    assert any(np.abs(np.add.reduceat(game.parts.part[:, 0], game.parts.first[:-1]) - 1).max() > 1e-5 for game in games)
    assert all((game.parts.rest == 0.0).all() for game in games)
    one, other = (explainer.explain(design, each).sentences for each in (rounded, exact))
    apart = np.abs(one - other)
    assert (apart < 1e-3).mean() > 0.99  # but for a part that lies beside a threshold of the trees
    assert apart.max() < 0.01


def test_a_part_without_a_token_has_the_mean_narratives_log_odds(
    explainer: Explainer, with_sentences: tuple[Design, SentenceBlock]
) -> None:
    design, block = with_sentences
    first = int(block.bounds()[np.flatnonzero(np.diff(block.bounds()) > 1)[0]])
    mine = np.flatnonzero((block.row == block.row[first]) & (block.narrative == block.narrative[first]))
    share = block.share.copy()
    share[mine] = [0.0] + [1.0 / (len(mine) - 1)] * (len(mine) - 1)
    wordless = sparse.csr_matrix(np.zeros(block.x_lex.shape, np.float32))
    silent = replace(block, share=share, x_lex=wordless)
    row = np.array([block.row[first]])
    reading = ModelOutputs.of(explainer.model, design.take(row))
    (game,) = (one for one in explainer.games(reading, silent.take(row)) if one.number == block.narrative[first])
    n_outputs = 2 + explainer.model.n_text_columns
    assert part_outputs(game.parts, 0, np.array([1])).tolist() == [[0.0] * n_outputs]


def test_long_narratives_are_sampled_with_an_error_that_holds(explainer: Explainer) -> None:
    design, block = make_with_sentences(12, seed=5, shape=SHAPE, most_sentences=MAX_ENUMERATED + 8)
    first, second = (explainer.explain(design, block, seed) for seed in (0, 1))
    sampled = first.sentence_error > 0
    np.testing.assert_array_equal(first.orders, np.where(sampled, 2 * PAIRS, 0))
    size = np.repeat(np.diff(block.bounds()), np.diff(block.bounds()))
    assert sampled.any()
    assert not sampled[size <= MAX_ENUMERATED].any()
    summed = np.zeros_like(first.narratives)
    np.add.at(summed, (block.row, block.narrative), first.sentences)
    np.testing.assert_allclose(summed, first.narratives, rtol=0, atol=1e-9)
    spread = np.hypot(first.sentence_error, second.sentence_error)[sampled]
    z = (first.sentences - second.sentences)[sampled] / spread
    assert 0.5 < float(np.sqrt(np.mean(z**2))) < 1.5


def test_explanations_of_rows_are_independent(
    explainer: Explainer, with_sentences: tuple[Design, SentenceBlock]
) -> None:
    design, block = with_sentences
    together = explainer.explain(design, block)
    order = np.random.default_rng(1).permutation(len(design))[:50]
    apart = explainer.explain(design.take(order), block.take(order))
    np.testing.assert_array_equal(apart.columns, together.columns[order])
    np.testing.assert_array_equal(apart.narratives, together.narratives[order])
    alone = [explainer.explain(design.take(order[i : i + 1]), block.take(order[i : i + 1])) for i in range(8)]
    np.testing.assert_array_equal(np.concatenate([a.sentences for a in alone]), apart.sentences[apart.block.row < 8])


def test_an_unused_column_gets_nothing_and_equal_columns_get_equal_credit_where_the_head_treats_them_alike() -> None:
    design = make_design(500, shape=SHAPE)
    x_num = design.tabular.x_num.copy()
    x_num[:, 2] = 1.0
    x_num[:, 1] = np.float32(0.7) * np.nan_to_num(x_num[:, 0])
    x_num[:, 0] = x_num[:, 1]
    design = with_numbers(design, x_num)
    config = SMALL.model_copy(update={"stacker": SMALL.stacker.model_copy(update={"column_share": 0.5})})
    y = outcome(design)
    model, _ = fit(sample_of(design, y, (0, 0, 0)), config)
    explainer = Explainer.of(model, design.tabular)
    nothing = make_with_sentences(1)[1].take(np.zeros(0, dtype=np.intp))
    explanation = explainer.explain(design, nothing)
    assert (explanation.columns[:, 2] == 0.0).all()
    head = explanation.columns - explanation.from_trees[:, : explanation.columns.shape[1]]
    np.testing.assert_allclose(head[:, 0], head[:, 1], rtol=0, atol=1e-4)
    assert np.abs(head[:, 0]).max() > 0.01


def test_an_absent_narrative_has_no_contribution(explainer: Explainer) -> None:
    design, block = make_with_sentences(60, seed=3, shape=SHAPE)
    explanation = explainer.explain(design, block)
    silent = ~design.text.has_text
    assert silent.any()
    assert (explanation.narratives[silent] == 0.0).all()


def test_a_narrative_of_too_many_sentences_is_refused(explainer: Explainer) -> None:
    design, block = make_with_sentences(1, seed=1, shape=SHAPE, most_sentences=MAX_PASSAGES + 30)
    while len(block) and np.diff(block.bounds()).max() <= MAX_PASSAGES:
        design, block = make_with_sentences(1, seed=len(block), shape=SHAPE, most_sentences=MAX_PASSAGES + 30)
    with pytest.raises(ValueError, match=f"sentences, more than {MAX_PASSAGES}"):
        explainer.explain(design, block)


def test_no_rows_at_all(explainer: Explainer, with_sentences: tuple[Design, SentenceBlock]) -> None:
    none = np.zeros(0, dtype=np.intp)
    explanation = explainer.explain(with_sentences[0].take(none), with_sentences[1].take(none))
    assert explanation.columns.shape == (0, 4)
    assert len(explanation.sentences) == 0


def test_a_model_without_narratives_is_explained() -> None:
    design = without_narratives(make_design(300, shape=SHAPE))
    y = np.random.default_rng(0).integers(0, 2, 300).astype(np.float64)
    model, _ = fit(sample_of(design, y, MONOTONE[:3]), SMALL)
    nothing = make_with_sentences(1)[1].take(np.zeros(0, dtype=np.intp))
    explanation = Explainer.of(model, design.tabular).explain(design, nothing)
    assert np.abs(explanation.reconciliation).max() < 1e-8


def test_a_background_without_rows_is_refused(model: FusionModel, with_sentences: tuple[Design, SentenceBlock]) -> None:
    with pytest.raises(ValueError, match="background without rows"):
        Explainer.of(model, with_sentences[0].tabular.take(np.zeros(0, dtype=np.intp)))


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 12), most=st.integers(1, 14))
def test_any_rows_add_up_and_their_sentences_too(explainer: Explainer, seed: int, n: int, most: int) -> None:
    design, block = make_with_sentences(n, seed, SHAPE, most)
    explanation = explainer.explain(design, block)
    assert np.abs(explanation.reconciliation).max() < 1e-8
    summed = np.zeros_like(explanation.narratives)
    np.add.at(summed, (block.row, block.narrative), explanation.sentences)
    np.testing.assert_allclose(summed, explanation.narratives, rtol=0, atol=1e-9)


def test_other_weights_give_another_explanation(
    explainer: Explainer, with_sentences: tuple[Design, SentenceBlock]
) -> None:
    design, block = with_sentences
    text = replace(design.text, x_text=design.text.x_text[:, :, ::-1])
    y = outcome(Design(replace(design.tabular, x_num=design.tabular.x_num[:, ::-1]), text))
    model, _ = fit(sample_of(design, y, MONOTONE[: SHAPE.n_num]), SMALL)
    one, other = explainer.explain(design, block), Explainer.of(model, design.tabular).explain(design, block)
    assert abs(np.corrcoef(one.columns.ravel(), other.columns.ravel())[0, 1]) < 0.5
    assert abs(np.corrcoef(one.sentences, other.sentences)[0, 1]) < 0.5


# Style: how a narrative is written


@pytest.fixture(scope="module")
def styled(with_sentences: tuple[Design, SentenceBlock]) -> Design:
    design, _ = with_sentences
    written = design.text.has_text
    style = np.random.default_rng(8).normal(size=(*written.shape, 2)).astype(np.float32)
    style[~written] = np.nan
    return Design(design.tabular, replace(design.text, x_style=style))


@pytest.fixture(scope="module")
def style_explainer(styled: Design) -> Explainer:
    shout = np.nan_to_num(styled.text.x_style[:, 0, 1]).astype(np.float64)
    y = (outcome(styled) + shout > 0.8).astype(np.float64)
    model, _ = fit(sample_of(styled, y, MONOTONE[: SHAPE.n_num]), SMALL)
    return Explainer.of(model, styled.tabular.take(np.arange(30)))


def test_style_belongs_to_its_narrative(
    style_explainer: Explainer, styled: Design, with_sentences: tuple[Design, SentenceBlock]
) -> None:
    explanation = style_explainer.explain(styled, with_sentences[1])
    assert np.abs(explanation.reconciliation).max() < 1e-8
    np.testing.assert_array_equal(explanation.margin, style_explainer.model.predict(styled).margin)
    assert np.abs(explanation.style[:, 0]).max() > 0.05
    assert (explanation.style[~styled.text.has_text] == 0.0).all()


def test_no_sentence_is_credited_with_style(
    style_explainer: Explainer, styled: Design, with_sentences: tuple[Design, SentenceBlock]
) -> None:
    block = with_sentences[1]
    begin, end = next((a, b) for a, b in itertools.pairwise(block.bounds().tolist()) if b - a == 1)
    row, number = int(block.row[begin]), int(block.narrative[begin])
    one = styled.take(np.array([row]))
    whole = style_explainer.explain(styled, block).sentences[begin:end].sum()
    nothing = block.take(np.zeros(0, dtype=np.intp))

    def worth(written: bool) -> float:
        """The narrative's contribution with its style, and with its words or as one that says nothing."""
        head, alone = style_explainer.model.fused.head, style_explainer.model.text_only.head
        outputs = ModelOutputs.of(style_explainer.model, one)
        found = outputs.narrative(number, np.array([0]))
        if not written:
            found[0, :2] = head.absent[number], alone.absent[number]
        (game,) = [
            game for game in style_explainer.games(outputs, block.take(np.array([row]))) if game.number == number
        ]
        return float(game.payoff.of(0, found)[0])

    assert whole == pytest.approx(worth(True) - worth(False), abs=1e-9)
    assert style_explainer.explain(one, nothing).narratives.shape == (1, 2)


def test_a_model_that_reads_no_style_has_none(model: FusionModel, with_sentences: tuple[Design, SentenceBlock]) -> None:
    explanation = Explainer.of(model, with_sentences[0].tabular.take(np.arange(30))).explain(*with_sentences)
    np.testing.assert_allclose(explanation.style, 0.0, rtol=0, atol=1e-9)
