"""A sheet of a workbook (.xlsx, .xlsb, .xls, .ods) as CSV text, so that it is read and checked as any table is."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from data_schemas.dates import write_date
from data_schemas.errors import ContractError
from data_schemas.fields import Field, FieldType
from features.tables.number_cells import as_written

if TYPE_CHECKING:
    import python_calamine

_HEADER_ROWS = 50  # rows among which the columns' names are looked for
_EXACT = 10**15  # spreadsheets keep fifteen digits of a number

Cell = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta


def sheet_as_csv(path: Path, sheet: str | None, fields: Mapping[str, Field]) -> tuple[bytes, str]:
    """A sheet as CSV text in UTF-8, one line for each of its rows, and its name.

    Numbers are written without a needless ".0". A row of which only the first cell is filled stands without delimiters.

    Args:
        sheet: its name; None: the only one with cells that is not hidden.
        fields: the contract's columns by name, in whose notation dates and numbers are written; else as in ISO 8601 and
            with a decimal point.

    Raises:
        ContractError: for no such sheet, several, a number of more digits than a spreadsheet keeps, or a workbook that
            cannot be read.
    """
    import python_calamine as calamine  # only workbooks need it

    try:
        book = calamine.load_workbook(path)
        name = sheet if sheet in book.sheet_names else _only_sheet(path, book, sheet)
        table = book.get_sheet_by_name(name)
        rows: list[list[Cell]] = table.to_python(skip_empty_area=False)
    except calamine.PasswordError as error:
        raise ContractError(f"{path} is protected by a password", "Save the workbook without one.") from error
    except calamine.CalamineError as error:
        remedy = "Open it in a spreadsheet, and save it as .xlsx or as CSV."
        raise ContractError(f"{path} looks like a workbook and cannot be read as one ({error})", remedy) from error
    return _as_csv(rows, fields, path), name


def _only_sheet(path: Path, book: python_calamine.CalamineWorkbook, sheet: str | None) -> str:
    import python_calamine as calamine

    visible = calamine.SheetVisibleEnum.Visible
    names = [one.name for one in book.sheets_metadata if one.visible == visible]
    filled = [name for name in names if book.get_sheet_by_name(name).height]
    if sheet is None and len(filled) == 1:
        return filled[0]
    listed = ", ".join(repr(name) for name in filled or names)
    if sheet is not None:
        raise ContractError(f"{path} has no sheet {sheet!r}", f"It has: {listed}.")
    if not filled:
        raise ContractError(f"{path} has no sheet with cells", "Name a workbook that holds a table.")
    raise ContractError(
        f"{path} holds several tables: the sheets {listed}", f"Name one, as with --sheet {filled[0]!r}."
    )


def _as_csv(rows: Sequence[Sequence[Cell]], fields: Mapping[str, Field], path: Path) -> bytes:
    columns: dict[int, Field] = {}
    for row in rows[:_HEADER_ROWS]:
        for at, cell in enumerate(row):
            if isinstance(cell, str) and cell.strip() in fields:
                columns.setdefault(at, fields[cell.strip()])
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for number, row in enumerate(rows, 1):
        cells = [_as_text(cell, columns.get(at), path, number) for at, cell in enumerate(row)]
        writer.writerow(cells if any(cells[1:]) else cells[:1] if cells and cells[0] else [])
    return text.getvalue().encode("utf-8", "replace")


def _as_text(cell: Cell, field: Field | None, path: Path, row: int) -> str:
    match cell:
        case bool():
            return "true" if cell else "false"
        case int() | float():
            return _number(cell, field, path, row)
        case dt.datetime() | dt.date():
            day = cell if isinstance(cell, dt.datetime) else dt.datetime.combine(cell, dt.time())
            if field is not None and field.type is FieldType.DATE:
                return write_date(day, field.date_format, field.date_language)
            return day.date().isoformat() if day.time() == dt.time() else day.isoformat(sep=" ")
    return str(cell)


def _number(cell: float, field: Field | None, path: Path, row: int) -> str:
    if abs(cell) >= _EXACT:
        what = f"{path}, row {row}: a number of more than 15 digits, which a spreadsheet does not keep"
        raise ContractError(what, "Have its column exported as text.")
    text = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else repr(cell)
    if field is None or not field.is_numeric:
        return text
    return str(as_written(pa.array([text], pa.string()), field)[0].as_py())
