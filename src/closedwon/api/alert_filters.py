"""What narrows an alert, as it is sent and as it is shown (metronome.md 2.11)."""

from collections.abc import Iterable
from typing import Any

from closedwon.api.answers import sparse
from closedwon.api.model import Wire
from closedwon.billing.alerts.types import AlertFilter, AlertSpecifier, GroupValue, SeatFilter


class FieldFilter(Wire):
    """Entities that carry a custom field; without a value, each value by itself."""

    entity: str
    key: str
    value: str | None = None

    def meant(self) -> AlertFilter:
        """For the engine."""
        return AlertFilter(entity=self.entity, key=self.key, value=self.value)


class Exclude(Wire):
    """What does not count, inside its specifier."""

    custom_field_filters: list[FieldFilter] = []


class Specifier(Wire):
    """Combined balances that count (R276)."""

    custom_field_filters: list[FieldFilter] = []
    exclude: list[Exclude] = []

    def meant(self) -> AlertSpecifier:
        """For the engine."""
        return AlertSpecifier(
            filters=tuple(one.meant() for one in self.custom_field_filters),
            excluded=tuple(
                tuple(one.meant() for one in group.custom_field_filters) for group in self.exclude
            ),
        )


class Group(Wire):
    """A group value of lines (R274); without a value, each value by itself."""

    key: str
    value: str | None = None

    def meant(self) -> GroupValue:
        """For the engine."""
        return GroupValue(key=self.key, value=self.value)


class Seat(Wire):
    """Seats of a key, or one of them."""

    seat_group_key: str
    seat_group_value: str | None = None

    def meant(self) -> SeatFilter:
        """For the engine."""
        return SeatFilter(
            seat_group_key=self.seat_group_key, seat_group_value=self.seat_group_value
        )


def field_filters_shape(filters: Iterable[AlertFilter]) -> list[dict[str, Any]]:
    """As reads answer them."""
    return [sparse(entity=one.entity, key=one.key, value=one.value) for one in filters]


def specifiers_shape(specifiers: Iterable[AlertSpecifier]) -> list[dict[str, Any]]:
    """As reads answer them."""
    return [
        {
            "custom_field_filters": field_filters_shape(one.filters),
            "exclude": [
                {"custom_field_filters": field_filters_shape(group)} for group in one.excluded
            ],
        }
        for one in specifiers
    ]
