from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from data_schemas.errors import ContractError
from fusion.watch.rules import Rules, load_rules
from fusion.watch.signals import Check


def written(folder: Path, text: str) -> Rules:
    path = folder / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return load_rules(path)


def test_shipped_rules_look_at_every_check_once_and_seldom_alarm_by_chance() -> None:
    rules = load_rules(None).rules.values()
    assert sorted(check for rule in rules for check in rule.what) == sorted(get_args(Check))
    assert sum(rule.chance for rule in rules) < 1 / 50


def test_a_file_changes_shipped_rules_key_by_key_and_adds_its_own(tmp_path: Path) -> None:
    text = """
    [rules.psi]
    alarm = 0.5
    [rules.volume]
    enabled = false
    [rules.income]
    what = ["missing"]
    subject = "income"
    warn = 0.01
    [copies]
    employer = "firm"
    """
    shipped, rules = load_rules(None).rules, written(tmp_path, text)
    assert rules.rules["psi"] == shipped["psi"].model_copy(update={"alarm": 0.5})
    assert not rules.rules["volume"].enabled
    assert (rules.rules["income"].subject, rules.rules["income"].alarm) == ("income", None)
    assert rules.rules["pd"] == shipped["pd"]
    assert rules.copies.columns == ("firm",)
    assert rules.digest != load_rules(None).digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[rules.psi]\nalram = 1.0", r"unknown key 'rules.psi.alram'. The nearest valid one is 'alarm'"),
        ("[webhok]\nurl = 'x'", r"unknown key 'webhok'. The nearest valid one is 'webhook'"),
        ("[rules.new]\nwarn = 1.0", r"rules.new.what is missing"),
        ("[rules.new]\nwhat = ['psy']\nwarn = 1.0", r"there is no check 'psy'. The nearest valid one is 'psi'"),
        ("[rules.new]\nwhat = ['psi']", r"rules.new: it has neither warn nor alarm"),
        ("[rules.psi]\nwarn = 2.0", r"rules.psi: warn = 2.0 lies above alarm = 0.25"),
        ("[rules.psi]\nchance = 0.0", r"rules.psi.chance: Input should be greater than 0, got 0.0"),
        ("[rules.psi]\nperiods = 'two'", r"rules.psi.periods: Input should be a valid integer, got 'two'"),
        ("rules = 1", r"rules is a section, not a value. Write it as \[rules\]"),
        ("[rules]\npsi = 1", r"rules.psi is a section, not a value. Write it as \[rules.psi\]"),
        ("[webhook]\nurl = 'http://a'\nurl_env = 'B'", r"webhook: give either url or url_env"),
        ("[email]\nhost='a'\nsender='a@b'\nto=['c@d']\nuser='u'", r"email: user and password_env belong together"),
        ("[rules", r"rules.toml is not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_remedy(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        written(tmp_path, text)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"none.toml cannot be read \(No such file or directory\)"):
        load_rules(tmp_path / "none.toml")
