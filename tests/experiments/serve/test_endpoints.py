from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from experiments.serve.app import AppSettings
from experiments.serve.keys import Keys, key_hash
from experiments.serve.limits import Limits
from experiments.serve.routing import Routing
from experiments.serve.scoring import Models
from fusion.scorer import Scorer
from tests.support.serving import PROBLEM_MEMBERS, Kept, Row, Served


@pytest.fixture
def client(models: Models) -> Iterator[TestClient]:
    with TestClient(Served(models).app) as client:
        yield client


def test_an_application_gets_the_digits_of_the_scorer(client: TestClient, champion: Scorer, rows: list[Row]) -> None:
    answer = client.post("/score", json=rows[0])
    assert answer.status_code == 200
    (scored,), expected = answer.json()["scored"], champion.score(rows[0]).scores.iloc[0]
    for name in ("id", "pd", "score", "decision", "data_quality", "narrative_points", "reason_flags"):
        assert scored[name] == expected[name]
    assert [reason["code"] for reason in scored["reasons"]] == expected["reasons"]
    assert scored["model"] == champion.model_id


def test_numbers_booleans_and_nulls_mean_what_texts_mean(client: TestClient, rows: list[Row]) -> None:
    typed = [
        {name: None if cell == "" else float(cell) if _is_number(cell) else cell for name, cell in row.items()}
        for row in rows
    ]
    written, sent = client.post("/score", json=rows).json(), client.post("/score", json=typed).json()
    assert written == sent


def _is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).isdigit()


def test_every_row_of_a_list_is_scored_or_rejected(client: TestClient, rows: list[Row]) -> None:
    broken: list[object] = [rows[0], dict(rows[1], amount="a lot"), 7, dict(rows[2], home=["own"]), rows[0], rows[3]]
    broken.append({name: cell for name, cell in rows[4].items() if name != "dti"})
    answer = client.post("/score", json=broken)
    assert answer.status_code == 200
    found = answer.json()
    assert [one["row"] for one in found["scored"]] == [1, 6]
    faults = [(one["row"], one["column"], one["rule"]) for one in found["rejected"]]
    assert faults == [
        (2, "amount", "type"),
        (3, "", "object"),
        (4, "home", "type"),
        (5, "application_id", "unique"),
        (7, "dti", "column"),
    ]


def test_a_request_of_rejects_alone_is_unprocessable_and_says_why(client: TestClient, rows: list[Row]) -> None:
    answer = client.post("/score", json=dict(rows[0], amount="a lot"))
    assert answer.status_code == 422
    (rejected,) = answer.json()["rejected"]
    assert "not a number. Correct it" in rejected["message"]


def test_explanations_add_up_to_the_score(client: TestClient, rows: list[Row]) -> None:
    found = client.post("/explain", json=rows[:4]).json()["explained"]
    assert len(found) == 4
    for one in found:
        parts = [part["points"] for part in (*one["columns"], *one["narratives"])]
        assert one["base"] + sum(parts) == pytest.approx(one["answer"]["score"])
        for narrative in one["narratives"]:
            sentences = sum(sentence["points"] for sentence in narrative["sentences"])
            assert sentences + narrative["style"] == pytest.approx(narrative["points"])


def test_an_explained_application_has_the_answer_of_a_scored_one(client: TestClient, rows: list[Row]) -> None:
    explained, scored = (client.post(path, json=rows[0]).json() for path in ("/explain", "/score"))
    assert explained["explained"][0]["answer"] == scored["scored"][0]


def test_decisions_are_logged_without_cells(models: Models, rows: list[Row]) -> None:
    served = Served(models)
    with TestClient(served.app) as client:
        scored = client.post("/score", json=[*rows[:2], dict(rows[2], amount="?")]).json()["scored"]
    assert [(one.id, one.pd, one.route) for one in served.log.decisions] == [
        (one["id"], one["pd"], "champion") for one in scored
    ]
    logged = repr(served.log.decisions) + json.dumps(served.events)
    assert rows[0]["statement"] not in logged
    assert rows[0]["application_id"] not in json.dumps(served.events)


def test_an_application_without_an_id_is_scored(client: TestClient, rows: list[Row]) -> None:
    unnamed = {name: cell for name, cell in rows[0].items() if name != "application_id"}
    answer = client.post("/score", json=[unnamed, dict(rows[1], application_id=None)]).json()
    assert [one["id"] for one in answer["scored"]] == [None, None]


def test_what_cannot_be_logged_is_not_decided(models: Models, rows: list[Row]) -> None:
    served = Served(models, log=Kept(full=True))
    with TestClient(served.app) as client:
        assert client.get("/health").status_code == 200
        refused = client.post("/score", json=rows[0])
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        assert client.get("/health/ready").json()["status"] == "decisions cannot be logged"
        assert client.get("/health/live").status_code == 200
        served.log.full = False
        assert client.post("/score", json=rows[0]).status_code == 200
        assert client.get("/health").status_code == 200


def test_the_challenger_decides_its_share_and_the_rest_stays(
    champion: Scorer, challenger: Scorer, rows: list[Row]
) -> None:
    routing = Routing("pilot", 0.5)
    served = Served(Models(champion, challenger, routing=routing))
    with TestClient(served.app) as client:
        scored = client.post("/score", json=rows).json()["scored"]
    assert {one["route"] for one in scored} == {"champion", "challenger"}
    for one in scored:
        scorer = {"champion": champion, "challenger": challenger}[routing.route(one["id"])]
        alone = scorer.score(rows[one["row"] - 1]).scores.iloc[0]
        assert (one["model"], one["pd"]) == (scorer.model_id, alone["pd"])
    assert {one.share for one in served.log.decisions} == {0.5}


def test_the_shadow_is_logged_and_not_answered(champion: Scorer, challenger: Scorer, rows: list[Row]) -> None:
    served = Served(Models(champion, shadow=challenger))
    with TestClient(served.app) as client:
        scored = client.post("/score", json=rows[:3]).json()["scored"]
    assert {one["model"] for one in scored} == {champion.model_id}
    shadowed = [one for one in served.log.decisions if one.route == "shadow"]
    assert [one.pd for one in shadowed] == challenger.score(rows[:3]).scores["pd"].tolist()


def test_second_models_stand_beside_and_reject_nobody(champion: Scorer, challenger: Scorer, rows: list[Row]) -> None:
    with TestClient(Served(Models(champion, seconds={"fraud": challenger})).app) as client:
        scored = client.post("/score", json=rows[:2]).json()["scored"]
    expected = challenger.score(rows[:2]).scores["pd"].tolist()
    assert [one["probabilities"]["fraud"] for one in scored] == expected


def test_without_a_valid_key_nothing_but_health_is_answered(models: Models, rows: list[Row]) -> None:
    keys = Keys({"frontend": key_hash("cf_right")})
    served = Served(models, AppSettings(keys=keys))
    with TestClient(served.app) as client:
        for path in ("/model", "/metrics", "/openapi.json"):
            assert client.get(path).status_code == 401
        assert client.post("/score", json=rows[0], headers={"authorization": "Bearer cf_wrong"}).status_code == 401
        assert client.get("/health").status_code == 200
        for header in ({"authorization": "Bearer cf_right"}, {"x-api-key": "cf_right"}):
            assert client.post("/score", json=rows[0], headers=header).status_code == 200
        assert "security" in client.get("/openapi.json", headers={"x-api-key": "cf_right"}).json()
    assert "cf_" not in json.dumps(served.events)


def test_a_foreign_host_name_is_not_served(models: Models) -> None:
    settings = AppSettings(hosts=frozenset({"127.0.0.1", "localhost", "[::1]"}))
    with TestClient(Served(models, settings).app, base_url="http://127.0.0.1:8000") as client:
        assert client.get("/health").status_code == 200
        for own in ("LocalHost:8000", "localhost", "[::1]", "[::1]:8000"):
            assert client.get("/health", headers={"host": own}).status_code == 200
        for foreign in ("evil.example:8000", "evil]", "[::1]evil", "[::1].evil:80", "localhost:80:80", "[::2]", ""):
            assert client.get("/health", headers={"host": foreign}).status_code == 421


LIMITS = Limits(body=20_000, rows=3, text=500, rate=0, seconds=30)


@pytest.fixture
def limited(models: Models) -> Iterator[TestClient]:
    with TestClient(Served(models, AppSettings(LIMITS)).app) as client:
        yield client


def test_a_body_that_is_too_large_is_refused_while_it_streams(limited: TestClient) -> None:
    read = 0

    def chunks() -> Iterator[bytes]:
        nonlocal read
        for _ in range(5):
            read += 1
            yield b" " * 10_000

    kind = {"content-type": "application/json"}
    assert limited.post("/score", content=chunks(), headers=kind).status_code == 413
    assert limited.post("/score", content=b" " * 20_001, headers=kind).status_code == 413


def test_too_many_rows_and_too_long_texts_are_refused(limited: TestClient, rows: list[Row]) -> None:
    assert limited.post("/score", json=rows[:4]).status_code == 413
    answer = limited.post("/score", json=dict(rows[0], statement="x" * 501))
    assert answer.json()["rejected"][0]["rule"] == "maxLength"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"\xff\xfe", "application/json", 400),
        (b"[1, 2", "application/json", 400),
        (b"[NaN]", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"3", "application/json", 400),
        (b"[" * 15_000, "application/json", 400),
        (b'{"a": 1, "a": 2}', "application/json", 422),
        (b'{"application_id": "\\ud800"}', "application/json", 422),
    ],
)
def test_what_is_no_application_is_refused(limited: TestClient, body: bytes, kind: str, status: int) -> None:
    assert limited.post("/score", content=body, headers={"content-type": kind}).status_code == status


def test_a_caller_that_asks_too_fast_waits(models: Models, rows: list[Row]) -> None:
    with TestClient(Served(models, AppSettings(replace(LIMITS, rate=0.001))).app) as client:
        assert client.post("/score", json=rows[:3]).status_code == 200
        refused = client.post("/score", json=rows[0])
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 1


def test_the_document_describes_applications_by_the_contract(client: TestClient, champion: Scorer) -> None:
    document: dict[str, Any] = client.get("/openapi.json").json()
    application = document["components"]["schemas"]["Application"]
    assert {"amount", "statement"} <= set(application["required"])
    assert "outcome" not in application["properties"]
    assert "application_id" not in application["required"]
    assert application["properties"]["amount"]["minimum"] == champion.schema["amount"].minimum
    assert document["paths"]["/score"]["post"]["requestBody"]["required"]
    references = {part.split('"')[0] for part in json.dumps(document).split('"#/components/schemas/')[1:]}
    assert references <= set(document["components"]["schemas"])


def test_the_model_and_what_is_counted_are_shown(client: TestClient, champion: Scorer, rows: list[Row]) -> None:
    client.post("/score", json=rows[:2])
    facts = client.get("/model").json()["champion"]
    assert facts["model"] == champion.model_id
    assert facts["rows"] == champion.bundle.manifest.provenance.n_rows
    assert 'creditfusion_rows_total{outcome="scored by champion"} 2' in client.get("/metrics").text


def test_unknown_endpoints_and_methods_are_refused_in_the_same_form(client: TestClient) -> None:
    for answer, status in ((client.get("/secret"), 404), (client.get("/score"), 405)):
        assert answer.status_code == answer.json()["status"] == status
        assert set(answer.json()) == PROBLEM_MEMBERS
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_fault_of_ours_gives_nothing_away(models: Models, rows: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    served = Served(models)

    def fail(_: object) -> None:
        raise ValueError(rows[0]["statement"])

    monkeypatch.setattr(served.service.log, "append", fail)
    with TestClient(served.app) as client:
        answer = client.post("/score", json=rows[0])
    assert (answer.status_code, answer.json()["error"]) == (500, "Fault")
    assert rows[0]["statement"] not in answer.text + json.dumps(served.events)
    assert any(event["event"] == "fault" for event in served.events)
