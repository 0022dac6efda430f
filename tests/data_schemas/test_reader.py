from __future__ import annotations

import copy
import csv
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.concepts import Concept, Sensitive
from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.fields import (
    Actionable,
    Derived,
    DerivedKind,
    Direction,
    FieldType,
    NumericOutcome,
    OrderedOutcome,
    Role,
    TimeUntilEvent,
)
from data_schemas.numbers import PLAIN, Negative, NumberNotation
from data_schemas.reader import load_schema, parse_schema, shipped_schemas
from data_schemas.reasons import Reason

SMALL: dict[str, Any] = {
    "title": "Loans",
    "missingValues": ["NA"],
    "fields": [
        {"name": "id", "type": "string", "creditfusion": {"role": "id"}},
        {
            "name": "income",
            "type": "number",
            "missingValues": ["-999"],
            "constraints": {"minimum": 0, "maximum": 1000},
            "creditfusion": {
                "role": "feature",
                "unit": "USD",
                "direction": "falling",
                "actionable": "higher",
                "reason": {"code": "INCOME", "wording": "Your income.", "disclosable": False},
            },
        },
        {"name": "amount", "type": "integer", "creditfusion": {"role": "feature"}},
        {
            "name": "opened",
            "type": "date",
            "format": "%d/%m/%Y",
            "constraints": {"minimum": "1970-01-11"},
            "creditfusion": {"role": "feature"},
        },
        {"name": "day", "type": "date", "creditfusion": {"role": "decision_date"}},
        {"name": "home", "type": "string", "categories": ["own", "rent"], "creditfusion": {"role": "feature"}},
        {"name": "words", "type": "string", "constraints": {"maxLength": 9}, "creditfusion": {"role": "narrative"}},
        {"name": "end", "type": "string", "creditfusion": {"role": "target"}},
    ],
    "creditfusion": {
        "version": 1,
        "name": "small",
        "bad_values": ["bad"],
        "derived": [
            {"name": "share", "kind": "ratio", "of": ["amount", "income"], "direction": "rising"},
            {"name": "rest", "kind": "difference", "of": ["share", "amount"]},
            {"name": "age", "kind": "years_between", "of": ["opened", "day"], "unit": "years"},
        ],
        "strip": [{"pattern": "<br>", "why": "HTML"}],
        "concepts": [
            {"name": "car", "says": ["I need a car.", "A van."], "reason": {"code": "CAR", "wording": "A car."}},
            {
                "name": "illness",
                "says": ["I am ill."],
                "reason": {"code": "ILL", "wording": "Illness.", "disclosable": False},
                "words": ["surger*", "heart attack"],
                "sensitive": "health",
            },
        ],
    },
}


def parse(document: Any) -> Schema:
    return parse_schema(json.dumps(document), "small.schema.json")


def test_every_part_reaches_the_schema() -> None:
    schema = parse(SMALL)
    assert (schema.name, schema.title, schema.id.name, schema.bad_values) == ("small", "Loans", "id", ("bad",))
    income = schema["income"]
    assert (income.type, income.role, income.unit) == (FieldType.NUMBER, Role.FEATURE, "USD")
    assert (income.minimum, income.maximum, income.direction) == (0.0, 1000.0, Direction.FALLING)
    assert income.missing_values == ("", "NA", "-999")
    assert income.reason == Reason("INCOME", "Your income.", disclosable=False)
    assert schema["id"].required
    assert not schema["income"].required
    assert schema["opened"].date_format == "%d/%m/%Y"
    assert schema["opened"].minimum == 10.0
    assert schema["words"].max_length == 9
    assert schema["home"].categories == ("own", "rent")
    assert schema.derived[0] == Derived(
        "share", DerivedKind.RATIO, ("amount", "income"), "share", direction=Direction.RISING
    )
    assert schema.strip[0].pattern == "<br>"
    assert json.loads(schema.source) == SMALL
    assert (income.actionable, schema["amount"].actionable) == (Actionable.HIGHER, Actionable.NO)
    assert schema["words"].match_concepts
    assert schema.concepts == (
        Concept("car", ("I need a car.", "A van."), Reason("CAR", "A car.")),
        Concept(
            "illness",
            ("I am ill.",),
            Reason("ILL", "Illness.", disclosable=False),
            ("surger*", "heart attack"),
            Sensitive.HEALTH,
        ),
    )


def test_a_shipped_set_of_concepts_is_written_out_in_the_schema() -> None:
    document = copy.deepcopy(SMALL)
    document["creditfusion"]["concepts"] = "consumer_lending"
    schema = parse(document)
    kept = json.loads(schema.source)
    assert len(kept["creditfusion"]["concepts"]) == len(schema.concepts) > 20
    assert parse_schema(schema.source, "bundle/schema.json") == schema
    document["creditfusion"]["concepts"] = kept["creditfusion"]["concepts"]
    assert parse(document).digest == schema.digest != parse(SMALL).digest


def test_the_shipped_concepts_are_worded_for_applicants() -> None:
    concepts = load_schema("demo").concepts
    assert {concept.sensitive for concept in concepts} == {"", *Sensitive}
    assert len({concept.reason.code for concept in concepts}) == len(concepts)
    for concept in concepts:
        wording = concept.reason.wording
        assert re.fullmatch("What you wrote about .* (weighed against|did not strengthen) your application[.]", wording)
        assert len(wording) <= 100
        assert len(concept.statements) >= 5
        assert concept.reason.disclosable == (concept.sensitive == "")
        assert bool(concept.words) or not concept.sensitive


KINDS = {"number": "numeric", "string": "ordered", "date": "time_until"}


def later(type_: str, **outcome: Any) -> dict[str, Any]:
    """A column that is known only later, with its mapping."""
    mapping = {"kind": KINDS[type_], **outcome}
    return {"name": "later", "type": type_, "creditfusion": {"role": "auxiliary", "auxiliary": mapping}}


def test_notations_reach_the_fields() -> None:
    document = copy.deepcopy(SMALL)
    document["fields"][1] |= {"bareNumber": False, "groupChar": "."}
    document["fields"][1]["creditfusion"] |= {"affixes": ["%", "€"], "negative": "parentheses"}
    document["fields"][2] |= {"groupChar": ","}
    document["fields"][3] |= {"format": "%d %B %Y"}
    document["fields"][3]["creditfusion"] |= {"language": "de"}
    schema = parse(document)
    assert schema["income"].number == NumberNotation(",", ".", ("%", "€"), Negative.PARENTHESES)
    assert schema["amount"].number == NumberNotation(".", ",")
    assert (schema["opened"].date_format, schema["opened"].date_language) == ("%d %B %Y", "de")
    assert schema["day"].number == PLAIN


@pytest.mark.parametrize(
    ("field", "outcome"),
    [
        (later("number", direction="falling"), NumericOutcome(Direction.FALLING)),
        (later("string", levels=["none", "30 days"]), OrderedOutcome(("none", "30 days"))),
        (later("date", horizon="amount"), TimeUntilEvent("amount")),
        (later("date", horizon=36), TimeUntilEvent(36.0)),
    ],
)
def test_an_auxiliary_column_is_mapped_to_an_outcome(field: dict[str, Any], outcome: object) -> None:
    document = copy.deepcopy(SMALL)
    put("fields.+", field)(document)
    schema = parse(document)
    assert (schema["later"].role, schema["later"].auxiliary) == (Role.AUXILIARY, outcome)
    assert schema["later"].allowed == (outcome.levels if isinstance(outcome, OrderedOutcome) else ())
    assert all(other.auxiliary is None for other in schema.fields if other.name != "later")


def test_auxiliary_columns_of_the_shipped_schemas() -> None:
    schema = load_schema("lending_club")
    assert {field.name: field.auxiliary for field in schema.fields_of(Role.AUXILIARY)} == {
        "last_pymnt_d": TimeUntilEvent("term"),
        "last_fico_range_high": NumericOutcome(Direction.FALLING),
    }
    assert not load_schema("demo").fields_of(Role.AUXILIARY)


def test_labels_beside_statements() -> None:
    document = copy.deepcopy(SMALL)
    label = {"name": "job", "type": "string", "creditfusion": {"role": "narrative", "concepts": False}}
    put("fields.+", label)(document)
    assert [field.match_concepts for field in parse(document).narratives] == [True, False]
    for name, labels in (("demo", ["job_title"]), ("lending_club", ["emp_title"])):
        assert [field.name for field in load_schema(name).narratives if not field.match_concepts] == labels


def test_what_is_past_is_no_advice() -> None:
    for name, inquiries in (("demo", "inquiries_6m"), ("lending_club", "inq_last_6mths")):
        assert load_schema(name)[inquiries].actionable is Actionable.NO


def test_digest_depends_on_the_content_and_not_on_its_layout() -> None:
    compact = parse(SMALL)
    spread = parse_schema(json.dumps(dict(reversed(SMALL.items())), indent=4), "elsewhere")
    other = parse({**SMALL, "title": "Other loans"})
    assert len(compact.digest) == 64
    assert compact.digest == spread.digest != other.digest


def put(path: str, value: Any) -> Callable[[Any], None]:
    """An edit of the document: set the dotted path to a value, or delete it for None."""

    def edit(document: Any) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        for part in parents:
            document = document[part]
        if value is None:
            del document[last]
        elif last == "+":
            document.append(value)
        else:
            document[last] = value

    return edit


def both(*edits: Callable[[Any], None]) -> Callable[[Any], None]:
    """One edit after the other."""

    def edit(document: Any) -> None:
        for one in edits:
            one(document)

    return edit


SECOND = {"name": "second", "type": "string", "creditfusion": {"role": "id"}}
BROKEN: dict[str, tuple[Callable[[Any], None], str]] = {
    "unknown key of a field": (
        put("fields.1.constrains", {}),
        r"at \$\.fields\[1\]\.constrains: unknown key 'constrains' \(field 'income'\) .*mean 'constraints'",
    ),
    "unknown key of the table": (put("missingvalues", []), "mean 'missingValues'"),
    "unknown key deep down": (put("fields.1.creditfusion.reason.disclosed", True), "mean 'disclosable'"),
    "misspelt role": (put("fields.1.creditfusion.role", "featur"), "'featur' is not a valid value.*mean 'feature'"),
    "misspelt type": (put("fields.1.type", "numbr"), r"fields\[1\]\.type.*mean 'number'"),
    "no role": (put("fields.1.creditfusion.role", None), "the key 'role' is missing.*What the column is for"),
    "no fields": (put("fields", None), "the key 'fields' is missing"),
    "empty fields": (put("fields", []), r"at \$\.fields"),
    "wrong shape": (put("fields.1", "income"), r"\$\.fields\[1\].*'income' is not of type 'object'"),
    "newer version": (put("creditfusion.version", 2), r"\$\.creditfusion\.version"),
    "name twice": (put("fields.2.name", "income"), r"fields\[2\]\.name: the name 'income' stands twice"),
    "derived named as a field": (put("creditfusion.derived.0.name", "income"), "the name 'income' stands twice"),
    "no id": (put("fields.0.creditfusion.role", "ignored"), r"no field has the role 'id' \[rule one_id\]"),
    "two ids": (put("fields.+", SECOND), "id, second all have the role 'id'"),
    "two targets": (put("fields.5.creditfusion.role", "target"), "home, end all have the role 'target'"),
    "wrong primary key": (put("primaryKey", "income"), "'income' is not the field whose role is 'id'"),
    "numeric id": (put("fields.0.type", "integer"), "role 'id' and the type 'integer'.*Give it the type 'string'"),
    "numeric target": (put("fields.7.type", "integer"), "role 'target' and the type 'integer'"),
    "date as text": (put("fields.4.type", "string"), "role 'decision_date' and the type 'string'"),
    "no bad values": (put("creditfusion.bad_values", None), "the target 'end' has no bad_values"),
    "a threshold and bad values": (
        put("creditfusion.bad_if", ">= 90"),
        "bad_if says which numbers are bad, and bad_values",
    ),
    "a threshold of text": (
        put("creditfusion.bad_if", "> 1"),
        "bad_if compares numbers, and the target 'end' has the type",
    ),
    "no threshold": (put("creditfusion.bad_if", "90 days"), r"creditfusion\.bad_if"),
    "bad and good": (put("creditfusion.good_values", ["bad"]), "'bad' is both bad and good"),
    "bad and undecided": (put("creditfusion.undecided_values", ["bad"]), "'bad' is both bad and undecided"),
    "padded undecided": (put("creditfusion.undecided_values", ["open "]), "level 'open ' of 'end' has white space"),
    "bad values without target": (put("fields.7", None), "bad_values, bad_if, good_values or undecided_values but no"),
    "bad value not allowed": (put("fields.7.constraints", {"enum": ["good"]}), "'bad' is not in the enum of 'end'"),
    "bound of a text": (put("fields.6.constraints.minimum", 1), "'minimum' means nothing for 'words'"),
    "length of a number": (put("fields.1.constraints.maxLength", 1), "'maxLength' means nothing for 'income'"),
    "format of a number": (put("fields.1.format", "%Y"), "'format' means nothing for 'income'"),
    "unique elsewhere": (put("fields.1.constraints.unique", True), "'income' is unique but not the id"),
    "levels of a narrative": (put("fields.6.categories", ["a"]), "'words' has categories"),
    "direction of a text": (put("fields.5.creditfusion.direction", "rising"), "'home' has a direction"),
    "minimum above maximum": (put("fields.1.constraints.minimum", 2000), "minimum of 'income' is above its maximum"),
    "bound not a number": (put("fields.1.constraints.minimum", "zero"), "'zero' is no bound of 'income'.*Write a num"),
    "bound not a date": (put("fields.3.constraints.minimum", "11/01/1970"), "no bound of 'opened'.*Write an ISO"),
    "pattern": (put("fields.0.constraints", {"pattern": "(["}), r"fields\[0\]\.constraints\.pattern: '\(\[' is no reg"),
    "strip pattern": (put("creditfusion.strip.0.pattern", "*"), r"\$\.creditfusion\.strip\[0\]\.pattern"),
    "date format": (put("fields.3.format", "DD/MM/YYYY"), "'DD/MM/YYYY' does not give the year and month"),
    "date format left open": (
        put("fields.3.format", "%d/%m/%Y or %m/%d/%Y"),
        "dates of 'opened' can be read in 2 ways.*'%m/%d/%Y' .3 December 2024 is 12/03/2024",
    ),
    "time of day alone": (put("fields.3.format", "%H:%M"), "'%H:%M' does not give the year and month"),
    "language of a number": (put("fields.1.creditfusion.language", "de"), "'language' means nothing for 'income'"),
    "marks of a text": (put("fields.5.groupChar", "."), "'groupChar' means nothing for 'home'"),
    "a letter for a mark": (put("fields.1.groupChar", "k"), r"fields\[1\]\.groupChar: 'k' does not match"),
    "marks left open": (
        lambda document: document["fields"][1].update(groupChar=".", decimalChar="."),
        r"leaves open whether '\.' in 'income'.*drop 'groupChar' if it is one and a half",
    ),
    "a unit that is not named": (put("fields.1.bareNumber", False), "'bareNumber' of 'income' is false, but nothing"),
    "affixes of bare numbers": (put("fields.1.creditfusion.affixes", ["%"]), "has affixes, but its numbers are bare"),
    "level means missing": (put("fields.5.categories", ["own", "NA"]), "'NA' is a level of 'home' and means missing"),
    "outcome means missing": (
        put("creditfusion.good_values", ["NA"]),
        r"\$\.creditfusion\.good_values: 'NA' is a level of 'end' and means missing",
    ),
    "blank for good": (put("creditfusion.good_values", [""]), "'' is a level of 'end' and means missing"),
    "padded level": (put("fields.5.categories", ["own", " rent"]), "level ' rent' of 'home' has white space around it"),
    "padded outcome": (put("creditfusion.bad_values", ["bad "]), "level 'bad ' of 'end' has white space around it"),
    "level not allowed": (
        put("fields.5.constraints", {"enum": ["own"]}),
        "category 'rent' of 'home' is not in its enum",
    ),
    "derived of the unknown": (
        put("creditfusion.derived.0.of.1", "incom"),
        "needs 'incom', which is no numeric feature",
    ),
    "derived of itself": (put("creditfusion.derived.0.of.1", "share"), "needs 'share'"),
    "derived of a later one": (put("creditfusion.derived.0.of.1", "rest"), "needs 'rest'"),
    "derived of an ignored one": (put("fields.2.creditfusion.role", "ignored"), "needs 'amount'"),
    "years between numbers": (put("creditfusion.derived.2.of.0", "income"), "which is no date feature or decision"),
    "bare date feature": (put("creditfusion.derived.2", None), "date feature 'opened' is used by no derived feature"),
    "two wordings": (
        put("creditfusion.derived.0.reason", {"code": "INCOME", "wording": "Too little."}),
        "reason code 'INCOME' has two wordings",
    ),
    "disclosable and not": (
        put("creditfusion.derived.0.reason", {"code": "INCOME", "wording": "Your income."}),
        r"derived\[0\]\.reason\.disclosable: the reason code 'INCOME' is disclosable in one place and not in another",
    ),
    "a sentence without the value": (
        put("creditfusion.derived.0.reason", {"code": "LTI", "wording": "Much.", "low": "Too low."}),
        r"derived\[0\]\.reason\.low: 'Too low\.' has to hold the applicant's value once",
    ),
    "a sentence with open braces": (
        put("creditfusion.derived.0.reason", {"code": "LTI", "wording": "Much.", "high": "{value} {"}),
        "has to hold the applicant's value once",
    ),
    "braces where there is no value": (
        put("creditfusion.derived.0.reason", {"code": "LTI", "wording": "Much.", "missing": "No {value}."}),
        r"reason\.missing: 'No \{value\}\.' has braces",
    ),
    "feature as a label": (
        put("fields.5.creditfusion.concepts", False),
        r"fields\[5\]\.creditfusion\.concepts: 'home' is to be matched to no concepts, but is no narrative",
    ),
    "concepts for labels only": (put("fields.6.creditfusion.concepts", False), "but no narrative to find them in"),
    "actionable text": (put("fields.5.creditfusion.actionable", "lower"), "'home' is actionable, but is no numeric"),
    "actionable outcome": (put("fields.7.creditfusion.actionable", "either"), "'end' is actionable"),
    "misspelt way": (put("fields.1.creditfusion.actionable", "lowr"), "'lowr' is not a valid value.*mean 'lower'"),
    "unknown set": (
        put("creditfusion.concepts", "consumer_lendin"),
        r"at \$\.creditfusion\.concepts: 'consumer_lendin' is no shipped set of concepts .*mean 'consumer_lending'",
    ),
    "concepts without narrative": (put("fields.6.creditfusion.role", "ignored"), "but no narrative to find them in"),
    "concept twice": (put("creditfusion.concepts.1.name", "car"), "the concept 'car' stands twice"),
    "concept without statements": (put("creditfusion.concepts.0.says", []), r"\$\.creditfusion\.concepts\[0\]\.says"),
    "concept without reason": (put("creditfusion.concepts.0.reason", None), "the key 'reason' is missing"),
    "blank statement": (put("creditfusion.concepts.0.says.0", " "), r"concepts\[0\]\.says\[0\]"),
    "statement of two concepts": (
        put("creditfusion.concepts.1.says.0", "A van."),
        r"concepts\[1\]\.says\[0\]: 'A van\.' is said to mean 'car' and 'illness'",
    ),
    "word in capitals": (
        put("creditfusion.concepts.1.words.0", "Surgery"),
        "'Surgery' of the concept 'illness'",
    ),
    "star inside a word": (put("creditfusion.concepts.1.words.0", "sur*ery"), r"concepts\[1\]\.words\[0\]"),
    "words of no kind": (put("creditfusion.concepts.1.sensitive", None), "'illness' has words, but is of no sensitive"),
    "unknown kind": (put("creditfusion.concepts.1.sensitive", "helth"), "'helth' is not a valid value.*mean 'health'"),
    "auxiliary without a mapping": (
        put("fields.2.creditfusion.role", "auxiliary"),
        r"fields\[2\]\.creditfusion\.auxiliary: 'amount' is auxiliary, but .*kinds numeric, ordered, time_until",
    ),
    "mapping of a feature": (
        put("fields.2.creditfusion.auxiliary", {"kind": "numeric", "direction": "rising"}),
        "'amount' is mapped to an auxiliary outcome, but has the role 'feature'.*role 'auxiliary'",
    ),
    "unknown kind of outcome": (put("fields.+", later("number", kind="numbr")), "'numbr' is not .*mean 'numeric'"),
    "unknown key of an outcome": (
        put("fields.+", later("number", directon="rising")),
        r"creditfusion\.auxiliary\.directon: unknown key 'directon' \(field 'later'\) .*mean 'direction'",
    ),
    "kind of another type": (
        put("fields.+", later("number", kind="ordered", levels=["a", "b"])),
        r"auxiliary\.kind: 'later' of type 'number' cannot .*'ordered'.*fits the kind 'numeric'",
    ),
    "number without direction": (put("fields.+", later("number")), "'later' lacks 'direction'.*rising"),
    "number of no direction": (put("fields.+", later("number", direction="none")), "'none' is not a valid value"),
    "no levels": (put("fields.+", later("string")), "'later' lacks 'levels'.*from the safest to the riskiest"),
    "one level": (put("fields.+", later("string", levels=["a"])), r"auxiliary\.levels"),
    "level twice": (put("fields.+", later("string", levels=["a", "a"])), r"auxiliary\.levels"),
    "level of an outcome means missing": (
        put("fields.+", later("string", levels=["a", "NA"])),
        r"auxiliary\.levels: 'NA' is a level of 'later' and means missing",
    ),
    "levels and an enum": (
        put("fields.+", later("string", levels=["a", "b"]) | {"constraints": {"enum": ["a"]}}),
        "'later' has an enum beside the levels.*Drop the enum",
    ),
    "key of another kind": (
        put("fields.+", later("date", horizon=36, direction="rising")),
        r"auxiliary\.direction: 'direction' means nothing .*'time_until'.*'horizon' alone",
    ),
    "no horizon": (put("fields.+", later("date")), "'later' lacks 'horizon'.*in months"),
    "horizon of 0": (put("fields.+", later("date", horizon=0)), r"auxiliary\.horizon"),
    "horizon of a text": (
        put("fields.+", later("date", horizon="home")),
        r"auxiliary\.horizon: the horizon 'home' of 'later' is no numeric feature.*one of: income, amount",
    ),
    "time without a decision": (
        both(put("fields.4.creditfusion.role", "ignored"), put("fields.+", later("date", horizon=36))),
        r"auxiliary\.kind: 'later' is the time until an event, but no field has the role 'decision_date'",
    ),
    "time without a target": (
        both(
            put("fields.7.creditfusion.role", "ignored"),
            put("creditfusion.bad_values", None),
            put("fields.+", later("date", horizon=36)),
        ),
        r"no field has the role 'target': only bad outcomes have it.*or make 'later' 'ignored'",
    ),
    "required later": (
        put("fields.+", later("number", direction="rising") | {"constraints": {"required": True}}),
        r"constraints\.required: 'later' is required, but an auxiliary column rejects no row",
    ),
    "label of a narrative": (
        put("fields.6.creditfusion.labels", {"a": "b"}),
        r"labels: '\w+' has labels, but is no feature of levels or numbers",
    ),
    "label of no number": (
        put("fields.1.creditfusion.labels", {"none": "no income"}),
        r"labels: the label of 'none' is for no number, and 'income' holds numbers.*such as '-9'",
    ),
    "label of a missing value": (
        put("fields.1.creditfusion.labels", {"-999": "not stated"}),
        r"labels: '-999' of 'income' has a label and means missing.*Drop it from one of the two",
    ),
    "label of no level": (
        put("fields.5.creditfusion.labels", {"A14": "no account"}),
        r"labels: 'A14' has a label, but is no level of '\w+'.*one of its levels",
    ),
    "code of a column": (
        put("creditfusion.concepts.0.reason.code", "INCOME"),
        r"concepts\[0\]\.reason: the reason code 'INCOME' has two wordings",
    ),
}


@pytest.mark.parametrize(("edit", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_schema_names_place_rule_and_remedy(edit: Callable[[Any], None], message: str) -> None:
    document = copy.deepcopy(SMALL)
    edit(document)
    with pytest.raises(ContractError, match=message) as caught:
        parse(document)
    assert caught.value.message.startswith("small.schema.json at $")
    assert "[rule " in caught.value.message
    assert caught.value.remedy


def test_no_input_for_the_model() -> None:
    document = {"fields": [SMALL["fields"][0]], "creditfusion": {"version": 1, "name": "empty"}}
    with pytest.raises(ContractError, match="no field is a feature or a narrative"):
        parse(document)


def test_further_problems_are_named_too() -> None:
    document = copy.deepcopy(SMALL)
    put("fields.0.creditfusion.role", "ignored")(document)
    put("creditfusion.bad_values", None)(document)
    with pytest.raises(ContractError, match=r"\(1 more: \$\.creditfusion\.bad_values the target 'end'"):
        parse(document)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"small, line 1, column 1: not valid JSON"),
        ('{"fields": [,]}', "line 1, column 13"),
        ('{"fields": 1, "fields": 2}', "the key 'fields' stands twice"),
        ('{"fields": NaN}', "NaN is not a JSON number"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "is not of type 'object'"),
        ("null", "is not of type 'object'"),
        ('{"fields": [1e999], "creditfusion": 3}', "is not of type 'object'"),
    ],
)
def test_text_that_is_no_schema(text: str, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        parse_schema(text, "small")


def test_overflowing_bound() -> None:
    text = json.dumps(SMALL).replace('"maximum": 1000', '"maximum": 1e999')
    with pytest.raises(ContractError, match="inf is no bound of 'income'"):
        parse_schema(text, "small")


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"'demmo' cannot be read: No such file.*demo, demo_sources, lending_club"):
        load_schema("demmo")
    with pytest.raises(ContractError, match="cannot be read: Is a directory"):
        load_schema(tmp_path)
    (tmp_path / "latin.json").write_bytes(b'{"title": "\xe9"}')
    with pytest.raises(ContractError, match=r"not UTF-8 text \(byte 11\)"):
        load_schema(tmp_path / "latin.json")


def test_file_with_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "small.json"
    path.write_text(json.dumps(SMALL), encoding="utf-8-sig")
    assert load_schema(str(path)).digest == parse(SMALL).digest


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["fields", "creditfusion", "name", "type", "role"]) | st.text(), inner)
    ),
    max_leaves=10,
)


@given(JSON, st.sampled_from(["fields", "fields.1", "fields.1.constraints", "creditfusion", "creditfusion.derived.0"]))
def test_no_json_brings_the_reader_down(value: Any, place: str) -> None:
    document = copy.deepcopy(SMALL)
    put(place, value)(document)
    try:
        parse(document)
    except ContractError as error:
        assert error.remedy  # noqa: PT017 - any other exception fails the test


@pytest.mark.parametrize("name", ["demo", "demo_sources", "lending_club"])
def test_shipped_schemas_explain_every_input(name: str) -> None:
    assert name in shipped_schemas()
    schema = load_schema(name)
    assert schema.name == name
    assert schema.field_of(Role.TARGET)
    assert schema.field_of(Role.DECISION_DATE)
    assert schema.narratives
    reasons = [field.reason for field in (*schema.features, *schema.narratives)] + [d.reason for d in schema.derived]
    assert all(reason and reason.wording.endswith(".") for reason in reasons)
    numbers = [field for field in schema.own_fields if field.role is Role.FEATURE and field.is_numeric]
    assert all(field.unit for field in schema.features if field.is_numeric)
    assert all(field.unit and field.minimum is not None and field.maximum is not None for field in numbers)
    assert all(derived.unit for derived in schema.derived)


def test_the_form_itself_is_a_valid_json_schema() -> None:
    path = Path(__file__).parents[2] / "data_schemas" / "contract.schema.json"
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.real_data
def test_lending_club_schema_knows_every_column(lending_club_csv: Path) -> None:
    with gzip.open(lending_club_csv, "rt", encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    assert [field.name for field in load_schema("lending_club").fields] == header


def test_a_schema_may_say_that_a_column_is_no_bureaus_score() -> None:
    document = copy.deepcopy(SMALL)
    own = next(field for field in document["fields"] if field["name"] == "income")["creditfusion"]
    assert not parse_schema(json.dumps(document), "s")["income"].no_bureau_score
    own["bureau_score"] = False
    field = parse_schema(json.dumps(document), "s")["income"]
    assert (field.bureau_score, field.no_bureau_score) == (None, True)
    own["bureau_score"] = True
    with pytest.raises(ContractError, match="bureau_score"):
        parse_schema(json.dumps(document), "s")
