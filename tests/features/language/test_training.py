from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from data_schemas.errors import ContractError, RunError
from features.encoders.devices import Device
from features.language.checkpoint import Checkpoint
from features.language.corpus import Corpus
from features.language.model import open_language_model
from features.language.settings import PretrainingSettings
from features.language.training import EpochFigures, Stopped, Watch, Windows, pretrain
from tests.support.tiny_language import loan_texts, tiny_language_bert

SETTINGS = PretrainingSettings(
    epochs=3, lr=5e-3, head_lr=1e-2, batch_tokens=512, tokens_at_once=256, window=32, validation_share=0.2, patience=3
)
TRAINING, VALIDATION = Corpus.of(loan_texts(150)).split(0.2, 0)


@dataclass
class Trained:
    """What a training came to."""

    figures: tuple[EpochFigures, ...] = ()
    weights: dict[str, Tensor] = field(default_factory=dict)
    checkpoints: dict[int, Checkpoint] = field(default_factory=dict)

    @property
    def losses(self) -> list[tuple[float, float, float | None, int]]:
        """All but the seconds."""
        return [(row.epoch, row.loss, row.training_loss, row.tokens) for row in self.figures]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_language_bert(tmp_path_factory.mktemp("training") / "encoder")


def trained(
    folder: Path,
    settings: PretrainingSettings = SETTINGS,
    checkpoint: Checkpoint | None = None,
    stopped: Callable[[int], bool] = lambda _: False,
) -> Trained:
    """Train from the start, or from a checkpoint; ``stopped`` is asked with the number of updates."""
    done, n_updates = Trained(), 0

    def save(number: int, made: Checkpoint) -> None:
        groups = ({k: v.detach().clone() for k, v in g.items()} for g in (made.weights, made.moments, made.best))
        done.checkpoints[number] = Checkpoint(dict(made.state), *groups)

    def stop() -> bool:
        nonlocal n_updates
        n_updates += 1
        return stopped(n_updates)

    model = open_language_model(str(folder), settings.seed, device=settings.device)
    windows = Windows.of(model, TRAINING, VALIDATION, settings)
    try:
        done.figures = pretrain(model, windows, settings, Watch(save=save, stopped=stop), checkpoint)
    except Stopped:
        return done
    done.weights = {name: weight.detach().clone() for name, weight in model.weights().items()}
    return done


def equal(one: Trained, other: Trained) -> bool:
    same = all(torch.equal(weight, other.weights[name]) for name, weight in one.weights.items())
    return same and one.losses == other.losses


@pytest.fixture(scope="module")
def undisturbed(folder: Path) -> Trained:
    return trained(folder)


def test_it_learns_what_the_texts_are_like(undisturbed: Trained) -> None:
    before, *epochs = undisturbed.figures
    assert (before.epoch, before.training_loss) == (0, None)
    assert [row.epoch for row in epochs] == [1, 2, 3]
    assert epochs[-1].perplexity < 0.7 * before.perplexity
    assert before.perplexity < 42  # of 63 tokens, so many would a head without any training be in doubt among


def test_a_tiny_corpus_is_learned_by_heart(folder: Path) -> None:
    model = open_language_model(str(folder), 0)
    texts = ["I need a loan to pay for my car", "pay the bills and the card to my job"]
    texts += ["a credit card and a house for my loan", "the card and the job for the car"]
    settings = replace(SETTINGS, epochs=80, patience=80, mask_share=0.3, lr=1e-2)
    figures = pretrain(model, Windows.of(model, texts, texts, settings), settings, Watch())
    assert figures[-1].perplexity < 5 < 15 < figures[0].perplexity


def test_equal_seeds_give_equal_bits(folder: Path, undisturbed: Trained) -> None:
    assert equal(trained(folder), undisturbed)


def test_another_seed_gives_others(folder: Path, undisturbed: Trained) -> None:
    assert trained(folder, replace(SETTINGS, seed=1)).losses != undisturbed.losses


@pytest.mark.parametrize("at", [1, 5, 6, 7, 13, 20])
def test_stopped_after_any_update_and_gone_on_it_comes_to_the_same(folder: Path, undisturbed: Trained, at: int) -> None:
    torch.manual_seed(at)  # it draws nothing from the random numbers of others
    first = trained(folder, stopped=lambda n: n == at)
    assert first.weights == {}
    assert list(first.checkpoints) == [at]
    assert equal(trained(folder, checkpoint=first.checkpoints[at]), undisturbed)


def test_checkpoints_come_every_so_many_updates_and_change_nothing(folder: Path, undisturbed: Trained) -> None:
    often = trained(folder, replace(SETTINGS, checkpoint_steps=3))
    assert list(often.checkpoints)[:3] == [3, 6, 9]
    assert equal(often, undisturbed)


def test_the_head_learns_first_while_the_encoder_stands_still(folder: Path) -> None:
    model = open_language_model(str(folder), 0)
    before = {name: weight.detach().clone() for name, weight in model.weights().items()}
    found = trained(folder, stopped=lambda n: n == 2).checkpoints[2]
    changed = {name for name, weight in found.weights.items() if not torch.equal(weight, before[name])}
    assert changed == model.head_weights()


def test_parts_of_an_update_sum_to_the_whole(folder: Path) -> None:
    still = replace(SETTINGS, epochs=1, batch_tokens=4096, tokens_at_once=4096)
    parts = replace(still, tokens_at_once=512)
    whole, summed = (trained(no_dropout(folder), settings) for settings in (still, parts))
    assert summed.figures[-1].loss == pytest.approx(whole.figures[-1].loss, abs=0.1)


def no_dropout(folder: Path) -> Path:
    """The same encoder without dropout, which draws by the shape of a batch."""
    still = folder.parent / "still"
    still.mkdir(exist_ok=True)
    for path in folder.iterdir():
        still.joinpath(path.name).write_bytes(path.read_bytes())
    config = still.joinpath("config.json")
    config.write_text(config.read_text().replace("0.1", "0.0"))
    return still


def test_it_ends_early_and_keeps_the_best_epoch(folder: Path) -> None:
    found = trained(folder, replace(SETTINGS, epochs=30, patience=1, lr=0.05))
    losses = [row.loss for row in found.figures]
    assert len(losses) < 31
    assert losses[-1] > min(losses)
    model = open_language_model(str(folder), 0)
    with torch.no_grad():
        for name, weight in model.weights().items():
            weight.copy_(found.weights[name])
    again = pretrain_nothing(model)
    assert again.loss == pytest.approx(min(losses), rel=1e-6)


def pretrain_nothing(model: object) -> EpochFigures:
    """The figures of a model as it is."""
    from features.language.model import LanguageModel

    assert isinstance(model, LanguageModel)
    kept = replace(model, has_head=True)
    settings = replace(SETTINGS, max_minutes=1e-9)
    return pretrain(kept, Windows.of(kept, TRAINING, VALIDATION, settings), settings, Watch())[0]


def test_a_time_limit_ends_training_and_the_model_so_far_is_evaluated(folder: Path) -> None:
    found = trained(folder, replace(SETTINGS, epochs=10_000, patience=10_000, max_minutes=1 / 60))
    assert 0 < found.figures[-1].epoch < 10_000


def test_a_loss_that_is_no_number_ends_it(folder: Path) -> None:
    with pytest.raises(RunError, match=r"no number any more.*lower --lr"):
        trained(folder, replace(SETTINGS, lr=1e18, clip=1e18, epochs=20, patience=20))


def test_held_out_texts_without_a_hidden_word_judge_nothing(folder: Path) -> None:
    model = open_language_model(str(folder), 0)
    windows = replace(Windows.of(model, TRAINING, VALIDATION, SETTINGS), validation=[np.array([2, 3])])
    with pytest.raises(ContractError, match="too few and too short to judge by"):
        pretrain(model, windows, SETTINGS, Watch())


def test_texts_without_a_word_to_hide_teach_nothing(folder: Path) -> None:
    model = open_language_model(str(folder), 0)
    windows = replace(Windows.of(model, TRAINING, VALIDATION, SETTINGS), training=[np.array([2, 3])])
    assert [row.epoch for row in pretrain(model, windows, SETTINGS, Watch())] == [0]


def test_long_texts_are_read_window_by_window(folder: Path) -> None:
    model = open_language_model(str(folder), 0)
    windows = Windows.of(model, [" ".join(TRAINING)], VALIDATION, SETTINGS)
    assert len(windows.training) > 10
    assert all(len(ids) <= SETTINGS.window for ids in windows.training)
    assert math.isclose(windows.expected_tokens(0.15), sum(map(len, windows.training)), rel_tol=0.01)


@pytest.mark.gpu
@pytest.mark.parametrize("device", ["cuda"])
def test_it_learns_on_a_cuda_device_in_bf16(folder: Path, device: Device) -> None:
    found = trained(folder, replace(SETTINGS, device=device))
    assert found.figures[-1].perplexity < 0.7 * found.figures[0].perplexity


def test_it_learns_in_bf16_on_the_cpu(folder: Path) -> None:
    model = replace(open_language_model(str(folder), 0), bf16=True)
    figures = pretrain(model, Windows.of(model, TRAINING, VALIDATION, SETTINGS), SETTINGS, Watch())
    assert figures[-1].perplexity < 0.8 * figures[0].perplexity
    assert {weight.dtype for weight in model.weights().values()} == {torch.float32}
