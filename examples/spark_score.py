"""Score a Spark data frame, partition by partition; each loads the model once.

pip install pyspark                            # and Java 17 or later
creditfusion demo --rows 2000                  # writes demo_run/
python examples/spark_score.py demo_run
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, SparkSession

import fusion

TEXTS, NUMBERS = ("id", "decision", "rule", "message"), ("pd", "score")
COLUMNS = ", ".join([*(f"{name} string" for name in TEXTS), *(f"{name} double" for name in NUMBERS)])


def scored(rows: DataFrame, model: str) -> DataFrame:
    """One row for each that was given: scored, or rejected with the rule that it broke and the remedy.

    The model's path must be that of every machine.
    """

    def score(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        scorer = fusion.load(model, threads=1)
        for frame in frames:
            found = scorer.score(frame.fillna(""))
            rejects = found.rejects.assign(id=frame.loc[found.rejects.index, scorer.schema.id.name])
            both = pd.concat([found.scores, rejects])
            yield both.reindex(columns=list(TEXTS + NUMBERS)).astype(dict.fromkeys(TEXTS, object))

    return rows.mapInPandas(score, COLUMNS)


def main(folder: Path) -> None:
    """Score new.csv by the model in model/, cells as they are written, and write Parquet."""
    spark = SparkSession.builder.appName("creditfusion").getOrCreate()
    rows = spark.read.csv(str(folder / "new.csv"), header=True, multiLine=True, escape='"')
    result = scored(rows, str((folder / "model").absolute()))
    result.write.parquet(str(folder / "spark_scores"), mode="overwrite")
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
