"""Whether some settings are better than others on decisions that neither model has seen.

Trains a model with each --config on decisions up to --until, as ``train`` does, and judges both on those after it:
DeLong's test for the AUC, a paired z-test for the Brier score. The first --config is what the others are compared with;
the word ``defaults`` stands for the shipped ones.

    python -m experiments.benchmarks.settings.settings_compared --schema lending_club --data applications.csv.gz \\
        --until 2010-12-31 --config docs/sweep/before.toml --config defaults
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

from data_schemas.reader import load_schema
from experiments.benchmarks.measuring import markdown, parser, publish, tell
from experiments.options import vector_cache
from experiments.session.decision_dates import rows_until
from experiments.session.run import Run
from experiments.train.prepared import mask_narratives, prepare
from experiments.train.rows import Split, later_rows
from features.arrays import Floats
from features.tables.applications import Applications
from features.tables.reader import ReadOptions, read_all
from fusion.config import Config
from fusion.config_file import load_config
from fusion.metrics import Gain, brier_gain, delong, figures
from fusion.model.training import fit
from fusion.text_encoder import CACHE_GB, VectorCache, open_text_encoder

DEFAULTS = "defaults"


def later_margins(read: Applications, until: date, config: Config, cache: VectorCache | None) -> Floats:
    """What a model that learned up to ``until`` says of the rows after it."""
    learn = rows_until(read, until)
    split = Split(learn, later_rows(read, learn))
    with Run.start("settings_compared", None, {}) as run:
        encoder = open_text_encoder(config.encoder, cache)
        prepared = prepare(mask_narratives(read, config, encoder, run), split, config, encoder, run)
        model, _ = fit(prepared.sample, config)
    return model.predict(prepared.held_out).margin


def _gain(gain: Gain, digits: int) -> list[str]:
    return [f"{gain.difference:+.{digits}f} ({gain.low:+.{digits}f} to {gain.high:+.{digits}f})", f"{gain.p:.2g}"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train with every config and compare."""
    options = parser(__doc__ or "")
    options.add_argument("--schema", required=True, help="schema file, or the name of a shipped one")
    options.add_argument("--data", type=Path, nargs="+", required=True, help="decided applications")
    options.add_argument("--until", type=date.fromisoformat, required=True, help="last decision date to learn from")
    options.add_argument("--config", action="append", required=True, help="settings as TOML, or 'defaults'; repeat")
    given = options.parse_args(arguments)
    read = read_all(given.data, load_schema(given.schema), ReadOptions(need_target=True)).applications
    y = read.outcome()[later_rows(read, rows_until(read, given.until))]
    margins = []
    for name in given.config:
        tell(f"training with {name}")
        config = load_config(None if name == DEFAULTS else Path(name), [])
        margins.append(later_margins(read, given.until, config, vector_cache(None, CACHE_GB, False, print)))
    headers = ["settings", "AUC", "KS", "Brier", "log-loss", "slope", "AUC gain (95 %)", "p", "Brier gain (95 %)", "p"]
    lines, found = [], []
    for name, margin in zip(given.config, margins, strict=True):
        of, auc, brier = figures(y, margin), delong(y, margin, margins[0]), brier_gain(y, margin, margins[0])
        found.append({"settings": name, **asdict(of), "auc_gain": asdict(auc), "brier_gain": asdict(brier)})
        shown = [f"{of.auc:.4f}", f"{of.ks:.4f}", f"{of.brier:.5f}", f"{of.log_loss:.5f}", f"{of.slope:.3f}"]
        gains = ["", "", "", ""] if margin is margins[0] else [*_gain(auc, 4), *_gain(brier, 5)]
        lines.append([Path(name).name, *shown, *gains])
    about = f"{len(y):,} rows decided after {given.until}, {int(y.sum()):,} of them bad"
    publish({"rows": len(y), "settings": found}, f"{markdown(headers, lines)}\n\n{about}", given.json)


if __name__ == "__main__":
    main()
