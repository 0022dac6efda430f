"""A column is a leak by what it surely knows, by its name or by its date; a strong predictor stays an input, marked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.fields import Role
from features.arrays import Floats
from features.inference.draft import Draft, draft_schema
from features.inference.leakage import CERTAIN_AUC, MAX_AUC, LeakSign, leak_by_outcome, lower_bound, single_auc
from features.inference.profile import ColumnProfile, profile

N = 2_000
RANDOM = np.random.default_rng(11)
BAD = np.arange(N) % 5 == 0
Y = BAD.astype(np.float64)
HALF = np.arange(N) % 2 == 0


def column(cells: object, name: str = "x") -> ColumnProfile:
    return profile(name, pd.Series(np.asarray(cells).astype(str), dtype=object))


def noisy(strength: float) -> list[str]:
    """Numbers that rank the outcome better, the greater ``strength``."""
    return [f"{value:.3f}" for value in RANDOM.normal(0, 1, N) + strength * BAD]


def sign(cells: object) -> LeakSign:
    found = leak_by_outcome(column(cells), Y)
    assert found is not None
    return found


def test_levels_that_occur_once_rank_nothing() -> None:
    assert single_auc(column([f"t{at}" for at in range(N)]), Y) == pytest.approx(0.5)
    assert single_auc(column(np.where(BAD, "a", "b")), Y) == pytest.approx(1.0)


def test_codes_rank_by_their_level_and_not_by_their_number() -> None:
    assert single_auc(column(np.where(BAD, "2", RANDOM.choice(["1", "3"], N))), Y) == pytest.approx(1.0)


def test_a_column_that_the_outcome_fills_is_a_leak() -> None:
    words = "it is filled for 200 rows, 100.0% of them with one and the same outcome, which 20.0% of all have"
    assert sign(np.where(BAD & HALF, "5", "")) == LeakSign(True, words)


def test_an_amount_that_only_bad_loans_have_is_a_leak() -> None:
    found = sign(np.where(BAD & HALF, "250", "0"))
    assert found.certain
    assert found.why.startswith("it differs from 0 for 200 rows")


def test_missingness_is_distinguished_from_values() -> None:
    by_gaps = sign(np.where(np.where(RANDOM.random(N) < 0.08, ~BAD, BAD), "", noisy(0.0)))
    assert by_gaps.why.startswith("whether it is filled separates the outcomes with an AUC of 0.9")
    by_values = sign(np.where(RANDOM.random(N) < 0.4, "", noisy(2.0)))
    assert by_values.why.startswith("alone its values separate the outcomes")
    assert "rows where it is filled" in by_values.why


def test_a_strong_predictor_is_suspect_and_not_certain() -> None:
    found = sign(noisy(1.7))
    assert not found.certain
    assert "(at least 0.8" in found.why


def test_a_segment_without_bad_loans_is_no_certain_leak() -> None:
    assert not sign(np.where(~BAD & (RANDOM.random(N) < 0.3), "1", "0")).certain


@settings(max_examples=25, deadline=None)
@given(rate=st.floats(0.005, 0.5), filled=st.floats(0.05, 0.95), seed=st.integers(0, 1000))
def test_chance_makes_no_leak_however_rare_the_bad_are(rate: float, filled: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    y = (random.random(3_000) < rate).astype(np.float64)
    cells = np.where(random.random(3_000) < filled, random.integers(0, 9, 3_000).astype(str), "")
    found = leak_by_outcome(column(cells), y)
    assert found is None or not found.certain


def test_few_rows_are_never_certain() -> None:
    assert lower_bound(1.0, Y[:40]) < MAX_AUC
    assert lower_bound(1.0, Y[:500]) > CERTAIN_AUC
    assert leak_by_outcome(column(np.where(BAD, "9", "1")[:20]), Y[:20]) is None


@given(auc=st.floats(0.5, 1.0), n_bad=st.integers(1, 500), n_good=st.integers(1, 500))
def test_the_bound_lies_below_the_figure(auc: float, n_bad: int, n_good: int) -> None:
    assert 0.0 <= lower_bound(auc, np.repeat((1.0, 0.0), (n_bad, n_good))) <= auc + 1e-9


@pytest.mark.parametrize("y", [np.full(N, np.nan), np.ones(N)])
def test_without_two_outcomes_nothing_leaks(y: Floats) -> None:
    assert leak_by_outcome(column(noisy(3.0)), y) is None


def draft(**columns: list[str]) -> Draft:
    base = {"loan_no": [f"L{at:05}" for at in range(N)], "default": np.where(BAD, "1", "0").tolist()}
    return draft_schema(pd.DataFrame(base | columns, dtype=object), "loans", "a table")


def roles(drafted: Draft) -> dict[str, Role]:
    return {guess.column.name: guess.role for guess in drafted.guesses}


def test_the_day_of_approval_is_the_decision_and_no_judgement_and_wins_over_serials_that_are_in_doubt() -> None:
    days = [str(np.datetime64("2005-01-01") + at % 900) for at in range(N)]
    drafted = draft(ApprovalDate=[str(16436 + at % 900) for at in range(N)], approved=days, approved_amount=noisy(0.1))
    assert roles(drafted)["approved"] is Role.DECISION_DATE
    assert roles(drafted)["ApprovalDate"] is Role.FEATURE
    assert drafted.leaks == ("approved_amount",)


def test_a_suspect_stays_an_input_and_is_named() -> None:
    drafted = draft(bureau_score=noisy(1.7), income=noisy(0.3))
    assert roles(drafted)["bureau_score"] is Role.FEATURE
    assert (drafted.suspects, drafted.leaks) == (("bureau_score",), ())
    why = {guess.column.name: guess.why for guess in drafted.guesses}
    assert why["bureau_score"].startswith("SUSPECT alone its values separate")
    assert "keep it only if it is known at the decision" in why["bureau_score"]


LATER = (
    "recoveries|total_pymnt|last_payment_amount|chargeoff_amount|days_past_due|Mahnstufe|Zahlungseingang_letzter|核销金额|"
    "dernier_paiement|jours_de_retard|dias_de_mora|ultimo_pago|dias_em_atraso|逾期天数|最后还款日"
)
BEFORE = (
    "chargeoff_within_12_mths|dpd_last_12_months|previous_days_past_due|num_tl_90g_dpd_24m|历史逾期天数|prior_chargeoffs|"
    "max_dpd_24m|installment_rate_in_percentage_of_income|other_installment_plans|price_of_goods|profit_margin|"
    "interest_income|ApprovalFY"
)


def test_a_name_that_speaks_of_later_is_left_out_and_what_happened_before_the_decision_stays() -> None:
    names = [*LATER.split("|"), *BEFORE.split("|")]
    found = roles(draft(**{name: noisy(0.0) for name in names}))
    assert [name for name in names if found[name] is Role.IGNORED] == LATER.split("|")
    assert all(found[name] is Role.FEATURE for name in BEFORE.split("|"))
