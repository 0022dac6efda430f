"""Judged applications with hand-made margins; shared by the tests of the chapters of a validation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import expit

from data_schemas.contract import Schema
from data_schemas.reader import parse_schema
from experiments.validate.scored_outcomes import ScoredOutcomes
from features.arrays import Dates, Floats, Floats32
from features.design import Design, TabularBlock, TextBlock, no_style
from features.encoders.vectors import PartVectors, Progress
from features.encoders.windows import Spans
from features.tables.applications import Applications
from features.tabular import TabularEncoder
from fusion.bundle import FORMAT_VERSION, Bundle, Manifest, Provenance
from fusion.config import Config, DecisionConfig
from fusion.explain.population import Population
from fusion.model.fusion_model import FusionModel, Margins
from fusion.scorer import Scorer
from fusion.text_encoder import OpenEncoder
from fusion.validation.text_drift import describe_texts
from fusion.validation.training_rows import TrainingRows
from tests.support import golden_model
from tests.support.small import small_schema
from tests.support.stand_in import parts_alone

HOMES = ("rent", "own")
NOTE = "A car for the way to work."


@dataclass(frozen=True)
class Rows:
    """What is said of the rows beside outcome and margin; a tuple or array of their number, None for the usual.

    columns_only, text_only: margins of the ablations (the same margin; 0 for every row). home: "rent" and "own" in
    turns. note: narratives, by turns long and short and missing. asked: days of decision, two in every month of 2024's
    first half.
    """

    columns_only: Floats | None = None
    text_only: Floats | None = None
    home: Sequence[str] | None = None
    note: Sequence[str] | None = None
    asked: Dates | None = None


class Silent:
    """A text encoder whose vectors are all zero."""

    digest = "silent"
    dim = 3

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        if on_progress is not None:
            on_progress(len(texts))
        return np.zeros((len(texts), self.dim), np.float32)

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        return parts_alone(self.encode, texts, spans, on_progress)


def drawn(margin: Floats, seed: int = 0) -> Floats:
    """Outcomes of rows whose true log-odds are ``margin``."""
    draw = np.random.default_rng([seed, 5]).random(len(margin))
    return np.asarray(draw < expit(margin), dtype=np.float64)


def some_margins(n: int, seed: int = 0) -> Floats:
    """Log-odds of applicants, some 22 in 100 of whom default."""
    return np.random.default_rng([seed, 6]).normal(-1.5, 1.0, n)


def scored_of(y: Floats, margin: Floats, rows: Rows = Rows(), schema: Schema | None = None) -> ScoredOutcomes:
    """Applications of the small schema (or another that lacks some of its fields) with these outcomes and log-odds,
    declined above a PD of 0.2. The training applicants have log-odds ``some_margins(4000)``.
    """
    n, config = len(y), Config(decision=DecisionConfig(max_pd=0.2))
    schema = schema if schema is not None else small_schema()
    applications = Applications(schema, _frame(y, rows, schema), np.arange(1, n + 1))
    design = Design(_no_columns(n), _text(applications))
    margins = Margins(
        margin,
        rows.columns_only if rows.columns_only is not None else margin,
        rows.text_only if rows.text_only is not None else np.zeros(n),
    )
    scorer = Scorer(_bundle(schema, config, design.text), OpenEncoder("silent", Silent(), None, "fp32"), threads=1)
    quality = ("",) * n
    decided = scorer.decide(applications, expit(margin), quality).decision
    return ScoredOutcomes(scorer, applications, design, margins, y, decided, quality)


def without_note() -> Schema:
    """The small schema without its narrative."""
    document = json.loads(small_schema().source)
    document["fields"] = [field for field in document["fields"] if field["name"] != "note"]
    return parse_schema(json.dumps(document), "small")


def _frame(y: Floats, rows: Rows, schema: Schema) -> pd.DataFrame:
    n = len(y)
    months = np.datetime64("2024-01", "M") + np.arange(n) % 6
    asked = rows.asked if rows.asked is not None else months.astype("datetime64[D]") + np.arange(n) % 2
    note = rows.note if rows.note is not None else [NOTE * (at % 5 + 1) if at % 3 else "" for at in range(n)]
    columns = {
        "id": pd.Series([str(at) for at in range(n)], dtype=object),
        "asked": pd.Series(asked.astype("datetime64[s]")),
        "home": pd.Series(rows.home if rows.home is not None else [HOMES[at % 2] for at in range(n)], dtype=object),
        "note": pd.Series(list(note), dtype=object),
        "sex": pd.Series(["f" if at % 4 else "m" for at in range(n)], dtype=object),
        "outcome": pd.Series(["bad" if one else "good" for one in y.tolist()], dtype=object),
    }
    known = {field.name for field in schema.fields}
    return pd.DataFrame({name: column for name, column in columns.items() if name in known})


def _text(applications: Applications) -> TextBlock:
    names = tuple(field.name for field in applications.schema.narratives)
    n = len(applications)
    if not names:
        return TextBlock.empty(n)
    wrote = np.array([[bool(text) for text in applications.narrative(name)] for name in names], np.bool_).T
    wrote = wrote.reshape(n, len(names))
    x_text = np.zeros((n, len(names), Silent.dim), np.float32)
    return TextBlock(x_text, wrote, sparse.csr_matrix(np.zeros((n, 0), np.float32)), names, no_style(wrote))


def _no_columns(n: int) -> TabularBlock:
    return TabularBlock(np.zeros((n, 0), np.float32), np.zeros((n, 0), np.int32), (), (), ())


def _bundle(schema: Schema, config: Config, text: TextBlock) -> Bundle:
    """A bundle that takes these narratives for those of training."""
    margin = some_margins(4000)
    none = np.zeros((len(margin), 1), np.float32)
    population = Population(_no_columns(len(margin)), margin, drawn(margin) > 0.5, none, none)
    provenance = Provenance(
        schema_digest="0",
        config_digest="0",
        data_digest="0",
        encoder_digest="silent",
        versions={},
        seed=0,
        window=None,
        n_rows=len(margin),
        n_bad=int(population.bad.sum()),
        figures={},
    )
    manifest = Manifest(format_version=FORMAT_VERSION, files={}, provenance=provenance)
    reference = describe_texts(text, np.arange(len(text)))
    return Bundle(
        _model(),
        schema,
        config,
        TabularEncoder(schema, {}, {}),
        population,
        reference,
        TrainingRows.unknown(),
        manifest,
    )


@cache
def _model() -> FusionModel:
    """A model that has nothing to do with the rows; its points are those of the default scale."""
    return golden_model.read().model
