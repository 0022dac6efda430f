"""What a pre-training came to: the summary, the card in the encoder's folder, and a report with the curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from experiments.pretrain.texts import ReadTexts
from experiments.reporting.charts import BLUE, HALF, INK, WHOLE, legend, picture
from experiments.reporting.document import Column, Document, Finding, Plot, Section, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import number, percent
from features.language.settings import PretrainingSettings
from features.language.training import EpochFigures
from fusion.versions import package_versions

DIGITS = 2
BEFORE = gettext_noop("before")

MEANING = gettext_noop(
    "Perplexity is exp of the mean of -log probability of a hidden token: among how many equally likely tokens the "
    "encoder is in doubt. Lower is better. It is measured on texts that took no part, always under the same masks, and "
    "compares only encoders with the same tokens."
)
FITTED_HEAD = gettext_noop(
    "The encoder came without a head for hidden words. A new one was fitted while the encoder itself stood still; "
    '"before" is the encoder as it was with that head, so that the difference is not that of a random head. The head '
    "learns on with the encoder, and a part of the difference is its own."
)
OWN_HEAD = gettext_noop('The encoder came with a head for hidden words; "before" is both as they were.')
LIMITS = gettext_noop(
    "A lower perplexity says that the encoder knows the lender's words better, and nothing about risk. Whether a model "
    "gains by it, `creditfusion compare` shows for two models on rows that neither learned from: one trained with this "
    "encoder, one with the encoder that it began with."
)


@dataclass(frozen=True)
class Pretrained:
    """What was done.

    Attributes:
        out: the encoder's folder.
        source: the encoder that it began with, as the user named it.
        base_digest: that encoder's digest.
        had_head: whether it came with a head for hidden words.
        schema: title and digest of the schema of the tables; None without one.
        read: the texts.
        n_training: texts learned from.
        n_validation: texts held out.
        n_words: words that became tokens.
        settings: how it was trained.
        figures: of the encoder as it was and of every epoch.
    """

    out: Path
    source: str
    base_digest: str
    had_head: bool
    schema: tuple[str, str] | None
    read: ReadTexts
    n_training: int
    n_validation: int
    n_words: int
    settings: PretrainingSettings
    figures: tuple[EpochFigures, ...]

    @property
    def n_rejected(self) -> int:
        """Rows that broke the contract."""
        return len(self.read.rejects)

    @property
    def before(self) -> EpochFigures:
        """The encoder as it was."""
        return self.figures[0]

    @property
    def best(self) -> EpochFigures:
        """The epoch that was written."""
        return min(self.figures, key=lambda row: row.loss)

    @property
    def improved(self) -> bool:
        """Whether an epoch was better than the encoder as it was."""
        return self.best is not self.before

    @property
    def base(self) -> str:
        """The encoder that it began with, without the place of a folder."""
        return Path(self.source).name if Path(self.source).is_dir() else self.source

    def counts(self) -> dict[str, object]:
        """How much was read, for machines."""
        return {
            "rows": self.read.n_rows,
            "rejected": self.n_rejected,
            "texts_read": self.read.corpus.n_read,
            "texts": len(self.read.corpus.texts),
            "texts_to_learn_from": self.n_training,
            "texts_held_out": self.n_validation,
            "sentences_cut": self.read.n_cut,
            "new_words": self.n_words,
            "tokens_trained": self.figures[-1].tokens,
        }

    def summary(self) -> dict[str, object]:
        """The closing summary for machines."""
        return {
            "out": self.out,
            "base": self.source,
            **self.counts(),
            "head": "its own" if self.had_head else "fitted first, the encoder frozen",
            "best_epoch": self.best.epoch,
            "perplexity_before": self.before.perplexity,
            "perplexity_after": self.best.perplexity,
            "epochs": [{**asdict(row), "perplexity": row.perplexity} for row in self.figures],
            "use": self.use,
        }

    def lines(self) -> dict[str, object]:
        """The same for people."""
        grid = {
            label(row): {
                "perplexity, held out": f"{row.perplexity:.{DIGITS}f}",
                "loss, held out": f"{row.loss:.3f}",
                "loss, training": "" if row.training_loss is None else f"{row.training_loss:.3f}",
                "seconds": f"{row.seconds:,.0f}",
            }
            for row in self.figures
        }
        kept = {name: value for name, value in self.counts().items() if value}
        best = f"{label(self.best)}, perplexity {self.best.perplexity:.{DIGITS}f}"
        return {"folder": self.out, "base": self.source, **kept, "written": best, "use": self.use, "epochs": grid}

    @property
    def use(self) -> str:
        """How a model is trained with the encoder."""
        return f"creditfusion train ... --set encoder.source={self.out}"


def label(row: EpochFigures) -> str:
    """An epoch's name."""
    if row.training_loss is None:
        return gettext(BEFORE)
    return gettext("epoch {number}").format(number=f"{row.epoch:.3g}")


def card(done: Pretrained) -> str:
    """The folder's README: what the encoder is and what it learned from; no text, no time and no place."""
    read, settings = done.read, done.settings
    cut = ", ".join(f"{n:,} of {kind.replace('_', ' ')}" for kind, n in read.n_cut.items())
    rows = "\n".join(
        f"| {label(row)} | {row.perplexity:.4f} | {row.loss:.4f} | "
        f"{'' if row.training_loss is None else f'{row.training_loss:.4f}'} |"
        for row in done.figures
    )
    facts = [
        f"- Begun with: {done.base}, digest {done.base_digest}.",
        f"- Learned from {done.n_training:,} texts; {done.n_validation:,} others were held out "
        f"({len(read.corpus.texts):,} different ones of {read.corpus.n_read:,}).",
        *([f"- Read by the schema {done.schema[0]!r}, digest {done.schema[1]}."] if done.schema else []),
        *([f"- Sentences cut before: {cut}."] if read.n_cut else []),
        f"- Words that became tokens: {done.n_words:,}.",
        f"- Written: {label(done.best)}.",
        f"- {FITTED_HEAD if not done.had_head else OWN_HEAD}",
    ]
    options = ", ".join(f"{name} {value}" for name, value in asdict(settings).items() if value is not None)
    versions = ", ".join(f"{name} {version}" for name, version in package_versions().items())
    return "\n".join(
        [
            "# An encoder pre-trained on unlabelled texts",
            "",
            "It was trained to guess hidden words by `creditfusion pretrain`.",
            "`creditfusion train --set encoder.source=FOLDER` trains a model with it.",
            "",
            *facts,
            "",
            "| epoch | perplexity, held out | loss, held out | loss, training |",
            "|---|---|---|---|",
            rows,
            "",
            MEANING,
            "",
            LIMITS,
            "",
            f"Settings: {options}.",
            "",
            f"Versions: {versions}.",
            "",
        ]
    )


def report(done: Pretrained, digest: str, day: date) -> Document:
    """The report beside the folder. digest: of the encoder that was written."""
    return Document(
        report="pretraining",
        title=gettext("Does {encoder} know the texts better?").format(encoder=done.out.name),
        kicker=gettext("Report of a pre-training on unlabelled texts"),
        made_on=day,
        facts={
            gettext("Begun with"): done.base,
            gettext("Texts learned from"): number(done.n_training),
            gettext("Texts held out"): number(done.n_validation),
            gettext("Words that became tokens"): number(done.n_words),
            gettext("Sentences cut before"): number(sum(done.read.n_cut.values())),
            gettext("Rows rejected"): number(done.n_rejected),
            gettext("Seed"): str(done.settings.seed),
        },
        headline=(_headline(done),),
        sections=(
            Section(
                key="epochs",
                title=gettext("Epoch by epoch"),
                words=(MEANING, OWN_HEAD if done.had_head else FITTED_HEAD),
                findings=_findings(done),
                plots=(_curve(done.figures),),
                tables=(_table(done.figures),),
            ),
            Section(key="use", title=gettext("How to go on"), command=done.use),
            Section(key="limits", title=gettext("What it does not say"), words=(LIMITS,)),
        ),
        origin={gettext("encoder"): digest, gettext("encoder begun with"): done.base_digest, **package_versions()},
    )


def _headline(done: Pretrained) -> str:
    before, best = done.before.perplexity, done.best.perplexity
    if not done.improved:
        return gettext("No. No epoch was better than the encoder as it was (perplexity {before}).").format(
            before=number(before, DIGITS)
        )
    return gettext(
        "Its perplexity on texts that it did not learn from fell from {before} to {best}, by {share}, at {epoch}."
    ).format(
        before=number(before, DIGITS),
        best=number(best, DIGITS),
        share=percent(1 - best / before),
        epoch=label(done.best),
    )


def _findings(done: Pretrained) -> tuple[Finding, ...]:
    found = []
    last = done.figures[-1]
    if not done.improved:
        words = gettext(
            "Give more texts, more epochs or another learning rate, or keep the encoder that it began with."
        )
        found.append(Finding(key="no_gain", grade="concern", title=gettext("Nothing was gained"), words=words))
    elif last.loss > done.best.loss:
        words = gettext(
            "After {epoch} the loss on held-out texts rose again, to {last} from {best}. The earlier epoch was written."
        ).format(epoch=label(done.best), last=number(last.loss, 3), best=number(done.best.loss, 3))
        found.append(Finding(key="overfitted", grade="note", title=gettext("Later epochs over-fitted"), words=words))
    elif done.settings.max_minutes is None and last.epoch >= done.settings.epochs:
        words = gettext("The loss on held-out texts was still falling at the last epoch: more --epochs may bring more.")
        found.append(Finding(key="falling", grade="note", title=gettext("More epochs may help"), words=words))
    return tuple(found)


def _table(figures: Sequence[EpochFigures]) -> Table:
    return Table(
        key="epochs",
        title=gettext("Losses and perplexity"),
        columns=(
            Column(key="epoch", title=gettext("Epoch")),
            Column(key="perplexity", title=gettext("Perplexity, held out"), form="number", digits=DIGITS),
            Column(key="loss", title=gettext("Loss, held out"), form="number", digits=4),
            Column(key="training_loss", title=gettext("Loss, training"), form="number", digits=4),
            Column(key="tokens", title=gettext("Tokens read"), form="count"),
        ),
        rows=tuple((label(row), row.perplexity, row.loss, row.training_loss, row.tokens) for row in figures),
    )


def _curve(figures: Sequence[EpochFigures]) -> Plot:
    def draw(axes: Axes) -> None:
        axes.plot(
            [row.epoch for row in figures], [row.loss for row in figures], "o-", color=BLUE, label=gettext("held out")
        )
        learned = [(row.epoch, row.training_loss) for row in figures if row.training_loss is not None]
        axes.plot(*zip(*learned, strict=True), "o--", color=INK, label=gettext("training")) if learned else None
        axes.set_xlabel(gettext("Epoch"))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel(gettext("-log probability of a hidden token, nats"))
        legend(axes)

    return Plot(
        key="loss",
        title=gettext("Loss by epoch"),
        words=gettext(
            "The loss on held-out texts, and that on those learned from: with dropout, and as it was in passing."
        ),
        alt=gettext(
            "Lines: the loss on held-out texts, from the encoder as it was to the last epoch, and that of training."
        ),
        wide=True,
        drawing=picture(draw, (WHOLE[0], HALF[1])),
    )
