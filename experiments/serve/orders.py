"""From the JSON of a request to its order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from experiments.serve.records import RowReader, Twice, sendable
from experiments.serve.scoring import Order

APPLICATIONS, SOURCES = "applications", "sources"
_FORM = f'{{"{APPLICATIONS}": [...], "{SOURCES}": {{NAME: [...], ...}}}}'


def order_of(sent: object, reader: RowReader, schema: Schema, explain: bool, received: float) -> Order:
    """What a body asks for: an application or a list of them; by a contract with sources, an object of both.

    Raises ContractError for another form.
    """
    sources: Mapping[str, Sequence[Mapping[str, object]]] | None = None
    if schema.sources:
        if not isinstance(sent, dict) or not set(sent) <= {APPLICATIONS, SOURCES} or APPLICATIONS not in sent:
            raise ContractError("the body is not of the form for applications with sources", f"Send {_FORM}.")
        sources = _records(sent.get(SOURCES), schema)
        sent = sent[APPLICATIONS]
    rows = sent if isinstance(sent, list) else [sent]
    if not rows:
        raise ContractError("the body holds no application", "Send at least one.")
    if not isinstance(sent, list) and not isinstance(sent, dict | Twice):
        raise ContractError("the body is no application", "Send one JSON object, or a list of them.")
    return Order(reader.read(rows), sources, explain, received)


def _records(sent: object, schema: Schema) -> Mapping[str, Sequence[Mapping[str, object]]]:
    """The records of every source, each cell a text, a number, a truth value or null."""
    names = [source.name for source in schema.sources]
    if not isinstance(sent, dict) or not all(name in names for name in sent):
        remedy = f"Send {_FORM}, with a list of records for each of {', '.join(names)}."
        raise ContractError("the body names no records by source", remedy)
    for name, records in sent.items():
        if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
            raise ContractError(f"the records of {name} are no list of objects", f"Send {_FORM}.")
        for number, record in enumerate(records, 1):
            for cell in record.values():
                if not sendable(cell):
                    what = f"record {number:,} of {name} has a cell that is no text, number, true, false or null"
                    raise ContractError(what, "Correct it.")
    return {name: [dict(one) for one in records] for name, records in sent.items()}
