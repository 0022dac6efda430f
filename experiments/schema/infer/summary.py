"""What a draft holds, for reading and for ``--json``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.schema.infer.job import Drafted
from experiments.schema.infer.sources import source_lines, sources_dict, sources_table
from experiments.schema.tables import console_table
from features.inference.draft import Draft
from features.inference.roles import UNREAD


def print_draft(drafted: Drafted, out: Path, console: Console) -> None:
    """Print every guess, what is in doubt and what is missing; ``out`` is the schema file."""
    draft, found = drafted.draft, drafted.sources
    console.print(_draft_table(draft))
    for line in (*_unread_lines(draft), *_outcome_lines(draft)):
        console.print(escape(line), soft_wrap=True)
    if found is not None:
        console.print(sources_table(found))
        for line in source_lines(found):
            console.print(escape(line), soft_wrap=True)
    for sentence in draft.missing:
        console.print(f"[bold]Still missing:[/bold] {escape(sentence)}.", soft_wrap=True)
    console.print(f"Wrote {escape(str(out))}. Confirm each `guess` in it, then delete it.", soft_wrap=True)


def summary(drafted: Drafted, out: Path) -> dict[str, object]:
    """For ``--json``."""
    draft = drafted.draft
    found: dict[str, object] = {
        "verb": "schema infer",
        "status": "done",
        "out": out,
        "rows": drafted.n_rows,
        "rows_sampled": drafted.n_sampled,
        "outcome": _outcome_dict(draft),
        "leaks": list(draft.leaks),
        "suspects": list(draft.suspects),
        "missing": list(draft.missing),
        "columns": [
            {"name": guess.column.name, "type": str(guess.column.type), "role": str(guess.role), "why": guess.why}
            for guess in draft.guesses
        ],
    }
    return found if drafted.sources is None else found | {"sources": sources_dict(drafted.sources)}


def _draft_table(draft: Draft) -> Table:
    table = console_table("Guesses to confirm", "column", "type", "role", "why")
    for guess in draft.guesses:
        name = guess.column.name
        style = "red" if name in draft.leaks else "yellow" if name in draft.suspects else None
        table.add_row(
            escape(guess.column.name), str(guess.column.type), str(guess.role), escape(guess.why), style=style
        )
    return table


def _unread_lines(draft: Draft) -> Iterator[str]:
    """Which columns of dates are left out."""
    if unread := [guess.column.name for guess in draft.guesses if guess.why.startswith(UNREAD)]:
        yield (
            f"Left out, because their dates are of a notation that is not read: {', '.join(unread)}. "
            "Write them as YYYY-MM-DD."
        )


def _outcome_lines(draft: Draft) -> Iterator[str]:
    """What is taken for the outcome and its kinds, with counts; what else looks like it; and what is suspicious."""
    found = draft.outcomes
    if found is None:
        asked = "Name it with --target: leaks of it were not looked for."
        if draft.rivals:
            yield f"Each of these columns may be the outcome: {', '.join(draft.rivals)}. {asked}"
        else:
            yield f"No column looks like the outcome. {asked}"
        return
    kinds = "; ".join(f"{kind}: {words}" for kind, words in found.lines.items())
    yield f"The outcomes in {found.column}{f', {found.why}' if found.why else ''}. {kinds}."
    if found.undecided and not found.question:
        yield "  Undecided rows are counted and left out of training and validation."
    if found.strange and not found.question:
        listed = ", ".join(found.strange)
        yield f"  Not understood, so undecided: {listed}. If one of them is an outcome, say so with --bad or --good."
    if draft.rivals:
        yield f"These look like an outcome too: {', '.join(draft.rivals)}. Name the right one with --target."
    if draft.suspects:
        kept = ", ".join(draft.suspects)
        yield f"Kept, though they predict the outcome very well alone: {kept}. Are they known at the decision?"


def _outcome_dict(draft: Draft) -> dict[str, object]:
    found = draft.outcomes
    if found is None:
        return {"column": None, "rivals": list(draft.rivals)}
    return {
        "column": found.column,
        **found.kinds,
        "not_understood": list(found.strange),
        "question": found.question or None,
        "rivals": list(draft.rivals),
    }
