"""A word net of a few words in Princeton's files, and a tiny random language model of whole words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForMaskedLM

Meaning = tuple[str, Mapping[str, int]]  # part of speech, and how often each word has it

MEANINGS: Sequence[Meaning] = (
    ("noun", {"car": 20, "automobile": 4, "machine": 1, "motor_car": 3}),
    ("noun", {"machine": 30}),
    ("noun", {"invoice": 9, "account": 9}),
    ("noun", {"account": 90}),
    ("noun", {"baby": 9, "infant": 9}),
    ("noun", {"company": 9, "firm": 9}),
    ("noun", {"design": 9, "plan": 9}),
    ("verb", {"design": 9, "contrive": 9}),
    ("noun", {"vest": 0}),
    ("verb", {"vest": 1, "enthrone": 1}),
    ("verb", {"buy": 9, "purchase": 9}),
    ("verb", {"help": 9, "aid": 9, "assist": 9}),
    ("verb", {"find": 9, "discover": 4}),
    ("verb", {"found": 9, "establish": 9}),
    ("verb", {"stop": 9, "halt": 9}),
    ("adj", {"quick": 9, "rapid(a)": 9}),
    ("adj", {"odd": 0, "strange": 0}),
    ("adv", {"never": 9, "ne'er": 1}),
    ("adv", {"quickly": 9, "rapidly": 9, "not": 1}),
)
IRREGULAR = {"noun": {}, "verb": {"bought": "buy", "found": "find", "stopped": "stop"}, "adj": {}, "adv": {}}
_TYPES = {"noun": ("1", "n"), "verb": ("2", "v"), "adj": ("5", "s"), "adv": ("4", "r")}


def small_word_net(folder: Path) -> Path:
    """Write the files; each begins with a licence, as Princeton's do."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = []
    for part, (number, letter) in _TYPES.items():
        data, index = ["  1 This is a licence."], dict[str, list[tuple[int, str]]]()
        for place, (own, words) in enumerate(MEANINGS):
            if own == part:
                names = " ".join(f"{word} 0" for word in words)
                data.append(f"{place:08} 03 {letter} {len(words):02x} {names} 000 | a meaning")
                for word, count in words.items():
                    index.setdefault(word.partition("(")[0], []).append((count, f"{place:08}"))
        lines = ["  1 This is a licence."]
        for word, places in sorted(index.items()):
            ranked = sorted(places, reverse=True)
            n = len(ranked)
            lines.append(f"{word} {letter} {n} 1 @ {n} {n} {' '.join(place for _, place in ranked)}  ")
            counts += [f"{word}%{number}:03:00:: {at + 1} {count}" for at, (count, _) in enumerate(ranked) if count]
        (folder / f"data.{part}").write_text("\n".join(data) + "\n")
        (folder / f"index.{part}").write_text("\n".join(lines) + "\n")
        (folder / f"{part}.exc").write_text("".join(f"{form} {base}\n" for form, base in IRREGULAR[part].items()))
    (folder / "cntlist.rev").write_text("\n".join(sorted(counts)) + "\n")
    return folder


def tiny_language_model(folder: Path, words: Sequence[str], seed: int = 0) -> Path:
    """Write a random BERT with a masked-word head, each word one token, as transformers writes it."""
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *".,!?", *words]
    tokenizer = Tokenizer(models.WordPiece({name: n for n, name in enumerate(names)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(names),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.5,
    )
    BertForMaskedLM(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
