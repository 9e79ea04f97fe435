"""What a formula may refer to: objects and their fields, as describe tells them."""

from collections.abc import Mapping

import msgspec


class FieldInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a described object, as far as typing a formula needs it."""

    name: str
    type: str
    """Salesforce field type: string, currency, double, percent, date, datetime, boolean, ..."""
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    calculated: bool = False
    picklist_values: tuple[str, ...] = ()


Schema = Mapping[str, Mapping[str, FieldInfo]]
"""Object name -> field name -> field."""
