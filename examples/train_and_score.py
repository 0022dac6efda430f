"""Train on decided applications from Python, save the model, load it again and score new applications.

creditfusion demo --rows 2000                  # writes demo_run/
python examples/train_and_score.py demo_run
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

import fusion


def main(folder: Path, config: fusion.Config | None = None) -> None:
    """Train on past.csv, write own_model/ and score new.csv."""
    schema = fusion.load_schema("demo")  # the data contract: roles of columns, units, reason wordings
    past, new = pd.read_csv(folder / "past.csv"), pd.read_csv(folder / "new.csv")

    classifier = fusion.CreditFusionClassifier(schema=schema, config=config)
    classifier.fit(past.drop(columns="outcome"), past["outcome"])
    classifier.save(folder / "own_model")

    model = fusion.load(folder / "own_model", reasons=2)
    scored = model.score(new)
    print(scored.scores[["id", "pd", "score", "decision", "reasons"]].head(10).to_string(index=False))
    print(f"{len(scored.scores):,} scored, {len(scored.rejects):,} rejected")
    scored.scores.to_csv(folder / "own_scores.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo_run"))
