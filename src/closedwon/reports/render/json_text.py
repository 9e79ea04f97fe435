"""JSON with exact numbers; rows are objects keyed by column name."""

from decimal import Decimal

from closedwon.kernel.instant import wire_instant
from closedwon.kernel.strict_json import dumps
from closedwon.reports.render.cells import plain
from closedwon.reports.table import Cell, Report, Table


def render(report: Report) -> str:
    """One object: title, as_of, notes and the tables by name."""
    return (
        dumps(
            {
                "title": report.title,
                "as_of": wire_instant(report.as_of),
                "notes": list(report.notes),
                "tables": {table.name: _table(table) for table in report.tables},
            }
        )
        + "\n"
    )


def _table(table: Table) -> dict[str, object]:
    names = [column.name for column in table.columns]
    rows = [dict(zip(names, map(_cell, row), strict=True)) for row in table.rows]
    if table.totals is None:
        return {"rows": rows}
    return {"rows": rows, "totals": dict(zip(names, map(_cell, table.totals), strict=True))}


def _cell(cell: Cell) -> str | int | bool | Decimal | None:
    if cell is None or isinstance(cell, bool | int | Decimal):
        return cell
    return plain(cell)
