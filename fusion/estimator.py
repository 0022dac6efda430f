"""The model as a scikit-learn classifier, for notebooks: ``fit(X, y)``, then ``predict_proba(X)``, ``explain(X)``."""
# ruff: noqa: N803  (X is what scikit-learn calls it, and callers may pass it by name)

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from data_schemas.contract import Schema
from features.arrays import Floats
from features.batches.column_counts import profile_columns
from features.design import Design
from features.tables.applications import Applications
from features.tables.dataframe import applications_of, plain_schema
from features.tables.header import required_columns
from features.tables.stated import with_facts_of
from features.tabular import TabularEncoder
from fusion.answers import check_explained
from fusion.bundle import (
    FORMAT_VERSION,
    UNTUNED,
    Bundle,
    Manifest,
    Provenance,
    Tensors,
    Trained,
    config_digest,
    load,
    save,
)
from fusion.config import Config, EncoderConfig
from fusion.explain.explanation import Explanation
from fusion.labels import bad_code, two_classes, weighted_rows
from fusion.metrics import effective_rows, figures
from fusion.model.choosing import choose
from fusion.model.folds import tied_groups
from fusion.model.training import fit
from fusion.model.training_sample import TrainingSample
from fusion.policy.cutoff import with_cutoff
from fusion.scorer import Scorer
from fusion.text_encoder import (
    NoTexts,
    OpenEncoder,
    bundle_encoder,
    open_mask,
    open_reader,
    open_text_encoder,
    recount_words,
)
from fusion.text_tuning import is_tuned, tune_encoder
from fusion.training_description import describe_training
from fusion.validation.training_rows import TrainingRows
from fusion.versions import package_versions

CARD = """# Model card

A scikit-learn classifier saved as a bundle. Schema `{schema}`; learned from {made.n_rows} rows, {made.n_bad} bad.
Figures: {made.figures}. Seed {made.seed}; data {made.data_digest}.
"""


# scikit-learn ships no types, so for mypy its base classes are Any; users and its tools expect them as bases.
class CreditFusionClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The fused model of columns and narratives for two classes.

    narratives: columns of X that hold free text (``"x0"``, ``"x1"``... where X has no column names).
    config: settings; None for the defaults. ``random_state`` takes the place of its seed, and with fewer rows of a
        class than folds there are fewer folds.
    schema: the data contract of X; None reads numbers, dates and categories off the columns' types. A schema names its
        own narratives, and its bad_values say which class is the bad one; where it has ``bad_if``, y is boolean:
        ``schema.bad_if.met(numbers)``. Of its further sources X has the columns that are made of their records.
    encoder: reads the narratives (``fusion.text_encoder.open_text_encoder``); None opens the one that the config names,
        when first needed.
    random_state: equal seed, equal model; None for another at every fit.
    quick: whether to take the settings as they are, instead of choosing those that fit the rows, as ``train`` does.

    Attributes after ``fit``: classes_ (2,), sorted. bad_class_: the class whose PD the model learns, classes_[1] unless
    the schema says otherwise. bundle_: the model with its schema, settings and training population, which ``save``
    writes. n_features_in_, feature_names_in_: as in scikit-learn.
    """

    classes_: npt.NDArray[np.generic]
    bad_class_: object
    bundle_: Bundle

    def __init__(
        self,
        narratives: Sequence[str] = (),
        config: Config | None = None,
        schema: Schema | None = None,
        encoder: OpenEncoder | None = None,
        random_state: int | None = 0,
        quick: bool = False,
    ) -> None:
        self.narratives = narratives
        self.config = config
        self.schema = schema
        self.encoder = encoder
        self.random_state = random_state
        self.quick = quick

    def __sklearn_tags__(self) -> Tags:
        """What scikit-learn's tools may expect: two classes; missing values, texts and categories in X."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def fit(
        self, X: pd.DataFrame | npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> Self:
        """Train on rows X (n, n_features) with classes y (n,); returns itself.

        ``sample_weight`` (n,) is how many of the population each row stands for beside the others. Only ratios count:
        weights are put on a mean of 1, so penalties shrink as they do for so many rows of one weight. Rows of weight 0
        are as if absent. What the model learns, its calibration, settings that are chosen, the cut-off and the bundle's
        figures are weighted; how rows are read (bins, words, components) and dealt into folds, fewest rows (of a leaf,
        a level, a word) and the training applicants that the bundle describes go by rows.

        Raises ValueError for anything but two classes of two rows each, or weights that are not finite, not below 0
        and above 0 somewhere in both classes; ContractError for cells that break the schema.
        """
        labels = validate_data(self, y=y)
        frame = self._frame(X, reset=True)
        check_consistent_length(frame, labels)
        rows, weight = weighted_rows(sample_weight, len(frame))
        frame, labels = frame.iloc[rows], labels[rows]
        self.classes_, code = two_classes(labels, weight)
        if self.schema is not None and len(self.narratives):
            raise ValueError("the schema names the narratives; give either a schema or narratives")
        schema = self.schema if self.schema is not None else plain_schema(frame, self.narratives)
        bad = bad_code(self.classes_, schema)
        self.bad_class_ = self.classes_[bad]
        config = self._config(int(np.bincount(code).min()))
        outcome, named = (code == bad).astype(np.float64), schema.id.name in frame
        self.bundle_ = self._trained(applications_of(frame, schema, rows + 1), outcome, weight, config, named)
        return self

    def _trained(
        self, applications: Applications, outcome: Floats, weight: Floats | None, config: Config, named: bool
    ) -> Bundle:
        """A model of these rows as a bundle that is not written yet; named: whether they came with ids of their own."""
        schema, encoder = applications.schema, self._encoder(applications.schema, config)
        masked = open_mask(schema, config.text, encoder).apply(applications)
        kept = masked.applications
        applications = with_facts_of(applications, kept)
        tabular = TabularEncoder.fit(applications)
        text = open_reader(schema, config.text, encoder).read(kept)
        decided = applications.decision_date()
        groups, design = tied_groups(applications), Design(tabular.encode(kept), text)
        sample = TrainingSample(design, outcome, groups, tabular.monotone, decided, (), tabular.sources, weight)
        tuned: Tensors = UNTUNED
        if is_tuned(config, sample):
            tuning = tune_encoder(kept, sample, config, encoder)
            sample, encoder, tuned = tuning.sample, tuning.encoder, tuning.tensors
        if not self.quick:
            chosen = choose(sample, config, lambda words: open_reader(schema, words, encoder).read_words(kept)).config
            if chosen.text != config.text:
                sample = replace(sample, design=recount_words(sample.design, kept, chosen.text, encoder))
            config = chosen
        model, out_of_fold = fit(sample, config)
        config = with_cutoff(config, float(np.average(outcome, weights=weight)))
        cutoffs = np.full(len(sample), config.decision.max_pd)
        described = describe_training(model, sample.design, outcome, out_of_fold.fused, config, cutoffs)
        provenance = _provenance(applications, sample, config, encoder, out_of_fold.fused)
        manifest = Manifest(format_version=FORMAT_VERSION, files={}, provenance=provenance)
        rows = TrainingRows.of(applications, provenance.data_digest) if named else TrainingRows.unknown()
        probes = encoder.exact_probes if schema.narratives else None
        profiles = profile_columns(applications, tabular, masked.unread)
        population, reference = described.population, described.reference
        return Bundle(model, schema, config, tabular, population, reference, rows, manifest, tuned, probes, profiles)

    @classmethod
    def from_bundle(
        cls, path: Path | str, *, good: object = False, bad: object = True, encoder: OpenEncoder | None = None
    ) -> Self:
        """The classifier of a bundle, whether ``save`` or ``creditfusion train`` wrote it.

        Args:
            good: The label of the good class, which a bundle does not hold; ``bad``: that of the bad one.
            encoder: Reads the narratives; None opens the one that the bundle's settings name, when first needed.

        Raises ContractError as ``fusion.bundle.load`` does, ValueError for labels that are not two of one type.
        """
        if type(good) is not type(bad) or good == bad:
            raise ValueError(f"good and bad are two labels of one type, not {good!r} and {bad!r}")
        bundle = load(Path(path))
        estimator = cls(config=bundle.config, schema=bundle.schema, encoder=encoder)
        estimator.bundle_ = bundle
        estimator.classes_, code = np.unique(np.array([good, bad]), return_inverse=True)
        estimator.bad_class_ = estimator.classes_[code[1]]
        names = [name for name in required_columns(bundle.schema, False) if name != bundle.schema.id.name]
        names += [field.name for field in bundle.schema.fields if field.source]
        estimator.feature_names_in_, estimator.n_features_in_ = np.array(names, dtype=object), len(names)
        return estimator

    def save(self, path: Path | str) -> Manifest:
        """Write the model as a bundle that ``fusion.load``, ``from_bundle`` and every verb of the command read.

        Raises ContractError when ``path`` exists and is not a bundle.
        """
        check_is_fitted(self)
        bundle, provenance = self.bundle_, self.bundle_.manifest.provenance
        if not bundle.schema.narratives:  # training needed no encoder; whoever loads the bundle opens this one
            encoder = self.encoder or open_text_encoder(bundle.config.encoder)
            provenance = provenance.model_copy(update={"encoder_digest": encoder.model_digest})
        trained = Trained(
            bundle.model,
            bundle.config,
            bundle.tabular,
            bundle.population,
            bundle.reference,
            bundle.rows,
            bundle.tuned,
            bundle.probes,
            bundle.profiles,
            bundle.policy,
        )
        return save(Path(path), trained, provenance, CARD.format(made=provenance, schema=bundle.schema.name))

    def decision_function(self, X: pd.DataFrame | npt.ArrayLike) -> Floats:
        """Calibrated log-odds of classes_[1], float64 (n,).

        Raises ContractError for cells that break the schema, RunError for one that is no finite number.
        """
        scorer = self.scorer()
        margin = scorer.scores(scorer.read(self._applications(X))).margin
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

        Raises as ``decision_function`` does.
        """
        scorer = self.scorer()
        reading = scorer.read(self._applications(X), sentences=True)
        explanation = scorer.explainer.explain(reading.design, reading.sentences)
        check_explained(reading.applications.row_number, explanation)
        return explanation

    def design(self, X: pd.DataFrame | npt.ArrayLike) -> Design:
        """What the model sees of the rows of X. Raises ContractError for cells that break the schema."""
        return self.scorer().read(self._applications(X)).design

    def scorer(self) -> Scorer:
        """The fitted model as a scorer, which gives decisions and reasons too."""
        check_is_fitted(self)
        bundle, learned_with = self.bundle_, self.bundle_.manifest.provenance.encoder_digest
        own_is_tuned = self.encoder is not None and self.encoder.model_digest == learned_with
        if bundle.tuned and not own_is_tuned:
            return Scorer(bundle, _opened_tuned(bundle))
        encoder = self._encoder(bundle.schema, bundle.config)
        return Scorer(bundle, encoder if bundle.schema.narratives else replace(encoder, model_digest=learned_with))

    def _applications(self, X: pd.DataFrame | npt.ArrayLike) -> Applications:
        check_is_fitted(self)
        return applications_of(self._frame(X, reset=False), self.bundle_.schema)

    def _frame(self, X: pd.DataFrame | npt.ArrayLike, reset: bool) -> pd.DataFrame:
        """X with texts for column names, after scikit-learn's checks of its shape and of the names."""
        if isinstance(X, pd.DataFrame):
            frame = X
            if self.schema is not None and not reset and set(self.feature_names_in_) <= set(X.columns):
                frame = X[list(self.feature_names_in_)]  # a file has more columns than the contract needs
            validate_data(self, frame, reset=reset, skip_check_array=True)
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

    def _encoder(self, schema: Schema, config: Config) -> OpenEncoder:
        """The encoder of the narratives; one that is never asked where there are none."""
        if not schema.narratives:
            return OpenEncoder("", NoTexts(), None, "")
        return self.encoder if self.encoder is not None else _opened(config.encoder)


@functools.lru_cache(maxsize=1)  # here and not in the estimator, whose copies and pickles need not carry the weights
def _opened(config: EncoderConfig) -> OpenEncoder:
    return open_text_encoder(config)


@functools.lru_cache(maxsize=1)
def _opened_tuned(bundle: Bundle) -> OpenEncoder:
    return bundle_encoder(bundle)


def _finite(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None


def _figures(outcome: Floats, margin: Floats, weight: Floats | None) -> dict[str, float | None]:
    """The bundle's figures; with weights also how many rows of one weight tell as much."""
    found = figures(outcome, margin, weight)
    own = {"out of fold: auc": _finite(found.auc), "out of fold: brier": _finite(found.brier)}
    return own if weight is None else own | {"effective rows": round(effective_rows(weight, len(outcome)), 1)}


def _frame_digest(applications: Applications, outcome: Floats, weight: Floats | None) -> str:
    """sha256 over the cells, outcomes and weights that a model learned from."""
    cells = pd.util.hash_pandas_object(applications.frame, index=False).to_numpy()
    weights = b"" if weight is None else weight.tobytes()
    return hashlib.sha256(cells.tobytes() + outcome.tobytes() + weights).hexdigest()


def _provenance(
    applications: Applications, sample: TrainingSample, config: Config, encoder: OpenEncoder, margin: Floats
) -> Provenance:
    """Where a model comes from that learned from a frame; margin: float64 (n,), out of fold."""
    return Provenance(
        schema_digest=applications.schema.digest,
        config_digest=config_digest(config),
        data_digest=_frame_digest(applications, sample.y, sample.weight),
        encoder_digest=encoder.model_digest,
        versions=package_versions(),
        seed=config.folds.seed,
        window=None,
        n_rows=len(sample),
        n_bad=int(sample.y.sum()),
        figures=_figures(sample.y, margin, sample.weight),
    )
