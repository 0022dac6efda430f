"""Tables on the console, as the verbs of ``creditfusion schema`` print them."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table


def console_table(title: str, *headers: str) -> Table:
    """An empty table; without a header line where every header is empty."""
    return Table(*headers, title=escape(title) or None, title_justify="left", show_header=any(headers))
