from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from data_schemas.errors import ContractError
from data_schemas.reader import load_schema
from experiments.compare.decisions import Outcomes, Randomised, Shadowed, one_experiment, paired, read_outcomes
from experiments.serve.decision_log import Decision, open_log
from experiments.serve.routing import Routing
from features.tables.reader import ReadOptions
from tests.support.command_line import creditfusion
from tests.support.decisions import decision
from tests.support.postgres import QUOTED, Server

ROUTING = Routing("pilot", 0.3)
N = 3000


def drawn(cutoffs: dict[str, float]) -> tuple[list[Decision], pd.DataFrame]:
    """Decisions on applicants whose PD both models know, each approving up to a cut-off of its own; their outcomes."""
    random = np.random.Generator(np.random.PCG64(1))
    risk, made, rows = expit(random.normal(-1.5, 1.2, N)), [], []
    for number, pd_ in enumerate(risk.tolist()):
        name = f"A-{number}"
        route = ROUTING.route(name)
        action = "approve" if pd_ <= cutoffs[route] else "decline"
        known = {"experiment": "pilot", "share": 0.3, "inputs": name, "pd": pd_, "decision": action}
        made.append(decision(name, route=route, model=f"{route:.8}0000", **known))
        if action == "approve":
            rows.append((name, "defaulted" if random.random() < pd_ else "repaid"))
    return made, pd.DataFrame(rows, columns=["application_id", "outcome"])


def outcomes_of(table: pd.DataFrame) -> Outcomes:
    return Outcomes(dict(zip(table["application_id"], table["outcome"] == "defaulted", strict=True)), N, 0, table[:0])


def test_a_challenger_that_approves_less_risk_is_found_better_on_its_own_rows() -> None:
    made, table = drawn({"champion": 0.6, "challenger": 0.15})
    found = paired(one_experiment(made, None), outcomes_of(table))
    assert isinstance(found, Randomised)
    assert len(found.champion) + len(found.challenger) == N
    assert found.fewer_bad.low > 0
    assert found.more_approved.high < 0
    assert found.p_split > 0.001


def test_equal_policies_are_not_called_different() -> None:
    made, table = drawn({"champion": 0.3, "challenger": 0.3})
    found = paired(made, outcomes_of(table))
    assert isinstance(found, Randomised)
    assert found.fewer_bad.low < 0 < found.fewer_bad.high
    assert found.more_approved.low < 0 < found.more_approved.high


def test_a_split_that_nobody_drew_is_an_alarm() -> None:
    made, table = drawn({"champion": 0.3, "challenger": 0.3})
    lost = [one for one in made if one.route == "champion" or int(str(one.id)[2:]) % 2]
    found = paired(lost, outcomes_of(table))
    assert isinstance(found, Randomised)
    assert found.p_split < 0.001


def test_a_shadow_is_compared_on_the_rows_that_both_scored() -> None:
    made, table = drawn({"champion": 1.0, "challenger": 1.0})
    random = np.random.Generator(np.random.PCG64(2))
    champion = [decision(one.id, inputs=one.inputs, pd=random.random()) for one in made]
    shadow = [decision(one.id, inputs=one.inputs, pd=one.pd, route="shadow", model="b" * 12) for one in made[:-2]]
    shadow[0] = decision("A-0", inputs="A-0", pd=None, decision="", rejected="dti:type", route="shadow", model="b" * 12)
    shadow[1] = decision("A-1", inputs="other cells", route="shadow", model="b" * 12)
    found = paired(champion + shadow, outcomes_of(table))
    assert isinstance(found, Shadowed)
    assert (len(found.y), found.n_both, found.n_alone) == (N - 4, N - 4, 4)


def test_of_an_application_decided_again_the_first_decision_counts() -> None:
    twice = [decision("a", pd=0.1), decision("a", pd=0.9), decision("a", pd=0.2, route="shadow", model="b" * 12)]
    found = paired(twice, Outcomes({"a": True}, 1, 0, pd.DataFrame()))
    assert isinstance(found, Shadowed)
    assert expit(found.champion).tolist() == pytest.approx([0.1])


@pytest.mark.parametrize(
    ("made", "what"),
    [
        ([decision("a")], "one model alone"),
        ([decision("a"), decision("b", route="challenger", share=0.5)], "share of the challenger changed"),
        ([decision("a"), decision("b", model="c"), decision("a", route="shadow")], "decided by 2 models"),
    ],
)
def test_a_log_that_proves_nothing_is_refused(made: list[Decision], what: str) -> None:
    with pytest.raises(ContractError, match=what):
        paired(made, Outcomes({}, 0, 0, pd.DataFrame()))


def test_one_of_several_experiments_has_to_be_named() -> None:
    made = [decision(name, route="challenger", experiment=name) for name in ("one", "two")]
    with pytest.raises(ContractError, match="holds 2 experiments: one, two"):
        one_experiment(made, None)
    assert one_experiment(made, "two") == made[1:]
    with pytest.raises(ContractError, match="no decision of experiment 'three'"):
        one_experiment(made, "three")


def test_outcomes_need_ids_and_outcomes_alone(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.csv"
    path.write_text("application_id,outcome\nA-1,repaid\nA-2,defaulted\nA-3,\nA-4,lost\n")
    found = read_outcomes([path], load_schema("demo"), ReadOptions(need_target=True))
    assert (dict(found.bad), found.n_undecided) == ({"A-1": False, "A-2": True}, 1)
    assert found.rejects["row"].tolist() == [4]


@pytest.fixture(params=["file", pytest.param("postgres", marks=pytest.mark.slow)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A decision log of each kind."""
    if request.param == "file":
        return str(tmp_path / "log.jsonl")
    server: Server = request.getfixturevalue("postgres")
    return server.create("judged")


def test_the_verb_reports_on_a_log(where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, table = drawn({"champion": 0.6, "challenger": 0.15})
    log = open_log(where)
    log.append(made)
    log.close()
    table.to_csv(tmp_path / "outcomes.csv", index=False)
    named = ["--decisions", where, "--data", tmp_path / "outcomes.csv", "--schema", "demo"]
    assert creditfusion("compare", *named, "--out", tmp_path / "out", "--json") == 0
    printed = capsys.readouterr()
    summary = json.loads(printed.out)
    shown = (
        printed.out + printed.err + "".join(one.read_text() for one in (tmp_path / "out").glob("*.*") if one.is_file())
    )
    assert QUOTED not in shown
    assert summary["champion"]["decided"] + summary["challenger"]["decided"] == N
    assert summary["fewer_bad"]["low"] > 0
    page = (tmp_path / "out" / "comparison.html").read_text()
    assert "turned bad less often, beyond chance" in page
    assert creditfusion("compare", *named, "--champion", "x", "--out", tmp_path / "other") == 2
