"""``creditfusion catalogue``: the messages of letters and pages, to be translated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.options import ForceOption

EXAMPLES = """
Examples:

creditfusion catalogue --language fr --out fr.po

creditfusion catalogue --language zh --schema mine.schema.json --out mine.zh.po

creditfusion explain --model bundle --data new.csv --declined --for applicant --language fr.po --out letters
"""


def catalogue(
    language: Annotated[str, typer.Option(help="Code of the language: fr, pt-BR, zh-Hant.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="The .po file; --force brings one there up to date.")],
    schema: Annotated[
        list[str] | None, typer.Option(help="Schema whose words are to be translated too; repeat for more.")
    ] = None,
    force: ForceOption = False,
) -> None:
    """Write the messages of letters and pages as a catalogue (gettext) for translators.

    What the package translates itself, and what the file at --out has already, stands in it translated. Give the file
    to `explain --language`; what it leaves empty is English.
    """
    from data_schemas.errors import ContractError
    from data_schemas.reader import load_schema
    from experiments.reporting.messages import begun

    if out.exists() and not force:
        raise ContractError(f"{out} is there already", "Name another file, or bring it up to date with --force.")
    text, n_left = begun(language, [load_schema(one) for one in schema or ()], out if out.exists() else None)
    out.write_bytes(text)
    typer.echo(f"{out}: {n_left} messages to translate" if n_left else f"{out}: every message is translated")
