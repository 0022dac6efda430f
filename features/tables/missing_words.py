"""What software writes for a missing value, in cells of any kind: one list for drafted contracts and for narratives."""

from __future__ import annotations

SHORT = frozenset({"na", "n/a", "n.a", "n\\a", "k.a", "nan", "null", "nil", "missing"})
"""Words and short forms, in lower case and without the signs around them."""

SPREADSHEET_ERRORS = frozenset({
    *("#n/a", "#n/d", "#nv", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!"),
    *("#wert!", "#bezug!", "#valeur!"),
})  # fmt: skip
"""Errors of spreadsheets in several languages, in lower case."""
