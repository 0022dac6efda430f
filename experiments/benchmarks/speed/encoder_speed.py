"""How fast texts become vectors, beside sentence-transformers with its defaults.

The contenders take turns in one process, so that a busy machine disturbs them alike. Wanted beside creditfusion:
`pip install sentence-transformers`.

    python -m experiments.benchmarks.speed.encoder_speed --data applications.csv.gz --column desc
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import torch

from experiments.benchmarks.measuring import draw, markdown, median_ratio, parser, publish, tell
from features.encoders.cache import CachedEncoder, EmbeddingCache
from features.encoders.encoder import BertEncoder
from features.encoders.sources import EMBEDDED, locate, open_encoder
from features.text.cleaning import clean

PEAK_SIZE, PEAK_PRODUCTS = 1536, 10
PRECISIONS = {"bf16": torch.bfloat16, "fp32": torch.float32}
PLAIN = "sentence-transformers"
COLD = {precision: f"creditfusion {precision}" for precision in PRECISIONS}
WARM = "creditfusion, from the cache"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    options.add_argument("--data", type=Path, required=True, help="CSV or gzipped CSV")
    options.add_argument("--column", required=True, help="its text column")
    options.add_argument("--texts", type=int, default=1000, help="how many rows to draw (default: %(default)s)")
    options.add_argument("--rounds", type=int, default=3, help="turns of each contender (default: %(default)s)")
    options.add_argument("--threads", type=int, default=torch.get_num_threads(), help="default: as many as there are")
    chosen = options.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    texts = column_texts(chosen.data, chosen.column, chosen.texts)
    took, peaks, flop = take_turns(texts, chosen.rounds)
    report(took, peaks, flop, len(texts), chosen.json)


def column_texts(data: Path, column: str, n_rows: int) -> list[str]:
    """The distinct texts, cleaned, of some rows drawn at random."""
    header, *rows = draw(data, n_rows)
    at = header.index(column)
    return [text for text in dict.fromkeys(clean(row[at], ()).text for row in rows) if text]


def take_turns(texts: Sequence[str], n_rounds: int) -> tuple[dict[str, list[float]], dict[str, float], float]:
    """Seconds of each contender by round, FLOP/s of each precision's matrix products, FLOP that the texts need."""
    encoders = {precision: open_encoder(precision=precision, device="cpu") for precision in ("bf16", "fp32")}
    plain = _sentence_transformers()
    took: dict[str, list[float]] = {}
    peaks: dict[str, list[float]] = {precision: [] for precision in PRECISIONS}
    with tempfile.TemporaryDirectory() as folder:
        cached = CachedEncoder(encoders["bf16"], EmbeddingCache(Path(folder), 10**9))
        contenders: dict[str, Callable[[], object]] = {
            PLAIN: lambda: plain(texts),
            COLD["bf16"]: lambda: encoders["bf16"].encode(texts),
            COLD["fp32"]: lambda: encoders["fp32"].encode(texts),
            WARM: lambda: cached.encode(texts),
        }
        cached.encode(texts)
        plain(texts[:64])
        for number in range(n_rounds):
            for name, run in contenders.items():
                began = time.perf_counter()
                run()
                took.setdefault(name, []).append(time.perf_counter() - began)
                tell(f"round {number + 1}: {name}, {took[name][-1]:.1f} s")
            for precision in PRECISIONS:
                peaks[precision].append(matrix_peak(precision))
    return took, {name: median(found) for name, found in peaks.items()}, needed_flop(encoders["fp32"], texts)


def matrix_peak(precision: str) -> float:
    """FLOP/s of products of two large square matrices, ``"bf16"`` or ``"fp32"``, with torch's number of threads."""
    one = torch.ones(PEAK_SIZE, PEAK_SIZE, dtype=PRECISIONS[precision])
    one @ one  # the first product of a shape also prepares its kernel
    began = time.perf_counter()
    for _ in range(PEAK_PRODUCTS):
        one @ one
    return PEAK_PRODUCTS * 2 * PEAK_SIZE**3 / (time.perf_counter() - began)


def needed_flop(encoder: BertEncoder, texts: Sequence[str]) -> float:
    """Floating-point operations of the matrix products that the tokens of ``texts`` need, padding not counted."""
    shape = encoder.bert.shape
    lengths = [len(encoding.ids) for encoding in encoder.tokenizer.encode_batch_fast(list(texts))]
    per_token = 2 * 12 * shape.dim**2  # query, key, value, out: 4 dim^2; up and down: 8 dim^2
    attention = sum(4 * min(n, encoder.window) * n * shape.dim for n in lengths)
    return float(shape.n_layers * (per_token * sum(lengths) + attention))


def report(took: dict[str, list[float]], peaks: dict[str, float], flop: float, n_texts: int, as_json: bool) -> None:
    """One line per contender; shares of the peak of the precision that it computes in."""
    precision_of = {PLAIN: "fp32", **{name: precision for precision, name in COLD.items()}}
    lines, found = [], {}
    for name, seconds in took.items():
        rate, ratio = n_texts / median(seconds), median_ratio(took[PLAIN], seconds)
        speed, share = "", ""
        found[name] = {"texts_per_second": rate, "ratio": ratio}
        if precision := precision_of.get(name):
            flops = flop / median(seconds)
            found[name] |= {"gflops": flops / 1e9, "share_of_peak": flops / peaks[precision]}
            speed, share = f"{flops / 1e9:,.0f}", f"{flops / peaks[precision]:.0%} of {precision}"
        lines.append([name, f"{rate:,.0f}", f"{ratio:.2f}", speed, share])
    table = markdown(["", "texts/s", "ratio", "GFLOP/s", "of the matrix peak"], lines)
    gflops = {name: peak / 1e9 for name, peak in peaks.items()}
    about = (
        f"{n_texts:,} distinct texts of {flop / n_texts / 1e9:.2f} GFLOP, median of {len(took[PLAIN])} rounds; "
        f"matrix peak {', '.join(f'{name} {peak:,.0f} GFLOP/s' for name, peak in gflops.items())}"
    )
    publish({"texts": n_texts, "contenders": found, "peak_gflops": gflops}, f"{table}\n\n{about}", as_json)


def _sentence_transformers() -> Callable[[Sequence[str]], object]:
    from sentence_transformers import SentenceTransformer  # not a dependency of the project

    model = SentenceTransformer(str(locate(EMBEDDED)), device="cpu")
    return lambda texts: model.encode(list(texts), show_progress_bar=False)


if __name__ == "__main__":
    main()
