"""Aligned text tables for a terminal."""

from collections.abc import Iterator

from closedwon.kernel.instant import wire_instant
from closedwon.reports.render.cells import shown
from closedwon.reports.table import Kind, Report, Table

RIGHT = {Kind.NUMBER, Kind.MONEY}


def render(report: Report) -> str:
    """The whole report, ending with a newline."""
    lines = [f"{report.title}, as of {wire_instant(report.as_of)}"]
    lines += [f"  {note}" for note in report.notes]
    for table in report.tables:
        lines += ["", table.name, *_table(table)]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> Iterator[str]:
    if not table.rows:
        yield "  (none)"
        return
    kinds = [column.kind for column in table.columns]
    body = [
        [shown(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in table.rows
    ]
    total = table.totals and [
        shown(cell, kind) for cell, kind in zip(table.totals, kinds, strict=True)
    ]
    head = [column.name for column in table.columns]
    everything = [head, *body, *([total] if total else [])]
    widths = [max(len(row[at]) for row in everything) for at in range(len(head))]
    rule = "  ".join("-" * width for width in widths)
    yield _line(head, widths, kinds)
    yield rule
    for row in body:
        yield _line(row, widths, kinds)
    if total:
        yield rule
        yield _line(total, widths, kinds)


def _line(cells: list[str], widths: list[int], kinds: list[Kind]) -> str:
    padded = [
        cell.rjust(width) if kind in RIGHT else cell.ljust(width)
        for cell, width, kind in zip(cells, widths, kinds, strict=True)
    ]
    return "  ".join(padded).rstrip()
