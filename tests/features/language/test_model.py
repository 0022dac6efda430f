from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoModelForMaskedLM,
    BertForMaskedLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedModel,
    RobertaConfig,
    RobertaForMaskedLM,
)

from data_schemas.errors import ContractError
from features.encoders.folder import write_encoder_folder
from features.encoders.opening import open_encoder
from features.language.batches import Batch
from features.language.model import LanguageModel, open_language_model
from features.language.whole_words import mask_words
from tests.support.tiny_bert import tiny_bert
from tests.support.tiny_language import loan_texts, tiny_language_bert


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_language_bert(tmp_path_factory.mktemp("model") / "encoder")


def batch_of(model: LanguageModel, n: int = 3) -> Batch:
    windows = [np.array(model.tokenizer.encode(text).ids, np.int64) for text in loan_texts(n)]
    return Batch.of([mask_words(ids, model.kinds, 0.5, (1,)) for ids in windows], model.filling)


def same_weights(one: LanguageModel, other: LanguageModel) -> bool:
    return all(torch.equal(weight, other.weights()[name]) for name, weight in one.weights().items())


def test_the_encoder_is_the_folders_and_a_missing_head_is_the_seeds(folder: Path) -> None:
    one, same, other = (open_language_model(str(folder), seed) for seed in (1, 1, 2))
    assert not one.has_head
    assert same_weights(one, same)
    differing = {name for name, weight in one.weights().items() if not torch.equal(weight, other.weights()[name])}
    assert differing
    assert differing <= one.head_weights()


def test_opening_leaves_the_random_numbers_of_others_alone(folder: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    open_language_model(str(folder), 1)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


def test_words_are_guessed_with_their_own_embeddings(folder: Path) -> None:
    network = open_language_model(str(folder), 0).network
    assert network.get_output_embeddings().weight is network.get_input_embeddings().weight  # type: ignore[no-untyped-call]


def test_the_loss_is_that_of_transformers(folder: Path) -> None:
    model = open_language_model(str(folder), 0, precision="fp32")
    model.network.train(False)
    batch = batch_of(model)
    labels = torch.full(batch.tokens.shape, -100)
    labels.view(-1)[batch.places] = batch.hidden
    with torch.no_grad():
        expected = model.network(input_ids=batch.tokens, attention_mask=batch.real, labels=labels).loss
        assert float(model.loss(batch)) == pytest.approx(float(expected) * len(batch.hidden), rel=1e-5)


def test_filling_changes_nothing(folder: Path) -> None:
    model = open_language_model(str(folder), 0)
    model.network.train(False)
    texts = ["i need a loan to pay for my car", "car loan"]
    windows = [mask_words(np.array(model.tokenizer.encode(t).ids), model.kinds, 0.9, (0,)) for t in texts]
    with torch.no_grad():
        together = float(model.loss(Batch.of(windows, model.filling)))
        alone = sum(float(model.loss(Batch.of([window], model.filling))) for window in windows)
    assert together == pytest.approx(alone, rel=1e-5)


def test_a_random_head_begins_with_the_frequencies_of_the_tokens(folder: Path) -> None:
    model = open_language_model(str(folder), 0)
    counts = np.zeros(len(model.kinds.special), np.int64)
    counts[[10, 11]] = 900, 100
    model.expect(counts)
    model.network.train(False)
    with torch.no_grad():
        guess = model.logits(batch_of(model)).softmax(-1).mean(0)
    assert guess.argmax() == 10
    assert float(guess[10] / guess[11]) == pytest.approx(9, rel=0.5)


def test_what_it_is_written_as_opens_again_with_its_head(folder: Path, tmp_path: Path) -> None:
    model = open_language_model(str(folder), 3)
    write_encoder_folder(tmp_path / "out", model.content("# card", {}))
    again = open_language_model(str(tmp_path / "out"), 4)
    assert again.has_head
    assert same_weights(model, again)
    texts = loan_texts(4)
    ours, before = (open_encoder(str(source), window=32) for source in (tmp_path / "out", folder))
    np.testing.assert_array_equal(ours.encode(texts), before.encode(texts))
    theirs = AutoModelForMaskedLM.from_pretrained(tmp_path / "out", local_files_only=True)
    assert isinstance(theirs, BertForMaskedLM)
    assert str(folder) not in (tmp_path / "out" / "config.json").read_text()


def test_new_words_begin_as_the_mean_of_their_pieces(folder: Path, tmp_path: Path) -> None:
    model = open_language_model(str(folder), 0)
    model.expect(np.arange(len(model.kinds.special)) ** 2)
    table = model.network.get_input_embeddings().get_parameter("weight").detach().clone()
    ids = model.tokenizer.encode("refinancing", add_special_tokens=False).ids
    grown = model.with_words(["refinancing", "emi"])
    new = grown.network.get_input_embeddings().get_parameter("weight").detach()
    assert len(new) == len(table) + 2
    torch.testing.assert_close(new[: len(table)], table, rtol=0, atol=0)
    torch.testing.assert_close(new[len(table)], table[ids].mean(0))
    bias = grown.weights()["cls.predictions.bias"].detach()
    torch.testing.assert_close(bias[len(table)], bias[ids].mean())
    write_encoder_folder(tmp_path / "out", grown.content("# card", {}))
    encoder = open_encoder(str(tmp_path / "out"), window=32)
    assert len(encoder.tokenizer.encode("refinancing").ids) == 3
    assert json.loads((tmp_path / "out" / "config.json").read_text())["vocab_size"] == len(new)
    assert encoder.encode(["my refinancing"]).shape == (1, 32)


def other_folder(path: Path, network: PreTrainedModel) -> Path:
    path.mkdir()
    network.save_pretrained(path)
    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "▁car", "▁loan", "▁for", "▁a"]
    tokenizer = Tokenizer(models.WordLevel({name: n for n, name in enumerate(names)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 0))
    tokenizer.save(str(path / "tokenizer.json"))
    return path


SIZES = {"vocab_size": 9, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
TOKENS = {"bos_token_id": 0, "cls_token_id": 0, "pad_token_id": 1, "eos_token_id": 2, "sep_token_id": 2}


@pytest.mark.parametrize("kind", ["roberta", "modernbert"])
def test_other_architectures_learn_too(tmp_path: Path, kind: str) -> None:
    network: PreTrainedModel
    if kind == "roberta":
        network = RobertaForMaskedLM(RobertaConfig(**SIZES, max_position_embeddings=34))  # type: ignore[arg-type]
    else:
        network = ModernBertForMaskedLM(ModernBertConfig(**SIZES, **TOKENS, max_position_embeddings=32))  # type: ignore[arg-type]
    model = open_language_model(str(other_folder(tmp_path / "base", network)), 0)
    assert model.has_head
    assert model.longest == 32
    windows = [np.array(model.tokenizer.encode(text).ids, np.int64) for text in ("a loan for a car", "a car")]
    batch = Batch.of([mask_words(ids, model.kinds, 0.9, (1,)) for ids in windows], model.filling)
    model.loss(batch).backward()  # type: ignore[no-untyped-call]
    write_encoder_folder(tmp_path / "out", model.content("# card", {}))
    again = open_language_model(str(tmp_path / "out"), 0)
    assert again.has_head
    assert same_weights(model, again)


def test_an_encoder_without_a_mask_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="no mask token"):
        open_language_model(str(tiny_bert(tmp_path / "bert")), 0)


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("config.json", '{"model_type": "gpt_that_nobody_knows"}', "cannot be opened as a masked-language model"),
        ("model.safetensors", "damaged", "cannot be opened as a masked-language model"),
        ("tokenizer.json", "damaged", "is no tokenizer"),
    ],
)
def test_a_damaged_folder_is_refused(tmp_path: Path, file: str, content: str, says: str) -> None:
    source = tiny_language_bert(tmp_path / "encoder")
    (source / file).write_text(content)
    with pytest.raises(ContractError, match=says):
        open_language_model(str(source), 0)


def test_a_folder_that_lacks_a_tensor_of_the_encoder_is_refused(tmp_path: Path) -> None:
    source = tiny_language_bert(tmp_path / "encoder")
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(ContractError, match=r"lacks the tensor bert\.encoder\.layer\.2"):
        open_language_model(str(source), 0)
