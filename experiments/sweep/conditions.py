"""What a study's trials hang on: which rows they see, and all that has to stay as it was when trials are added."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

import data_schemas
import features
import fusion
from data_schemas.errors import ContractError
from experiments.sweep.arrays import HELD_OUT, SEARCH
from experiments.sweep.study import refuse_unknown
from experiments.train.decided import Decided
from features.arrays import Index, Ints
from features.narratives.reader import any_narrative
from features.tables.applications import Applications
from fusion.bundle import config_digest
from fusion.config import Config
from fusion.metrics import both_classes
from fusion.model.cross_validation import TIME_FOLDS_ONLY, Folds
from fusion.model.folds import draw_groups
from fusion.model.head_fitting import training_device
from fusion.model.search_space import Space, text_settings
from fusion.text_encoder import OpenEncoder
from fusion.versions import package_versions

PARTS = ("arrays.py", "conditions.py", "objective.py")
"""Of the modules beside this one, those that a trial's value hangs on."""

MASK_READS_WITH = ("encoder.unit", "encoder.window", "encoder.pooling")
"""Settings of the encoder by which a mask finds its sentences."""


@dataclass(frozen=True)
class Search:
    """What is searched, for what, and on which rows.

    base: the settings of the first trial, which all others start from. until: the last decision date that the sweep
    may see. hold_out: the share of the rows, the newest, that only the final check looks at. held: which settings with
    a range are not searched, and why, a sentence each.
    """

    base: Config
    space: Space
    objectives: tuple[str, ...]
    folds: Folds = "random"
    until: date | None = None
    hold_out: float = 0.15
    held: tuple[str, ...] = ()


def settled(search: Search, note: Callable[[str], object]) -> Search:
    """The same without the settings that cannot be searched in this way; ``note`` takes them and why.

    Raises ContractError for an unknown objective, and where nothing is left to search.
    """
    refuse_unknown(search.objectives)
    for keys, why in _held(search):
        search = _holding(search, keys, why, note)
    return search


def searching_text(search: Search, own: Applications, note: Callable[[str], object]) -> Search:
    """The same without the settings about text where none of the rows to search with, ``own``, has a narrative;
    ``note`` takes them and why. Raises ContractError where nothing is left to search.
    """
    if any_narrative(own):
        return search
    return _holding(search, text_settings(search.space), "no row searched with has a narrative", note)


def _holding(search: Search, keys: Collection[str], why: str, note: Callable[[str], object]) -> Search:
    """The same with some settings held, if they were searched."""
    held = [one.key for one in search.space.dimensions if one.key in keys]
    if not held:
        return search
    sentence = f"{' and '.join(held)} {'is' if len(held) == 1 else 'are'} not searched: {why}"
    note(sentence)
    space = search.space.without(held, search.base)
    if not space.dimensions:
        raise ContractError("nothing is left to search", "Leave other settings a range, or take --folds time.")
    return replace(search, space=space, held=(*search.held, sentence))


def _held(search: Search) -> Iterator[tuple[tuple[str, ...], str]]:
    """Settings that keep the value of the base, and why."""
    if search.folds == "random":
        yield (TIME_FOLDS_ONLY,), "random folds judge old rows like new ones; --folds time can tell"
    if search.base.text.mask:
        yield MASK_READS_WITH, "which sentences text.mask cuts hangs on them, and trials share what is left"


def split(applications: Applications, groups: Ints, search: Search) -> Mapping[str, Index]:
    """The rows to search with and those to hold out: whole days, or whole groups drawn by the seed where there are no
    dates. A held-out row that shares an applicant or a narrative with a row of the search is left out of both.

    Raises ContractError when one class is missing in what is held out.
    """
    if not search.hold_out:
        return {SEARCH: np.arange(len(applications)), HELD_OUT: np.zeros(0, dtype=np.intp)}
    y, dates = applications.outcome(), applications.decision_date()
    if dates is None or np.isnat(dates).all():
        which = f"{search.hold_out:.0%} of the rows, drawn by folds.seed and"
        chosen = draw_groups(y, groups, search.hold_out, search.base.folds.seed)
    else:
        which = f"the newest {search.hold_out:.0%} of the rows,"
        days = dates.astype("datetime64[D]").astype(np.int64)
        dated = ~np.isnat(dates)
        chosen = dated & (days > np.quantile(days[dated], 1.0 - search.hold_out))
    held_out = chosen & ~np.isin(groups, groups[~chosen])
    if not both_classes(y[held_out]) or chosen.all():
        outcomes = f"{int(y[held_out].sum())} bad of {int(held_out.sum())} outcomes"
        raise ContractError(
            f"{which} held out for the final check, hold {outcomes}",
            "Hold out more with --hold-out, or nothing with --hold-out 0.",
        )
    return {SEARCH: np.flatnonzero(~chosen), HELD_OUT: np.flatnonzero(held_out)}


def fingerprint(search: Search, known: Decided, encoder: OpenEncoder) -> dict[str, str]:
    """What has to be equal for trials to be comparable, by name.

    Machines of other arithmetic give other last digits, and a trial may win by these.
    """
    return {
        "data": known.data_digest,
        "reading": known.reading,
        "schema": known.applications.schema.digest,
        "encoder": encoder.model_digest,
        "arithmetic": f"vectors in {encoder.precision}, training on {training_device().type}",
        "code": code_digest(),
        "settings": config_digest(search.base),
        "space": search.space.digest,
        "objective": " and ".join(search.objectives),
        "folds": search.folds,
        "last day": str(search.until or "none"),
        "held out": f"{search.hold_out:g}",
        "not searched": "; ".join(search.held) or "none",
    }


def code_digest() -> str:
    """sha256 over the program text that makes a trial's value, and the versions of the libraries that it uses."""
    here = Path(__file__).parent
    roots = [Path(package.__path__[0]) for package in (data_schemas, features, fusion)]
    paths = [*(path for root in roots for path in sorted(root.rglob("*.py"))), *(here / name for name in PARTS)]
    texts = {str(path.relative_to(here.parents[1])): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    return hashlib.sha256(json.dumps([texts, package_versions()], sort_keys=True).encode()).hexdigest()
