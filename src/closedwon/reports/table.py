"""What a report is: tables with typed columns, totals, series for charts, notes."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

Cell = str | int | bool | Decimal | date | datetime | None


class Kind(StrEnum):
    """How a column is shown and exported."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    """In major units of the row's or table's currency, exact."""
    DATE = "date"
    INSTANT = "instant"


class Column(msgspec.Struct, frozen=True):
    """A named column."""

    name: str
    kind: Kind = Kind.TEXT


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows under columns; ``totals`` is one more row, or None."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    totals: tuple[Cell, ...] | None = None


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Named values over labels, for one line or stack of a chart."""

    name: str
    values: tuple[Decimal, ...]


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """Bars (stacked) or lines over shared labels, in major units."""

    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    lines: bool = False


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Tables, charts and sentences about one question, as of an instant."""

    title: str
    as_of: datetime
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know; shown before the tables."""
    has_exceptions: bool = False
    """Whether something needs a person (exit code 10 with --detailed-exitcode)."""
