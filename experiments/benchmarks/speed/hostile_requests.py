"""Requests that nobody should send, drawn at random: wrong types, texts, sizes, headers and JSON."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

SECRET = "Xerxes owes the pawnbroker"
"""Stands in every hostile narrative, and may stand in no log."""
TEXTS = (
    "",
    "\0",
    "\ud800",
    "\u202egnp.exe",
    "Z" + "\u0337" * 500,
    "'; DROP TABLE decisions; --",
    "<script>alert(1)</script>",
    "{{7*7}}${7*7}",
    "=HYPERLINK(1)",
    "NaN",
    "1e999",
    "-Infinity",
    "１２３",
    "W" * 25_000,
    "../../etc/passwd",
    "\r\nSet-Cookie: a=b",
)
NUMBERS = (0, -1, 2**63, 10**300, 10**400, -0.0, 1e308, 5e-324, True, False)
BODIES = (
    b"",
    b"{",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"\xff\xfe\x00",
    b"null",
    b"[]",
    b'"text"',
    b"1" * 100_000,
    b'{"amount": 1e' + b"9" * 5000 + b"}",
    b'{"a": 1, "a": 2}',
    b"[NaN, Infinity]",
)
KINDS = ("application/json", "application/json; charset=utf-16", "text/plain", "", "multipart/form-data", "a" * 2000)


@dataclass(frozen=True)
class Request:
    """An HTTP request.

    Attributes:
        path: Of the endpoint.
        body: As it is sent.
        headers: By name.
        method: Of the request.
    """

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


def hostile_requests(drawn: random.Random, rows: Sequence[Mapping[str, str]], n: int) -> Iterator[Request]:
    """So many hostile requests; ``rows`` are applications to damage."""
    kinds = (_broken_cells, _broken_cells, _many_rows, _raw_body, _too_large, _elsewhere)
    for _ in range(n):
        yield drawn.choice(kinds)(drawn, rows)


def _cell(drawn: random.Random) -> object:
    made: tuple[Callable[[], object], ...] = (
        lambda: drawn.choice(TEXTS),
        lambda: drawn.choice(NUMBERS),
        lambda: None,
        lambda: [SECRET],
        lambda: {"deep": {"deeper": [SECRET]}},
        lambda: "".join(chr(drawn.randrange(0x3000)) for _ in range(50)),
    )
    return drawn.choice(made)()


def _application(drawn: random.Random, rows: Sequence[Mapping[str, str]]) -> dict[str, object]:
    row: dict[str, object] = {**drawn.choice(rows), "statement": SECRET}
    for name in drawn.sample(sorted(row), drawn.randrange(4)):
        row[name] = _cell(drawn)
    if drawn.random() < 0.2:
        del row[drawn.choice(sorted(row))]
    if drawn.random() < 0.2:
        row[str(drawn.choice(TEXTS))] = _cell(drawn)
    return row


def _broken_cells(drawn: random.Random, rows: Sequence[Mapping[str, str]]) -> Request:
    path = "/explain" if drawn.random() < 0.1 else "/score"
    return Request(path, json.dumps(_application(drawn, rows)).encode(), {"content-type": "application/json"})


def _many_rows(drawn: random.Random, rows: Sequence[Mapping[str, str]]) -> Request:
    sent = [_application(drawn, rows) if drawn.random() < 0.5 else _cell(drawn) for _ in range(drawn.randrange(4))]
    if drawn.random() < 0.2:
        sent = [SECRET] * 101
    return Request("/score", json.dumps(sent).encode(), {"content-type": "application/json"})


def _raw_body(drawn: random.Random, _rows: Sequence[Mapping[str, str]]) -> Request:
    return Request("/score", drawn.choice(BODIES), {"content-type": drawn.choice(KINDS)})


def _too_large(drawn: random.Random, _rows: Sequence[Mapping[str, str]]) -> Request:
    headers = {"content-type": "application/json"}
    if drawn.random() < 0.5:
        return Request("/score", SECRET.encode() * 50_000, headers)
    return Request("/score", b"{}", headers | {"x-filler": "a" * drawn.choice((100, 60_000))})


def _elsewhere(drawn: random.Random, _rows: Sequence[Mapping[str, str]]) -> Request:
    path = drawn.choice(("/", "/score/", "/../etc/passwd", "/%00", "/score?statement=Xerxes", "/health", "/docs"))
    return Request(path, b"", {}, drawn.choice(("GET", "PUT", "DELETE", "PATCH", "OPTIONS")))
