"""Damaged input files for the demo schema, and what each must give; shared by the reading and the scoring tests."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

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


def _parquet_named_csv(folder: Path) -> Path:
    return _parquet(folder).rename(folder / "applications.csv")


def zipped(files: Mapping[str, str]) -> bytes:
    """A ZIP archive of these files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def workbook(sheets: Mapping[str, str]) -> bytes:
    """A workbook (.xlsx) of these sheets, each given as CSV; numbers are numbers, the rest is text."""
    main, office = "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://schemas.openxmlformats.org"
    names = list(sheets)
    entries = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(names, 1))
    parts = {f"xl/worksheets/sheet{n}.xml": _sheet(sheets[name], main) for n, name in enumerate(names, 1)}
    relation = f"{office}/officeDocument/2006/relationships"
    package = f'<Relationships xmlns="{office}/package/2006/relationships">'
    links = "".join(
        f'<Relationship Id="r{n}" Type="{relation}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(names) + 1)
    )
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{office}/package/2006/content-types"/>',
            "_rels/.rels": f'{package}<Relationship Id="b" Type="{relation}/officeDocument" Target="xl/workbook.xml"/>'
            "</Relationships>",
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relation}"><sheets>{entries}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f"{package}{links}</Relationships>",
            **parts,
        }
    )


def _sheet(text: str, main: str) -> str:
    rows = [
        "".join(
            f"<c><v>{cell}</v></c>"
            if re.fullmatch(r"-?\d+(\.\d+)?", cell)
            else f'<c t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
            for cell in cells
        )
        for cells in csv.reader(io.StringIO(text, newline=""))
    ]
    return (
        f'<worksheet xmlns="{main}"><sheetData>{"".join(f"<row>{row}</row>" for row in rows)}</sheetData></worksheet>'
    )


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
WORDS = [
    *[
        "Müller",
        "möchte",
        "für",
        "Köln",
        "die",
        "Straße,",
        "Größe",
        "über",
        "fünf",
        "schöne",
        "Häuser,",
        "Mädchen",
        "grüßen",
    ]
]
CHINESE_WORDS = ["我想申请一笔贷款用于装修房子", "在北京工作的工程师", "家庭收入稳定", "每月按时还款"]
TAIWANESE_WORDS = ["我想申請一筆貸款用於裝修房子", "在臺北工作的工程師", "家庭收入穩定", "每月按時還款"]
JAPANESE_WORDS = ["住宅ローンを申請します", "東京の会社員です", "毎月きちんと返済しています", "車を買いたい"]


def written(words: Sequence[str]) -> str:
    """Three rows with these words in their statements."""
    return table(*(line(n, {"statement": " ".join(words[n - 1 :]), "job_title": words[-n]}) for n in (1, 2, 3)))


GERMAN, CHINESE = written(WORDS), written(CHINESE_WORDS)
TAIWANESE, JAPANESE = written(TAIWANESE_WORDS), written(JAPANESE_WORDS)
DAMAGED_UTF8 = GERMAN.encode().replace("Köln".encode(), b"K\xf6ln", 2).replace(b"K\xf6ln", "Köln".encode(), 1)
TRAILING = HEADER + SOUND.removeprefix(HEADER).replace("\n", ",\n")
COUNTED = "".join(f"{at - 1 if at else ''},{text}\n" for at, text in enumerate(SOUND.splitlines()))
ROW_NAMES = HEADER + "".join(f"{at},{text}\n" for at, text in enumerate(SOUND.splitlines()[1:], 1))
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
    Case("semicolons", writes(SOUND.replace(",", ";"))),
    Case("tabs", writes(SOUND.replace(",", "\t"))),
    Case("pipes", writes(SOUND.replace(",", "|"))),
    Case(
        "semicolons, commas named",
        writes(SOUND.replace(",", ";")),
        error=ContractError,
        match="set it to ';'",
        options=ReadOptions(delimiter=","),
    ),
    Case("sep= line", writes("sep=;\n" + SOUND.replace(",", ";"))),
    Case("notice before the header", writes("Loans offered by prospectus, 2024\n\n" + SOUND)),
    Case("totals behind the table", writes(SOUND + "\nTotal amount funded: 471701350\nRows: 3\n")),
    Case("delimiter at the end of every line", writes(SOUND.replace("\n", ",\n"))),
    Case("delimiter at the end of every row", writes(TRAILING)),
    Case(
        "delimiter at the end of every row but one with another cell",
        writes(TRAILING.replace("nurse,\n", "nurse,night\n", 1)),
        rejected={1: ("", "width")},
    ),
    Case("column of row numbers without a name", writes(COUNTED)),
    Case("row names without a header", writes(ROW_NAMES), error=ContractError, match="Give the first column a name"),
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
    Case("UTF-16 without a mark", writes(SOUND.encode("utf-16-le"))),
    Case("latin-1, one letter", writes(LATIN), error=ContractError, match="--encoding cp1252"),
    Case("cp1252", writes(GERMAN.encode("cp1252"))),
    Case("GB18030", writes(CHINESE.encode("gb18030"))),
    Case("Big5", writes(TAIWANESE.encode("big5"))),
    Case("Shift-JIS", writes(JAPANESE.encode("cp932"))),
    Case("a damaged row of UTF-8", writes(DAMAGED_UTF8), rejected={2: ("", "encoding")}),
    Case(
        "UTF-8, latin-1 named",
        writes(GERMAN),
        error=ContractError,
        match="would garble it",
        options=ReadOptions(encoding="latin-1"),
    ),
    Case(
        "GB18030, Big5 named",
        writes(CHINESE.encode("gb18030")),
        error=ContractError,
        match="hold bytes that are no big5",
        options=ReadOptions(encoding="big5"),
    ),
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
    Case("text named .gz", writes(SOUND, "applications.csv.gz")),
    Case("gzip named .csv", writes(gzip.compress(SOUND.encode()))),
    Case("xz", writes(lzma.compress(SOUND.encode()), "applications.csv.xz")),
    Case("bzip2", writes(bz2.compress(SOUND.encode()), "applications.csv.bz2")),
    Case("ZIP archive of one file", writes(zipped({"applications.csv": SOUND}), "applications.zip")),
    Case(
        "ZIP archive of two files",
        writes(zipped({"a.csv": SOUND, "b.csv": SOUND}), "applications.zip"),
        error=ContractError,
        match="a ZIP archive of 2 files ('a.csv', 'b.csv')",
    ),
    Case("damaged ZIP archive", writes(b"PK\x03\x04 and so on"), error=RunError, match="cannot be read"),
    Case("workbook", writes(workbook({"Loans": SOUND}), "applications.xlsx")),
    Case(
        "workbook of two sheets",
        writes(workbook({"Loans": SOUND, "More": SOUND}), "applications.xlsx"),
        error=ContractError,
        match="--sheet 'Loans'",
    ),
    Case(
        "workbook of two sheets, one named",
        writes(workbook({"Loans": SOUND, "More": ""}), "applications.xlsx"),
        options=ReadOptions(sheet="Loans"),
    ),
    Case(
        "damaged workbook",
        writes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old.xls"),
        error=ContractError,
        match="save it as .xlsx or as CSV",
    ),
    Case("web page named .xls", writes("<html><table>", "old.xls"), error=ContractError, match="holds HTML"),
    Case("JSON", writes('{"a": 1}'), error=ContractError, match="holds JSON"),
    Case("Zstandard", writes(b"\x28\xb5\x2f\xfd and so on"), error=ContractError, match="zstd -d"),
    Case("Parquet named .csv", _parquet_named_csv, rejected={3: ("application_id", "unique")}),
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
    broken_rules = (
        f"row {row}: `{rule}`" + (f" in `{column}`" if column else "") for row, (column, rule) in case.rejected.items()
    )
    rejected = f"{len(case.rejected)} rejected ({'; '.join(broken_rules)})" if case.rejected else "none rejected"
    return f"{case.n_rows} rows: {case.n_rows - len(case.rejected)} scored, {rejected}"


if __name__ == "__main__":
    print(as_markdown(), end="")
