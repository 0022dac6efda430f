"""Training where it is hard: rare bads, mostly bads, columns that hold nothing, no narrative, narratives alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusion.bundle import load
from tests.support.bundles import SMALL
from tests.support.command_line import creditfusion
from tests.support.tiny_bert import tiny_bert

WORDS = ("roof", "car", "school", "wedding", "debts", "garden", "late", "rent")


@dataclass(frozen=True)
class Trained:
    """What a training run gave: its summary, and the bundle."""

    summary: dict[str, Any]
    bundle: Path

    @property
    def findings(self) -> dict[str, str]:
        """Severity by key."""
        return {one["key"]: one["severity"] for one in self.summary["findings"]}


Train = Callable[..., Trained]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def train(tmp_path: Path, encoder: Path, capsys: pytest.CaptureFixture[str]) -> Train:
    """Trains on a table, of which these columns are the inputs."""

    def run(table: pd.DataFrame, roles: dict[str, str], *more: str) -> Trained:
        table.to_csv(tmp_path / "past.csv", index=False)
        (tmp_path / "own.schema.json").write_text(json.dumps(schema(roles)))
        settings = [word for setting in (f"encoder.source='{encoder}'", *SMALL) for word in ("--set", setting)]
        files = ["--schema", tmp_path / "own.schema.json", "--data", tmp_path / "past.csv", "--out", tmp_path / "model"]
        assert creditfusion("train", *files, *settings, "--no-cache", "--json", *more) == 0
        return Trained(json.loads(capsys.readouterr().out), tmp_path / "model")

    return run


def schema(roles: dict[str, str]) -> dict[str, Any]:
    """A contract of an id, an outcome and these columns: numbers as features, text as narratives."""
    fields: list[dict[str, Any]] = [
        {"name": "id", "type": "string", "creditfusion": {"role": "id"}},
        {"name": "outcome", "type": "string", "creditfusion": {"role": "target"}},
    ]
    for name, role in roles.items():
        kind = "number" if role == "feature" else "string"
        fields.append({"name": name, "type": kind, "creditfusion": {"role": role}})
    return {"fields": fields, "creditfusion": {"version": 1, "name": "own", "bad_values": ["bad"]}}


def book(n: int, n_bad: int) -> pd.DataFrame:
    """Applications of which the first ``n_bad`` are bad; ``income`` and ``note`` tell some of it."""
    rng = np.random.default_rng(0)
    bad = np.arange(n) < n_bad
    notes = [" ".join(rng.choice(WORDS, 3)) + (" late rent" if one and rng.random() < 0.5 else "") for one in bad]
    return pd.DataFrame(
        {
            "id": [f"A{at}" for at in range(n)],
            "outcome": np.where(bad, "bad", "good"),
            "income": np.round(rng.normal(50_000, 10_000, n) - 8_000 * bad),
            "age": rng.integers(20, 70, n),
            "same": 7,
            "empty": "",
            "note": notes,
        }
    )


INPUTS = {"income": "feature", "age": "feature", "note": "narrative"}


def test_a_dozen_bads_among_thousands(train: Train) -> None:
    found = train(book(4000, 12), INPUTS, "--quick")
    assert found.summary["cut_off"]["pd"] == load(found.bundle).config.decision.max_pd == 0.0042
    assert found.findings["few_bad"] == "warning"
    assert found.summary["slices"]["out of fold"]["bad"] == 12


def test_more_bads_than_goods(train: Train) -> None:
    found = train(book(500, 300), INPUTS, "--quick")
    assert found.summary["cut_off"]["pd"] == 0.68
    assert found.summary["slices"]["out of fold"]["auc"] > 0.6
    assert not {"few_bad", "few_good", "worse_than_chance"} & set(found.findings)


def test_columns_that_hold_nothing_are_named_and_do_no_harm(train: Train) -> None:
    found = train(book(400, 100), INPUTS | {"same": "feature", "empty": "feature"}, "--quick")
    assert found.findings["empty_columns"] == found.findings["constant_columns"] == "note"
    sentences = " ".join(one["sentence"] for one in found.summary["findings"])
    assert "(empty)" in sentences
    assert "(same)" in sentences
    card = (found.bundle / "card.md").read_text(encoding="utf-8")
    assert "- Note: Inputs without any value in all training rows: 1 (empty)." in card
    assert found.summary["slices"]["out of fold"]["auc"] > 0.6


@pytest.mark.parametrize(
    ("roles", "kind"),
    [({"income": "feature", "age": "feature"}, "columns"), ({"note": "narrative"}, "words")],
)
def test_columns_alone_and_narratives_alone_have_their_plain_pipeline(
    train: Train, roles: dict[str, str], kind: str
) -> None:
    found = train(book(400, 100), roles, "--holdout", "0.3")
    plain = found.summary["plain_pipeline"]
    assert plain["kind"] == kind
    assert list(plain["slices"]) == ["out of fold", "held out 30\u202f%"]
    for part in plain["slices"].values():
        assert part["gain"]["difference"] == pytest.approx(part["model_auc"] - part["plain_auc"], abs=1e-12)
        assert part["standing"] in ("ahead of", "level with", "behind")
    card = (found.bundle / "card.md").read_text(encoding="utf-8")
    assert "### Against the plain pipeline" in card


def test_quick_leaves_the_plain_pipeline_out(train: Train) -> None:
    found = train(book(200, 60), INPUTS, "--quick")
    assert found.summary["plain_pipeline"] is None
    assert "plain pipeline" not in (found.bundle / "card.md").read_text(encoding="utf-8")
    assert found.findings == {"nothing_held_out": "note"}
