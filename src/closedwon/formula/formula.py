"""Formulas: compiled once against a schema, evaluated for any number of records."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from closedwon.formula.compiler import Compiler, Surroundings
from closedwon.formula.fields import Blanks
from closedwon.formula.parser import parse
from closedwon.formula.place import EvaluationError, Place, Spot, nearest
from closedwon.formula.schema import Schema
from closedwon.formula.values import Record, Run, Scope, Value, ValueType, raw
from closedwon.kernel.exact import ZERO

NOWHERE = Place()
EMPTY = Scope()


class Formula(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A formula that has passed every check; it holds no state and may be shared by threads."""

    text: str
    type: ValueType
    """Of every value that is not blank."""
    place: Place
    paths: frozenset[str]
    """Dotted paths read from the root record."""
    child_paths: Mapping[str, frozenset[str]]
    """Collection -> dotted paths read from its rows; empty when they are only counted."""
    run: Run

    def evaluate(self, record: Record, scope: Scope = EMPTY) -> Value:
        """The value for ``record``: blank is None, but a boolean is never blank and a list is ().

        Raises EvaluationError when a value cannot be computed with (division by zero, a date that
        does not exist, a float in the record).
        """
        try:
            value: Value = self.run(record, scope)
        except EvaluationError as error:
            raise error.within(record) from error
        if value is None:
            return EMPTY_VALUES.get(self.type)
        return value


EMPTY_VALUES: Mapping[ValueType, Value] = {ValueType.BOOLEAN: False, ValueType.LIST: ()}


def compile_formula(  # noqa: PLR0913 - each keyword is one independent choice of the caller
    text: str,
    root: str,
    schema: Schema,
    *,
    place: Place = NOWHERE,
    collections: Mapping[str, str] | None = None,
    names: Mapping[str, ValueType] | None = None,
    blank_as_zero: bool = False,
    percent_as_fraction: bool = False,
) -> Formula:
    """Check ``text`` as a formula over a record of object ``root`` and compile it.

    ``place`` is where ``text`` starts in its file. ``collections`` maps a child collection to its
    object, ``names`` a given name to its type (values come in the Scope). ``blank_as_zero`` reads
    blank number fields as 0 ("treat blank fields as zeroes": ISBLANK of such a field is never
    true); ``percent_as_fraction`` reads a percent of 10.0 as 0.10, as Salesforce's own formula
    fields do. Raises FormulaError, and nothing else, for whatever is wrong with ``text``.
    """
    given = Surroundings(
        schema=schema,
        collections=collections or {},
        names=names or {},
        blanks=Blanks(ZERO if blank_as_zero else None, -2 if percent_as_fraction else 0),
    )
    start = Spot(text, place, 0)
    for name in (root, *given.collections.values()):
        if name not in schema:
            raise start.fault(f"object {name} is not described", nearest=nearest(name, schema))
    compiler = Compiler(given)
    code = compiler.code(parse(text, place), root)
    children = {name: frozenset(found) for name, found in compiler.paths.items() if name}
    return Formula(
        text=text,
        type=code.type,
        place=place,
        paths=frozenset(compiler.paths.get("", ())),
        child_paths=children,
        run=code.run,
    )


def in_order(formulas: Mapping[str, Formula]) -> tuple[tuple[str, Formula], ...]:
    """Formula fields so that each follows those it reads; raises FormulaError for a circle."""
    ordered: dict[str, Formula] = {}
    waiting = dict(formulas)
    while waiting:
        ready = [name for name, formula in waiting.items() if not formula.paths & waiting.keys()]
        if not ready:
            name, formula = min(waiting.items())
            circle = ", ".join(sorted(formula.paths & waiting.keys()))
            raise Spot(formula.text, formula.place, 0).fault(
                f"formula field {name} depends on itself", found=f"{name} reads {circle}"
            )
        for name in ready:
            ordered[name] = waiting.pop(name)
    return tuple(ordered.items())


def evaluate_fields(
    record: Record, formulas: Iterable[tuple[str, Formula]], scope: Scope = EMPTY
) -> dict[str, Any]:
    """The formula fields of ``record`` as raw Salesforce values; ``formulas`` from ``in_order``.

    A formula sees the results of those before it, in place of what ``record`` holds.
    """
    whole = dict(record)
    found: dict[str, Any] = {}
    for name, formula in formulas:
        found[name] = whole[name] = raw(formula.evaluate(whole, scope))
    return found
