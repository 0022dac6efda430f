"""What a run says of how its input files are laid out, where that is not as usual."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from data_schemas.contract import Schema
from experiments.session.run import Run
from features.tables.layout import Layout
from features.tables.reader import ReadOptions, file_layout


def note_layouts(run: Run, paths: Sequence[Path], schema: Schema, options: ReadOptions) -> None:
    """Name what was found in each file: encoding, delimiter, lines left out; nothing for plain ones.

    Raises as ``read_chunks`` does.
    """
    for path in paths:
        if (layout := file_layout(path, schema, options)) is not None:
            note_layout(run, path, layout)


def note_layout(run: Run, path: Path, layout: Layout) -> None:
    """The same for one file whose layout is known."""
    if layout.findings:
        run.note(f"{path.name}: {'; '.join(layout.findings)}", {"file": path.name, "lines_left_out": layout.n_left_out})
