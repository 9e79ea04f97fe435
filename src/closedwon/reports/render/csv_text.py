"""CSV, one table after another with an empty line between; exact and inert in a spreadsheet."""

import csv
import io
from decimal import Decimal

from closedwon.reports.render.cells import inert, plain
from closedwon.reports.table import Cell, Report


def render(report: Report) -> str:
    """All tables with their header rows; totals are left out, or a reader would add them twice."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for at, table in enumerate(report.tables):
        if at:
            writer.writerow([])
        writer.writerow([column.name for column in table.columns])
        writer.writerows([_cell(cell) for cell in row] for row in table.rows)
    return out.getvalue()


def _cell(cell: Cell) -> str:
    return plain(cell) if isinstance(cell, Decimal | int) else inert(plain(cell))
