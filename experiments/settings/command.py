"""``creditfusion settings``: every setting with its default, range and meaning."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from experiments.options import JsonOption

EXAMPLES = """
Examples:

creditfusion settings

creditfusion settings stacker.num_leaves

creditfusion settings --toml > my.toml
"""


def settings(
    key: Annotated[str, typer.Argument(help="Only settings that begin so: a section, a key or its beginning.")] = "",
    toml: Annotated[
        bool, typer.Option("--toml", help="Print a TOML file of the defaults for `train --config`.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """List the settings of a model: default, allowed values, the range a sweep searches, and what each does."""
    from rich.console import Console

    from experiments.settings.catalogue import catalogue
    from experiments.settings.formats import settings_table, toml_file

    if toml and json_output:
        raise typer.BadParameter("--toml and --json exclude each other")
    sections = catalogue(key)
    if json_output:
        entries = [entry.schema for section in sections for entry in section.entries]
        typer.echo(json.dumps({"verb": "settings", "status": "done", "settings": entries}))
    elif toml:
        typer.echo(toml_file(sections), nl=False)
    else:
        Console().print(settings_table(sections))
