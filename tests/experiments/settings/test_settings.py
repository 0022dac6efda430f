"""``creditfusion settings`` and docs/settings.md: both are what fusion/config.py declares."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data_schemas.errors import ContractError
from experiments.cli import app
from experiments.settings.catalogue import catalogue
from experiments.settings.formats import markdown_page
from fusion.config import Config, valid_keys
from fusion.config_file import load_config

PAGE = Path(__file__).resolve().parents[3] / "docs" / "settings.md"


def printed(*arguments: str) -> str:
    """What the verb prints on a terminal of 200 columns."""
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["settings", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown_page(catalogue()), (
        "run: python -m experiments.settings.page > docs/settings.md"
    )


def test_every_setting_and_section_is_described() -> None:
    entries = [entry for section in catalogue() for entry in section.entries]
    assert [entry.key for entry in entries] == valid_keys()
    for description in [section.description for section in catalogue()] + [entry.description for entry in entries]:
        assert description[0].isupper(), description
        assert description.endswith("."), description


def test_an_entry_says_type_default_range_and_condition() -> None:
    ((entry,),) = (section.entries for section in catalogue("encoder.window"))
    assert (entry.kind, entry.default, entry.allowed) == ("whole number", "256", "16 to 512")
    assert entry.searched == '128, 256; where text.vectors = true and encoder.unit = "narrative"'
    ((entry,),) = (section.entries for section in catalogue("stacker.l2"))
    assert (entry.allowed, entry.searched) == ("at least 0", "0.1 to 100, by its logarithm")
    ((entry,),) = (section.entries for section in catalogue("scale.base_score"))
    assert (entry.kind, entry.allowed, entry.searched) == ("number", "", "")


def test_a_section_or_the_beginning_of_a_key_narrows() -> None:
    assert {entry.key for entry in catalogue("head.")[0].entries} == {key for key in valid_keys() if "head." in key}
    assert [entry.key for section in catalogue("explain.m") for entry in section.entries] == [
        "explain.max_rows",
        "explain.min_points",
    ]
    shown = printed("decision")
    assert "decision.max_pd" in shown
    assert "at least 0, less than 1" in shown
    assert "stacker" not in shown


@pytest.mark.parametrize(("wrong", "near"), [("stakcer", "stacker"), ("stacker.num_leafs", "stacker.num_leaves")])
def test_an_unknown_key_names_the_nearest(wrong: str, near: str) -> None:
    with pytest.raises(ContractError, match=f"no setting begins with '{wrong}'.*The nearest one is '{near}'"):
        catalogue(wrong)


def test_json_is_json_schema_by_key() -> None:
    content = json.loads(printed("--json"))
    assert [entry["key"] for entry in content["settings"]] == valid_keys()
    (leaves,) = (entry for entry in content["settings"] if entry["key"] == "stacker.num_leaves")
    assert (leaves["type"], leaves["default"], leaves["minimum"], leaves["maximum"]) == ("integer", 7, 2, 64)
    assert (leaves["searched"]["low"], leaves["searched"]["high"]) == (3, 31)


def test_the_toml_file_holds_every_default_and_is_a_config(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text(printed("--toml"), encoding="utf-8")
    assert load_config(file) == Config()
    tree = tomllib.loads(file.read_text(encoding="utf-8"))
    assert [f"{section}.{key}" for section, node in tree.items() for key in node] == valid_keys()
    assert max(map(len, file.read_text(encoding="utf-8").splitlines())) <= 120


def test_toml_and_json_exclude_each_other() -> None:
    done = CliRunner().invoke(app, ["settings", "--toml", "--json"])
    assert done.exit_code == 2
    assert "exclude each other" in done.stderr
