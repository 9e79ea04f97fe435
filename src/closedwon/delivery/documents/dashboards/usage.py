"""Usage of the current billing period: each metric by day, and by group where one is named."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from closedwon.delivery.documents.dashboards.frame import LINES, Frame, Part, parts
from closedwon.delivery.documents.figures import number_text, period_text
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import DAY, Interval
from closedwon.store.embedded_links import GroupNames
from closedwon.usage.windows import WindowValue

NOTHING = "\N{EN DASH}"
"""Of a day without usage, which is not zero (R43)."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One metric's usage of a period."""

    total: WindowValue
    days: tuple[WindowValue, ...]
    groups: Mapping[str, tuple[WindowValue, ...]] = {}
    """By group key, what each of its values used in the whole period."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A day or a group."""

    name: str
    quantity: str
    bar: tuple[Part, ...]


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One metric."""

    name: str
    total: str
    color: int
    days: tuple[Row, ...]
    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    """Name of a group key, and its values."""


def usage_page(
    frame: Frame,
    period: Interval | None,
    measured: Sequence[Measured],
    names: Mapping[str, GroupNames],
) -> str:
    """The page; metrics without usage are only named. None where no period is open."""
    used = [one for one in measured if one.total.value is not None]
    return frame.page(
        "usage",
        period="" if period is None else period_text(period.start, period.end),
        sections=[_section(frame, at, one, names) for at, one in enumerate(used)],
        unused=sorted(one.total.metric_name for one in measured if one.total.value is None),
    )


def _section(frame: Frame, at: int, one: Measured, names: Mapping[str, GroupNames]) -> Section:
    past = [day for day in one.days if day.start <= frame.now]
    groups = (
        (
            names[key].name,
            _rows((_group_name(row, names[key]), row.value) for row in rows),
        )
        for key, rows in one.groups.items()
    )
    return Section(
        name=one.total.metric_name,
        total=number_text(one.total.value),
        color=at % LINES,
        days=_rows((_day_name(day.start, day.end), day.value) for day in past),
        groups=tuple(groups),
    )


def _rows(values: Iterable[tuple[str, Decimal | None]]) -> tuple[Row, ...]:
    """Bars are as long as their share of the longest one."""
    listed = list(values)
    longest = max((value for _, value in listed if value is not None), default=ZERO)
    return tuple(
        Row(
            name=name,
            quantity=NOTHING if value is None else number_text(value),
            bar=parts([("usage", value or ZERO)], longest),
        )
        for name, value in listed
    )


def _day_name(start: datetime, end: datetime) -> str:
    """A day, with its hours where a period begins or ends within it."""
    is_whole = end - start == DAY
    return f"{start:%a %Y-%m-%d}" if is_whole else period_text(start, end)


def _group_name(row: WindowValue, names: GroupNames) -> str:
    (value,) = row.group.values()
    return "(none)" if value is None else names.values.get(value, value)
