"""Contenders run each in processes of their own, on tables of the same rows; what is done is not done again."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from scipy.special import logit

from data_schemas.fields import FieldType
from experiments.benchmarks.measuring import measure, tell
from experiments.benchmarks.peers.contenders.child import AUTOGLUON, COLUMNS, OWN, SKRUB, WORDS
from experiments.benchmarks.peers.contenders.tables import About, Budget, Training
from features.arrays import Flags, Floats
from features.narratives.reader import clean_narrative
from features.tables.applications import Applications
from features.tabular import TabularEncoder
from fusion.config import FoldConfig
from fusion.model.folds import assign_folds, tied_groups

Found = dict[str, object]

ROOT = Path(__file__).resolve().parents[3]
SEARCHED = (COLUMNS, WORDS, SKRUB)  # whose settings are found by a search of ``Budget.trials``
MIN_PD = 1e-9  # a PD of 0 or 1 has no log-odds


@dataclass(frozen=True)
class Contender:
    """What takes part.

    Attributes:
        name: Of its files.
        kind: One of ``contenders.child``.
        title: Its row in the table.
        rounds: How often its scoring is timed.
        cold: Runs without the cache of vectors.
    """

    name: str
    kind: str
    title: str
    rounds: int = 3
    cold: bool = False


@dataclass(frozen=True)
class Place:
    """Where contenders run.

    Attributes:
        work: Folder of what they leave.
        tables: Of the rows.
        python: Of AutoGluon's environment.
        identity: What results must have been made from to be used again.
    """

    work: Path
    tables: Path
    python: Path | None
    budget: Budget
    threads: int
    identity: Found


def contender_frame(read: Applications, learn: Flags) -> pd.DataFrame:
    """The inputs of every row as contenders see them: numbers (float32, NaN missing), then levels and clean narratives
    (None missing). What a number that training never lacked means when it is missing, the rows ``learn`` say.
    """
    block = TabularEncoder.fit(read.take(learn)).encode(read)
    levels = [field.name for field in read.schema.features if field.type is FieldType.STRING]
    texts = {name: list(read.frame[name]) for name in levels}
    texts |= {field.name: clean_narrative(read, field.name) for field in read.schema.narratives}
    written = {name: pd.Series([text or None for text in column], dtype=object) for name, column in texts.items()}
    return pd.DataFrame(block.x_num, columns=list(block.num_names)).assign(**written)


def training_table(read: Applications, learn: Flags, about: About, frame: pd.DataFrame) -> Training:
    """The rows to learn from, with folds as creditfusion deals them: copies of a narrative stay together. The names of
    levels and narratives are put into ``about``.
    """
    rows = read.take(learn)
    levels = tuple(field.name for field in rows.schema.features if field.type is FieldType.STRING)
    narratives = tuple(field.name for field in rows.schema.narratives)
    folds = FoldConfig()
    fold = assign_folds(rows.outcome(), tied_groups(rows), folds.n_folds, folds.seed)
    about = replace(about, levels=levels, narratives=narratives)
    return Training(about, frame[learn].reset_index(drop=True), rows.outcome(), fold)


def run_contender(contender: Contender, place: Place) -> Found:
    """Fit, score and write down one contender, or read what was written before."""
    kept = place.work / f"{contender.name}.json"
    budget = replace(place.budget, cache="") if contender.cold else place.budget
    identity = {**place.identity, "budget": _that_counts(contender, budget)}
    if kept.exists():
        found: Found = json.loads(kept.read_text(encoding="utf-8"))
        if found["identity"] == identity:
            return found
    tell(f"fit {contender.title}")
    model, pds = place.work / f"{contender.name}_model", place.work / f"{contender.name}.npy"
    command = [*child_command(contender, place), "--tables", str(place.tables), "--model", str(model)]
    command += ["--contender", contender.kind, "--budget", json.dumps(asdict(budget))]
    shutil.rmtree(model, ignore_errors=True)  # of a run that was broken off
    fitted = measure([*command, "fit"])
    if contender.kind == OWN and not contender.cold and fitted.summary["hit_rate"] not in (None, 1.0):
        fitted = measure([*command, "fit"])  # the first filled the cache
    tell(f"score with {contender.title}")
    scored = measure([*command, "score", "--rounds", str(contender.rounds), "--out", str(pds)])
    found = {
        "identity": identity,
        "title": f"{contender.title}{_in_words(contender, budget)}",
        "fit_seconds": fitted.summary["seconds"],
        "fit_peak_mb": fitted.peak_mb,
        "score_seconds": median(scored.summary["seconds"]),
        "score_peak_mb": scored.peak_mb,
        "model_mb": folder_mb(model),
        "settings": {name: value for name, value in fitted.summary.items() if name not in ("seconds", "versions")},
        "versions": fitted.summary["versions"],
        "load": os.getloadavg()[0],
    }
    kept.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return found


def _that_counts(contender: Contender, budget: Budget) -> Found:
    """The part of the budget on which this contender's result hangs."""
    names: tuple[str, ...] = ()
    if contender.kind in SEARCHED:
        names = ("trials", "seed")
    elif contender.kind == AUTOGLUON:
        names = ("seconds", "preset")
    return {name: value for name, value in asdict(budget).items() if name in names}


def _in_words(contender: Contender, budget: Budget) -> str:
    """The budget as it stands behind the contender's title."""
    if contender.kind in SEARCHED:
        return f", best of {budget.trials} settings"
    if contender.kind == AUTOGLUON:
        return f", {budget.preset}, {budget.seconds:,} s"
    return ""


def child_command(contender: Contender, place: Place) -> list[str]:
    """The command that starts the contender's process. Only there are creditfusion's folders on the path by name: the
    environment of AutoGluon does not hold them.
    """
    python = str(place.python) if contender.kind == AUTOGLUON else sys.executable
    variables = [f"PYTHONPATH={ROOT}", *([f"OMP_NUM_THREADS={place.threads}"] if place.threads else [])]
    return ["env", *variables, python, "-m", "experiments.benchmarks.peers.contenders.child"]


def folder_mb(folder: Path) -> float:
    """Size of all files in a folder, in 10^6 bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def log_odds(pd_of_default: Floats) -> Floats:
    """Margins of PDs."""
    return np.asarray(logit(np.clip(pd_of_default, MIN_PD, 1 - MIN_PD)), dtype=np.float64)
