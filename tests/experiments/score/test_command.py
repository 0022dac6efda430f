"""`creditfusion score` with a trained bundle, through the command line."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_schemas.reader import load_schema
from experiments.demo.data import generate
from experiments.score.resumable_output import partial_folder
from tests.support.command_line import creditfusion
from tests.support.explained import Trained
from tests.support.tiny_bert import tiny_bert

N_ROWS = 120


@pytest.fixture(scope="module")
def trained(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The bundle that is shared, and applications of its own."""
    table = generate(N_ROWS, 2).table.drop(columns="outcome").astype(object)
    table.loc[[7, 100], "amount"] = "a lot"
    data = tmp_path_factory.mktemp("new") / "new.csv"
    table.to_csv(data, index=False)
    return replace(trained, data=data, table=table)


def arguments(trained: Trained, out: Path, *more: str) -> list[str]:
    named = ["--model", str(trained.model), "--data", str(trained.data), "--out", str(out)]
    return ["score", *named, "--cache", str(out.parent / "cache"), *more]


def score(trained: Trained, out: Path, *more: str) -> int:
    return creditfusion(*arguments(trained, out, *more))


@pytest.fixture(scope="module")
def undisturbed(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    out = tmp_path_factory.mktemp("undisturbed") / "out.csv"
    assert score(trained, out) == 3
    return results(out)


def results(out: Path) -> tuple[bytes, bytes]:
    return out.read_bytes(), out.with_name(out.name + ".rejects.csv").read_bytes()


def test_a_file_is_scored_and_the_summary_says_how(
    capsys: pytest.CaptureFixture[str], trained: Trained, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    assert score(trained, out, "--json") == 3
    summary: dict[str, Any] = json.loads(capsys.readouterr().out)
    scored = pd.read_csv(out)
    assert len(scored) == summary["scored"] == N_ROWS - 2
    assert (summary["rejected"], summary["rejected_by_rule"]) == (2, {"type": 2})
    assert summary["mean_pd"] == pytest.approx(scored["pd"].mean(), abs=1e-6)
    assert summary["decline_rate"] == pytest.approx((scored["decision"] == "decline").mean())
    assert summary["cache_hit_rate"] == 0
    stages = {"load", "read", "columns", "text", "predict", "concepts", "explain", "write", "publish", "total"}
    assert stages <= set(summary["seconds"])
    # 40 points double the odds: score and PD say the same.
    slope = np.polyfit(np.log(scored["pd"] / (1 - scored["pd"])), scored["score"], 1)[0]
    assert slope == pytest.approx(-40 / np.log(2), rel=1e-3)


def test_reasons_stand_beside_every_score(capsys: pytest.CaptureFixture[str], trained: Trained, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert score(trained, out, "--json") == 3
    summary: dict[str, Any] = json.loads(capsys.readouterr().out)
    scored = pd.read_csv(out, dtype=str, keep_default_na=False)
    schema = load_schema("demo")
    given = [field.reason for field in schema.fields if field.reason]
    given += [derived.reason for derived in schema.derived if derived.reason]
    reasons = {reason.code: reason for reason in [*given, *(concept.reason for concept in schema.concepts)]}
    undisclosable = pd.Series(False, index=scored.index)
    last = pd.Series(-np.inf, index=scored.index)
    for number in (1, 2, 3, 4):
        code, wording, points = (scored[f"reason_{number}{part}"] for part in ("", "_wording", "_points"))
        none = code == ""
        assert ((wording == "") == none).all()
        assert ((points == "") == none).all()
        assert (code[~none].map(lambda code: reasons[code].wording) == wording[~none]).all()
        assert points[~none].str.fullmatch(r"-\d+\.\d").all()
        now = points.where(~none, "0").astype(float)
        assert (now[~none] <= np.where(scored["decision"] == "decline", -0.1, -1.0)[~none]).all()
        assert (now >= last).all()
        flagged = code.map(lambda code: bool(code) and not reasons[code].disclosable)
        for name, flags in zip(code[flagged], scored.loc[flagged, "reason_flags"], strict=True):
            assert f"not_disclosable:{name}" in flags.split(";")
        undisclosable |= flagged
        last = now
    assert scored["narrative_points"].str.fullmatch(r"-?\d+\.\d").all()
    flag = r"(no_reason|not_disclosable:[A-Z][A-Z0-9_]*|sensitive:[a-z_]+:-?\d+\.\d)"
    assert scored["reason_flags"].str.fullmatch(rf"({flag}(;{flag})*)?").all()
    assert summary["with_undisclosable_reason"] == undisclosable.sum()
    assert summary["with_sensitive_statement"] == scored["reason_flags"].str.contains("sensitive:").sum()
    counted = scored["reason_1"][scored["reason_1"] != ""].value_counts()
    assert len(summary["first_reasons"]) == min(5, len(counted))
    assert list(summary["first_reasons"].values()) == counted.tolist()[:5]
    assert all(counted[code] == n for code, n in summary["first_reasons"].items())


@pytest.mark.parametrize("n_reasons", [0, 1, 9])
def test_the_number_of_reasons_changes_nothing_else(
    capsys: pytest.CaptureFixture[str],
    trained: Trained,
    tmp_path: Path,
    undisturbed: tuple[bytes, bytes],
    n_reasons: int,
) -> None:
    out = tmp_path / "out.csv"
    assert score(trained, out, "--reasons", str(n_reasons), "--json") == 3
    found, four = (
        pd.read_csv(io.BytesIO(c), dtype=str, keep_default_na=False) for c in (results(out)[0], undisturbed[0])
    )
    own = ["row", "id", "pd", "score", "decision", "data_quality", "model"]
    summary = json.loads(capsys.readouterr().out)
    if n_reasons == 0:
        assert list(found.columns) == own
        assert not {"explain", "concepts"} & set(summary["seconds"])
        assert "first_reasons" not in summary
    else:
        assert len(found.columns) == len(own) + 3 * n_reasons + 2
        own += [f"reason_{number}{part}" for number in range(1, min(n_reasons, 4) + 1) for part in ("", "_points")]
        own.append("narrative_points")
    pd.testing.assert_frame_equal(found[own], four[own])


def test_a_warm_cache_changes_no_byte(
    capsys: pytest.CaptureFixture[str],
    trained: Trained,
    tmp_path: Path,
    undisturbed: tuple[bytes, bytes],
) -> None:
    for expected in (0.0, 1.0):
        assert score(trained, tmp_path / "out.csv", "--json", "--force") == 3
        assert json.loads(capsys.readouterr().out)["cache_hit_rate"] == expected
        assert results(tmp_path / "out.csv") == undisturbed
    assert score(trained, tmp_path / "out.csv", "--no-cache", "--force") == 3
    assert results(tmp_path / "out.csv") == undisturbed


@pytest.mark.parametrize("chunk_rows", [1, 7, 1000])
def test_the_size_of_the_chunks_changes_no_byte(
    trained: Trained,
    tmp_path: Path,
    undisturbed: tuple[bytes, bytes],
    chunk_rows: int,
) -> None:
    assert score(trained, tmp_path / "out.csv", "--chunk-rows", str(chunk_rows)) == 3
    assert results(tmp_path / "out.csv") == undisturbed


def test_an_applicant_gets_the_same_digits_among_others(
    trained: Trained, tmp_path: Path, undisturbed: tuple[bytes, bytes]
) -> None:
    lines = trained.data.read_text().splitlines(keepends=True)
    body = lines[1:]
    random.Random(4).shuffle(body)
    shuffled = replace(trained, data=tmp_path / "shuffled.csv")
    shuffled.data.write_text("".join([lines[0], *body]))
    assert score(shuffled, tmp_path / "out.csv", "--chunk-rows", "31") == 3

    def by_id(content: bytes) -> set[str]:
        return {line.split(",", 1)[1] for line in content.decode().splitlines()}

    assert by_id((tmp_path / "out.csv").read_bytes()) == by_id(undisturbed[0])


def test_rows_with_little_in_them_are_scored_and_say_so(trained: Trained, tmp_path: Path) -> None:
    table = generate(3, 5).table.drop(columns="outcome").astype(object)
    schema = load_schema("demo")
    optional = [field.name for field in schema.fields if not field.required and field.name in table]
    required = ["amount", "term_months"]
    table.loc[0, ["statement", "job_title"]] = ""
    table.loc[1, optional] = ""
    table.loc[2, [name for name in optional if name not in required]] = ""
    table.loc[2, "statement"] = "I have a permanent job."
    sparse = replace(trained, data=tmp_path / "sparse.csv")
    table.to_csv(sparse.data, index=False)
    assert score(sparse, tmp_path / "out.csv") == 0
    quality = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)["data_quality"]
    assert quality[0].startswith("no_narrative")
    assert quality[1].startswith("no_narrative;few_inputs;missing:annual_income,")
    assert quality[2].startswith("few_inputs;missing:annual_income,")


def test_a_bundle_that_was_changed_is_refused_by_name(
    capsys: pytest.CaptureFixture[str], trained: Trained, tmp_path: Path
) -> None:
    changed = replace(trained, model=shutil.copytree(trained.model, tmp_path / "model"))
    config = changed.model / "config.json"
    config.write_bytes(config.read_bytes().replace(b"0.2", b"0.3"))
    assert score(changed, tmp_path / "out.csv") == 2
    assert "config.json" in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


def test_another_encoder_in_the_old_one_s_place_is_refused(
    capsys: pytest.CaptureFixture[str], trained: Trained, tmp_path: Path
) -> None:
    folder = trained.model.parent / "encoder"
    weights = (folder / "model.safetensors").read_bytes()
    tiny_bert(folder, seed=9)
    try:
        assert score(trained, tmp_path / "out.csv") == 2
    finally:
        (folder / "model.safetensors").write_bytes(weights)
    stderr = capsys.readouterr().err
    assert "is not the one that model" in stderr
    assert "--encoder" in stderr


def test_a_bundle_moves_with_its_encoder(
    capsys: pytest.CaptureFixture[str],
    trained: Trained,
    tmp_path: Path,
    undisturbed: tuple[bytes, bytes],
) -> None:
    old, new = trained.model.parent / "encoder", tmp_path / "encoder"
    old.rename(new)
    try:
        assert score(trained, tmp_path / "out.csv") == 2
        assert "to score: --encoder" in capsys.readouterr().err
        assert score(trained, tmp_path / "out.csv", "--encoder", str(new)) == 3
        assert results(tmp_path / "out.csv") == undisturbed
    finally:
        new.rename(old)
    stranger = tiny_bert(tmp_path / "stranger", seed=9)
    assert score(trained, tmp_path / "out.csv", "--encoder", str(stranger), "--force") == 2
    assert "is not the one that model" in capsys.readouterr().err


SMALL_CHUNKS = ("--chunk-rows", "2")


def start(trained: Trained, out: Path) -> subprocess.Popen[bytes]:
    """Scoring in a process of its own, which can be killed."""
    command = [sys.executable, "-m", "creditfusion", *arguments(trained, out, *SMALL_CHUNKS)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for(process: subprocess.Popen[bytes], reached: Callable[[], bool]) -> None:
    """Until a run that is still at work has come so far."""
    deadline = time.monotonic() + 600
    while not reached():
        assert process.poll() is None, "the run ended before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.parametrize("rows_before", [0, 30, 70])
def test_a_killed_run_leaves_nothing_half_done_and_is_resumed_to_the_same_bytes(
    trained: Trained, tmp_path: Path, undisturbed: tuple[bytes, bytes], rows_before: int
) -> None:
    """Killed when it has just begun, or has written some rows."""
    out = tmp_path / "out.csv"
    process = start(trained, out)
    log, journal = tmp_path / "out.csv.log.jsonl", partial_folder(out) / "journal.json"

    def reached() -> bool:
        if rows_before == 0:
            return log.exists()
        return journal.exists() and json.loads(journal.read_bytes())["through_row"] >= rows_before

    wait_for(process, reached)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not out.exists()
    assert not out.with_name("out.csv.rejects.csv").exists()
    if rows_before:
        assert score(trained, out, *SMALL_CHUNKS) == 2  # a partial is in the way
    assert score(trained, out, *SMALL_CHUNKS, "--resume") == 3
    assert results(out) == undisturbed
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert events[-1]["event"] == "finished"
    assert rows_before <= events[-1]["summary"].get("rows_resumed", 0) < N_ROWS


@pytest.mark.slow
def test_ctrl_c_ends_cleanly_and_can_be_resumed(
    trained: Trained, tmp_path: Path, undisturbed: tuple[bytes, bytes]
) -> None:
    out = tmp_path / "out.csv"
    process = start(trained, out)
    wait_for(process, (partial_folder(out) / "journal.json").exists)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert score(trained, out, *SMALL_CHUNKS, "--resume") == 3
    assert results(out) == undisturbed


def test_protected_and_ignored_columns_have_no_influence(trained: Trained, tmp_path: Path) -> None:
    """Neither on a score nor on a reason, whatever they hold."""
    out, other = tmp_path / "scored.csv", tmp_path / "other.csv"
    assert score(trained, out) == 3
    table = pd.read_csv(trained.data, dtype=object, keep_default_na=False)
    table["sex"] = np.where(table["sex"] == "female", "male", "female")
    table["age_band"] = table["age_band"].sample(frac=1, random_state=1).to_numpy()
    table["branch_note"] = "anything"
    changed = tmp_path / "changed.csv"
    table.to_csv(changed, index=False)
    assert score(replace(trained, data=changed), other) == 3
    assert other.read_bytes() == out.read_bytes()


FITTING = (
    "sklearn",
    "scipy.stats",
    "scipy.optimize",
    "lightgbm",
    "joblib",
    "transformers",
    "optuna",
    "sympy",
    "torch._dynamo",
)
IDLE = (*FITTING, "shap", "matplotlib", "duckdb", "sqlalchemy", "jinja2", "huggingface_hub", "torch._inductor")


def imported(verb: list[str], names: tuple[str, ...]) -> str:
    """Exit code of a verb in a process of its own, and which of these modules it imported."""
    code = (
        "import sys, experiments.cli\n"
        f"sys.argv[1:] = {verb}\n"
        "code = experiments.cli.guarded(experiments.cli.app)\n"
        f"print(code, [name for name in {names} if name in sys.modules])"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_scoring_imports_nothing_that_only_fitting_and_validating_need(trained: Trained, tmp_path: Path) -> None:
    assert imported(arguments(trained, tmp_path / "out.csv"), IDLE) == "3 []"


def test_where_every_vector_is_kept_torch_is_not_imported_and_the_bytes_are_the_same(
    trained: Trained, tmp_path: Path, undisturbed: tuple[bytes, bytes]
) -> None:
    out = tmp_path / "out.csv"
    assert score(trained, out) == 3  # opens the encoder, which passes
    encoding = ("torch", "safetensors.torch", "tokenizers", *IDLE)
    assert imported(arguments(trained, out, "--force"), encoding) == "3 []"
    assert results(out) == undisturbed


def test_a_text_that_is_not_kept_is_read_by_the_encoder_opened_then(trained: Trained, tmp_path: Path) -> None:
    out, alone = tmp_path / "out.csv", tmp_path / "alone.csv"
    assert score(trained, out) == 3
    table = trained.table.copy()
    narrative = load_schema("demo").narratives[0].name
    table.loc[3, narrative] = "A sentence that no cache has kept. Another one."
    table.to_csv(tmp_path / "changed.csv", index=False)
    changed = replace(trained, data=tmp_path / "changed.csv")
    assert imported(arguments(changed, out, "--force"), ("torch", "sklearn")) == "3 ['torch']"
    assert score(changed, alone, "--no-cache") == 3
    assert results(out) == results(alone)


def test_an_encoder_that_was_damaged_since_is_refused_though_every_vector_is_kept(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = json.loads((trained.model / "config.json").read_text())["encoder"]["source"]
    folder = Path(shutil.copytree(source, tmp_path / "encoder"))
    out = tmp_path / "out.csv"
    assert score(trained, out, "--encoder", str(folder)) == 3
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    capsys.readouterr()
    assert score(trained, out, "--force", "--encoder", str(folder)) == 2
    assert "is not the one that model" in " ".join(capsys.readouterr().err.split())
    done = subprocess.run(
        [sys.executable, "-m", "creditfusion", *arguments(trained, out, "--force", "--encoder", str(folder))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "is not the one that model" in " ".join(done.stderr.split())
