"""Reports of one invented applicant, as full as a real one; nothing in them is real."""

from __future__ import annotations

import math
from datetime import date

from experiments.explain.letters.lender import Bureau, Lender
from experiments.explain.letters.rules import LetterFacts, disclosures
from experiments.explain.request import Rules
from experiments.reporting.decision.answers import Answer, AnswerSheet
from experiments.reporting.decision.applicant import ApplicantNotice, PlainReason, ScoreDisclosure, Suggestion
from experiments.reporting.decision.index import IndexEntry, IndexPage, Link, RejectedRow
from experiments.reporting.decision.underwriter import (
    ColumnPoints,
    CutOff,
    Flag,
    Narrative,
    NarrativeEffect,
    PopulationBand,
    PopulationPlace,
    ReportedReason,
    Sentence,
    Similar,
    SuggestedChange,
    UnderwriterReport,
)
from experiments.reporting.decision.validator import (
    Ablation,
    Background,
    Contribution,
    Digests,
    SentenceContribution,
    ValidatorReport,
)
from experiments.reporting.file_names import file_name
from experiments.reporting.language import ENGLISH
from experiments.reporting.parts import DecidingPolicy, Fact, MarkedText, Move, Passage, Result, SourcePoints, Subject
from experiments.reporting.words import in_words

FACTOR = 40 / math.log(2)  # points for one unit of log-odds
OFFSET = 600 - FACTOR * math.log(20)
DAY = date(2026, 3, 9)
SUBJECT = Subject(
    id="A-10482",
    row=482,
    file="applications.csv",
    product="Consumer instalment loans",
    model="4be21c90aa17",
    made_on=DAY,
)


def result(score: float) -> Result:
    """What the model says at that score; approved up to a PD of 20 %."""
    pd = 1 / (1 + math.exp((score - OFFSET) / FACTOR))
    return Result(pd=pd, score=score, decision="approve" if pd <= 0.20 else "decline")


STARTING_SCORE = 521.4
POLICY = DecidingPolicy(
    kind="cut_off", words="approve up to a PD of 20.0 %", digest="4d" * 32, approve=0.20, decline=0.20
)
CUT_OFF = OFFSET + FACTOR * math.log(4)
COLUMNS = (
    ("dti", "Monthly debt payments over monthly income", 0.4213, "fraction", -21.37),
    ("utilisation", "Card balances over card limits", 0.914, "fraction", -13.22),
    ("inquiries_6m", "Credit inquiries in the last six months", 4.0, "inquiries", -9.81),
    ("amount", "Amount requested", 18500.0, "USD", -6.44),
    ("amount_to_income", "Amount over annual income", 0.3558, "fraction", -5.12),
    ("term_months", "Term", 60.0, "months", -4.9),
    ("purpose", "Purpose of the loan", "small_business", "", -3.66),
    ("open_accounts", "Open credit accounts", 17.0, "accounts", -1.27),
    ("home", "Housing", "rent", "", -0.9),
    ("revolving", "Revolving balance", 21730.0, "USD", -0.42),
    ("online", "Asked online", True, "", 0.11),
    ("employment_years", "Time in the present job", None, "years", 0.63),
    ("last_late", "Time since the last late payment", 7.25, "years", 0.88),
    ("credit_history", "Length of the credit history", 14.6, "years", 5.02),
    ("delinquencies_2y", "Late payments in the last two years", 0.0, "events", 5.74),
    ("annual_income", "Annual income before tax", 52000.0, "USD per year", 8.15),
    ("credit_score", "Credit bureau score", 718.0, "points", 16.93),
)
BUREAU = ("credit_score", "delinquencies_2y", "inquiries_6m", "credit_history", "revolving")
# Text, points, standard error, concept, sensitive kinds.
SentenceRow = tuple[str, float, float, str | None, tuple[str, ...]]
SENTENCES: tuple[SentenceRow, ...] = (
    (
        "I want to bring three cards with rates above twenty percent together.",
        -4.31,
        0.0,
        "high-interest debt",
        (),
    ),
    ("My hours at the shop change from month to month, so some months are tight.", -6.92, 0.31, "irregular income", ()),
    ("Last spring I had an operation and could not work for eleven weeks.", -2.08, 0.27, "medical cost", ("health",)),
    ("I am back full time and have kept every payment since.", 3.44, 0.0, "stable employment", ()),
    ("Thank you for reading this.", 0.03, 0.0, None, ()),
)
JOB: tuple[SentenceRow, ...] = (("Shift leader, retail", 1.46, 0.0, None, ()),)


def narrative(
    name: str, title: str, sentences: tuple[tuple[str, float, float, str | None, tuple[str, ...]], ...]
) -> Narrative:
    """A narrative of these sentences."""
    worded = tuple(
        Sentence(text=text, points=points, error=error, concept=concept, sensitive=sensitive)
        for text, points, error, concept, sensitive in sentences
    )
    points = math.fsum(part.points for part in worded)
    return Narrative(name=name, title=title, points=points, sentences=worded, exact=True, source=source_of(name))


def source_of(name: str) -> str:
    """The source with which a column or narrative counts."""
    return "bureau" if name in BUREAU else "application"


def sources(report: UnderwriterReport) -> tuple[SourcePoints, ...]:
    """What each source gives or takes."""
    parts = [(one.source, one.points) for one in report.columns]
    parts += [(one.source, one.points) for one in report.narratives]
    titles = {"application": "The application itself", "bureau": "Credit bureau record"}
    return tuple(
        SourcePoints(name=name, title=title, points=math.fsum(points for source, points in parts if source == name))
        for name, title in titles.items()
    )


def fact(name: str) -> Fact:
    """The applicant's value of a column."""
    return next(Fact(title=title, value=value, unit=unit) for key, title, value, unit, _ in COLUMNS if key == name)


def population() -> PopulationPlace:
    """A bell of 30,042 scores between 420 and 680, and its deciles."""
    edges = tuple(420.0 + 10 * i for i in range(27))
    weights = [math.exp(-0.5 * ((edge + 5 - 556) / 36) ** 2) for edge in edges[:-1]]
    counts = [round(30042 * weight / sum(weights)) for weight in weights]
    counts[13] += 30042 - sum(counts)
    lows = [None, 509.8, 525.7, 537.1, 546.9, 556.0, 565.1, 574.9, 586.3, 602.2]
    bad = [962, 702, 571, 488, 420, 357, 305, 251, 190, 103]
    bands = tuple(
        PopulationBand(
            number=i + 1,
            low=lows[i],
            high=lows[i + 1] if i < 9 else None,
            n=3005 if i < 2 else 3004,
            n_bad=bad[i],
            bad_rate=bad[i] / (3005 if i < 2 else 3004),
        )
        for i in range(10)
    )
    return PopulationPlace(
        n=30042,
        edges=edges,
        counts=tuple(counts),
        share_below=0.0617,
        bands=bands,
        band=1,
        words="30,042 training applicants, each scored by heads that had not seen it",
    )


def underwriter() -> UnderwriterReport:
    """A declined applicant with a reason that may not be disclosed."""
    columns = tuple(
        ColumnPoints(name=name, fact=Fact(title=title, value=value, unit=unit), points=points, source=source_of(name))
        for name, title, value, unit, points in COLUMNS
    )
    narratives = (
        narrative("statement", "What the applicant writes about the loan", SENTENCES),
        narrative("job_title", "Job title, as written", JOB),
    )
    narrative_points = math.fsum(part.points for part in narratives)
    score = STARTING_SCORE + math.fsum(column.points for column in columns) + narrative_points
    report = UnderwriterReport(
        subject=SUBJECT,
        result=result(score),
        cut_off=CutOff(pd=0.20, score=CUT_OFF, distance=score - CUT_OFF),
        population=population(),
        starting_score=STARTING_SCORE,
        columns=columns,
        narratives=narratives,
        narrative_points=narrative_points,
        sentence_method="exact",
        policy=POLICY,
        reasons=(
            ReportedReason(
                code="DTI",
                wording="Your debt payments are high for your income.",
                points=-21.37,
                disclosable=True,
                facts=(fact("dti"),),
            ),
            ReportedReason(
                code="UTILISATION",
                wording="Your card balances are high for their limits.",
                points=-13.22,
                disclosable=True,
                facts=(fact("utilisation"),),
            ),
            ReportedReason(
                code="INQUIRIES",
                wording="Recent credit inquiries.",
                points=-9.81,
                disclosable=True,
                facts=(fact("inquiries_6m"),),
            ),
            ReportedReason(
                code="MEDICAL",
                wording="A medical cost that you wrote about.",
                points=-7.08,
                disclosable=False,
                facts=(Fact(title="Written", value=SENTENCES[2][0]),),
            ),
        ),
        needs_review=True,
        quality=(Flag(flag="missing:employment_years", words="Time in the present job is missing"),),
        similar=Similar(
            n=50,
            n_bad=14,
            bad_rate=0.28,
            low=0.1747,
            high=0.4166,
            score_low=474.2,
            score_high=502.9,
            words="The 50 training applicants whose contributions are nearest to these",
        ),
        changes=(
            SuggestedChange(
                moves=(Move(name="amount", title="Amount requested", before=18500.0, after=9500.0, unit="USD"),),
                result=result(CUT_OFF + 0.8),
            ),
            SuggestedChange(
                moves=(
                    Move(name="term_months", title="Term", before=60.0, after=36.0, unit="months"),
                    Move(
                        name="utilisation",
                        title="Card balances over card limits",
                        before=0.914,
                        after=0.62,
                        unit="fraction",
                    ),
                ),
                result=result(CUT_OFF + 2.6),
            ),
        ),
        narrative_effect=NarrativeEffect(
            without=result(score - narrative_points), columns_only=result(score - narrative_points + 3.1)
        ),
    )
    return report.model_copy(update={"sources": sources(report)})


def sentence(reason: ReportedReason) -> MarkedText:
    """A reason as a letter gives it."""
    value = in_words(reason.facts[0].value or "", reason.facts[0].unit)
    return MarkedText(passages=(Passage(text=f"{reason.wording} You have "), Passage(text=value, marked=True)))


LENDER = Lender(
    name="Harbour Street Credit Union",
    address="12 Harbour Street, Springfield",
    contact="Applications desk, applications@harbour.example",
    agency="National Credit Union Administration, Alexandria",
    bureaus={"Example Bureau": Bureau(address="1 Bureau Street", phone="+1 800 555 0199", key_factors="Enclosed.")},
)


def notice() -> ApplicantNotice:
    """The letter to the same applicant, by the rules of the United States."""
    report = underwriter()
    score = ScoreDisclosure(
        score=614.0, lowest=300.0, highest=850.0, made_on=DAY, agency="Example Bureau", key_factors="Enclosed."
    )
    return ApplicantNotice(
        id=SUBJECT.id,
        product=SUBJECT.product,
        made_on=DAY,
        lender=LENDER.name,
        address=LENDER.address,
        contact=LENDER.contact,
        rules="us",
        decision=report.result.decision,
        reasons=tuple(
            PlainReason(wording=reason.wording, sentence=sentence(reason))
            for reason in report.reasons
            if reason.disclosable
        ),
        suggestions=tuple(Suggestion(moves=change.moves) for change in report.changes),
        score=score,
        disclosures=disclosures(
            Rules.US, LetterFacts(LENDER, "decline", score, LENDER.bureau(score.agency), False, ENGLISH)
        ),
        needs_review=True,
    )


def answers() -> AnswerSheet:
    """Two answers to the same applicant."""
    return AnswerSheet(
        id=SUBJECT.id,
        product=SUBJECT.product,
        made_on=DAY,
        lender=LENDER.name,
        decision="decline",
        answers=(
            Answer(
                key="why", question="Why was it decided so?", paragraphs=("Your debts are high.", "So is the term.")
            ),
            Answer(key="who", question="Who decided?", paragraphs=("A model.",)),
        ),
        needs_review=True,
    )


def validator() -> ValidatorReport:
    """The same decision in log-odds."""
    report = underwriter()
    parts = [("column", column.name, column.fact, column.points) for column in report.columns]
    parts += [("narrative", text.name, Fact(title=text.title, value=None), text.points) for text in report.narratives]
    contributions = tuple(
        Contribution.model_validate(
            {
                "kind": kind,
                "name": name,
                "fact": value,
                "log_odds": -points / FACTOR,
                "points": points,
                "error": 0.00213 if name == "dti" else 0.0,
                "stacker": -0.62 * points / FACTOR,
                "head": -0.38 * points / FACTOR,
                "source": source_of(name),
            }
        )
        for kind, name, value, points in parts
    )
    base = (OFFSET - STARTING_SCORE) / FACTOR
    total = base + math.fsum(part.log_odds for part in contributions)
    margin = total - 3.1e-15
    return ValidatorReport(
        subject=SUBJECT,
        result=report.result,
        margin=margin,
        base=base,
        starting_score=STARTING_SCORE,
        total=total,
        reconciliation=total - margin,
        points_per_log_odds=-FACTOR,
        background=Background(kind="all", n_rows=30042, words="An absent narrative is the state of nothing written."),
        contributions=contributions,
        sentences=tuple(
            SentenceContribution(
                narrative=text.name,
                place=place,
                text=part.text,
                concept=part.concept,
                similarity=None if text.name == "job_title" else 0.3 + 0.071 * place,
                sensitive=part.sensitive,
                log_odds=-part.points / FACTOR,
                points=part.points,
                error=part.error / FACTOR,
                n_orders=128 if part.error else 0,
                exact=text.exact,
            )
            for text in report.narratives
            for place, part in enumerate(text.sentences, 1)
        ),
        sentence_method="exact",
        seed=7,
        ablations=(
            Ablation(name="columns only", margin=-1.2817, pd=0.21726),
            Ablation(name="narratives only", margin=-1.5062, pd=0.18151),
        ),
        digests=Digests(
            model="4be21c90aa17" + "0d" * 26,
            schema_="9a" * 32,
            config="3c" * 32,
            data="77" * 32,
            encoder="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        ),
        versions={"creditfusion": "0.1.0", "lightgbm": "4.7.0", "torch": "2.13.0"},
        command="creditfusion explain --model bundle --data applications.csv --id A-10482 --for validator --out out",
        sources=report.sources,
        policy=report.policy,
    )


def index() -> IndexPage:
    """Three applications, one of them approved without any reason against it."""
    report = underwriter()
    entries = (
        (report.subject.id, 482, report.result, report.reasons[0].wording, True),
        ("A-10007", 7, result(566.2), "Your card balances are high for their limits.", False),
        ("A-11200", 1200, result(641.0), "", False),
    )
    return IndexPage(
        file="applications.csv",
        product=SUBJECT.product,
        model=SUBJECT.model,
        made_on=DAY,
        entries=tuple(
            IndexEntry(
                id=key,
                row=row,
                result=outcome,
                top_reason=reason,
                needs_review=review,
                links=(
                    Link(words="underwriter", file=file_name(key, "underwriter", "html")),
                    Link(words="applicant", file=file_name(key, "applicant", "html")),
                    Link(words="validator", file=file_name(key, "validator", "html")),
                ),
            )
            for key, row, outcome, reason, review in entries
        ),
        n_approved=2,
        n_declined=1,
        n_review=1,
        chosen="the first 3 by risk",
        n_left_out=14,
        n_rejected=23,
        rejected=(
            RejectedRow(row=31, id="A-10031", words="annual_income: -5 is below the minimum of 0. Mend the cell."),
            RejectedRow(row=88, id="", words="The row has 19 cells, the header 20. Mend the quotes."),
        ),
    )
