"""`creditfusion bundle`: a bundle shown, signed and verified, and a signature demanded before a model is opened."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import fusion
from data_schemas.errors import ContractError
from fusion.bundle import verify
from fusion.signatures import SIGNATURE, SIGNED_BY
from tests.support.command_line import creditfusion
from tests.support.explained import Trained
from tests.support.signing_keys import KeyPair, make_keys


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def bundle(trained: Trained, tmp_path: Path) -> Path:
    """A copy to do things to."""
    return Path(shutil.copytree(trained.model, tmp_path / "model"))


@pytest.fixture
def signed(bundle: Path, keys: KeyPair) -> Path:
    assert creditfusion("bundle", "sign", bundle, "--key", keys.private) == 0
    return bundle


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_show_says_what_the_manifest_says(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    manifest, contents = verify(trained.model)
    assert creditfusion("bundle", "show", trained.model, "--json") == 0
    shown = printed(capsys)
    made = manifest.provenance
    assert (shown["verb"], shown["model_id"]) == ("bundle show", manifest.model_id)
    assert shown["training"]["rows"] == made.n_rows
    assert tuple(shown["training"]["window"]) == made.window
    assert (shown["figures"], shown["versions"]) == (made.figures, made.versions)
    assert shown["files"] == len(contents) + 2
    assert shown["signature"] is None
    assert shown["narratives"] == ["statement", "job_title"]


def test_show_lays_figures_out_by_their_rows(signed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert creditfusion("bundle", "show", signed) == 0
    shown = " ".join(capsys.readouterr().err.split())
    assert "out of fold" in shown
    assert "out of fold: auc" not in shown
    assert "by key" in shown


def test_a_signature_changes_neither_the_model_nor_its_scores(trained: Trained, signed: Path, keys: KeyPair) -> None:
    before, after = fusion.load(trained.model), fusion.load(signed, signed_by=keys.public)
    assert before.model_id == after.model_id
    rows = trained.table.head(3)
    assert before.score(rows).scores.equals(after.score(rows).scores)


def test_verify_names_who_signed(signed: Path, keys: KeyPair, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert creditfusion("bundle", "verify", signed, "--key", keys.public, "--json") == 0
    assert printed(capsys)["signed_by"] == f"the key of {keys.public}"
    assert creditfusion("bundle", "verify", signed, "--json") == 0
    assert printed(capsys)["signed_by"] is None


def test_verify_refuses_a_changed_file_and_another_key(
    signed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_keys(tmp_path, "other")
    capsys.readouterr()
    assert creditfusion("bundle", "verify", signed, "--key", other.public, "--json") == 2
    assert "is no signature of it by the key of" in printed(capsys)["message"]
    (signed / "card.md").write_text("another card")
    assert creditfusion("bundle", "verify", signed, "--json") == 2
    assert printed(capsys)["message"].startswith("card.md of bundle")


def test_a_signer_is_named_in_one_way(bundle: Path, keys: KeyPair, capsys: pytest.CaptureFixture[str]) -> None:
    both = ["--key", keys.public, "--identity", "a", "--issuer", "https://b"]
    for options in (["--identity", "a"], ["--issuer", "https://b"], both):
        assert creditfusion("bundle", "verify", bundle, *options) == 2
        assert "checked against one signer" in capsys.readouterr().err
    for options in ([], ["--key", keys.private, "--keyless"]):
        assert creditfusion("bundle", "sign", bundle, *options) == 2
        assert "signed in one way" in capsys.readouterr().err


def test_sign_refuses_what_is_damaged_or_signed_already(
    signed: Path, keys: KeyPair, capsys: pytest.CaptureFixture[str]
) -> None:
    assert creditfusion("bundle", "sign", signed, "--key", keys.private) == 2
    assert "is signed already" in capsys.readouterr().err
    assert creditfusion("bundle", "sign", signed, "--key", keys.private, "--force") == 0
    (signed / SIGNATURE).unlink()
    (signed / "card.md").write_text("another card")
    assert creditfusion("bundle", "sign", signed, "--key", keys.private) == 2
    assert not (signed / SIGNATURE).exists()


def test_an_encrypted_key_takes_its_password_from_the_environment(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_keys(tmp_path, password="rosebud")
    monkeypatch.setenv("CREDITFUSION_KEY_PASSWORD", "rosebud")
    assert creditfusion("bundle", "sign", bundle, "--key", pair.private) == 0
    assert creditfusion("bundle", "verify", bundle, "--key", pair.public) == 0


@pytest.mark.parametrize("verb", ["score", "explain", "evaluate"])
def test_a_demanded_signature_is_checked_before_any_verb_opens_the_model(
    trained: Trained, bundle: Path, keys: KeyPair, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    out = tmp_path / "out"
    options = ["--model", bundle, "--data", trained.data, "--out", out, *(["--top", 1] if verb == "explain" else [])]
    assert creditfusion("--signed-by", keys.public, verb, *options, "--json") == 2
    failure = printed(capsys)
    assert (failure["verb"], failure["error"]) == (verb, "ContractError")
    assert "is not signed, and a signature by" in failure["message"]
    assert not out.exists()
    assert SIGNED_BY not in os.environ


def test_a_demanded_signature_opens_the_model_that_carries_it(
    trained: Trained, signed: Path, keys: KeyPair, tmp_path: Path
) -> None:
    options = ["--model", signed, "--data", trained.data, "--out", tmp_path / "scored.csv", "--reasons", 0]
    options += ["--cache", trained.folder / "cache"]
    assert creditfusion("--signed-by", keys.public, "score", *options) == 3


def test_the_environment_demands_a_signature_from_python_too(
    bundle: Path, keys: KeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SIGNED_BY, str(keys.public))
    with pytest.raises(ContractError, match="is not signed, and a signature by"):
        fusion.load(bundle)
