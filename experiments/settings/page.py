"""Prints docs/settings.md: ``python -m experiments.settings.page > docs/settings.md``."""

from __future__ import annotations

from experiments.settings.catalogue import catalogue
from experiments.settings.formats import markdown_page

if __name__ == "__main__":
    print(markdown_page(catalogue()), end="")
