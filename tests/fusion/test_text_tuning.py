"""What is told of an encoder's learning, and the estimator's way to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from data_schemas.errors import ContractError
from fusion.config import Config
from fusion.config_file import load_config
from fusion.estimator import CreditFusionClassifier
from fusion.scorer import load_scorer
from fusion.text_encoder import open_text_encoder
from fusion.text_tuning import OverFitting, over_fitting
from fusion.tuning.fold import Epoch
from tests.support.bundles import SMALL
from tests.support.tiny_bert import tiny_bert

WORDS = ("roof", "car", "school", "wedding", "debts", "garden", "late", "rent")


def epochs(fold: int, train: Sequence[float], held_out: Sequence[float]) -> tuple[Epoch, ...]:
    """Epochs of these losses; the one of the smallest held-out loss is taken."""
    best = int(np.argmin(held_out))
    rest = (0.8, 0.5, 0.5, 0.5, 0.7, 1.0)
    losses = enumerate(zip(train, held_out, strict=True))
    return tuple(Epoch(fold, at + 1, one, other, *rest, taken=at == best) for at, (one, other) in losses)


def test_a_held_out_loss_that_rises_for_two_epochs_is_over_fitting() -> None:
    found = over_fitting(epochs(0, [0.7, 0.6, 0.5, 0.4], [0.65, 0.6, 0.62, 0.63]))
    assert found == {0: OverFitting("losses_apart", 4)}


def test_a_first_epoch_that_is_the_best_is_over_fitting() -> None:
    assert over_fitting(epochs(1, [0.7, 0.6], [0.65, 0.66])) == {1: OverFitting("first_best", 1)}


@pytest.mark.parametrize(
    ("train", "held_out"),
    [([0.7], [0.65]), ([0.7, 0.6, 0.5], [0.65, 0.6, 0.62]), ([0.5, 0.6, 0.7], [0.65, 0.6, 0.62]), ([], [])],
)
def test_no_over_fitting_is_reported_where_there_is_none(train: Sequence[float], held_out: Sequence[float]) -> None:
    if train:
        assert over_fitting(epochs(0, train, held_out)) == {}
    assert over_fitting(()) == {}


def test_folds_are_looked_at_apart() -> None:
    both = epochs(0, [0.7, 0.6], [0.65, 0.64]) + epochs(1, [0.7, 0.6], [0.65, 0.66])
    assert set(over_fitting(both)) == {1}


def settings(source: Path) -> Config:
    return load_config(
        None,
        [
            f"encoder.source='{source}'",
            *SMALL,
            "encoder.tuning=head-layers",
            "tuning.n_layers=1",
            "tuning.learning_rate=3e-3",
            "head.text_penalty=50",
        ],
    )


def table(n: int) -> tuple[pd.DataFrame, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    rng = np.random.default_rng(0)
    bad = rng.random(n) < 0.4
    notes = [" ".join(rng.choice(WORDS, 3)) + (" late rent" if one else "") for one in bad]
    return pd.DataFrame({"income": rng.normal(size=n), "note": notes}), bad


def test_the_estimator_tunes_scores_and_saves(tmp_path: Path) -> None:
    frame, bad = table(300)
    config = settings(tiny_bert(tmp_path / "encoder"))
    estimator = CreditFusionClassifier(narratives=("note",), config=config, quick=True).fit(frame, bad)
    assert estimator.bundle_.tuned
    margin = estimator.decision_function(frame)
    estimator.save(tmp_path / "model")
    scorer = load_scorer(tmp_path / "model")
    rows = frame.assign(**{scorer.schema.id.name: [str(at) for at in range(len(frame))]})
    np.testing.assert_array_equal(scorer.score(rows.to_dict("records")).scores["pd"], expit(margin))
    again = CreditFusionClassifier.from_bundle(tmp_path / "model", good=False, bad=True)
    np.testing.assert_array_equal(again.decision_function(frame), margin)
    given = CreditFusionClassifier.from_bundle(tmp_path / "model", good=False, bad=True, encoder=scorer.encoder)
    np.testing.assert_array_equal(given.decision_function(frame), margin)


def test_an_encoder_that_the_settings_do_not_name_is_not_tuned(tmp_path: Path) -> None:
    frame, bad = table(100)
    config = settings(tiny_bert(tmp_path / "encoder"))
    other = config.encoder.model_copy(update={"source": str(tiny_bert(tmp_path / "other", seed=1))})
    own = CreditFusionClassifier(narratives=("note",), config=config, quick=True, encoder=open_text_encoder(other))
    with pytest.raises(ContractError, match=r"the encoder given is not that of encoder.source"):
        own.fit(frame, bad)
