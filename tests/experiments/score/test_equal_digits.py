"""An applicant's score hangs on the applicant and the model alone, with the encoder that comes with the product."""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from data_schemas.reader import load_schema
from experiments.demo.data import generate
from tests.support.bundles import SMALL
from tests.support.command_line import creditfusion

pytestmark = pytest.mark.slow
N_ROWS = 40
SETTINGS = [part for setting in SMALL for part in ("--set", setting)]


@dataclass(frozen=True)
class Scored:
    """The bytes of a scored file and of its rejects."""

    scored: bytes
    rejects: bytes

    def by_applicant(self) -> dict[str, tuple[str, ...]]:
        """What stands beside each id, and beside each rejected row's text; row numbers left out."""
        found = {f"scored {name}": tuple(cells) for _, name, *cells in _records(self.scored)}
        for _, column, rule, message, original in _records(self.rejects):
            found[f"rejected {original}"] = (column, rule, message)
        return found


def _records(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))[1:]


@dataclass(frozen=True)
class Place:
    """A trained bundle, the applications that it is to score, and a folder."""

    folder: Path
    model: Path
    lines: Sequence[str]

    def score(self, *more: object, lines: Sequence[str] | None = None, model: Path | None = None) -> Scored:
        """Score the applications, or other lines of a file, anew."""
        data, out = self.folder / "data.csv", self.folder / "out.csv"
        data.write_text("".join(lines or self.lines), encoding="utf-8", newline="")
        code = creditfusion("score", "--model", model or self.model, "--data", data, "--out", out, "--force", *more)
        assert code in (0, 2, 3)  # 2: the only row is rejected
        return Scored(out.read_bytes(), out.with_name("out.csv.rejects.csv").read_bytes())


def train(folder: Path, name: str) -> Path:
    """Train on the same applications as ever, whose vectors are kept."""
    named = [
        "--schema",
        folder / "schema.json",
        "--data",
        folder / "past.csv",
        "--out",
        folder / name,
        "--cache",
        folder / "vectors",
    ]
    assert creditfusion("train", *named, *SETTINGS, "--quick") == 0
    return folder / name


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("digits")
    generate(200, 1).table.to_csv(folder / "past.csv", index=False)
    document = json.loads(load_schema("demo").source)
    del document["creditfusion"]["concepts"]  # hundreds of sentences to read anew in every run
    (folder / "schema.json").write_text(json.dumps(document))
    table = generate(N_ROWS, 2).table.drop(columns="outcome").astype(object)
    table.loc[7, "amount"] = "a lot"
    lines = table.to_csv(index=False).splitlines(keepends=True)
    assert len(lines) == N_ROWS + 1
    return Place(folder, train(folder, "model"), lines)


@pytest.fixture(scope="module")
def reference(place: Place) -> Scored:
    return place.score("--no-cache")


@pytest.mark.parametrize("more", [("--chunk-rows", 7), ("--threads", 1), ("--threads", 2)], ids=str)
def test_chunks_and_threads_change_no_byte(place: Place, reference: Scored, more: tuple[object, ...]) -> None:
    assert place.score("--no-cache", *more) == reference


def test_neither_an_empty_nor_a_full_cache_changes_a_byte(place: Place, reference: Scored, tmp_path: Path) -> None:
    for _ in range(2):
        assert place.score("--cache", tmp_path / "cache") == reference


def test_a_bundle_in_another_folder_changes_no_byte(place: Place, reference: Scored, tmp_path: Path) -> None:
    assert place.score("--no-cache", model=shutil.copytree(place.model, tmp_path / "elsewhere" / "moved")) == reference


def test_an_applicant_has_the_same_digits_in_another_order(place: Place, reference: Scored) -> None:
    header, *lines = place.lines
    shuffled = place.score("--no-cache", lines=[header, *random.Random(1).sample(lines, len(lines))])
    assert shuffled != reference
    assert shuffled.by_applicant() == reference.by_applicant()
    assert len(reference.by_applicant()) == N_ROWS


def test_an_applicant_has_the_same_digits_alone(place: Place, reference: Scored) -> None:
    header, *lines = place.lines
    for line in [*random.Random(2).sample(lines, 3), lines[7]]:
        (found,) = place.score("--no-cache", lines=[header, line]).by_applicant().items()
        assert found in reference.by_applicant().items()


def test_a_model_trained_again_from_a_full_cache_has_the_same_bytes(place: Place) -> None:
    again = train(place.folder, "again")
    files = sorted(path.relative_to(place.model) for path in place.model.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    for file in files:
        assert (again / file).read_bytes() == (place.model / file).read_bytes(), file
