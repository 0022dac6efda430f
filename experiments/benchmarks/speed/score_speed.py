"""How fast a file is scored, from the command to the finished CSV, beside the pipeline one would write without us.

Three contenders take turns, round by round, each as a process of its own: the plain pipeline (`plain_pipeline.py`),
`creditfusion score` with an empty cache (cold), and again with the cache that this filled (warm). They read the same
file and the same narrative columns, and none gives reasons (`explain_speed.py` measures those). Wanted beside
creditfusion: `pip install sentence-transformers`.

    python -m experiments.benchmarks.speed.score_speed --model model --data applications.csv.gz --rows 4000
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from data_schemas.contract import Schema
from experiments.benchmarks.measuring import (
    SCORED,
    Measured,
    draw,
    markdown,
    measure,
    median_ratio,
    model_and_data,
    parser,
    publish,
    score_command,
    tell,
    write_rows,
)
from experiments.benchmarks.speed import plain_pipeline
from experiments.benchmarks.speed.encoder_speed import matrix_peak, needed_flop
from features.encoders.by_sentence import passage_texts
from features.encoders.opening import open_encoder
from features.encoders.source_files import locate
from features.tables.reader import ReadOptions, read_all
from features.text.cleaning import clean
from fusion.bundle import Bundle, load

PLAIN, COLD, WARM = "plain pipeline", "creditfusion, cold cache", "creditfusion, warm cache"
FIT_ROWS = 400


@dataclass(frozen=True)
class Encoding:
    """What the encoder has to do for the file, and what the machine can.

    flop: matrix products that the distinct texts need. own: precision creditfusion encodes in. peaks: FLOP/s of large
    products, by precision, one per round.
    """

    flop: float
    own: str
    peaks: Mapping[str, list[float]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    model_and_data(options, n_rows=4000)
    options.add_argument("--rounds", type=int, default=2, help="turns of each contender (default: %(default)s)")
    chosen = options.parse_args(arguments)
    if find_spec("sentence_transformers") is None:
        options.error("the plain pipeline needs sentence-transformers: pip install sentence-transformers")
    bundle = load(chosen.model)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        drawn = draw(chosen.data, chosen.rows)
        write_rows(work / "data.csv", drawn)
        write_rows(work / "past.csv", drawn[: FIT_ROWS + 1])
        tell("fit the plain pipeline's model (not timed)")
        measure([*_plain("fit", bundle, work), "--data", str(work / "past.csv")])
        encoding = _encoding(bundle, work / "data.csv")
        took = take_turns(bundle, chosen.model, work, chosen.rounds, encoding)
    report(took, encoding, len(drawn) - 1, chosen.json)


def take_turns(bundle: Bundle, model: Path, work: Path, n_rounds: int, encoding: Encoding) -> dict[str, list[Measured]]:
    """Each contender once a round, the plain pipeline first in one and last in the next; adds the peaks."""
    data, out = work / "data.csv", work / "out.csv"
    names = ["--id", bundle.schema.id.name, "--data", str(data), "--out", str(work / "plain.csv")]
    plain = [*_plain("predict", bundle, work), *names]
    own = score_command(model, data, out, "--force", "--reasons", "0", "--cache", str(work / "cache"))

    def cold() -> Measured:
        shutil.rmtree(work / "cache", ignore_errors=True)
        return measure(own, SCORED)

    contenders: dict[str, Callable[[], Measured]] = {
        PLAIN: lambda: measure(plain),
        COLD: cold,
        WARM: lambda: measure(own, SCORED),
    }
    took: dict[str, list[Measured]] = {name: [] for name in contenders}
    for number in range(n_rounds):
        for name in [PLAIN, COLD, WARM] if number % 2 == 0 else [COLD, WARM, PLAIN]:
            took[name].append(contenders[name]())
            tell(f"round {number + 1} of {n_rounds}: {name}, {took[name][-1].seconds:.1f} s")
        for precision, found in encoding.peaks.items():
            found.append(matrix_peak(precision))
    return took


def _plain(verb: str, bundle: Bundle, work: Path) -> list[str]:
    """The plain pipeline with the encoder, the narratives and the numeric columns of the bundle."""
    numbers = [field.name for field in bundle.schema.features if field.is_numeric]
    texts = [field.name for field in bundle.schema.narratives]
    encoder = str(locate(bundle.config.encoder.source))
    command = [sys.executable, plain_pipeline.__file__, verb, "--booster", str(work / "booster.txt")]
    return [*command, "--encoder", encoder, "--texts", *texts, "--numbers", *numbers]


def _encoding(bundle: Bundle, data: Path) -> Encoding:
    settings = bundle.config.encoder
    encoder = open_encoder(settings.source, precision=settings.precision, window=settings.window)
    texts = _distinct_texts(bundle.schema, data)
    if settings.unit == "sentence":
        texts = list(dict.fromkeys(passage for text in texts for passage in passage_texts(text)))
    return Encoding(needed_flop(encoder, texts), encoder.precision, {"bf16": [], "fp32": []})


def _distinct_texts(schema: Schema, data: Path) -> list[str]:
    """The texts that the encoder is given for this file."""
    distinct: dict[str, None] = {}
    applications = read_all(data, schema, ReadOptions()).applications
    for field in schema.narratives:
        distinct |= dict.fromkeys(clean(raw, schema.strip).text for raw in applications.narrative(field.name))
    return [text for text in distinct if text]


def report(took: Mapping[str, Sequence[Measured]], encoding: Encoding, n_rows: int, as_json: bool) -> None:
    """One line per contender: medians over the rounds; ratios are medians of those taken side by side."""
    peaks = {precision: median(found) for precision, found in encoding.peaks.items()}
    found = {name: _figures(runs, took[PLAIN], n_rows) for name, runs in took.items()}
    for name, precision in ((PLAIN, "fp32"), (COLD, encoding.own)):
        flops = encoding.flop / median(run.summary["seconds"]["text"] for run in took[name])
        found[name] |= {"gflops": flops / 1e9, "share_of_peak": flops / peaks[precision]}
    lines = [[name, *(_cell(figures.get(key), form) for key, _, form in COLUMNS)] for name, figures in found.items()]
    table = markdown(["", *(header for _, header, _ in COLUMNS)], lines)
    peak_words = ", ".join(f"{precision} {peak / 1e9:,.0f} GFLOP/s" for precision, peak in peaks.items())
    about = (
        f"{n_rows:,} rows, {encoding.flop / 1e9:,.0f} GFLOP of distinct texts, median of {len(took[PLAIN])} rounds; "
        f"creditfusion encodes in {encoding.own}, the plain pipeline in fp32; matrix peak {peak_words}"
    )
    gflops = {precision: peak / 1e9 for precision, peak in peaks.items()}
    publish({"rows": n_rows, "contenders": found, "peak_gflops": gflops}, f"{table}\n\n{about}", as_json)


COLUMNS = (
    ("rows_per_second", "rows/s", ",.0f"),
    ("ratio", "ratio", ".2f"),
    ("working_rows_per_second", "rows/s, started", ",.0f"),
    ("working_ratio", "ratio, started", ".2f"),
    ("gflops", "encoder GFLOP/s", ",.0f"),
    ("share_of_peak", "of its peak", ".0%"),
    ("peak_mb", "peak MB", ",.0f"),
)


def _figures(runs: Sequence[Measured], plain: Sequence[Measured], n_rows: int) -> dict[str, float]:
    seconds, working = [run.seconds for run in runs], [run.working_seconds for run in runs]
    return {
        "rows_per_second": n_rows / median(seconds),
        "ratio": median_ratio([run.seconds for run in plain], seconds),
        "working_rows_per_second": n_rows / median(working),
        "working_ratio": median_ratio([run.working_seconds for run in plain], working),
        "peak_mb": max(run.peak_mb for run in runs),
    }


def _cell(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


if __name__ == "__main__":
    main()
