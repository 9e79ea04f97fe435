"""Charts as inline SVG: stacked bars or lines, readable in light and dark."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from html import escape

from closedwon.reports.render.cells import shown
from closedwon.reports.table import Chart, Kind

WIDTH, HEIGHT = 960, 280
LEFT, RIGHT, TOP, BOTTOM = 90, 10, 12, 42
COLORS = ("#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6", "#14b8a6", "#f472b6", "#64748b")
TICKS = 5
LABELS_MAX = 14


def chart_svg(chart: Chart) -> str:
    """The chart as a figure with its legend; empty text when there is nothing to draw."""
    if not chart.labels or not chart.series:
        return ""
    top = _top(chart)
    parts = [*_axis(top), *(_lines(chart, top) if chart.lines else _bars(chart, top))]
    parts += _labels(chart.labels)
    legend = " ".join(
        f'<tspan fill="{COLORS[at % len(COLORS)]}">&#9632;</tspan> '
        f'<tspan dx="4">{escape(series.name)}</tspan>&#160;&#160;'
        for at, series in enumerate(chart.series)
    )
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 6}">{legend}</text>')
    return (
        f"<figure><figcaption>{escape(chart.title)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(chart.title)}">'
        f"{''.join(parts)}</svg></figure>"
    )


def _top(chart: Chart) -> Decimal:
    """A round number at or above the highest point."""
    if chart.lines:
        highest = max(max(series.values) for series in chart.series)
    else:
        highest = max(
            sum((max(series.values[at], Decimal(0)) for series in chart.series), Decimal(0))
            for at in range(len(chart.labels))
        )
    if highest <= 0:
        return Decimal(1)
    unit = Decimal(1).scaleb(highest.adjusted())
    return next(unit * step for step in (1, 2, 3, 4, 5, 6, 8, 10) if unit * step >= highest)


def _y(value: Decimal, top: Decimal) -> Decimal:
    share = max(value, Decimal(0)) / top
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _slot(labels: int) -> Decimal:
    return Decimal(WIDTH - LEFT - RIGHT) / labels


def _axis(top: Decimal) -> Iterator[str]:
    for tick in range(TICKS + 1):
        value = top * tick / TICKS
        y = _y(value, top)
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="#8884"/>'
        text = shown(round(value, 2), Kind.NUMBER)
        yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{text}</text>'


def _bars(chart: Chart, top: Decimal) -> Iterator[str]:
    slot = _slot(len(chart.labels))
    width = round(slot * Decimal("0.72"), 1)
    for at, label in enumerate(chart.labels):
        x = round(LEFT + slot * at + slot * Decimal("0.14"), 1)
        floor = Decimal(0)
        for number, series in enumerate(chart.series):
            value = max(series.values[at], Decimal(0))
            if not value:
                continue
            y, below = _y(floor + value, top), _y(floor, top)
            floor += value
            hint = f"{label}, {series.name}: {shown(value, Kind.MONEY)}"
            yield (
                f'<rect x="{x}" y="{y}" width="{width}" height="{below - y}" '
                f'fill="{COLORS[number % len(COLORS)]}"><title>{escape(hint)}</title></rect>'
            )


def _lines(chart: Chart, top: Decimal) -> Iterator[str]:
    slot = _slot(len(chart.labels))
    for number, series in enumerate(chart.series):
        points = " ".join(
            f"{round(LEFT + slot * at + slot / 2, 1)},{_y(value, top)}"
            for at, value in enumerate(series.values)
        )
        color = COLORS[number % len(COLORS)]
        yield f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>'


def _labels(labels: Sequence[str]) -> Iterator[str]:
    slot = _slot(len(labels))
    every = -(-len(labels) // LABELS_MAX)
    for at, label in enumerate(labels):
        if at % every == 0:
            x = round(LEFT + slot * at + slot / 2, 1)
            y = HEIGHT - BOTTOM + 16
            yield f'<text x="{x}" y="{y}" text-anchor="middle">{escape(label)}</text>'
