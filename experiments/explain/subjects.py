"""What a narrative does not speak of, among the subjects that the model values: information that was missing.

It names subjects, never sentences: what an applicant would have to write is nothing that anyone should be told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.arrays import Floats, Ints
from features.design import Design, TextBlock
from features.tables.applications import Applications
from features.tables.stated import without_narratives
from fusion.explain.explanation import to_points
from fusion.scorer import Scorer

N_STATEMENTS = 3  # of each subject, read as a narrative of their own
N_NAMED = 5


@dataclass(frozen=True)
class MissingSubject:
    """A subject that nothing written is about.

    Attributes:
        name: Of the concept.
        points: What a short statement on it gives this application in the place of no narrative, in the mean.
    """

    name: str
    points: float


@dataclass(frozen=True)
class Subjects:
    """Statements on the subjects of a schema, as a model reads them.

    Attributes:
        concept: int64 (n,), of each statement, its place among the schema's concepts.
        text: Of the n statements, each a narrative of its own.
    """

    concept: Ints
    text: TextBlock

    @staticmethod
    def of(scorer: Scorer) -> Subjects:
        """The first statements of every subject that may be named: none of private life, none that may not be told, and
        none that the schema does not ask for.
        """
        schema = scorer.schema
        narrative = next((one.name for one in schema.narratives if one.match_concepts and not one.source), None)
        kept = [
            (at, statement)
            for at, one in enumerate(schema.concepts)
            if narrative is not None and one.ask and one.reason.disclosable and not one.sensitive
            for statement in one.statements[:N_STATEMENTS]
        ]
        cells = {one.name: [""] * len(kept) for one in schema.narratives}
        if narrative is not None:
            cells[narrative] = [statement for _, statement in kept]
        frame = pd.DataFrame({name: pd.Series(column, dtype=object) for name, column in cells.items()})
        text = scorer.reader.read(Applications(schema, frame, np.arange(1, len(kept) + 1)))
        return Subjects(np.array([at for at, _ in kept], dtype=np.int64), text)

    def missing(
        self, scorer: Scorer, application: Applications, silent: float, spoken_of: Ints
    ) -> tuple[MissingSubject, ...]:
        """The subjects that give points and that nothing is written about, those that give most first.

        Args:
            scorer: The model.
            application: A single row.
            silent: Its margin with nothing written.
            spoken_of: int64, the concepts of its sentences.
        """
        if not len(self.concept):
            return ()
        nothing = without_narratives(application)
        columns = scorer.bundle.tabular.encode(nothing).take(np.zeros(len(self.concept), dtype=np.intp))
        margin: Floats = scorer.bundle.model.predict(Design(columns, self.text), scorer.threads).margin
        points = to_points(margin - silent, scorer.bundle.config.scale)
        names, least = [one.name for one in scorer.schema.concepts], scorer.bundle.config.explain.min_points
        codes = {scorer.schema.concepts[at].reason.code for at in spoken_of.tolist() if at >= 0}
        found = [
            MissingSubject(names[at], float(points[self.concept == at].mean()))
            for at in np.unique(self.concept).tolist()
            if scorer.schema.concepts[at].reason.code not in codes
        ]
        best = sorted(found, key=lambda one: -one.points)[:N_NAMED]
        return tuple(one for one in best if one.points >= least)
