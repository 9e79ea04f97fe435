"""What a row shows: fields in SELECT order, parents nested, child rows as results of their own."""

from collections.abc import Callable
from typing import Any

from closedwon.devorg.reading import NAME_OBJECT, Record
from closedwon.devorg.schema import FieldDef, ObjectInfo
from closedwon.devorg.soql.paths import BoundPath, own_value

Show = Callable[[Record], Any]


class Shape:
    """The elements of one record of a row; parents are shapes inside it."""

    def __init__(self, info: ObjectInfo, api_version: str) -> None:
        self._info = info
        self._version = api_version
        self._shown: dict[str, Show | Shape] = {}
        self._hops: dict[str, FieldDef] = {}

    def add(self, path: BoundPath) -> bool:
        """Show a field; False when it is shown already."""
        shape = self
        targets = (*path.owners, path.owner)[1:]
        for hop, info in zip(path.hops, targets, strict=True):
            shape = shape.parent(hop, info)
        return shape.add_own(path.owner, path.field)

    def add_own(self, owner: ObjectInfo, field: FieldDef) -> bool:
        """Show a field of this very record; False when it is shown already."""
        if field.name in self._shown:
            return False
        self._shown[field.name] = _reader(owner, field)
        return True

    def add_computed(self, name: str, show: Show) -> bool:
        """Show something that is no field of its own: child rows, a label; False when taken."""
        if name in self._shown:
            return False
        self._shown[name] = show
        return True

    def render(self, record: Record) -> dict[str, Any]:
        """The JSON-ready row of a record."""
        url = f"/services/data/v{self._version}/sobjects/{record.info.name}/{record.id}"
        row: dict[str, Any] = {"attributes": {"type": self._info.name, "url": url}}
        for name, show in self._shown.items():
            if isinstance(show, Shape):
                parent = record.parent(self._hops[name])
                row[name] = None if parent is None else show.render(parent)
            else:
                row[name] = show(record)
        return row

    def parent(self, hop: FieldDef, info: ObjectInfo) -> "Shape":
        """The shape nested under a relationship."""
        name = str(hop.relationship_name)
        known = self._shown.get(name)
        if isinstance(known, Shape):
            return known
        shape = Shape(info, self._version)
        self._shown[name] = shape
        self._hops[name] = hop
        return shape


def _reader(owner: ObjectInfo, field: FieldDef) -> Show:
    if owner.name == NAME_OBJECT:
        return lambda record: own_value(record, owner, field)
    if field.computed:
        return lambda record: record.value(field)
    name, blank = field.name, False if field.type == "boolean" else None
    return lambda record: record.stored.values.get(name, blank)
