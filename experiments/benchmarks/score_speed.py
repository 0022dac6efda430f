"""How fast texts become vectors, beside what a user would write: sentence-transformers with its defaults.

All contenders take turns in one process, so that a busy machine disturbs them alike. Needs ``sentence-transformers``.

    python -m experiments.benchmarks.score_speed --data applications.csv.gz --column desc
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import pandas as pd
import torch

from features.cache import CachedEncoder, EmbeddingCache
from features.encoder import BertEncoder
from features.encoder_source import EMBEDDED, locate, open_encoder
from features.narrative import clean

PEAK_SIZE = 1536


def main() -> None:
    """Measure and print; see the module's text."""
    options = _options()
    column = pd.read_csv(options.data, usecols=[options.column], dtype=str)[options.column].dropna()
    sample = column.sample(min(options.texts, len(column)), random_state=0)
    texts = [text for text in dict.fromkeys(clean(raw, ()).text for raw in sample) if text]
    torch.set_num_threads(options.threads)
    encoders = {precision: open_encoder(precision=precision, device="cpu") for precision in ("bf16", "fp32")}
    plain = _sentence_transformers()
    took: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        cached = CachedEncoder(encoders["bf16"], EmbeddingCache(Path(folder), 10**9))
        contenders: dict[str, Callable[[], object]] = {
            "sentence-transformers, defaults": lambda: plain(texts),
            "creditfusion bf16, cold": lambda: encoders["bf16"].encode(texts),
            "creditfusion fp32, cold": lambda: encoders["fp32"].encode(texts),
            "creditfusion bf16, warm cache": lambda: cached.encode(texts),
            "bf16 matrix peak": lambda: _multiply(torch.bfloat16),
            "fp32 matrix peak": lambda: _multiply(torch.float32),
        }
        cached.encode(texts)
        plain(texts[:64])
        for _ in range(options.rounds):
            for name, run in contenders.items():
                began = time.perf_counter()
                run()
                took.setdefault(name, []).append(time.perf_counter() - began)
    _report(took, len(texts), _flop(encoders["bf16"], texts))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare encoding speed with sentence-transformers.")
    parser.add_argument("--data", type=Path, required=True, help="CSV, plain or gzipped")
    parser.add_argument("--column", default="desc", help="its text column")
    parser.add_argument("--texts", type=int, default=1000, help="how many texts to draw")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each contender; the median counts")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


def _sentence_transformers() -> Callable[[Sequence[str]], object]:
    from sentence_transformers import SentenceTransformer  # not a dependency of the project

    model = SentenceTransformer(str(locate(EMBEDDED)), device="cpu")
    return lambda texts: model.encode(list(texts), show_progress_bar=False)


def _multiply(dtype: torch.dtype) -> None:
    """Ten products of two square matrices."""
    one = torch.ones(PEAK_SIZE, PEAK_SIZE, dtype=dtype)
    for _ in range(10):
        one @ one


def _flop(encoder: BertEncoder, texts: Sequence[str]) -> float:
    """Floating-point operations of the matrix products that the tokens of ``texts`` need, padding not counted."""
    shape = encoder.bert.shape
    lengths = [len(e.ids) for e in encoder.tokenizer.encode_batch_fast(list(texts))]
    per_token = 2 * 12 * shape.dim**2  # query, key, value, out: 4 dim^2; up and down: 8 dim^2
    attention = sum(4 * min(n, encoder.window) * n * shape.dim for n in lengths)
    return shape.n_layers * (per_token * sum(lengths) + attention)


def _report(took: dict[str, list[float]], n_texts: int, flop: float) -> None:
    peaks = {p: 10 * 2 * PEAK_SIZE**3 / median(took[f"{p} matrix peak"]) for p in ("bf16", "fp32")}
    base = median(took["sentence-transformers, defaults"])
    print(f"{n_texts} texts, {flop / n_texts / 1e9:.2f} GFLOP each, median of {len(next(iter(took.values())))} rounds")
    for name, seconds in took.items():
        if name.endswith("peak"):
            print(f"{name:34s} {peaks[name[:4]] / 1e9:8.0f} GFLOP/s")
            continue
        now = median(seconds)
        line = f"{name:34s} {n_texts / now:8.0f} texts/s  {base / now:6.2f} x"
        if name.endswith("cold"):
            line += f"  {flop / now / 1e9:5.0f} GFLOP/s, {flop / now / peaks[name.split()[1][:4]]:.0%} of peak"
        print(line)


if __name__ == "__main__":
    main()
