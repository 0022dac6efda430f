"""Whether a tuned encoder reads as quickly as the one that it was tuned from: the two take turns on the same texts.

All else that scoring does is the same for both. The ratio is the median over the rounds; under 1 the tuned is slower.

    python -m experiments.benchmarks.speed.tuned_encoder --model model --data applications.csv --rows 1000 --rounds 7
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from experiments.benchmarks.measuring import markdown, median_ratio, model_and_data, parser, publish, tell
from experiments.benchmarks.speed.encoder_sizes import first_rows, texts_of
from features.encoders.vectors import TextEncoder
from fusion.bundle import load
from fusion.text_encoder import bundle_encoder


def seconds_of(encoder: TextEncoder, texts: Sequence[str]) -> float:
    """Seconds in which an encoder reads texts."""
    began = time.perf_counter()
    encoder.encode(texts)
    return time.perf_counter() - began


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    model_and_data(options, 1000)
    options.add_argument("--rounds", type=int, default=7, help="turns of each (default: %(default)s)")
    given = options.parse_args(arguments)
    bundle = load(given.model)
    if not bundle.tuned:
        options.error(f"the encoder of {given.model} was not tuned")
    opened = bundle_encoder(bundle)
    columns = texts_of(first_rows(bundle.schema, given.data, given.rows))
    texts = sorted({text for column in columns for text in column if text})
    encoders = {"as it came": opened.untuned, "tuned": opened.text_encoder}
    seconds: dict[str, list[float]] = {name: [] for name in encoders}
    for encoder in encoders.values():
        encoder.encode(texts[:8])  # the first call prepares what later ones find
    for number in range(given.rounds):
        for name, encoder in encoders.items() if number % 2 else reversed(encoders.items()):
            seconds[name].append(seconds_of(encoder, texts))
        tell(f"round {number + 1} of {given.rounds}")
    ratio = median_ratio(seconds["as it came"], seconds["tuned"])
    lines = [[name, f"{len(texts) / min(own):,.1f}"] for name, own in seconds.items()]
    table = markdown(["encoder", "texts/s, quickest round"], lines)
    found = {"n_texts": len(texts), "precision": opened.precision, "seconds": seconds, "ratio": ratio}
    publish(found, f"{table}\n\n{len(texts):,} texts, {opened.precision}; ratio {ratio:.3f}", given.json)


if __name__ == "__main__":
    main()
