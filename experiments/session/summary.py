"""The closing summary of a run, as tables for people."""

from __future__ import annotations

from collections.abc import Mapping

from rich.markup import escape
from rich.table import Table

from experiments.session.standard_streams import as_named

Summary = Mapping[str, object]


def summary_table(title: str, summary: Summary) -> Table:
    """The summary as a table of two columns; a mapping inside it becomes a section under its own heading.

    A mapping of mappings is left to ``summary_grids``.
    """
    table = Table("", "", title=escape(title), show_header=False, title_justify="left")
    for key, value in summary.items():
        if not isinstance(value, Mapping):
            table.add_row(_label(key), _text(value))
    for key, value in summary.items():
        if isinstance(value, Mapping) and value and not _is_grid(value):
            table.add_section()
            table.add_row(f"[bold]{_label(key)}[/bold]", "")
            for name, item in value.items():
                table.add_row(f"  {_label(str(name))}", _text(item))
    return table


def summary_grids(summary: Summary) -> list[Table]:
    """Every mapping of mappings as a table: one column per inner mapping, to be read side by side."""
    grids = []
    for key, value in summary.items():
        if isinstance(value, Mapping) and _is_grid(value):
            table = Table("", title=_label(key), title_justify="left")
            for name in value:
                table.add_column(escape(str(name)), overflow="fold", justify="right")
            for row in next(iter(value.values())):
                table.add_row(_label(str(row)), *(_text(column.get(row)) for column in value.values()))
            grids.append(table)
    return grids


def _is_grid(value: Mapping[object, object]) -> bool:
    return bool(value) and all(isinstance(item, Mapping) for item in value.values())


def _label(key: str) -> str:
    return escape(key.replace("_", " "))


def _text(value: object) -> str:
    """A value for reading: thousands separated, four significant digits below 1,000."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{_label(str(key))} {_text(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(item) for item in value)
    return escape("" if value is None else as_named(str(value)))
