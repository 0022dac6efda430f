"""The encoder's own learning as a stage of a training run: what people see of it while it runs and afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite

from experiments.reporting.language import gettext, ngettext
from experiments.session.run import Run
from features.tables.applications import Applications
from fusion.config import Config, TuningConfig
from fusion.model.training_sample import TrainingSample
from fusion.text_encoder import OpenEncoder
from fusion.text_tuning import (
    RISING,
    OverFitting,
    TextTuning,
    Watch,
    Worth,
    is_tuned,
    n_learned,
    over_fitting,
    tune_encoder,
)
from fusion.tuning.fold import Epoch

TUNE = "tune"


@dataclass(frozen=True)
class TuningRecord:
    """How the encoder of a model learned from outcomes.

    Attributes:
        method: ``encoder.tuning``.
        settings: section ``tuning``.
        seconds: that it took, reading the training rows out of fold included.
        epochs: of every fold.
        worth: of the vectors, before and after.
        changed: whether anything of the encoder was changed.
    """

    method: str
    settings: TuningConfig
    seconds: float
    epochs: tuple[Epoch, ...]
    worth: Worth
    changed: bool

    @staticmethod
    def of(tuning: TextTuning, config: Config, seconds: float) -> TuningRecord:
        """The record of a tuning that took so many seconds."""
        changed = bool(tuning.tensors)
        return TuningRecord(config.encoder.tuning, config.tuning, seconds, tuning.epochs, tuning.worth, changed)

    @property
    def what(self) -> str:
        """What of the encoder learned, in words."""
        n_layers = self.settings.n_layers
        top = ngettext("the top layer", "the top {n} layers", n_layers).format(n=n_layers)
        ways = {
            "head-layers": top,
            "lora": gettext("additions of rank {rank} to {layers}").format(rank=self.settings.rank, layers=top),
            "full": gettext("all layers"),
        }
        return gettext("{what} ({method})").format(what=ways[self.method], method=self.method)

    @property
    def worth_words(self) -> str:
        """What it was worth, in words."""
        gain, worth = self.worth.gain, self.worth
        return gettext("{tuned}, before {untuned}, {gain} (95 % {low} to {high}, DeLong p {p})").format(
            tuned=f"{worth.tuned_auc:.4f}",
            untuned=f"{worth.untuned_auc:.4f}",
            gain=f"{gain.difference:+.4f}",
            low=f"{gain.low:+.4f}",
            high=f"{gain.high:+.4f}",
            p=f"{gain.p:.2g}",
        )

    @property
    def over_fitting(self) -> tuple[str, ...]:
        """What shows over-fitting, fold by fold, in words; empty where nothing does."""
        sentence = gettext("fold {fold} of {n}: {why}")
        return tuple(
            sentence.format(fold=fold + 1, n=self.settings.n_folds, why=_over_fitting_words(why))
            for fold, why in over_fitting(self.epochs).items()
        )

    def lines(self) -> Mapping[str, object]:
        """The record for people, without the seconds: equal input, equal lines."""
        taken = [epoch for epoch in self.epochs if epoch.taken]
        lines: dict[str, object] = {
            "what learned": self.what,
            "best epoch of each fold": ", ".join(str(epoch.number) for epoch in taken) or "none",
            "AUC of the vectors alone, out of fold": self.worth_words,
        }
        if not self.changed:
            lines["result"] = "no epoch was better than the encoder as it came, which was kept"
        if self.over_fitting:
            lines["over-fitting"] = "; ".join(self.over_fitting)
        return lines

    def json(self) -> Mapping[str, object]:
        """The record for machines."""
        return {
            "method": self.method,
            "settings": self.settings.model_dump(),
            "seconds": self.seconds,
            "changed": self.changed,
            "auc_untuned": self.worth.untuned_auc,
            "auc_tuned": self.worth.tuned_auc,
            "gain": asdict(self.worth.gain),
            "over_fitting": self.over_fitting,
            "epochs": [asdict(epoch) for epoch in self.epochs],
        }


def _over_fitting_words(found: OverFitting) -> str:
    if found.sign == "losses_apart":
        words = gettext("the training loss fell and the held-out loss rose for {n} epochs, up to epoch {epoch}")
        return words.format(n=RISING, epoch=found.epoch)
    if found.sign == "first_best":
        return gettext("the first epoch was the best")
    return gettext("no epoch was better than the encoder as it came")


def tune_aloud(
    own: Applications, sample: TrainingSample, config: Config, encoder: OpenEncoder, run: Run
) -> TextTuning | None:
    """``fusion.text_tuning.tune_encoder`` as a stage of ``run``, with a note per epoch; None where nothing is tuned.

    Raises as that and ``is_tuned`` do.
    """
    if not is_tuned(config, sample):
        if config.encoder.tuning != "none":
            run.note("the encoder is not tuned: no narrative is written", {"tuned": False})
        return None
    n_folds = config.tuning.n_folds
    with run.stage(TUNE, total=n_learned(config, sample), unit="rows") as advance:

        def report(epoch: Epoch) -> None:
            known = {name: value for name, value in asdict(epoch).items() if name != "taken"}  # the best comes later
            run.note(epoch_line(epoch, n_folds), {"epoch": known})

        found = tune_encoder(own, sample, config, encoder, Watch(report, advance))
    for why in TuningRecord.of(found, config, 0.0).over_fitting:
        run.note(f"over-fitting: {why}", {"over_fitting": why})
    return found


def epoch_line(epoch: Epoch, n_folds: int) -> str:
    """An epoch in a line."""
    figures = {
        "accuracy": epoch.accuracy,
        "precision": epoch.precision,
        "recall": epoch.recall,
        "F1": epoch.f1,
        "AUC": epoch.auc,
    }
    shown = ", ".join(f"{name} {_figure(value)}" for name, value in figures.items())
    return (
        f"tune fold {epoch.fold + 1} of {n_folds}, epoch {epoch.number}: training loss {_figure(epoch.train_loss)}, "
        f"held-out loss {_figure(epoch.loss)}, {shown} ({epoch.seconds:,.0f} s)"
    )


def _figure(value: float) -> str:
    return f"{value:.4f}" if isfinite(value) else "none"
