"""The settings as a table for a terminal, as a TOML file and as a page."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from experiments.settings.catalogue import SettingEntry, SettingSection

COMMENT_WIDTH = 118


def settings_table(sections: Sequence[SettingSection]) -> Table:
    """A row per setting, a rule between sections."""
    table = Table("setting", "default", "allowed", "a sweep tries", "what it does", title="Settings")
    for section in sections:
        for entry in section.entries:
            cells = (entry.key, entry.default, _accepted(entry), entry.searched, entry.description)
            table.add_row(*map(escape, cells))
        table.add_section()
    return table


def toml_file(sections: Sequence[SettingSection]) -> str:
    """The defaults as a file for ``train --config``, each under a comment on what it does and what it may be."""
    blocks = ["# Settings of creditfusion and their defaults. Lines that are left out keep the default."]
    for section in sections:
        lines = [f"# {section.description}", f"[{section.name}]"]
        for entry in section.entries:
            searched = f" A sweep tries {entry.searched}." if entry.searched else ""
            lines += ["", *_comment(entry.description), *_comment(f"{_accepted(entry).capitalize()}.{searched}")]
            lines.append(f"{_name(entry)} = {entry.default}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def markdown_page(sections: Sequence[SettingSection]) -> str:
    """docs/settings.md: a table per section."""
    blocks = [_INTRODUCTION]
    for section in sections:
        rows = ["| setting | default | allowed | a sweep tries | what it does |", "|---|---|---|---|---|"]
        rows += [
            f"| `{_name(entry)}` | `{entry.default}` | {_accepted(entry)} | {entry.searched} | {entry.description} |"
            for entry in section.entries
        ]
        blocks.append(f"## {section.name}\n\n{section.description}\n\n" + "\n".join(rows))
    return "\n\n".join(blocks) + "\n"


def _name(entry: SettingEntry) -> str:
    """The key inside its section."""
    return entry.key.partition(".")[2]


def _accepted(entry: SettingEntry) -> str:
    """Type and allowed values."""
    return f"{entry.kind}: {entry.allowed}" if entry.allowed else entry.kind


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, COMMENT_WIDTH, initial_indent="# ", subsequent_indent="# ")


_INTRODUCTION = """\
# Settings

<!-- Made by `python -m experiments.settings.page > docs/settings.md` from fusion/config.py: edit that. -->

Every setting of a model, with its default, the values it may have and the range that a [sweep](sweep.md) searches.
`creditfusion settings` prints them too: `creditfusion settings stacker` those of one section, `--json` as JSON Schema,
and `creditfusion settings --toml > my.toml` writes a file of all defaults to edit. A model is trained with other values
by `train --config my.toml`, by `train --set stacker.num_leaves=5`, or from Python with `Config` and `load_config`
([python.md](python.md)). A bundle keeps the settings it was trained with."""
