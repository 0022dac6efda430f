"""The browser, and one page of every kind, made by the verbs from the small bundle."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from experiments.demo.data import generate
from tests.support.command_line import creditfusion
from tests.support.explained import DAY, Trained
from tests.support.learning_pages import experiment_page, pretraining_page, sweep_page, tuning_page, variants_page

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
    out = tmp_path_factory.mktemp("pages")
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
    explained = {name: next(everything.glob(f"*-{name}.html")) for name in ("underwriter", "applicant", "validator")}
    return explained | {
        "index": everything / "index.html",
        "validation": out / "evaluate" / "validation.html",
        "card": out / "evaluate" / "card.html",
        "protected": out / "probe" / "protected.html",
        "comparison": out / "compare" / "comparison.html",
        "watch": out / "watch" / "watch.html",
        "review": out / "review.html",
        "sweep": sweep_page(out / "sweep"),
        "pretraining": pretraining_page(out / "pretraining"),
        "tuning": tuning_page(out / "tuning"),
        "variants": variants_page(out / "variants"),
        "experiment": experiment_page(out / "experiment"),
    }
