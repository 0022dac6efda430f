"""The chapter on the policy, with hand-made margins: what is right, what loses money, and what is degenerate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from experiments.reporting.document import Cell, Gap, Interval, Table
from experiments.validate.chapters.policy.chapter import chapter
from experiments.validate.scored_outcomes import ScoredOutcomes
from features.arrays import Floats
from fusion.policy.policy import Constraints, Cutoffs, Economics, Policy, Refer, Segments
from tests.support.scored_outcomes import drawn, scored_of, some_margins
from tests.support.sections import findings, tables

N = 2000
TRUTH = some_margins(N, 1)
OUTCOME = drawn(TRUTH, 1)
MONEY = Economics(loss_given_default=0.6, margin=0.2, amount=1000.0, cost_per_application=5, cost_per_referral=40)
CUTOFFS = Cutoffs(approve=0.15, decline=0.15)
BAND = Cutoffs(approve=0.1, decline=0.3)


def scored_by(policy: Policy, y: Floats = OUTCOME, margin: Floats = TRUTH) -> ScoredOutcomes:
    scored = scored_of(y, margin)
    scorer = replace(scored.model, policy=policy)
    decided = scorer.decide(scored.applications, expit(margin), scored.quality).decision
    return replace(scored, model=scorer, decision=decided)


def grades(policy: Policy, y: Floats = OUTCOME, margin: Floats = TRUTH) -> dict[str, str]:
    return {key: finding.grade for key, finding in findings(chapter(scored_by(policy, y, margin))).items()}


def by_key(table: Table, at: int = -1) -> dict[str, Cell]:
    return {column.key: cell for column, cell in zip(table.columns, table.rows[at], strict=True)}


def test_the_models_own_cutoff_says_rates_and_no_profit() -> None:
    scored = scored_of(OUTCOME, TRUTH)
    found = chapter(scored)
    assert [table.key for table in found.tables] == ["policy_now"]
    row = by_key(tables(found)["policy_now"])
    approved = scored.approved
    assert isinstance(row["approved"], Interval)
    assert isinstance(row["bad_rate"], Interval)
    assert row["approved"].value == pytest.approx(approved.mean())
    assert row["bad_rate"].value == pytest.approx(OUTCOME[approved].mean())
    assert {key: one.grade for key, one in findings(found).items()} == {"policy_approves": "note", "no_money": "note"}
    assert [plot.key for plot in found.plots if plot.gap] == ["profit_by_cutoff"]


def test_the_sums_are_those_of_the_rows_and_the_proposal_is_the_break_even_pd() -> None:
    scored = scored_by(Policy(cutoffs=CUTOFFS, economics=MONEY))
    found = chapter(scored)
    row, good = by_key(tables(found)["policy_money"]), scored.approved & (OUTCOME == 0)
    bad = scored.approved & (OUTCOME == 1)
    assert isinstance(row["profit"], Interval)
    assert row["profit"].value == pytest.approx((good.sum() * 200 - bad.sum() * 600) / N - 5)
    assert row["loss"] == pytest.approx(bad.sum() * 600 / N)
    proposed = by_key(tables(found)["policy_proposed"])
    assert proposed["approve_up_to"] == proposed["decline_above"] == pytest.approx(0.25, abs=0.002)
    assert "25" in findings(found)["policy_proposal"].words
    assert findings(found)["policy_proposal"].grade == "note"
    assert not any(plot.gap for plot in found.plots)


def test_segments_referrals_and_constraints_have_their_figures() -> None:
    policy = Policy(
        cutoffs=BAND,
        segments=Segments(column="home", cutoffs={"own": CUTOFFS, "none": CUTOFFS}),
        refer=Refer(no_narrative=True),
        economics=MONEY,
        constraints=Constraints(min_approval_rate=0.4, max_bad_rate=0.2, max_refer_rate=0.5),
    )
    scored = scored_by(policy)
    scored = replace(scored, quality=tuple("no_narrative" if at % 7 == 0 else "" for at in range(N)))
    scored = replace(scored, decision=scored.model.decide(scored.applications, expit(TRUTH), scored.quality).decision)
    found = chapter(scored)
    keys = ["policy_now", "refer_reasons", "policy_money", "policy_proposed", "policy_limits"]
    assert [table.key for table in found.tables] == keys
    rows = [row[0] for row in tables(found)["policy_now"].rows]
    assert rows[1:] == ["Others", "All"]
    assert str(rows[0]).endswith(": own")
    reasons = {row[0] for row in tables(found)["refer_reasons"].rows}
    assert reasons == {
        "the PD lies between the cut-offs",
        "nothing is written",
    }
    assert len(tables(found)["policy_proposed"].rows) == 6
    assert len(tables(found)["policy_limits"].rows) == 3
    whole = by_key(tables(found)["policy_money"])
    share = np.array([{"approve": 1.0, "refer": 0.5, "decline": 0.0}[one] for one in scored.decision])
    costs = 5 + 40 * np.array([one == "refer" for one in scored.decision])
    assert isinstance(whole["profit"], Interval)
    assert whole["profit"].value == pytest.approx((share * np.where(OUTCOME == 1, -600, 200) - costs).mean())


def test_constraints_that_cannot_be_met_are_named() -> None:
    limits = Constraints(min_approval_rate=0.95, max_bad_rate=0.05)
    found = chapter(scored_by(Policy(cutoffs=CUTOFFS, economics=MONEY, constraints=limits)))
    unmet = findings(found)["policy_proposal"]
    assert unmet.grade == "concern"
    assert "an approval rate of at least 95.0" in unmet.words
    assert "a bad rate of at most 5.0" in unmet.words
    assert "together" in unmet.words
    assert isinstance(tables(found)["policy_limits"].rows[0][4], Gap)
    assert findings(found)["policy_constraints"].grade == "concern"


def test_what_loses_money_and_pds_that_are_too_low_are_called_out() -> None:
    loose = Cutoffs(approve=0.9, decline=0.9)
    poor = MONEY.model_copy(update={"margin": 0.1})
    found = grades(Policy(cutoffs=loose, economics=poor), margin=TRUTH - 1.0)
    assert found["policy_loses"] == found["approved_worse"] == "concern"


def test_a_promise_that_outcomes_break_is_a_concern() -> None:
    found = grades(Policy(cutoffs=CUTOFFS, economics=MONEY), margin=TRUTH - 1.5)
    assert found["policy_proposal"] == "concern"


def test_the_best_cutoffs_are_left_alone() -> None:
    first = chapter(scored_by(Policy(cutoffs=CUTOFFS, economics=MONEY)))
    best = by_key(tables(first)["policy_proposed"])["approve_up_to"]
    assert isinstance(best, float)
    found = grades(Policy(cutoffs=Cutoffs(approve=best, decline=best), economics=MONEY))
    assert found["policy_proposal"] == "good"


@pytest.mark.parametrize("limits", [Cutoffs(approve=0, decline=0), BAND, Cutoffs(approve=1, decline=1)])
@pytest.mark.parametrize("kind", ["all bad", "all good", "constant", "ten rows", "one row"])
def test_degenerate_rows_give_gaps_and_no_crash(limits: Cutoffs, kind: str) -> None:
    n = {"ten rows": 10, "one row": 1}.get(kind, 60)
    y = {"all bad": np.ones(n), "all good": np.zeros(n)}.get(kind, OUTCOME[:n])
    margin = np.full(n, -1.0) if kind == "constant" else TRUTH[:n]
    segments = Segments(column="home", cutoffs={"own": limits, "elsewhere": limits})
    for constraints in (Constraints(), Constraints(min_approval_rate=0.9, max_bad_rate=0.01, max_refer_rate=0.0)):
        policy = Policy(cutoffs=limits, segments=segments, economics=MONEY, constraints=constraints)
        found = chapter(scored_by(policy, y, margin))
        assert "policy_approves" in findings(found)
