"""Small random encoders of several families in folders, with tokenizers trained on a few sentences."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import MODEL_MAPPING as MODELS
from transformers import (
    AlbertConfig,
    BertConfig,
    CamembertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    MPNetConfig,
    PretrainedConfig,
    PreTrainedModel,
    RobertaConfig,
    XLMRobertaConfig,
)

SENTENCES = (
    "I want to repay my credit cards. The rent is due in May!",
    "query: passage: the roof leaks; we need a loan of 4,500 to mend it before winter.",
    "Die Brücke über den Fluß wird gesperrt. Поезд отправляется в семь часов.",
    "我想还清信用卡。房租五月到期!",
)
PAD = 1
SIZES: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def byte_level() -> Tokenizer:
    """Of RoBERTa's kind: bytes, a word carries the space before it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


def sentence_piece() -> Tokenizer:
    """Of XLM-R's kind: unigrams, a word begins with a mark for the space before it."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return tokenizer


def word_piece() -> Tokenizer:
    """Of BERT's kind."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"]
    tokenizer.train_from_iterator(
        SENTENCES, trainers.WordPieceTrainer(vocab_size=200, special_tokens=special, show_progress=False)
    )
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 0))
    return tokenizer


def _albert(n: int) -> PretrainedConfig:
    return AlbertConfig(vocab_size=n, embedding_size=16, max_position_embeddings=80, pad_token_id=PAD, **SIZES)


def _bert(n: int) -> PretrainedConfig:
    return BertConfig(vocab_size=n, max_position_embeddings=80, pad_token_id=PAD, hidden_act="relu", **SIZES)


def _camembert(n: int) -> PretrainedConfig:
    return CamembertConfig(vocab_size=n, max_position_embeddings=82, pad_token_id=PAD, **SIZES)


def _deberta(n: int) -> PretrainedConfig:
    return DebertaV2Config(
        vocab_size=n,
        max_position_embeddings=80,
        pad_token_id=PAD,
        relative_attention=True,
        pos_att_type=["p2c", "c2p"],
        type_vocab_size=0,
        **SIZES,
    )


def _distilbert(n: int) -> PretrainedConfig:
    return DistilBertConfig(
        vocab_size=n, max_position_embeddings=80, pad_token_id=PAD, dim=32, n_layers=2, n_heads=2, hidden_dim=64
    )


def _electra(n: int) -> PretrainedConfig:
    return ElectraConfig(vocab_size=n, max_position_embeddings=80, pad_token_id=PAD, embedding_size=16, **SIZES)


def _modernbert(n: int) -> PretrainedConfig:
    return ModernBertConfig(
        vocab_size=n,
        max_position_embeddings=80,
        pad_token_id=PAD,
        bos_token_id=0,
        cls_token_id=0,
        eos_token_id=2,
        sep_token_id=2,
        local_attention=16,
        layer_types=["full_attention", "sliding_attention"],
        **SIZES,
    )


def _mpnet(n: int) -> PretrainedConfig:
    return MPNetConfig(vocab_size=n, max_position_embeddings=82, pad_token_id=PAD, **SIZES)


def _roberta(n: int) -> PretrainedConfig:
    return RobertaConfig(vocab_size=n, max_position_embeddings=82, pad_token_id=PAD, type_vocab_size=1, **SIZES)


def _xlm_roberta(n: int) -> PretrainedConfig:
    return XLMRobertaConfig(vocab_size=n, max_position_embeddings=82, pad_token_id=PAD, type_vocab_size=1, **SIZES)


FAMILIES: dict[str, tuple[Callable[[int], PretrainedConfig], Callable[[], Tokenizer]]] = {
    "albert": (_albert, sentence_piece),
    "bert": (_bert, word_piece),
    "camembert": (_camembert, sentence_piece),
    "deberta-v2": (_deberta, sentence_piece),
    "distilbert": (_distilbert, word_piece),
    "electra": (_electra, word_piece),
    "modernbert": (_modernbert, byte_level),
    "mpnet": (_mpnet, word_piece),
    "roberta": (_roberta, byte_level),
    "xlm-roberta": (_xlm_roberta, sentence_piece),
}
"""Configuration and tokenizer of each; the BERT has an activation that our own engine does not know."""


def tiny_encoder(folder: Path, family: str, seed: int = 0) -> Path:
    """Write config.json, tokenizer.json and model.safetensors of a random encoder of this family."""
    configured, tokenized = FAMILIES[family]
    tokenizer = tokenized()
    folder.mkdir(parents=True, exist_ok=True)
    config = configured(tokenizer.get_vocab_size())
    torch.manual_seed(seed)
    make = cast(Callable[[PretrainedConfig], PreTrainedModel], MODELS[type(config)])
    make(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def say_usage(folder: Path, *, mode: str = "mean_tokens", prompts: dict[str, object] | None = None) -> None:
    """Add what sentence-transformers writes beside a model."""
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{mode}": True}))
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts or {}))
