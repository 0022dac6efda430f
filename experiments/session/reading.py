"""Applications read for a scorer, with the run's progress and timings."""

from __future__ import annotations

from collections.abc import Callable

from experiments.session.progress import advance_to
from experiments.session.run import Run
from features.batches.column_counts import Counts
from features.tables.applications import Applications
from fusion.monitor import Monitor
from fusion.scorer import Reading, Scorer


def read_watched(
    scorer: Scorer,
    applications: Applications,
    run: Run,
    stage: str = "encode",
    on_columns: Callable[[Counts], None] | None = None,
) -> Reading:
    """What the model sees of applications.

    Args:
        stage: names the work in the run's progress and timings.
        on_columns: as of a ``Monitor``.
    """
    names = [field.name for field in scorer.schema.narratives]
    total = len({text for name in names for text in applications.narrative(name) if text})
    with run.stage(stage, total, "texts") as advance:
        return scorer.read(applications, Monitor(on_texts=advance_to(advance), on_columns=on_columns))
