"""The browser, and one page of every kind, made by the verbs from the small bundle."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from experiments.demo.data import generate
from tests.support.command_line import creditfusion
from tests.support.explained import DAY, Trained
from tests.support.learning_pages import experiment_page, pretraining_page, sweep_page, tuning_page, variants_page
from tests.support.made_once import made_once

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PAGES = {
    "validation": "evaluate/validation.html",
    "card": "evaluate/card.html",
    "protected": "probe/protected.html",
    "comparison": "compare/comparison.html",
    "watch": "watch/watch.html",
    "review": "review.html",
    "sweep": "sweep/sweep/report.html",
    "pretraining": "pretraining/encoder.report.html",
    "tuning": "tuning/model.tuning.html",
    "variants": "variants/variants.html",
    "experiment": "experiment/out/comparison.html",
}
"""Where the page of each kind lies, but for those of decisions."""

LEARNING = {
    "sweep": sweep_page,
    "pretraining": pretraining_page,
    "tuning": tuning_page,
    "variants": variants_page,
    "experiment": experiment_page,
}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright (the extra dev)")
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")]
    chromium = next(filter(None, found), None)
    if chromium is None:
        pytest.skip("needs Chromium, and none is installed")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def made_pages(trained: Trained, everything: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages by kind, of decided applications over six months."""
    out = made_once(tmp_path_factory, "pages", partial(_make_pages, trained))
    explained = {name: next(everything.glob(f"*-{name}.html")) for name in ("underwriter", "applicant", "validator")}
    return explained | {"index": everything / "index.html"} | {name: out / path for name, path in PAGES.items()}


def _make_pages(trained: Trained, out: Path) -> None:
    """Every page of ``PAGES``."""
    table = generate(400, 8).table.astype(object)
    table["applied_on"] = [f"2023-{1 + at % 6:02d}-{1 + at % 28:02d}" for at in range(len(table))]
    table["application_id"] = [f"L{at:06d}" for at in range(len(table))]
    data = out / "later.csv"
    pd.DataFrame(table).to_csv(data, index=False)
    shared = ["--data", data, "--date", DAY]
    cached = [*shared, "--cache", trained.folder / "cache"]
    model = ["--model", trained.model, *cached]
    assert creditfusion("evaluate", *model, "--out", out / "evaluate") == 0
    assert creditfusion("probe", *model, "--out", out / "probe") == 0
    two = ["--champion", trained.model, "--challenger", trained.model]
    assert creditfusion("compare", *two, *cached, "--out", out / "compare") == 0
    assert creditfusion("watch", *model, "--out", out / "watch") in (0, 4, 5)
    assert creditfusion("schema", "review", "demo", data, "--out", out / "review.html") == 0
    for name, make in LEARNING.items():
        page = make(out / name)
        assert page == out / PAGES[name], page
