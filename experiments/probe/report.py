"""The report on protected attributes, as a document: how well each can be told from what the model reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import date

from matplotlib.axes import Axes

from data_schemas.fields import Field
from data_schemas.messages import Message
from experiments.probe import texts
from experiments.reporting.cells import interval
from experiments.reporting.charts import MUTED, IntervalPoint, interval_points, interval_points_size, picture
from experiments.reporting.document import Column, Document, Finding, Gap, Grade, Plot, Row, Section, Table
from experiments.reporting.language import gettext
from experiments.reporting.lower_floors import translated
from experiments.reporting.words import listed, number, signed
from features.tables.groups import Groups
from fusion.validation.intervals import Estimate
from fusion.validation.proxy_probe import N_FOLDS, SEED, Source, SourceProbe, TraitProbe, Verdict, verdict

DIGITS = 3
LEADING: tuple[Source, ...] = ("narratives", "style", "columns", "score")  # what the findings speak of
GRADES: dict[Verdict, Grade] = {
    "chance": "good",
    "unsure": "note",
    "hardly": "note",
    "somewhat": "note",
    "clearly": "concern",
    "well": "concern",
}


@dataclass(frozen=True)
class Attribute:
    """One protected column.

    Attributes:
        field: The column.
        groups: Its groups among the rows looked at.
        probe: How well they are told apart; None where ``groups.too_few`` says why they cannot be.
    """

    field: Field
    groups: Groups
    probe: TraitProbe | None

    @property
    def found(self) -> dict[Source, SourceProbe]:
        """The sources that could be probed."""
        return self.probe.found if self.probe else {}

    @property
    def why_not(self) -> tuple[Message, ...]:
        """Why it could not be told from anything; empty when it could from something."""
        if self.probe is None:
            return () if self.groups.too_few is None else (self.groups.too_few,)
        return () if self.found else tuple(dict.fromkeys(self.probe.gaps.values()))


@dataclass(frozen=True)
class Probed:
    """What was found in a file.

    Attributes:
        file: Its name.
        product: The schema's title.
        model: Its name, with its digest.
        masked: Kinds of private life whose sentences are cut before the model reads.
        n_rows: Data rows of the file.
        n_rejected: Those of them that broke the contract.
        n_read: Those looked at; fewer than the rest where only some were drawn.
        attributes: The protected columns.
    """

    file: str
    product: str
    model: str
    masked: tuple[str, ...]
    n_rows: int
    n_rejected: int
    n_read: int
    attributes: tuple[Attribute, ...]

    def figures(self) -> dict[str, dict[str, tuple[float, float, float]]]:
        """AUC and the ends of its interval, by column and source."""
        return {
            one.field.name: {source: astuple(found.accuracy.overall) for source, found in one.found.items()}
            for one in self.attributes
        }


def report(probed: Probed, made_on: date) -> Document:
    """How well protected attributes can be told from what a model reads of the applicants of a file."""
    scale = _scale(probed.attributes)
    return Document(
        report="protected",
        title=gettext("Can protected attributes be told from an application?"),
        kicker=gettext("Report on protected attributes · {product}").format(product=gettext(probed.product)),
        made_on=made_on,
        facts={
            gettext("Model"): probed.model,
            gettext("File"): probed.file,
            gettext("Rows of the file"): number(probed.n_rows),
            gettext("Rejected"): number(probed.n_rejected),
            gettext("Looked at"): number(probed.n_read),
            gettext("Cut before reading"): _masked(probed) or gettext("nothing"),
            gettext("Folds"): str(N_FOLDS),
            gettext("Seed"): str(SEED),
        },
        headline=_headline(probed),
        sections=(
            *(_section(attribute, scale) for attribute in probed.attributes),
            _reading(),
            Section(key="limits", title=gettext("What it does not prove"), words=texts.LIMITS),
            Section(key="method", title=gettext("How it was done"), words=(texts.method(),)),
        ),
        origin={},
    )


def interval_words(auc: Estimate) -> str:
    """``AUC 0.522, 0.498 to 0.546``."""
    return gettext("AUC {value}, {low} to {high}").format(
        value=number(auc.value, DIGITS), low=number(auc.low, DIGITS), high=number(auc.high, DIGITS)
    )


def gain_words(gain: Estimate) -> str:
    """What the narratives add to what the columns tell, as sentences."""
    if gain.low > 0:
        words = gettext("The narratives add to what the columns tell ({figures}).")
    elif gain.high < 0:
        words = gettext(
            "That the narratives add anything to what the columns tell is not shown ({figures}). Beside the columns "
            "they only blur the guess, as many numbers without bearing on it do."
        )
    else:
        words = gettext("That the narratives add anything to what the columns tell is not shown ({figures}).")
    figures = gettext("AUC {gain}, {low} to {high}, both against columns alone")
    return words.format(
        figures=figures.format(
            gain=signed(gain.value, DIGITS), low=signed(gain.low, DIGITS), high=signed(gain.high, DIGITS)
        )
    )


def _masked(probed: Probed) -> str:
    """The kinds of private life whose sentences were cut."""
    return listed([gettext(kind) for kind in probed.masked], 9)


def _headline(probed: Probed) -> tuple[str, ...]:
    sound = probed.n_rows - probed.n_rejected
    words = [
        gettext("The model never sees these attributes. This says whether it sees what they can be guessed from."),
        gettext("It was looked for in {n} applications of {file}.")
        if probed.n_read == sound
        else gettext("It was looked for in {n} applications of {file}, drawn at random from {sound}."),
    ]
    if probed.n_rejected:
        words.append(gettext("{rejected} of the file's {rows} rows broke the data contract and were left out."))
    if probed.masked:
        words.append(
            gettext(
                "Sentences of these kinds were cut before anything was read, as the model's settings say: {masked}."
            )
        )
    values = {
        "n": number(probed.n_read),
        "file": probed.file,
        "sound": number(sound),
        "rejected": number(probed.n_rejected),
        "rows": number(probed.n_rows),
        "masked": _masked(probed),
    }
    return tuple(one.format(**values) for one in words)


def _section(attribute: Attribute, scale: tuple[float, float]) -> Section:
    """What was found of one attribute. scale: the ends of the axis of its plot."""
    name, title, probe = attribute.field.name, gettext(attribute.field.title), attribute.probe
    heading = gettext("{title} ({name})").format(title=title, name=name)
    if attribute.why_not or probe is None:
        finding = Finding(
            key=f"not_judged_{name}",
            grade="note",
            title=gettext("{attribute} could not be judged").format(attribute=title),
            words=gettext("{reason}.").format(reason=why_not_words(attribute)),
        )
        tables = (groups_table(attribute),)
        return Section(key=f"attribute_{name}", title=heading, findings=(finding,), tables=tables)
    several = len(attribute.groups.large) > 2
    tables = (
        sources_table(attribute, probe),
        *((gain_table(attribute, probe, probe.gain),) if probe.gain else ()),
        groups_table(attribute),
        *((rest_table(attribute, probe),) if several else ()),
    )
    return Section(
        key=f"attribute_{name}",
        title=heading,
        findings=tuple(_finding(attribute, source, probe) for source in LEADING if source in probe.found),
        words=(gain_words(probe.gain),) if probe.gain else (),
        plots=(_plot(attribute, probe, scale),),
        tables=tables,
    )


def why_not_words(attribute: Attribute) -> str:
    """Why an attribute could not be told from anything."""
    return gettext("; ").join(map(translated, attribute.why_not))


def _finding(attribute: Attribute, source: Source, probe: TraitProbe) -> Finding:
    auc = probe.found[source].accuracy.overall
    word = verdict(auc)
    title = gettext(texts.VERDICTS[word])
    return Finding(
        key=f"{source}_{attribute.field.name}",
        grade=GRADES[word],
        title=title.format(source=gettext(texts.SOURCES[source]), attribute=gettext(attribute.field.title)),
        words=gettext("{reason}.").format(reason=interval_words(auc)),
    )


def sources_table(attribute: Attribute, probe: TraitProbe) -> Table:
    """How well the attribute is told from each source; a gap says why it could not be judged from one."""
    rows: list[Row] = []
    for source, words in texts.SOURCES.items():
        if source in probe.found:
            found = probe.found[source]
            auc = found.accuracy.overall
            short = gettext(texts.SHORT[verdict(auc)])
            rows.append((source, gettext(words), short, len(found.rows), interval(auc)))
        elif source in probe.gaps:
            rows.append((source, gettext(words), gettext("not judged"), None, Gap(gap=translated(probe.gaps[source]))))
    return Table(
        key=f"sources_{attribute.field.name}",
        title=gettext("{attribute} by what it is told from").format(attribute=gettext(attribute.field.title)),
        note=gettext("AUC with its 95 % interval; 0.5 is chance."),
        columns=(
            Column(key="source", title=gettext("Source"), form="key"),
            Column(key="from", title=gettext("Told from")),
            Column(key="words", title=gettext("In words")),
            Column(key="n", title=gettext("Rows"), form="count"),
            Column(key="auc", title="AUC", form="number", digits=DIGITS),
        ),
        rows=tuple(rows),
    )


def gain_table(attribute: Attribute, probe: TraitProbe, gain: Estimate) -> Table:
    """What narratives add to what columns tell."""
    both, columns = (probe.found[source].accuracy.overall for source in ("both", "columns"))
    return Table(
        key=f"gain_{attribute.field.name}",
        title=gettext("What the narratives add to the columns"),
        columns=(
            Column(key="figure", title=gettext("Figure")),
            Column(key="both", title=gettext("Columns and narratives"), form="number", digits=DIGITS),
            Column(key="columns", title=gettext("Columns alone"), form="number", digits=DIGITS),
            Column(key="difference", title=gettext("Difference"), form="signed", digits=DIGITS),
        ),
        rows=(("AUC", interval(both), interval(columns), interval(gain)),),
    )


def groups_table(attribute: Attribute) -> Table:
    """The attribute's groups, the largest first, and the rows without a value."""
    groups = attribute.groups
    sizes, n = groups.sizes, len(groups.code)
    order = sorted((at for at, size in enumerate(sizes) if size), key=lambda at: -sizes[at])
    rows: list[Row] = [
        (
            translated(groups.labels[at]),
            sizes[at],
            sizes[at] / n,
            None if at in groups.large else gettext(texts.TOO_SMALL),
        )
        for at in order
    ]
    if n_missing := n - sum(sizes):
        rows.append((gettext("no value"), n_missing, n_missing / n, gettext("left out")))
    title = gettext("Groups, {how}").format(how=translated(groups.how)) if groups.how else gettext("Groups")
    return Table(
        key=f"groups_{attribute.field.name}",
        title=title,
        columns=(
            Column(key="group", title=gettext("Group")),
            Column(key="n", title=gettext("Rows"), form="count"),
            Column(key="share", title=gettext("Share"), form="percent", digits=1),
            Column(key="remark", title=gettext("Remark")),
        ),
        rows=tuple(rows),
    )


def rest_table(attribute: Attribute, probe: TraitProbe) -> Table:
    """The AUC of each group against the rest, from every source."""
    labels = [translated(attribute.groups.labels[at]) for at in attribute.groups.large]
    columns = (Column(key=source, title=_heading(source), form="number", digits=DIGITS) for source in probe.found)
    return Table(
        key=f"rest_{attribute.field.name}",
        title=gettext("Each group against the rest"),
        note=gettext("AUC with its 95 % interval, told from"),
        columns=(Column(key="group", title=gettext("Group")), *columns),
        rows=tuple(
            (label, *(interval(found.accuracy.by_level[at]) for found in probe.found.values()))
            for at, label in enumerate(labels)
        ),
    )


def _heading(source: Source) -> str:
    words = gettext(texts.SOURCES[source])
    return f"{words[0].upper()}{words[1:]}"


def _plot(attribute: Attribute, probe: TraitProbe, scale: tuple[float, float]) -> Plot:
    figures = [(gettext(texts.SOURCES[source]), found.accuracy.overall) for source, found in probe.found.items()]
    places = (gettext("{source} {auc}").format(source=words, auc=number(auc.value, DIGITS)) for words, auc in figures)
    return Plot(
        key=f"sources_{attribute.field.name}",
        title=gettext("How well {attribute} can be told").format(attribute=gettext(attribute.field.title)),
        words=gettext(
            "The dot is the AUC, the bar its 95 % interval; hollow: not shown to be better than chance. The dashed "
            "line is chance, 0.5."
        ),
        alt=gettext("A point with its interval for each source: {figures}.").format(figures=gettext("; ").join(places)),
        drawing=picture(lambda axes: _draw(axes, figures, scale), interval_points_size(len(figures))),
    )


def _draw(axes: Axes, figures: Sequence[tuple[str, Estimate]], scale: tuple[float, float]) -> None:
    interval_points(
        axes,
        [
            IntervalPoint(words, auc.value, auc.low, auc.high, verdict(auc) in ("chance", "unsure"))
            for words, auc in figures
        ],
    )
    axes.axvline(0.5, color=MUTED, linewidth=1.0, linestyle="--")
    axes.set_xlim(*scale)
    axes.set_xlabel("AUC")


def _scale(attributes: Sequence[Attribute]) -> tuple[float, float]:
    """The ends of one scale for all plots; it holds chance and every interval."""
    every = [found.accuracy.overall for one in attributes for found in one.found.values()]
    low = min([0.45, *(auc.low - 0.02 for auc in every)])
    high = max([0.7, *(auc.high for auc in every)])
    return max(low, 0.0), 1.03 if high > 0.75 else 0.78


def _reading() -> Section:
    table = Table(
        key="verdicts",
        title=gettext("The words follow the figures"),
        note=gettext(
            "The thresholds are this report's own, not those of a law. Of forty lines at chance, one can be expected "
            "to look better by luck."
        ),
        columns=(Column(key="words", title=gettext("In words")), Column(key="when", title=gettext("When"))),
        rows=tuple((gettext(texts.SHORT[word]), when) for word, when in texts.thresholds().items()),
    )
    return Section(key="reading", title=gettext("How to read it"), words=(texts.READING,), tables=(table,))
