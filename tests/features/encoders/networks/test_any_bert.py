"""Encoders of other families than BERT: transformers' vectors, whoever else is encoded, of texts and of passages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from transformers import MODEL_FOR_MASKED_LM_MAPPING, AutoModel, PretrainedConfig, PreTrainedModel

from data_schemas.errors import ContractError
from features.arrays import Floats32
from features.encoders.encoder import BertEncoder
from features.encoders.networks.any_bert import OtherBert
from features.encoders.opening import open_encoder
from features.encoders.windows import cut_windows
from features.text.cleaning import passages
from tests.support.tiny_encoders import FAMILIES, SENTENCES, say_usage, tiny_encoder

LONG = " ".join(SENTENCES * 2)
TEXTS = ("", "rent", *SENTENCES, "a! b? c.", LONG, "  the roof  ", "我想")


class Folders:
    """One folder for every family, written when first asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __getitem__(self, family: str) -> Path:
        folder = self.root / family
        return folder if folder.exists() else tiny_encoder(folder, family)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return Folders(tmp_path_factory.mktemp("families"))


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(folder: Path, *, window: int = 48, prefix: str = "auto") -> BertEncoder:
    return open_encoder(str(folder), precision="fp32", device="cpu", window=window, prefix=prefix)


def reference(folder: Path, encoder: BertEncoder, text: str) -> Floats32:
    """Mean of the token vectors of transformers' own model, without padding, over one window."""
    model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
    with torch.inference_mode():
        ids = torch.tensor([encoder.tokenizer.encode(text).ids])
        found: Floats32 = model(input_ids=ids).last_hidden_state[0].mean(0).numpy()
    return found


def test_vectors_are_those_of_transformers(folders: Folders, family: str) -> None:
    encoder = opened(folders[family], window=79)
    assert isinstance(encoder.model, OtherBert)
    for text in ("rent", SENTENCES[0], SENTENCES[3]):
        np.testing.assert_allclose(encoder.encode([text])[0], reference(folders[family], encoder, text), atol=2e-3)


def test_bits_depend_neither_on_neighbours_nor_on_order_nor_on_threads(folders: Folders, family: str) -> None:
    encoder = opened(folders[family])
    before = torch.get_num_threads()
    together = encoder.encode_parts(TEXTS, [passages(text) for text in TEXTS])
    order = np.random.default_rng(0).permutation(len(TEXTS))
    moved = [TEXTS[at] for at in order]
    torch.set_num_threads(2)
    again = encoder.encode_parts(moved, [passages(text) for text in moved])
    torch.set_num_threads(before)
    for name in ("whole", "parts", "share"):
        np.testing.assert_array_equal(getattr(again, name), getattr(together.take(order), name))
    many = encoder.encode([*["the rent is due " * (n % 7) for n in range(200)], *TEXTS])
    np.testing.assert_array_equal(many[200:], together.whole)
    for at, text in enumerate(TEXTS):
        np.testing.assert_array_equal(encoder.encode([text])[0], together.whole[at])


def test_a_window_as_long_as_its_padding_allows_has_the_same_bits_alone(folders: Folders, family: str) -> None:
    encoder = opened(folders[family])
    token = encoder.tokenizer.encode("rent", add_special_tokens=False).ids[0]
    full = [torch.full((length,), token) for length in (31, 32, 33, 48)]
    with torch.inference_mode():
        alone = torch.cat([encoder.model.token_vectors([window]) for window in full])
        twice = encoder.model.token_vectors([*full, *full])
    assert torch.equal(twice[: len(alone)], alone)
    assert torch.equal(twice[len(alone) :], alone)


def test_passages_and_special_tokens_make_up_the_whole(folders: Folders, family: str) -> None:
    encoder = opened(folders[family])
    for text in (SENTENCES[0], SENTENCES[2], SENTENCES[3]):
        spans = passages(text)
        found = encoder.encode_parts([text], [spans])
        (window, *others) = cut_windows(encoder.tokenizer, 48, [text], [spans])
        if others:
            continue
        with torch.inference_mode():
            vectors = encoder.model.token_vectors([torch.from_numpy(window.ids)]).numpy()
        rest = (vectors[0] + vectors[-1]) / len(vectors)
        np.testing.assert_allclose(found.share @ found.parts + rest, found.whole[0], atol=4e-3)


@pytest.mark.parametrize("family", ["roberta", "xlm-roberta"])
def test_a_word_belongs_to_its_own_sentence_though_its_token_begins_with_the_space_before(
    folders: Folders, family: str
) -> None:
    tokenizer = opened(folders[family]).tokenizer
    text = "the rent is due. The roof leaks."
    spans = passages(text)
    assert len(spans) == 2
    (window,) = cut_windows(tokenizer, 79, [text], [spans])
    first = tokenizer.encode(text[: text.index(" The")], add_special_tokens=False).ids
    assert window.lengths.tolist()[:2] == [1, len(first)]


def test_weights_saved_with_a_head_are_read(folders: Folders, family: str, tmp_path: Path) -> None:
    config = AutoModel.from_pretrained(folders[family], local_files_only=True).config
    folder = tmp_path / "with head"
    torch.manual_seed(3)
    with_head = cast("Callable[[PretrainedConfig], PreTrainedModel]", MODEL_FOR_MASKED_LM_MAPPING[type(config)])
    with_head(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((folders[family] / "tokenizer.json").read_bytes())
    encoder = opened(folder)
    expected = reference(folder, encoder, SENTENCES[0])
    np.testing.assert_allclose(encoder.encode([SENTENCES[0]])[0], expected, atol=2e-3)


def test_a_prefix_is_read_before_every_text_and_belongs_to_no_sentence(folders: Folders) -> None:
    for family in ("roberta", "xlm-roberta", "distilbert"):
        encoder = opened(folders[family], window=79, prefix="query: ")
        text = "the rent is due. The roof leaks."
        expected = reference(folders[family], encoder, f"query: {text}")
        np.testing.assert_allclose(encoder.encode([text])[0], expected, atol=2e-3)
        found = encoder.encode_parts([text], [passages(text)])
        n_tokens = len(encoder.tokenizer.encode(f"query: {text}").ids)
        n_prefix = len(encoder.tokenizer.encode("query:", add_special_tokens=False).ids)
        assert found.share.sum() == pytest.approx(1 - (2 + n_prefix) / n_tokens, abs=1e-3)
        assert encoder.digest != opened(folders[family], window=79).digest


def test_a_prefix_stands_in_every_window(folders: Folders) -> None:
    tokenizer = opened(folders["xlm-roberta"]).tokenizer
    prefixed = cut_windows(tokenizer, 24, [LONG], [()], "query: ")
    own = tokenizer.encode("query:", add_special_tokens=False).ids
    assert len(prefixed) > 2
    for window in prefixed:
        assert window.ids[1 : window.n_before].tolist() == own
        assert len(window.ids) <= 24
    inside = np.concatenate([window.ids[window.n_before : -1] for window in prefixed])
    assert [*own, *inside.tolist()] == tokenizer.encode(f"query: {LONG}", add_special_tokens=False).ids


def usage_of(folder: Path, **asked: str) -> tuple[str, str]:
    encoder = open_encoder(str(folder), device="cpu", window=48, **asked)  # type: ignore[arg-type]
    return encoder.pooling, encoder.prefix


def test_pooling_and_prefix_are_read_from_the_folder(tmp_path: Path) -> None:
    folder = tiny_encoder(tmp_path / "e5", "xlm-roberta")
    assert usage_of(folder) == ("tokens", "")
    say_usage(folder, prompts={"prompts": {"query": "query: "}, "default_prompt_name": "query"})
    assert usage_of(folder) == ("tokens", "query: ")
    assert usage_of(folder, prefix="") == ("tokens", "")
    say_usage(folder, mode="cls_token")
    assert usage_of(folder) == ("cls", "")
    assert usage_of(folder, pooling="words") == ("words", "")
    say_usage(folder, mode="max_tokens")
    with pytest.raises(ContractError, match=r"pooling by max_tokens is not supported.*Set encoder\.pooling to tokens"):
        usage_of(folder)


def test_the_first_tokens_vector_has_no_parts(folders: Folders) -> None:
    encoder = open_encoder(str(folders["roberta"]), precision="fp32", device="cpu", window=79, pooling="cls")
    with torch.inference_mode():
        ids = torch.tensor(encoder.tokenizer.encode("the rent").ids)
        expected = encoder.model.token_vectors([ids])[0].numpy()
    np.testing.assert_allclose(encoder.encode(["the roof leaks", "the rent"])[1], expected, atol=2e-3)
    with pytest.raises(ContractError, match="does not split over the sentences"):
        encoder.encode_parts(["a! b!"], [[(0, 3), (3, 5)]])


@pytest.mark.parametrize("change", [{"model_type": "gpt2"}, {"model_type": "roberta", "is_decoder": True}])
def test_another_kind_of_model_is_refused_in_plain_words(tmp_path: Path, change: dict[str, object]) -> None:
    folder = tiny_encoder(tmp_path / "other", "roberta")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(ContractError, match=r"cannot be read.*albert, bert, camembert"):
        opened(folder)


def test_weights_of_another_shape_and_lacking_ones_are_named(tmp_path: Path) -> None:
    folder = tiny_encoder(tmp_path / "other", "roberta")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(ContractError, match=r"lacks the tensor 'encoder\.layer\.2"):
        opened(folder)
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": 7}))
    with pytest.raises(ContractError, match="does not fit its weights"):
        opened(folder)


def test_a_window_leaves_one_place_for_padding(folders: Folders) -> None:
    with pytest.raises(ContractError, match="Choose a window from 3 to 79"):
        opened(folders["roberta"], window=80)


def test_what_needs_layers_is_refused_another_model(folders: Folders) -> None:
    with pytest.raises(ContractError, match="needs a plain BERT encoder"):
        _ = opened(folders["roberta"]).bert


def test_bf16_is_near_fp32(folders: Folders, family: str) -> None:
    half = open_encoder(str(folders[family]), precision="bf16", device="cpu", window=48)
    found, expected = half.encode(SENTENCES), opened(folders[family]).encode(SENTENCES)
    assert half.precision == "bf16"
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.03 * np.sqrt(np.mean(expected**2))
