"""Objects and fields of an org, as describe tells them."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property

import msgspec

from closedwon.devorg.errors import OrgError
from closedwon.formula.schema import FieldInfo


class Picklist(msgspec.Struct, frozen=True):
    """Values of a picklist; only a ``restricted`` one refuses others."""

    values: tuple[str, ...] = ()
    restricted: bool = False
    default: str | None = None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A roll-up over child rows: SUM, COUNT, MIN or MAX.

    Rows of ``child`` whose ``link`` holds the parent's id and whose boolean field ``unless`` is
    not true; ``field`` is None for COUNT.
    """

    operation: str
    child: str
    link: str
    field: str | None = None
    unless: str | None = None


class FieldDef(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One field. ``type`` is the describe type (string, currency, reference, ...)."""

    name: str
    label: str
    type: str
    length: int = 0
    """Longest text; 0 for other types."""
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    required: bool = False
    """An insert must give it a value (or it has a default)."""
    unique: bool = False
    case_sensitive: bool = False
    external_id: bool = False
    createable: bool = True
    updateable: bool = True
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    """Name of the parent in a path: ``Account``, ``SBQQ__Quote__r``."""
    child_relationship: str | None = None
    """Name of these rows in a child subquery on the parent: ``SBQQ__LineItems__r``."""
    cascade_delete: bool = False
    """Master-detail: deleting the parent deletes this record."""
    polymorphic: bool = False
    """The parent reads as the object ``Name`` (Owner)."""
    picklist: Picklist | None = None
    auto_number: str | None = None
    """Display format ``Q-{00000}`` of a name the org counts."""
    html: bool = False
    default: str | bool | Decimal | None = None
    calculated: bool = False
    """Formula or roll-up; never writable."""
    formula: str | None = None
    """Formula text; a calculated field without one shows what was loaded."""
    blank_as_zero: bool = True
    """How the formula reads blank number fields."""
    summary: Summary | None = None

    @property
    def custom(self) -> bool:
        """Whether the field came from a package or an admin."""
        return self.name.endswith("__c")

    @property
    def computed(self) -> bool:
        """Whether the value is worked out on every read and never stored."""
        return self.formula is not None or self.summary is not None

    @property
    def indexed(self) -> bool:
        """Whether the store keeps a look-up index over the values."""
        return bool(self.reference_to) or self.unique or self.external_id

    @property
    def filterable(self) -> bool:
        """Whether WHERE and ORDER BY may name it: not for long text."""
        return not (self.type == "textarea" and (self.length > 255 or self.html))


class ObjectInfo(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One object; ``fields`` has the system fields too, in describe order."""

    name: str
    label: str
    label_plural: str
    key_prefix: str
    fields: Mapping[str, FieldDef]
    custom: bool = False

    @cached_property
    def _folded(self) -> dict[str, FieldDef]:
        return {name.lower(): field for name, field in self.fields.items()}

    @cached_property
    def _parents(self) -> dict[str, FieldDef]:
        return {
            field.relationship_name.lower(): field
            for field in self.fields.values()
            if field.relationship_name
        }

    @cached_property
    def indexed(self) -> tuple[FieldDef, ...]:
        """Fields the store keeps an index over."""
        return tuple(field for field in self.fields.values() if field.indexed)

    @cached_property
    def numbered(self) -> tuple[FieldDef, ...]:
        """Fields the org counts."""
        return tuple(field for field in self.fields.values() if field.auto_number)

    def field(self, name: str) -> FieldDef | None:
        """The field of that name in any case; None when there is none."""
        return self._folded.get(name.lower())

    def parent(self, relationship: str) -> FieldDef | None:
        """The reference field behind a relationship name (``Account``, ``SBQQ__Quote__r``)."""
        return self._parents.get(relationship.lower())


class ChildLink(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of ``child`` whose ``field`` points at a parent; ``name`` is None when unnamed."""

    name: str | None
    child: str
    field: FieldDef


class OrgSchema(msgspec.Struct, frozen=True, dict=True):
    """All objects of an org by canonical name."""

    objects: Mapping[str, ObjectInfo]

    @cached_property
    def _folded(self) -> dict[str, ObjectInfo]:
        return {name.lower(): info for name, info in self.objects.items()}

    def find(self, name: str) -> ObjectInfo | None:
        """The object of that name in any case; None when there is none."""
        return self._folded.get(name.lower())

    def object(self, name: str) -> ObjectInfo:
        """The object of that name in any case; raises OrgError NOT_FOUND (404)."""
        found = self.find(name)
        if found is None:
            raise OrgError("NOT_FOUND", "The requested resource does not exist", status=404)
        return found

    @cached_property
    def by_prefix(self) -> Mapping[str, ObjectInfo]:
        """Objects by the first three characters of their ids."""
        return {info.key_prefix: info for info in self.objects.values() if info.key_prefix}

    @cached_property
    def children(self) -> Mapping[str, tuple[ChildLink, ...]]:
        """Incoming references per object."""
        found: dict[str, list[ChildLink]] = {name: [] for name in self.objects}
        for info in self.objects.values():
            for field in info.fields.values():
                for target in field.reference_to:
                    link = ChildLink(name=field.child_relationship, child=info.name, field=field)
                    found.setdefault(target, []).append(link)
        return {name: tuple(links) for name, links in found.items()}

    @cached_property
    def summaries(self) -> Mapping[str, tuple[tuple[ObjectInfo, FieldDef], ...]]:
        """Roll-up fields (parent object, field) by the child object they sum over."""
        found: dict[str, tuple[tuple[ObjectInfo, FieldDef], ...]] = {}
        for info in self.objects.values():
            for field in info.fields.values():
                if field.summary is not None:
                    child = field.summary.child
                    found[child] = (*found.get(child, ()), (info, field))
        return found

    def child(self, object_name: str, relationship: str) -> ChildLink | None:
        """The child rows a subquery names, e.g. ``SBQQ__LineItems__r`` of a quote."""
        wanted = relationship.lower()
        links = self.children.get(object_name, ())
        return next((link for link in links if (link.name or "").lower() == wanted), None)

    @cached_property
    def for_formulas(self) -> Mapping[str, Mapping[str, FieldInfo]]:
        """The same objects as the formula language wants them."""
        return {
            info.name: {
                field.name: FieldInfo(
                    name=field.name,
                    type=field.type,
                    reference_to=field.reference_to,
                    relationship_name=field.relationship_name,
                    calculated=field.calculated,
                    picklist_values=field.picklist.values if field.picklist else (),
                )
                for field in info.fields.values()
            }
            for info in self.objects.values()
        }
