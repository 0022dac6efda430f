"""Applications with the records of their sources, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from experiments.serve.scoring import Models
from fusion.scorer import Scorer, load_scorer
from tests.support.joined_sources import MADE, joined_table
from tests.support.serving import PROBLEM_MEMBERS, Row, Served
from tests.support.source_records import write_records

N = 12


@pytest.fixture(scope="module")
def scorer(joined_model: Path) -> Scorer:
    return load_scorer(joined_model, reasons=4)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The body of a request: twelve applications and their records."""
    folder = tmp_path_factory.mktemp("records")
    table = joined_table(N, 2).drop(columns=[*MADE, "outcome"])
    write_records(folder, "new", table, 5)
    records = {name: texts(pd.read_csv(folder / f"new.{name}.csv", dtype=str)) for name in ("bureau", "calls")}
    return {"applications": texts(table), "sources": records | {"court": []}}


def texts(table: pd.DataFrame) -> list[Row]:
    plain = table.astype(object).where(table.notna(), "").astype(str)
    return [{str(name): cell for name, cell in row.items()} for row in plain.to_dict("records")]


@pytest.fixture
def served(scorer: Scorer) -> Served:
    return Served(Models(scorer))


@pytest.fixture
def client(served: Served) -> Iterator[TestClient]:
    with TestClient(served.app) as client:
        yield client


def test_records_that_are_sent_along_have_the_digits_of_a_data_frame(
    client: TestClient, served: Served, scorer: Scorer, sent: dict[str, Any]
) -> None:
    answer = client.post("/score", json=sent).json()
    frames = {name: pd.DataFrame(own, dtype=str) for name, own in sent["sources"].items() if own}
    frames["court"] = pd.DataFrame({"application_id": [], "fine": []}, dtype=str)
    wanted = scorer.score(pd.DataFrame(sent["applications"]), frames).scores
    assert [one["pd"] for one in answer["scored"]] == wanted["pd"].tolist()
    assert {tuple(one["source_points"]) for one in answer["scored"]} == {("application", "bureau", "calls", "court")}
    assert [one.pd for one in served.log.decisions] == wanted["pd"].tolist()
    assert "He asked for more time" not in repr(served.log.decisions) + repr(served.events)


def test_requests_that_are_scored_together_keep_their_own_records(client: TestClient, sent: dict[str, Any]) -> None:
    whole = [one["pd"] for one in client.post("/score", json=sent).json()["scored"]]
    bare = client.post("/score", json=sent | {"sources": {"bureau": [], "calls": [], "court": []}}).json()["scored"]
    assert [one["pd"] for one in bare] != whole
    again = [
        client.post("/score", json=sent | {"applications": [row]}).json()["scored"][0]["pd"]
        for row in sent["applications"]
    ]
    assert again == whole


def test_a_record_that_breaks_its_contract_and_a_source_that_is_none_are_named(
    client: TestClient, sent: dict[str, Any]
) -> None:
    for sources, what in (
        ({"register": []}, "names no records by source"),
        ({"bureau": {}}, "records of bureau are no list"),
        ({"bureau": [{"account": ["x"]}]}, "record 1 of bureau has a cell"),
    ):
        answer = client.post("/score", json=sent | {"sources": sources})
        assert answer.status_code == 400
        assert set(answer.json()) == PROBLEM_MEMBERS
        assert what in answer.json()["detail"]
    assert client.post("/score", json=sent["applications"]).status_code == 400
    assert client.post("/score", json={"applications": sent["applications"]}).status_code == 400
    lacking = client.post("/score", json=sent | {"sources": {}})
    assert lacking.status_code == 422
    assert "which is not given" in lacking.json()["detail"]


def test_explanations_split_the_score_over_columns_made_of_records(client: TestClient, sent: dict[str, Any]) -> None:
    found = client.post("/explain", json=sent | {"applications": sent["applications"][:2]}).json()["explained"]
    assert len(found) == 2
    for one in found:
        points = sum(part["points"] for part in (*one["columns"], *one["narratives"]))
        assert one["base"] + points == pytest.approx(one["answer"]["score"], abs=1e-6)
        assert "bureau_open" in {part["column"] for part in one["columns"]}
