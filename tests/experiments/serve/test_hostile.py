"""Bodies that nobody should send: never a fault of ours, never a word of them in a log."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from experiments.serve.app import AppSettings
from experiments.serve.limits import Limits
from experiments.serve.scoring import Models
from tests.support.hostile import HOSTILE
from tests.support.serving import PROBLEM_MEMBERS, Served, demo_rows

SECRET = "Xerxes owes the pawnbroker"
WORDS = st.one_of(
    st.sampled_from([text[:3000] for text in HOSTILE.values()]),
    st.text(max_size=30),
    st.sampled_from(["NaN", "-Infinity", "1e999", "", " ", "0x10", "１２", "true", "null", "2024-02-30"]),
)
CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    WORDS,
    st.lists(st.none(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
)
HEADERS = st.sampled_from(["application/json", "application/json; charset=utf-16", "text/plain", "", "a" * 500])


@pytest.fixture(scope="module")
def served(models: Models) -> Iterator[tuple[Served, TestClient]]:
    made = Served(models, AppSettings(Limits(body=100_000, rate=0)))
    with TestClient(made.app) as client:
        yield made, client


CELLS_BESIDE = {"application_id": {"deep": [1]}}


@st.composite
def bodies(draw: st.DrawFn) -> object:
    """One row or several, the first with other cells, without a column, or with columns that nobody knows.

    Drawn as a whole before anything is sent, so that no failure of the service passes for one of the strategy.
    """
    rows = demo_rows()
    names = [*rows[0], *draw(st.lists(st.text(max_size=10), max_size=2))]
    changed = draw(st.dictionaries(st.sampled_from(names), CELLS, max_size=4))
    dropped = draw(st.sets(st.sampled_from(names), max_size=1))
    row = {name: cell for name, cell in {**rows[0], "statement": SECRET, **changed}.items() if name not in dropped}
    return draw(st.sampled_from([row, [row], [row, rows[1]], [row, row, CELLS_BESIDE]]))


@settings(max_examples=120)
@given(sent=bodies(), kind=HEADERS)
def test_no_cell_is_a_fault_and_none_is_logged(served: tuple[Served, TestClient], sent: object, kind: str) -> None:
    made, client = served
    answer = client.post("/score", content=json.dumps(sent), headers={"content-type": kind})
    assert answer.status_code < 500
    if answer.status_code in (200, 422) and "scored" in answer.json():
        found = answer.json()
        n_rows = len(sent) if isinstance(sent, list) else 1
        assert sorted(one["row"] for part in found.values() for one in part) == list(range(1, n_rows + 1))
    assert SECRET not in json.dumps(made.events) + repr(made.log.decisions)


@settings(max_examples=80)
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")),
        st.sampled_from(
            [b'{"a":' * 20_000, b"[" * 90_000, b"1" * 90_000, b'{"a":1e' + b"9" * 5000 + b"}", b"\xef\xbb\xbf{}"]
        ),
    ),
    kind=HEADERS,
)
def test_no_body_is_a_fault(served: tuple[Served, TestClient], body: bytes, kind: str) -> None:
    for path in ("/score", "/explain"):
        answer = served[1].post(path, content=body, headers={"content-type": kind})
        assert 400 <= answer.status_code < 500
        assert set(answer.json()) in (PROBLEM_MEMBERS, {"scored", "rejected"}, {"explained", "rejected"})
