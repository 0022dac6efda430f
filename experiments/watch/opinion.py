"""The part "opinion" of a watch: what it learns from the first file that is named, and keeps in the state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from data_schemas.contract import Schema
from experiments.reporting.language import gettext
from experiments.session.progress import advance_to
from experiments.session.run import Run
from experiments.session.sources import with_sources
from experiments.watch.chapters.opinion import chapter
from experiments.watch.parts import PartWithChapter
from experiments.watch.reading import Intake
from experiments.watch.state import State
from features.tables.applications import Applications
from features.tables.reader import read_chunks
from fusion.watch.opinion import NAME, OpinionPart, narratives_read
from fusion.watch.opinion_learning import LearnedOpinion, learn_opinion
from fusion.watch.sampling import hashed_ids
from fusion.watch.topics import LEAST_TEXTS, MOST_TEXTS

FIRST_ROWS = 200_000
"""Rows of the first file among which those are drawn that topics are learned from."""


def with_opinion(intake: Intake, state: State, run: Run, first: Path | None) -> Intake:
    """The same with the part "opinion", where the schema has narratives that are no labels.

    Topics are those of the state; a new state gets the topics of ``first``, of which a sample is read and encoded
    before. Without either, or where that file has no text, there is no such part yet. Raises what reading raises.
    """
    schema = intake.opened.schema
    if not narratives_read(schema).any():
        return intake
    kept = state.learned(NAME)
    if kept is None and first is None:
        return intake
    if kept is not None:
        learned = LearnedOpinion.from_json(kept)
    else:
        assert first is not None
        with run.timed("topics"):
            learned = _learn(intake, first, run)
        if not learned.topics.n_texts:
            return intake
        with state.transaction():
            state.put_learned(NAME, learned.to_json())
        _note(learned, first, run)
    part = OpinionPart(narratives_read(schema), learned.topics, learned.sentiment, intake.opened.scorer is None)
    return replace(intake, parts=(*intake.parts, PartWithChapter(part, partial(chapter, learned.topics))))


def _learn(intake: Intake, path: Path, run: Run) -> LearnedOpinion:
    opened = intake.opened
    with run.scope():
        options = with_sources(run, [path], opened.schema, intake.sources, intake.options, threads=intake.threads)
        sample = _sample([], opened.schema)
        n_rows = 0
        for chunk in read_chunks(path, opened.schema, options):
            sample = _sample([*sample, chunk.applications], opened.schema)
            n_rows += chunk.n_rows
            if n_rows >= FIRST_ROWS:
                break
        batches = [opened.mask.apply(part).applications for part in sample]
        with run.progress("encode", unit="texts") as on_text:
            texts = [opened.reader.read(part, advance_to(on_text)) for part in batches]
    return learn_opinion(zip(batches, texts, strict=True), opened.schema, opened.encoder.text_encoder)


def _sample(parts: Sequence[Applications], schema: Schema) -> list[Applications]:
    """At most ``MOST_TEXTS`` rows with a text, those whose ids have the lowest hashes, in the order of these."""
    if not parts:
        return []
    read = narratives_read(schema)
    names = [field.name for field, own in zip(schema.narratives, read, strict=True) if own]
    rows = Applications.concat(parts)
    written = np.array([any(cells) for cells in zip(*(rows.narrative(name) for name in names), strict=True)], np.bool_)
    rows = rows.take(written)
    return [rows.take(np.argsort(hashed_ids(rows.ids), kind="stable")[:MOST_TEXTS])]


def _note(learned: LearnedOpinion, first: Path, run: Run) -> None:
    topics = learned.topics
    if not len(topics):
        what = gettext(
            "{first_name} has {n_texts} texts, topics take {least_texts}: moods are watched without topics"
        ).format(first_name=first.name, n_texts=topics.n_texts, least_texts=LEAST_TEXTS)
        run.note(f"{what}. Name a larger file of usual rows with --reference.", {"topics": 0})
    else:
        run.note(f"{len(topics)} topics learned from {topics.n_texts:,} texts of {first.name}", {"topics": len(topics)})
