"""The fused model: trained out of fold, equal to the bit in any company, and blind to what it must not see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.special import expit

from data_schemas.errors import ContractError
from data_schemas.fields import FieldType, Role
from data_schemas.reader import load_schema
from features.arrays import Dates, Floats, Floats32
from features.design import Design
from features.encoders.vectors import PartVectors, Progress
from features.encoders.windows import Spans
from features.narratives.reader import TextReader
from features.tables.applications import Applications
from features.tabular import TabularEncoder
from fusion.config import Config, FoldConfig
from fusion.metrics import auc, base_log_odds, fit_logistic_line, log_loss
from fusion.model.basis import Basis
from fusion.model.calibration import to_score
from fusion.model.folds import assign_folds
from fusion.model.fusion_model import FusionModel
from fusion.model.head import Head
from fusion.model.head_fitting import fit_head, training_device
from fusion.model.lesson import Lesson
from fusion.model.stacker import Stacker, stacker_inputs
from fusion.model.training import Training, TreeRows, fit, fit_text_head, n_steps
from fusion.model.training_sample import TrainingSample
from tests.support import golden_model
from tests.support.designs import (
    MONOTONE,
    SMALL,
    Shape,
    Trained,
    chunks,
    make_design,
    outcome,
    sample_of,
    silent,
    with_column,
    with_levels,
    with_text_of,
    without_narratives,
)
from tests.support.same_models import assert_same_assembly, assert_same_head, assert_same_model, assert_same_text_model
from tests.support.small import applications, row
from tests.support.stand_in import parts_alone

GOLDEN_TOLERANCE = 1e-6
"""Log-odds; the last bits of a matrix product differ between machines."""


def train(design: Design, y: Floats, config: Config = SMALL) -> FusionModel:
    """A model of rows that are nobody's copies."""
    monotone = (MONOTONE + (0,) * 9)[: len(design.tabular.num_names)]
    return fit(sample_of(design, y, monotone), config)[0]


def all_margins(model: FusionModel, design: Design) -> Floats:
    """Margins of the fused model and both ablations, (n, 3)."""
    margins = model.margins(design)
    return np.column_stack([model.predict(design).margin, margins.columns_only, margins.text_only])


def text_log_odds(model: FusionModel, design: Design) -> Floats:
    """What the text-only head says of each narrative, (n, n_narratives)."""
    return model.text_only.text(model.basis.inputs(design))


# Training


def test_learns_and_text_adds_auc(trained: Trained) -> None:
    found, y = trained.out_of_fold, trained.y
    assert auc(y, found.fused) > 0.75
    assert auc(y, found.fused) > auc(y, found.columns_only) + 0.05
    assert auc(y, found.fused) > auc(y, found.text_only)
    fresh = make_design(700, seed=1)
    assert auc(outcome(fresh), trained.model.predict(fresh).margin) > 0.75


def test_out_of_fold_log_odds_are_calibrated(trained: Trained) -> None:
    found = trained.out_of_fold
    for margin in (found.fused, found.columns_only, found.text_only):
        assert fit_logistic_line(trained.y, margin) == pytest.approx((1, 0), abs=1e-4)


def test_folds_are_as_configured(trained: Trained) -> None:
    model = trained.model
    for assembly in (model.fused, model.columns_only):
        assert len(assembly.stacker.boosters) == 3
    design = trained.design.take(np.arange(100))
    whole = SMALL.stacker.model_copy(update={"row_share": 1.0})
    small = train(design, trained.y[:100], SMALL.model_copy(update={"stacker": whole}))
    first_trees = [
        lgb.Booster(model_str=booster.text).dump_model()["tree_info"][0] for booster in small.fused.stacker.boosters
    ]
    learned_from = [tree["tree_structure"]["internal_count"] for tree in first_trees]
    assert learned_from == pytest.approx([67, 67, 67], abs=1)


def test_each_head_is_the_weighted_mean_of_one_per_fold(trained: Trained) -> None:
    model, y = trained.model, trained.y
    fold = assign_folds(y, np.arange(700), SMALL.folds.n_folds, SMALL.folds.seed)
    inputs = model.basis.inputs(trained.design)
    cases = [
        (model.fused.head, model.fused.members[0].weight, inputs),
        (model.columns_only.head, model.columns_only.members[0].weight, inputs.without_text()),
        (model.text_only.head, 1.0, inputs.without_columns()),
    ]
    for head, weight, visible in cases:
        assert weight > 0
        learned_from = [np.flatnonzero(fold != number) for number in range(3)]
        heads = [fit_head(visible.take(rows), Lesson(y[rows]), SMALL.head, training_device()) for rows in learned_from]
        assert_same_head(Head.weighted([Head.mean(heads)], [weight]), head)


def test_out_of_fold_means_unseen() -> None:
    """Coin flips cannot be foretold, though a model with weak penalties learns its own rows by heart."""
    design = make_design(400)
    coin = np.random.default_rng(2).integers(0, 2, 400).astype(np.float64)
    weak = SMALL.head.model_copy(update={"text_penalty": 1e-2, "word_penalty": 1e-2, "column_penalty": 1e-2})
    config = SMALL.model_copy(update={"head": weak})
    sample = sample_of(design, coin)
    inputs = Basis.fit(design, config, MONOTONE).inputs(design).without_columns()
    head, unseen = fit_text_head(inputs, Training.of(sample, config))
    assert auc(coin, head.output(inputs).margin) > 0.7
    assert 0.4 < auc(coin, unseen.sum(axis=1)) < 0.6
    model, found = fit(sample, config)
    for assembly in (model.fused, model.columns_only):
        assert [member.weight for member in assembly.members] == [0.0, 0.0]
    for margin in (found.fused, found.columns_only, model.predict(design).margin):
        np.testing.assert_allclose(margin, base_log_odds(coin), rtol=0, atol=1e-9)
    assert 0.4 < auc(coin, found.text_only) < 0.6


def test_equal_seed_equal_bits(trained: Trained) -> None:
    again, found = fit(sample_of(trained.design, trained.y), SMALL)
    assert_same_model(again, trained.model)
    for name in ("fused", "columns_only", "text_only"):
        np.testing.assert_array_equal(getattr(found, name), getattr(trained.out_of_fold, name))


def test_another_seed_gives_another_model(trained: Trained) -> None:
    config = SMALL.model_copy(update={"folds": FoldConfig(n_folds=3, n_repeats=1, seed=8)})
    other = train(trained.design, trained.y, config)
    assert (other.predict(trained.design).margin != trained.model.predict(trained.design).margin).any()


def test_every_step_is_announced() -> None:
    design, steps = make_design(60), list[int]()
    fit(sample_of(design, outcome(design)), SMALL, lambda: steps.append(1))
    assert len(steps) == n_steps(SMALL, len(design)) == 9


def test_the_watch_is_called_after_every_fold_and_changes_nothing(trained: Trained) -> None:
    calls: list[tuple[int, Floats, Floats]] = []
    sample = sample_of(trained.design, trained.y)
    model, found = fit(sample, SMALL, watch=lambda *call: calls.append(call))
    assert [n for n, _, _ in calls] == [1, 2, 3]
    assert [len(y) for _, y, _ in calls] == pytest.approx([700 / 3, 1400 / 3, 700], abs=1)
    np.testing.assert_array_equal(calls[-1][1], trained.y)
    np.testing.assert_array_equal(calls[-1][2], found.fused)
    np.testing.assert_array_equal(found.fused, trained.out_of_fold.fused)
    np.testing.assert_array_equal(all_margins(model, trained.design), all_margins(trained.model, trained.design))


def test_the_watch_can_stop_the_fit_between_folds(trained: Trained) -> None:
    class EnoughError(Exception):
        pass

    def watch(n_folds: int, _y: Floats, _margin: Floats) -> None:
        if n_folds == 1:
            raise EnoughError("two is plenty")

    steps: list[int] = []
    with pytest.raises(EnoughError, match="plenty"):
        fit(sample_of(trained.design, trained.y), SMALL, lambda: steps.append(1), watch)
    assert len(steps) == 3  # the text-only heads


@pytest.mark.parametrize(("part", "weights"), [("vectors", "text"), ("words", "words")])
def test_vectors_and_words_can_be_left_unread(trained: Trained, part: str, weights: str) -> None:
    config = SMALL.model_copy(update={"text": SMALL.text.model_copy(update={part: False})})
    model = train(trained.design, trained.y, config)
    for head in (model.fused.head, model.text_only.head):
        assert not getattr(head, weights).any()
    assert model.text_only.head.absent.any()
    text = trained.design.text
    nothing = sparse.csr_matrix(np.zeros(text.x_lex.shape, dtype=np.float32))
    other = replace(text, x_text=-text.x_text) if part == "vectors" else replace(text, x_lex=nothing)
    changed = all_margins(model, Design(trained.design.tabular, other))
    np.testing.assert_array_equal(changed, all_margins(model, trained.design))
    assert np.isfinite(changed).all()


@pytest.mark.parametrize("n_bad", [0, 1, 2, 58, 60])
def test_too_few_bad_or_good_outcomes_are_refused(n_bad: int) -> None:
    y = (np.arange(60) < n_bad).astype(np.float64)
    with pytest.raises(ContractError, match=f"at least 3 bad and 3 good outcomes, got {n_bad} bad of 60 rows"):
        train(make_design(60), y)


def test_no_rows_are_refused() -> None:
    with pytest.raises(ContractError, match="got 0 bad of 0 rows"):
        train(make_design(0), np.zeros(0))


@pytest.mark.parametrize("groups", [np.zeros(60), np.arange(60) % 2], ids=["one_group", "one_per_outcome"])
def test_groups_that_cannot_be_dealt_are_refused(groups: Floats) -> None:
    y = np.arange(60) % 2
    with pytest.raises(ContractError, match="must share a fold"):
        fit(TrainingSample(make_design(60), y.astype(np.float64), groups.astype(np.int64), MONOTONE), SMALL)


# Scoring


def test_scores_are_three_views_of_one_margin(trained: Trained) -> None:
    scores = trained.model.predict(trained.design)
    assert scores.margin.dtype == scores.pd.dtype == scores.score.dtype == np.float64
    np.testing.assert_array_equal(scores.pd, expit(scores.margin))
    np.testing.assert_array_equal(scores.score, to_score(scores.margin, SMALL.scale))
    np.testing.assert_array_equal(trained.model.margins(trained.design).fused, scores.margin)


def test_the_margin_is_the_sum_of_its_parts(trained: Trained) -> None:
    fused, parts = trained.model.fused, trained.model.parts(trained.design)
    np.testing.assert_array_equal(parts.margin, trained.model.predict(trained.design).margin)
    np.testing.assert_allclose(parts.margin, fused.intercept + parts.stacker + parts.head, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(parts.head, fused.head.output(trained.model.basis.inputs(trained.design)).margin)


@pytest.mark.parametrize("size", [1, 7, 256])
def test_chunk_size_is_irrelevant(trained: Trained, size: int) -> None:
    design = trained.design.take(np.arange(300))
    parts = [all_margins(trained.model, chunk) for chunk in chunks(design, size)]
    np.testing.assert_array_equal(np.concatenate(parts), all_margins(trained.model, design))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.permutations(range(700)), st.integers(0, 700))
def test_rows_are_independent_and_order_is_irrelevant(trained: Trained, order: list[int], n_rows: int) -> None:
    index = np.array(order[:n_rows], dtype=np.intp)
    whole = all_margins(trained.model, trained.design)
    np.testing.assert_array_equal(all_margins(trained.model, trained.design.take(index)), whole[index])


def test_the_number_of_threads_is_irrelevant(trained: Trained) -> None:
    one, two = (trained.model.predict(trained.design, threads).margin for threads in (1, 2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("n_rows", [0, 1])
def test_no_row_and_one_row(trained: Trained, n_rows: int) -> None:
    scores = trained.model.predict(trained.design.take(np.arange(n_rows)))
    assert scores.margin.shape == scores.pd.shape == scores.score.shape == (n_rows,)
    assert all_margins(trained.model, trained.design.take(np.arange(n_rows))).shape == (n_rows, 3)


def test_the_golden_log_odds() -> None:
    golden = golden_model.read()

    def distance(other: golden_model.Golden) -> float:
        wanted = np.column_stack([golden.margins.fused, golden.margins.columns_only, golden.margins.text_only])
        return float(np.abs(all_margins(other.model, golden.design) - wanted).max())

    assert np.ptp(golden.margins.fused) > 1
    assert distance(golden) < GOLDEN_TOLERANCE
    assert distance(golden_model.changed(golden)) > GOLDEN_TOLERANCE


def blank_numbers(design: Design) -> Design:
    """The same rows with no number known."""
    for column in range(len(design.tabular.num_names)):
        design = with_column(design, column, float("nan"))
    return design


POOR: dict[str, Callable[[Design], Design]] = {
    "no_narrative_columns": without_narratives,
    "all_narratives_missing": silent,
    "all_numbers_missing": blank_numbers,
    "a_constant_column": lambda design: with_column(design, 0, 1.0),
    "an_empty_column": lambda design: with_column(design, 0, float("nan")),
    "unknown_levels": lambda design: with_levels(design, 0),
    "only_narratives": lambda design: with_levels(blank_numbers(design), 0),
    "nothing": lambda design: with_levels(blank_numbers(silent(design)), 0),
}


@pytest.mark.parametrize("poorer", POOR.values(), ids=POOR)
def test_poor_data_are_learned_and_scored(trained: Trained, poorer: Callable[[Design], Design]) -> None:
    design = poorer(trained.design)
    margin = all_margins(train(design, trained.y), design)
    assert np.isfinite(margin).all()
    assert expit(margin[:, 0]).mean() == pytest.approx(trained.y.mean(), abs=0.05)


@pytest.mark.parametrize("poorer", [poorer for name, poorer in POOR.items() if name != "no_narrative_columns"])
def test_a_model_of_full_data_scores_poor_data(trained: Trained, poorer: Callable[[Design], Design]) -> None:
    assert np.isfinite(all_margins(trained.model, poorer(trained.design))).all()


@pytest.mark.parametrize("value", [float("nan"), 7.0], ids=["empty", "constant"])
def test_a_column_without_a_value_to_tell_apart_does_no_harm(value: float) -> None:
    """It has no part in the margin, whatever it holds later, and costs no more than chance in held-out log-loss."""
    design, fresh = (make_design(n, seed, Shape(n_num=3)) for n, seed in ((700, 0), (2000, 1)))
    y, later = outcome(design), outcome(fresh)
    model, plain = (train(one, y) for one in (with_column(design, 2, value), with_column(design, 2, 0.0)))
    wanted = all_margins(model, with_column(fresh, 2, value))
    for other in (with_column(fresh, 2, 3.0), with_column(fresh, 2, float("nan"))):
        np.testing.assert_allclose(all_margins(model, other), wanted, rtol=0, atol=1e-9)
    known, without = log_loss(later, wanted[:, 0]), log_loss(later, train(design, y).predict(fresh).margin)
    assert known < without + 0.005
    np.testing.assert_allclose(wanted, all_margins(plain, with_column(fresh, 2, 0.0)), rtol=0, atol=1e-9)


@pytest.mark.parametrize("shape", [Shape(n_num=0, n_cat=0), Shape(n_num=0), Shape(n_cat=0), Shape(n_narratives=0)])
def test_any_set_of_columns(shape: Shape) -> None:
    design = make_design(200, shape=shape)
    y = np.random.default_rng(0).integers(0, 2, 200).astype(np.float64)
    assert np.isfinite(all_margins(train(design, y), design)).all()


# What each part sees


def test_columns_only_ignores_the_narratives(trained: Trained) -> None:
    wanted = trained.model.margins(trained.design).columns_only
    mixed = with_text_of(trained.design, make_design(700, seed=9))
    for design in (mixed, silent(trained.design)):
        np.testing.assert_array_equal(trained.model.margins(design).columns_only, wanted)
    columns_only, plain = trained.model.columns_only, trained.model.basis.inputs(trained.design).without_text()
    x = stacker_inputs(trained.design.tabular, np.zeros((700, 0)))
    np.testing.assert_array_equal(columns_only.parts(plain, x).margin, wanted)
    assert columns_only.head.output(plain).text.shape == (700, 0)
    assert [lgb.Booster(model_str=booster.text).num_feature() for booster in columns_only.stacker.boosters] == [6, 6, 6]
    assert (trained.model.predict(mixed).margin != trained.model.predict(trained.design).margin).mean() > 0.9


def test_text_only_ignores_the_columns(trained: Trained) -> None:
    other = with_text_of(make_design(700, seed=9), trained.design)
    wanted = trained.model.margins(trained.design).text_only
    np.testing.assert_array_equal(trained.model.margins(other).text_only, wanted)
    assert trained.model.text_only.head.columns.shape == (0,)


def test_ablations_are_trained_on_their_inputs_alone(trained: Trained) -> None:
    design, other = trained.design, make_design(700, seed=9)
    other_text = train(with_text_of(design, other), trained.y)
    other_columns = train(with_text_of(other, design), trained.y)
    assert_same_assembly(other_text.columns_only, trained.model.columns_only)
    assert_same_text_model(other_columns.text_only, trained.model.text_only)
    for twin in (other_text, other_columns):
        assert (twin.fused.head.columns != trained.model.fused.head.columns).any()
        assert (twin.fused.head.text != trained.model.fused.head.text).any()


def test_text_only_is_a_line_over_its_head(trained: Trained) -> None:
    text_only = trained.model.text_only
    text_margin = text_log_odds(trained.model, trained.design).sum(axis=1)
    found = trained.model.margins(trained.design).text_only
    np.testing.assert_allclose(found, text_only.slope * text_margin + text_only.intercept, rtol=0, atol=1e-9)
    assert text_only.slope > 0


def test_the_text_only_head_is_an_input_of_the_trees(trained: Trained) -> None:
    model, design = trained.model, trained.design
    stacker, text = model.fused.stacker, text_log_odds(model, design)
    for booster in stacker.boosters:
        gain = lgb.Booster(model_str=booster.text).feature_importance("gain")
        assert gain[-2:].min() > gain[1:-2].max()  # the outcome hangs on both narratives, and not on these columns
    with_text = stacker.margin(stacker_inputs(design.tabular, text))
    np.testing.assert_array_equal(model.parts(design).stacker, with_text)
    deaf = replace(model, text_only=replace(model.text_only, head=mute(model.text_only.head)))
    unheard = stacker.margin(stacker_inputs(design.tabular, np.zeros_like(text)))
    moved = model.predict(design).margin - deaf.predict(design).margin
    np.testing.assert_allclose(moved, with_text - unheard, rtol=0, atol=1e-8)
    assert (np.abs(moved) > 0.01).mean() > 0.9
    assert auc(trained.y, with_text) > auc(trained.y, unheard) + 0.05


def mute(head: Head) -> Head:
    """The same head, to which no narrative says anything."""
    return replace(
        head, text=np.zeros_like(head.text), absent=np.zeros_like(head.absent), words=np.zeros_like(head.words)
    )


def test_trees_are_monotone_in_the_text_log_odds(trained: Trained) -> None:
    stacker, text = trained.model.fused.stacker, text_log_odds(trained.model, trained.design)
    for column in range(2):
        raised = [text + step * np.eye(2)[column] for step in np.linspace(-2, 2, 20)]
        path = [stacker.margin(stacker_inputs(trained.design.tabular, shifted)) for shifted in raised]
        assert np.diff(path, axis=0).min() >= 0


def test_every_part_is_fitted_with_the_row_weights() -> None:
    """Rows whose outcome is upside down spoil the model, unless they are so old that they count for nothing."""
    design = make_design(900)
    y, fresh = outcome(design), make_design(700, seed=1)
    wrong = np.arange(900) % 3 > 0
    flipped = np.where(wrong, 1 - y, y)

    days = np.datetime64("2020-01-01") - 3650 * wrong.astype("timedelta64[D]")

    def aucs_of(decided: Dates | None) -> list[float]:
        """AUC of every part of the fused model, before they are blended."""
        sample = TrainingSample(design, flipped, np.arange(900), MONOTONE, decided)
        training, basis = Training.of(sample, SMALL), Basis.fit(design, SMALL, MONOTONE)
        inputs, fresh_inputs = basis.inputs(design), basis.inputs(fresh)
        text_head, text = fit_text_head(inputs.without_columns(), training)
        every, task = np.arange(900), training.tasks[0]
        fresh_text = text_head.output(fresh_inputs.without_columns()).text
        booster = training.booster(TreeRows.of(sample, text), every, task, 0)
        stacker = Stacker.mean([booster]).margin(stacker_inputs(fresh.tabular, fresh_text))
        found = (training.head(inputs, every, task).output(fresh_inputs).margin, stacker, fresh_text.sum(axis=1))
        return [auc(outcome(fresh), part) for part in found]

    assert max(aucs_of(None)) < 0.5 < 0.7 < min(aucs_of(days))


class Letters:
    """An encoder for tests: how often each of eight letters stands in a text."""

    digest, dim = "letters", 8

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        if on_progress is not None:
            on_progress(len(texts))
        return np.array([[text.count(letter) for letter in "aeioustn"] for text in texts], np.float32).reshape(-1, 8)

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        return parts_alone(self.encode, texts, spans, on_progress)


def as_design(read: Applications, tabular: TabularEncoder) -> Design:
    """The model's input, made as in training and scoring."""
    return Design(tabular.encode(read), TextReader(read.schema, Letters(), 32, 1).read(read))


def test_ids_protected_columns_and_outcomes_are_no_inputs(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    cells = [{"income": str(rng.integers(1, 99999)), "note": f"A loan for {'car' * int(rng.integers(9))}."}] * 90
    plain = [row(id=str(i), **changes) for i, changes in enumerate(cells)]
    moved = [
        row(id=f"other {i}", sex="xyz"[i % 3], clerk=str(i), outcome=["bad", "good"][i % 2], **changes)
        for i, changes in enumerate(cells)
    ]
    read, other = applications(tmp_path, plain), applications(tmp_path, moved)
    assert list(other.frame["sex"]) != list(read.frame["sex"])
    tabular = TabularEncoder.fit(read)
    assert TabularEncoder.fit(other) == tabular
    y = rng.integers(0, 2, 90).astype(np.float64)
    model = train(as_design(read, tabular), y)
    twin = train(as_design(other, tabular), y)
    wanted = all_margins(model, as_design(read, tabular))
    np.testing.assert_array_equal(all_margins(model, as_design(other, tabular)), wanted)
    np.testing.assert_array_equal(all_margins(twin, as_design(other, tabular)), wanted)


@pytest.mark.parametrize("name", ["demo", "lending_club"])
def test_the_shipped_schemas_give_the_model_inputs_only(name: str) -> None:
    schema = load_schema(name)
    kept_out = {field.name for field in schema.fields if field.role not in (Role.FEATURE, Role.NARRATIVE)}
    levels: dict[str, tuple[str, ...]] = {field.name: () for field in schema.features if field.type is FieldType.STRING}
    tabular = TabularEncoder(schema, levels, {})
    assert kept_out
    assert not kept_out & {*tabular.num_names, *tabular.cat_names, *(field.name for field in schema.narratives)}
    protected = {field.name for field in schema.fields_of(Role.PROTECTED)}
    assert not protected & {source for derived in schema.derived for source in derived.of}


def test_a_directed_column_never_moves_the_margin_the_other_way(trained: Trained) -> None:
    """The first column's risk rises: in the head, in the trees, and so in the blend of both."""
    design = trained.design
    for number in range(5):
        same = design.take(np.full(60, number, dtype=np.intp))
        sweep = same.tabular.x_num.copy()
        sweep[:, 0] = np.linspace(-4, 4, 60)
        swept = replace(same, tabular=replace(same.tabular, x_num=sweep))
        assert (np.diff(trained.model.predict(swept).margin) >= -1e-9).all()
