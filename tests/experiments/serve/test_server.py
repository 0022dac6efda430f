"""The service as its users start it: a process that listens on a free loopback port."""

from __future__ import annotations

import json
import math
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from experiments.serve.decision_log import read_log
from experiments.serve.routing import Routing
from tests.support.command_line import creditfusion
from tests.support.explained import Trained
from tests.support.serving import Row

N = 100


@dataclass(frozen=True)
class Running:
    """A service's process and where it listens."""

    process: subprocess.Popen[str]
    started: dict[str, Any]

    def ask(self, path: str, body: object = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.started["url"] + path, data, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


@contextmanager
def running(*arguments: object) -> Iterator[Running]:
    command = [sys.executable, "-P", "-m", "creditfusion", "serve", "--port", "0", "--json", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate(timeout=60)[1]
        yield Running(process, json.loads(line))
    finally:
        if process.returncode is None:
            process.kill()
            process.communicate(timeout=60)


@pytest.mark.slow
def test_it_serves_routes_alike_after_a_kill_and_finishes_what_it_accepted(
    trained: Trained, challenger_bundle: Path, rows: list[Row], tmp_path: Path
) -> None:
    log, routing = tmp_path / "decisions.jsonl", Routing("pilot", 0.5)
    named = ["--model", trained.model, "--challenger", challenger_bundle, "--share", "0.5", "--experiment", "pilot"]
    named += ["--log", log]
    rows = [dict(rows[at % len(rows)], application_id=f"S-{at}") for at in range(N)]
    with running(*named) as first:
        status, answer = first.ask("/score", rows)
        assert status == 200
        routes = [one["route"] for one in answer["scored"]]
        assert routes == [routing.route(str(row["application_id"])) for row in rows]
        assert abs(routes.count("challenger") - N / 2) <= 4 * math.sqrt(N / 4)
        first.process.send_signal(signal.SIGKILL)
        first.process.communicate(timeout=60)
    before = read_log(str(log)).decisions
    assert len(before) == len(rows)
    with running(*named) as second:
        _, again = second.ask("/score", rows)
        assert again == answer
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(second.ask, "/score", row) for row in rows]
            wait(asked, return_when=FIRST_COMPLETED)
            second.process.send_signal(signal.SIGTERM)
            answered = [one.result() for one in asked if one.exception() is None]
        out, err = second.process.communicate(timeout=120)
    assert second.process.returncode == 0, err
    assert json.loads(out)["status"] == "done"
    after = read_log(str(log)).decisions[len(before) :]
    scored = [one for _, answer in answered for one in answer["scored"]]
    assert scored
    by_id = {one.id: (one.model, one.pd) for one in before}
    assert {one.id for one in after} >= {one["id"] for one in scored}
    assert all(by_id[one["id"]] == (one["model"], one["pd"]) for one in scored)
    assert str(rows[0]["statement"]) not in log.read_text() + err


def test_others_are_not_served_without_keys(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert creditfusion("serve", "--model", trained.model, "--host", "0.0.0.0") == 2
    assert "anybody who reaches 0.0.0.0 could use the service" in capsys.readouterr().err
    assert creditfusion("serve", "--model", trained.model, "--keys", tmp_path / "k", "--no-keys") == 2
    assert creditfusion("serve") == 2
    assert "serve needs a model" in capsys.readouterr().err


def test_models_that_cannot_share_requests_are_refused(
    trained: Trained, challenger_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert creditfusion("serve", "--model", trained.model, "--challenger", trained.model) == 2
    assert "both bundles hold the same model" in capsys.readouterr().err
    named = ["--model", trained.model, "--challenger", challenger_bundle]
    assert creditfusion("serve", *named, "--shadow", challenger_bundle) == 2
    assert creditfusion("serve", *named, "--share", "1.5") == 2
    assert "is no share" in capsys.readouterr().err


def test_a_port_that_is_taken_is_named(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert creditfusion("serve", "--model", trained.model, "--port", port) == 1
    assert f"port {port} cannot be listened on" in capsys.readouterr().err
