"""Asking the formulas of a mapping about the rows of one deal."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from closedwon.deals.mapping.model import DealMapping
from closedwon.deals.mapping.outputs import DEAL, GROUP, Lookup, Value
from closedwon.deals.mapping.problems import nearest
from closedwon.deals.mapping.record import at, names
from closedwon.deals.types import Deal, Finding, Record
from closedwon.formula import EvaluationError, Scope, raw
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import canonical
from closedwon.kernel.ids import id18

YEARS = range(1990, 2201)
"""A date outside is broken input, not a contract (F123)."""
FIELDS_TOLD_MAX = 3


class Unmappable(Refused):
    """A row or deal that cannot be mapped as it stands; carries the finding."""

    code: ClassVar[str] = "unmappable"

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.message)


class Answers:
    """Evaluates formulas over one deal; rows are in reading order whatever order they came in."""

    def __init__(self, mapping: DealMapping, deal: Deal, as_of: datetime) -> None:
        self._as_of = as_of
        self.findings: list[Finding] = []
        orders = {child.name: child.order_by for child in mapping.source.children}
        self.rows: dict[str, tuple[Record, ...]] = {
            name: tuple(sorted(deal.children.get(name, ()), key=_position(orders.get(name, "Id"))))
            for name in mapping.objects
            if name != DEAL
        }
        self.deal: Record = deal.record
        for field in mapping.fields:
            if field.collection == DEAL:
                self.deal = self._with(self.deal, field.name, field.value)
            else:
                rows = self.rows[field.collection]
                self.rows[field.collection] = tuple(
                    self._with(row, field.name, field.value) for row in rows
                )

    def _with(self, row: Record, name: str, value: Value) -> Record:
        try:
            return {**row, name: raw(self.ask(value, row))}
        except Unmappable as error:
            self.findings.append(error.finding)
            return {**row, name: None}

    def ask(self, value: Value, row: Record, group: Sequence[Record] = ()) -> Any:
        """The answer over ``row``; raises Unmappable when the formula cannot be computed."""
        if isinstance(value, Lookup):
            return self._looked_up(value, row, group)
        scope = Scope(self._as_of, {**self.rows, GROUP: tuple(group) or (row,)})
        try:
            return value.evaluate(row, scope)
        except EvaluationError as error:
            finding = finding_of(
                "formula_failed",
                f"{names(row)}: {error.message}",
                "Correct the field, or the formula in the mapping file.",
                row,
                value,
            )
            raise Unmappable(finding) from error

    def _looked_up(self, lookup: Lookup, row: Record, group: Sequence[Record]) -> str | None:
        key = self.ask(lookup.key, row, group)
        found = lookup.rows.get(str(key or "").strip(), lookup.default)
        if found is None:
            near = nearest(str(key), lookup.rows)
            hint = f"; did you mean {near!r}?" if near else ""
            finding = finding_of(
                "not_in_table",
                f"{names(row)}: table {lookup.table!r} has no line for {key!r}{hint}",
                f"Add a line for it to the table {lookup.table!r}, or correct the field.",
                row,
                lookup.key,
            )
            raise Unmappable(finding)
        return found or None

    def text(self, value: Value | None, row: Record, group: Sequence[Record] = ()) -> str:
        """The answer as text; empty when blank."""
        if value is None:
            return ""
        return written(self.ask(value, row, group))

    def number(
        self, value: Value | None, row: Record, group: Sequence[Record] = ()
    ) -> Decimal | None:
        """The answer as a number; None when blank."""
        found = None if value is None else self.ask(value, row, group)
        return found if isinstance(found, Decimal) else None

    def day(self, value: Value | None, row: Record, group: Sequence[Record] = ()) -> date | None:
        """The answer as a date; None when blank. Raises Unmappable for absurd years (F123)."""
        found = None if value is None else self.ask(value, row, group)
        if not isinstance(found, date):
            return None
        if found.year not in YEARS:
            message = f"{names(row)}: the year of {found} is out of the question"
            fix = "Correct the date."
            raise Unmappable(finding_of("date_absurd", message, fix, row, value))
        return found

    def flag(self, value: Value | None, row: Record) -> bool:
        """Whether the answer is true; blank is false."""
        return value is not None and self.ask(value, row) is True

    def needed(self, value: Value, found: Any, what: str, row: Record) -> Any:
        """``found`` itself; raises Unmappable when it is blank."""
        if found is None or found == "":
            message = f"{names(row)}: {what} is blank"
            fix = f"Fill in {field_of(value) or what} on {names(row)}."
            raise Unmappable(finding_of("missing_value", message, fix, row, value))
        return found


def finding_of(
    code: str, message: str, fix: str, row: Record, value: Value | None = None
) -> Finding:
    """A parking finding that names the row, the field and the formula's place."""
    return Finding(
        code=code,
        message=message,
        fix=fix,
        record_id=str(row.get("Id") or ""),
        field="" if value is None else field_of(value),
        place="" if value is None else place_of(value),
    )


def field_of(value: Value) -> str:
    """The fields a formula reads, for people."""
    formula = value.key if isinstance(value, Lookup) else value
    return ", ".join(sorted(formula.paths))


def on_the_page(finding: Finding, mapping: DealMapping) -> Finding:
    """The finding with computed fields named by the few CRM fields they are made of.

    One made of many keeps its own name: the mapping file says what it is.
    """
    made_of = {field.name: field_of(field.value).split(", ") for field in mapping.fields}
    short = {name: parts for name, parts in made_of.items() if len(parts) <= FIELDS_TOLD_MAX}
    found = [part for name in finding.field.split(", ") for part in short.get(name, [name])]
    return msgspec.structs.replace(finding, field=", ".join(sorted(set(found))))


def place_of(value: Value) -> str:
    """Where the formula stands: file:line:column."""
    return str(value.spot) if isinstance(value, Lookup) else str(value.place)


def written(answer: Any) -> str:
    """An answer as text: numbers canonical, dates ISO, booleans true and false, blank empty."""
    match answer:
        case None:
            return ""
        case bool():
            return "true" if answer else "false"
        case Decimal():
            return canonical(answer)
        case date():
            return answer.isoformat()
        case tuple():
            return ";".join(answer)
        case _:
            return str(answer)


def listed(text: str) -> tuple[str, ...]:
    """The parts of a ``;``-separated text, each once, in the order written."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(";") if part.strip()))


def row_id(row: Record) -> str:
    """The row's 18-character id; raises Unmappable when it has none."""
    try:
        return id18(str(row.get("Id") or ""))
    except Refused as error:
        message = f"a row has no proper Salesforce id: {row.get('Id')!r}"
        raise Unmappable(finding_of("bad_id", message, "Read the deal again.", row)) from error


class _Position(msgspec.Struct, frozen=True, order=True):
    """Sorts numbers before texts before blanks, then by id."""

    kind: int
    number: Decimal
    text: str
    id: str


def _position(field: str) -> Any:
    def position(row: Record) -> _Position:
        value = at(row, field)
        row_id = str(row.get("Id") or "")
        if isinstance(value, Decimal | int) and not isinstance(value, bool):
            return _Position(0, Decimal(value), "", row_id)
        if value is None:
            return _Position(2, Decimal(0), "", row_id)
        return _Position(1, Decimal(0), str(value), row_id)

    return position


def spots(rows: Iterable[Record]) -> str:
    """Names of rows, for messages."""
    return ", ".join(names(row) for row in rows)
