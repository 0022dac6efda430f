"""The page on an encoder's learning: its curves, epoch by epoch, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from experiments.reporting.cells import NO_FIGURE, figure, interval
from experiments.reporting.charts import BLUE, RED, legend, picture
from experiments.reporting.document import Column, Document, Finding, Plot, Row, Section, Table
from experiments.reporting.files import Edition
from experiments.reporting.html import document_html
from experiments.reporting.language import gettext, gettext_noop, speaking
from experiments.reporting.model_name import folder_or_title
from experiments.reporting.words import count, duration, number
from experiments.train.tuning import TuningRecord
from features.atomic_files import put_text
from fusion.bundle import Manifest
from fusion.tuning.fold import Epoch
from fusion.validation.intervals import Estimate

SIGNIFICANT = 0.05  # two-sided
MARKS = ("-", "--", ":", "-.")  # a fold each
LOSSES = (("train_loss", gettext_noop("training"), BLUE, "o"), ("loss", gettext_noop("held out"), RED, "s"))
AUC = (("auc", gettext_noop("held out"), RED, "s"),)

FIGURES = (
    Column(key="train_loss", title=gettext_noop("Training loss"), form="number", digits=4),
    Column(key="loss", title=gettext_noop("Held-out loss"), form="number", digits=4),
    Column(key="accuracy", title=gettext_noop("Accuracy"), form="number", digits=4),
    Column(key="precision", title=gettext_noop("Precision"), form="number", digits=4),
    Column(key="recall", title=gettext_noop("Recall"), form="number", digits=4),
    Column(key="f1", title="F1", form="number", digits=4),
    Column(key="auc", title="AUC", form="number", digits=4),
)


def write_tuning_report(out: Path, record: TuningRecord, title: str, manifest: Manifest, edition: Edition) -> None:
    """Write the page and its JSON twin beside the bundle ``out``: ``OUT.tuning.html`` and ``OUT.tuning.json``."""
    with speaking(edition.language):
        document = tuning_document(record, title, (out.name, manifest), edition.made_on)
        put_text(out.parent / f"{out.name}.tuning.json", document.model_dump_json() + "\n")
        put_text(out.parent / f"{out.name}.tuning.html", document_html(document))


def tuning_document(record: TuningRecord, title: str, model: tuple[str, Manifest], made_on: date) -> Document:
    """The document.

    Args:
        record: how the encoder learned.
        title: of the data contract.
        model: the name of its bundle's folder, and the bundle's manifest.
        made_on: the day it was made.
    """
    name, manifest = model
    made, settings = manifest.provenance, record.settings
    facts = {
        gettext("Model"): gettext("{model}, learned from {n} (digest {digest})").format(
            model=folder_or_title(name, gettext(title)),
            n=count(made.n_rows, "application"),
            digest=manifest.model_id,
        ),
        gettext("What learned"): record.what,
        gettext("Folds"): number(settings.n_folds),
        gettext("Time"): duration(record.seconds),
        gettext("Settings"): gettext(
            "learning rate {rate}, {rows} a step, weight decay {decay}, dropout {dropout}, warm-up {warmup}"
        ).format(
            rate=f"{settings.learning_rate:g}",
            rows=count(settings.batch_rows, "row"),
            decay=f"{settings.weight_decay:g}",
            dropout=f"{settings.dropout:g}",
            warmup=f"{settings.warmup:g}",
        ),
    }
    return Document(
        report="tuning",
        title=title,
        kicker=gettext("How the text encoder learned"),
        made_on=made_on,
        facts=facts,
        headline=(_verdict(record).title,),
        sections=(_worth_section(record), _curves(record)),
        origin={
            gettext("encoder"): made.encoder_digest,
            gettext("data"): made.data_digest,
            gettext("settings"): made.config_digest,
        },
    )


def _verdict(record: TuningRecord) -> Finding:
    gain = record.worth.gain
    if not record.changed:
        title, grade = gettext("No epoch was better than the encoder as it came, which was kept"), "note"
    elif not gain.p < SIGNIFICANT:
        title, grade = gettext("What tuning was worth is not beyond chance"), "note"
    elif gain.difference > 0:
        title, grade = gettext("The vectors are better for tuning, beyond chance"), "good"
    else:
        title, grade = gettext("The vectors are worse for tuning, beyond chance"), "concern"
    words = gettext("AUC of the narratives' vectors alone, out of fold: {figures}.").format(figures=record.worth_words)
    return Finding.model_validate({"key": "worth", "grade": grade, "title": title, "words": words})


def _worth_section(record: TuningRecord) -> Section:
    worth, gain = record.worth, record.worth.gain
    row: Row = (
        gettext("Vectors alone"),
        figure(worth.untuned_auc),
        figure(worth.tuned_auc),
        interval(Estimate(gain.difference, gain.low, gain.high)),
        figure(gain.p),
    )
    table = Table(
        key="worth",
        title=gettext("Out of fold, before and after"),
        note=gettext(
            "A linear head on the narratives' vectors alone, at the penalty of least log-loss, once with the encoder "
            "as it came and once tuned. Every row's tuned vectors come from an encoder that never saw its outcome. "
            "DeLong's test compares the two."
        ),
        columns=(
            Column(key="of", title=gettext("Figure")),
            Column(key="untuned", title=gettext("AUC before"), form="number", digits=4),
            Column(key="tuned", title=gettext("AUC tuned"), form="number", digits=4),
            Column(key="gain", title=gettext("Gain"), form="signed", digits=4),
            Column(key="p", title="p", form="p"),
        ),
        rows=(row,),
    )
    learning = [
        Finding(
            key=f"over_fitting_{at}",
            grade="note",
            title=gettext("Over-fitting in {why}").format(why=why),
            words=gettext(
                "The best epoch was kept. Fewer epochs, a smaller learning rate, more dropout or weight decay, or "
                "fewer layers would learn less by heart."
            ),
        )
        for at, why in enumerate(record.over_fitting)
    ]
    return Section(
        key="worth", title=gettext("What it was worth"), findings=(_verdict(record), *learning), tables=(table,)
    )


def _curves(record: TuningRecord) -> Section:
    words = gettext(
        "Losses are binary cross-entropies in nats. The held-out rows are those by which a fold's best epoch is "
        "chosen; accuracy, precision, recall and F1 call a row bad above a PD of one half, so that of a low bad rate "
        "they say little. A training loss that falls while the held-out loss rises is over-fitting."
    )
    epochs, n_folds = record.epochs, record.settings.n_folds
    passed, kept = gettext("fold {fold} of {n}, epoch {epoch}"), gettext("fold {fold} of {n}, epoch {epoch}, kept")
    table = Table(
        key="epochs",
        title=gettext("Epoch by epoch"),
        columns=(
            Column(key="epoch", title=gettext("Fold and epoch")),
            *FIGURES,
            Column(key="seconds", title=gettext("Seconds"), form="number", digits=0),
        ),
        rows=tuple(
            (
                (kept if one.taken else passed).format(fold=one.fold + 1, n=n_folds, epoch=one.number),
                *(figure(getattr(one, column.key), NO_FIGURE) for column in FIGURES),
                figure(one.seconds),
            )
            for one in epochs
        ),
    )
    plots = (
        Plot(
            key="losses",
            title=gettext("Losses"),
            words=gettext("Training loss and held-out loss by epoch, a line for each fold."),
            alt=gettext("Lines of the training loss and of the held-out loss over the epochs"),
            drawing=picture(lambda axes: _draw(axes, record, LOSSES)),
        ),
        Plot(
            key="auc",
            title=gettext("AUC on held-out rows"),
            words=gettext("AUC of the held-out rows by epoch, a line for each fold."),
            alt=gettext("Lines of the AUC over the epochs"),
            drawing=picture(lambda axes: _draw(axes, record, AUC)),
        ),
    )
    return Section(key="curves", title=gettext("How it learned"), words=(words,), tables=(table,), plots=plots)


def _draw(axes: Axes, record: TuningRecord, curves: tuple[tuple[str, str, str, str], ...]) -> None:
    """Figures of the epochs, by name, label, colour and mark."""
    of: Callable[[Epoch, str], float] = getattr
    for fold in range(record.settings.n_folds):
        own = [epoch for epoch in record.epochs if epoch.fold == fold]
        for key, label, colour, mark in curves:
            axes.plot(
                [epoch.number for epoch in own],
                [of(epoch, key) for epoch in own],
                MARKS[fold % len(MARKS)],
                marker=mark,
                color=colour,
                label=gettext("{label}, fold {fold}").format(label=gettext(label), fold=fold + 1),
            )
    axes.set_xlabel(gettext("epoch"))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(axes)
