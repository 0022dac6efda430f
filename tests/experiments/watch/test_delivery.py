from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from data_schemas.errors import ContractError
from data_schemas.messages import Message
from experiments.session.run import Run
from experiments.watch.delivery import Deliverer, hooks_of, message_of
from experiments.watch.state import State, open_state
from fusion.watch.alerts import Alert, alert_id
from fusion.watch.rules import AlertGrade, Email, Rules, Webhook
from fusion.watch.signals import RowRef
from tests.support.receivers import mail_receiver, web_receiver

SECRET = "a token that nobody may read"


def alert(period: str, grade: AlertGrade = "alarm", words: str = "income moved") -> Alert:
    rows, sentence = (RowRef("new.csv", 7, "A-7"),), Message(words)
    found = alert_id("one", "missing", "income", period, grade)
    return Alert(
        found,
        grade,
        "one",
        "missing",
        "income",
        period,
        sentence,
        0.3,
        0.2,
        0.3,
        0.1,
        0.5,
        0.0,
        0.0,
        1e-3,
        9,
        rows,
    )


ALERTS = (alert("2026-11-01"), alert("2026-11-02", "warn"), alert("2026-11-03"))


@contextmanager
def waiting(out: Path, rules: Rules, *alerts: Alert) -> Iterator[tuple[State, Run]]:
    with Run.start("watch", out / "watch", {}) as run, open_state(out) as state:
        with state.transaction():
            state.add_alerts(alerts, {one.id: hooks_of(one, rules) for one in alerts})
        yield state, run


def to_web(url: str, **keys: object) -> Rules:
    return Rules(rules={}, webhook=Webhook.model_validate({"url": url, **keys}))


def to_mail(port: int, **keys: object) -> Rules:
    given = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "sender": "watch@bank.example",
        "to": ["risk@bank.example"],
    }
    return Rules(rules={}, email=Email.model_validate(given | keys))


def log_of(out: Path) -> str:
    return (out / "watch.log.jsonl").read_text(encoding="utf-8")


def test_every_alert_is_posted_once_with_its_id_as_idempotency_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCH_TOKEN", SECRET)
    with web_receiver() as web:
        rules = to_web(web.url, token_env="WATCH_TOKEN", least="alarm")
        with waiting(tmp_path, rules, *ALERTS) as (state, run):
            for _ in range(2):
                Deliverer(rules).deliver(state, run)
    headers, body = web.posts[0]
    assert [body["id"] for _, body in web.posts] == [ALERTS[0].id, ALERTS[2].id]
    assert (headers["Idempotency-Key"], headers["Authorization"]) == (ALERTS[0].id, f"Bearer {SECRET}")
    assert body["text"] == "[alarm] 2026-11-01: income moved"
    assert body["rows"] == [{"file": "new.csv", "row": 7, "id": "A-7"}]
    assert ALERTS[0].id in log_of(tmp_path)
    assert SECRET not in log_of(tmp_path)
    assert "secret-path" not in log_of(tmp_path)


def test_a_busy_receiver_is_tried_again_with_growing_pauses(tmp_path: Path) -> None:
    pauses: list[float] = []
    with web_receiver(503, 429) as web:
        rules = to_web(web.url)
        with waiting(tmp_path, rules, *ALERTS[:1]) as (state, run):
            Deliverer(rules, pauses.append).deliver(state, run)
            assert not state.waiting("webhook")
    assert (len(web.posts), pauses) == (3, [1.0, 2.0])


@pytest.mark.parametrize(("answers", "n_posts"), [((503, 503, 503), 3), ((404,), 1), ((302,), 1)])
def test_what_a_receiver_does_not_take_is_noted_and_delivered_by_the_next_run(
    tmp_path: Path, answers: tuple[int, ...], n_posts: int
) -> None:
    with web_receiver(*answers) as web:
        rules = to_web(web.url)
        with waiting(tmp_path, rules, *ALERTS) as (state, run):
            Deliverer(rules, lambda _: None).deliver(state, run)
            assert len(web.posts) == n_posts
            assert state.waiting("webhook") == ALERTS
        assert f"the receiver answers {answers[0]}; 3 alerts kept for the next run" in log_of(tmp_path)
        with waiting(tmp_path, rules) as (state, run):
            Deliverer(rules).deliver(state, run)
            assert not state.waiting("webhook")
    assert [body["id"] for _, body in web.posts[n_posts:]] == [one.id for one in ALERTS]


def test_a_receiver_that_is_not_there_keeps_nothing_from_the_watch(tmp_path: Path) -> None:
    with web_receiver() as web, mail_receiver() as mail:
        gone = Rules(rules={}, webhook=to_web(web.url).webhook, email=to_mail(mail.port).email)
    with waiting(tmp_path, gone, *ALERTS) as (state, run):
        Deliverer(gone, lambda _: None).deliver(state, run)
        assert state.waiting("webhook") == state.waiting("email") == ALERTS
    assert "the receiver cannot be reached (ConnectionRefusedError)" in log_of(tmp_path)
    assert "the mail server cannot be reached (ConnectionRefusedError)" in log_of(tmp_path)


def test_a_receiver_that_speaks_no_http_keeps_nothing_from_the_watch(tmp_path: Path) -> None:
    with mail_receiver() as mail:
        rules = to_web(f"http://127.0.0.1:{mail.port}/")
        with waiting(tmp_path, rules, *ALERTS[:1]) as (state, run):
            Deliverer(rules, lambda _: None).deliver(state, run)
            assert state.waiting("webhook") == ALERTS[:1]
    assert "the receiver cannot be reached (BadStatusLine)" in log_of(tmp_path)


def test_all_alerts_of_a_run_are_one_mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", SECRET)
    with mail_receiver() as mail:
        rules = to_mail(mail.port, user="watch", password_env="MAIL_PASSWORD")
        with waiting(tmp_path, rules, *ALERTS) as (state, run):
            for _ in range(2):
                Deliverer(rules).deliver(state, run)
    (found,) = mail.mails
    assert found["Subject"].strip() == "creditfusion watch: 2 alarms, 1 warning: [alarm] 2026-11-01: income moved"
    assert (found["From"], found["To"]) == ("watch@bank.example", "risk@bank.example")
    assert rules.email is not None
    assert found["Message-ID"] == message_of(ALERTS, rules.email)["Message-ID"]
    body = found.get_payload()
    assert isinstance(body, str)
    assert all(one.id in body for one in ALERTS)
    assert "new.csv row 7 (A-7)" in body
    assert len(mail.logins) == 1
    assert SECRET not in log_of(tmp_path)


def test_a_mail_that_is_refused_is_kept(tmp_path: Path) -> None:
    with mail_receiver("550 not from you") as mail:
        rules = to_mail(mail.port)
        with waiting(tmp_path, rules, *ALERTS) as (state, run):
            Deliverer(rules).deliver(state, run)
            assert state.waiting("email") == ALERTS
    assert "the mail server" in log_of(tmp_path)
    assert "not from you" not in log_of(tmp_path)


def test_hostile_words_make_no_header_of_their_own() -> None:
    email = to_mail(25).email
    assert email is not None
    message = message_of([alert("2026-11-01", words="a\r\nBcc: all@bank.example")], email)
    assert message["Bcc"] is None
    assert "a Bcc: all@bank.example" in message["Subject"]


def test_a_secret_that_is_not_set_is_missed_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCH_TOKEN", raising=False)
    with pytest.raises(ContractError, match=r"WATCH_TOKEN, which webhook.token_env names, is not set"):
        Deliverer(to_web("http://127.0.0.1/", token_env="WATCH_TOKEN"))
    with pytest.raises(ContractError, match=r"WATCH_TOKEN, which email.password_env names, is not set"):
        Deliverer(to_mail(25, user="watch", password_env="WATCH_TOKEN"))
    monkeypatch.setenv("WATCH_TOKEN", "file:///etc/passwd")
    with pytest.raises(ContractError, match=r"does not begin with http:// or https://"):
        Deliverer(replace(Deliverer(Rules(rules={})), rules=to_web("", url_env="WATCH_TOKEN")).rules)
