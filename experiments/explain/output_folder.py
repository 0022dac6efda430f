"""The folder of reports: what may stand where it is to be."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from data_schemas.errors import ContractError
from experiments.reporting.decision.index import IndexPage
from experiments.reporting.file_names import INDEX
from experiments.reporting.json_reports import parse_report

INDEX_JSON = "index.json"


def check_place(out: Path, force: bool) -> None:
    """Raise ContractError unless reports may be written to ``out``: a new or empty folder, or with ``force`` one that
    holds the reports of an earlier run and nothing else.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    index = _index(out)
    if index is None:
        raise ContractError(f"{out} exists and holds no earlier reports", "Choose another --out.")
    own = {INDEX, INDEX_JSON, *(link.file for entry in index.entries for link in entry.links)}
    if strangers := sorted(file.name for file in out.iterdir() if file.name not in own):
        raise ContractError(
            f"{out} holds {strangers[0]!r}, which is no report", "Move it elsewhere, or choose another --out."
        )
    if not force:
        raise ContractError(f"{out} holds the reports of an earlier run", "Replace them with --force.")


def _index(out: Path) -> IndexPage | None:
    """The index of an earlier run; None where there is none."""
    try:
        report = parse_report((out / INDEX_JSON).read_bytes())
    except (OSError, ValidationError):
        return None
    return report if isinstance(report, IndexPage) else None
