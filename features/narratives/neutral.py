"""Sentences that are about no subject (``data_schemas/english.neutral_sentences.json``): of a loan, a lender or a
conversation, and nothing that an applicant tells.

They compete with the statements of concepts. A title such as "Personal loan" resembles every statement with the word
"loan", and would be named after one of them; a sentence that is nearer to one of these groups matches no concept. What
is sensitive is not withheld by them.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

_SENTENCES = "english.neutral_sentences.json"


@cache
def neutral_groups() -> tuple[tuple[str, ...], ...]:
    """Groups of such sentences."""
    text = (resources.files("data_schemas") / _SENTENCES).read_text(encoding="utf-8")
    return tuple(tuple(group) for group in json.loads(text)["groups"])
