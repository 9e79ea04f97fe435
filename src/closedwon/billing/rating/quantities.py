"""Cumulative metric values become billed quantities per slice (R46, R47)."""

from collections.abc import Iterable
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal

from closedwon.billing.catalog.types import ProductVersion
from closedwon.billing.rating.demand import Reading
from closedwon.kernel.exact import CONTEXT, ZERO

ROUNDINGS = {
    "ROUND_UP": ROUND_UP,
    "ROUND_DOWN": ROUND_DOWN,
    "ROUND_HALF_UP": ROUND_HALF_UP,
}

Group = tuple[str | None, ...]


def cumulative(readings: Iterable[Reading], cuts: int) -> dict[Group, list[Decimal]]:
    """Value of every group at each of ``cuts`` instants; a cut left out keeps the last one."""
    found: dict[Group, list[Decimal | None]] = {}
    for reading in readings:
        found.setdefault(reading.group, [None] * cuts)[reading.cut] = reading.value
    return {group: _filled(values) for group, values in found.items()}


def billed(version: ProductVersion, value: Decimal) -> Decimal:
    """A cumulative metric value in billed units: converted, then rounded (R46).

    Rounding the cumulative value and billing differences means that cutting a period never adds
    a rounding (R47).
    """
    if version.conversion is not None:
        factor = version.conversion.factor
        value = value / factor if version.conversion.divide else value * factor
    if version.rounding is not None:
        unit = Decimal(1).scaleb(-version.rounding.decimal_places)
        value = value.quantize(unit, ROUNDINGS[version.rounding.method], CONTEXT)
    return value


def _filled(values: list[Decimal | None]) -> list[Decimal]:
    filled: list[Decimal] = []
    for value in values:
        filled.append(value if value is not None else (filled[-1] if filled else ZERO))
    return filled
