"""What it is worth to tune the text encoder, on decisions that neither encoder nor model has seen.

For each --until a model learns from the decisions up to that day, once for every way of tuning, with settings chosen as
``train`` chooses them, and is judged on the decisions after it (up to --last). AUC of the narratives alone and of the
model, each with DeLong's test against the first way.

    python -m experiments.benchmarks.settings.tuning_ways --schema lending_club --data applications.csv.gz \\
        --until 2010-06-30 --last 2010-12-31 --way none --way head-layers --way lora --way mission

A way is a value of ``encoder.tuning``, or the name or file of settings (``--config`` of ``train``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import get_args

from data_schemas.reader import load_schema
from experiments.benchmarks.measuring import markdown, parser, publish, tell
from experiments.benchmarks.settings.bundles_compared import HEADERS, against_first, cells_against
from experiments.options import vector_cache
from experiments.session.decision_dates import rows_until
from experiments.session.run import Run
from experiments.train.choices import choose_settings
from experiments.train.prepared import mask_narratives, prepare
from experiments.train.rows import Split, later_rows
from experiments.train.tuning import TUNE
from features.tables.applications import Applications
from features.tables.reader import ReadOptions, read_all
from fusion.config import Config, EncoderConfig
from fusion.config_file import load_config
from fusion.model.fusion_model import Margins
from fusion.model.training import fit
from fusion.text_encoder import CACHE_GB, VectorCache, open_text_encoder

METHODS = get_args(EncoderConfig.model_fields["tuning"].annotation)


@dataclass(frozen=True)
class TuningResult:
    """What a way of tuning came to.

    Attributes:
        way: of tuning.
        margins: of the rows judged.
        seconds: of tuning, with the reading out of fold.
        total: seconds in all, without reading the data.
    """

    way: str
    margins: Margins
    seconds: float
    total: float


def config_of(way: str, overrides: Sequence[str]) -> Config:
    """The settings of a way, and others on top."""
    if way in METHODS:
        return load_config(None, [f"encoder.tuning={way}", *overrides])
    return load_config(Path(way), overrides)


def judge(read: Applications, split: Split, way: str, config: Config, cache: VectorCache | None) -> TuningResult:
    """Train as ``train`` does, and score the rows held out."""
    with Run.start("tuning_ways", None, {}) as run:
        encoder = open_text_encoder(config.encoder, cache)
        masked = mask_narratives(read, config, encoder, run)
        prepared = prepare(masked, split, config, encoder, run)
        known = masked.applications.take(split.learn)
        chosen, _ = choose_settings(prepared.sample, known, config, prepared.encoder, run)
        if chosen.text != config.text:
            prepared = prepared.with_words(masked.applications, split, chosen)
        with run.timed("fit"):
            model, _ = fit(prepared.sample, chosen)
        seconds = dict(run.clock.seconds)
    return TuningResult(way, model.margins(prepared.held_out), seconds.get(TUNE, 0.0), sum(seconds.values()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Train in every way and compare."""
    options = parser(__doc__ or "")
    options.add_argument("--schema", required=True, help="schema file, or the name of a shipped one")
    options.add_argument("--data", type=Path, nargs="+", required=True, help="decided applications")
    options.add_argument("--until", type=date.fromisoformat, action="append", required=True, help="repeat for windows")
    options.add_argument("--last", type=date.fromisoformat, help="last decision date that is looked at")
    options.add_argument("--way", action="append", required=True, help="none, head-layers, lora, full or settings")
    options.add_argument("--set", action="append", default=[], help="a setting of all ways")
    options.add_argument("--cache", type=Path, help="folder of the vectors already computed")
    given = options.parse_args(arguments)
    read = read_all(given.data, load_schema(given.schema), ReadOptions(need_target=True)).applications
    if given.last is not None:
        read = read.take(rows_until(read, given.last))
    lines, found = [], []
    for until in given.until:
        learn = rows_until(read, until)
        split = Split(learn, later_rows(read, learn), f"after {until}")
        y = read.outcome()[split.held_out]
        results: list[TuningResult] = []
        for way in given.way:
            tell(f"{way}, up to {until}")
            config = config_of(way, given.set)
            results.append(judge(read, split, way, config, vector_cache(given.cache, CACHE_GB, False, print)))
            one, first = results[-1], results[0].margins
            seconds = {"seconds": one.seconds, "total": one.total}
            found.append(
                {"until": str(until), "rows": len(y), "way": way, **seconds, **against_first(y, one.margins, first)}
            )
            cells = [str(until), f"{len(y):,}", way, f"{one.seconds:,.0f}", f"{one.total:,.0f}"]
            lines.append([*cells, *cells_against(y, one.margins, first)])
    headers = ["until", "rows", "tuning", "tuned in, s", "all, s", *HEADERS]
    publish({"ways": found}, markdown(headers, lines), given.json)


if __name__ == "__main__":
    main()
