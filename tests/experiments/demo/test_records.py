from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from data_schemas.reader import load_schema
from experiments.demo.calls import CALL_CONCEPTS, CALL_SMALL_TALK, CALLS_AFTER_DEFAULT, CALLS_AFTER_REPAYMENT
from experiments.demo.data import generate
from experiments.demo.records import BUREAU_LAG, DATES, SHARE_WITHOUT, WINDOW, DemoSources, with_sources
from experiments.demo.sentences import fillings

PLAIN = generate(6_000, seed=3)


@pytest.fixture(scope="module")
def demo() -> DemoSources:
    return with_sources(PLAIN, 3, leaking=True)


def is_bad(demo: DemoSources) -> np.ndarray:
    return (demo.data.table["outcome"] == "defaulted").to_numpy()


def owned(demo: DemoSources, source: str) -> pd.DataFrame:
    """Records with the place of their application and their age in days at the decision."""
    applications = demo.data.table[["application_id", "applied_on"]].reset_index(names="at")
    records = demo.tables[source].merge(applications, on="application_id")
    return records.assign(age=(pd.to_datetime(records["applied_on"]) - pd.to_datetime(records[DATES[source]])).dt.days)


def known(demo: DemoSources, source: str, lag: int = 0) -> pd.DataFrame:
    records = owned(demo, source)
    return records[records["age"] > lag]


def by_application(demo: DemoSources, records: pd.DataFrame, values: pd.Series) -> np.ndarray:
    return np.bincount(records["at"], values, len(demo.data))


def test_equal_arguments_give_equal_records_and_another_seed_others() -> None:
    few = generate(300, 1)
    first, again, other = with_sources(few, 1, True), with_sources(few, 1, True), with_sources(few, 2, True)
    for name in DATES:
        assert first.tables[name].to_csv() == again.tables[name].to_csv()
        assert first.tables[name].to_csv() != other.tables[name].to_csv()
    assert first.data.table.equals(again.data.table)


def test_records_have_the_columns_that_the_contract_declares(demo: DemoSources) -> None:
    schema, plain = load_schema("demo_sources"), load_schema("demo")
    assert schema.own_fields == plain.fields
    assert [source.name for source in schema.sources] == list(DATES)
    for source in schema.sources:
        assert [field.name for field in source.contract.fields] == list(demo.tables[source.name])
        assert source.as_of.date == DATES[source.name]
        for field in source.contract.features:
            if field.categories:
                assert set(demo.tables[source.name][field.name]) == set(field.categories)


def test_each_source_adds_something_that_no_other_source_has(demo: DemoSources) -> None:
    total = demo.data.log_odds
    best = roc_auc_score(is_bad(demo), total)
    assert 0.83 < best < 0.88
    for part in demo.log_odds.values():
        assert roc_auc_score(is_bad(demo), total - part) < best - 0.015
        assert abs(np.corrcoef(part, total - part)[0, 1]) < 0.04
    np.testing.assert_allclose(PLAIN.log_odds + sum(demo.log_odds.values()), total)
    assert 0.15 < is_bad(demo).mean() < 0.3
    assert is_bad(demo).mean() == pytest.approx(expit(total).mean(), abs=0.02)


def test_what_the_bureau_adds_is_late_accounts_and_balances_known_at_the_decision(demo: DemoSources) -> None:
    records = known(demo, "bureau", BUREAU_LAG)
    late = by_application(demo, records, records["days_late"] >= 30)
    owed = by_application(demo, records, records["balance"])
    expected = 0.6 * np.minimum(late, 4) + 0.5 * (np.log1p(owed / 1000) - 2.1) * (owed > 0) - 0.3
    np.testing.assert_allclose(demo.log_odds["bureau"], expected)


def test_what_transactions_add_is_falling_salaries_and_recent_gambling_and_overdrafts(demo: DemoSources) -> None:
    records = known(demo, "transactions")
    recent = records["age"] <= WINDOW
    stakes, fees = (
        by_application(demo, records, recent & (records["kind"] == kind)) for kind in ("gambling", "overdraft fee")
    )
    salaries = records[records["kind"] == "salary"].assign(year=lambda one: -one["age"] / 365.25)
    drift = np.zeros(len(demo.data))
    for _, one in salaries.groupby("at"):
        drift[one["at"].to_numpy()] = np.polyfit(one["year"], one["amount"], 1)[0] / one["amount"].mean()
    has = np.bincount(records["at"], minlength=len(demo.data)) > 0
    expected = 0.35 * np.minimum(stakes, 4) + 0.5 * np.minimum(fees, 3) - 0.5 * has - 1.5 * np.clip(drift, -0.9, 0.9)
    np.testing.assert_allclose(demo.log_odds["transactions"], expected, atol=1e-9)
    assert (~has).mean() == pytest.approx(SHARE_WITHOUT["transactions"], abs=0.01)


def test_what_call_notes_add_stands_in_their_sentences(demo: DemoSources) -> None:
    records = known(demo, "call_notes")
    texts = records.groupby("at")["note"].agg(" ".join).reindex(range(len(demo.data)), fill_value="")
    expected = np.zeros(len(demo.data))
    for concept in CALL_CONCEPTS:
        wordings = [sentence for template in concept.templates for sentence in fillings(template)]
        expected += concept.weight * texts.map(lambda text, of=wordings: any(one in text for one in of))
    np.testing.assert_allclose(demo.log_odds["call_notes"], expected, atol=1e-9)


def test_records_after_the_decision_know_the_outcome_of_decided_applications_alone(demo: DemoSources) -> None:
    bad = is_bad(demo)
    for name, column, failed in (
        ("bureau", "status", ("charged off",)),
        ("transactions", "kind", ("collection",)),
        ("call_notes", "note", [text for one in CALLS_AFTER_DEFAULT for text in fillings(one)]),
    ):
        records = owned(demo, name)
        later = records[records["age"] <= 0]
        assert len(later) / len(demo.data) == pytest.approx(0.4, abs=0.02)
        np.testing.assert_array_equal(later[column].isin(failed), bad[later["at"]])
        assert not records[records["age"] > 0][column].isin(failed).any()
    open_yet = with_sources(PLAIN, 3, leaking=False)
    assert all(owned(open_yet, name)["age"].min() > 0 for name in DATES)


def test_some_records_belong_to_no_application(demo: DemoSources) -> None:
    for records in demo.tables.values():
        lost = ~records["application_id"].isin(demo.data.table["application_id"])
        assert lost.mean() == pytest.approx(0.005, abs=0.001)


def test_no_sentence_of_a_call_means_two_things() -> None:
    templates = [template for concept in CALL_CONCEPTS for template in concept.templates]
    templates += [*CALL_SMALL_TALK, *CALLS_AFTER_DEFAULT, *CALLS_AFTER_REPAYMENT]
    sentences = [sentence for template in templates for sentence in fillings(template)]
    assert len(set(sentences)) == len(sentences)
    assert not any(one != other and one in other for one in sentences for other in sentences)
