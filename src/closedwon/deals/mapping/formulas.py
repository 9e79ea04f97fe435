"""Compiling the formulas of a mapping against an org's fields, and noting what they read."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from closedwon.deals.mapping.described import field_at
from closedwon.deals.mapping.document import Scalar
from closedwon.deals.mapping.outputs import DEAL, GROUP, Lookup, Value
from closedwon.deals.mapping.problems import Problem, Spot, nearest
from closedwon.deals.mapping.shapes import Form
from closedwon.deals.mapping.tables import CsvTable
from closedwon.formula import Formula, FormulaError, Place, ValueType, compile_formula
from closedwon.formula.schema import FieldInfo, Schema

FIELD_TYPE = {
    ValueType.NUMBER: "double",
    ValueType.TEXT: "string",
    ValueType.DATE: "date",
    ValueType.DATETIME: "datetime",
    ValueType.BOOLEAN: "boolean",
    ValueType.NULL: "string",
}


class OwnFirst(Mapping[str, Mapping[str, FieldInfo]]):
    """The mapping's own collections before the org's objects.

    Looks up, never copies: the org describes an object when it is first asked for.
    """

    def __init__(self, own: Schema, schema: Schema) -> None:
        self._own = own
        self._schema = schema

    def __getitem__(self, name: str) -> Mapping[str, FieldInfo]:
        return self._own[name] if name in self._own else self._schema[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**dict.fromkeys(self._own), **dict.fromkeys(self._schema)})

    def __len__(self) -> int:
        return len(set(self._own) | set(self._schema))


class Formulas:
    """Compiles formulas and remembers which fields they read, by collection.

    Every collection is typed as an object of its own: the fields of its Salesforce object, those
    the mapping computes, and those an org may lack. Parents keep their real fields only.
    """

    def __init__(self, schema: Schema, objects: Mapping[str, str], problems: list[Problem]) -> None:
        self._objects = objects
        self._fields = {
            name: dict(schema.get(object_name, {})) for name, object_name in objects.items()
        }
        self._extended: dict[str, Mapping[str, FieldInfo]] = {}
        self._schema = OwnFirst(self._extended, schema)
        self._lacking: set[tuple[str, str]] = set()
        """(object, field) of parents the org does not have."""
        self._problems = problems
        self._invented: dict[str, set[str]] = {name: set() for name in objects}
        self._paths: dict[str, set[str]] = {name: set() for name in objects}
        self.tables: dict[str, CsvTable] = {}

    def has_field(self, collection: str, name: str) -> bool:
        """Whether rows of the collection have the field, real or computed."""
        return name in self._fields[collection]

    def add_field(self, collection: str, field: FieldInfo) -> None:
        """A field the org does not have: computed by the mapping, or always blank."""
        self._fields[collection][field.name] = field
        self._invented[collection].add(field.name)

    def add_parent_field(self, object_name: str, field: FieldInfo) -> None:
        """A field an org may lack on an object reached through a relationship."""
        if field.name not in self._schema.get(object_name, {}):
            known = self._schema.get(object_name, {})
            self._extended[object_name] = {**known, field.name: field}
            self._lacking.add((object_name, field.name))

    def computed_type(self, value: Value) -> str:
        """Salesforce type of a field computed by ``value``."""
        if isinstance(value, Lookup):
            return "string"
        return FIELD_TYPE.get(value.type, "string")

    def compiled(self, text: Scalar, collection: str, types: Iterable[str]) -> Formula | None:
        """The formula over rows of ``collection``; None, with the problem noted, when wrong."""
        names = {name: self._typed_as(name) for name in self._objects}
        own = {names[name]: fields for name, fields in self._fields.items()}
        schema = OwnFirst(own, self._schema)
        children = {name: names[name] for name in self._objects if name != DEAL}
        spot = text.spot
        try:
            formula = compile_formula(
                text.text,
                names[collection],
                schema,
                place=Place(spot.file, spot.line, spot.column, text.indent),
                collections={**children, GROUP: names[collection]},
            )
        except FormulaError as error:
            self._problems.append(_formula_problem(error))
            return None
        if formula.type is not ValueType.NULL and formula.type.name not in types:
            expected = "a formula giving " + " or ".join(ValueType[name].value for name in types)
            self.note(spot, f"one giving {formula.type.value}", expected)
            return None
        self._read(formula, collection)
        return formula

    def value(self, node: Any, collection: str, types: Iterable[str]) -> Value | None:
        """A formula or a look-up; None for a key that was not written or is wrong."""
        if node is None:
            return None
        if isinstance(node, Scalar):
            return self.compiled(node, collection, types)
        return self._lookup(node, collection)

    def _lookup(self, form: Form, collection: str) -> Lookup | None:
        if form["key"] is None or form["table"] is None:
            return None
        table = self.tables.get(form.text("table"))
        key = self.compiled(form["key"], collection, ("TEXT",))
        if table is None:
            near = nearest(form.text("table"), self.tables)
            self.note(form["table"].spot, f"table {form.text('table')!r}", "a loaded table", near)
            return None
        others = [column for column in table.columns if column != table.key]
        column = form.text("column", others[0])
        if column not in table.columns:
            expected = "one of " + ", ".join(table.columns)
            self.note(form["column"].spot, f"column {column!r}", expected)
            return None
        if key is None:
            return None
        return Lookup(
            table=form.text("table"),
            key=key,
            rows=table.column(column),
            default=form["default"].text if form["default"] is not None else None,
            spot=form.spot,
        )

    def paths(self, collection: str) -> frozenset[str]:
        """Real paths the formulas read from rows of a collection."""
        invented = self._invented[collection]
        return frozenset(
            path
            for path in self._paths[collection]
            if path.split(".")[0] not in invented and not self._is_lacking(collection, path)
        )

    def _is_lacking(self, collection: str, path: str) -> bool:
        object_name, field = field_at(self._schema, self._objects[collection], path)
        return field is not None and (object_name, field.name) in self._lacking

    def read(self, collection: str, path: str) -> None:
        """Note a path that is read without a formula."""
        self._paths[collection].add(path)

    def note(self, spot: Spot, found: str, expected: str, near: str = "") -> None:
        """Take down a problem."""
        problem = Problem(spot=spot, found=found, expected=expected, nearest=near)
        self._problems.append(problem)

    def _typed_as(self, collection: str) -> str:
        return f"{self._objects[collection]} ({collection})"

    def _read(self, formula: Formula, collection: str) -> None:
        self._paths[collection] |= formula.paths
        for child, paths in formula.child_paths.items():
            self._paths[collection if child == GROUP else child] |= paths


def _formula_problem(error: FormulaError) -> Problem:
    place = error.place
    what = error.message.removeprefix(f"{place}: ")
    return Problem(
        spot=Spot(place.file, place.line, place.column),
        found=error.found,
        expected=error.expected,
        nearest=error.nearest,
        what=what,
    )
