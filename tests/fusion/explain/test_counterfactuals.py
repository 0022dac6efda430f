from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from data_schemas.contract import Schema
from data_schemas.reader import parse_schema
from features.arrays import Floats
from features.design import Design, TextBlock
from features.tables.applications import Applications
from features.tables.dataframe import applications_of
from features.tabular import TabularEncoder
from fusion.config import Config, FoldConfig, HeadConfig, StackerConfig
from fusion.estimator import CreditFusionClassifier
from fusion.explain.counterfactuals import (
    MAX_PAIRS,
    ColumnMove,
    Counterfactual,
    CounterfactualSearch,
    Passes,
    round_values,
    spread,
)

LIGHT = Config(
    folds=FoldConfig(n_folds=2, n_repeats=1),
    head=HeadConfig(steps=30),
    stacker=StackerConfig(n_trees=40, learning_rate=0.1, min_leaf_rows=20),
)


def schema() -> Schema:
    def feature(name: str, kind: str, actionable: str, **constraints: float) -> dict[str, object]:
        own = {"role": "feature", "actionable": actionable}
        return {"name": name, "type": kind, "constraints": constraints, "creditfusion": own}

    fields = [
        {"name": "id", "type": "string", "creditfusion": {"role": "id"}},
        feature("amount", "number", "lower", minimum=500),
        feature("term", "integer", "either"),
        feature("down", "number", "higher", maximum=5000),
        feature("income", "number", "no"),
    ]
    derived = [{"name": "burden", "kind": "ratio", "of": ["amount", "income"]}]
    return parse_schema(
        json.dumps({"fields": fields, "creditfusion": {"version": 1, "name": "loans", "derived": derived}}), "loans"
    )


def up_to(max_margin: float) -> Passes:
    """Passes where the margin is at most this."""
    return lambda _, margin: margin <= max_margin


@dataclass(frozen=True)
class Fitted:
    """A fitted model, what searches its changes, and applications that it was not trained on."""

    search: CounterfactualSearch
    tabular: TabularEncoder
    applications: Applications
    margin: Floats

    def scored(self, applications: Applications) -> Floats:
        nothing = TextBlock.empty(len(applications))
        return self.search.model.predict(Design(self.tabular.encode(applications), nothing)).margin

    def smallest(self, at: int, max_margin: float, most: int = 3) -> list[Counterfactual]:
        one = self.applications.take(np.array([at]))
        return self.search.smallest(one, TextBlock.empty(1), up_to(max_margin), most)


def draw(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "amount": np.round(rng.lognormal(9, 0.6, n)),
            "term": rng.choice([12, 24, 36, 60], n),
            "down": np.round(rng.uniform(0, 4000, n)),
            "income": np.round(rng.lognormal(10.5, 0.4, n)),
        }
    )


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    past, new = draw(900, 0), draw(60, 1)
    log_odds = 3 * past["amount"] / past["income"] + past["term"] / 30 - past["down"] / 1000 - 1.5
    y = np.random.default_rng(2).random(len(past)) < expit(log_odds)
    model = CreditFusionClassifier(config=LIGHT, quick=True, schema=schema()).fit(past, y)
    columns = model.bundle_.tabular.encode(applications_of(past, model.bundle_.schema))
    search = CounterfactualSearch.of(model.bundle_.model, model.bundle_.tabular, columns)
    applications = applications_of(new, model.bundle_.schema)
    fitted = Fitted(search, model.bundle_.tabular, applications, np.zeros(0))
    return Fitted(search, model.bundle_.tabular, applications, fitted.scored(applications))


def test_counterfactuals_cross_the_cutoff_by_allowed_moves(fitted: Fitted) -> None:
    cut_off = float(np.quantile(fitted.margin, 0.4))
    kinds = set()
    for at in np.flatnonzero(fitted.margin > cut_off).tolist():
        changes = fitted.smallest(at, cut_off)
        assert len(changes) <= 3
        one = fitted.applications.take(np.array([at]))
        for change in changes:
            frame = one.frame.copy()
            for move in change.moves:
                assert move.before == frame[move.field.name].iloc[0]
                frame[move.field.name] = move.after
            after = fitted.scored(Applications(one.schema, frame, one.row_number))[0]
            assert after == change.margin <= cut_off
            assert frame["amount"].iloc[0] <= one.frame["amount"].iloc[0]
            assert frame["amount"].iloc[0] >= 500
            assert one.frame["down"].iloc[0] <= frame["down"].iloc[0] <= 5000
            assert frame["term"].iloc[0] in (12, 24, 36, 60)
            assert frame["income"].iloc[0] == one.frame["income"].iloc[0]
            kinds.add(tuple(move.field.name for move in change.moves))
    assert {("amount",), ("term",), ("down",), ("amount", "down")} <= kinds


def test_single_changes_are_the_smallest_of_all(fitted: Fitted) -> None:
    """Every value of every lever tried by hand."""
    cut_off = float(np.quantile(fitted.margin, 0.6))
    n_found = 0
    for at in np.flatnonzero(fitted.margin > cut_off).tolist():
        one = fitted.applications.take(np.array([at]))
        found = {c.moves[0].field.name: c for c in fitted.smallest(at, cut_off) if len(c.moves) == 1}
        for lever in fitted.search.levers:
            now, crossing = float(one.frame[lever.field.name].iloc[0]), []
            for value in lever.candidates(now).tolist():
                moved = Applications(one.schema, one.frame.assign(**{lever.field.name: value}), one.row_number)
                if fitted.scored(moved)[0] <= cut_off:
                    crossing.append(abs(value - now))
            assert (lever.field.name in found) == bool(crossing)
            if crossing:
                move = found[lever.field.name].moves[0]
                assert abs(move.after - move.before) == min(crossing)
                n_found += 1
    assert n_found > 10


def test_single_columns_come_first_and_the_smaller_first(fitted: Fitted) -> None:
    cut_off = float(np.quantile(fitted.margin, 0.4))
    for at in np.flatnonzero(fitted.margin > cut_off).tolist():
        changes = fitted.smallest(at, cut_off, most=5)
        order = [(len(change.moves), change.distance) for change in changes]
        assert order == sorted(order)
        alone = {c.moves[0].field.name: c.distance for c in changes if len(c.moves) == 1}
        for pair in changes[len(alone) :]:
            assert all(pair.distance < alone.get(move.field.name, np.inf) for move in pair.moves)


def test_an_unreachable_cutoff_has_no_counterfactual(fitted: Fitted) -> None:
    assert fitted.smallest(0, -50.0) == []


def test_three_columns_together_where_no_two_do(fitted: Fitted) -> None:
    """The cut-off lies where all levers at their best lead, and a little above."""
    n_found = 0
    for at in range(len(fitted.applications)):
        one = fitted.applications.take(np.array([at]))
        best = one.frame.copy()
        for lever in fitted.search.levers:
            values = lever.candidates(float(one.frame[lever.field.name].iloc[0]))
            tried = [
                Applications(one.schema, one.frame.assign(**{lever.field.name: v}), one.row_number) for v in values
            ]
            margins = [float(fitted.scored(moved)[0]) for moved in tried]
            if margins and min(margins) < fitted.margin[at]:
                best[lever.field.name] = values[int(np.argmin(margins))]
        lowest = float(fitted.scored(Applications(one.schema, best, one.row_number))[0])
        changes = fitted.smallest(at, lowest + 1e-6)
        assert all(change.margin <= lowest + 1e-6 for change in changes)
        if changes and len(changes[0].moves) == 3:
            n_found += 1
            assert len(changes) == 1
            for move in changes[0].moves:
                others = {each.field.name: each.after for each in changes[0].moves if each is not move}
                without = Applications(one.schema, one.frame.assign(**others), one.row_number)
                assert fitted.scored(without)[0] > lowest + 1e-6  # none of them can be left out
    assert n_found > 3


def test_what_is_offered_is_spread_over_columns() -> None:
    a, b, c = (ColumnMove(field, 1.0, 0.0) for field in schema().features[:3])
    changes = [Counterfactual(moves, float(at), 0.0) for at, moves in enumerate([(a,), (a, b), (b, c), (c,), (b,)])]
    assert spread(changes, 2) == [changes[0], changes[2]]
    assert spread(changes, 3) == [changes[0], changes[2], changes[3]]
    assert spread(changes, 9) == [changes[0], changes[2], changes[3], changes[4]]


def test_the_most_promising_pairs_of_columns_are_tried() -> None:
    """Only the last two of eight columns bear on the outcome."""
    names = [f"column_{number}" for number in range(8)]
    fields = [{"name": "id", "type": "string", "creditfusion": {"role": "id"}}]
    own = {"role": "feature", "actionable": "lower"}
    fields += [{"name": name, "type": "number", "creditfusion": own} for name in names]
    many = parse_schema(json.dumps({"fields": fields, "creditfusion": {"version": 1, "name": "many"}}), "many")
    rng = np.random.default_rng(3)
    past = pd.DataFrame({name: np.round(rng.uniform(0, 40, 900)) for name in names})
    y = rng.random(len(past)) < expit((past["column_6"] + past["column_7"] - 40) / 4)
    model = CreditFusionClassifier(config=LIGHT, quick=True, schema=many).fit(past, y)
    tabular = model.bundle_.tabular
    search = CounterfactualSearch.of(model.bundle_.model, tabular, tabular.encode(applications_of(past, many)))
    assert len(list(combinations(search.levers, 2))) > MAX_PAIRS
    one = applications_of(pd.DataFrame({name: [35.0] for name in names}), many)
    nothing, both = TextBlock.empty(1), one.frame.assign(column_6=5.0, column_7=5.0)
    moved = Design(model.bundle_.tabular.encode(Applications(many, both, one.row_number)), nothing)
    cut_off = float(search.model.predict(moved).margin[0]) + 0.1
    changes = search.smallest(one, nothing, up_to(cut_off))
    assert {move.field.name for move in changes[0].moves} == {"column_6", "column_7"}


def test_a_missing_value_is_not_moved(fitted: Fitted) -> None:
    one = fitted.applications.take(np.array([int(fitted.margin.argmax())]))
    silent = Applications(one.schema, one.frame.assign(amount=np.nan, term=np.nan, down=np.nan), one.row_number)
    assert fitted.search.smallest(silent, TextBlock.empty(1), up_to(-1.0)) == []


def test_a_number_that_stands_for_none_is_neither_moved_nor_moved_to(fitted: Fitted) -> None:
    past = draw(900, 0).assign(term=lambda frame: frame["term"].where(frame.index % 3 > 0, -9))
    fields = (
        replace(field, labels=((-9.0, "no term"),)) if field.name == "term" else field for field in schema().fields
    )
    labelled = replace(schema(), fields=tuple(fields))
    columns = fitted.tabular.encode(applications_of(past, labelled))
    search = CounterfactualSearch.of(fitted.search.model, replace(fitted.tabular, schema=labelled), columns)
    (lever,) = (lever for lever in search.levers if lever.field.name == "term")
    assert lever.values.tolist() == [12, 24, 36, 60]
    assert lever.candidates(24.0).tolist() == [12, 36, 60]
    assert lever.candidates(-9.0).tolist() == []


def test_a_column_of_whole_numbers_moves_to_whole_numbers(fitted: Fitted) -> None:
    counts = draw(900, 0).assign(down=lambda frame: np.round(frame["down"] / 100))
    columns = fitted.tabular.encode(applications_of(counts, schema()))
    search = CounterfactualSearch.of(fitted.search.model, fitted.tabular, columns)
    (lever,) = (lever for lever in search.levers if lever.field.name == "down")
    assert len(lever.values) > 24
    assert lever.values.tolist() == np.round(lever.values).tolist()


@pytest.mark.parametrize(
    ("low", "high", "whole", "first", "step", "last"),
    [
        (1000.0, 35000.0, False, 1000.0, 500.0, 35000.0),
        (0.003, 0.91, False, 0.01, 0.01, 0.91),
        (0.0, 30.0, True, 0.0, 1.0, 30.0),
        (-3.0, 3.0, False, -3.0, 0.1, 3.0),
    ],
)
def test_round_values(low: float, high: float, whole: bool, first: float, step: float, last: float) -> None:
    values = round_values(low, high, whole)
    assert (values[0], values[-1]) == (first, last)
    assert np.diff(values) == pytest.approx(step)
    assert all(len(f"{value:.15g}") <= 6 for value in values.tolist())


def test_no_range_has_no_values() -> None:
    assert len(round_values(2.0, 2.0, False)) == 0
