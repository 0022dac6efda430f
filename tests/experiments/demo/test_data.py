from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score

from data_schemas.reader import load_schema
from experiments.demo.data import DemoData, column_log_odds, generate
from experiments.demo.sentences import CONCEPTS, SMALL_TALK, fillings
from features.tables.reader import ReadOptions, read_all


@pytest.fixture(scope="module")
def data() -> DemoData:
    return generate(20_000, seed=3)


def is_bad(data: DemoData) -> np.ndarray:
    return (data.table["outcome"] == "defaulted").to_numpy()


def test_equal_arguments_give_equal_tables_and_another_seed_another_one() -> None:
    first, again, other = generate(500, 1), generate(500, 1), generate(500, 2)
    assert first.table.to_csv() == again.table.to_csv()
    np.testing.assert_array_equal(first.log_odds, again.log_odds)
    assert not first.table["statement"].equals(other.table["statement"])


@pytest.mark.parametrize("n_rows", [0, 1, 400])
def test_every_row_keeps_the_demo_contract(tmp_path: Path, n_rows: int) -> None:
    path = tmp_path / "demo.csv"
    generate(n_rows, 5).table.to_csv(path, index=False)
    chunk = read_all(path, load_schema("demo"), ReadOptions(need_target=True))
    assert len(chunk.applications) == n_rows
    assert chunk.rejects.frame.empty


def test_the_columns_are_those_of_the_demo_schema(data: DemoData) -> None:
    assert set(data.table.columns) == {field.name for field in load_schema("demo").fields}


def test_the_rule_is_the_best_ranking_and_the_columns_alone_are_clearly_worse(data: DemoData) -> None:
    best = roc_auc_score(is_bad(data), data.log_odds)
    columns = roc_auc_score(is_bad(data), data.column_log_odds)
    assert 0.77 < best < 0.82
    assert columns < best - 0.045


def test_defaults_come_as_often_as_the_rule_says(data: DemoData) -> None:
    expected = expit(data.log_odds)
    deviation = np.sqrt((expected * (1 - expected)).sum())
    assert abs(is_bad(data).sum() - expected.sum()) < 4 * deviation
    assert 0.15 < expected.mean() < 0.25


def test_a_third_writes_nothing_and_then_only_the_columns_and_the_job_title_count(data: DemoData) -> None:
    silent = (data.table["statement"] == "").to_numpy()
    assert silent.mean() == pytest.approx(1 / 3, abs=0.02)
    added = data.log_odds - data.column_log_odds
    assert set(np.round(added[silent], 9)) == {0.0, 0.6}
    assert np.unique(np.round(added[~silent], 6)).size > 50


def test_what_the_narratives_add_cannot_be_had_from_the_columns(data: DemoData) -> None:
    numbers = data.table.select_dtypes("number").fillna(0)
    inputs = np.column_stack([numbers, numbers**2, data.column_log_odds])
    added = data.log_odds - data.column_log_odds
    fit = LinearRegression().fit(inputs[:10_000], added[:10_000])
    assert fit.score(inputs[10_000:], added[10_000:]) < 0.005


def test_the_words_that_were_written_tell_the_concepts(data: DemoData) -> None:
    """A statement that holds the sentences of one concept has that concept's weight on average, up to the others."""
    added = data.log_odds - data.column_log_odds
    text = data.table["statement"].str.lower()
    wrote = (text != "").to_numpy()
    for concept in CONCEPTS:
        wordings = [sentence.lower() for template in concept.templates for sentence in fillings(template)]
        says = text.str.contains("|".join(map(re.escape, wordings))).to_numpy()
        difference = added[says].mean() - added[wrote & ~says].mean()
        assert difference == pytest.approx(concept.weight, abs=0.2), concept.name


def test_the_rule_reads_nothing_but_the_table(data: DemoData) -> None:
    np.testing.assert_array_equal(column_log_odds(data.table), data.column_log_odds)
    without_protected = data.table.assign(sex="", age_band="", statement="", outcome="")
    np.testing.assert_array_equal(column_log_odds(without_protected), data.column_log_odds)


def test_protected_columns_go_with_some_features(data: DemoData) -> None:
    by_sex = data.table.groupby("sex")["annual_income"].median()
    assert 1.01 < by_sex["male"] / by_sex["female"] < 1.15
    by_age = data.table.groupby("age_band")["employment_years"].median()
    assert by_age["18-29"] < by_age["45-61"]


def test_cells_are_missing_at_the_stated_rates(data: DemoData) -> None:
    assert data.table["employment_years"].isna().mean() == pytest.approx(0.06, abs=0.01)
    assert (data.table["credit_score"] == -999).mean() == pytest.approx(0.05, abs=0.01)


def test_applications_come_in_order_of_their_days_within_the_window() -> None:
    table = generate(300, 1, np.datetime64("2023-01-01"), 90).table
    assert table["applied_on"].is_monotonic_increasing
    assert table["applied_on"].between("2023-01-01", "2023-03-31").all()
    assert table["application_id"].is_unique


def test_no_sentence_belongs_to_two_concepts() -> None:
    templates = [template for concept in CONCEPTS for template in concept.templates] + list(SMALL_TALK)
    sentences = [sentence for template in templates for sentence in fillings(template)]
    assert len(set(sentences)) == len(sentences)
    assert not any("{" in sentence for sentence in sentences)


def test_the_truth_stands_beside_the_table_by_application(data: DemoData) -> None:
    truth = data.truth()
    assert list(truth["application_id"]) == list(data.table["application_id"])
    np.testing.assert_allclose(truth["true_pd"], expit(truth["true_log_odds"]))
