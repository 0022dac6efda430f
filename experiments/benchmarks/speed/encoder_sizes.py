"""Speed and text-only AUC of encoders side by side: a teacher, what was distilled from it, a table; by engine, too.

    python -m experiments.benchmarks.speed.encoder_sizes --schema S.json --data train.csv --rows 4000 \
        --encoder embedded --encoder three-layers --encoder static

The AUC is out of fold, inside the rows given: a ridge-penalised logistic regression on each narrative's vectors,
standardised, five folds, and of three strengths of the ridge the best, so it flatters all encoders alike. Take training
rows.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data_schemas.contract import Schema
from data_schemas.reader import load_schema
from experiments.benchmarks.measuring import machine, markdown, parser, tell
from features.arrays import Floats
from features.encoders.encoder import BertEncoder
from features.encoders.opening import open_encoder
from features.tables.applications import Applications
from features.tables.reader import ReadOptions, read_chunks
from features.text.cleaning import clean

STRENGTHS = (1e-4, 1e-3, 1e-2)
ROUNDS = 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    options.add_argument("--schema", required=True, help="shipped name or path of a data contract")
    options.add_argument("--data", type=Path, required=True, help="decided applications, CSV or Parquet")
    options.add_argument("--rows", type=int, default=4000, help="the first so many (default: %(default)s)")
    options.add_argument("--encoder", action="append", required=True, help="as encoder.source takes it; once for each")
    options.add_argument(
        "--way", action="append", help="engine-precision, such as openvino-int8; once for each (default: torch-auto)"
    )
    given = options.parse_args(arguments)
    applications = first_rows(load_schema(given.schema), given.data, given.rows)
    y = applications.outcome()
    columns = texts_of(applications)
    distinct = sorted({text for column in columns for text in column})
    tell(f"{len(applications):,} rows, {int(y.sum()):,} bad, {len(distinct):,} different texts")
    found: list[dict[str, Any]] = []
    for source, way in product(given.encoder, given.way or ["torch-auto"]):
        engine, _, precision = way.partition("-")
        encoder = open_encoder(source, engine=engine, precision=precision, device="cpu")
        rate = texts_a_second(encoder, distinct)
        vectors = np.concatenate([encoder.encode(column) for column in columns], axis=1)
        name, result = Path(source).name, {"texts_a_second": rate, "auc": best_auc(vectors, y)}
        found.append({"encoder": name, "engine": engine, "precision": encoder.precision, **result})
        tell(f"{name} {way} done")
    if given.json:
        print(json.dumps({"rows": len(applications), "bad": int(y.sum()), "encoders": found, "machine": machine()}))
        return
    lines = [
        (one["encoder"], one["engine"], one["precision"], f"{one['texts_a_second']:,.0f}", f"{one['auc']:.4f}")
        for one in found
    ]
    print(markdown(("encoder", "engine", "precision", "texts/s", "AUC"), lines))
    print(f"\n{machine()}")


def first_rows(schema: Schema, data: Path, n_rows: int) -> Applications:
    """The first rows of a file that keep to the contract."""
    chunks = read_chunks(data, schema, ReadOptions(need_target=True, chunk_rows=n_rows))
    return next(iter(chunks)).applications


def texts_of(applications: Applications) -> list[list[str]]:
    """The clean texts of every narrative column; empty where none was written."""
    schema = applications.schema
    raws = (applications.narrative(field.name) for field in schema.narratives)
    return [[clean(raw, schema.strip).text if raw else "" for raw in column] for column in raws]


def texts_a_second(encoder: BertEncoder, texts: list[str]) -> float:
    """Of the quickest of some rounds."""
    seconds = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        encoder.encode(texts)
        seconds.append(time.perf_counter() - begun)
    return len(texts) / min(seconds)


def best_auc(vectors: Floats, y: Floats) -> float:
    """Out of fold, of the strength of ridge that does best: alike for every encoder."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    found = []
    for strength in STRENGTHS:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))
        found.append(roc_auc_score(y, cross_val_predict(model, vectors, y, cv=folds, method="predict_proba")[:, 1]))
    return float(max(found))


if __name__ == "__main__":
    main()
