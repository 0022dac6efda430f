"""English words on a page in another language: of its texts, the words beside its pictures and the letters in them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import unquote

NAMES = frozenset(
    {
        *("AUC", "KS", "PSI", "CSI", "ROC", "FICO", "TOML", "JSON", "TF-IDF", "CUDA", "USD", "EUR"),
        *("Brier", "Gini", "Hosmer", "Lemeshow", "Spiegelhalter", "Jeffreys", "DeLong", "Bonferroni", "Spearman"),
        *(
            "Newcombe",
            "Vickers",
            "Elkin",
            "Benjamini",
            "Hochberg",
            "Shapley",
            "MiniLM",
            "sha",
            "Poisson",
            "WordNet",
            "Optuna",
            "Holm",
            "Wilson",
        ),
    }
)
"""What is written alike in every language."""
LITERAL = frozenset({"code", "pre", "style", "script", "mark"})
QUOTED = frozenset({"text", "own", "value"})  # classes of what an applicant wrote or entered
VOID = frozenset({"meta", "img", "br", "hr", "link", "line", "rect", "circle", "path", "use", "input", "wbr"})
_LITERAL = re.compile(r"\b[0-9a-f]{12,}\b|`[^`]*`|--[\w-]+|\[\w+\]|\S+://\S+|\w+(?:[._/]\w+)+|“[^”]*”")
_WORD = re.compile(r"[A-Za-z]{3,}")


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        hidden = tag in LITERAL or bool(QUOTED & set((known.get("class") or "").split()))
        if tag not in VOID:
            self.open.append((tag, hidden))
        self.found += [value for name in ("alt", "aria-label", "title") if (value := known.get(name))]
        if (source := known.get("src") or "").startswith("data:image/svg+xml,"):
            picture = _Texts()
            picture.feed(unquote(source.partition(",")[2]))
            self.found += picture.found

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not any(hidden for _, hidden in self.open):
            self.found.append(data)


def english_on(page: str, known: frozenset[str] = frozenset()) -> list[str]:
    """Texts of a page (HTML) with a word of three Latin letters or more that is neither a name nor a literal.

    Args:
        page: its HTML.
        known: words that are the data's own, such as names of columns and files.
    """
    texts = _Texts()
    texts.feed(page.partition("<body")[2].partition(">")[2])
    found = dict.fromkeys(
        text.strip()
        for text in texts.found
        if any(word not in NAMES | known for word in _WORD.findall(_LITERAL.sub(" ", text)))
    )
    return list(found)
