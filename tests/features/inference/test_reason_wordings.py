from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from data_schemas.reader import load_schema, parse_schema
from data_schemas.unfinished import unfinished
from features.inference.draft import draft_schema, pretty_json
from features.inference.reason_wordings import (
    LABEL_NOTE,
    NOTE,
    SCORE_NOTE,
    VAGUE_NOTE,
    subject_of,
    unit_of,
    with_reasons,
    words_in,
)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("INCOME", "annual_inc MonthlyIncome 月收入 Monatseinkommen ingresos_mensuales revenu_annuel renda_mensal"),
        ("DTI", "dti debt_to_income 负债率 Verschuldungsgrad ratio_de_endeudamiento taux_endettement endividamento"),
        ("UTILISATION", "revolUtil credit_utilization 额度使用率 Kreditausschöpfung utilización utilização"),
        ("INQUIRIES", "inq_last_6mths NumInqLast6M 近半年查询次数 Kreditanfragen consultas_6_meses"),
        ("DELINQUENCY", "delinq_2yrs late_payments 逾期次数 Zahlungsverzug atrasos retards inadimplência"),
        ("LAST_DELINQUENCY", "mths_since_last_delinq MSinceMostRecentDelq"),
        ("CREDIT_HISTORY", "earliest_cr_line credit_history_length 账龄 Kredithistorie antigüedad_crediticia"),
        ("CREDIT_RECORD", "credit_history 信用记录"),
        ("CREDIT_SCORE", "fico_range_low CreditScore 信用评分 SCHUFA_Score puntaje_crediticio pontuação"),
        ("AMOUNT", "loan_amnt Amount 贷款金额 Kreditbetrag monto_solicitado montant_du_credit valor_do_emprestimo"),
        ("TERM", "term loan_duration 贷款期限 Laufzeit plazo durée prazo"),
        ("EMPLOYMENT", "emp_length years_employed 工作年限 Beschäftigungsdauer antigüedad_laboral tempo_de_emprego"),
        ("HOUSING", "home_ownership 住房情况 Wohnsituation vivienda logement moradia"),
        ("SAVINGS", "savings_account 储蓄 Sparguthaben ahorros épargne poupança"),
        ("BALANCE", "revol_bal BILL_AMT1 账户余额 Saldo solde"),
        ("ACCOUNTS", "open_acc num_open_accounts 信用卡数 Anzahl_Kredite numero_de_cuentas"),
        ("PURPOSE", "purpose 借款用途 Verwendungszweck destino_del_prestamo finalidade"),
        ("COLLATERAL", "collateral 抵押物 Sicherheiten garantías garanties"),
        ("GUARANTOR", "guarantor 担保人 Bürge avalista fiador"),
    ],
)
def test_common_columns_are_recognised_in_six_languages(code: str, names: str) -> None:
    found = {name: subject.reason["code"] if (subject := subject_of(name)) else "" for name in names.split()}
    assert found == dict.fromkeys(names.split(), code)


@pytest.mark.parametrize("name", ["widgets", "x1", "列一", "", "___", "incognito", "termite", "scoreboard_theme"])
def test_a_name_without_meaning_gets_no_wording(name: str) -> None:
    assert subject_of(name) is None


@pytest.mark.parametrize("name", ["demo", "lending_club"])
def test_shipped_contracts_are_finished(name: str) -> None:
    assert not unfinished(load_schema(name)).without_wording


def test_words_lose_case_accents_and_joints() -> None:
    assert words_in("revolUtil_2yrs") == "revol util 2 yrs"
    assert words_in("Bürgschaft-Größe") == "burgschaft grosse"
    assert words_in("NumInqLast6M") == "num inq last 6 m"


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("term_months", "months"),
        ("inq_last_6_months", ""),
        ("mths_since_last_record", "months"),
        ("years_employed", "years"),
        ("credits_per_month", ""),
        ("利率(%)", "percent"),
        ("月收入(元)", "CNY"),
        ("income_eur", "EUR"),
        ("income", ""),
    ],
)
def test_units_are_read_off_names(name: str, unit: str) -> None:
    assert unit_of(name) == unit


def test_a_draft_words_the_reasons_that_it_can_and_says_so() -> None:
    table = pd.DataFrame(
        {
            "id": [f"A{i}" for i in range(60)],
            "applied": [f"2024-01-{i % 28 + 1:02}" for i in range(60)],
            "oldest_account": [f"20{i % 20:02}-03-01" for i in range(60)],
            "Einkommen": [str(1000 + 7 * i) for i in range(60)],
            "laufzeit_monate": [str(6 + i % 30) for i in range(60)],
            "widgets": [str(i % 9) for i in range(60)],
            "defaulted": [str(int(i % 5 == 0)) for i in range(60)],
        },
        dtype=object,
    )
    document = draft_schema(table, "loans", "a table").document
    schema = parse_schema(pretty_json(document), "draft")
    assert schema["Einkommen"].reason is not None
    assert (schema["Einkommen"].reason.code, schema["Einkommen"].reason.wording) == ("INCOME", "Your income.")
    assert schema["laufzeit_monate"].unit == "months"
    assert [one.reason.code for one in schema.derived if one.reason] == ["CREDIT_HISTORY"]
    notes = {field["name"]: field["creditfusion"]["guess"] for field in document["fields"]}
    assert {name for name, note in notes.items() if NOTE in note} == {"Einkommen", "laufzeit_monate"}
    found = unfinished(schema)
    assert found.without_wording == ("widgets",)
    assert found.without_unit == ("Einkommen", "widgets")
    assert len(found.guesses) == len(document["fields"]) + 1


def test_what_a_draft_states_is_kept() -> None:
    stated = {"code": "MINE", "wording": "Mine."}
    own = {"role": "feature", "unit": "EUR", "reason": stated, "guess": "feature."}
    document = {"fields": [{"name": "income_usd", "type": "number", "creditfusion": own}], "creditfusion": {}}
    assert with_reasons(document) == document


def drafted(name: str) -> dict[str, Any]:
    """What a draft says of a column of numbers of this name."""
    own = {"role": "feature", "guess": "feature: a number."}
    document = {"fields": [{"name": name, "type": "number", "creditfusion": own}], "creditfusion": {}}
    found: dict[str, Any] = with_reasons(document)["fields"][0]["creditfusion"]
    return found


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("loan_amnt", "lower"),
        ("term_months", "either"),
        ("Laufzeit", "either"),
        ("down_payment", "higher"),
        ("贷款期限", "either"),
        ("last_payment_amount", None),
        ("income", None),
    ],
)
def test_what_an_applicant_asks_for_is_drafted_as_changeable(name: str, way: str | None) -> None:
    found = drafted(name)
    assert found.get("actionable") == way
    assert ("`actionable`" in found["guess"]) == (way is not None)


@pytest.mark.parametrize(
    ("name", "label"),
    [("emp_title", True), ("Arbeitgeber", True), ("职业", True), ("description", False), ("job_description", False)],
)
def test_a_narrative_that_names_a_job_or_employer_is_drafted_as_a_label(name: str, label: bool) -> None:
    field = {"name": name, "type": "string", "creditfusion": {"role": "narrative", "guess": "free text."}}
    (drafted,) = with_reasons({"fields": [field], "creditfusion": {}})["fields"]
    own = drafted["creditfusion"]
    assert own.get("concepts", True) != label
    assert (LABEL_NOTE in own["guess"]) == label


@pytest.mark.parametrize(("name", "asked"), [("ExternalRiskEstimate", True), ("fico", True), ("income", False)])
def test_a_draft_asks_whether_a_column_is_a_bureaus_score(name: str, asked: bool) -> None:
    assert (SCORE_NOTE in drafted(name)["guess"]) == asked


@pytest.mark.parametrize(("name", "vague"), [("term", True), ("Duration", True), ("loan_duration", False)])
def test_a_name_of_several_meanings_is_not_worded(name: str, vague: bool) -> None:
    found = drafted(name)
    assert ("reason" not in found) == vague
    assert (VAGUE_NOTE in found["guess"]) == vague
    assert not vague or "actionable" not in found
