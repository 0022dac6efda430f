"""The model as a scikit-learn classifier, for notebooks: ``fit(X, y)``, then ``predict_proba(X)``, ``explain(X)``."""
# ruff: noqa: N803  (X is what scikit-learn calls it, and callers may pass it by name)

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, check_consistent_length, check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from data_schemas.contract import Schema
from features.arrays import Floats, Index
from features.design import Design, TabularBlock, TextBlock
from features.encoders.by_sentence import encoder_by_unit
from features.encoders.encoder import TextEncoder
from features.encoders.sources import open_encoder
from features.narratives.masking import Mask
from features.narratives.reader import TextReader
from features.narratives.sentences import SentenceBlock
from features.tables.applications import Applications
from features.tables.dataframe import applications_of, plain_schema
from features.tabular import TabularEncoder
from fusion.config import Config, EncoderConfig
from fusion.explain.attribution import Explainer
from fusion.explain.explanation import Explanation
from fusion.explain.population import background_rows
from fusion.model.folds import tied_groups
from fusion.model.fusion_model import FusionModel
from fusion.model.training import TrainingSample, fit

MIN_CLASS_ROWS = 2  # one to learn from in every fold that holds out another


# scikit-learn ships no types, so for mypy its base classes are Any; users and its tools expect them as bases.
class CreditFusionClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The fused model of columns and narratives for two classes.

    narratives: columns of X that hold free text (``"x0"``, ``"x1"``... where X has no column names).
    config: settings; None for the defaults. ``random_state`` takes the place of its seed, and with fewer rows of a
        class than folds there are fewer folds.
    schema: the data contract of X; None reads numbers, dates and categories off the columns' types. A schema names its
        own narratives, and its bad_values say which class is the bad one.
    encoder: reads the narratives; None opens the one that the config names, when first needed.
    random_state: equal seed, equal model; None for another at every fit.

    Attributes after ``fit``: classes_ (2,), sorted. bad_class_: the class whose PD the model learns, classes_[1] unless
    the schema says otherwise. model_: the FusionModel. schema_, config_, tabular_: as used. n_features_in_,
    feature_names_in_: as in scikit-learn. background_: training rows that explanations draw absent columns from.
    """

    classes_: npt.NDArray[np.generic]
    bad_class_: object
    model_: FusionModel
    schema_: Schema
    config_: Config
    tabular_: TabularEncoder
    background_: TabularBlock

    def __init__(
        self,
        narratives: Sequence[str] = (),
        config: Config | None = None,
        schema: Schema | None = None,
        encoder: TextEncoder | None = None,
        random_state: int | None = 0,
    ) -> None:
        self.narratives = narratives
        self.config = config
        self.schema = schema
        self.encoder = encoder
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        """What scikit-learn's tools may expect: two classes; missing values, texts and categories in X."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def fit(self, X: pd.DataFrame | npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Train on rows X (n, n_features) with classes y (n,); returns itself.

        Raises ValueError for anything but two classes of two rows each, ContractError for cells that break the schema.
        """
        labels = validate_data(self, y=y)
        frame = self._frame(X, reset=True)
        check_consistent_length(frame, labels)
        self.classes_, code = _two_classes(labels)
        if self.schema is not None and len(self.narratives):
            raise ValueError("the schema names the narratives; give either a schema or narratives")
        self.schema_ = self.schema if self.schema is not None else plain_schema(frame, self.narratives)
        bad = _bad_code(self.classes_, self.schema_)
        self.bad_class_ = self.classes_[bad]
        self.config_ = self._config(int(np.bincount(code).min()))
        applications = applications_of(frame, self.schema_)
        self.tabular_ = TabularEncoder.fit(applications)
        design = self._design(applications)
        outcome = (code == bad).astype(np.float64)
        sample = TrainingSample(design, outcome, tied_groups(applications), self.tabular_.monotone)
        self.model_, out_of_fold = fit(sample, self.config_)
        self.background_ = background_rows(design.tabular, out_of_fold.fused, self.config_)
        return self

    def decision_function(self, X: pd.DataFrame | npt.ArrayLike) -> Floats:
        """Calibrated log-odds of classes_[1], float64 (n,). Raises ContractError for cells that break the schema."""
        design = self.design(X)
        margin = self.model_.predict(design).margin
        return margin if self.bad_class_ == self.classes_[1] else -margin

    def predict_proba(self, X: pd.DataFrame | npt.ArrayLike) -> Floats:
        """Probabilities of classes_, float64 (n, 2)."""
        margin = self.decision_function(X)
        return np.column_stack([expit(-margin), expit(margin)])

    def predict(self, X: pd.DataFrame | npt.ArrayLike) -> npt.NDArray[np.generic]:
        """The likelier class of each row, (n,); where to decline is a matter of cost, for which take the PD."""
        is_second = self.decision_function(X) > 0.0
        return self.classes_[is_second.astype(np.intp)]

    def explain(self, X: pd.DataFrame | npt.ArrayLike) -> Explanation:
        """Why each row of X has its log-odds of bad_class_: contributions of columns, narratives and sentences that
        add up to them. Counts the training rows in first, which takes about a second.
        """
        check_is_fitted(self)
        applications = applications_of(self._frame(X, reset=False), self.schema_)
        tabular, text = self.tabular_.encode(applications), TextBlock.empty(len(applications))
        sentences = SentenceBlock.empty(text)
        if self.schema_.narratives:
            text, sentences = self._reader().read_sentences(self._kept(applications))
        return Explainer.of(self.model_, self.background_).explain(Design(tabular, text), sentences)

    def design(self, X: pd.DataFrame | npt.ArrayLike) -> Design:
        """What the model sees of the rows of X. Raises ContractError for cells that break the schema."""
        check_is_fitted(self)
        return self._design(applications_of(self._frame(X, reset=False), self.schema_))

    def _frame(self, X: pd.DataFrame | npt.ArrayLike, reset: bool) -> pd.DataFrame:
        """X with texts for column names, after scikit-learn's checks of its shape and of the names."""
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, reset=reset, skip_check_array=True)
            frame = X
        else:
            x = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite="allow-nan")
            frame = pd.DataFrame(x)
        names = getattr(self, "feature_names_in_", [f"x{number}" for number in range(frame.shape[1])])
        return frame.set_axis(list(names), axis=1)

    def _config(self, smallest_class: int) -> Config:
        """The settings, with this estimator's seed and no more folds than the smaller class has rows."""
        config = self.config if self.config is not None else Config()
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(np.iinfo(np.int32).max)
        update = {"n_folds": min(config.folds.n_folds, smallest_class), "seed": int(seed)}
        return config.model_copy(update={"folds": config.folds.model_copy(update=update)})

    def _design(self, applications: Applications) -> Design:
        text = TextBlock.empty(len(applications))
        if self.schema_.narratives:
            text = self._reader().read(self._kept(applications))
        return Design(self.tabular_.encode(applications), text)

    def _encoder(self) -> TextEncoder:
        return self.encoder if self.encoder is not None else _opened(self.config_.encoder)

    def _reader(self) -> TextReader:
        text = self.config_.text
        return TextReader(self.schema_, self._encoder(), text.n_buckets, text.ngrams)

    def _kept(self, applications: Applications) -> Applications:
        """The applications without the sentences that the settings cut."""
        return Mask.open(self.config_.text.mask, self.schema_, self._encoder()).apply(applications).applications


@functools.lru_cache(maxsize=1)  # here and not in the estimator, whose copies and pickles need not carry the weights
def _opened(config: EncoderConfig) -> TextEncoder:
    encoder = open_encoder(config.source, precision=config.precision, window=config.window, pooling=config.pooling)
    return encoder_by_unit(config.unit, encoder)


def _two_classes(labels: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.generic], Index]:
    """The classes, sorted, and each row's place among them."""
    check_classification_targets(labels)
    kind = type_of_target(labels, input_name="y", raise_unknown=True)
    if kind != "binary":
        raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
    classes, code, count = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) < 2:
        raise ValueError(f"two classes are needed, and y holds 1 class: {classes[0]!r}")
    if count.min() < MIN_CLASS_ROWS:
        rare = classes[count.argmin()]
        raise ValueError(f"each class needs {MIN_CLASS_ROWS} rows or more, and {rare!r} has 1 sample")
    return classes, code


def _bad_code(classes: npt.NDArray[np.generic], schema: Schema) -> int:
    """Which class is the bad one: the schema's, else classes[1]."""
    first, second = (str(label) in schema.bad_values for label in classes)
    return 0 if first and not second else 1
