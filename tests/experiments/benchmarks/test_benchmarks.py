"""The benchmarks' own arithmetic; what they measure is measured by running them."""

from __future__ import annotations

import gzip
import importlib
import json
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from experiments.benchmarks.measuring import (
    Measured,
    draw,
    markdown,
    measure,
    median_ratio,
    rows_of,
    write_rows,
)
from experiments.benchmarks.settings import forward_windows
from experiments.benchmarks.speed import checks_cost, encoder_speed, explain_speed, score_memory, score_speed
from features.encoders.opening import open_encoder
from fusion.explain.attribution import ModelOutputs
from fusion.explain.leaves import Leaves, leaves_of
from fusion.explain.tree_shapley import TreeGame, count
from fusion.model.training import fit
from tests.support.designs import SMALL, make_design, outcome, sample_of
from tests.support.tiny_bert import tiny_bert

ROOT = Path(__file__).resolve().parents[3]
HOUSE = ROOT / "experiments" / "benchmarks"
FOUND = {
    ".".join(path.relative_to(HOUSE).with_suffix("").parts): path.read_text(encoding="utf-8")
    for path in HOUSE.rglob("*.py")
}
# Started by other scripts, or with options of their own.
OWN_WAY = ("data_sets.", "peers.contenders.", "speed.plain_pipeline")
SCRIPTS = sorted(name for name, code in FOUND.items() if "__main__" in code and not name.startswith(OWN_WAY))


def reported(seconds: float, peak_mb: float, **stages: float) -> Measured:
    """A run that ended and told its stages."""
    summary = {"seconds": stages, "rejected": 1, "cache_hit_rate": 0.5}
    return Measured(seconds, seconds, peak_mb, json.dumps(summary))


def test_checks_are_timed_where_they_are_called_and_only_meanwhile() -> None:
    before = [getattr(place, name) for places in checks_cost.CHECKS.values() for place, name in places]
    seconds: dict[str, float] = {}
    place, name = checks_cost.CHECKS["spelling of levels"][0]
    with checks_cost.timed(seconds):
        getattr(place, name)(pa.array(["e\u0301"] * 10_000))
    assert seconds.keys() == checks_cost.CHECKS.keys()
    assert {check for check, cpu in seconds.items() if cpu > 0} == {"spelling of levels"}
    assert before == [getattr(place, name) for places in checks_cost.CHECKS.values() for place, name in places]


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def test_a_command_is_measured() -> None:
    done = measure(python('import time; time.sleep(0.3); print(\'{"seconds": {"load": 1, "read": 2, "total": 9}}\')'))
    assert 0.3 <= done.seconds < 5
    assert done.summary == {"seconds": {"load": 1, "read": 2, "total": 9}}
    assert done.working_seconds == 2


def test_the_peak_is_the_command_s_own_whatever_is_held_here() -> None:
    held = bytearray(b"x") * 200_000_000
    small = measure(python("pass"))
    large = measure(python("x = bytearray(b'x') * 100_000_000"))
    assert len(held) == 200_000_000
    assert small.peak_mb < 60
    assert 100 <= large.peak_mb < 160


def test_a_command_that_fails_is_reported() -> None:
    failing = python("import sys; print('what went wrong', file=sys.stderr); sys.exit(3)")
    with pytest.raises(RuntimeError, match=r"exit code 3 of .*\n*what went wrong"):
        measure(failing)
    assert measure(failing, allowed=(0, 3)).output == ""
    with pytest.raises(RuntimeError, match="cannot run no-such-command"):
        measure(["no-such-command"])


@pytest.mark.parametrize("name", ["data.csv", "data.csv.gz"])
def test_rows_are_drawn_in_file_order(tmp_path: Path, name: str) -> None:
    table = [["id", "note"], *([str(number), f'a "note",\nof {number}'] for number in range(50))]
    write_rows(tmp_path / "data.csv", table)
    (tmp_path / "data.csv.gz").write_bytes(gzip.compress((tmp_path / "data.csv").read_bytes()))
    assert list(rows_of(tmp_path / name)) == table
    drawn = draw(tmp_path / name, 10)
    assert drawn == draw(tmp_path / name, 10) != draw(tmp_path / name, 10, seed=1)
    assert drawn[0] == table[0]
    assert drawn[1:] == [row for row in table[1:] if row in drawn]
    assert len(drawn) == 11
    assert draw(tmp_path / name, 1000) == table


def test_a_ratio_is_taken_round_by_round() -> None:
    assert (
        median_ratio([10, 100, 30], [5, 20, 10]) == 3
    )  # of 2, 5 and 3; the ratio of the medians would be 3, of sums 4
    assert median_ratio([10, 100], [5, 100]) == 1.5


def test_a_table() -> None:
    assert markdown(["a", "b"], [["x|y", "1"]]) == "| a | b |\n| --- | ---: |\n| x&#124;y | 1 |"


def test_repeated_rows_have_ids_of_their_own(tmp_path: Path) -> None:
    write_rows(tmp_path / "data.csv", [["note", "id"], ["one", "7"], ["two", "8"]])
    five = list(islice(score_memory.repeated(tmp_path / "data.csv", "id"), 6))
    assert five == [["note", "id"], ["one", "1"], ["two", "2"], ["one", "3"], ["two", "4"], ["one", "5"]]
    write_rows(tmp_path / "data.csv", [["note", "id"]])
    assert list(score_memory.repeated(tmp_path / "data.csv", "id")) == [["note", "id"]]


def test_the_speed_report(capsys: pytest.CaptureFixture[str]) -> None:
    took = {
        score_speed.PLAIN: [reported(40, 900, load=10, text=20, read=10), reported(60, 800, load=10, text=40, read=10)],
        score_speed.COLD: [reported(20, 700, load=5, text=10, read=5), reported(20, 750, load=5, text=10, read=5)],
        score_speed.WARM: [reported(4, 600, load=3, text=1, read=0), reported(4, 650, load=3, text=1, read=0)],
    }
    encoding = score_speed.Encoding(300e9, "bf16", {"bf16": [50e9, 70e9], "fp32": [20e9, 20e9]})
    score_speed.report(took, encoding, 200, as_json=True)
    found = json.loads(capsys.readouterr().out)
    plain, cold, warm = found["contenders"].values()
    assert plain == {
        "rows_per_second": 4,
        "ratio": 1,
        "working_rows_per_second": 5,
        "working_ratio": 1,
        "peak_mb": 900,
        "gflops": 10,
        "share_of_peak": 0.5,
    }
    assert (cold["ratio"], cold["gflops"], cold["share_of_peak"]) == (2.5, 30, 0.5)
    assert (warm["ratio"], warm["working_ratio"], warm["working_rows_per_second"]) == (12.5, 40, 200)
    assert "gflops" not in warm
    assert found["peak_gflops"] == {"bf16": 60, "fp32": 20}
    score_speed.report(took, encoding, 200, as_json=False)
    assert "| creditfusion, cold cache | 10 | 2.50 | 13 | 2.67 | 30 | 50% | 750 |" in capsys.readouterr().out


def test_the_report_on_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    without = [{"text": 10.0, "predict": 1.0, "load": 5.0}, {"text": 20.0, "predict": 1.0}, {"text": 12.0}]
    reasons = [{"text": one["text"] + 1.0, "predict": 1.0, "trees": 0.5, "explain": 2.0} for one in without]
    warm = [{"text": 0.5}] * 3
    runs = dict(zip(explain_speed.RUNS, (without, reasons, warm, warm), strict=True))
    trees = {explain_speed.SHAP: [0.3, 0.6, 0.3], explain_speed.COUNTED: [0.01] * 3, explain_speed.WHOLE: [0.02] * 3}
    took = explain_speed.Took([10.0, 30.0, 5.0], {name: list(found) for name, found in runs.items()}, trees, 1e-8)
    explain_speed.report(took, 1000, 500, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["encoder_ms"] == 10
    assert found["ms"]["without, cold"] == dict.fromkeys(explain_speed.STAGES, 0) | {
        "text": 12,
        "predict": 1,
        "all": 12,
    }
    assert found["ms"]["reasons, cold"]["all"] == 1.5
    assert found["ms"]["reasons, cold"]["trees"] == 0.5
    assert found["ms"]["reasons, warm"]["all"] == 0
    assert found["share_of_encoder"] == pytest.approx(0.15)
    assert list(found["trees_ratio"].values()) == pytest.approx([1, 30, 15])
    explain_speed.report(took, 1000, 500, as_json=False)
    printed = capsys.readouterr().out
    assert "| shap, 100 background rows | 300.000 | 1 |" in printed
    assert "reasons cost 15.0% of that, cold" in printed


def test_one_round_of_the_trees_alone() -> None:
    design = make_design(300)
    model, _ = fit(sample_of(design, outcome(design)), SMALL)
    x = ModelOutputs.of(model, design).trees.x
    leaves = leaves_of(model.fused.stacker, model.column_players)
    game = TreeGame.of(leaves, count(leaves, x), len(x), x.shape[1])
    took = explain_speed.Took()
    explain_speed.compare_trees(model.fused.stacker, x[:10], x[:20], game, took)
    assert 0 < took.difference < 1e-6
    assert took.n_compared + took.n_left_out == 10
    assert [len(found) for found in took.trees.values()] == [1, 1, 1]


def test_values_beside_a_threshold_s_rounding_are_found() -> None:
    edges = np.array([0.1, 228.47222137451175])  # in single precision both are greater
    every, none = np.full(2, np.inf), np.zeros(2, dtype=np.int64)
    leaves = Leaves(np.zeros(2), np.arange(3), none, edges, every, none > 0, none + 1, np.arange(3), none)
    x = np.array([[0.1], [np.float32(0.1)], [0.2], [np.float32(edges[1])], [np.nan]], dtype=np.float64)
    assert explain_speed.single_precision_will_do(leaves, x).tolist() == [True, False, True, False, True]


def test_the_memory_report(capsys: pytest.CaptureFixture[str]) -> None:
    score_memory.report({10: reported(5, 600), 1000: reported(10, 640)}, as_json=False)
    printed = capsys.readouterr().out
    assert "| 1,000 | 1 | 50.0% | 10 | 100 | 640 |" in printed
    assert "Difference of the peaks: +40 MB" in printed


def test_needed_operations_grow_with_the_tokens(tmp_path: Path) -> None:
    encoder = open_encoder(str(tiny_bert(tmp_path / "encoder")), precision="fp32", device="cpu", window=64)
    shape = encoder.bert.shape
    n_tokens = len(encoder.tokenizer.encode("a car").ids)
    one = encoder_speed.needed_flop(encoder, ["a car"])
    assert one == shape.n_layers * (24 * shape.dim**2 * n_tokens + 4 * n_tokens**2 * shape.dim)
    assert encoder_speed.needed_flop(encoder, ["a car", "a car"]) == 2 * one
    assert encoder_speed.needed_flop(encoder, []) == 0


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_explains_itself(capsys: pytest.CaptureFixture[str], name: str) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        importlib.import_module(f"experiments.benchmarks.{name}").main(["--help"])
    printed = capsys.readouterr().out
    assert f"python -m experiments.benchmarks.{name} --" in printed
    assert "--json" in printed
    assert any(
        option in printed for option in ("--data", "--demo", "--model", "--source", "--columns", "--transactions")
    )


def test_the_plain_pipeline_explains_itself() -> None:
    printed = measure([sys.executable, "-m", "experiments.benchmarks.speed.plain_pipeline", "--help"]).output
    assert "draws its labels at random" in printed


def test_every_script_is_in_the_page_on_benchmarks() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for name in [*SCRIPTS, "speed.plain_pipeline"]:
        path = f"experiments/benchmarks/{name.replace('.', '/')}.py"
        assert f"experiments.benchmarks.{name} " in page or path in page, name
    assert len(SCRIPTS) > 10


def test_half_years_are_whole_and_end_in_time() -> None:
    found = list(forward_windows.half_years(np.datetime64("2009-01-01"), np.datetime64("2010-06-29")))
    assert [(str(begin)[:10], str(end)[:10]) for begin, end in found] == [
        ("2009-01-01", "2009-07-01"),
        ("2009-07-01", "2010-01-01"),
    ]
    assert len(list(forward_windows.half_years(np.datetime64("2009-01-01"), np.datetime64("2010-06-30")))) == 3


def test_gains_are_counted_from_the_first_row() -> None:
    found = {"columns": [(0.6, 0.5), (0.7, 0.4)], "both": [(0.62, 0.4), (0.7, 0.4)]}
    lines = forward_windows.table(["a", "b"], found).splitlines()
    assert lines[2] == "| columns | 0.6000 | 0.7000 | 0.6500 | +0.0000 | 0.45000 |"
    assert lines[3] == "| both | 0.6200 | 0.7000 | 0.6600 | +0.0100 | 0.40000 |"
