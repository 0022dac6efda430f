"""What a source was worth: the model again on rows that lack it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.design import Design, InputGroup
from fusion.config import Config
from fusion.metrics import auc
from fusion.model.fusion_model import FusionModel, Margins
from fusion.model.training import fit, n_steps
from tests.support.designs import SMALL, WITH_COMPONENTS, Trained, make_design, outcome, sample_of
from tests.support.same_models import assert_same_assembly, assert_same_head, assert_same_model

FIRST = InputGroup("first", ("number_0", "level_0"), ())
NOTES = InputGroup("notes", ("number_3",), ("narrative_1",))
UNUSED = InputGroup("unused", ("number_2",), ())
"""A source without records: ``without_records`` makes its column 0 everywhere."""


def without_records(design: Design) -> Design:
    x_num = design.tabular.x_num.copy()
    x_num[:, 2] = 0.0
    return Design(replace(design.tabular, x_num=x_num), design.text)


@pytest.fixture(scope="module", params=[SMALL, WITH_COMPONENTS], ids=["small", "components"])
def config(request: pytest.FixtureRequest) -> Config:
    found: Config = request.param
    return found


@pytest.fixture(scope="module")
def with_sources(config: Config) -> tuple[Trained, int]:
    """A model of three sources, and how many parts were fitted."""
    design, steps = without_records(make_design(500)), list[int]()
    y = outcome(design)
    unused = replace(UNUSED, fill={"number_2": 0.0})
    sample = replace(sample_of(design, y), sources=(FIRST, NOTES, unused))
    model, margins = fit(sample, config, lambda: steps.append(1))
    return Trained(model, margins, design, y), len(steps)


def test_without_a_group_all_of_it_is_missing_and_nothing_else() -> None:
    design = make_design(60)
    text = replace(design.text, x_style=np.ones((60, 2, 3), np.float32))
    design = Design(design.tabular, text)
    group = InputGroup("some", ("number_0", "number_1", "level_1"), ("narrative_1",), {"number_1": 2.5})
    blank = design.without(group)
    assert np.isnan(blank.tabular.x_num[:, 0]).all()
    assert (blank.tabular.x_num[:, 1] == 2.5).all()
    assert (blank.tabular.x_cat[:, 1] == 0).all()
    assert not blank.text.has_text[:, 1].any()
    assert not blank.text.x_text[:, 1].any()
    assert blank.text.x_lex[:, 24:].nnz == 0
    assert np.isnan(blank.text.x_style[:, 1]).all()
    np.testing.assert_array_equal(blank.tabular.x_num[:, 2:], design.tabular.x_num[:, 2:])
    np.testing.assert_array_equal(blank.tabular.x_cat[:, 0], design.tabular.x_cat[:, 0])
    np.testing.assert_array_equal(blank.text.x_text[:, 0], design.text.x_text[:, 0])
    np.testing.assert_array_equal(blank.text.x_lex[:, :24].toarray(), design.text.x_lex[:, :24].toarray())
    np.testing.assert_array_equal(blank.text.x_style[:, 0], design.text.x_style[:, 0])
    assert design.text.x_lex[:, 24:].nnz > 0  # the rows themselves stay


def test_the_model_is_the_same_whether_its_sources_are_left_out_or_not(
    with_sources: tuple[Trained, int], config: Config
) -> None:
    found, n_fitted = with_sources
    alone, margins = fit(sample_of(found.design, found.y), config)
    assert_same_model(replace(found.model, without=()), alone)
    np.testing.assert_array_equal(found.out_of_fold.fused, margins.fused)
    assert margins.without == {}
    assert n_fitted == n_steps(config, 500, (FIRST, NOTES, UNUSED)) == (3 + 1 + 2 + 1) * 3


def test_a_source_that_carries_signal_is_missed(with_sources: tuple[Trained, int]) -> None:
    found = with_sources[0]
    fresh = without_records(make_design(2_000, seed=1))
    y = outcome(fresh)
    for margins, truth in ((found.out_of_fold, found.y), (found.model.margins(fresh), y)):
        assert list(margins.without) == ["first", "notes", "unused"]
        assert auc(truth, margins.fused) > auc(truth, margins.without["first"]) + 0.005
        assert auc(truth, margins.fused) > auc(truth, margins.without["notes"]) + 0.005


def test_an_unused_source_changes_nothing_at_all(with_sources: tuple[Trained, int]) -> None:
    found = with_sources[0]
    fresh = without_records(make_design(200, seed=1))
    np.testing.assert_array_equal(found.out_of_fold.without["unused"], found.out_of_fold.fused)
    margins = found.model.margins(fresh)
    np.testing.assert_array_equal(margins.without["unused"], margins.fused)
    assert_same_assembly(found.model.without[2].fused, found.model.fused)


def test_the_model_without_a_source_does_not_depend_on_it(with_sources: tuple[Trained, int]) -> None:
    model = with_sources[0].model
    fresh = without_records(make_design(200, seed=1))
    changed = fresh.without(NOTES)
    now, then = model.margins(changed), model.margins(fresh)
    np.testing.assert_array_equal(now.without["notes"], then.without["notes"])
    assert (now.fused != then.fused).any()


def test_leaving_a_source_out_is_training_on_rows_that_lack_it(
    with_sources: tuple[Trained, int], config: Config
) -> None:
    """But for the basis, which is that of the whole model: here the one column has no part in it."""
    found = with_sources[0]
    text_head = found.model.without[1].text_only
    alone = fit(sample_of(found.design.without(replace(NOTES, columns=())), found.y), config)[0]
    for key, array in alone.text_only.head.to_arrays().items():
        ours = text_head.to_arrays()[key]
        half = slice(0, len(array) // 2) if key == "words" else slice(0, 1)
        np.testing.assert_allclose(ours[half], array[half], rtol=0, atol=1e-6)
    assert_same_head(found.model.without[0].text_only, found.model.text_only.head)


def test_margins_without_sources_are_taken_and_joined_by_row() -> None:
    margin = np.arange(4.0)
    whole = Margins(margin, margin, margin, {"bureau": margin + 1.0})
    odd = np.array([False, True, False, True])
    parts = [whole.at(odd), whole.at(~odd)]
    np.testing.assert_array_equal(parts[0].without["bureau"], [2.0, 4.0])
    np.testing.assert_array_equal(Margins.joined(parts).without["bureau"], [2.0, 4.0, 1.0, 3.0])


def test_models_without_sources_predict_row_by_row(with_sources: tuple[Trained, int]) -> None:
    model: FusionModel = with_sources[0].model
    fresh = without_records(make_design(90, seed=2))
    some = model.margins(fresh.take(np.arange(7, 11)))
    for name, margin in model.margins(fresh).without.items():
        np.testing.assert_array_equal(margin[7:11], some.without[name])
