"""One self-contained HTML page with charts as inline SVG: no script, no font, no request."""

from decimal import Decimal
from html import escape

from closedwon.kernel.instant import wire_instant
from closedwon.reports.render.cells import shown
from closedwon.reports.render.svg import chart_svg
from closedwon.reports.table import Kind, Report, Table

STYLE = """
:root { color-scheme: light dark; --line: #8884; --mute: #8889; --bad: #c0392b; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 3rem 0 .2rem; } h1:first-child { margin-top: 0; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p.as-of, li { color: color-mix(in srgb, currentColor 75%, transparent); margin: .1rem 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
td.date { white-space: nowrap; }
th { font-weight: 600; position: sticky; top: 0; background: Canvas; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.negative { color: var(--bad); } tr.totals td { font-weight: 600; border-top: 2px solid; }
figure { margin: 1rem 0; } figcaption { font-weight: 600; margin-bottom: .3rem; }
svg { width: 100%; height: auto; }
svg text { font: 11px system-ui, sans-serif; fill: currentColor; }
@media print { body { margin: 0; } th { position: static; } }
"""


def render(*reports: Report) -> str:
    """All ``reports`` on one page, in order."""
    title = escape(reports[0].title if len(reports) == 1 else "closedwon finance report")
    body = "\n".join(_report(report) for report in reports)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{title}</title>\n"
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _report(report: Report) -> str:
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    return "\n".join(
        [
            f"<h1>{escape(report.title)}</h1>",
            f'<p class="as-of">as of {wire_instant(report.as_of)}</p>',
            f"<ul>{notes}</ul>" if notes else "",
            *(chart_svg(chart) for chart in report.charts),
            *(_table(table) for table in report.tables),
        ]
    )


def _table(table: Table) -> str:
    kinds = [column.kind for column in table.columns]
    head = "".join(f"<th{_css(column.kind)}>{escape(column.name)}</th>" for column in table.columns)
    rows = "\n".join(f"<tr>{_cells(row, kinds)}</tr>" for row in table.rows)
    if not table.rows:
        rows = f'<tr><td colspan="{len(kinds)}">none</td></tr>'
    totals = ""
    if table.totals is not None:
        totals = f'<tfoot><tr class="totals">{_cells(table.totals, kinds)}</tr></tfoot>'
    return (
        f'<h2>{escape(table.name)}</h2>\n<div class="scroll"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n{totals}</table></div>"
    )


def _cells(row: tuple[object, ...], kinds: list[Kind]) -> str:
    cells = []
    for cell, kind in zip(row, kinds, strict=True):
        negative = isinstance(cell, Decimal) and cell < 0
        css = _css(kind, negative=negative)
        cells.append(f"<td{css}>{escape(shown(cell, kind))}</td>")  # type: ignore[arg-type]
    return "".join(cells)


def _css(kind: Kind, *, negative: bool = False) -> str:
    if kind in (Kind.DATE, Kind.INSTANT):
        return ' class="date"'
    if kind not in (Kind.MONEY, Kind.NUMBER):
        return ""
    return ' class="number negative"' if negative else ' class="number"'
