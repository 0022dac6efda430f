"""The pipeline one would write without creditfusion: sentence-transformers with its defaults, then LightGBM.

    python plain_pipeline.py fit     --data past.csv --booster booster.txt --encoder all-MiniLM-L6-v2 \
        --texts statement job_title --numbers amount annual_income
    python plain_pipeline.py predict --data new.csv  --booster booster.txt --encoder all-MiniLM-L6-v2 \
        --texts statement job_title --numbers amount annual_income --id application_id --out scored.csv

``fit`` draws its labels at random: what it makes is good for measuring speed, and for nothing else. Prints the seconds
of each stage as JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path


def main() -> None:
    """Fit or predict; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["fit", "predict"])
    parser.add_argument("--data", type=Path, required=True, help="CSV")
    parser.add_argument("--booster", type=Path, required=True, help="LightGBM model to write or to read")
    parser.add_argument("--encoder", required=True, help="name or folder, as SentenceTransformer takes it")
    parser.add_argument("--texts", nargs="+", required=True, help="text columns")
    parser.add_argument("--numbers", nargs="*", default=[], help="numeric columns")
    parser.add_argument("--id", help="column that names a row, for predict")
    parser.add_argument("--out", type=Path, help="CSV to write, for predict")
    options = parser.parse_args()

    import lightgbm
    import numpy as np
    import pandas as pd
    from sentence_transformers import SentenceTransformer

    clock = [time.perf_counter()]
    encoder = SentenceTransformer(options.encoder)
    clock.append(time.perf_counter())
    table = pd.read_csv(options.data)
    clock.append(time.perf_counter())
    vectors = [encoder.encode(table[name].fillna("").astype(str).tolist()) for name in options.texts]
    clock.append(time.perf_counter())
    x = np.hstack([*vectors, table[options.numbers].to_numpy(np.float32)])
    if options.verb == "fit":
        y = np.random.default_rng(0).integers(0, 2, len(x))
        fitted = lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(x, y), num_boost_round=100)
        fitted.save_model(options.booster)
    else:
        pd_of_default = lightgbm.Booster(model_file=options.booster).predict(x)
        clock.append(time.perf_counter())
        pd.DataFrame({"id": table[options.id], "pd": pd_of_default}).to_csv(options.out, index=False)
        clock.append(time.perf_counter())
    stages = ("load", "read", "text", "predict", "write")
    print(json.dumps({"seconds": dict(zip(stages, np.diff(clock).tolist(), strict=False))}))


if __name__ == "__main__":
    main()
