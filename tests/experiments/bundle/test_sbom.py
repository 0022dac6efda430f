"""`creditfusion bundle sbom`: a valid CycloneDX document that lists all of a bundle, the same for equal bundles."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from experiments.bundle.opened import open_bundle
from experiments.bundle.sbom.document import bill_of_materials
from fusion.bundle import verify
from tests.support.command_line import creditfusion
from tests.support.explained import Trained


@pytest.fixture(scope="module")
def bill(trained: Trained) -> dict[str, Any]:
    found = json.loads(bill_of_materials(open_bundle(trained.model)))
    assert isinstance(found, dict)
    return found


def by_reference(bill: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {part["bom-ref"]: part for part in bill["components"]}


def test_it_keeps_the_published_schema_with_and_without_a_licence(trained: Trained, joined_model: Path) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    for path in (trained.model, joined_model):
        for licence in (None, "Apache-2.0"):
            assert validator.validate_str(bill_of_materials(open_bundle(path), licence)) is None
    assert validator.validate_str('{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 0}') is not None


def test_it_lists_every_file_by_its_digest(trained: Trained, bill: dict[str, Any]) -> None:
    files = bill["metadata"]["component"]["components"]
    listed = {file["name"]: file["hashes"][0]["content"] for file in files}
    assert listed == verify(trained.model)[0].digests
    personal = {file["name"] for file in files if "properties" in file}
    assert personal == {"population.safetensors", "rows.safetensors"}


def test_the_model_card_has_the_figures_inputs_and_data(trained: Trained, bill: dict[str, Any]) -> None:
    made = verify(trained.model)[0].provenance
    card = bill["metadata"]["component"]["modelCard"]
    metrics = card["quantitativeAnalysis"]["performanceMetrics"]
    found = {f"{one['slice']}: {one['type']}": float(one["value"]) for one in metrics}
    assert found == {name: value for name, value in made.figures.items() if value is not None}
    assert {"format": "amount: number"} in card["modelParameters"]["inputs"]
    assert {"format": "statement: text"} in card["modelParameters"]["inputs"]
    data = by_reference(bill)[card["modelParameters"]["datasets"][0]["ref"]]
    assert data["hashes"] == [{"alg": "SHA-256", "content": made.data_digest}]
    assert {one["groupAtRisk"] for one in card["considerations"]["fairnessAssessments"]} >= {"sex", "age_band"}


def test_packages_encoder_and_data_are_what_the_model_depends_on(trained: Trained, bill: dict[str, Any]) -> None:
    made, parts = verify(trained.model)[0].provenance, by_reference(bill)
    versions = {part["name"]: part["version"] for part in parts.values() if "purl" in part}
    assert versions == made.versions
    assert parts[f"pkg:pypi/torch@{made.versions['torch'].replace('+', '%2B')}"]["type"] == "library"
    encoder = parts["text-encoder"]
    assert {"name": "creditfusion:encoder_digest", "value": made.encoder_digest} in encoder["properties"]
    assert bill["dependencies"][0] == {"ref": "model", "dependsOn": list(parts)}


def test_no_path_of_the_machine_stands_in_it(trained: Trained, bill: dict[str, Any]) -> None:
    assert by_reference(bill)["text-encoder"]["name"] == "encoder"
    assert str(trained.folder) not in json.dumps(bill)


def test_equal_bundles_give_equal_bytes_wherever_they_lie(trained: Trained, tmp_path: Path) -> None:
    copy = shutil.copytree(trained.model, tmp_path / "copy")
    out = tmp_path / "made" / "model.cdx.json"
    assert creditfusion("bundle", "sbom", copy, "--out", out) == 0
    assert out.read_text(encoding="utf-8") == bill_of_materials(open_bundle(trained.model))


def test_without_a_file_it_goes_to_stdout(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    assert creditfusion("bundle", "sbom", trained.model, "--encoder-licence", "MIT") == 0
    bill = json.loads(capsys.readouterr().out)
    assert by_reference(bill)["text-encoder"]["licenses"] == [{"expression": "MIT"}]


def test_it_is_neither_written_into_a_bundle_nor_over_a_file(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert creditfusion("bundle", "sbom", trained.model, "--out", trained.model / "bill.json") == 2
    assert "lies in the model bundle" in capsys.readouterr().err
    (tmp_path / "there.json").write_text("mine")
    assert creditfusion("bundle", "sbom", trained.model, "--out", tmp_path / "there.json") == 2
    assert "exists" in capsys.readouterr().err
    assert (tmp_path / "there.json").read_text() == "mine"
