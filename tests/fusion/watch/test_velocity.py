from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from features.design import TextBlock
from fusion.watch.part import Batch, Watched
from fusion.watch.velocity import VelocityPart, VelocityProfile
from tests.support.small import applications, row, small_schema

LEVELS = {"home": ("own", "rent"), "town": ("Bonn", "Ulm")}
PART = VelocityPart(small_schema(), LEVELS)


def _profile(folder: Path, towns: list[str], file: str = "day.csv") -> VelocityProfile:
    rows = [row(id=str(at), town=town) for at, town in enumerate(towns)]
    return PART.observe(Batch("day", file, applications(folder, rows), TextBlock.empty(len(rows)))).profile


@pytest.fixture
def history(tmp_path: Path) -> tuple[tuple[str, VelocityProfile], ...]:
    return tuple((str(day), _profile(tmp_path, ["Ulm"] * 40 + ["Bonn"] * 2 + ["Nowhere"] * 8)) for day in range(6))


def test_a_burst_of_one_level_departs(tmp_path: Path, history: tuple[tuple[str, VelocityProfile], ...]) -> None:
    burst = _profile(tmp_path, ["Ulm"] * 28 + ["Bonn"] * 22)
    signals = {signal.subject: signal for signal in PART.signals(Watched("6", burst, None, history))}
    assert list(signals) == ["home:rent", "town:Bonn", "town:Ulm"]
    assert signals["town:Bonn"].p < 1e-6
    assert signals["town:Bonn"].value == pytest.approx(23 / 3 - 1)
    assert str(signals["town:Bonn"].words) == "town: 22 of 50 applications are 'Bonn', usually 2.0"
    assert [one.id for one in signals["town:Bonn"].rows] == ["28", "29", "30", "31", "32"]
    assert signals["town:Ulm"].p > 0.5


def test_more_applications_of_every_kind_are_no_burst(
    tmp_path: Path, history: tuple[tuple[str, VelocityProfile], ...]
) -> None:
    many = _profile(tmp_path, ["Ulm"] * 160 + ["Bonn"] * 8 + ["Nowhere"] * 32)
    assert min(signal.p for signal in PART.signals(Watched("6", many, None, history))) > 0.1


def test_profiles_add_up_and_go_to_json_and_back(tmp_path: Path) -> None:
    towns = ["Ulm", "Bonn", "Nowhere"] * 4
    whole = applications(tmp_path, [row(id=str(at), town=town) for at, town in enumerate(towns)])
    parts = [
        PART.observe(Batch("day", "f", whole.take(np.arange(a, b)), TextBlock.empty(b - a))).profile
        for a, b in ((0, 5), (5, 12))
    ]
    profile = PART.observe(Batch("day", "f", whole, TextBlock.empty(12))).profile
    assert PART.add(*parts) == PART.add(*parts[::-1]) == profile
    assert PART.from_json(json.loads(json.dumps(PART.to_json(profile)))) == profile
