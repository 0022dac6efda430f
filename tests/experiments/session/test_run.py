from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from data_schemas.errors import ContractError, RunError
from experiments.session.progress import Clock, LineProgress, advance_to, peak_memory_mb, progress_line
from experiments.session.run import Run
from experiments.session.run_log import RunLog, log_path, to_json
from experiments.session.summary import summary_grids, summary_table


def events(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log_path(out).read_text().splitlines()]


def rendered(title: str, summary: dict[str, object]) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(summary_table(title, summary))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_run_leaves_its_log_beside_the_output(tmp_path: Path) -> None:
    out = tmp_path / "new" / "bundle"
    with Run.start("train", out, {"data": Path("a.csv"), "seed": 1}) as run:
        with run.stage("encode", total=3) as advance:
            advance(3)
        run.note("one fold stopped early", {"fold": 2})
        run.finish({"rows": 3})
    started, stage, note, finished = events(out)
    assert started["event"] == "started"
    assert started["arguments"] == {"data": "a.csv", "seed": 1}
    assert {"python", "numpy"} <= set(started["versions"])
    assert (stage["event"], stage["stage"], stage["total"]) == ("stage", "encode", 3)
    assert (note["event"], note["fold"]) == ("note", 2)
    assert finished["summary"]["rows"] == 3
    assert set(finished["summary"]["seconds"]) == {"encode", "total"}


def test_a_second_run_appends_to_the_log(tmp_path: Path) -> None:
    for _ in range(2):
        with Run.start("score", tmp_path / "out.csv", {}) as run:
            run.finish({})
    assert [event["event"] for event in events(tmp_path / "out.csv")] == ["started", "finished"] * 2


def test_what_fails_is_logged_and_raised(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with pytest.raises(ContractError, match="no such column"), Run.start("score", out, {}):
        raise ContractError("no such column", "Add it.")
    failed = events(out)[-1]
    assert (failed["event"], failed["error"], failed["remedy"]) == ("failed", "ContractError", "Add it.")


def test_the_message_of_an_unexpected_error_stays_out_of_the_log(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with pytest.raises(ValueError, match="secret"), Run.start("score", out, {}):
        raise ValueError("cannot read 'the secret of an applicant'")
    assert events(out)[-1]["error"] == "ValueError"
    assert "secret" not in log_path(out).read_text()


def test_json_is_one_object_on_stdout_and_all_else_goes_to_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Run.start("score", tmp_path / "o.csv", {}, json_output=True) as run:
        run.note("half way")
        run.finish({"rows": np.int64(3), "mean_pd": float("nan"), "by rule": {"type": 1}})
    printed = capsys.readouterr()
    summary = json.loads(printed.out)
    assert (summary["verb"], summary["status"], summary["rows"]) == ("score", "done", 3)
    assert summary["mean_pd"] is None
    assert summary["by rule"] == {"type": 1}
    assert summary["peak_memory_mb"] > 1
    assert "half way" in printed.err
    assert "mean pd" in printed.err


def test_without_json_stdout_stays_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Run.start("score", tmp_path / "o.csv", {}) as run:
        run.finish({"rows": 1})
    assert capsys.readouterr().out == ""


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot make the folder"):
        Run.start("train", tmp_path / "file" / "sub" / "bundle", {})


def test_a_log_that_cannot_be_written_does_not_stop_the_run(tmp_path: Path) -> None:
    RunLog(tmp_path).write("started", {})
    RunLog(Path("/dev/full")).write("started", {})
    RunLog(None).write("started", {})


def test_a_stage_that_comes_back_adds_up() -> None:
    clock = Clock()
    for _ in range(3):
        with clock.timed("write"):
            pass
    with pytest.raises(KeyError, match="x"), clock.timed("read"):
        raise KeyError("x")
    assert list(clock.seconds) == ["write", "read"]
    assert 0 <= sum(clock.seconds.values()) <= clock.total


def test_lines_come_at_most_every_so_often() -> None:
    text = io.StringIO()
    progress = LineProgress(Console(file=text), every=0.0)
    with progress.task("encode", 4, "texts") as advance:
        advance(1)
        advance(1)
    assert [line.split(",")[0] for line in text.getvalue().splitlines()] == [
        "encode: 1 of 4 texts",
        "encode: 2 of 4 texts",
    ]
    quiet = io.StringIO()
    with LineProgress(Console(file=quiet)).task("encode", 4, "texts") as advance:
        advance(4)
    assert quiet.getvalue() == ""


@pytest.mark.parametrize(
    ("done", "total", "seconds", "line"),
    [
        (2000, 6000, 10.0, "score: 2,000 of 6,000 rows, 200 rows/s, 20 s left"),
        (2000, None, 10.0, "score: 2,000 rows, 200 rows/s"),
        (2, 10, 40.0, "score: 2 of 10 rows, 20.0 s each, 160 s left"),
        (0, 10, 0.0, "score: 0 of 10 rows, 0 rows/s"),
        (12, 10, 1.0, "score: 12 of 10 rows, 12 rows/s, 0 s left"),
    ],
)
def test_a_line_of_progress(done: int, total: int | None, seconds: float, line: str) -> None:
    assert progress_line("score", done, total, "rows", seconds) == line


def test_bars_on_a_terminal_nest_and_end() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    run = Run("score", RunLog(None), console, None)
    with run.stage("outer", total=2) as advance, run.progress("inner", unit="texts") as on_text:
        on_text(5)
        advance(2)
    with run.stage("another [stage]") as advance:
        advance(1)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "outer" in shown
    assert "inner" in shown
    assert "another [stage]" in shown


def test_totals_become_increments() -> None:
    steps: list[int] = []
    tell = advance_to(steps.append)
    for total in (3, 3, 10):
        tell(total)
    assert steps == [3, 0, 7]


def test_the_summary_shows_sections_and_readable_numbers() -> None:
    text = rendered(
        "creditfusion [train]",
        {"rows": 1234567, "mean_pd": 0.123456, "out of fold": {"AUC": 0.71366, "interval": (0.7, 0.72)}, "by": None},
    )
    for part in ("creditfusion [train]", "1,234,567", "mean pd", "0.1235", "out of fold", "0.7137", "0.7, 0.72"):
        assert part in text
    assert "nothing" not in rendered("empty", {"nothing": {}})


def test_values_become_plain_json() -> None:
    value = {1: np.float32(0.5), "b": (np.int64(2), Path("x")), "c": [float("inf"), None, True]}
    assert to_json(value) == {"1": 0.5, "b": [2, "x"], "c": [None, None, True]}


def test_peak_memory_grows_with_what_is_held() -> None:
    before = peak_memory_mb()
    held = np.ones(40_000_000)
    assert held.sum() == 40_000_000
    assert peak_memory_mb() >= max(before, 320)


def test_a_mapping_of_mappings_is_read_side_by_side() -> None:
    summary = {"rows": 3, "figures": {"all": {"AUC": "0.7"}, "newest": {"AUC": "0.6"}}, "empty": {}}
    (grid,) = summary_grids(summary)
    assert [str(column.header) for column in grid.columns] == ["", "all", "newest"]
    assert [list(column.cells) for column in grid.columns] == [["AUC"], ["0.7"], ["0.6"]]
    assert summary_table("run", summary).row_count == 1
