"""Distillation: texts and a teacher in, the folder of a smaller encoder out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from data_schemas.errors import ContractError
from experiments.pretrain.texts import Texts, read_texts
from experiments.reporting.files import write_pages
from experiments.session.run import Run
from features.encoders.encoder import BertEncoder
from features.encoders.folder import (
    CONFIG,
    TOKENIZER,
    WEIGHTS,
    EncoderContent,
    usage_files,
    write_encoder_folder,
)
from features.encoders.networks.any_bert import base_weights
from features.encoders.networks.static import MAX_TOKENS, MODEL_TYPE
from features.encoders.opening import open_encoder
from features.encoders.source_files import locate
from features.encoders.threads import lone_workers
from features.language.distillation import (
    DistillationSettings,
    EpochLoss,
    Lesson,
    distil_layers,
    kept_layers,
    student_weights,
)
from features.language.tables import distil_table
from features.narratives.masking import Mask

CARD = """# A distilled encoder

Made by `creditfusion distil` from the encoder {source} (digest {digest}): {kind}. It learned to give that encoder's
mean-pooled vectors on {n_training:,} texts without outcomes; {n_held_out:,} were held out. Loss on these (squared
distance as a share of the vectors' variance, plus 1 - cosine): {loss:.4f}. No text is in this folder.

Settings: {settings}
"""


@dataclass(frozen=True)
class Distilled:
    """What was done.

    Attributes:
        out: the student's folder.
        digest: of the student.
        n_training: texts learned from.
        n_held_out: texts held out.
        losses: of every epoch, or of every strength that was tried for a table.
        n_rejected: rows that broke the contract and were not read.
    """

    out: Path
    digest: str
    n_training: int
    n_held_out: int
    losses: tuple[EpochLoss, ...]
    n_rejected: int

    @property
    def best(self) -> EpochLoss:
        """The least loss on held-out texts."""
        return min(self.losses, key=lambda loss: loss.held_out)

    def summary(self) -> dict[str, object]:
        """The closing summary for machines."""
        counts = {"texts": self.n_training, "held_out": self.n_held_out, "rejected": self.n_rejected}
        losses = [asdict(loss) for loss in self.losses]
        return {"out": self.out, "digest": self.digest, **counts, "best": asdict(self.best), "losses": losses}

    def lines(self) -> dict[str, object]:
        """The same for people."""
        return {
            "learned from": f"{self.n_training:,} texts, {self.n_held_out:,} held out",
            "loss, held out": ", ".join(f"{loss.held_out:.4f}" for loss in self.losses),
            "encoder": f"{self.out} (use it with --set encoder.source={self.out})",
        }


@dataclass(frozen=True)
class Student:
    """A student that has learned.

    Attributes:
        kind: what it is, for its card.
        config: of its architecture.
        weights: by name.
        losses: of every epoch, or of every strength that was tried.
    """

    kind: str
    config: dict[str, object]
    weights: dict[str, Tensor]
    losses: tuple[EpochLoss, ...]


def distil_encoder(texts: Texts, out: Path, source: str, settings: DistillationSettings, run: Run) -> Distilled:
    """Read the texts, let the teacher read them, train the student and write its folder.

    Raises ContractError for files, a source or settings that do not fit; RunError for files that cannot be read.
    """
    with run.stage("open"):
        teacher, folder = _teacher(source, settings), locate(source)
        kept = kept_layers(teacher.bert.shape.n_layers, settings.layers) if settings.layers else []
    mask = Mask.open(texts.mask, texts.schema, teacher) if texts.mask and texts.schema is not None else None
    with run.stage("read", unit="texts") as advance:
        read = read_texts(texts, mask, advance)
    training, held_out = read.corpus.split(settings.validation_share, settings.seed)
    with lone_workers(teacher.model.device) as pool:
        with run.stage("teacher"):
            lesson = pool.submit(Lesson.of, teacher, training, settings.window).result()
            check = pool.submit(Lesson.of, teacher, held_out, settings.window).result()
        student = (
            _layers(pool, folder, kept, (lesson, check), settings, run)
            if kept
            else _table(pool, teacher, (lesson, check), run)
        )
    found = Distilled(out, "", len(training), len(held_out), student.losses, len(read.rejects))
    with run.stage("write"):
        card = CARD.format(
            source=Path(source).name,
            digest=teacher.source_digest,
            kind=student.kind,
            n_training=found.n_training,
            n_held_out=found.n_held_out,
            loss=found.best.held_out,
            settings=json.dumps(asdict(settings)),
        )
        tokenizer = (folder / TOKENIZER).read_text(encoding="utf-8")
        content = EncoderContent(student.config, tokenizer, student.weights, card, usage_files(folder))
        digest = write_encoder_folder(out, content)
        write_pages(out.parent, {}, read.rejects.frame, f"{out.name}.rejects.csv")
    return replace(found, digest=digest)


def _layers(
    pool: ThreadPoolExecutor,
    folder: Path,
    kept: Sequence[int],
    lessons: tuple[Lesson, Lesson],
    settings: DistillationSettings,
    run: Run,
) -> Student:
    """A student that begins with layers of the teacher in ``folder``; lessons: to learn, and held out."""
    losses: list[EpochLoss] = []
    with run.stage("student", total=settings.epochs, unit="epochs") as advance:

        def note_loss(loss: EpochLoss) -> None:
            losses.append(loss)
            advance(1 if loss.epoch else 0)

        teachers = json.loads((folder / CONFIG).read_bytes())
        begun = student_weights(base_weights(load_file(folder / WEIGHTS), teachers), kept)
        config = {**teachers, "num_hidden_layers": len(kept)}
        weights = pool.submit(distil_layers, config, begun, *lessons, settings, note_loss).result()
    kind = f"{len(kept)} of its layers (numbers {', '.join(map(str, kept))})"
    return Student(kind, config, weights, tuple(losses))


def _table(pool: ThreadPoolExecutor, teacher: BertEncoder, lessons: tuple[Lesson, Lesson], run: Run) -> Student:
    """A student without layers."""
    with run.stage("student", unit="epochs"):
        weights, losses = pool.submit(distil_table, *lessons, teacher.tokenizer.get_vocab_size()).result()
    return Student("a table of token vectors", _table_config(weights), weights, tuple(losses))


def _teacher(source: str, settings: DistillationSettings) -> BertEncoder:
    teacher = open_encoder(source, window=settings.window, precision="fp32", device="cpu")
    if teacher.pooling == "cls":
        raise ContractError(
            f"{source} pools by its first token; a student learns mean-pooled vectors", "Choose another encoder."
        )
    return teacher


def _table_config(weights: dict[str, Tensor]) -> dict[str, object]:
    (table,) = weights.values()
    n_tokens, dim = table.shape
    sizes = {"vocab_size": n_tokens, "hidden_size": dim, "max_position_embeddings": MAX_TOKENS}
    return {"model_type": MODEL_TYPE, **sizes, "dtype": str(torch.float32).removeprefix("torch.")}
