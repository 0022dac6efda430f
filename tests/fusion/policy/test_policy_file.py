"""Reading a policy file, and refusing a bad one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from data_schemas.errors import ContractError
from data_schemas.reader import load_schema
from fusion.policy.policy import Cutoffs
from fusion.policy.policy_file import load_policy

DEMO = load_schema("demo")
CUTOFFS = "[cutoffs]\napprove = 0.1\ndecline = 0.3\n"
WHOLE = (
    CUTOFFS
    + """
[segments]
column = "term_months"
[segments.cutoffs."60"]
approve = 0.05
decline = 0.2
[refer]
no_narrative = true
quality = ["narrative_only", "missing:dti", "unknown_category:home", "masked:health"]
[economics]
loss_given_default = 0.6
margin = 0.12
amount = "amount"
cost_per_application = 20
cost_per_referral = 50.5
referred_approved = 0.4
[constraints]
min_approval_rate = 0.6
max_bad_rate = 0.1
max_refer_rate = 0.2
"""
)


def written(folder: Path, text: str) -> Path:
    path = folder / "policy.toml"
    path.write_text(text)
    return path


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    policy = load_policy(written(tmp_path, WHOLE), DEMO)
    assert policy.cutoffs_of("60") == Cutoffs(approve=0.05, decline=0.2)
    assert policy.cutoffs_of("36") == policy.cutoffs_of("") == Cutoffs(approve=0.1, decline=0.3)
    assert policy.economics is not None
    assert policy.economics.cost_per_referral == 50.5
    assert policy.constraints.max_refer_rate == 0.2
    assert policy.refer.quality[1] == "missing:dti"


def test_cutoffs_alone_are_a_policy(tmp_path: Path) -> None:
    policy = load_policy(written(tmp_path, CUTOFFS), DEMO)
    assert policy.economics is None
    assert policy.segments is None
    assert policy.refer.quality == ()


@pytest.mark.parametrize("value", ["60", "60.0", "6e1"])
def test_numbers_of_segments_are_values_not_spellings(tmp_path: Path, value: str) -> None:
    text = f'{CUTOFFS}[segments]\ncolumn = "term_months"\n[segments.cutoffs."{value}"]\napprove=0\ndecline=1\n'
    policy = load_policy(written(tmp_path, text), DEMO)
    assert policy.segments is not None
    assert list(policy.segments.cutoffs) == ["60"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("approve = 0.1", "aprove = 0.1", "unknown key 'cutoffs.aprove'. The nearest valid one is 'cutoffs.approve'"),
        ("[cutoffs]", "[cutofs]", "unknown key 'cutofs.approve'. The nearest valid one is 'cutoffs.approve'"),
        (
            "approve = 0.05",
            "approved = 0.05",
            "unknown key 'segments.cutoffs.60.approved'. The nearest valid one is 'segments.cutoffs.60.approve'",
        ),
        ("[constraints]", "[constraint]\n[constraints]", "unknown key 'constraint'. The nearest valid one is"),
        ("approve = 0.1", "", "cutoffs.approve is missing. Add it"),
        (CUTOFFS, "", "cutoffs is missing. Add it"),
        (CUTOFFS, "cutoffs = 0.2", "cutoffs is a section, not a value. Write it as [cutoffs]"),
        ("approve = 0.1", "approve = 0.4", "cutoffs: approve = 0.4 lies above decline = 0.3. Correct"),
        ("approve = 0.1", "approve = 1.1", "cutoffs.approve: Input should be less than or equal to 1, got 1.1"),
        ("approve = 0.1", 'approve = "0.1"', "cutoffs.approve: Input should be a valid number, got '0.1'"),
        ("approve = 0.1", "approve = nan", "cutoffs.approve: Input should be"),
        ("approve = 0.05", "approve = 0.5", "segments.cutoffs.60: approve = 0.5 lies above decline = 0.2"),
        ('column = "term_months"', "column = 3", "segments.column: Input should be a valid string, got 3"),
        ('column = "term_months"', 'column = "term"', "no feature with values to tell apart 'term'. The nearest"),
        ('column = "term_months"', 'column = "sex"', "'sex' is a protected column of schema 'demo'. No decision may"),
        ('column = "term_months"', 'column = "applied_on"', "no feature with values to tell apart 'applied_on'"),
        ('column = "term_months"', 'column = "home"', "home has no value '60' in the schema. The nearest"),
        ('cutoffs."60"', 'cutoffs."long"', "term_months is numeric, 'long' is no number. Write a number"),
        ('cutoffs."60"', 'cutoffs."600"', "term_months cannot be 600 by the schema. Correct"),
        ('cutoffs."60"', 'cutoffs."nan"', "term_months cannot be nan by the schema. Correct"),
        (
            "[refer]",
            '[segments.cutoffs."60.0"]\napprove = 0\ndecline = 0\n[refer]',
            "segments.cutoffs has term_months 60 twice. Leave one out",
        ),
        ('amount = "amount"', 'amount = "amonut"', "no numeric feature 'amonut'. The nearest valid one is 'amount'"),
        ('amount = "amount"', 'amount = "home"', "no numeric feature 'home'. The nearest"),
        ('amount = "amount"', "amount = -5", "economics.amount: Input should be greater than 0, got -5"),
        ('amount = "amount"', "amount = true", "economics.amount: Input should be a valid number, got True"),
        ("margin = 0.12", "", "economics.margin is missing"),
        ("margin = 0.12", "margin = 12.0", "economics.margin: Input should be less than or equal to 10, got 12.0"),
        ("cost_per_application = 20", "cost_per_application = inf", "economics.cost_per_application: Input should be"),
        ("min_approval_rate = 0.6", "min_approval_rate = 60", "min_approval_rate: Input should be less than or equal"),
        ('"narrative_only"', '"mising"', "'mising' is no data-quality flag that can be listed here. The nearest"),
        ('"narrative_only"', '"no_narrative"', "listed here. Set refer.no_narrative = true"),
        ("missing:dti", "missing:sex", "'missing' cannot be said of 'sex'. The nearest"),
        ("unknown_category:home", "unknown_category:dti", "'unknown_category' cannot be said of 'dti'. The nearest"),
        ("masked:health", "masked:wealth", "'masked' cannot be said of 'wealth'. The nearest valid one is 'health'"),
        ('"narrative_only"', '"narrative_only:x"', "'narrative_only' cannot be said of 'x'. Leave it out"),
        ("no_narrative = true", "no_narrative = 1", "refer.no_narrative: Input should be a valid boolean, got 1"),
        ("[refer]", "[refer]\nsecond = {fraud = 1.5}", "refer.second.fraud: Input should be less than or equal to 1"),
        ("[refer]", "[refer]\nsecond = 0.2", "refer.second is a section, not a value. Write it as [refer.second]"),
        (
            "[refer]",
            "[refer]\nsecond = {fraud = 0.2}",
            "refer.second names 'fraud', and no second model of that name is given. Name its bundle",
        ),
        ("[refer]", "[refer", "is not valid TOML"),
    ],
)
def test_an_invalid_file_is_refused_with_its_fault(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in WHOLE
    path = written(tmp_path, WHOLE.replace(old, new, 1))
    with pytest.raises(ContractError, match=re.escape(message)) as refused:
        load_policy(path, DEMO)
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"no\.toml cannot be read \(No such file or directory\)\. Check the path"):
        load_policy(tmp_path / "no.toml", DEMO)


@pytest.mark.parametrize("name", ["demo", "lending_club"])
def test_the_examples_fit_their_schemas(name: str) -> None:
    examples = Path(__file__).parents[3] / "docs" / "policy"
    policy = load_policy(examples / f"{name}.toml", load_schema(name))
    assert policy.economics is not None
    assert policy.segments is not None


def test_the_page_on_policies_shows_a_whole_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "policy.md").read_text()
    policy = load_policy(written(tmp_path, page.split("```toml\n")[1].split("```")[0]), DEMO, ["fraud"])
    assert set(policy.model_fields_set) == {"cutoffs", "segments", "refer", "economics", "constraints"}
