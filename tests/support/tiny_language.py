"""A small random BERT whose tokenizer knows words, pieces of words and a mask, and texts to train it on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,;!?'-"
WORDS = (
    "i",
    "need",
    "a",
    "the",
    "loan",
    "my",
    "to",
    "pay",
    "for",
    "car",
    "house",
    "credit",
    "card",
    "bills",
    "and",
    "job",
)
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def word_tokenizer() -> Tokenizer:
    """WordPiece, uncased; other words than ``WORDS`` are broken into letters."""
    names = [*SPECIAL, *WORDS, *(x for x in LETTERS if x not in WORDS), *(f"##{letter}" for letter in LETTERS)]
    tokenizer = Tokenizer(models.WordPiece({name: n for n, name in enumerate(names)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


def tiny_language_bert(folder: Path, seed: int = 0) -> Path:
    """Write config.json, tokenizer.json and model.safetensors."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = word_tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        hidden_dropout_prob=0.1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


def loan_texts(n: int, seed: int = 0) -> list[str]:
    """Made-up narratives of a few forms, so that a hidden word can be guessed from its neighbours."""
    random = np.random.default_rng(seed)
    things, reasons = ("car", "house", "credit card", "refinancing"), ("rent", "bills", "my job", "the refinancing")
    return [
        f"I need a loan to pay for the {random.choice(things)} and {random.choice(reasons)} no {i}." for i in range(n)
    ]
