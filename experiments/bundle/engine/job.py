"""A bundle written again with another engine behind its text encoder, and by how much that moves its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from data_schemas.errors import ContractError, RunError
from experiments.session.run import Run
from experiments.session.sources import with_sources
from features.arrays import Floats
from features.encoders.threads import use_threads
from features.tables.reader import ReadOptions, read_chunks
from fusion.bundle import Bundle, load, write_again
from fusion.bundle_folder import check_place
from fusion.scorer import Scorer
from fusion.text_encoder import bundle_encoder


@dataclass(frozen=True)
class EngineChange:
    """What is changed.

    Attributes:
        bundle: The model.
        engine: That runs the text encoder's layers from now on.
        precision: What they are computed in.
        out: The new bundle.
        force: Whether a bundle at that place is replaced.
        encoder: Where the text encoder lies; None: where training found it.
    """

    bundle: Path
    engine: Literal["torch", "openvino", "onnx"]
    precision: Literal["auto", "fp32", "bf16", "int8"]
    out: Path
    force: bool = False
    encoder: str | None = None


@dataclass(frozen=True)
class Compared:
    """On what both engines are compared.

    Attributes:
        data: Applications.
        rows: So many of the first at most.
        at_most: Largest difference of a PD that is let through.
        sources: Further sources, as they were named.
        threads: Processor threads; 0: as many as there are.
    """

    data: Path
    rows: int = 1000
    at_most: float = 0.01
    sources: tuple[str, ...] = ()
    threads: int = 0


def change_engine(change: EngineChange, compared: Compared, run: Run) -> tuple[str, Mapping[str, object]]:
    """Compare both engines and write the new bundle; its id, and what was found.

    Raises ContractError for an engine that does not run here or gives other vectors than the model learned with,
    RunError where a PD differs by more than is let through.
    """
    check_place(change.out, change.force)
    before = load(change.bundle)
    if not before.schema.narratives:
        raise ContractError("the model reads no narratives", "Its scores do not depend on an engine.")
    settings = before.config.encoder.model_copy(update={"engine": change.engine, "precision": change.precision})
    after = replace(before, config=before.config.model_copy(update={"encoder": settings}))
    use_threads(compared.threads)
    with run.timed("load"):
        old, new = (Scorer(one, bundle_encoder(one, change.encoder)) for one in (before, after))
    names = [_name(one, scorer) for one, scorer in ((before, old), (after, new))]
    if names[0] == names[1]:
        raise ContractError(f"the model's encoder runs through {names[0]} already", "Name another engine or precision.")
    pds, otherwise = _scored(old, new, compared, run)
    difference = np.abs(pds[1] - pds[0])
    found: dict[str, float] = {
        "rows": len(difference),
        "largest difference of PD": float(difference.max()),
        "mean difference of PD": float(difference.mean()),
        "decisions that change": otherwise,
    }
    if found["largest difference of PD"] > compared.at_most:
        what = f"a PD differs by {difference.max():.6f} between {names[0]} and {names[1]}"
        raise RunError(f"{what}, more than {compared.at_most:g}", "Train again with that engine, or raise --at-most.")
    where = f"{names[1]} against {names[0]} of model {before.manifest.model_id}"
    figures = {f"{where}: {name}": value for name, value in found.items()}
    written = write_again(change.bundle, before.manifest, after.config, figures, _card(where, found), change.out)
    return written.model_id, {"from_model": before.manifest.model_id, "engines": names, **found}


def _name(bundle: Bundle, scorer: Scorer) -> str:
    engine = bundle.config.encoder.engine
    return f"{'torch' if engine == 'auto' else engine} {scorer.encoder.precision}"


def _scored(old: Scorer, new: Scorer, compared: Compared, run: Run) -> tuple[tuple[Floats, Floats], int]:
    """The PDs of the first rows by both, and how many decisions differ."""
    options = ReadOptions(chunk_rows=min(compared.rows, 500))
    options = with_sources(run, [compared.data], old.schema, compared.sources, options, threads=compared.threads)
    pds: tuple[list[Floats], list[Floats]] = ([], [])
    n_rows = otherwise = 0
    with run.progress("compare", compared.rows) as advance:
        for chunk in read_chunks(compared.data, old.schema, options):
            own = chunk.applications.take(np.arange(len(chunk.applications)) < compared.rows - n_rows)
            answers = [scorer.answer(own) for scorer in (old, new)]
            for kept, answer in zip(pds, answers, strict=True):
                kept.append(answer.scores.pd)
            one, other = (answer.decisions.decision for answer in answers)
            otherwise += sum(left != right for left, right in zip(one, other, strict=True))
            n_rows += len(own)
            advance(len(own))
            if n_rows >= compared.rows:
                break
    if not n_rows:
        raise ContractError(f"{compared.data} holds no sound row to compare on", "Name a file of applications.")
    return (np.concatenate(pds[0]), np.concatenate(pds[1])), otherwise


def _card(where: str, found: Mapping[str, float]) -> str:
    """What the card says of the change."""
    lines = [f"- {name}: {value:.6g}" for name, value in found.items()]
    what = f"The text encoder runs by {where}, by which all figures above were measured."
    return "\n".join(("", "## Another engine", "", what, "", *lines, ""))
