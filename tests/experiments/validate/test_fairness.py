"""The chapter on fairness, with a small model on the demo's data: protected sex and age band."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data_schemas.fields import Role
from data_schemas.reader import load_schema
from experiments.demo.data import generate
from experiments.reporting.document import Gap, Interval, Section, Table
from experiments.session.run import Run
from experiments.train.decided import read_decided
from experiments.train.job import TrainingFiles, train_bundle
from experiments.validate.chapters.fairness.chapter import chapter, look_at
from experiments.validate.rereading import masked, moved, swapped
from experiments.validate.scored_outcomes import ScoredOutcomes, score_outcomes
from features.tables.reader import ReadOptions, read_all
from fusion.bundle import load
from fusion.config_file import load_config
from fusion.policy.policy import Decision
from fusion.scorer import Scorer
from fusion.text_encoder import open_text_encoder
from tests.support.bundles import SMALL
from tests.support.sections import drawings, findings, tables
from tests.support.tiny_bert import tiny_bert

N = 700
TELLING = "My wife Mary and her mother are ill. "


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> ScoredOutcomes:
    """Decided applications; every seventh narrative tells of private life."""
    folder = tmp_path_factory.mktemp("fairness")
    generate(400, 1).table.to_csv(folder / "past.csv", index=False)
    table = generate(N, 5).table
    table.loc[::7, "statement"] = TELLING + table["statement"].fillna("")
    table.to_csv(folder / "decided.csv", index=False)
    config = load_config(None, [f"encoder.source='{tiny_bert(folder / 'encoder')}'", *SMALL])
    encoder = open_text_encoder(config.encoder)
    schema, options = load_schema("demo"), ReadOptions(need_target=True)
    with Run.start("train", None, {}) as run:
        files = TrainingFiles((folder / "past.csv",), folder / "model")
        train_bundle(read_decided(schema, files.data, options, run), files, config, encoder, run, quick=True)
        scorer = Scorer(load(folder / "model"), encoder, threads=1)
        applications = read_all(folder / "decided.csv", schema, options).applications
        return score_outcomes(scorer, applications, run)


def changed(scored: ScoredOutcomes, change: Callable[[pd.DataFrame], pd.DataFrame]) -> ScoredOutcomes:
    """The same decisions beside other columns that no decision depends on."""
    frame = change(scored.applications.frame.copy())
    return replace(scored, applications=replace(scored.applications, frame=frame))


def all_decided(scored: ScoredOutcomes, decision: Decision) -> ScoredOutcomes:
    return replace(scored, decision=(decision,) * N)


def run_chapter(scored: ScoredOutcomes, reread: bool = False) -> Section:
    with Run.start("evaluate", None, {}) as run:
        return chapter(scored, run, reread)


def column(table: Table, key: str) -> list[object]:
    at = [one.key for one in table.columns].index(key)
    return [row[at] for row in table.rows]


def test_every_part_is_there(scored: ScoredOutcomes) -> None:
    found = run_chapter(scored, reread=True)
    for name in ("sex", "age_band"):
        for table in ("decisions", "calibration", "effects"):
            assert f"fairness_{table}_{name}" in tables(found)
        assert f"fairness_impact_{name}" in findings(found)
        assert f"fairness_impact_{name}" in drawings(found)
        assert f"fairness_approval_{name}" in drawings(found)
    assert {"fairness_swaps", "fairness_masking", "fairness_sentences"} <= tables(found).keys()
    assert "fairness_masking" in findings(found)


def test_figures_are_those_of_the_rows(scored: ScoredOutcomes) -> None:
    table = tables(run_chapter(scored))["fairness_decisions_sex"]
    sex, approved = scored.applications.frame["sex"], scored.approved
    rates = {name: approved[(sex == name).to_numpy()].mean() for name in ("female", "male")}
    best = max(rates, key=lambda name: rates[name])
    for row in table.rows:
        name = str(row[0]).split(" ")[0]
        assert row[1] == int((sex == name).sum())
        assert isinstance(row[2], Interval)
        assert row[2].value == pytest.approx(rates[name])
        ratio = row[3].value if isinstance(row[3], Interval) else row[3]
        assert ratio == pytest.approx(rates[name] / rates[best])
        assert isinstance(row[3], Interval) is (name != best)


def test_groups_too_small_are_called_so(scored: ScoredOutcomes) -> None:
    found = run_chapter(scored)
    sizes = scored.applications.frame["age_band"].value_counts()
    assert 0 < sizes["62+"] < 50
    table = tables(found)["fairness_decisions_age_band"]
    (oldest,) = [row for row in table.rows if row[0] == "62+"]
    assert oldest[2] == oldest[3] == Gap(gap="fewer than 50 rows")
    assert oldest[4] == "not judged: fewer than 50 rows"
    assert "62+" in findings(found)["fairness_small_age_band"].title


def test_unequal_approvals_are_called_out(scored: ScoredOutcomes) -> None:
    random = np.random.default_rng(0)

    def by_decision(frame: pd.DataFrame) -> pd.DataFrame:
        sure = random.random(len(frame)) < 0.8
        names = np.where(sure == scored.approved, "male", "female").tolist()
        return frame.assign(sex=pd.Series(names, dtype=object))

    found = findings(run_chapter(changed(scored, by_decision)))
    assert found["fairness_impact_sex"].grade == "alarm"
    assert "female" in found["fairness_impact_sex"].words
    assert found["fairness_opportunity_sex"].grade == "concern"


def test_narratives_that_stand_for_a_group_are_called_out(scored: ScoredOutcomes) -> None:
    worse = np.where(scored.applications.frame["sex"] == "female", 0.5, 0.0)
    margins = replace(scored.margins, fused=scored.margins.columns_only + worse)
    cut = float(np.median(margins.columns_only))
    hard: tuple[Decision, ...] = tuple("approve" if margin < cut else "decline" for margin in margins.fused)
    found = findings(run_chapter(replace(scored, margins=margins, decision=hard)))
    assert found["fairness_impact_sex"].grade in ("alarm", "concern")
    assert found["fairness_narratives_sex"].grade == "concern"
    assert "female" in found["fairness_narratives_sex"].title


def test_equal_groups_are_in_order(scored: ScoredOutcomes) -> None:
    assert findings(run_chapter(all_decided(scored, "approve")))["fairness_impact_sex"].grade == "good"


def test_nobody_approved(scored: ScoredOutcomes) -> None:
    found = run_chapter(all_decided(scored, "refer"))
    assert findings(found)["fairness_impact_sex"].title == "Sex: nobody is approved."
    assert any(plot.gap for plot in found.plots)


@pytest.mark.parametrize(
    ("values", "why"),
    [("female", "only one group has 50 rows"), ("", "no row has a value")],
    ids=["one group", "all missing"],
)
def test_nothing_to_compare(scored: ScoredOutcomes, values: str, why: str) -> None:
    found = run_chapter(changed(scored, lambda frame: frame.assign(sex=pd.Series([values] * N, dtype=object))))
    assert findings(found)["fairness_unjudged_sex"].grade == "note"
    assert why in findings(found)["fairness_unjudged_sex"].words
    assert "fairness_impact_sex" not in findings(found)
    assert "fairness_impact_sex" not in drawings(found)
    assert ("fairness_decisions_sex" in tables(found)) is bool(values)
    assert "fairness_effects_age_band" in tables(found)


def test_group_without_goods(scored: ScoredOutcomes) -> None:
    y = np.where(scored.applications.frame["sex"] == "female", 1.0, scored.y)
    table = tables(run_chapter(replace(scored, y=y)))["fairness_decisions_sex"]
    assert Gap(gap="fewer than 10 goods") in column(table, "opportunity")
    calibration = tables(run_chapter(replace(scored, y=y)))["fairness_calibration_sex"]
    assert Gap(gap="fewer than 10 goods") in column(calibration, "auc")


def test_referrals_are_not_approvals(scored: ScoredOutcomes) -> None:
    women = (scored.applications.frame["sex"] == "female").tolist()
    decision: tuple[Decision, ...] = tuple("refer" if woman else "approve" for woman in women)
    found = run_chapter(replace(scored, decision=decision))
    assert findings(found)["fairness_impact_sex"].grade == "alarm"
    assert "not counted as an approval" in " ".join(found.words)


def test_ten_rows(scored: ScoredOutcomes) -> None:
    with Run.start("evaluate", None, {}) as run:
        few = score_outcomes(scored.model, scored.applications.take(np.arange(10)), run)
        found = chapter(few, run)
    for name in ("sex", "age_band"):
        assert "no group has 50 rows" in findings(found)[f"fairness_unjudged_{name}"].words
        assert set(column(tables(found)[f"fairness_decisions_{name}"], "approval")) == {Gap(gap="fewer than 50 rows")}


@pytest.mark.parametrize("bad", [0.0, 1.0])
def test_one_class_only(scored: ScoredOutcomes, bad: float) -> None:
    assert run_chapter(replace(scored, y=np.full(N, bad))).tables


def test_constant_margin(scored: ScoredOutcomes) -> None:
    flat = np.full(N, -2.0)
    margins = replace(scored.margins, fused=flat, columns_only=flat)
    table = tables(run_chapter(replace(scored, margins=margins)))["fairness_decisions_sex"]
    assert Gap(gap="all margins are alike") in column(table, "mean_difference")


def test_file_without_the_columns(scored: ScoredOutcomes) -> None:
    found = findings(run_chapter(changed(scored, lambda frame: frame.drop(columns=["sex", "age_band"]))))
    assert found["fairness_absent_columns"].grade == "concern"
    one = findings(run_chapter(changed(scored, lambda frame: frame.drop(columns=["age_band"]))))
    assert one["fairness_absent_columns"].grade == "note"
    assert "fairness_impact_sex" in one


def test_schema_without_protected_columns(scored: ScoredOutcomes) -> None:
    schema = scored.applications.schema
    bare = replace(schema, fields=tuple(field for field in schema.fields if field.role is not Role.PROTECTED))
    frame = scored.applications.frame.drop(columns=["sex", "age_band"])
    found = run_chapter(replace(scored, applications=replace(scored.applications, schema=bare, frame=frame)))
    assert findings(found)["fairness_no_column"].grade == "concern"
    assert "role protected" in findings(found)["fairness_no_column"].words
    assert drawings(found) == {}


def test_masking_changes_only_rows_with_sensitive_statements(scored: ScoredOutcomes) -> None:
    with Run.start("evaluate", None, {}) as run:
        found = masked(scored, run)
    assert found is not None
    rows = set(found.reread.rows.tolist())
    assert set(range(0, N, 7)) <= rows
    same = np.array([row not in rows for row in range(N)])
    assert np.array_equal(found.reread.margin[same], scored.margin[same])
    assert found.sentences.keys() == found.applications.keys()
    assert max(found.applications.values()) <= len(rows)


def test_swaps_read_only_what_changed(scored: ScoredOutcomes) -> None:
    with Run.start("evaluate", None, {}) as run:
        found = swapped(scored, "names", run)
        figures = moved(scored, found)
    assert set(range(0, N, 7)) <= set(found.rows.tolist())
    assert len(found.rows) < N
    assert figures.n == len(found.rows)
    assert figures.n_decided == sum(a != b for a, b in zip(found.decision, scored.decision, strict=True))
    assert not np.array_equal(found.margin[found.rows], scored.margin[found.rows])


def test_narratives_without_such_words(scored: ScoredOutcomes) -> None:
    names = [field.name for field in scored.applications.schema.narratives]
    silent = changed(scored, lambda frame: frame.assign(**{name: pd.Series([""] * N, dtype=object) for name in names}))
    found = run_chapter(silent, reread=True)
    assert set(column(tables(found)["fairness_swaps"], "n")) == {0}
    assert findings(found)["fairness_swap_rare"].grade == "note"
    assert findings(found)["fairness_masking"].grade == "good"


def test_way_without_narratives_is_the_ablation(scored: ScoredOutcomes) -> None:
    found = run_chapter(scored)
    table = tables(found)["fairness_effects_sex"]
    field = scored.applications.schema["sex"]
    view = look_at(scored, field)
    approved = column(table, "as_it_is")[0]
    assert isinstance(approved, Interval)
    assert approved.value == view.figures.groups[0].approval.value
    assert [one.title for one in table.columns][3] == "Without the narratives"


def test_equal_runs_draw_equal_pictures(scored: ScoredOutcomes) -> None:
    assert drawings(run_chapter(scored)) == drawings(run_chapter(scored))
