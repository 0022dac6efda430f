"""``creditfusion catalogue`` begins a language that the package does not have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_schemas.reader import load_schema
from experiments.reporting.catalogues import language_of, read_catalogue
from tests.support.command_line import creditfusion


def test_a_catalogue_holds_the_words_of_a_lenders_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(load_schema("demo").source)
    document["fields"][2]["title"] = "Wanted sum"
    (tmp_path / "own.json").write_text(json.dumps(document), encoding="utf-8")
    out = tmp_path / "fr.po"
    given = ["--language", "fr", "--schema", str(tmp_path / "own.json"), "--out", str(out)]
    assert creditfusion("catalogue", *given) == 0
    assert " messages to translate" in capsys.readouterr().out
    text = out.read_text(encoding="utf-8").replace(
        'msgid "Wanted sum"\nmsgstr ""', 'msgid "Wanted sum"\nmsgstr "Montant"'
    )
    out.write_text(text, encoding="utf-8")
    assert language_of(str(out)).gettext("Wanted sum") == "Montant"
    assert creditfusion("catalogue", *given) == 2
    assert "is there already" in capsys.readouterr().err
    assert creditfusion("catalogue", *given, "--force") == 0
    assert language_of(str(out)).gettext("Wanted sum") == "Montant"


def test_a_language_of_the_package_is_translated_already(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert creditfusion("catalogue", "--language", "zh", "--out", str(tmp_path / "zh.po")) == 0
    assert "every message is translated" in capsys.readouterr().out
    assert str(read_catalogue(tmp_path / "zh.po").locale) == "zh"


def test_a_code_of_no_language_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert creditfusion("catalogue", "--language", "klingon", "--out", str(tmp_path / "x.po")) == 2
    assert "'klingon' is the code of no language" in capsys.readouterr().err
