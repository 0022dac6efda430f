"""Read narratives with an encoder of your own instead of the embedded one.

The folder holds a BertModel as transformers' `save_pretrained` writes it: config.json, model.safetensors and
tokenizer.json. Nothing of it is copied into the model, which keeps a digest and refuses any other encoder.

    creditfusion demo --rows 2000                  # writes demo_run/
    python examples/own_encoder.py demo_run path/to/encoder
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

import fusion


def main(folder: Path, encoder: Path, settings: fusion.Config | None = None) -> None:
    """Train on past.csv with the encoder, and score new.csv."""
    base = settings or fusion.Config()
    own = base.encoder.model_copy(update={"source": str(encoder)})  # also: window, pooling, precision, unit
    config = base.model_copy(update={"encoder": own})
    past, new = pd.read_csv(folder / "past.csv"), pd.read_csv(folder / "new.csv")

    classifier = fusion.CreditFusionClassifier(schema=fusion.load_schema("demo"), config=config)
    classifier.fit(past.drop(columns="outcome"), past["outcome"])
    classifier.save(folder / "own_encoder_model")

    # The encoder may lie elsewhere later. `cache` keeps the vectors of narratives between runs, never their texts.
    model = fusion.load(folder / "own_encoder_model", encoder=str(encoder), cache=folder / "vectors")
    scored = model.score(new)
    print(scored.scores[["id", "pd", "score", "decision"]].head(10).to_string(index=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
