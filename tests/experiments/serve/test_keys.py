from __future__ import annotations

import stat
from pathlib import Path

import pytest

from data_schemas.errors import ContractError, RunError
from experiments.serve.keys import Keys, add_key, key_hash, read_keys
from tests.support.command_line import creditfusion


def test_a_new_key_is_known_by_its_hash_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "keys.txt"
    assert creditfusion("serve", "new-key", "frontend", "--keys", path) == 0
    key = capsys.readouterr().out.strip()
    other = add_key("batch", path)
    keys = read_keys(path)
    assert (keys.holder(key), keys.holder(other), keys.holder("cf_other"), keys.holder("")) == (
        "frontend",
        "batch",
        None,
        None,
    )
    assert key not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_name_is_given_once(tmp_path: Path) -> None:
    add_key("frontend", tmp_path / "keys.txt")
    with pytest.raises(ContractError, match="has a key of the name frontend"):
        add_key("frontend", tmp_path / "keys.txt")
    with pytest.raises(ContractError, match="is no name for a key"):
        add_key("two words", tmp_path / "keys.txt")


@pytest.mark.parametrize(
    "before", ["", "# keys of the frontends", f"batch {key_hash('x')}", f"batch {key_hash('x')}\n"]
)
def test_a_key_gets_a_line_of_its_own_whatever_the_file_holds(tmp_path: Path, before: str) -> None:
    path = tmp_path / "keys.txt"
    path.write_text(before)
    keys = Keys({"frontend": key_hash(add_key("frontend", path))})
    assert read_keys(path).hashes == {**({"batch": key_hash("x")} if "batch" in before else {}), **keys.hashes}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "holds no key"),
        ("# nobody\n", "holds no key"),
        ("frontend cf_the_key_itself\n", "line 1 holds no key"),
        (f"a {key_hash('x')}\n\na {key_hash('y')}\n", "line 3 names a again"),
    ],
)
def test_a_file_of_anything_else_is_refused(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "keys.txt").write_text(text)
    with pytest.raises(ContractError, match=what):
        read_keys(tmp_path / "keys.txt")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be read"):
        read_keys(tmp_path / "none.txt")


def test_a_key_of_any_characters_is_merely_wrong() -> None:
    assert Keys({"a": key_hash("b")}).holder("é\ud800\0") is None
