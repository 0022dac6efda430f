"""Small files as lenders and their systems export them: what each is asked, told or read as, and the page of it.

``python -m tests.features.inference.test_foreign_files > docs/foreign-files.md`` writes the page again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from data_schemas.errors import ContractError
from data_schemas.reader import parse_schema
from features.inference.draft import Draft, draft_schema

N = 60
PAGE = Path(__file__).parents[3] / "docs/foreign-files.md"
UNREAD = ("ignored string", "UNREAD DATES")
KEYS = {"groupChar": "group", "decimalChar": "decimal", "format": "format", "missingValues": "missing"}
LIKE_NUMBERS = ("feature string", "they look like numbers that no single notation reads")


@dataclass(frozen=True)
class Foreign:
    """One column of a foreign file.

    Attributes:
        origin: who writes so.
        name: of the column.
        cells: repeated down the file.
        read: role, type and what the field says of the notation, which the draft must have.
        note_text: what its note, or with ``asked`` the open question, must say.
        asked: whether the draft must be refused until somebody decides.
    """

    origin: str
    name: str
    cells: tuple[str, ...]
    read: str
    note_text: str = ""
    asked: bool = False


DAY = tuple(f"{day:02}" for day in (3, 5, 8, 11, 14, 17, 23, 28))
FILES = (
    Foreign("Excel, French", "Montant", ("1 234,50", "12 000,10", "950,00"), "feature number group=' ' decimal=','"),
    Foreign(
        "Excel, French, narrow spaces",
        "Montant",
        ("1\u202f234,5 €", "950,25 €"),
        "feature number group=' ' decimal=','",
        "the unit is €",
    ),
    Foreign(
        "a Swiss bank", "Betrag", ("CHF 1'234.50", "CHF 12'000.10"), 'feature number group="\'"', "the unit is CHF"
    ),
    Foreign(
        "a Swiss bank, typographic apostrophe",
        "Betrag",
        ("1’234.50", "12’000.10", "950.05"),
        'feature number group="\'"',
    ),
    Foreign(
        "a Brazilian bank",
        "valor",
        ("R$ 1.234,50", "R$ 950,25"),
        "feature number group='.' decimal=','",
        "the unit is R$",
    ),
    Foreign(
        "an Indian bank", "loan", ("₹4,50,000", "₹12,34,567", "₹75,000"), "feature integer group=','", "the unit is ₹"
    ),
    Foreign("SAP", "DMBTR", ("1.234,50-", "950,00", "12.000,10"), "feature number group='.' decimal=','"),
    Foreign(
        "SAP, three decimals or thousands", "DMBTR", ("45.000", "900", "12.500"), "feature number", "may be", asked=True
    ),
    Foreign("Word, a minus of its own", "balance", ("−1200.5", "300.2", "950.1"), "feature number"),
    Foreign("accounts", "balance", ("(1,234.10)", "950.00", "12.00"), "feature number group=','"),
    Foreign("accounts with CR and DR", "balance", ("1200.50CR", "300.00DR", "950.25CR"), *LIKE_NUMBERS),
    Foreign("shares beside percentages", "rate", ("0.13", "13%", "0.15", "12%", "14%"), *LIKE_NUMBERS),
    Foreign("percent, German", "Quote", ("13,5 %", "12,75 %"), "feature number decimal=','", "5% is read as 5"),
    Foreign("Lending Club", "revol_util", ("13.5%", "99.1%", ""), "feature number", "the unit is %"),
    Foreign("Lending Club", "emp_length", ("10+ years", "< 1 year", "3 years"), "feature integer", "< 1 is read as 1"),
    Foreign("two notations in one column", "amount", ("1.234,50", "1,234.50", "900"), *LIKE_NUMBERS),
    Foreign("millions beside thousands", "Umsatz", ("1,2 Mio", "300 Tsd"), *LIKE_NUMBERS),
    Foreign("a Chinese bank, 万 beside units", "金额", ("1.2万", "3万", "5000"), *LIKE_NUMBERS),
    Foreign("a Chinese form, full-width digits", "金额", ("１２００", "３４５０", "９００"), *LIKE_NUMBERS),
    Foreign("Arabic-Indic digits", "amount", ("١٢٠٠", "٣٤٥٠", "٩٠٠"), *LIKE_NUMBERS),
    Foreign(
        "Excel, ids as numbers", "loan_no", ("1.23457E+15", "1.23458E+15"), "feature number", "rounded by a spreadsheet"
    ),
    Foreign("SBA, codes of industries", "NAICS", ("531210", "441110", "722410"), "feature string"),
    Foreign("codes with leading zeros", "branch", ("001", "002", "017"), "feature string"),
    Foreign("MySQL", "income", ("\\N", "1200", "1500", "1700"), "feature integer missing='\\\\N'"),
    Foreign(
        "SAS, special missing values",
        "income",
        (".A", "1200", ".B", "1500", "900", ".Z", "."),
        "feature integer",
        "codes for missing?",
    ),
    Foreign("Stata", "income", ("1200", ".a", "1500", "."), "feature integer", "codes for missing?"),
    Foreign("Excel, errors", "dti", ("#DIV/0!", "0.12", "0.15", "#VALUE!"), "feature number", "codes for missing?"),
    Foreign("Excel, German errors", "dti", ("#NV", "0.12", "0.15", "#WERT!"), "feature number", "codes for missing?"),
    Foreign("a German form", "Einkommen", ("k.A.", "1200", "1500"), "feature integer", "codes for missing?"),
    Foreign("pandas", "dti", ("inf", "0.2", "0.3"), "feature number", "codes for missing?"),
    Foreign("nines for unknown", "income", ("9999999", "1200", "1500", "2300", "5000"), "feature integer", "9999999"),
    Foreign("Home Credit", "DAYS_EMPLOYED", ("-1640", "-1320", "365243", "-211"), "feature integer", "365243"),
    Foreign("Home Credit", "DAYS_BIRTH", ("-17711", "-12391", "-9202"), "protected integer", "age"),
    Foreign("Prosper", "LoanOriginationQuarter", ("2010Q3", "2011Q1", "2012Q4"), *UNREAD),
    Foreign("a report, quarters", "quarter", ("Q3 2010", "Q1 2011", "Q4 2012"), *UNREAD),
    Foreign("ISO weeks", "week", ("2018-W26", "2017-W05", "2018-W11"), *UNREAD),
    Foreign("Stata, months", "issue_month", ("2018m6", "2017m8", "2017m12"), *UNREAD),
    Foreign("a Thai bank, Buddhist era", "approval_date", ("29/06/2561", "13/08/2560"), *UNREAD),
    Foreign("a Japanese bank, era names", "申込日", ("平成30年6月29日", "平成29年8月13日"), *UNREAD),
    Foreign("a Japanese bank, era letters", "issue_date", ("H30.06.29", "H29.08.13"), *UNREAD),
    Foreign("a Taiwanese bank, Minguo era", "核准日期", ("107/06/29", "106/08/13"), *UNREAD),
    Foreign("a Persian calendar", "date", ("1397/06/29", "1396/08/13"), *UNREAD),
    Foreign("English ordinals", "issued", ("29th June 2018", "1st May 2017"), *UNREAD),
    Foreign("Oracle", "issued", ("29-JUN-18 12.00.00.000000 AM", "13-AUG-17 12.00.00.000000 AM"), *UNREAD),
    Foreign("SQL Server", "issued", ("Jun 29 2018 12:00AM", "Aug 13 2017 12:00AM"), *UNREAD),
    Foreign("JSON of .NET", "issued", ("/Date(1530230400000)/", "/Date(1502582400000)/"), *UNREAD),
    Foreign("Excel, days beside texts", "issued", ("43280", "13/08/2017", "42771"), *UNREAD),
    Foreign("day of the year", "open_date", ("2018180", "2017225"), "ignored integer", "UNREAD DATES"),
    Foreign("MATLAB", "issue_dt", ("737240", "736920"), "ignored integer", "UNREAD DATES"),
    Foreign(
        "microseconds of Unix", "issue_ts", ("1530230400000000", "1502582400000000"), "ignored integer", "UNREAD DATES"
    ),
    Foreign("a mainframe, six digits", "date", tuple(f"{d}0618" for d in DAY), "decision_date date", "fit", asked=True),
    Foreign(
        "a mainframe, eight digits",
        "date",
        ("03042018", "05062017", "11122016"),
        "decision_date date",
        "fit",
        asked=True,
    ),
    Foreign(
        "a mainframe, day first", "data_contratacao", ("29062018", "13082017"), "decision_date date format='%d%m%Y'"
    ),
    Foreign(
        "seconds of Unix, SAS or Stata",
        "issued_at",
        ("1530230400", "1502582400"),
        "decision_date date format='unix'",
        "SAS and Stata count from 1960",
    ),
    Foreign("days of SAS or Stata", "issue_date", ("21364", "21044"), "decision_date date", "fit 3 forms", asked=True),
    Foreign(
        "Access, American",
        "issued",
        ("6/29/2018 3:05:10 PM", "8/13/2017 3:05:10 AM"),
        "decision_date date format='%m/%d/%Y %I:%M:%S %p'",
    ),
    Foreign(
        "Bondora, day or month first", "LoanDate", ("03/04/2018", "05/06/2017"), "decision_date date", "fit", asked=True
    ),
    Foreign("Excel, German", "Antragsdatum", ("29.6.2018", "13.8.2017"), "decision_date date format='%d.%m.%Y'"),
    Foreign("a French bank", "date_octroi", ("29 juin 2018", "13 août 2017"), "decision_date date format='%d %b %Y'"),
    Foreign(
        "a Chinese bank", "放款日期", ("2018年6月29日", "2017年8月13日"), "decision_date date format='%Y年%m月%d日'"
    ),
    Foreign(
        "a German bank", "Familienstand", ("ledig", "verheiratet", "geschieden"), "protected string", "marital status"
    ),
    Foreign("a Spanish bank", "dias_de_mora", ("0", "1", "2"), "ignored integer", "LEAK?"),
    Foreign("a Portuguese bank", "idade", ("31", "45", "62"), "protected integer", "age"),
)


def drafted(case: Foreign) -> Draft:
    """The draft of a file with the case's column, an id and an outcome."""
    status = ["bad" if row * 7 % 11 < 4 else "good" for row in range(N)]
    cells = [case.cells[row % len(case.cells)] for row in range(N)]
    home = [("rent", "own")[row % 2] for row in range(N)]
    other = {"loan_id": [f"L{row}" for row in range(N)], "status": status, "home": home}
    return draft_schema(pd.DataFrame({**other, case.name: cells}, dtype=object), "t", "t", "status")


def reading(draft: Draft, case: Foreign) -> tuple[str, str]:
    """Role, type and what of the notation the case names of its column, and its note."""
    (field,) = [one for one in draft.document["fields"] if one["name"] == case.name]
    own = field["creditfusion"]
    words = [own["role"], field["type"]]
    for key, word in KEYS.items():
        if f" {word}=" in case.read:
            value = field[key] if isinstance(field[key], str) else field[key][0]
            words.append(f"{word}={value!r}")
    return " ".join(words), own["guess"]


@pytest.mark.parametrize("case", FILES, ids=lambda case: f"{case.origin}-{case.name}")
def test_a_foreign_column_is_asked_about_noted_or_read_as_it_stands(case: Foreign) -> None:
    draft = drafted(case)
    read, note = reading(draft, case)
    assert read == case.read
    assert case.note_text in note
    text = json.dumps(draft.document, ensure_ascii=False)
    if case.asked:
        assert any(case.name in question for question in draft.missing)
        with pytest.raises(ContractError, match="leaves"):
            parse_schema(text, "t")
    else:
        assert draft.missing == ()
        parse_schema(text, "t")


def page() -> Iterator[str]:
    """The lines of ``docs/foreign-files.md``."""
    yield "# Files from elsewhere\n"
    yield f"What `schema infer` makes of {len(FILES)} columns as other systems write them; a test holds each line.\n"
    yield "| written by | column | cells | asked or told | read as |\n|---|---|---|---|---|"
    for case in FILES:
        cells = ", ".join(f"`{cell}`" for cell in case.cells[:3] if cell)
        note_text = f"{'asks: ' if case.asked else ''}{case.note_text}" if case.note_text else "nothing: one reading"
        read = "nothing until somebody decides" if case.asked else case.read
        yield f"| {case.origin} | `{case.name}` | {cells} | {note_text} | {read} |"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == "\n".join(page()) + "\n"


if __name__ == "__main__":
    print("\n".join(page()))
