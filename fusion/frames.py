"""Answers as data frames, for notebooks and services: indexed like the rows that were given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from features.batches.warnings import ColumnWarning
from features.design import Design
from features.tables.dataframe import FrameRows
from fusion.answers import PROBABILITY, SOURCE_POINTS, Answer
from fusion.explain.by_source import source_names
from fusion.explain.explanation import Explanation
from fusion.explain.shap_adapter import to_shap
from fusion.policy.policy import Seconds

if TYPE_CHECKING:
    import shap


@dataclass(frozen=True)
class ScoredFrame:
    """Scores of the rows that keep the data contract, and the rows that do not: together every row that was given.

    Attributes:
        scores: One row per scored application, with the index of the rows given: ``id``, ``pd``, ``score``,
            ``decision``, ``data_quality``, under a policy of its own ``refer_reason``, ``NAME_probability`` of each
            second model, and, where reasons are asked for, ``reasons`` (a list of codes, the strongest first),
            ``narrative_points``, for a schema with sources ``source_points_application`` and ``source_points_NAME`` of
            each, and ``reason_flags``.
        rejects: One row per rejected application, with the index of the rows given: ``row`` (1-based position),
            ``column``, ``rule``, ``message``, ``original``.
        warnings: Columns that are unlike those of the training rows; none for fewer than ten rows.
    """

    scores: pd.DataFrame
    rejects: pd.DataFrame
    warnings: tuple[ColumnWarning, ...] = ()

    @staticmethod
    def of(found: FrameRows, answer: Answer, refers: bool, seconds: Seconds) -> ScoredFrame:
        """The answer to ``found.applications`` beside its rejects.

        refers: whether a policy of its own may refer. seconds: probabilities by second models.
        """
        columns: dict[str, object] = {
            "id": found.applications.ids,
            "pd": answer.scores.pd,
            "score": answer.scores.score,
            "decision": list(answer.decisions.decision),
            "data_quality": list(answer.quality),
        }
        if refers:
            columns["refer_reason"] = list(answer.decisions.refer_reason)
        columns |= {f"{name}{PROBABILITY}": own for name, own in seconds.items()}
        if answer.reasons is not None:
            columns["reasons"] = [[reason.code for reason, _ in row.reasons] for row in answer.reasons]
            columns["narrative_points"] = [row.narrative_points for row in answer.reasons]
            for name in source_names(found.applications.schema):
                columns[f"{SOURCE_POINTS}{name}"] = [row.source_points[name] for row in answer.reasons]
            columns["reason_flags"] = [row.flags for row in answer.reasons]
        return ScoredFrame(pd.DataFrame(columns, index=found.index), found.rejects)


@dataclass(frozen=True)
class ExplainedFrame:
    """Why the rows that keep the data contract have their scores.

    Attributes:
        rows: The rows that were given, checked; ``rows.rejects`` are those that break the contract.
        answer: Scores, decisions and reasons.
        explanation: Contributions of columns, narratives and sentences in log-odds of bad; with ``explanation.base``
            they add up to the margin.
        design: What the model saw.
    """

    rows: FrameRows
    answer: Answer
    explanation: Explanation
    design: Design

    @property
    def rejects(self) -> pd.DataFrame:
        """The rows that break the data contract, as ``ScoredFrame.rejects`` has them."""
        return self.rows.rejects

    def reasons(self) -> pd.DataFrame:
        """The adverse reasons of every row, the strongest first, one line each: index of the rows given, ``id``,
        ``rank`` (from 1), ``code``, ``wording``, ``points`` (negative) and ``disclosable``.
        """
        rows = list(zip(self.rows.applications.ids, self.answer.reasons or (), strict=True))
        lines = [
            (application, rank, reason.code, reason.wording, points, reason.disclosable)
            for application, row in rows
            for rank, (reason, points) in enumerate(row.reasons, 1)
        ]
        place = np.repeat(np.arange(len(rows)), [len(row.reasons) for _, row in rows])
        names = ["id", "rank", "code", "wording", "points", "disclosable"]
        return pd.DataFrame(lines, columns=names, index=self.rows.index[place])

    def source_points(self) -> pd.DataFrame:
        """What the application itself and each source of the schema gives to every row's score or takes from it, in
        points, with the index of the rows given; no columns for a schema without sources.
        """
        rows = [row.source_points for row in self.answer.reasons or ()]
        return pd.DataFrame(rows, index=self.rows.index, columns=list(source_names(self.rows.applications.schema)))

    def to_shap(self) -> shap.Explanation:
        """Contributions of columns and narratives as shap's own object, for its plots; in log-odds of bad."""
        return to_shap(self.explanation, self.design)
