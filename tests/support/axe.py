"""axe-core in Chromium: what of a page people cannot use who see, hear or move otherwise.

It is a package of npm and no part of the product: `.ci/run` puts it into `.cache/npm`, where npm can be had.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPT = Path(__file__).resolve().parents[2] / ".cache" / "npm" / "node_modules" / "axe-core" / "axe.min.js"


@cache
def axe_script() -> str:
    """Its source; skips the test where it is not installed."""
    if not SCRIPT.exists():
        pytest.skip("needs axe-core: npm install --prefix .cache/npm axe-core")
    return SCRIPT.read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """Every rule that the page breaks, with the first element that does."""
    page.evaluate(axe_script())
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]} ({len(one['nodes'])})" for one in found]
