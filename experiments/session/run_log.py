"""The run log: one JSON object per event, beside the output."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from experiments.session.standard_streams import as_named


def to_json(value: object) -> object:
    """``value`` as what JSON can hold: NaN and infinities become null, numpy scalars numbers, all else text."""
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return to_json(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else as_named(str(value))


@dataclass(frozen=True)
class RunLog:
    """Events of a run as JSON lines; without a path it keeps nothing."""

    path: Path | None

    def write(self, event: str, fields: Mapping[str, object]) -> None:
        """Append one event with the time (UTC). A log that cannot be written never stops the run."""
        if self.path is None:
            return
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields}
        try:
            # A path may hold bytes that are no text.
            with self.path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(json.dumps(to_json(line), ensure_ascii=False) + "\n")
        except OSError:
            return


LOG = ".log.jsonl"
"""Ends the name of a run log."""


def log_path(out: Path) -> Path:
    """Where the run log of an output lies: ``OUT.log.jsonl`` beside it."""
    return out.parent / f"{out.name}{LOG}"
