from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from data_schemas.messages import Message
from fusion.watch.alerts import Alert, alert_id, find_alerts, longest_window
from fusion.watch.rules import Rule, Rules
from fusion.watch.signals import Signal

DAYS = [f"2026-11-{day:02d}" for day in range(1, 29)]


def signal(value: float, period: str = DAYS[0], subject: str = "income", p: float = 0.0, n_rows: int = 100) -> Signal:
    return Signal(
        period, "missing", subject, value, value, value, value, 0.0, p, Message(f"{subject} moved"), n_rows=n_rows
    )


def rules(**keys: object) -> Rules:
    return Rules(rules={"one": Rule.model_validate({"what": ["missing"], "warn": 0.1, "alarm": 0.2, **keys})})


def over_time(values: Sequence[float], found: Rules) -> list[tuple[str, str]]:
    """Period and grade of every alert of one figure day by day."""
    alerts: list[Alert] = []
    for at in range(len(values)):
        window = [[signal(values[day], DAYS[day])] for day in range(at + 1)][-longest_window(found) :]
        alerts += find_alerts(found, DAYS[: at + 1], window, alerts)
    return [(alert.period, alert.grade) for alert in alerts]


def grades(found: Rules, *signals: Signal) -> Mapping[str, str]:
    return {alert.subject: alert.grade for alert in find_alerts(found, DAYS[:1], [signals], ())}


def test_a_figure_gives_what_its_level_says() -> None:
    signals = [signal(0.05, subject="a"), signal(0.1, subject="b"), signal(0.2, subject="c")]
    assert grades(rules(), *signals) == {"b": "warn", "c": "alarm"}
    assert grades(rules(warn=None), *signals) == {"c": "alarm"}
    assert grades(rules(alarm=None), *signals) == {"b": "warn", "c": "warn"}
    assert grades(rules(enabled=False), *signals) == {}


def test_figures_share_the_chance_of_their_rule() -> None:
    signals = [signal(0.5, subject=str(at), p=0.001) for at in range(10)]
    assert len(grades(rules(chance=0.01), *signals)) == 10
    assert not grades(rules(chance=0.0099), *signals)
    assert len(grades(rules(chance=0.0099), *signals[:9])) == 9


def test_figures_on_few_rows_or_of_another_subject_are_not_looked_at_and_take_no_share() -> None:
    few, other, own = (
        signal(0.5, subject="a", n_rows=49),
        signal(0.5, subject="b:x"),
        signal(0.5, subject="a:y", p=1e-3),
    )
    assert grades(rules(subject="a*", chance=1e-3), few, other, own) == {"a:y": "alarm"}


def test_a_figure_that_is_no_number_gives_nothing() -> None:
    assert not grades(rules(), signal(math.nan), signal(0.5, subject="b", p=math.nan))


def test_an_alert_holds_its_evidence_under_an_id_that_follows_from_it() -> None:
    (alert,) = find_alerts(rules(), DAYS[:1], [[signal(0.3)]], ())
    assert alert.id == alert_id("one", "missing", "income", DAYS[0], "alarm")
    assert len(alert.id) == 12
    assert (alert.value, alert.level, alert.limit, str(alert.words)) == (0.3, 0.2, 0.001, "income moved")
    assert alert.id != alert_id("one", "missing", "income", DAYS[0], "warn")


def test_a_rule_may_want_several_periods_in_a_row() -> None:
    assert over_time([0.3, 0.0, 0.3, 0.15, 0.3, 0.3], rules(periods=2)) == [
        (DAYS[3], "warn"),
        (DAYS[4], "warn"),
        (DAYS[5], "alarm"),
    ]


def test_an_alert_is_not_repeated_while_its_rule_cools_down_unless_it_grows_graver() -> None:
    assert over_time([0.15, 0.15, 0.3, 0.15, 0.3, 0.3, 0.3], rules(cool_down=2)) == [
        (DAYS[0], "warn"),
        (DAYS[2], "alarm"),
        (DAYS[5], "alarm"),
    ]


def test_late_rows_make_an_alert_graver_and_never_milder() -> None:
    first = find_alerts(rules(), DAYS[:1], [[signal(0.15)]], ())
    graver = find_alerts(rules(), DAYS[:1], [[signal(0.3)]], first)
    assert [alert.grade for alert in graver] == ["alarm"]
    assert not find_alerts(rules(), DAYS[:1], [[signal(0.15)]], (*first, *graver))


def test_the_gravest_come_first() -> None:
    signals = [signal(0.15, subject="a"), signal(0.3, subject="b"), signal(0.4, subject="c")]
    assert [one.subject for one in find_alerts(rules(), DAYS[:1], [signals], ())] == ["c", "b", "a"]


@given(st.lists(st.floats(0, 1), max_size=20), st.integers(1, 3), st.integers(0, 4))
def test_no_alert_is_given_twice(values: list[float], periods: int, cool_down: int) -> None:
    found = over_time(values, rules(periods=periods, cool_down=cool_down))
    assert len(set(found)) == len(found)
