"""Pre-training: texts in, an encoder's folder and what it is worth out."""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

from data_schemas.errors import ContractError
from experiments.pretrain.report import Pretrained, card, report
from experiments.pretrain.texts import ReadTexts, Texts, read_texts
from experiments.reporting.files import Edition, write_pages
from experiments.reporting.language import speaking
from experiments.session.run import Run
from features.encoders.folder import check_encoder_place, write_encoder_folder
from features.encoders.opening import open_encoder
from features.language.checkpoint import Checkpoint, has_checkpoint, load_checkpoint, save_checkpoint
from features.language.model import LanguageModel, open_language_model
from features.language.new_words import frequent_words
from features.language.settings import PretrainingSettings
from features.language.training import EpochFigures, Stopped, Watch, Windows, pretrain
from features.narratives.masking import Mask


@dataclass(frozen=True)
class Places:
    """Where a pre-training writes.

    Attributes:
        out: the encoder's folder.
        resume: whether to go on from the checkpoint of an interrupted run.
        force: whether such a checkpoint may be thrown away.
    """

    out: Path
    resume: bool = False
    force: bool = False

    @property
    def checkpoint(self) -> Path:
        """The folder of the checkpoint, which is there while the training is not done."""
        return self.out.parent / f"{self.out.name}.checkpoint"

    @property
    def report(self) -> str:
        """Name of the report beside the folder."""
        return f"{self.out.name}.report"

    @property
    def rejects(self) -> str:
        """Name of the file of rows that broke the contract, beside the folder."""
        return f"{self.out.name}.rejects.csv"

    def check(self) -> None:
        """Raise ContractError where the folder may not be written, an unfinished run would be thrown away, or there is
        none to carry on.
        """
        check_encoder_place(self.out)
        if self.resume and not has_checkpoint(self.checkpoint):
            raise ContractError(
                f"{self.checkpoint} holds no checkpoint to carry on from", "Run the command without --resume."
            )
        if has_checkpoint(self.checkpoint) and not (self.resume or self.force):
            raise ContractError(
                f"{self.checkpoint} holds an unfinished run", "Carry it on with --resume, or begin anew with --force."
            )


def pretrain_encoder(
    texts: Texts, places: Places, source: str, settings: PretrainingSettings, edition: Edition, run: Run
) -> Pretrained:
    """Read the texts, train the encoder, write its folder and the report.

    Raises ContractError for files, a source or settings that do not fit, or a checkpoint of another run; RunError for
    files that cannot be read; KeyboardInterrupt after a Ctrl-C, when the checkpoint is written.
    """
    with run.stage("open"):
        model = open_language_model(source, settings.seed, settings.precision, settings.device)
        if settings.window > model.longest:
            raise ContractError(
                f"window {settings.window} does not fit {source}", f"Choose --window from 8 to {model.longest} tokens."
            )
    read = _read(texts, source, settings, run)
    training, validation = read.corpus.split(settings.validation_share, settings.seed)
    with run.stage("prepare"):
        words = frequent_words(model.tokenizer, training, settings.new_words) if settings.new_words else []
        model = model.with_words(words) if words else model
        windows = Windows.of(model, training, validation, settings)
    figures = _train(model, windows, _made_for(read, model, settings), places, settings, run)
    done = Pretrained(
        out=places.out,
        source=source,
        base_digest=model.digest,
        had_head=model.has_head,
        schema=(texts.schema.title or texts.schema.name, texts.schema.digest) if texts.schema else None,
        read=read,
        n_training=len(training),
        n_validation=len(validation),
        n_words=len(words),
        settings=settings,
        figures=figures,
    )
    with run.stage("write"):
        digest = write_encoder_folder(places.out, model.content(card(done), {}))
        with speaking(edition.language):
            pages = {places.report: report(done, digest, edition.made_on)}
            write_pages(places.out.parent, pages, read.rejects.frame, places.rejects)
        shutil.rmtree(places.checkpoint, ignore_errors=True)
    if not done.improved:
        run.note("training lowered the perplexity of no epoch: the folder holds the encoder as it was")
    return done


def _read(texts: Texts, source: str, settings: PretrainingSettings, run: Run) -> ReadTexts:
    mask = None
    if texts.mask and texts.schema is not None:
        encoder = open_encoder(source, window=settings.window, precision=settings.precision, device=settings.device)
        mask = Mask.open(texts.mask, texts.schema, encoder)
    with run.stage("read", unit="texts") as advance:
        read = read_texts(texts, mask, advance)
    run.note(
        f"{len(read.corpus.texts):,} different texts of {read.corpus.n_read:,}",
        {"texts": len(read.corpus.texts), "read": read.corpus.n_read, "rejected": len(read.rejects)},
    )
    return read


def _made_for(read: ReadTexts, model: LanguageModel, settings: PretrainingSettings) -> dict[str, object]:
    """What may not differ where a run goes on."""
    compared = {name: value for name, value in asdict(settings).items() if name != "checkpoint_steps"}
    return {"texts": read.corpus.digest, "encoder": model.digest, "settings": compared}


def _train(
    model: LanguageModel,
    windows: Windows,
    made_for: Mapping[str, object],
    places: Places,
    settings: PretrainingSettings,
    run: Run,
) -> tuple[EpochFigures, ...]:
    """Train with checkpoints, progress and a Ctrl-C that loses nothing."""
    checkpoint = load_checkpoint(places.checkpoint, made_for) if places.resume else None
    if checkpoint is None:
        shutil.rmtree(places.checkpoint, ignore_errors=True)
    else:
        run.note(f"carried on after {checkpoint.state['updates']:,} updates")
    readings = settings.epochs + (0 if model.has_head else settings.head_epochs)
    total = None if settings.max_minutes else round(readings * windows.expected_tokens(settings.mask_share))

    def save(n_updates: int, made: Checkpoint) -> None:
        save_checkpoint(places.checkpoint, n_updates, made, made_for)

    with stop_on_interrupt() as stopped, run.stage("train", total, "tokens") as advance:
        if checkpoint is not None:
            advance(int(checkpoint.state["tokens"]))
        try:
            watch = Watch(advance, lambda row: _tell(row, run), save, stopped)
            return pretrain(model, windows, settings, watch, checkpoint)
        except Stopped:
            run.note(f"stopped; the same command with --resume carries on from {places.checkpoint}")
            raise KeyboardInterrupt from None


def _tell(row: EpochFigures, run: Run) -> None:
    words = f"perplexity {row.perplexity:.2f} on held-out texts"
    if row.training_loss is None:
        run.note(f"before: {words}; the encoder as it was", asdict(row))
    else:
        learned = f"training loss {row.training_loss:.3f}, {row.seconds:,.0f} s"
        run.note(f"epoch {row.epoch:.3g}: {words}, {learned}", asdict(row))


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Within it a Ctrl-C is a wish to stop, which is asked for by the function yielded; a second one stops at once."""
    asked = threading.Event()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
