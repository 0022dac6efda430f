"""How the service starts, and what it does not start with."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.command_line import creditfusion
from tests.support.explained import Trained


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
