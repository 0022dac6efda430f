"""Whether an encoder still gives the vectors of training: what passes, what is caught."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from features.arrays import Floats32
from features.encoders.opening import open_encoder
from features.encoders.parity import PROBES, compare_vectors, probe_vectors
from features.encoders.source_files import EMBEDDED
from features.encoders.vectors import round_to_half

Precision = Literal["bf16", "fp32"]
PRECISIONS: tuple[Precision, ...] = ("bf16", "fp32")
FAULT = np.float32(1e-3)


@pytest.fixture(scope="module")
def kept() -> Floats32:
    return probe_vectors(open_encoder(EMBEDDED, precision="fp32", device="cpu"))


@pytest.fixture(scope="module")
def in_bf16() -> Floats32:
    return probe_vectors(open_encoder(EMBEDDED, precision="bf16", device="cpu"))


def rounded(vectors: Floats32) -> Floats32:
    found = vectors.copy()
    round_to_half(found)
    return found


def test_the_same_vectors_differ_by_nothing(kept: Floats32) -> None:
    parity = compare_vectors(kept, kept, "fp32")
    assert (parity.measured, parity.holds) == (0.0, True)


def test_bf16_passes_against_fp32_in_its_own_tolerance_only(kept: Floats32, in_bf16: Floats32) -> None:
    assert compare_vectors(kept, in_bf16, "bf16").holds
    assert not compare_vectors(kept, in_bf16, "fp32").holds


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_kernels_of_other_processors_pass(kept: Floats32, precision: Precision, tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np; from features.encoders.parity import probe_vectors;"
        "from features.encoders.opening import open_encoder;"
        "np.save(sys.argv[1], probe_vectors(open_encoder(precision=sys.argv[2], device='cpu')))"
    )
    older = {"ONEDNN_MAX_CPU_ISA": "SSE41", "ATEN_CPU_CAPABILITY": "default"}
    command = [sys.executable, "-c", code, str(tmp_path / "found.npy"), precision]
    subprocess.run(command, check=True, env=os.environ | older)
    assert compare_vectors(kept, np.load(tmp_path / "found.npy"), precision).holds


@pytest.mark.parametrize("sign", [1, -1])
def test_a_fault_of_a_thousandth_in_every_value_is_caught_in_both_precisions(
    kept: Floats32, in_bf16: Floats32, sign: int
) -> None:
    assert not compare_vectors(kept, rounded(kept + sign * FAULT), "fp32").holds
    assert not compare_vectors(kept, rounded(in_bf16 + sign * FAULT), "bf16").holds


def test_a_fault_of_a_thousandth_in_one_value_is_caught_in_fp32(kept: Floats32) -> None:
    spoiled = kept.copy()
    spoiled[3, np.argmin(np.abs(kept[3]))] += FAULT
    assert not compare_vectors(kept, rounded(spoiled), "fp32").holds


def test_values_that_are_no_numbers_or_of_another_length_are_caught(kept: Floats32) -> None:
    for precision in PRECISIONS:
        assert not compare_vectors(kept, np.full_like(kept, np.nan), precision).holds
        assert not compare_vectors(kept, kept[:, :-1], precision).holds


def test_the_probes_are_of_several_scripts_and_lengths() -> None:
    assert len(set(PROBES)) == len(PROBES)
    for begins, ends in (("a", "z"), ("а", "я"), ("一", "龥"), ("ء", "ي"), ("ก", "๙")):
        assert any(begins <= letter <= ends for probe in PROBES for letter in probe)
    assert min(map(len, PROBES)) == 0
    assert max(map(len, PROBES)) > 300
