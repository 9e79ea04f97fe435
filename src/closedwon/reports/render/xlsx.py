"""A workbook, one sheet per table. No text becomes a formula, no digit is lost.

A spreadsheet holds numbers as doubles of 15 digits; a longer amount is written as text.
"""

import io
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter

from closedwon.reports.render.cells import plain
from closedwon.reports.table import Cell, Kind, Report, Table

DIGITS_MAX = 15
SHEET_NAME_MAX = 31
FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", " "))
FORMATS = {Kind.MONEY: "#,##0.00;[Red]-#,##0.00", Kind.DATE: "yyyy-mm-dd"}
OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "remove_timezone": True,
}


def render(report: Report) -> bytes:
    """The workbook; equal reports give equal cells."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, OPTIONS)
    book.set_properties({"title": report.title, "created": report.as_of.replace(tzinfo=None)})
    bold = book.add_format({"bold": True, "bottom": 1})
    formats = {kind: book.add_format({"num_format": text}) for kind, text in FORMATS.items()}
    for table in report.tables:
        _sheet(book.add_worksheet(_sheet_name(table.name)), table, bold, formats)
    book.close()
    return out.getvalue()


def _sheet_name(name: str) -> str:
    return name.translate(FORBIDDEN)[:SHEET_NAME_MAX]


def _sheet(sheet: Any, table: Table, bold: Any, formats: dict[Kind, Any]) -> None:
    rows = [*table.rows, *([table.totals] if table.totals is not None else [])]
    for at, column in enumerate(table.columns):
        sheet.write_string(0, at, column.name, bold)
        width = max([len(column.name), *(len(plain(row[at])) for row in rows)]) + 2
        sheet.set_column(at, at, min(width, 60))
        for number, row in enumerate(rows, start=1):
            _write(sheet, number, at, row[at], formats.get(column.kind))
    sheet.freeze_panes(1, 0)


def _write(sheet: Any, row: int, column: int, cell: Cell, style: Any) -> None:
    match cell:
        case None:
            sheet.write_blank(row, column, None)
        case bool():
            sheet.write_boolean(row, column, cell)
        case Decimal() | int() if _fits(Decimal(cell)):
            sheet.write_number(row, column, cell, style)
        case date() if not isinstance(cell, datetime):
            sheet.write_datetime(row, column, cell, style)
        case _:
            sheet.write_string(row, column, plain(cell))


def _fits(number: Decimal) -> bool:
    return len(number.normalize().as_tuple().digits) <= DIGITS_MAX
