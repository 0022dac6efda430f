"""Explaining applications of a file: choose them, study each, write its reports, and an index of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_schemas.errors import ContractError
from experiments.explain.cases import Case, Study
from experiments.explain.letters.review import Cause
from experiments.explain.letters.rules import check_lender
from experiments.explain.output_folder import INDEX_JSON, check_place
from experiments.explain.report_content import Heading, Reporter
from experiments.explain.request import Audience, Form, ReportRequest, Rules
from experiments.explain.selection import Choice, Chosen, Deciding, RowNames, choose
from experiments.explain.standing import Crowd
from experiments.explain.validator_content import validator_report
from experiments.reporting.decision import pages
from experiments.reporting.decision.index import IndexEntry, IndexPage, Link
from experiments.reporting.file_names import INDEX, Kind, file_name
from experiments.reporting.language import ENGLISH, Language, gettext_noop, speaking
from experiments.reporting.model_name import model_name
from experiments.reporting.parts import ReportModel
from experiments.reporting.pdf import lacks_font, require_pdf, to_pdf
from experiments.reporting.words import listed, number
from experiments.session.fingerprint import fingerprint
from experiments.session.layouts import note_layouts
from experiments.session.progress import advance_to
from experiments.session.run import Run
from experiments.session.second_models import NO_SECOND_MODELS, SecondModels
from features.arrays import Floats
from features.atomic_files import new_folder
from features.tables.applications import Applications, Chunk
from features.tables.reader import ReadOptions, read_chunks
from fusion.bundle import Bundle
from fusion.monitor import Monitor
from fusion.policy.policy import Decisions, Seconds
from fusion.scorer import Scorer

MAX_NAMES = 8  # columns that a note names


@dataclass(frozen=True)
class Explained:
    """What became of an order. methods: applications by how their sentences' points were found."""

    chosen: Chosen
    index: IndexPage
    methods: Mapping[str, int]


def explain_file(
    scorer: Scorer,
    choice: Choice,
    order: ReportRequest,
    heading: Heading,
    options: ReadOptions,
    run: Run,
    seconds: SecondModels = NO_SECOND_MODELS,
) -> Explained:
    """Write the reports of the chosen applications of ``heading.data``, and their index.

    Raises ContractError for an order that cannot be carried out, or ids that no row has.
    """
    check_order(order)
    note_wordings(scorer, order, run)
    if Form.PDF in order.forms and lacks_font(heading.language.code):
        run.note(
            f"No font for the language {heading.language.code!r} is installed, so the PDF files will show empty boxes. "
            "Install one, for Chinese such as fonts-noto-cjk, and make them again."
        )
    if Audience.APPLICANT in order.audiences:
        note_score(scorer, heading, run)
        score = scorer.schema.bureau_score
        check_lender(heading.rules, heading.lender, score.bureau_score.agency if score and score.bureau_score else "")
    chosen = _choose(scorer, choice, heading.data, options, run, seconds)
    with run.timed("prepare"):
        reporter = _reporter(scorer, heading, order.exact, run)
    entries, methods, causes = [], {"exact": 0, "mixed": 0, "fast": 0}, Counter[Cause]()
    with new_folder(order.out) as folder:
        with run.progress("explain", len(chosen.picked), "applicants") as advance:
            for at in range(len(chosen.picked)):
                one = chosen.picked.take(np.array([at]))
                case = reporter.study.study(one.applications, one.seconds)
                found = reporter.review_causes(case, reporter.grounds(case))
                causes.update(found)
                with speaking(heading.language):
                    entries.append(_write(reporter, case, order, folder, run, needs_review=bool(found)))
                methods[reporter.method(case)] += 1
                advance(1)
        with speaking(heading.language):
            index = _index(scorer.bundle, choice, chosen, entries, heading)
        (folder / INDEX).write_bytes(pages.index_html(index, heading.language).encode())
        (folder / INDEX_JSON).write_bytes(_json(index))
    if Audience.APPLICANT in order.audiences:
        note_causes(causes, run)
    return Explained(chosen, index, {name: n for name, n in methods.items() if n})


def check_order(order: ReportRequest) -> None:
    """Raise ContractError when an order cannot be carried out here."""
    check_place(order.out, order.force)
    if order.answers and Audience.APPLICANT not in order.audiences:
        raise ContractError("answers stand beside letters, and none is asked for", "Add --for applicant.")
    if Form.PDF in order.forms:
        require_pdf()


def note_wordings(scorer: Scorer, order: ReportRequest, run: Run) -> None:
    """Say where applicants are written to and the model has columns whose reason nobody has worded."""
    names = scorer.unworded
    if Audience.APPLICANT in order.audiences and names:
        run.note(
            f"The schema {scorer.schema.name!r} words no reason for {listed(names, MAX_NAMES)}. Letters name such a "
            "column by its title, and one whose title is no words is left to a person. Give each a `reason` and train "
            "again.",
            {"without_wording": names},
        )


def note_score(scorer: Scorer, heading: Heading, run: Run) -> None:
    """Say where the rules want a bureau's score disclosed and the schema does not say which column is one."""
    if heading.rules is not Rules.PLAIN and scorer.schema.bureau_score is None:
        run.note(
            f"The schema {scorer.schema.name!r} marks no column as a bureau's score (`bureau_score`), so letters by "
            f"the rules {heading.rules.value!r} disclose none. Mark it where there is one, and train again."
        )


def note_causes(causes: Counter[Cause], run: Run) -> None:
    """Say what mends the letters that are marked for a person, the most frequent cause first."""
    if causes:
        counted = {cause.in_words(ENGLISH): n for cause, n in causes.most_common()}
        lines = [f"{words} ({n:,} {'letter' if n == 1 else 'letters'})" for words, n in counted.items()]
        run.note(f"Letters are marked for a person: {' '.join(lines)}", {"review_causes": counted})


def _choose(
    scorer: Scorer, choice: Choice, data: Path, options: ReadOptions, run: Run, second_models: SecondModels
) -> Chosen:
    bundle = scorer.bundle
    note_layouts(run, [data], bundle.schema, options)
    with run.timed("read"):
        names = RowNames.of(data, bundle.schema, options)
    n_rows = None if choice.ids else fingerprint(data).about_rows
    with run.progress("choose", n_rows) as advance, run.progress("encode", unit="texts") as on_text:
        reading = second_models.open(data, options)

        def beside(applications: Applications) -> Seconds:
            with run.timed("second models"):
                return reading.beside(applications.row_number, Monitor(on_texts=advance_to(on_text)))

        def decide(applications: Applications, seconds: Seconds) -> tuple[Floats, Decisions]:
            answer = scorer.answer(applications, Monitor(run.timed, advance_to(on_text)), seconds)
            return answer.scores.pd, answer.decisions

        def chunks() -> Iterator[Chunk]:
            for chunk in run.timed_each("read", read_chunks(data, bundle.schema, options)):
                yield chunk
                advance(chunk.n_rows)

        return choose(choice, chunks(), names, Deciding(decide, beside), data)


def _reporter(scorer: Scorer, heading: Heading, exact: bool, run: Run) -> Reporter:
    study = Study.of(scorer, exact, run.timed)
    return Reporter(study, Crowd.of(scorer.bundle.population, scorer.bundle.config.scale), heading)


def _write(
    reporter: Reporter, case: Case, order: ReportRequest, folder: Path, run: Run, needs_review: bool
) -> IndexEntry:
    """Write every report of one application; its line in the index."""
    links, language = [], reporter.heading.language
    for kind, report, html in _reports(reporter, case, order, run):
        for form in order.forms:
            name = file_name(case.id, kind, form.value)
            with run.timed("write"):
                if form is Form.JSON:
                    (folder / name).write_bytes(_json(report))
                elif form is Form.HTML:
                    (folder / name).write_bytes(html.encode())
                else:
                    (folder / name).write_bytes(to_pdf(html))
            words = language.gettext(KINDS[kind])
            links.append(Link(words=words if form is Form.HTML else f"{words} ({form.value.upper()})", file=name))
    return IndexEntry(
        id=case.id,
        row=case.row,
        result=reporter.result(case.outcomes.fused),
        top_reason=language.composed(case.reasons[0][0].wording) if case.reasons else "",
        needs_review=needs_review,
        links=tuple(links),
    )


KINDS: dict[Kind, str] = {
    "underwriter": gettext_noop("underwriter"),
    "applicant": gettext_noop("applicant"),
    "validator": gettext_noop("validator"),
    "answers": gettext_noop("answers"),
}


def _reports(reporter: Reporter, case: Case, order: ReportRequest, run: Run) -> Iterator[tuple[Kind, ReportModel, str]]:
    """The reports of one application: their kind, the report and its page."""
    language = reporter.heading.language
    for audience in order.audiences:
        with run.timed("reports"):
            match audience:
                case Audience.UNDERWRITER:
                    underwriter = reporter.underwriter(case)
                    found: list[tuple[Kind, ReportModel, str]] = [
                        ("underwriter", underwriter, pages.underwriter_html(underwriter, language))
                    ]
                case Audience.APPLICANT:
                    notice = reporter.notice(case)
                    found = [("applicant", notice, pages.applicant_html(notice, language))]
                    if order.answers:
                        sheet = reporter.answers(case, notice)
                        found.append(("answers", sheet, pages.answers_html(sheet, language)))
                case Audience.VALIDATOR:
                    validator = validator_report(reporter, case)
                    found = [("validator", validator, pages.validator_html(validator, language))]
        yield from found


def _json(report: ReportModel) -> bytes:
    return (report.model_dump_json() + "\n").encode()


def _index(
    bundle: Bundle, choice: Choice, chosen: Chosen, entries: Sequence[IndexEntry], heading: Heading
) -> IndexPage:
    decided = Counter(entry.result.decision for entry in entries)
    return IndexPage(
        file=heading.data.name,
        product=heading.language.gettext(bundle.schema.title),
        model=bundle.manifest.model_id,
        model_name=model_name(bundle),
        made_on=heading.made_on,
        entries=tuple(entries),
        n_approved=decided["approve"],
        n_declined=decided["decline"],
        n_referred=decided["refer"],
        n_review=sum(entry.needs_review for entry in entries),
        chosen=in_words(choice, chosen, heading.language),
        n_left_out=chosen.n_left_out,
        n_rejected=chosen.n_rejected,
        rejected=chosen.rejected,
    )


def in_words(choice: Choice, chosen: Chosen, language: Language = ENGLISH) -> str:
    """How the applications were chosen."""
    if choice.ids:
        return language.gettext("named by their ids")
    message = language.gettext("all referred of {rows} rows, in the order of the file")
    if choice.top:
        message = language.gettext("the {top} of the highest probability of default of {rows} rows, the highest first")
    elif chosen.n_left_out and choice.declined:
        message = language.gettext("the first {limit} of {every} declined of {rows} rows, in the order of the file")
    elif chosen.n_left_out:
        message = language.gettext("the first {limit} of {every} referred of {rows} rows, in the order of the file")
    elif choice.declined:
        message = language.gettext("all declined of {rows} rows, in the order of the file")
    return message.format(
        top=number(choice.top, 0, language),
        rows=number(chosen.n_rows, 0, language),
        limit=number(choice.limit, 0, language),
        every=number(len(chosen.picked) + chosen.n_left_out, 0, language),
    )
