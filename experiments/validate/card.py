"""The model card: what the model is for, what it learned from, how it works, where it ends, how to watch it."""

from __future__ import annotations

from datetime import date

from data_schemas.fields import Direction, Role
from experiments.reporting.cells import figure
from experiments.reporting.document import Column, Document, Finding, Gap, Row, Section, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.lower_floors import level_words
from experiments.reporting.model_name import name_and_digest
from experiments.reporting.words import count, listed, number, percent
from experiments.validate.scored_outcomes import ScoredOutcomes
from fusion.bundle import Bundle


def card(scored: ScoredOutcomes, findings: tuple[Finding, ...], made_on: date) -> Document:
    """The card. findings: of the validation, the gravest first."""
    bundle = scored.model.bundle
    made = bundle.manifest.provenance
    return Document(
        report="card",
        title=gettext(bundle.schema.title),
        kicker=gettext("Model card"),
        made_on=made_on,
        facts={
            gettext("Model"): name_and_digest(bundle),
            gettext("Answers"): gettext("probability of default, score, decision, reasons"),
            gettext("Learned from"): gettext("{n_rows}, {n_bad} bad").format(
                n_rows=count(made.n_rows, "application"), n_bad=number(made.n_bad)
            ),
            gettext("Decided"): gettext("{window} to {window2}").format(window=made.window[0], window2=made.window[1])
            if made.window
            else gettext("dates not known"),
            gettext("Validated on"): gettext("{scored}, {sum} bad").format(
                scored=count(len(scored), "application"), sum=number(int(scored.y.sum()))
            ),
        },
        headline=(
            gettext("What the model is for and where it ends. The evidence is in the validation report beside it."),
        ),
        sections=(
            _purpose(bundle),
            _data(bundle),
            _method(bundle),
            _figures(bundle),
            _limits(findings),
            _use(),
            _monitoring(bundle),
        ),
        origin=origin(bundle),
    )


def origin(bundle: Bundle) -> dict[str, str]:
    """Versions and digests that a validator needs to make the same model again."""
    made = bundle.manifest.provenance
    digests = {
        gettext("model"): bundle.manifest.model_id,
        gettext("schema sha256"): made.schema_digest,
        gettext("settings sha256"): made.config_digest,
        gettext("training files sha256"): made.data_digest,
        gettext("text encoder"): made.encoder_digest,
        gettext("seed"): str(made.seed),
    }
    return digests | {
        gettext("versions in training"): ", ".join(f"{name} {one}" for name, one in sorted(made.versions.items()))
    }


def _purpose(bundle: Bundle) -> Section:
    schema = bundle.schema
    bad = (
        listed([level_words(value) for value in schema.bad_values], 10) if schema.bad_if is None else str(schema.bad_if)
    )
    target = schema.field_of(Role.TARGET)
    return Section(
        key="purpose",
        title=gettext("Purpose"),
        words=(
            (
                gettext(
                    "It estimates how likely an application for {schema_title} is to turn bad ({target_title}: "
                    "{bad}), so that a lender can rank and decide, and give applicants the reasons."
                )
                if target
                else gettext(
                    "It estimates how likely an application for {schema_title} is to turn bad, so that a lender "
                    "can rank and decide, and give applicants the reasons."
                )
            ).format(schema_title=gettext(schema.title), target_title=gettext(target.title) if target else "", bad=bad),
            gettext(
                "One number decides: the calibrated log-odds, shown as PD and as points. Contributions of columns and "
                "of sentences add up to it exactly."
            ),
        ),
    )


def _data(bundle: Bundle) -> Section:
    schema, made = bundle.schema, bundle.manifest.provenance
    unseen = [gettext(field.title) for field in schema.fields_of(Role.PROTECTED, Role.IGNORED, Role.GROUP)]
    later = [gettext(field.title) for field in schema.fields_of(Role.AUXILIARY)]
    sources = [f"{gettext(one.title)} ({count(len(schema.fields_from(one.name)), 'column')})" for one in schema.sources]
    masked = [kind.value.replace("_", " ") for kind in bundle.config.text.mask]
    window = (
        gettext(", decided {window} to {window2}").format(window=made.window[0], window2=made.window[1])
        if made.window
        else ""
    )
    words = [
        gettext(
            "{n_rows}{window}; {n_bad} turned bad. Rows that broke the data contract were left out and "
            "listed at training."
        ).format(
            n_rows=count(made.n_rows, "decided application"), window=window, n_bad=percent(made.n_bad / made.n_rows)
        ),
        gettext("Columns kept from the model: {unseen}.").format(
            unseen=listed(unseen, 60) if unseen else gettext("none")
        ),
    ]
    if sources:
        words.append(
            gettext("Made of the records of further sources, as they were known at the decision: {sources}.").format(
                sources=listed(sources, 60)
            )
        )
    if later:
        words.append(gettext("Known only later, and read in training alone: {later}.").format(later=listed(later, 60)))
    if masked:
        words.append(
            gettext("Sentences on {masked} are cut from narratives before they are read.").format(
                masked=listed(masked, 9)
            )
        )
    return Section(key="training_data", title=gettext("Data it learned from"), words=tuple(words))


def _method(bundle: Bundle) -> Section:
    schema, config = bundle.schema, bundle.config
    held = [gettext(field.title) for field in schema.features if _directed(field.direction)]
    held += [gettext(derived.title) for derived in schema.derived if _directed(derived.direction)]
    style = gettext(
        "It also reads how narratives are written: their length, their capitals, their parts that were cut. That may "
        "stand for schooling or native language: `creditfusion probe` examines it, and no reason may name it."
    )
    return Section(
        key="method",
        title=gettext("Method"),
        words=(
            gettext(
                "{features}, {derived} derived from them and {narratives} per application. A text encoder "
                "turns narratives into vectors; a joint head reads vectors, words and columns; boosted trees "
                "read the columns and what the head makes of the text. The two are blended and calibrated by "
                "a line in log-odds, on predictions for rows that neither learned from, in {n_folds} folds that "
                "never part one applicant or one narrative."
            ).format(
                features=count(len(schema.features), "column"),
                derived=count(len(schema.derived), "feature"),
                narratives=count(len(schema.narratives), "narrative"),
                n_folds=config.folds.n_folds,
            ),
            gettext("Risk may only move one way along: {held}.").format(
                held=listed(held, 30) if held else gettext("no column")
            ),
            *((style,) if config.text.style else ()),
            gettext("Protected columns take no part in it."),
        ),
    )


def _directed(direction: Direction) -> bool:
    return direction is not Direction.NONE


def _figures(bundle: Bundle) -> Section:
    made = bundle.manifest.provenance
    found: dict[str, dict[str, float | None]] = {}
    for name, value in made.figures.items():
        part, _, kind = name.rpartition(": ")
        found.setdefault(part, {})[kind] = value
    kinds = ("auc", "ks", "brier")
    return Section(
        key="training_figures",
        title=gettext("Figures at training"),
        words=(
            gettext(
                "“Out of fold” rows were scored by a model that did not learn from them; “after” rows were decided "
                "after the training window. The validation report judges other rows, with intervals."
            ),
        ),
        tables=(
            Table(
                key="training_figures",
                title=gettext("Headline figures"),
                columns=(
                    Column(key="rows", title=gettext("Rows")),
                    Column(key="auc", title=gettext("AUC"), form="number", digits=4),
                    Column(key="ks", title=gettext("KS"), form="number", digits=4),
                    Column(key="brier", title=gettext("Brier score"), form="number", digits=4),
                ),
                rows=tuple(
                    (_rows_words(part), *(_known(values.get(kind)) for kind in kinds)) for part, values in found.items()
                ),
            ),
        ),
    )


_ROWS = (
    ("held out ", gettext_noop("held out {value}")),
    ("after ", gettext_noop("after {value}")),
    ("from ", gettext_noop("from {value}")),
    ("with ", gettext_noop("with {value}")),
)


def _rows_words(rows: str) -> str:
    """Which rows a figure is of; the bundle names them in English, a part behind a comma."""
    return gettext(", ").join(map(_rows_part, rows.split(", ")))


def _rows_part(part: str) -> str:
    for begin, words in _ROWS:
        if part.startswith(begin):
            return gettext(words).format(value=part.removeprefix(begin))
    return gettext("out of fold") if part == "out of fold" else part


def _known(value: float | None) -> float | Gap:
    return figure(float("nan") if value is None else value)


def _limits(findings: tuple[Finding, ...]) -> Section:
    grave = tuple(
        finding.model_copy(update={"key": f"validation_{finding.key}"})
        for finding in findings
        if finding.grade in ("alarm", "concern")
    )
    return Section(
        key="limitations",
        title=gettext("Limitations"),
        findings=grave,
        words=(
            gettext(
                "It learned from loans that were granted. It says less of applicants like those who used to be refused."
            ),
            gettext(
                "PDs hold for the window of outcome in the training data; the contract has no date of default, so "
                "nothing is said of when."
            ),
            gettext(
                "Narratives are read in the language of the text encoder. What applicants write can be coached; "
                "whether the text still improves the model is part of the validation, and to be looked at every time."
            ),
            gettext("Reasons say what moved this score, not what caused the outcome."),
        ),
    )


def _use() -> Section:
    return Section(
        key="use",
        title=gettext("Intended and unintended use"),
        words=(
            gettext(
                "Intended: ranking and deciding applications of the same product, in the same country, with the "
                "same way of applying; referring doubtful ones to people; giving the principal reasons."
            ),
            gettext(
                "Not intended: other products or countries, existing customers’ behaviour, collections, fraud, "
                "employment or insurance, setting a price without a separate study, or decisions without a way to "
                "complain."
            ),
            gettext(
                "Not without a fresh validation: a new application form, a new text encoder, a shift that the "
                "monitoring shows, or a training window that ended over two years ago."
            ),
        ),
    )


def _watched() -> tuple[Row, ...]:
    """What is watched, how often, from where on it is acted upon, and how."""
    return (
        (
            gettext("Rejected rows, data-quality flags"),
            gettext("every run"),
            gettext("over 5 % rejected, or a flag twice as frequent"),
            gettext("mend the feed"),
        ),
        (
            gettext("PSI of the score"),
            gettext("monthly"),
            gettext("over 0.10 look, over 0.25 act, both beyond chance"),
            gettext("find the column; validate"),
        ),
        (
            gettext("CSI of every column, drift of narratives"),
            gettext("monthly"),
            gettext("over 0.25 beyond chance"),
            gettext("validate without it"),
        ),
        (
            gettext("Approval rate, referrals"),
            gettext("weekly"),
            gettext("beyond the policy's bounds"),
            gettext("look at the cut-offs"),
        ),
        (
            gettext("Mean PD against bad rate"),
            gettext("quarterly, matured loans"),
            gettext("interval without 0"),
            gettext("calibrate again"),
        ),
        (
            gettext("AUC and KS, with intervals"),
            gettext("quarterly, matured loans"),
            gettext("interval below that of the validation"),
            gettext("train again"),
        ),
        (
            gettext("Adverse impact by group"),
            gettext("quarterly"),
            gettext("ratio below 0.80 beyond chance"),
            gettext("stop and review"),
        ),
        (
            gettext("Worth of the narratives"),
            gettext("twice a year"),
            gettext("no gain beyond chance, twice in a row"),
            gettext("drop or retrain"),
        ),
    )


def _monitoring(bundle: Bundle) -> Section:
    columns = (gettext("What"), gettext("How often"), gettext("Trigger"), gettext("Then"))
    return Section(
        key="monitoring",
        title=gettext("Monitoring plan"),
        words=(
            gettext(
                "All of it is in what `creditfusion evaluate` writes; run it on each month's file with this "
                "model ({model_id}). Early months have no outcomes: `creditfusion score` reports rejects, "
                "flags and decisions at once."
            ).format(model_id=bundle.manifest.model_id),
        ),
        tables=(
            Table(
                key="monitoring",
                title=gettext("What to watch"),
                columns=tuple(Column(key=name.lower().replace(" ", "_"), title=name) for name in columns),
                rows=_watched(),
            ),
        ),
    )
