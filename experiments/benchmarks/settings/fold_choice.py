"""Which folds should choose settings: random ones, or time-ordered ones.

Configurations are drawn at random from the ranges that a sweep searches (the default settings first; the encoder's
options stay as they are). For each --day, both kinds of folds judge each of them on what was decided before that day.
Then models of all those rows score what was decided from that day on, up to --until, and the question is which folds
had foreseen their log-loss there. Later rows that share an applicant or a narrative with older ones are left out.

    python -m experiments.benchmarks.settings.fold_choice --schema lending_club --data applications.csv.gz \\
        --until 2010-12-31 --day 2010-04-01 --day 2010-09-01 --configs 12
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from statistics import mean
from typing import get_args

import numpy as np
import optuna
from scipy.stats import spearmanr

from data_schemas.reader import load_schema
from experiments.benchmarks.measuring import markdown, parser, publish, tell
from experiments.options import vector_cache
from experiments.session.decision_dates import rows_until
from experiments.sweep.arrays import HELD_OUT, SEARCH, Arrays, Progress, Source, write_arrays
from features.arrays import Index, Ints
from features.tables.applications import Applications
from features.tables.reader import ReadOptions, read_all
from fusion.config import Config, EncoderConfig
from fusion.config_file import load_config
from fusion.metrics import log_loss
from fusion.model.cross_validation import Folds, cross_validate
from fusion.model.folds import tied_groups
from fusion.model.search_space import Space, load_space, suggest
from fusion.text_encoder import CACHE_GB, OpenEncoder, open_text_encoder

KINDS: tuple[Folds, ...] = get_args(Folds)


@dataclass(frozen=True)
class Tried:
    """A configuration on one day. fold_loss: log-loss by kind of folds. seconds: what judging it took, by kind. later:
    log-loss on the later rows of a model of all older ones.
    """

    fold_loss: Mapping[Folds, float]
    seconds: Mapping[Folds, float]
    later: float


@dataclass(frozen=True)
class Foresight:
    """What one kind of folds foresaw on one day. correlation: Spearman's, of its log-loss with that of the later rows.
    chosen: number of the configuration that it puts first. regret: log-loss of that one on the later rows, less that of
    the best one there. seconds: mean per configuration.
    """

    correlation: float
    chosen: int
    regret: float
    seconds: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    options.add_argument("--schema", required=True, help="schema file, or the name of a shipped one")
    options.add_argument("--data", type=Path, required=True, help="decided applications")
    options.add_argument("--until", type=np.datetime64, required=True, help="last day that is looked at")
    options.add_argument(
        "--day", type=np.datetime64, action="append", required=True, help="first day of the later rows; repeat for more"
    )
    options.add_argument("--configs", type=int, default=12, help="configurations to try (default: %(default)s)")
    options.add_argument("--space", type=Path, help="as of `sweep`")
    options.add_argument("--set", action="append", default=[], help="as of `sweep`; repeat for more")
    options.add_argument("--cache", type=Path, help="folder of the vectors already computed")
    options.add_argument("--seed", type=int, default=0, help="of the draw (default: %(default)s)")
    given = options.parse_args(arguments)
    base = load_config(None, given.set)
    space = without_encoder(load_space(given.space, base))
    configs = draw(space, base, given.configs, given.seed)
    read = read_all(given.data, load_schema(given.schema), ReadOptions(need_target=True)).applications
    known = read.take(np.flatnonzero(rows_until(read, given.until.astype("datetime64[D]").item())))
    groups, open_encoder = tied_groups(known), opener(given.cache)
    found = {}
    for day in given.day:
        source = Source(known, groups, split(known, groups, day), open_encoder)
        tell(f"{day}: {len(source.rows[SEARCH]):,} rows before, {len(source.rows[HELD_OUT]):,} later ones")
        found[str(day)] = try_all(source, space, base, configs)
    report(found, len(configs), given.json)


def without_encoder(space: Space) -> Space:
    """The space without the encoder's options, so that narratives are encoded in one way only."""
    return Space(tuple(one for one in space.dimensions if not one.key.startswith("encoder.")))


def draw(space: Space, base: Config, n: int, seed: int) -> list[Config]:
    """``n`` configurations: ``base``, and others drawn at random from the space."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
    return [base, *(suggest(study.ask(), space, base) for _ in range(n - 1))]


def opener(folder: Path | None) -> Callable[[EncoderConfig], OpenEncoder]:
    """Opens each text encoder once, with the cache that the options mean."""

    @cache
    def open_once(config: EncoderConfig) -> OpenEncoder:
        return open_text_encoder(config, vector_cache(folder, CACHE_GB, False, print))

    return open_once


def split(known: Applications, groups: Ints, day: np.datetime64) -> Mapping[str, Index]:
    """Rows decided before the day, and those decided from it on that are tied to none of them."""
    dates = known.decision_date()
    assert dates is not None, "rows up to a day have dates"
    older = dates < day.astype("datetime64[s]")
    return {SEARCH: np.flatnonzero(older), HELD_OUT: np.flatnonzero(~older & ~np.isin(groups, groups[older]))}


def try_all(source: Source, space: Space, base: Config, configs: Sequence[Config]) -> list[Tried]:
    """Every configuration on one day's rows."""

    @contextmanager
    def stage(name: str) -> Iterator[Progress]:
        tell(f"encode {name.removeprefix('vectors-')}, or read it from the cache")
        yield lambda _done: None

    tried = []
    with tempfile.TemporaryDirectory() as folder:
        arrays = write_arrays(source, space, base, Path(folder) / "arrays", stage)
        for number, config in enumerate(configs, start=1):
            tried.append(try_one(arrays, config))
            tell(f"configuration {number} of {len(configs)}: {tried[-1]}")
    return tried


def try_one(arrays: Arrays, config: Config) -> Tried:
    """Judge by both kinds of folds, and by the later rows. Random folds leave a model of all older rows behind."""
    sample, later = arrays.sample(SEARCH, config), arrays.sample(HELD_OUT, config)
    fold_loss, seconds, models = {}, {}, {}
    for kind in KINDS:
        began = time.perf_counter()
        found = cross_validate(sample, config, kind)
        seconds[kind] = time.perf_counter() - began
        fold_loss[kind] = log_loss(found.y, found.margins.fused)
        models[kind] = found.model
    return Tried(fold_loss, seconds, log_loss(later.y, models["random"].predict(later.design).margin))


def foresight(tried: Sequence[Tried], kind: Folds) -> Foresight:
    """What one kind of folds foresaw on a day."""
    fold_loss, later = [one.fold_loss[kind] for one in tried], [one.later for one in tried]
    chosen = int(np.argmin(fold_loss))
    correlation = float(spearmanr(fold_loss, later).statistic)
    return Foresight(correlation, chosen, later[chosen] - min(later), mean(one.seconds[kind] for one in tried))


def report(found: Mapping[str, Sequence[Tried]], n_configs: int, as_json: bool) -> None:
    """One line per day and kind of folds, and their means; beside them what not choosing at all would cost."""
    foresights = {kind: {day: foresight(tried, kind) for day, tried in found.items()} for kind in KINDS}
    lines = [
        [f"{kind} folds", f"from {day}", *_cells(one)]
        for kind, by_day in foresights.items()
        for day, one in by_day.items()
    ]
    means = {
        kind: {
            name: mean(getattr(one, name) for one in by_day.values()) for name in ("correlation", "regret", "seconds")
        }
        for kind, by_day in foresights.items()
    }
    for kind, figures in means.items():
        cells = [f"{figures['correlation']:.2f}", "", f"{figures['regret']:.5f}", f"{figures['seconds']:.1f}"]
        lines.append([f"{kind} folds", "mean", *cells])
    blind = {
        "the default settings": mean(tried[0].later - min(one.later for one in tried) for tried in found.values()),
        "any of them, on average": mean(
            mean(one.later for one in tried) - min(one.later for one in tried) for tried in found.values()
        ),
    }
    lines += [[name, "mean", "", "", f"{regret:.5f}", ""] for name, regret in blind.items()]
    headers = ["chosen by", "later rows", "rank correlation", "chosen", "regret, log-loss", "s per configuration"]
    text = f"{markdown(headers, lines)}\n\n{n_configs} configurations; number 0 is the default"
    figures_of = {kind: {day: asdict(one) for day, one in by_day.items()} for kind, by_day in foresights.items()}
    tried_of = {day: [asdict(one) for one in tried] for day, tried in found.items()}
    publish({"folds": figures_of, "mean": means, "regret": blind, "tried": tried_of}, text, as_json)


def _cells(one: Foresight) -> list[str]:
    return [f"{one.correlation:.2f}", str(one.chosen), f"{one.regret:.5f}", f"{one.seconds:.1f}"]


if __name__ == "__main__":
    main()
