"""The model card: what the model is for, what it learned from, how it works, where it ends, how to watch it."""

from __future__ import annotations

from datetime import date

from data_schemas.contract import Direction, Role
from experiments.reporting.cells import figure
from experiments.reporting.document import Column, Document, Finding, Gap, Section, Table
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
        title=bundle.schema.title,
        kicker="Model card",
        made_on=made_on,
        facts={
            "Model": name_and_digest(bundle),
            "Answers": "probability of default, score, decision, reasons",
            "Learned from": f"{count(made.n_rows, 'application')}, {number(made.n_bad)} bad",
            "Decided": f"{made.window[0]} to {made.window[1]}" if made.window else "dates not known",
            "Validated on": f"{count(len(scored), 'application')}, {number(int(scored.y.sum()))} bad",
        },
        headline=("What the model is for and where it ends. The evidence is in the validation report beside it.",),
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
        "model": bundle.manifest.model_id,
        "schema sha256": made.schema_digest,
        "settings sha256": made.config_digest,
        "training files sha256": made.data_digest,
        "text encoder": made.encoder_digest,
        "seed": str(made.seed),
    }
    return digests | {"versions in training": ", ".join(f"{name} {one}" for name, one in sorted(made.versions.items()))}


def _purpose(bundle: Bundle) -> Section:
    schema = bundle.schema
    bad = listed(schema.bad_values, 10) if schema.bad_if is None else str(schema.bad_if)
    target = schema.field_of(Role.TARGET)
    return Section(
        key="purpose",
        title="Purpose",
        words=(
            f"It estimates how likely an application for {schema.title} is to turn bad"
            f"{f' ({target.title}: {bad})' if target else ''}, so that a lender can rank and decide, and give "
            "applicants the reasons.",
            "One number decides: the calibrated log-odds, shown as PD and as points. Contributions of columns and of "
            "sentences add up to it exactly.",
        ),
    )


def _data(bundle: Bundle) -> Section:
    schema, made = bundle.schema, bundle.manifest.provenance
    unseen = [field.title for field in schema.fields_of(Role.PROTECTED, Role.IGNORED, Role.GROUP)]
    later = [field.title for field in schema.fields_of(Role.AUXILIARY)]
    sources = [f"{one.title} ({count(len(schema.fields_from(one.name)), 'column')})" for one in schema.sources]
    masked = [kind.value.replace("_", " ") for kind in bundle.config.text.mask]
    window = f", decided {made.window[0]} to {made.window[1]}" if made.window else ""
    words = [
        f"{count(made.n_rows, 'decided application')}{window}; {percent(made.n_bad / made.n_rows)} turned bad. Rows "
        "that broke the data contract were left out and listed at training.",
        f"Columns kept from the model: {listed(unseen, 60) if unseen else 'none'}.",
    ]
    if sources:
        words.append(
            f"Made of the records of further sources, as they were known at the decision: {listed(sources, 60)}."
        )
    if later:
        words.append(f"Known only later, and read in training alone: {listed(later, 60)}.")
    if masked:
        words.append(f"Sentences on {listed(masked, 9)} are cut from narratives before they are read.")
    return Section(key="training_data", title="Data it learned from", words=tuple(words))


def _method(bundle: Bundle) -> Section:
    schema, config = bundle.schema, bundle.config
    held = [field.title for field in schema.features if _directed(field.direction)]
    held += [derived.title for derived in schema.derived if _directed(derived.direction)]
    style = (
        "It also reads how narratives are written: their length, their capitals, their parts that were cut. That may "
        "stand for schooling or native language: `creditfusion probe` examines it, and no reason may name it."
    )
    return Section(
        key="method",
        title="Method",
        words=(
            f"{count(len(schema.features), 'column')}, {count(len(schema.derived), 'feature')} derived from them and "
            f"{count(len(schema.narratives), 'narrative')} per application. A text encoder turns narratives into "
            "vectors; a joint head reads vectors, words and columns; boosted trees read the columns and what the head "
            "makes of the text. The two are blended and calibrated by a line in log-odds, on predictions for rows that "
            f"neither had seen, in {config.folds.n_folds} folds that never part one applicant or one narrative.",
            f"Risk may only move one way along: {listed(held, 30) if held else 'no column'}.",
            *((style,) if config.text.style else ()),
            "Protected columns take no part in it.",
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
        title="Figures at training",
        words=(
            "“Out of fold” rows were scored by parts that had not seen their outcome; “after” rows were decided after "
            "the training window. The validation report judges other rows, with intervals.",
        ),
        tables=(
            Table(
                key="training_figures",
                title="Headline figures",
                columns=(
                    Column(key="rows", title="Rows"),
                    Column(key="auc", title="AUC", form="number", digits=4),
                    Column(key="ks", title="KS", form="number", digits=4),
                    Column(key="brier", title="Brier score", form="number", digits=4),
                ),
                rows=tuple((part, *(_known(values.get(kind)) for kind in kinds)) for part, values in found.items()),
            ),
        ),
    )


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
        title="Limitations",
        findings=grave,
        words=(
            "It learned from loans that were granted. It says less of applicants like those who used to be refused.",
            "PDs hold for the window of outcome in the training data; the contract has no date of default, so nothing "
            "is said of when.",
            "Narratives are read in the language of the text encoder. What applicants write can be coached; whether "
            "the text still earns its keep is part of the validation and should be looked at every time.",
            "Reasons say what moved this score, not what caused the outcome.",
        ),
    )


def _use() -> Section:
    return Section(
        key="use",
        title="Intended and unintended use",
        words=(
            "Intended: ranking and deciding applications of the same product, in the same country, with the "
            "same way of applying; referring doubtful ones to people; giving the principal reasons.",
            "Not intended: other products or countries, existing customers’ behaviour, collections, fraud, employment "
            "or insurance, setting a price without a separate study, or decisions without a way to complain.",
            "Not without a fresh validation: a new application form, a new text encoder, a shift that the monitoring "
            "shows, or a training window that ended over two years ago.",
        ),
    )


def _monitoring(bundle: Bundle) -> Section:
    rows = (
        (
            "Rejected rows, data-quality flags",
            "every run",
            "over 5 % rejected, or a flag twice as frequent",
            "mend the feed",
        ),
        (
            "PSI of the score",
            "monthly",
            "over 0.10 look, over 0.25 act, both beyond chance",
            "find the column; validate",
        ),
        ("CSI of every column, drift of narratives", "monthly", "over 0.25 beyond chance", "validate without it"),
        ("Approval rate, referrals", "weekly", "beyond the policy's bounds", "look at the cut-offs"),
        ("Mean PD against bad rate", "quarterly, matured loans", "interval without 0", "calibrate again"),
        (
            "AUC and KS, with intervals",
            "quarterly, matured loans",
            "interval below that of the validation",
            "train again",
        ),
        ("Adverse impact by group", "quarterly", "ratio below 0.80 beyond chance", "stop and review"),
        ("Worth of the narratives", "twice a year", "no gain beyond chance, twice in a row", "drop or retrain"),
    )
    columns = ("What", "How often", "Trigger", "Then")
    return Section(
        key="monitoring",
        title="Monitoring plan",
        words=(
            f"All of it is in what `creditfusion evaluate` writes; run it on each month's file with this model "
            f"({bundle.manifest.model_id}). Early months have no outcomes: `creditfusion score` reports rejects, "
            "flags and decisions at once.",
        ),
        tables=(
            Table(
                key="monitoring",
                title="What to watch",
                columns=tuple(Column(key=name.lower().replace(" ", "_"), title=name) for name in columns),
                rows=rows,
            ),
        ),
    )
