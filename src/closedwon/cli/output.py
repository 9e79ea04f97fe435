"""Rows as a table, JSON, JSON lines or CSV, on stdout or in a file; amounts stay exact."""

import csv
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import click

from closedwon.kernel.instant import parse_instant, wire_instant

DATE_LENGTH = len("2025-01-01")
FORMATS = ("table", "json", "jsonl", "csv")
PIPED_WIDTH = 1000
"""Nobody reads a pipe on a narrow screen: one record stays one line."""
INERT = ("=", "+", "-", "@", "\t", "\r")
"""First letters a spreadsheet would take for a formula (G25)."""

Command = TypeVar("Command", bound=Callable[..., Any])
Rows = Sequence[Mapping[str, Any]]


def output_options(command: Command) -> Command:
    """Adds ``--format`` and ``-o``."""
    file = click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write to this file instead of stdout.",
    )
    kind = click.option(
        "--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True
    )
    return kind(file(command))


def as_of_options(command: Command) -> Command:
    """Adds ``--as-of`` and ``--known-at``: instants in UTC, or None for now."""
    known = click.option(
        "--known-at",
        metavar="INSTANT",
        callback=lambda _ctx, _option, text: _instant(text),
        help="By the terms and invoices recorded by then; usage is that of now.",
    )
    as_of = click.option(
        "--as-of",
        metavar="INSTANT",
        callback=lambda _ctx, _option, text: _instant(text),
        help="As it stood at this instant (UTC date or RFC 3339), by what is known now.",
    )
    return as_of(known(command))


def _instant(text: str | None) -> datetime | None:
    from closedwon.kernel.errors import Refused

    if text is None:
        return None
    try:
        return parse_instant(f"{text}T00:00:00Z" if len(text) == DATE_LENGTH else text)
    except Refused as error:
        raise click.BadParameter(str(error)) from error


def show(rows: Rows, format_: str, output: Path | None = None) -> None:
    """Print ``rows``; every row has the same keys, in column order."""
    text = _RENDER[format_](rows)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"wrote {output}", err=True)


def cell(value: Any) -> str:
    """One value for people."""
    match value:
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case Decimal():
            return f"{value:,f}"
        case list() | tuple():
            return "; ".join(cell(one) for one in value)
        case Mapping():
            return "; ".join(f"{name} {cell(one)}" for name, one in value.items())
        case _:
            return "" if value is None else str(value)


def plain(value: Any) -> Any:
    """One value for programs: instants as text, decimals exact."""
    match value:
        case datetime():
            return wire_instant(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {str(key): plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
        case _:
            return value


def _table(rows: Rows) -> str:
    from rich.console import Console
    from rich.table import Table

    if not rows:
        return "nothing to show\n"
    table = Table(box=None, pad_edge=False)
    for name, value in rows[0].items():
        justify = "right" if isinstance(value, int | Decimal) else "left"
        table.add_column(name.replace("_", " "), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*(cell(value) for value in row.values()))
    buffer = io.StringIO()
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(file=buffer, width=width, markup=False, highlight=False).print(table)
    return buffer.getvalue()


def _json(rows: Rows) -> str:
    from closedwon.kernel import strict_json

    return strict_json.dumps([plain(row) for row in rows]) + "\n"


def _json_lines(rows: Rows) -> str:
    from closedwon.kernel import strict_json

    return "".join(strict_json.dumps(plain(row)) + "\n" for row in rows)


def _csv(rows: Rows) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    if rows:
        writer.writerow(rows[0])
    for row in rows:
        writer.writerow([_inert(value) for value in row.values()])
    return buffer.getvalue()


def _inert(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    found = plain(value)
    text = "" if found is None else cell(found)
    is_text = isinstance(found, str | list)
    return f"'{text}" if is_text and text.startswith(INERT) else text


_RENDER: dict[str, Callable[[Rows], str]] = {
    "table": _table,
    "json": _json,
    "jsonl": _json_lines,
    "csv": _csv,
}
