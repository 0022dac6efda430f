"""Damaged input files for the demo schema, and what each must give; shared by the reading and the scoring tests."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from data_schemas.errors import ContractError, RunError, UserError
from features.tables.reader import ReadOptions

GOOD = {
    "application_id": "A-1",
    "applied_on": "2024-03-01",
    "amount": "12000",
    "term_months": "36",
    "annual_income": "54000.50",
    "employment_years": "4",
    "home": "rent",
    "purpose": "car",
    "dti": "0.21",
    "credit_score": "690",
    "open_accounts": "7",
    "delinquencies_2y": "0",
    "utilisation": "0.4",
    "inquiries_6m": "1",
    "account_opened": "2009-05-31",
    "statement": "I need a car for work.",
    "job_title": "nurse",
}
"""A sound row of the demo schema, without the columns that scoring does not need."""

Writer = Callable[[Path], Path]


@dataclass(frozen=True)
class Case:
    """One damaged input.

    write: writes it into a folder and returns its path. n_rows: rows that it holds, scored and rejected together.
    rejected: (column, rule) by row number. error, match: what reading raises instead, and a part of its message (plain
    text, no pattern).
    """

    name: str
    write: Writer
    n_rows: int = 3
    rejected: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    error: type[UserError] | None = None
    match: str = ""
    options: ReadOptions = field(default_factory=ReadOptions)


def line(number: int, changes: Mapping[str, str] | None = None, delimiter: str = ",") -> str:
    """A CSV line: the sound row under the id ``A-<number>``, with changes."""
    return csv_line(list(({**GOOD, "application_id": f"A-{number}", **(changes or {})}).values()), delimiter)


def csv_line(cells: Sequence[str], delimiter: str = ",") -> str:
    """Cells as one CSV line."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerow(cells)  # quotes a cell that holds CR
    return text.getvalue().removesuffix("\r\n") + "\n"


HEADER = csv_line(list(GOOD))


def table(*lines: str) -> str:
    """A CSV file of the demo schema with these lines below the header."""
    return HEADER + "".join(lines)


def with_second(changes: Mapping[str, str]) -> str:
    """Three rows, the second changed."""
    return table(line(1), line(2, changes), line(3))


def writes(content: str | bytes, name: str = "applications.csv") -> Writer:
    """A writer of this content; text as UTF-8."""

    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def _folder(folder: Path) -> Path:
    path = folder / "applications.csv"
    path.mkdir()
    return path


def _nothing(folder: Path) -> Path:
    return folder / "applications.csv"


def _parquet(folder: Path) -> Path:
    rows = [GOOD | {"application_id": f"A-{number}"} for number in (1, 2, 2)]
    numbers = ("amount", "term_months", "annual_income", "dti", "credit_score")
    frame = pd.DataFrame(rows).astype(dict.fromkeys(numbers, "float64"))
    frame["applied_on"] = pd.to_datetime(frame["applied_on"])
    path = folder / "applications.parquet"
    frame.to_parquet(path)
    return path


def _broken_parquet(folder: Path) -> Path:
    path = _parquet(folder)
    path.write_bytes(path.read_bytes()[:-40])
    return path


SOUND = table(line(1), line(2), line(3))
SHORT = csv_line(list(GOOD.values())[:-2])
LONG = line(2).rstrip("\n") + ",one,two\n"
UNCLOSED = line(2, {"statement": "OPEN"}).replace("OPEN", '"I need')
MANY = "".join(line(number) for number in range(3, 503))
LATIN = with_second({"statement": "café"}).encode("latin-1")
QUOTED_PAIR = line(3, {"statement": 'two\nlines, "quoted"'})
BROKEN_PAIR = line(2, {"statement": "two\nlines"}).rstrip("\n") + ",extra\n"
WITHOUT_TWO = "".join(
    csv_line([cell for name, cell in zip(GOOD, row, strict=True) if name not in ("dti", "statement")])
    for row in csv.reader(SOUND.splitlines())
)
TRUNCATED_GZIP = gzip.compress(table(*(line(n, {"job_title": f"{n * 7919:x}"}) for n in range(5000))).encode())[:20_000]


def _second(name: str, column: str, cell: str, rule: str) -> Case:
    """A case whose second row is rejected for one cell."""
    return Case(name, writes(with_second({column: cell})), rejected={2: (column, rule)})


CASES = (
    Case("sound", writes(SOUND)),
    # Rows that do not fit the header
    Case("short row", writes(table(line(1), SHORT, line(3))), rejected={2: ("", "width")}),
    Case("long row", writes(table(line(1), LONG, line(3))), rejected={2: ("", "width")}),
    Case(
        "row of empty cells",
        writes(table(line(1), "," * 16 + "\n", line(3))),
        rejected={2: ("application_id", "required")},
    ),
    Case(
        "line of totals",
        writes(table(line(1), "Total: 2 loans,,24000" + "," * 14 + "\n", line(3))),
        rejected={2: ("application_id", "totals")},
    ),
    Case(
        "row of an id alone",
        writes(table(line(1), "A-2" + "," * 16 + "\n", line(3))),
        rejected={2: ("application_id", "empty")},
    ),
    Case("blank lines", writes(table("\n", line(1), "\n\n", line(2), "  \n", line(3), "\n"))),
    Case("long row over two lines", writes(table(line(1), BROKEN_PAIR, line(3))), rejected={2: ("", "width")}),
    # Line ends
    Case("CRLF", writes(SOUND.replace("\n", "\r\n"))),
    Case("CR alone", writes(SOUND.replace("\n", "\r"))),
    Case("no final newline", writes(SOUND.rstrip("\n"))),
    Case(
        "CR inside an unquoted cell",
        writes(table(line(1), line(2, {"statement": "?"}).replace("?", "a\rb"), line(3))),
        rejected={2: ("", "quoting")},
    ),
    # Quotes
    Case("quoted line break", writes(table(line(1), line(2), QUOTED_PAIR))),
    Case("unclosed quote", writes(table(line(1), UNCLOSED, line(3))), rejected={2: ("", "quoting")}),
    Case("unclosed quote, 500 rows follow", writes(table(line(1), UNCLOSED, MANY)), 502, {2: ("", "quoting")}),
    Case("unclosed quote in the last row", writes(table(line(1), line(3), UNCLOSED)), rejected={3: ("", "quoting")}),
    Case(
        "unclosed quote before a quoted pair",
        writes(table(line(1), UNCLOSED, QUOTED_PAIR)),
        rejected={2: ("", "quoting")},
    ),
    Case(
        "text after a closing quote",
        writes(table(line(1), line(2, {"statement": "OPEN"}).replace("OPEN", '"a" b'), line(3))),
        rejected={2: ("", "quoting")},
    ),
    Case(
        "quote inside an unquoted cell", writes(table(line(1), line(2, {"statement": "?"}).replace("?", '6"'), line(3)))
    ),
    Case("line of 9 MB", writes(with_second({"branch_note": "x" * 9_000_000})), rejected={2: ("", "size")}),
    # Delimiter and header
    Case("semicolons", writes(SOUND.replace(",", ";")), error=ContractError, match="delimiter option to ';'"),
    Case("tabs", writes(SOUND.replace(",", "\t")), error=ContractError, match=r"delimiter option to '\t'"),
    Case("pipes", writes(SOUND.replace(",", "|")), error=ContractError, match="delimiter option to '|'"),
    Case("tabs, named", writes(SOUND.replace(",", "\t")), options=ReadOptions(delimiter=r"\t")),
    Case("semicolons, named", writes(SOUND.replace(",", ";")), options=ReadOptions(delimiter=";")),
    Case(
        "repeated header name", writes(SOUND.replace("job_title", "dti", 1)), error=ContractError, match="'dti' twice"
    ),
    Case("missing columns", writes(WITHOUT_TWO), error=ContractError, match="lacks 'dti', 'statement'"),
    Case("other case", writes(SOUND.replace("dti", "DTI", 1)), error=ContractError, match="rename 'DTI' to 'dti'"),
    Case("extra column", writes("".join(f"{text},more\n" for text in SOUND.splitlines()))),
    Case("empty file", writes(""), error=ContractError, match="is empty"),
    Case("9 MB without a line break", writes("x" * 9_000_000), error=ContractError, match="not begin with a header"),
    Case("header only", writes(HEADER), 0),
    # Encoding
    Case("byte-order mark", writes(SOUND.encode("utf-8-sig"))),
    Case("UTF-16", writes(SOUND.encode("utf-16"))),
    Case("UTF-16 without a mark", writes(SOUND.encode("utf-16-le")), error=ContractError, match="utf-16-le"),
    Case("latin-1", writes(LATIN), rejected={2: ("", "encoding")}),
    Case("latin-1, named", writes(LATIN), options=ReadOptions(encoding="latin-1")),
    Case(
        "unknown encoding",
        writes(SOUND),
        error=ContractError,
        match="'klingon'",
        options=ReadOptions(encoding="klingon"),
    ),
    Case("NUL byte", writes(with_second({"job_title": "a\0b"})), rejected={2: ("", "nul")}),
    Case("emoji and Chinese", writes(with_second({"statement": "我要买车 🚗", "job_title": "护士"}))),
    # Cells
    _second("thousands separator", "annual_income", "54,000", "type"),
    _second("1e400", "annual_income", "1e400", "type"),
    _second("inf", "annual_income", "inf", "type"),
    _second("not a number", "annual_income", "nan", "type"),
    _second("fraction in an integer", "term_months", "36.5", "type"),
    _second("impossible date", "applied_on", "2023-02-29", "type"),
    _second("required cell empty", "amount", "", "required"),
    _second("below the minimum", "amount", "99", "minimum"),
    _second("above the maximum", "dti", "11", "maximum"),
    _second("date below the minimum", "account_opened", "1899-12-31", "minimum"),
    _second("pattern", "application_id", "a b", "pattern"),
    _second("narrative of 1 MB", "statement", "word " * 200_000, "maxLength"),
    _second("repeated id", "application_id", "A-1", "unique"),
    Case("spaces around cells", writes(with_second({"amount": " 12000 ", "home": " rent"}))),
    Case("unknown category", writes(with_second({"home": "houseboat"}))),
    Case("optional cells empty", writes(with_second(dict.fromkeys(list(GOOD)[4:], "")))),
    Case("HTML and formulas", writes(with_second({"statement": "<b>=1+1</b>", "job_title": "=HYPERLINK(1)"}))),
    # Files
    Case("folder", _folder, error=RunError, match="is a folder"),
    Case("missing path", _nothing, error=RunError, match="does not exist"),
    Case("gzip", writes(gzip.compress(SOUND.encode()), "applications.csv.gz")),
    Case("truncated gzip", writes(TRUNCATED_GZIP, "a.csv.gz"), error=RunError, match="breaks off after data row"),
    Case("text named .gz", writes(SOUND, "applications.csv.gz"), error=RunError, match="cannot be read"),
    Case("gzip named .csv", writes(gzip.compress(SOUND.encode())), error=ContractError, match="gzip data"),
    Case("workbook named .csv", writes(b"PK\x03\x04 and so on"), error=ContractError, match="Export the table as CSV"),
    Case("Parquet with a repeated id", _parquet, rejected={3: ("application_id", "unique")}),
    Case("truncated Parquet", _broken_parquet, error=RunError, match="cannot be read"),
)
"""All damaged inputs, in the order of the table that the documentation shows."""

_PREFACE = """# What damaged input gives

Each line is a test (`tests/support/damage.py`, schema `demo`). An error stops the run with one message; otherwise every
row of the file is scored or rejected, and the rejects file names the column, the rule and the remedy.

Two things happen to a file while it is scored, and are tested in `tests/experiments/score/test_job.py`. When the disk
is full, `score` stops with exit code 1, publishes nothing and keeps the rows written so far in `OUT.partial/`; with
space freed, the same command with `--resume` gives the bytes of a run without a break. When the input changes
meanwhile, nothing is published either.

| input | outcome |
|---|---|
"""


def as_markdown() -> str:
    """The table of all damaged inputs and what each gives, for the documentation."""
    return _PREFACE + "".join(f"| {case.name} | {_outcome(case)} |\n" for case in CASES)


def _outcome(case: Case) -> str:
    if case.error is not None:
        code = 2 if case.error is ContractError else 1
        return f'error, exit code {code}: "{case.match.replace("|", "&#124;")}"'
    told = (
        f"row {row}: `{rule}`" + (f" in `{column}`" if column else "") for row, (column, rule) in case.rejected.items()
    )
    rejected = f"{len(case.rejected)} rejected ({'; '.join(told)})" if case.rejected else "none rejected"
    return f"{case.n_rows} rows: {case.n_rows - len(case.rejected)} scored, {rejected}"


if __name__ == "__main__":
    print(as_markdown(), end="")
