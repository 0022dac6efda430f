"""The scikit-learn face: scikit-learn's own checks, all of them passed, and what they do not look at."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

import fusion
from data_schemas.concepts import Sensitive
from data_schemas.errors import ContractError, RunError
from data_schemas.numbers import Threshold
from data_schemas.reader import parse_schema
from experiments.demo.data import generate
from features.arrays import Floats, Floats32
from features.encoders.vectors import PartVectors, Progress
from features.encoders.windows import Spans
from fusion.config import Config, FoldConfig, HeadConfig, StackerConfig, TextConfig
from fusion.estimator import CreditFusionClassifier
from fusion.explain.attribution import Explainer
from fusion.labels import bad_code
from fusion.model.fusion_model import FusionModel
from fusion.policy.cutoff import cutoff_of
from fusion.text_encoder import OpenEncoder
from tests.support.bundles import train_small
from tests.support.small import small_schema
from tests.support.stand_in import parts_alone

Check = Callable[[CreditFusionClassifier], None]

LIGHT = Config(
    folds=FoldConfig(n_folds=2, n_repeats=1),
    head=HeadConfig(steps=20),
    stacker=StackerConfig(n_trees=20, learning_rate=0.1, min_leaf_rows=5),
)


NO_REPEATS = "a row twice is two rows to folds, bins, penalties and fewest rows of a leaf; of weights only ratios count"
EXPECTED = {"check_sample_weight_equivalence_on_dense_data": NO_REPEATS}
"""scikit-learn's checks that are expected to fail, and why."""


def checks() -> list[object]:
    """scikit-learn's checks of this estimator."""
    found = [check for _, check in estimator_checks_generator(CreditFusionClassifier(config=LIGHT, quick=True))]
    reasons = [EXPECTED.get(check.func.__name__) for check in found]
    return [
        pytest.param(check, id=check_name(check), marks=[pytest.mark.xfail(strict=True, reason=why)] if why else [])
        for check, why in zip(found, reasons, strict=True)
    ]


def check_name(check: partial[None]) -> str:
    return "-".join([check.func.__name__, *(f"{key}={value}" for key, value in check.keywords.items())])


@pytest.mark.parametrize("check", checks())
def test_scikit_learn_check(check: Check) -> None:
    check(CreditFusionClassifier(config=LIGHT, quick=True))


class WordEncoder:
    """An encoder that knows two words."""

    digest = "00"
    dim = 2

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        if on_progress is not None:
            on_progress(len(texts))
        found = [["arrears" in text, "savings" in text] for text in texts]
        return np.array(found, dtype=np.float32).reshape(len(texts), self.dim)

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        return parts_alone(self.encode, texts, spans, on_progress)


WORDS = OpenEncoder("00", WordEncoder(), None, "fp32")


def table(n: int = 600, seed: int = 0) -> tuple[pd.DataFrame, npt.NDArray[np.str_]]:
    """Applications whose risk shows in a number, a category, a date and the words; and their outcomes."""
    rng = np.random.default_rng(seed)
    income, age, town, word = rng.normal(size=n), rng.integers(0, 2000, n), rng.integers(0, 3, n), rng.integers(0, 3, n)
    risk = -income + (town == 0) - age / 1000 + 2.0 * (word == 0) - 2.0 * (word == 1)
    frame = pd.DataFrame(
        {
            "income": np.where(rng.random(n) < 0.1, np.nan, income),
            "owner": rng.random(n) < 0.5,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(age, unit="D"),
            "town": pd.Categorical(np.array(["Ulm", "Köln", "Bonn"])[town]),
            "note": np.array(["I am in arrears.", "I have savings.", ""])[word],
        }
    )
    return frame, np.where(rng.random(n) < expit(risk), "bad", "fine")


def reader(**settings: object) -> CreditFusionClassifier:
    """An estimator that reads the table's notes."""
    estimator = CreditFusionClassifier(narratives=("note",), config=LIGHT, quick=True, encoder=WORDS)
    estimator.set_params(**settings)
    return estimator


@pytest.fixture(scope="module")
def fitted() -> CreditFusionClassifier:
    """A model of the table."""
    return reader().fit(*table())


def test_it_learns_from_columns_and_words(fitted: CreditFusionClassifier) -> None:
    frame, y = table(2000, seed=1)
    without = CreditFusionClassifier(config=LIGHT, quick=True).fit(table()[0].drop(columns="note"), table()[1])
    blind = roc_auc_score(y, without.decision_function(frame.drop(columns="note")))
    assert 0.6 < blind < 0.8
    assert roc_auc_score(y, fitted.decision_function(frame)) > blind + 0.08


def test_answers_agree(fitted: CreditFusionClassifier) -> None:
    frame, _ = table(50, seed=2)
    margin, probability = fitted.decision_function(frame), fitted.predict_proba(frame)
    assert fitted.classes_.tolist() == ["bad", "fine"]
    np.testing.assert_allclose(probability, np.column_stack([expit(-margin), expit(margin)]), rtol=1e-12)
    assert fitted.predict(frame).tolist() == np.where(margin > 0, "fine", "bad").tolist()
    one_by_one = [fitted.decision_function(frame.iloc[[i]])[0] for i in range(50)]
    np.testing.assert_array_equal(one_by_one, margin)


def test_equal_seed_equal_digits(fitted: CreditFusionClassifier) -> None:
    frame, y = table()
    margin = fitted.decision_function(frame)
    np.testing.assert_array_equal(clone(fitted).fit(frame, y).decision_function(frame), margin)
    assert (reader(random_state=1).fit(frame, y).decision_function(frame) != margin).any()
    seeds = {reader(random_state=None)._config(10).folds.seed for _ in range(5)}
    assert len(seeds) > 1


def test_a_pickle_gives_the_same_answers(fitted: CreditFusionClassifier) -> None:
    frame, _ = table(50, seed=3)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.decision_function(frame), fitted.decision_function(frame))


def test_it_works_inside_scikit_learn() -> None:
    frame, y = table(300)
    keep = ColumnTransformer([("all", "passthrough", ["income", "note"])], verbose_feature_names_out=False)
    pipeline = make_pipeline(keep.set_output(transform="pandas"), reader())
    assert cross_val_score(pipeline, frame, y, cv=2, scoring="roc_auc").min() > 0.6


def test_an_array_of_objects_may_hold_narratives(fitted: CreditFusionClassifier) -> None:
    frame, y = table()
    names = [f"x{i}" for i in range(frame.shape[1])]
    from_array = reader(narratives=["x4"]).fit(frame.to_numpy(dtype=object), y)
    np.testing.assert_array_equal(from_array.decision_function(frame.to_numpy()), fitted.decision_function(frame))
    assert list(from_array.bundle_.tabular.num_names + from_array.bundle_.tabular.cat_names) == names[:4]


def test_the_schema_says_what_is_bad_and_which_way_risk_runs() -> None:
    rng = np.random.default_rng(0)
    amount = rng.uniform(0, 100, 300)
    frame = pd.DataFrame({field.name: "" for field in small_schema().fields}, index=range(300), dtype=object)
    frame = frame.drop(columns=["id", "outcome"]).assign(amount=amount)
    step = np.where(amount > 44, 2.5, -2.5)  # the trees' business: the head has no edge there
    y = np.where(rng.random(300) < expit(step), "bad", "good")
    estimator = CreditFusionClassifier(config=LIGHT, quick=True, schema=small_schema(), encoder=WORDS).fit(frame, y)
    assert estimator.bad_class_ == "bad"
    rising = estimator.predict_proba(frame.iloc[np.argsort(amount)])[:, 0]
    assert rising[:50].mean() < 0.2 < 0.6 < rising[-50:].mean()
    trees = estimator.bundle_.model.fused.stacker.margin(stacker_rows(amount))
    assert (np.diff(trees) >= 0).all()
    assert trees[-1] > trees[0]
    numbers = CreditFusionClassifier(config=LIGHT, quick=True, schema=small_schema(), encoder=WORDS).fit(
        frame, y == "bad"
    )
    assert numbers.bad_class_
    np.testing.assert_array_equal(numbers.predict_proba(frame)[:, 1], estimator.predict_proba(frame)[:, 0])


def stacker_rows(amount: Floats) -> Floats:
    """Inputs of the small schema's trees that differ in the amount alone, rising."""
    x = np.full((len(amount), 10), np.nan)
    x[:, 1] = np.sort(amount)
    return x


def test_few_rows_make_few_folds() -> None:
    frame, _ = table(40)
    y = np.arange(40) < 3
    estimator = reader(config=Config(stacker=LIGHT.stacker)).fit(frame, y)
    assert estimator.bundle_.config.folds.n_folds == 3
    assert estimator.predict_proba(frame).shape == (40, 2)


def test_the_cut_off_follows_the_bad_rate() -> None:
    frame, _ = table(40)
    estimator = reader(config=Config(stacker=LIGHT.stacker)).fit(frame, np.arange(40) < 6)
    assert estimator.bundle_.config.decision.max_pd == cutoff_of(0.15) == 0.20


def weighted(weight: npt.ArrayLike | None) -> CreditFusionClassifier:
    """A model of 200 rows of the table's columns with these weights."""
    frame, y = table(200)
    return CreditFusionClassifier(config=LIGHT, quick=True).fit(frame[["income", "town"]], y, weight)


def test_weights_that_are_all_alike_say_nothing() -> None:
    without, alike = weighted(None), weighted([2.5] * 200)
    rows = table(50, seed=1)[0][["income", "town"]]
    np.testing.assert_array_equal(alike.decision_function(rows), without.decision_function(rows))
    assert alike.bundle_.manifest == without.bundle_.manifest


def test_rows_of_no_weight_are_as_if_absent() -> None:
    frame, y = table(200)
    columns, weight = frame[["income", "town"]], np.random.default_rng(0).uniform(0.5, 2.0, 200)
    weight[::3] = 0.0
    strange = columns.assign(income=columns["income"].astype(object).mask(weight == 0.0, "much"))
    zero, absent = (CreditFusionClassifier(config=LIGHT, quick=True) for _ in range(2))
    zero.fit(strange, y, sample_weight=weight)
    absent.fit(columns[weight > 0.0], y[weight > 0.0], sample_weight=weight[weight > 0.0])
    np.testing.assert_array_equal(zero.decision_function(columns), absent.decision_function(columns))
    assert zero.bundle_.manifest == absent.bundle_.manifest
    assert 100 < (zero.bundle_.manifest.provenance.figures["effective rows"] or 0) < 133
    assert (
        zero.bundle_.manifest.provenance.data_digest != weighted(weight > 0.0).bundle_.manifest.provenance.data_digest
    )


def test_an_error_names_the_row_as_it_was_given_whatever_weighs_nothing() -> None:
    frame = pd.DataFrame({field.name: "" for field in small_schema().fields}, index=range(40), dtype=object)
    frame = frame.drop(columns=["id", "outcome"]).assign(amount=["1"] * 30 + ["much"] * 10)
    estimator = CreditFusionClassifier(config=LIGHT, quick=True, schema=small_schema(), encoder=WORDS)
    with pytest.raises(ContractError, match="row 31 of the data frame, column 'amount', rule type"):
        estimator.fit(frame, np.tile(["good", "bad"], 20), sample_weight=np.arange(40))


def test_a_heavier_class_has_the_higher_pd_and_the_cut_off_follows() -> None:
    _, y = table(200)
    light, heavy = weighted(None), weighted(np.where(y == "fine", 3.0, 1.0))
    rows = table(200)[0][["income", "town"]]
    assert heavy.bad_class_ == "fine"
    assert heavy.predict_proba(rows)[:, 1].mean() > light.predict_proba(rows)[:, 1].mean() + 0.1
    rate = 3 * (y == "fine").sum() / (3 * (y == "fine").sum() + (y == "bad").sum())
    assert heavy.bundle_.config.decision.max_pd == cutoff_of(rate)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1.0] * 199, r"sample_weight has the shape \(199,\), and X has 200 rows"),
        (np.ones((200, 1)), r"sample_weight has the shape \(200, 1\), and X has 200 rows"),
        ([-1.0] + [1.0] * 199, "sample_weight holds a negative weight: -1"),
        ([np.nan] + [1.0] * 199, "sample_weight contains NaN"),
        ([np.inf] + [1.0] * 199, "sample_weight contains infinity"),
        (np.zeros(200), "sample_weight is zero for every row"),
        (table(200)[1] == "bad", "two classes are needed, and the rows to learn from hold 1 class: 'bad'"),
        (
            np.where(table(200)[1] == "bad", 1.0, 1e-14),
            "sample_weight gives class 'fine' a share of .*e-1., too little",
        ),
    ],
)
def test_weights_that_cannot_train_are_refused(weight: npt.ArrayLike, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        weighted(weight)


def test_weights_of_any_size_train() -> None:
    _, y = table(200)
    for weight in (np.where(y == "bad", 1e308, 1e300), np.where(y == "bad", 5e-324, 1e-320)):
        rows = table(50, seed=1)[0][["income", "town"]]
        assert np.isfinite(weighted(weight).decision_function(rows)).all()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.arange(40) % 3, r"Only binary classification is supported\. The type of the target is multiclass"),
        (np.zeros(40), "two classes are needed, and the rows to learn from hold 1 class"),
        (np.arange(40) == 7, "each class needs 2 rows or more, and .*True.* has 1 sample"),
        (np.arange(39) % 2, "inconsistent numbers of samples"),
    ],
)
def test_outcomes_that_cannot_train_are_refused(y: npt.NDArray[np.generic], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CreditFusionClassifier(config=LIGHT, quick=True).fit(table(40)[0], y)


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="give either a schema or narratives"):
        reader(schema=small_schema()).fit(*table(40))


def masking() -> Config:
    return LIGHT.model_copy(update={"text": TextConfig(mask=(Sensitive.HEALTH,))})


def test_a_mask_without_concepts_is_refused() -> None:
    with pytest.raises(ContractError, match=r"text\.mask names 'health'.*has no concept of that kind"):
        reader(config=masking()).fit(*table(40))


def test_masked_sentences_are_not_read() -> None:
    document = json.loads(small_schema().source)
    document["creditfusion"]["concepts"] = [
        {
            "name": "illness",
            "says": ["I have savings."],
            "reason": {"code": "ILL", "wording": "Illness."},
            "sensitive": "health",
            "words": ["surgery"],
        }
    ]
    schema = parse_schema(json.dumps(document), "small")
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({field.name: "" for field in schema.fields}, index=range(200), dtype=object)
    ill = rng.random(200) < 0.5
    frame = frame.drop(columns=["id", "outcome"]).assign(note=np.where(ill, "My surgery.", ""))
    y = np.where(rng.random(200) < np.where(ill, 0.8, 0.2), "bad", "good")
    blind = CreditFusionClassifier(config=masking(), quick=True, schema=schema, encoder=WORDS).fit(frame, y)
    assert np.ptp(blind.predict_proba(frame)[:, 0]) == 0.0
    seeing = CreditFusionClassifier(config=LIGHT, quick=True, schema=schema, encoder=WORDS).fit(frame, y)
    assert np.ptp(seeing.predict_proba(frame)[:, 0]) > 0.1


def test_a_cell_that_no_longer_fits_is_named(fitted: CreditFusionClassifier) -> None:
    frame = table(3)[0].assign(income=["1", "2", "much"])
    with pytest.raises(ContractError, match="row 3 of the data frame, column 'income', rule type: 'much'"):
        fitted.predict(frame)


@pytest.mark.slow
def test_the_embedded_encoder_is_opened_when_needed() -> None:
    frame, y = table(300)
    estimator = CreditFusionClassifier(narratives=["note"], config=LIGHT, quick=True).fit(frame, y)
    assert estimator.bundle_.model.fused.head.text.shape == (1, 384)
    assert roc_auc_score(y, estimator.decision_function(frame)) > 0.8
    assert len(pickle.dumps(estimator)) < 5_000_000


def test_explanations_add_up_to_the_log_odds() -> None:
    frame, y = table()
    fitted = reader().fit(frame, y)
    explanation = fitted.explain(frame.head(50))
    sign = 1.0 if fitted.bad_class_ == fitted.classes_[1] else -1.0
    assert explanation.margin == pytest.approx(sign * fitted.decision_function(frame.head(50)))
    assert np.abs(explanation.reconciliation).max() < 1e-6
    assert explanation.narrative_names == ("note",)
    assert explanation.block.text[0].strip() in set(frame["note"])
    silent = (frame["note"].head(50) == "").to_numpy()
    assert (explanation.narratives[silent] == 0.0).all()
    assert (np.abs(explanation.narratives[~silent]) > 0.01).all()
    assert len(fitted.design(frame.head(50))) == 50
    with pytest.raises(ContractError, match="income"):
        fitted.explain(frame.head(2).assign(income="much"))


def test_columns_alone_are_explained() -> None:
    frame, y = table()
    plain = frame.drop(columns="note")
    explanation = CreditFusionClassifier(config=LIGHT, quick=True).fit(plain, y).explain(plain.head(3))
    assert np.abs(explanation.reconciliation).max() < 1e-6
    assert explanation.narratives.shape == (3, 0)
    assert len(explanation.block) == 0


def test_a_saved_classifier_answers_as_before(fitted: CreditFusionClassifier, tmp_path: Path) -> None:
    frame, _ = table(60, seed=3)
    fitted.save(tmp_path / "model")
    again = CreditFusionClassifier.from_bundle(tmp_path / "model", good="bad", bad="fine", encoder=WORDS)
    np.testing.assert_array_equal(again.predict_proba(frame), fitted.predict_proba(frame))
    assert again.predict(frame).tolist() == fitted.predict(frame).tolist()
    assert again.feature_names_in_.tolist() == fitted.feature_names_in_.tolist()
    again.save(tmp_path / "again")
    first, second = (tmp_path / name / "manifest.sha256" for name in ("model", "again"))
    assert first.read_bytes() == second.read_bytes()
    (tmp_path / "other").mkdir()
    with pytest.raises(ContractError, match="exists and is not a model bundle"):
        fitted.save(tmp_path / "other")


def test_a_saved_classifier_without_narratives_scores_frames(tmp_path: Path) -> None:
    frame, y = table()
    columns = frame.drop(columns=["note", "since"])
    CreditFusionClassifier(config=LIGHT, quick=True).fit(columns, y == "bad").save(tmp_path / "model")
    scored = fusion.load(tmp_path / "model").score(columns)
    again = CreditFusionClassifier.from_bundle(tmp_path / "model")
    np.testing.assert_array_equal(scored.scores["pd"], again.predict_proba(columns)[:, 1])
    assert len(scored.rejects) == 0


@pytest.mark.parametrize(("good", "bad"), [("0paid", 1), (True, True)])
def test_labels_that_are_not_two_of_one_type_are_refused(good: object, bad: object, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two labels of one type"):
        CreditFusionClassifier.from_bundle(tmp_path, good=good, bad=bad)


@pytest.mark.parametrize("y", [[0, 1], [0.0, 1.0], ["0", "1"]])
def test_the_schema_s_bad_value_is_found_whatever_the_labels_type(y: list[object]) -> None:
    schema = replace(small_schema(), bad_values=("0",))
    assert bad_code(np.array(y), schema) == 0


def test_a_schema_whose_bad_values_are_no_class_is_refused() -> None:
    with pytest.raises(ValueError, match=r"calls 'bad' bad, which is neither of \['good', 'worse'\]"):
        bad_code(np.array(["good", "worse"]), small_schema())


@pytest.mark.parametrize(("y", "code"), [([0.0, 700.0], 0), ([620, 700], 0), ([False, True], 1)])
def test_the_schema_s_threshold_defines_the_bad_class(y: list[object], code: int) -> None:
    schema = replace(small_schema(), bad_values=(), bad_if=Threshold("<=", 650.0))
    assert bad_code(np.array(y), schema) == code


@pytest.mark.parametrize("y", [[0, 1], ["bad", "good"], [700, 800]])
def test_classes_that_no_threshold_separates_are_refused(y: list[object]) -> None:
    schema = replace(small_schema(), bad_values=(), bad_if=Threshold("<=", 650.0))
    with pytest.raises(ValueError, match=r"calls <= 650 bad, which is (both|neither) of .*schema\.bad_if\.met"):
        bad_code(np.array(y), schema)


def test_the_classifier_of_a_trained_bundle_reads_files_with_more_columns(tmp_path: Path) -> None:
    model = train_small(tmp_path, generate(600, 1).table)
    rows = generate(20, 2).table
    classifier = CreditFusionClassifier.from_bundle(model)
    expected = fusion.load(model).score(rows.drop(columns="outcome")).scores["pd"]
    np.testing.assert_array_equal(classifier.predict_proba(rows)[:, 1], expected)


def test_log_odds_that_are_no_number_are_an_error(
    fitted: CreditFusionClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = FusionModel.scores
    monkeypatch.setattr(FusionModel, "scores", lambda model, margin: right(model, np.full_like(margin, np.nan)))
    rows, _ = table(5)
    for answer in (fitted.decision_function, fitted.predict_proba, fitted.predict):
        with pytest.raises(RunError, match="the score of row 1 or its reasons are no finite numbers"):
            answer(rows)


def test_contributions_that_are_no_number_are_an_error(
    fitted: CreditFusionClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = table(200)[0]
    written = rows[rows["note"] != ""].head(2)
    right = fitted.explain(written)
    nothing = np.full(2, np.nan)
    for explanation in (
        replace(right, columns=right.columns * nothing[:, None]),
        replace(right, narratives=right.narratives * nothing[:, None]),
        replace(right, sentences=right.sentences * np.nan),
        replace(right, margin=nothing),
    ):
        monkeypatch.setattr(Explainer, "explain", lambda *_, found=explanation: found)
        with pytest.raises(RunError, match="the score of row 1 or its reasons are no finite numbers"):
            fitted.explain(written)
