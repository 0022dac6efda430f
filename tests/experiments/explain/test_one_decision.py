"""Score, reports, letters, evaluation, comparison and the policy itself make one decision, whatever the schema, the
policy, the second model and the row."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.contract import Schema
from data_schemas.fields import Role
from data_schemas.reader import load_schema, parse_schema
from experiments.explain.cases import Study
from experiments.explain.report_content import Heading, Reporter
from experiments.explain.standing import Crowd
from experiments.explain.validator_content import validator_report
from experiments.reporting.decision.pages import applicant_html
from experiments.reporting.file_names import file_name
from experiments.reporting.policies import entry_words
from experiments.session.progress import Clock
from experiments.session.run import Run
from experiments.validate.scored_outcomes import score_outcomes
from features.tables.applications import Applications
from features.tables.dataframe import applications_of
from fusion.bundle import Bundle, load
from fusion.policy.policy import Cutoffs, Policy, Refer, Segments
from fusion.scorer import Scorer, load_scorer
from fusion.text_encoder import OpenEncoder, bundle_encoder
from tests.support.command_line import creditfusion
from tests.support.explained import (
    BROKEN,
    DAY,
    HOSTILE_AT,
    LONG,
    N_ROWS,
    SLASHED,
    Explain,
    Trained,
    any_id_schema,
    index_of,
    notice,
    underwriter,
)
from tests.support.suspicious import Suspicious

SOURCE = any_id_schema().source
SHARES = st.sampled_from([0.0, 0.03, 0.08, 0.12, 0.15, 0.2, 0.3, 0.5, 1.0])
CELLS: Mapping[str, st.SearchStrategy[object]] = {
    "term_months": st.sampled_from([24, 36, 60]),
    "purpose": st.sampled_from(["", "car", "debt_consolidation", "something else"]),
    "annual_income": st.sampled_from(["", 9_000, 60_000, 400_000]),
    "credit_score": st.sampled_from(["", 420, 640, 810]),
    "dti": st.sampled_from(["", 0.05, 1.9]),
    "statement": st.sampled_from(["", "I pay back one payday loan with another.", "My employer is safe. I am well."]),
    "job_title": st.sampled_from(["", "nurse"]),
}
FLAGS = ("missing", "missing:annual_income", "missing:credit_score", "unknown_category:purpose", "unknown_category")


@dataclass(frozen=True)
class Opened:
    """A bundle with its encoder and the rows that are changed."""

    bundle: Bundle
    encoder: OpenEncoder
    rows: list[dict[str, Any]]

    def with_schema(self, schema: Schema) -> Bundle:
        """The bundle under another contract of the same columns."""
        return replace(self.bundle, schema=schema, tabular=replace(self.bundle.tabular, schema=schema))


@pytest.fixture(scope="module")
def opened(trained: Trained) -> Opened:
    bundle = load(trained.model)
    rows = trained.table.drop(index=[BROKEN, SLASHED, HOSTILE_AT, LONG]).to_dict("records")
    return Opened(bundle, bundle_encoder(bundle), [{str(name): cell for name, cell in row.items()} for row in rows])


@st.composite
def cutoffs(draw: st.DrawFn) -> Cutoffs:
    low, high = sorted([draw(SHARES), draw(SHARES)])
    return Cutoffs(approve=low, decline=high)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    parted = draw(st.sampled_from([None, ("term_months", "60"), ("purpose", "car")]))
    own = Segments(column=parted[0], cutoffs={parted[1]: draw(cutoffs())}) if parted is not None else None
    quality = tuple(draw(st.lists(st.sampled_from(FLAGS), max_size=2, unique=True)))
    second = {"fraud": draw(SHARES)} if draw(st.booleans()) else {}
    refer = Refer(no_narrative=draw(st.booleans()), quality=quality, second=second)
    return Policy(cutoffs=draw(cutoffs()), segments=own, refer=refer)


def _reasons(node: Any) -> Iterator[dict[str, Any]]:
    """Every reason of a contract's document."""
    if isinstance(node, list):
        for one in node:
            yield from _reasons(one)
    elif isinstance(node, dict):
        for name, one in node.items():
            if name == "reason":
                yield one
            else:
                yield from _reasons(one)


CODES = sorted({reason["code"] for reason in _reasons(json.loads(SOURCE))})


@dataclass(frozen=True)
class Drawn:
    """A contract, a policy, a row and how they come together.

    Attributes:
        schema: The demo's with some reasons that may not be disclosed, and other columns that an applicant can move.
        policy: What is to decide.
        other: A policy in the bundle, where ``policy`` is given beside it.
        kept: Whether ``policy`` lies in the bundle.
        asked: Whether letters of approval name reasons.
        at: The row that is changed.
        cells: What is changed in it.
        second: The row's probability of fraud; NaN where it breaks the second model's contract.
    """

    schema: Schema
    policy: Policy
    other: Policy | None
    kept: bool
    asked: bool
    at: int
    cells: dict[str, object]
    second: float


@dataclass(frozen=True)
class SecondModel:
    """A second model that gives every row one probability."""

    schema: Schema
    pd: float

    def read(self, applications: Applications) -> Applications:
        return applications

    def scores(self, reading: Applications) -> SimpleNamespace:
        return SimpleNamespace(pd=np.full(len(reading), self.pd))


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    document = json.loads(SOURCE)
    for field in document["fields"]:
        own = field["creditfusion"]
        if own["role"] == "feature" and field["type"] in ("number", "integer"):
            own["actionable"] = draw(st.sampled_from(["no", "lower", "higher", "either"]))
    hidden = draw(st.sets(st.sampled_from(CODES)))
    for reason in _reasons(document):
        reason["disclosable"] = reason["code"] not in hidden
    cells = {name: draw(values) for name, values in CELLS.items() if draw(st.booleans())}
    return Drawn(
        parse_schema(json.dumps(document), "demo"),
        draw(policies()),
        draw(st.none() | policies()),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.integers(0, N_ROWS - 5)),
        cells,
        draw(st.sampled_from([0.0, 0.1, 0.4, 1.0, math.nan])),
    )


def decided(policy: Policy, row: Mapping[str, Any], pd_: float, quality: str, second: float) -> tuple[str, str]:
    """What the policy says, worked out from the row alone."""
    limits = policy.cutoffs
    if policy.segments is not None:
        limits = policy.segments.cutoffs.get(str(row[policy.segments.column]), limits)
    if pd_ > limits.decline:
        return "decline", ""
    flags = {}
    for flag in filter(None, quality.split(";")):
        name, _, listed = flag.partition(":")
        flags[name] = listed.split(",")
    wanted = (["no_narrative"] if policy.refer.no_narrative else []) + list(policy.refer.quality)
    met = [
        one for one in wanted if one in flags or (":" in one and one.split(":")[1] in flags.get(one.split(":")[0], []))
    ]
    by_second = [f"second:{name}" for name, bound in policy.refer.second.items() if not second <= bound]
    reasons = (["between_cutoffs"] if pd_ > limits.approve else []) + met + by_second
    return ("refer" if reasons else "approve"), ";".join(reasons)


def _listed(entry: str, flags: Mapping[str, list[str]]) -> bool:
    name, colon, column = entry.partition(":")
    return bool(colon) and column in flags.get(name, [])


@settings(max_examples=30)
@given(one=drawn())
def test_score_reports_letters_evaluation_and_policy_agree(opened: Opened, one: Drawn) -> None:
    bundle, policy = replace(opened.with_schema(one.schema), policy=one.policy if one.kept else one.other), one.policy
    row: dict[str, Any] = opened.rows[one.at] | one.cells
    scorer = Scorer(bundle, opened.encoder, None if one.kept else policy, threads=1)
    frame = pd.DataFrame([row])
    models = {"fraud": cast("Scorer", SecondModel(one.schema, one.second))}
    seconds = {"fraud": np.array([one.second])}

    scored = scorer.score(frame, seconds=models).scores.iloc[0]
    wanted, why = decided(policy, row, scored["pd"], scored["data_quality"], one.second)
    assert (scored["decision"], scored["refer_reason"]) == (wanted, why)

    rows = applications_of(frame, bundle.schema)
    known = replace(rows, frame=rows.frame.assign(outcome=pd.Series(bundle.schema.bad_values[:1], dtype=object)))
    with Run.start("evaluate", None, {}) as run:
        outcomes = score_outcomes(scorer, known, run, seconds)
    assert outcomes.decision == (wanted,)
    assert (outcomes.pd[0], outcomes.policy) == (pytest.approx(scored["pd"]), policy)

    study = Study.of(scorer, exact=False, timed=Clock().timed)
    heading = Heading(Path("new.csv"), date(2026, 3, 9), (), approval_reasons=one.asked)
    reporter = Reporter(study, Crowd.of(bundle.population, bundle.config.scale), heading)
    case = study.study(rows, seconds)
    report, check, letter = reporter.underwriter(case), validator_report(reporter, case), reporter.notice(case)
    assert report.result.pd == check.result.pd == scored["pd"]
    assert report.result.decision == check.result.decision == letter.decision == wanted
    assert ";".join(found.reason for found in report.refer_reasons) == why
    assert report.policy == check.policy
    assert report.policy.digest == policy.digest

    disclosable = [reason for reason in report.reasons if reason.disclosable]
    if wanted == "decline":
        assert 1 <= len(letter.reasons) <= 4 or letter.needs_review
        assert {found.wording for found in letter.reasons} <= {found.wording for found in disclosable}
        assert letter.needs_review or len(letter.reasons) == len(report.reasons)
    elif wanted == "refer":
        assert (letter.reasons, letter.suggestions, letter.needs_review) == ((), (), False)
    else:
        assert len(letter.reasons) <= (len(disclosable) if one.asked else 0)
        assert (letter.suggestions, report.changes) == ((), ())

    spoken_of = {part.concept for text in report.narratives for part in text.sentences}
    concepts = {concept.name: concept for concept in bundle.schema.concepts}
    for missing in report.not_mentioned:
        assert missing.name not in spoken_of
        assert missing.points >= bundle.config.explain.min_points
        assert concepts[missing.name].reason.disclosable
        assert not concepts[missing.name].sensitive
        assert concepts[missing.name].ask
    names = tuple(missing.name for missing in report.not_mentioned)
    assert letter.not_mentioned == (names if wanted == "decline" else ())
    assert not (wanted == "approve" and names)

    assert len({frozenset(move.name for move in change.moves) for change in report.changes}) == len(report.changes)
    for change in report.changes:
        moved = row | {move.name: move.after for move in change.moves}
        again = scorer.score(pd.DataFrame([moved]), seconds=models).scores.iloc[0]
        assert again["decision"] == change.result.decision == "approve"
        assert again["pd"] == change.result.pd
        for move in change.moves:
            field = bundle.schema[move.name]
            assert (field.role, field.is_numeric) == (Role.FEATURE, True)  # no protected, derived or stated column
            assert field.actionable != "no"
            assert isinstance(move.before, float)
            assert isinstance(move.after, float)
            assert (move.after < move.before) or field.actionable != "lower"
            assert (move.after > move.before) or field.actionable != "higher"


def test_similar_applicants_are_compared_under_the_policy_of_training(opened: Opened) -> None:
    explain = opened.bundle.config.explain.model_copy(update={"background": "near_cutoff"})
    bundle = replace(opened.bundle, config=opened.bundle.config.model_copy(update={"explain": explain}))
    rows = applications_of(pd.DataFrame(opened.rows[:1]), bundle.schema)
    own, strict = None, Policy(cutoffs=Cutoffs(approve=0.02, decline=0.02))
    compared, contributions = [], []
    for policy in (own, strict):
        study = Study.of(Scorer(bundle, opened.encoder, policy, threads=1), exact=False, timed=Clock().timed)
        case = study.study(rows)
        compared.append(study.as_in_training(case))
        contributions.append(case.explanation.columns[0])
    assert not np.allclose(*contributions)
    np.testing.assert_allclose(compared[0], compared[1], atol=1e-9)


POLICY = """
[cutoffs]
approve = 0.10
decline = 0.25

[segments]
column = "term_months"

[segments.cutoffs."60"]
approve = 0.05
decline = 0.30

[refer]
no_narrative = true
quality = ["missing:annual_income"]
"""
IN_WORDS = (
    "approve up to a PD of 10.0\u202f%, decline above 25.0\u202f%; other cut-offs by term_months; "
    "refer by no_narrative, missing:annual_income"
)


@pytest.fixture(scope="module")
def keeping(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The same model, trained with a policy that its bundle keeps."""
    folder = tmp_path_factory.mktemp("keeping")
    (folder / "policy.toml").write_text(POLICY)
    (folder / "schema.json").write_text(load(trained.model).schema.source)
    (folder / "config.toml").write_text(_as_toml(load(trained.model).config.model_dump()))
    named = ["--schema", folder / "schema.json", "--data", trained.folder / "past.csv", "--out", folder / "model"]
    named += ["--config", folder / "config.toml", "--cache", trained.folder / "cache", "--quick"]
    assert creditfusion("train", *named, "--policy", folder / "policy.toml") == 0
    return replace(trained, model=folder / "model", folder=folder)


def _as_toml(config: Mapping[str, Any]) -> str:
    """Settings as a file of them."""
    lines = []
    for group, values in config.items():
        lines.append(f"[{group}]")
        lines += [f"{name} = {json.dumps(value)}" for name, value in values.items() if value is not None]
    return "\n".join(lines)


def test_a_policy_kept_in_the_bundle_decides_everywhere(
    trained: Trained, keeping: Trained, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    kept = load(keeping.model).policy
    assert kept is not None
    assert kept.cutoffs == Cutoffs(approve=0.10, decline=0.25)
    assert "policy.json" in load(keeping.model).manifest.files
    card = (keeping.model / "card.md").read_text(encoding="utf-8")
    assert IN_WORDS in card
    assert kept.digest[:12] in card
    capsys.readouterr()
    assert creditfusion("bundle", "show", keeping.model, "--json") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["policy"]["digest"] == kept.digest
    assert "refer by no_narrative" in " ".join(shown.err.replace("│", " ").split())
    cache = ["--cache", trained.folder / "cache"]
    data = ["--data", trained.data]
    tables = {}
    for name, model, more in (
        ("kept", keeping.model, []),
        ("given", trained.model, ["--policy", keeping.folder / "policy.toml"]),
    ):
        out = tmp_path / f"{name}.csv"
        assert creditfusion("score", "--model", model, *data, "--out", out, *cache, *more) == 3
        tables[name] = pd.read_csv(out, keep_default_na=False)
        reports = ["--top", "1000", "--fast", "--format", "json", "--for", "underwriter", "--for", "applicant"]
        folder = tmp_path / name
        named = ["--model", model, *data, "--out", folder, "--date", DAY, *cache, *reports, *more]
        assert creditfusion("explain", *named) == 3
        for row in tables[name].to_dict("records"):
            report = underwriter(folder, row["id"])
            assert (report.result.decision, notice(folder, row["id"]).decision) == (row["decision"], row["decision"])
            assert ";".join(one.reason for one in report.refer_reasons) == row["refer_reason"]
            assert report.policy.kind == name.replace("kept", "bundle")
        index = index_of(folder)
        counts = tables[name]["decision"].value_counts()
        assert (index.n_approved, index.n_referred, index.n_declined) == tuple(
            counts[one] for one in ("approve", "refer", "decline")
        )
    columns = ["id", "decision", "refer_reason"]
    pd.testing.assert_frame_equal(tables["kept"][columns], tables["given"][columns])


def test_the_referred_are_chosen_and_written_to(explain: Explain, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    more = ["--policy", str(tmp_path / "policy.toml"), "--fast", "--for", "applicant"]
    assert explain(tmp_path / "out", "--referred", *more) == 3
    index = index_of(tmp_path / "out")
    assert index.n_referred == len(index.entries) > 1
    assert "all referred" in index.chosen
    for entry in index.entries:
        page = (tmp_path / "out" / entry.links[0].file).read_text(encoding="utf-8")
        assert "A person is looking at your application" in page
        assert "cannot approve" not in page


def test_letters_of_approval_name_reasons_only_when_asked(explain: Explain, everything: Path, tmp_path: Path) -> None:
    approved = [one.id for one in index_of(everything).entries if one.result.decision == "approve"]
    against = [key for key in approved if any(one.disclosable for one in underwriter(everything, key).reasons)]
    assert against
    assert all(not notice(everything, key).reasons for key in approved)
    named = [part for key in against[:3] for part in ("--id", key)]
    assert (
        explain(tmp_path / "out", *named, "--fast", "--for", "applicant", "--format", "json", "--approval-reasons") == 0
    )
    assert all(notice(tmp_path / "out", key).reasons for key in against[:3])


def test_second_models_refer_in_reports_as_in_scores(
    trained: Trained, suspicious: Suspicious, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rules = tmp_path / "policy.toml"
    rules.write_text("[cutoffs]\napprove = 0.20\ndecline = 0.30\n[refer]\nsecond = { fraud = 0.3 }\n")
    named = ["--model", trained.model, "--data", suspicious.data, "--cache", trained.folder / "cache"]
    named += ["--policy", rules]
    second = ["--second", f"fraud={suspicious.model}"]
    assert creditfusion("explain", *named, "--out", tmp_path / "none", "--top", 3) == 2
    assert "--second fraud=BUNDLE" in " ".join(capsys.readouterr().err.split())
    assert creditfusion("score", *named, *second, "--out", tmp_path / "scored.csv") == 3
    table = pd.read_csv(tmp_path / "scored.csv", keep_default_na=False).set_index("id")
    out = tmp_path / "out"
    forms = ["--for", "underwriter", "--for", "applicant", "--for", "validator", "--format", "json", "--fast"]
    assert creditfusion("explain", *named, *second, "--out", out, "--top", 1000, *forms) == 3
    by_fraud = 0
    for key, row in table.iterrows():
        report, letter = underwriter(out, str(key)), notice(out, str(key))
        assert report.result.decision == letter.decision == row["decision"]
        assert ";".join(one.reason for one in report.refer_reasons) == row["refer_reason"]
        assert "fraud" not in letter.model_dump_json()
        by_fraud += "second:fraud" in row["refer_reason"]
    assert by_fraud > 1
    broken = underwriter(out, suspicious.unreadable)
    if broken.result.decision == "refer":
        assert "breaks the data contract of second model fraud" in " ".join(one.words for one in broken.refer_reasons)
    chosen = ["--id", str(table.index[5]), "--id", str(table.index[2])]
    assert creditfusion("explain", *named, *second, "--out", tmp_path / "two", *chosen, *forms) == 0
    for at in (5, 2):
        key = str(table.index[at])
        assert underwriter(tmp_path / "two", key) == underwriter(out, key)


def test_evaluate_and_compare_refer_by_second_models_as_score_does(
    trained: Trained, suspicious: Suspicious, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[cutoffs]\napprove = 0.20\ndecline = 0.30\n[refer]\nsecond = { fraud = 0.3 }\n")
    table = suspicious.table.drop(index=HOSTILE_AT)
    schema = any_id_schema()
    outcomes = [*schema.bad_values[:1], *schema.good_values[:1] * 2]
    table = table.assign(outcome=np.resize(outcomes, len(table)))
    files = [tmp_path / "one.csv", tmp_path / "two.csv"]  # each counts its rows anew
    for path, rows in zip(files, (table[:30], table[30:]), strict=True):
        rows.to_csv(path, index=False)
    more = ["--policy", policy, "--cache", trained.folder / "cache"]
    second = ["--second", f"fraud={suspicious.model}"]
    scored = []
    for path in files:
        out = tmp_path / f"scored {path.name}"
        assert creditfusion("score", "--model", trained.model, "--data", path, "--out", out, *more, *second) in (0, 3)
        scored.append(pd.read_csv(out, keep_default_na=False))
    by_score = pd.concat(scored)
    shares = {one: float((by_score["decision"] == one).mean()) for one in ("approve", "refer", "decline")}
    assert min(shares.values()) > 0
    named = ["--data", files[0], "--data", files[1], "--date", DAY, *more]
    own = ["--model", trained.model, "--no-reread", "--keep-training-rows", "--out", tmp_path / "evaluated"]
    assert creditfusion("evaluate", *named, *own) == 2
    assert "--second fraud=BUNDLE" in " ".join(capsys.readouterr().err.split())
    assert creditfusion("evaluate", *named, *own, *second) == 3
    report = json.loads((tmp_path / "evaluated" / "validation.json").read_text(encoding="utf-8"))
    tables = {table["key"]: table["rows"] for chapter in report["sections"] for table in chapter["tables"]}
    assert [cell["value"] for cell in tables["policy_now"][0][4:7]] == pytest.approx(list(shares.values()))
    given = Counter(one for reasons in by_score["refer_reason"] for one in reasons.split(";") if one)
    assert given["second:fraud"] > 1
    schema = load_schema("demo")
    assert {reason: n for reason, n, _ in tables["refer_reasons"]} == {
        entry_words(one, schema): n for one, n in given.items()
    }
    both = ["--champion", trained.model, "--challenger", trained.model, "--out", tmp_path / "compared"]
    assert creditfusion("compare", *named, *both) == 2
    capsys.readouterr()
    assert creditfusion("compare", *named, *both, *second, "--json") == 3
    summary = json.loads(capsys.readouterr().out)
    assert summary["swap_sets"]["approval_rate"] == pytest.approx(shares["approve"])


def test_where_no_change_helps_none_is_offered_and_the_pages_say_so(
    trained: Trained, explain: Explain, tmp_path: Path
) -> None:
    (tmp_path / "policy.toml").write_text("[cutoffs]\napprove = 0.0\ndecline = 0.0\n")
    more = ["--policy", str(tmp_path / "policy.toml"), "--fast", "--for", "applicant", "--for", "underwriter"]
    key = trained.id_at(0)
    assert explain(tmp_path / "out", "--id", key, *more) == 0
    assert underwriter(tmp_path / "out", key).changes == ()
    page = (tmp_path / "out" / file_name(key, "underwriter", "html")).read_text(encoding="utf-8")
    assert "None found: no change to what the applicant can move leads to approval." in page
    letter = (tmp_path / "out" / file_name(key, "applicant", "html")).read_text(encoding="utf-8")
    assert "that would have led us to approve, and found none" in letter
    assert "What would help" not in letter


def test_subjects_that_would_have_helped_are_named_and_never_what_to_write(opened: Opened) -> None:
    none = Policy(cutoffs=Cutoffs(approve=0.0, decline=0.0))
    scorer = Scorer(opened.bundle, opened.encoder, none, threads=1)
    study = Study.of(scorer, exact=False, timed=Clock().timed)
    scale = opened.bundle.config.scale
    reporter = Reporter(study, Crowd.of(opened.bundle.population, scale), Heading(Path(), date(2026, 3, 9), ()))
    row = opened.rows[0]
    case = study.study(applications_of(pd.DataFrame([row]), scorer.schema))
    concepts = {concept.name: concept for concept in scorer.schema.concepts}
    spoken_of = np.array([list(concepts).index("savings or assets")])
    worse = case.outcomes.silent.margin + 5.0  # as if silence were so bad that every statement helps
    missing = study.subjects.missing(scorer, case.application, worse, spoken_of)
    assert len(missing) == 5
    assert [one.points for one in missing] == sorted((one.points for one in missing), reverse=True)
    silent = row | {"statement": "", "job_title": ""}
    for one in missing:
        assert one.name != "savings or assets"
        assert concepts[one.name].reason.disclosable
        assert not concepts[one.name].sensitive
        statements = concepts[one.name].statements
        rows = [
            silent | {"statement": text, "application_id": f"A-{at}"} for at, text in enumerate(["", *statements[:3]])
        ]
        scores = scorer.score(rows).scores["score"]
        assert one.points == pytest.approx(scores[1:].mean() - scores[0] + 5.0 * scale.pdo / np.log(2.0), abs=1e-6)
    page = applicant_html(reporter.notice(replace(case, not_mentioned=missing)))
    assert "What your application does not tell us" in page
    for one in missing:
        assert one.name in page
        assert not [statement for statement in concepts[one.name].statements if statement in page]


def test_a_given_policy_goes_before_the_bundles(keeping: Trained) -> None:
    other = Policy(cutoffs=Cutoffs(approve=0.9, decline=1.0))
    own, given_ = load_scorer(keeping.model), load_scorer(keeping.model, policy=other)
    assert (own.deciding_policy.cutoffs.approve, given_.deciding_policy) == (0.10, other)
    assert own.lenders_policy is not None
