"""Records of a fixture: only fields that matter are written, links follow from the source."""

from collections.abc import Mapping
from typing import Any

from closedwon.deals.mapping.described import parent_object
from closedwon.deals.mapping.document import Node, Scalar, Sequence, Table
from closedwon.deals.mapping.model import DealMapping
from closedwon.deals.mapping.outputs import DEAL
from closedwon.deals.mapping.problems import Problem, Spot, nearest
from closedwon.deals.source import ChildSource
from closedwon.deals.types import Deal
from closedwon.formula.schema import FieldInfo
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import exact
from closedwon.kernel.ids import id18
from closedwon.kernel.instant import parse_instant

NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
READ_AT = parse_instant("2000-01-01T00:00:00Z")


class FixtureRecords:
    """Builds the deal of one case; unknown fields and wrong values go to ``problems``."""

    def __init__(self, mapping: DealMapping, problems: list[Problem]) -> None:
        self._mapping = mapping
        self._problems = problems

    def deal(self, base: Mapping[str, Node], given: Mapping[str, Node], case: int) -> Deal:
        """The deal of the rows in ``given``, each on top of the row of its name in ``base``."""
        record = self._rows(DEAL, base, given, case)[0]
        children: dict[str, list[dict[str, Any]]] = {}
        for child in self._mapping.source.children:
            rows = self._rows(child.name, base, given, case)
            for row in rows:
                self._link(child, row, record, children)
            children[child.name] = rows
        frozen = {name: tuple(rows) for name, rows in children.items()}
        return Deal(
            opportunity_id=str(record["Id"]),
            record=record,
            children=frozen,
            fingerprint=self._mapping.fingerprint(record, frozen),
            read_at=READ_AT,
        )

    def _rows(
        self, collection: str, base: Mapping[str, Node], given: Mapping[str, Node], case: int
    ) -> list[dict[str, Any]]:
        node = given.get(collection)
        if node is None:
            nodes: tuple[Node, ...] = (base[collection],) if collection in base else ()
            nodes = nodes if collection == DEAL or self._is_single(collection) else ()
        else:
            nodes = node.nodes if isinstance(node, Sequence) else (node,)
        if collection == DEAL and not nodes:
            nodes = (Table(spot=Spot("", 1, 1), entries=()),)
        common = base.get(collection)
        rows = []
        for number, one in enumerate(nodes, start=1):
            row = {} if common is None else self._record(collection, common)
            row |= self._record(collection, one)
            row.setdefault("Id", self._id(collection, case, number))
            row.setdefault("Name", f"{collection} {number}")
            rows.append(row)
        return rows

    def _is_single(self, collection: str) -> bool:
        """A child found by its own Id is one record, like the primary quote."""
        children = self._mapping.source.children
        return any(one.name == collection and one.link == "Id" for one in children)

    def _record(self, collection: str, node: Node) -> dict[str, Any]:
        return self._fields(self._mapping.objects[collection], node)

    def _fields(self, object_name: str, node: Node) -> dict[str, Any]:
        if not isinstance(node, Table):
            self._note(node.spot, "a row", "fields of " + object_name)
            return {}
        found: dict[str, Any] = {}
        for entry in node.entries:
            name = entry.key.text
            field = self._field(object_name, name)
            if field is not None and isinstance(entry.value, Scalar):
                found[name] = self._value(field, entry.value)
                continue
            parent = parent_object(self._mapping.schema, object_name, name)
            if parent:
                found[name] = self._fields(parent, entry.value)
                continue
            known = self._mapping.schema.get(object_name, {})
            near = nearest(name, known)
            self._note(entry.key.spot, f"field {name!r}", f"a field of {object_name}", near)
        return found

    def _field(self, object_name: str, name: str) -> FieldInfo | None:
        return self._mapping.schema.get(object_name, {}).get(name)

    def _value(self, field: FieldInfo, scalar: Scalar) -> Any:
        if scalar.is_blank:
            return None
        if field.type == "boolean":
            if scalar.text not in ("true", "false"):
                self._note(scalar.spot, repr(scalar.text), "true or false")
            return scalar.text == "true"
        if field.type in NUMBERS:
            try:
                return exact(scalar.text)
            except Refused:
                self._note(scalar.spot, repr(scalar.text), "a plain decimal number")
                return None
        return scalar.text

    def _link(
        self,
        child: ChildSource,
        row: dict[str, Any],
        record: dict[str, Any],
        children: Mapping[str, list[dict[str, Any]]],
    ) -> None:
        """Point the row and its parent at each other, as the source says they are linked."""
        name, _, field = child.parent.partition(".")
        parents = [record] if name == DEAL else children.get(name, [])
        if not parents:
            return
        parent = parents[0]
        if child.link == "Id":
            parent[field] = row["Id"]
            self._nest(self._mapping.objects[name], parent, field, row)
            return
        row[child.link] = parent.get(field)
        self._nest(child.object_name, row, child.link, parent)

    def _nest(
        self, object_name: str, row: dict[str, Any], field: str, parent: dict[str, Any]
    ) -> None:
        described = self._field(object_name, field)
        if described is not None and described.relationship_name:
            written = row.get(described.relationship_name) or {}
            row[described.relationship_name] = {**parent, **written}

    def _id(self, collection: str, case: int, number: int) -> str:
        """A proper id that differs by collection, case and row."""
        kind = list(self._mapping.objects).index(collection)
        return id18(f"f{kind:02d}T{case:05d}{number:06d}")

    def _note(self, spot: Spot, found: str, expected: str, near: str = "") -> None:
        problem = Problem(spot=spot, found=found, expected=expected, nearest=near)
        self._problems.append(problem)
