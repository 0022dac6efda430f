"""Where equal applications give equal models and equal scores: docs/architecture.md, "Equal digits"."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from experiments.demo.data import generate
from features.arrays import Floats
from fusion.bundle import load
from tests.support import processor
from tests.support.bundles import SMALL
from tests.support.command_line import creditfusion
from tests.support.processor import PRECISIONS
from tests.support.tiny_bert import tiny_bert

ROOT = Path(__file__).parents[3]
SCORED = {"fp32": 1e-4, "bf16": 1e-2}
"""Most that the log-odds of one model may differ between processors, by the precision of its text vectors."""
TRAINED = {"fp32": 1e-2, "bf16": 5e-2}
"""The same of models that learned from the same rows on different processors."""
PROCESSORS: dict[str, dict[str, str]] = {
    "without AMX": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"},
    "without AVX-512": {
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_CBWR": "AVX2",
        "OPENBLAS_CORETYPE": "HASWELL",
    },
    "without AVX": {
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "OPENBLAS_CORETYPE": "NEHALEM",
    },
}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_bundle_has_the_same_bytes_on_any_number_of_threads(tmp_path: Path) -> None:
    encoder = tiny_bert(tmp_path / "encoder")
    generate(600, 1).table.to_csv(tmp_path / "past.csv", index=False)
    files = ("--schema", "demo", "--data", tmp_path / "past.csv", "--no-cache")
    settings = [word for setting in (f"encoder.source='{encoder}'", *SMALL) for word in ("--set", setting)]
    found = []
    for threads in (1, 2, 3):
        out = tmp_path / str(threads)
        with threadpool_limits(threads, user_api="blas"):
            assert creditfusion("train", *files, *settings, "--threads", threads, "--out", out) == 0
        found.append(contents(out))
    assert len(found[0]) > 10
    assert found[0] == found[1] == found[2]


def log_odds(scored: Path) -> Floats:
    """Of the PDs in a scored file, which have six decimals."""
    pd_ = pd.read_csv(scored)["pd"].to_numpy(dtype=np.float64)
    return np.asarray(np.log(pd_ / (1 - pd_)))


@pytest.mark.slow
def test_other_processors_give_nearly_the_same_scores_and_models(tmp_path: Path) -> None:
    own = tmp_path / "own"
    processor.main(own, own)
    for name, settings in PROCESSORS.items():
        command: list[str | Path] = [sys.executable, "-m", "tests.support.processor", tmp_path / name, own]
        subprocess.run(command, cwd=ROOT, env=os.environ | settings, check=True, timeout=600)
    for name, precision in product(PROCESSORS, PRECISIONS):
        here, there = own / precision, tmp_path / name / precision
        np.testing.assert_allclose(
            log_odds(there / "scored.csv"), log_odds(here / "scored.csv"), rtol=0, atol=SCORED[precision]
        )
        here_trained, there_trained = (load(folder / "model").population.margin for folder in (here, there))
        np.testing.assert_allclose(there_trained, here_trained, rtol=0, atol=TRAINED[precision])
