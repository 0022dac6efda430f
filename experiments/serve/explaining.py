"""All that scores are made of, in points: columns, narratives and their sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.serve.answers import ColumnPoints, Explained, NarrativePoints, Scored, SentencePoints
from fusion.explain.explanation import to_points
from fusion.frames import ExplainedFrame
from fusion.scorer import Scorer


def explained_parts(scorer: Scorer, frame: ExplainedFrame, scored: Sequence[Scored]) -> list[Explained]:
    """Every row of an explanation; ``scored`` are its rows' answers."""
    found, scale, schema = frame.explanation, scorer.bundle.config.scale, scorer.schema
    base = float(scorer.bundle.model.scores(np.array([found.base])).score[0])
    titles = {column.name: column.title for column in schema.fields}
    titles |= {derived.name: derived.title for derived in schema.derived}
    columns = to_points(found.columns, scale).tolist()
    narratives, style = to_points(found.narratives, scale).tolist(), to_points(found.style, scale).tolist()
    sentences = _sentences(scorer, frame)
    return [
        Explained(
            answer=answer,
            base=base,
            columns=[
                ColumnPoints(column=name, title=titles[name], points=points + 0.0)
                for name, points in zip(found.column_names, columns[row], strict=True)
            ],
            narratives=[
                NarrativePoints(
                    column=name,
                    title=titles[name],
                    points=narratives[row][at] + 0.0,
                    style=style[row][at] + 0.0,
                    sentences=sentences.get((row, at), []),
                )
                for at, name in enumerate(found.narrative_names)
            ],
        )
        for row, answer in enumerate(scored)
    ]


def _sentences(scorer: Scorer, frame: ExplainedFrame) -> dict[tuple[int, int], list[SentencePoints]]:
    """The sentences of every narrative, by row and number of the narrative."""
    found, concepts = frame.explanation, scorer.schema.concepts
    block, points = found.block, to_points(found.sentences, scorer.bundle.config.scale).tolist()
    matched = scorer.matcher.match(block).concept.tolist()
    sentences: dict[tuple[int, int], list[SentencePoints]] = {}
    for at, place in enumerate(zip(block.row.tolist(), block.narrative.tolist(), strict=True)):
        concept = concepts[matched[at]].name if matched[at] >= 0 else None
        one = SentencePoints(text=block.text[at].rstrip(), points=points[at] + 0.0, concept=concept)
        sentences.setdefault(place, []).append(one)
    return sentences
