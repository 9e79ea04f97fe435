"""Field paths resolved against the schema."""

from typing import Any, Protocol

import msgspec

from closedwon.devorg.reading import NAME_OBJECT, Record
from closedwon.devorg.schema import FieldDef, ObjectInfo, OrgSchema
from closedwon.devorg.soql.faults import Text
from closedwon.devorg.soql.syntax import Path

HOPS_MAX = 5


class Readable(Protocol):
    """Something a condition or a sort key reads from a row: a field, or a column of a group."""

    @property
    def field(self) -> FieldDef:
        """How the value compares."""
        ...

    def get(self, record: Any, /) -> Any:
        """The value."""
        ...


class BoundPath(msgspec.Struct, frozen=True):
    """Reference fields to follow, then the field to read there."""

    hops: tuple[FieldDef, ...]
    owners: tuple[ObjectInfo, ...]
    """The object each hop starts from."""
    field: FieldDef
    owner: ObjectInfo
    """The object ``field`` belongs to; the pseudo-object Name behind a polymorphic hop."""

    @property
    def names(self) -> tuple[str, ...]:
        """Canonical names as a row nests them."""
        return (*(str(hop.relationship_name) for hop in self.hops), self.field.name)

    def get(self, record: Record) -> Any:
        """The value from ``record``; None when a parent on the way is missing."""
        at = record
        for hop in self.hops:
            parent = at.parent(hop)
            if parent is None:
                return None
            at = parent
        return own_value(at, self.owner, self.field)


def own_value(record: Record, owner: ObjectInfo, field: FieldDef) -> Any:
    """A field of ``record``, or of the Name it shows behind a polymorphic reference."""
    if owner.name != NAME_OBJECT:
        return record.value(field)
    if field.name == "Type":
        return record.info.name
    real = record.info.field(field.name)
    return None if real is None else record.value(real)


class Names:
    """What the names of one (sub)query mean."""

    def __init__(
        self,
        schema: OrgSchema,
        root: ObjectInfo,
        aliases: tuple[tuple[str, Path | None], ...],
        text: Text,
    ) -> None:
        self.schema = schema
        self.root = root
        self.text = text
        self._aliases = {name.lower(): path for name, path in aliases}

    def path(self, path: Path) -> BoundPath:
        """The field behind a dotted path; raises INVALID_FIELD at the first wrong name."""
        names = self._expanded(path)
        if len(names) - 1 > HOPS_MAX:
            raise self.text.malformed("relationship path is longer than 5 levels", path.offset)
        info = self.root
        hops: list[FieldDef] = []
        owners: list[ObjectInfo] = []
        for name in names[:-1]:
            hop = info.parent(name)
            target = None if hop is None else self._target(hop)
            if hop is None or target is None:
                raise self.text.no_relationship(name, path.offset)
            hops.append(hop)
            owners.append(info)
            info = target
        field = info.field(names[-1])
        if field is None:
            raise self.text.no_column(names[-1], info.name, path.offset)
        return BoundPath(tuple(hops), tuple(owners), field, info)

    def _target(self, hop: FieldDef) -> ObjectInfo | None:
        """The object a reference leads to; None when this org does not have it."""
        return self.schema.find(NAME_OBJECT if hop.polymorphic else hop.reference_to[0])

    def _expanded(self, path: Path) -> tuple[str, ...]:
        """``path`` with a leading alias or the root object's own name taken away."""
        first = path.names[0].lower()
        if len(path.names) == 1:
            return path.names
        if first in self._aliases:
            meant = self._aliases[first]
            rest = path.names[1:]
            return rest if meant is None else (*self._expanded(meant), *rest)
        if first == self.root.name.lower() and self.root.parent(first) is None:
            return path.names[1:]
        return path.names
