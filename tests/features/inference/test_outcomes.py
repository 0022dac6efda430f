"""What is bad is taken from words, in both directions and six languages; where none tells, nothing is guessed."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.errors import ContractError
from data_schemas.reader import parse_schema
from features.inference.draft import Draft, draft_schema, pretty_json
from features.inference.outcome_words import Meaning, meaning
from features.inference.outcomes import Outcomes, StatedOutcomes, find_target, read_outcomes
from features.inference.profile import ColumnProfile, profile

BAD_WORDS = (
    *(
        "Default",
        "defaulted",
        "in default",
        "Charged Off",
        "CHGOFF",
        "written-off",
        "bad",
        "fraud",
        "Declined",
        "unpaid",
    ),
    *("not paid", "not fully paid", "Non-Performing", "nonperforming", "not approved", "unsuccessful", "bankruptcy"),
    *("Ausfall", "Zahlungsausfall", "notleidend", "nicht bezahlt", "unbezahlt", "schlecht", "abgelehnt"),
    *("défaut", "impayé", "non remboursé", "mauvais", "incumplimiento", "impago", "no pagado", "malo", "rechazado"),
    *("inadimplente", "não pago", "ruim", "违约", "已违约", "坏账", "未还", "未按时还款", "拒绝"),
    *("Does not meet the credit policy. Status:Charged Off", "Charged Off - late"),
)
GOOD_WORDS = (
    *(
        "Fully Paid",
        "paid",
        "repaid",
        "P I F",
        "good",
        "approved",
        "success",
        "no default",
        "not default",
        "non-default",
    ),
    *("NO_DEFAULT", "never defaulted", "default free", "not late", "legitimate", "ham", "not bad"),
    *("bezahlt", "zurückgezahlt", "kein Ausfall", "gut", "genehmigt", "remboursé", "sans défaut", "bon", "payé"),
    *("pagado", "sin mora", "bueno", "aprobado", "quitado", "sem atraso", "bom", "adimplente", "pago"),
    *("未违约", "没有违约", "无逾期", "已还清", "结清", "好"),
    "Does not meet the credit policy. Status:Fully Paid",
)
OPEN_WORDS = (
    *(
        "Current",
        "In Grace Period",
        "Issued",
        "Pending",
        "Open",
        "active",
        "in review",
        "partially paid",
        "not yet paid",
    ),
    *(
        "laufend",
        "offen",
        "en cours",
        "vigente",
        "pendiente",
        "em andamento",
        "em aberto",
        "还款中",
        "未到期",
        "未结清",
    ),
)


def outcome(cells: list[str], name: str = "loan_status") -> ColumnProfile:
    return profile(name, pd.Series(cells, dtype=object))


def found(name: str, *levels: str, **stated: tuple[str, ...]) -> Outcomes:
    """The outcomes of a column in which the first level stands four times, the second three times, and so on."""
    cells = [level for at, level in enumerate(levels) for _ in range(max(4 - at, 1))]
    return read_outcomes(outcome(cells, name), StatedOutcomes(**stated))


@pytest.mark.parametrize("word", BAD_WORDS)
def test_words_for_a_bad_end(word: str) -> None:
    assert meaning(word) is Meaning.BAD
    assert meaning(word.upper()) is Meaning.BAD


@pytest.mark.parametrize("word", GOOD_WORDS)
def test_words_for_a_good_end(word: str) -> None:
    assert meaning(word) is Meaning.GOOD


@pytest.mark.parametrize("word", OPEN_WORDS)
def test_words_for_an_open_end(word: str) -> None:
    assert meaning(word) is Meaning.OPEN


@pytest.mark.parametrize(
    "word", ["class", "A11", "settled", "canceled", "paid late", "default, then repaid", "X", "", "2"]
)
def test_what_contradicts_itself_or_says_nothing_is_unknown(word: str) -> None:
    assert meaning(word) is Meaning.UNKNOWN


@given(bad=st.sampled_from(BAD_WORDS), good=st.sampled_from(GOOD_WORDS), status=st.lists(st.sampled_from(OPEN_WORDS)))
def test_only_words_for_an_end_are_bad_or_good_and_the_rest_is_undecided(
    bad: str, good: str, status: list[str]
) -> None:
    divided = found("loan_status", good, bad, *status)
    assert (divided.bad, divided.good, divided.question) == ((bad,), (good,), "")
    assert set(divided.undecided) == set(status)
    assert sum(divided.counts[level] for level in divided.undecided) == sum(divided.counts.values()) - 7


YES_NO = [("1", "0"), ("1.0", "0.0"), ("Y", "N"), ("yes", "no"), ("True", "False"), ("ja", "nein"), ("oui", "non")]
YES_NO += [("si", "no"), ("sim", "não"), ("是", "否"), ("t", "f")]


@pytest.mark.parametrize(("yes", "no"), YES_NO)
@pytest.mark.parametrize(
    "name", ["default", "bad_flag", "is_fraud", "not.fully.paid", "Zahlungsausfall", "inadimplente", "是否违约"]
)
def test_yes_is_bad_where_the_name_speaks_of_a_bad_end(name: str, yes: str, no: str) -> None:
    divided = found(name, no, yes)
    assert (divided.bad, divided.good) == ((yes,), (no,))


@pytest.mark.parametrize(("yes", "no"), YES_NO)
@pytest.mark.parametrize(
    "name", ["repaid", "loan_paid_back", "approved", "no_default", "zurückgezahlt", "pagado", "是否还清"]
)
def test_no_is_bad_where_the_name_speaks_of_a_good_end(name: str, yes: str, no: str) -> None:
    divided = found(name, yes, no)
    assert (divided.bad, divided.good) == ((no,), (yes,))


@given(
    name=st.sampled_from(["class", "target", "Loan_Status", "y", "status", "outcome", "good_bad", "好坏", "x7"]),
    levels=st.sampled_from([*YES_NO, ("1", "2"), ("A", "B"), ("-1", "1"), ("0", "1", "2"), ("A", "B", "C", "D")]),
    turned=st.booleans(),
)
def test_nothing_is_guessed_where_neither_name_nor_level_shows_it(
    name: str, levels: tuple[str, ...], turned: bool
) -> None:
    divided = found(name, *(reversed(levels) if turned else levels))
    assert (divided.bad, divided.good, divided.undecided, divided.why) == ((), (), (), "")
    assert "--bad" in divided.question


def test_a_rare_level_is_not_bad_for_being_rare() -> None:
    assert read_outcomes(outcome(["1"] * 95 + ["2"] * 5, "class")).bad == ()


@pytest.mark.parametrize(
    ("levels", "bad", "good"),
    [
        (("Late", "On time"), ("Late",), ("On time",)),
        (("逾期", "正常"), ("逾期",), ("正常",)),
        (("违约", "正常"), ("违约",), ("正常",)),
        (("overdue", "not overdue"), ("overdue",), ("not overdue",)),
        (("G", "B"), ("B",), ("G",)),
        (("performing", "non-performing"), ("non-performing",), ("performing",)),
    ],
)
def test_two_levels_that_are_opposites(levels: tuple[str, ...], bad: tuple[str, ...], good: tuple[str, ...]) -> None:
    divided = found("state", *levels)
    assert (divided.bad, divided.good, divided.undecided) == (bad, good, ())


@pytest.mark.parametrize(
    ("levels", "asked"),
    [
        (("Fully Paid", "Current", "Late (31-120 days)"), "none is bad"),
        (("Current", "Charged Off"), "none is good"),
        (("Charged Off", "Sold"), "none is good"),
        (("Fully Paid",), "one level only"),
        (("", "NA"), "is empty"),
    ],
)
def test_one_kind_of_end_is_not_enough(levels: tuple[str, ...], asked: str) -> None:
    divided = found("loan_status", *levels)
    assert divided.bad == ()
    assert asked in divided.question


def test_a_level_that_is_not_understood_is_undecided_and_named() -> None:
    divided = found("loan_status", "Fully Paid", "Charged Off", "Transferred", "Current", "", "NA")
    assert divided.undecided == ("Transferred", "Current", "NA", "")
    assert divided.strange == ("Transferred",)
    assert divided.lines["undecided"].startswith("5 rows: Transferred (2), Current (1)")


def test_what_the_user_says_counts() -> None:
    assert (found("class", "1", "2", bad=("2",)).bad, found("class", "1", "2", bad=("2",)).good) == (("2",), ("1",))
    assert found("status", "C", "A", "D", "B", bad=("B", "D")).good == ("C", "A")
    assert found("repaid", "1", "0", bad=("1",)).bad == ("1",)
    status = found("loan_status", "Fully Paid", "Charged Off", "Default", "Sold", "Current", bad=("Default",))
    assert (status.bad, status.good, status.undecided) == (
        ("Default",), ("Fully Paid",), ("Charged Off", "Sold", "Current"),
    )  # fmt: skip
    both = found("end", "x", "y", "z", bad=("x",), good=("z",))
    assert (both.bad, both.good, both.undecided, both.strange) == (("x",), ("z",), ("y",), ("y",))
    assert found("end", "x", "y", "z", good=("z",)).question
    assert found("end", "paid", "default", "x", undecided=("x",)).strange == ()


@pytest.mark.parametrize(
    ("cells", "stated", "match"),
    [
        ([str(day) for day in range(100)], {}, "100 different numbers.*Decide from which number on"),
        ([f"2020-01-{day:02}" for day in range(1, 29)], {}, "holds dates"),
        ([f"text {n} of a long story" for n in range(60)], {}, "60 different texts"),
        (["0", "1"], {"bad": ("2",)}, "no level '2'.*It has: '0', '1'"),
        (["0", "1"], {"bad": ("1",), "good": ("1",)}, "named twice"),
    ],
)
def test_what_is_no_outcome_is_refused(cells: list[str], stated: dict[str, tuple[str, ...]], match: str) -> None:
    with pytest.raises(ContractError, match=match):
        read_outcomes(outcome(cells), StatedOutcomes(**stated))


N = 200
RANDOM = np.random.default_rng(3)


def table(**columns: list[str]) -> pd.DataFrame:
    base = {"loan_no": [f"L{at:04}" for at in range(N)], "income": RANDOM.integers(20, 90, N).astype(str).tolist()}
    return pd.DataFrame(base | columns, dtype=object)


def cells(*levels: str) -> list[str]:
    return [str(level) for level in RANDOM.choice(levels, N)]


def target_of(**columns: list[str]) -> str | None:
    profiles = [profile(str(name), cells) for name, cells in table(**columns).items()]
    best, _ = find_target(profiles)
    return best.name if best is not None else None


def test_the_outcome_is_found_among_columns_that_look_like_it() -> None:
    assert target_of(previous_default=cells("Y", "N"), loan_status=cells("0", "1")) == "loan_status"
    assert target_of(checking_status=cells("low", "high"), end=cells("Fully Paid", "Charged Off")) == "end"
    assert target_of(违约=cells("是", "否"), 性别=cells("男", "女")) == "违约"
    assert target_of(Status=cells("A", "B", "C")) == "Status"
    assert target_of(phone=cells("yes", "no"), colour=cells("red", "blue")) is None


def test_two_spellings_of_one_outcome_are_one_outcome_and_two_outcomes_are_asked_about() -> None:
    end = cells("0", "1")
    assert target_of(default=end, bad=end) == "default"
    assert target_of(default=end, bad=cells("0", "1")) is None


def drafted(frame: pd.DataFrame, target: str | None = None, **stated: tuple[str, ...]) -> Draft:
    return draft_schema(frame, "loans", "a table", target, StatedOutcomes(**stated))


def test_a_draft_without_a_guess_is_refused_until_somebody_decides() -> None:
    draft = drafted(table(**{"class": cells("1", "2")}))
    assert draft.document["creditfusion"]["bad_values"] == []
    assert any("--bad" in sentence for sentence in draft.missing)
    with pytest.raises(ContractError, match="the target 'class' has no bad_values"):
        parse_schema(pretty_json(draft.document), "draft")
    decided = drafted(table(**{"class": cells("1", "2")}), bad=("2",))
    schema = parse_schema(pretty_json(decided.document), "draft")
    assert (schema.bad_values, schema.good_values) == (("2",), ("1",))


def test_a_draft_with_open_loans_names_them_undecided() -> None:
    draft = drafted(table(loan_status=cells("Fully Paid", "Charged Off", "Current", "Late (16-30 days)", "Issued", "")))
    schema = parse_schema(pretty_json(draft.document), "draft")
    assert (schema.bad_values, schema.good_values) == (("Charged Off",), ("Fully Paid",))
    assert set(schema.undecided_values) == {"Current", "Late (16-30 days)", "Issued", ""}
    assert "missingValues" not in json.dumps(draft.document["fields"])


def test_a_code_of_minus_one_is_a_level_of_an_outcome_and_not_missing() -> None:
    draft = drafted(table(default=cells("-1", "1")), bad=("1",))
    assert parse_schema(pretty_json(draft.document), "draft").good_values == ("-1",)


def test_leaks_are_found_though_nobody_knows_yet_which_level_is_bad() -> None:
    end = cells("1", "2")
    draft = drafted(table(**{"class": end, "letters": ["5" if level == "2" else "0" for level in end]}))
    assert "letters" in draft.leaks


DAYS = [str(at % 150) for at in range(N)]


def test_numbers_are_an_outcome_by_a_comparison() -> None:
    days = [*DAYS[:-6], "", "NA", "open", "open", "89.5", "90.0"]
    draft = drafted(table(dpd=days), "dpd", bad=(">=90",))
    found = draft.outcomes
    assert found is not None
    n_bad = sum(float(day) >= 90 for day in days if day not in ("", "NA", "open"))
    kinds = {"good": {"< 90": N - 4 - n_bad}, "bad": {">= 90": n_bad}, "undecided": {"open": 2, "NA": 1, "": 1}}
    assert {kind: dict(levels) for kind, levels in found.kinds.items()} == kinds
    schema = parse_schema(pretty_json(draft.document), "draft")
    assert (str(schema.bad_if), schema.bad_values, schema.good_values) == (">= 90", (), ())
    assert set(schema.undecided_values) == {"", "NA", "open"}
    assert str(schema["dpd"].type) in ("integer", "number")
    assert "good 1" in draft.document["fields"][-1]["creditfusion"]["guess"]


def test_a_leak_of_an_outcome_of_numbers_is_found() -> None:
    arrears = ["5" if int(day) >= 90 else "0" for day in DAYS]
    assert "arrears" in drafted(table(dpd=DAYS, arrears=arrears), "dpd", bad=(">= 90",)).leaks


def test_a_code_that_stands_for_missing_is_undecided_and_counted() -> None:
    days = ["999" if at % 10 == 0 else str(at % 120) for at in range(N)]
    others = ["999" if at % 7 == 0 else str(at % 30) for at in range(N)]
    found = drafted(table(dpd=days, other=others), "dpd", bad=(">=90",)).outcomes
    assert found is not None
    assert dict(found.kinds["undecided"]) == {"999": N // 10}
    assert sum(map(sum, (levels.values() for levels in found.kinds.values()))) == N


@pytest.mark.parametrize(
    ("column", "stated", "says"),
    [
        (DAYS, {}, "holds 150 different numbers, and an outcome is good or bad.*--target end --bad '>=90'"),
        (
            DAYS,
            {"bad": (">=900",)},
            ">= 900 divides nothing: the cells of 'end' in the rows looked at go from 0 to 149",
        ),
        (DAYS, {"bad": (">=9,5",)}, "a comparison stands among the levels '>=9,5' of 'end'"),
        (DAYS, {"bad": (">=90", "<5")}, "a comparison stands among the levels '>=90', '<5' of 'end'"),
        (DAYS, {"bad": (">=90",), "good": ("0",)}, "a comparison stands among the levels '>=90', '0' of 'end'"),
        (DAYS, {"good": ("<90",)}, "a comparison stands among the levels '<90' of 'end'"),
        (DAYS, {"bad": (">=90",), "undecided": ("x",)}, "'end' has no level 'x' in the rows looked at"),
        (cells("Fully Paid", "Charged Off"), {"bad": (">=1",)}, "'end' holds no numbers, and >= 1 compares them"),
    ],
)
def test_a_comparison_that_cannot_be_is_refused(
    column: list[str], stated: dict[str, tuple[str, ...]], says: str
) -> None:
    with pytest.raises(ContractError, match=says):
        drafted(table(end=column), "end", **stated)


def test_a_level_that_looks_like_a_comparison_is_a_level() -> None:
    draft = drafted(table(end=cells("<30", ">=90")), "end", bad=(">=90",))
    assert parse_schema(pretty_json(draft.document), "draft").bad_values == (">=90",)


def test_a_comparison_waits_for_the_notation_of_its_numbers() -> None:
    amounts = [f"{at % 90 + 1}.{at % 9}00" for at in range(N)]
    draft = drafted(table(lost=amounts), "lost", bad=(">=90",))
    assert draft.outcomes is not None
    assert draft.outcomes.question
    assert draft.outcomes.question in draft.missing
