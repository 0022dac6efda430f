"""How fast texts become vectors: every engine and precision, beside sentence-transformers.

The contenders take turns in one process, so that a busy machine disturbs them alike. With `--isa` all of it runs in a
process that may use only these instructions, so that one machine stands for others; what does not heed the limit shows
by its share of the peak. Wanted beside creditfusion with its extras `openvino` and `onnx`:
`pip install sentence-transformers`.

    python -m experiments.benchmarks.speed.encoder_speed --data applications.csv.gz --column desc --isa own --isa AVX2
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

from experiments.benchmarks.measuring import draw, machine, markdown, median_ratio, parser, tell
from features.encoders.cache.cached_encoder import CachedEncoder
from features.encoders.cache.embedding_cache import EmbeddingCache
from features.encoders.devices import EncoderPrecision, Engine
from features.encoders.encoder import BertEncoder
from features.encoders.opening import open_encoder
from features.encoders.source_files import EMBEDDED, locate
from features.text.cleaning import clean

PEAK_SIZE, PEAK_PRODUCTS = 1536, 10
PRECISIONS = {"bf16": torch.bfloat16, "fp32": torch.float32}
PLAIN = "sentence-transformers fp32"
WARM = "creditfusion, from the cache"
WAYS: tuple[tuple[Engine, EncoderPrecision], ...] = (
    ("torch", "fp32"),
    ("openvino", "fp32"),
    ("onnx", "fp32"),
    ("torch", "bf16"),
    ("openvino", "bf16"),
    ("openvino", "int8"),
    ("onnx", "int8"),
)
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "AVX2"}
ISAS: dict[str, tuple[dict[str, str], bool]] = {
    "own": ({}, True),
    "AVX512_BF16": ({"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16"}, True),
    "AVX512": ({"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"}, False),
    "AVX2": (AVX2, False),
}
"""By name, the environment that allows no more, and whether bf16 is computed natively with it."""


@dataclass(frozen=True)
class Contender:
    """One way from texts to vectors.

    Attributes:
        name: in the table.
        precision: what it computes in; empty for one that computes nothing.
        run: encodes the texts.
    """

    name: str
    precision: str
    run: Callable[[], object]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    options.add_argument("--data", type=Path, required=True, help="CSV or gzipped CSV")
    options.add_argument("--column", required=True, help="its text column")
    options.add_argument("--texts", type=int, default=1000, help="how many rows to draw (default: %(default)s)")
    options.add_argument("--rounds", type=int, default=3, help="turns of each contender (default: %(default)s)")
    options.add_argument("--threads", type=int, default=torch.get_num_threads(), help="default: as many as there are")
    options.add_argument("--isa", action="append", choices=list(ISAS), help="instructions allowed; once for each")
    options.add_argument("--child", choices=list(ISAS), help="measure in this process, for these instructions")
    chosen = options.parse_args(arguments)
    if chosen.child:
        torch.set_num_threads(chosen.threads)
        texts = column_texts(chosen.data, chosen.column, chosen.texts)
        print(json.dumps(take_turns(texts, chosen.rounds, ISAS[chosen.child][1])))
        return
    same = ["--data", chosen.data, "--column", chosen.column, "--texts", chosen.texts]
    same += ["--rounds", chosen.rounds, "--threads", chosen.threads]
    found = {name: _in_a_process([*map(str, same), "--child", name], name) for name in chosen.isa or ["own"]}
    if chosen.json:
        print(json.dumps({"instructions": found, "machine": machine()}))
        return
    print("\n\n".join(report(name, one) for name, one in found.items()) + f"\n\n{machine()}")


def _in_a_process(arguments: Sequence[str], name: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "experiments.benchmarks.speed.encoder_speed", *arguments]
    done = subprocess.run(command, env=os.environ | ISAS[name][0], stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def column_texts(data: Path, column: str, n_rows: int) -> list[str]:
    """The distinct texts, cleaned, of some rows drawn at random."""
    header, *rows = draw(data, n_rows)
    at = header.index(column)
    return [text for text in dict.fromkeys(clean(row[at], ()).text for row in rows) if text]


def take_turns(texts: Sequence[str], n_rounds: int, native_bf16: bool) -> dict[str, Any]:
    """Seconds of each contender by round, FLOP/s of each precision's matrix products, FLOP that the texts need.

    native_bf16: whether contenders in bf16 take part.
    """
    took: dict[str, list[float]] = {}
    peaks: dict[str, list[float]] = {name: [] for name in PRECISIONS if native_bf16 or name == "fp32"}
    with tempfile.TemporaryDirectory() as folder:
        contenders = list(_contenders(texts, native_bf16, Path(folder)))
        for number in range(n_rounds + 1):
            for one in contenders:
                began = time.perf_counter()
                one.run()
                seconds = time.perf_counter() - began
                if number:  # the first time kernels are prepared, and the cache is filled
                    took.setdefault(one.name, []).append(seconds)
                tell(f"round {number} of {n_rounds}: {one.name}, {seconds:.1f} s")
            for precision, speeds in peaks.items():
                speeds.append(matrix_peak(precision))
    flop = needed_flop(open_encoder(precision="fp32", device="cpu"), texts)
    return {
        "texts": len(texts),
        "flop": flop,
        "peaks": {name: median(found) for name, found in peaks.items()},
        "took": took,
        "precision": {one.name: one.precision for one in contenders},
    }


def _contenders(texts: Sequence[str], native_bf16: bool, folder: Path) -> Iterator[Contender]:
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        if native_bf16 or precision != "bf16":
            yield Contender(f"sentence-transformers {precision}", precision, _sentence_transformers(texts, dtype))
    for engine, precision in (way for way in WAYS if native_bf16 or way[1] != "bf16"):
        encoder = open_encoder(engine=engine, precision=precision, device="cpu")
        yield Contender(f"{engine} {precision}", precision, _encoding(encoder, texts))
    cached = CachedEncoder(open_encoder(precision="fp32", device="cpu"), EmbeddingCache(folder, 10**9))
    yield Contender(WARM, "", lambda: cached.encode(texts))


def _encoding(encoder: BertEncoder, texts: Sequence[str]) -> Callable[[], object]:
    return lambda: encoder.encode(texts)


def _sentence_transformers(texts: Sequence[str], dtype: torch.dtype) -> Callable[[], object]:
    from sentence_transformers import SentenceTransformer  # not a dependency of the project

    model = SentenceTransformer(str(locate(EMBEDDED)), device="cpu").to(dtype)
    return lambda: model.encode(list(texts), show_progress_bar=False)


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


def report(isa: str, found: dict[str, Any]) -> str:
    """One line per contender; shares of the peak of the precision that it computes in, where torch has that."""
    lines = []
    took, peaks = found["took"], found["peaks"]
    for name, seconds in took.items():
        flops, peak = found["flop"] / median(seconds), peaks.get(found["precision"][name])
        computes = bool(found["precision"][name])
        lines.append(
            [
                name,
                f"{found['texts'] / median(seconds):,.0f}",
                f"{median_ratio(took[PLAIN], seconds):.2f}",
                f"{flops / 1e9:,.0f}" if computes else "",
                f"{flops / peak:.0%}" if peak else "",
            ]
        )
    table = markdown([isa, "texts/s", "ratio", "GFLOP/s", "of the matrix peak"], lines)
    return (
        f"{table}\n\n{found['texts']:,} distinct texts of {found['flop'] / found['texts'] / 1e9:.2f} GFLOP, median of "
        f"{len(took[PLAIN])} rounds; matrix peak "
        + ", ".join(f"{name} {peak / 1e9:,.0f} GFLOP/s" for name, peak in peaks.items())
    )


if __name__ == "__main__":
    main()
