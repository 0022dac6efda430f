"""The opened encoder: the check that it still gives the vectors that a model learned with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from data_schemas.errors import ContractError
from features.arrays import Floats32
from features.encoders.parity import PROBES
from features.encoders.vectors import PartVectors, Progress, TextEncoder
from features.encoders.windows import Spans
from fusion.config import EncoderConfig
from fusion.text_encoder import OpenEncoder, VectorCache, check_parity, open_text_encoder
from tests.support.tiny_bert import tiny_bert


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> EncoderConfig:
    return EncoderConfig(source=str(tiny_bert(tmp_path_factory.mktemp("bert"))), precision="fp32", window=32)


@dataclass(frozen=True)
class Faulty:
    """An encoder whose values are all off by a thousandth."""

    encoder: TextEncoder
    digest: str = "same files, another engine"

    @property
    def dim(self) -> int:
        return self.encoder.dim

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        return self.encoder.encode(texts, on_progress) + np.float32(1e-3)

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        found = self.encoder.encode_parts(texts, spans, on_progress)
        return replace(found, whole=found.whole + np.float32(1e-3))


def spoiled(encoder: OpenEncoder) -> OpenEncoder:
    faulty = Faulty(encoder.uncached or encoder.text_encoder)
    return replace(encoder, text_encoder=faulty, uncached=faulty)


def test_the_engine_of_training_passes_and_one_that_is_off_by_a_thousandth_is_refused(settings: EncoderConfig) -> None:
    encoder = open_text_encoder(settings)
    check_parity(encoder, encoder.exact_probes, "0a1b")
    wanted = r"other vectors here than those that model 0a1b learned with.*differ by 0\.\d+ of their size, 0\.0002 is"
    with pytest.raises(ContractError, match=wanted):
        check_parity(spoiled(encoder), encoder.exact_probes, "0a1b")


def test_what_is_kept_is_in_fp32_whatever_training_computes_in(settings: EncoderConfig) -> None:
    full, half = (open_text_encoder(settings.model_copy(update={"precision": p})) for p in ("fp32", "bf16"))
    np.testing.assert_array_equal(half.exact_probes, full.probes)
    assert np.any(half.probes != full.probes)
    check_parity(half, full.exact_probes, "0a1b")


def test_a_cache_does_not_answer_for_the_engine(settings: EncoderConfig, tmp_path: Path) -> None:
    cached = open_text_encoder(settings, VectorCache(tmp_path))
    cached.text_encoder.encode(PROBES)
    broken = replace(cached, uncached=Faulty(cached.text_encoder))
    with pytest.raises(ContractError, match="other vectors here"):
        check_parity(broken, cached.exact_probes, "0a1b")


def test_a_model_that_read_no_text_is_compared_with_nothing(settings: EncoderConfig) -> None:
    check_parity(spoiled(open_text_encoder(settings)), None, "0a1b")
