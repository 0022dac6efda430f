"""Speed and text-only AUC of encoders side by side: a teacher, what was distilled from it, a table.

    python -m experiments.benchmarks.speed.encoder_sizes --schema S.json --data train.csv --rows 4000 \
        --encoder embedded --encoder three-layers --encoder static

The AUC is out of fold, inside the rows given: a ridge-penalised logistic regression on each narrative's vectors,
standardised, five folds. Take training rows.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data_schemas.reader import load_schema
from features.arrays import Floats
from features.encoders.encoder import BertEncoder
from features.encoders.sources import open_encoder
from features.tables.applications import Applications
from features.tables.reader import ReadOptions, read_chunks
from features.text.cleaning import clean

STRENGTHS = (1e-4, 1e-3, 1e-2)
ROUNDS = 3


def main() -> None:
    """Print one line for each encoder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schema", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--encoder", action="append", required=True)
    given = parser.parse_args()
    applications = first_rows(given.schema, given.data, given.rows)
    y = applications.outcome()
    columns = texts_of(applications)
    distinct = sorted({text for column in columns for text in column})
    print(f"{len(applications):,} rows, {int(y.sum()):,} bad, {len(distinct):,} different texts")
    for source in given.encoder:
        encoder = open_encoder(source, device="cpu")
        rate = texts_a_second(encoder, distinct)
        vectors = np.concatenate([encoder.encode(column) for column in columns], axis=1)
        print(f"{Path(source).name}: {rate:,.0f} texts/s ({encoder.precision}), AUC {best_auc(vectors, y):.4f}")


def first_rows(schema: str, data: Path, n_rows: int) -> Applications:
    """The first rows of a file that keep to the contract."""
    chunks = read_chunks(data, load_schema(schema), ReadOptions(need_target=True, chunk_rows=n_rows))
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
