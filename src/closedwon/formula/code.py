"""Compiled pieces: typed closures, calls, and the lifting of plain functions over blanks.

"Lifted" means: any blank argument makes the result blank, and a value that cannot be computed with
becomes an EvaluationError that points at the call.
"""

import decimal
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from closedwon.formula.place import FormulaError, Spot
from closedwon.formula.values import Record, Run, Scope, ValueType
from closedwon.kernel.errors import Refused

FAILURES = (decimal.DecimalException, ArithmeticError, ValueError, Refused)
"""What computing with a value may raise; everything else is a defect of ours."""


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """An expression, typed and ready to run; ``run`` may answer None (blank) for every type."""

    type: ValueType
    run: Run
    spot: Spot
    is_id: bool = False
    """A Salesforce id: 15 and 18 characters name the same record (S 3.4)."""
    is_zeroed: bool = False
    """A number field that reads as zero where it is blank."""


class Call(msgspec.Struct, frozen=True):
    """A function about to be compiled; ``collection`` is set for aggregates only."""

    name: str
    arguments: tuple[Code, ...]
    spot: Spot
    collection: str = ""

    def typed(self, at: int, *types: ValueType) -> Run:
        """Argument ``at`` (from 0), which must be of one of ``types`` or NULL."""
        argument = self.arguments[at]
        if argument.type not in (*types, ValueType.NULL):
            raise self.mistyped(at, *types)
        return argument.run

    def mistyped(self, at: int, *types: ValueType) -> FormulaError:
        """The error of a wrongly typed argument, pointing at it."""
        argument = self.arguments[at]
        position = at + (2 if self.collection else 1)
        return argument.spot.fault(
            f"wrong type for argument {position} of {self.name}",
            found=str(argument.type),
            expected=" or ".join(types) + conversion(argument.type, types),
        )

    def code(self, result: ValueType, run: Run) -> Code:
        """The compiled call."""
        return Code(type=result, run=run, spot=self.spot)


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """One function of the language. ``most`` None takes any number of arguments.

    ``least`` and ``most`` do not count the collection of an aggregate.
    """

    name: str
    usage: str
    least: int
    most: int | None
    build: Callable[[Call], Code]

    def refuse_count(self, count: int, spot: Spot, *, collections: int = 0) -> None:
        """Raises FormulaError when ``count`` arguments beside collections are too few or many."""
        if count < self.least or (self.most is not None and count > self.most):
            raise spot.fault(
                f"wrong number of arguments for {self.name}",
                found=str(count + collections),
                expected=self.usage,
            )


def lifted(apply: Callable[..., Any], runs: tuple[Run, ...], spot: Spot) -> Run:
    """``apply`` over the values of ``runs``; blank as soon as one of them is."""
    if len(runs) == 1:
        return _lifted_one(apply, runs[0], spot)
    if len(runs) == 2:
        return _lifted_two(apply, runs[0], runs[1], spot)

    def run(record: Record, scope: Scope) -> Any:
        values = []
        for part in runs:
            value = part(record, scope)
            if value is None:
                return None
            values.append(value)
        try:
            return apply(*values)
        except FAILURES as error:
            raise spot.stop(told(error)) from error

    return run


def _lifted_one(apply: Callable[..., Any], only: Run, spot: Spot) -> Run:
    def run(record: Record, scope: Scope) -> Any:
        value = only(record, scope)
        if value is None:
            return None
        try:
            return apply(value)
        except FAILURES as error:
            raise spot.stop(told(error)) from error

    return run


def _lifted_two(apply: Callable[..., Any], left: Run, right: Run, spot: Spot) -> Run:
    def run(record: Record, scope: Scope) -> Any:
        first = left(record, scope)
        if first is None:
            return None
        second = right(record, scope)
        if second is None:
            return None
        try:
            return apply(first, second)
        except FAILURES as error:
            raise spot.stop(told(error)) from error

    return run


def told(error: Exception) -> str:
    """A computing failure in the words of the formula's author."""
    match error:
        case Refused():
            return error.message
        case decimal.Overflow():
            return "a number outgrows 1E+100"
        case ZeroDivisionError():
            return "division by zero"
        case decimal.DecimalException():
            return "a number without a result"
        case OverflowError():
            return "a date outside the years 1 to 9999"
        case _:
            return str(error)


def simple(
    usage: str, arguments: tuple[ValueType, ...], result: ValueType, apply: Callable[..., Any]
) -> Function:
    """A lifted function with fixed argument types; ``usage`` starts with its name.

    Arguments in brackets in ``usage`` may be left out, and ``apply`` has defaults for them.
    """
    name = usage.partition("(")[0]
    optional = usage.count("[")

    def build(call: Call) -> Code:
        runs = tuple(call.typed(at, arguments[at]) for at in range(len(call.arguments)))
        return call.code(result, lifted(apply, runs, call.spot))

    return Function(
        name=name,
        usage=usage,
        least=len(arguments) - optional,
        most=len(arguments),
        build=build,
    )


def common_type(codes: tuple[Code, ...], what: str) -> ValueType:
    """The one type of all ``codes`` that are not NULL; raises FormulaError when there are two."""
    found = ValueType.NULL
    for code in codes:
        if code.type in (found, ValueType.NULL):
            continue
        if found is not ValueType.NULL:
            raise code.spot.fault(
                f"{what} must all have one type",
                found=str(code.type),
                expected=found + conversion(code.type, (found,)),
            )
        found = code.type
    return found


def conversion(found: ValueType, wanted: tuple[ValueType, ...]) -> str:
    """How to turn ``found`` into what is wanted, for the end of a message; may be empty."""
    match found, wanted:
        case ValueType.TEXT, (ValueType.NUMBER, *_):
            return " (VALUE turns text into a number)"
        case ValueType.NUMBER | ValueType.DATE | ValueType.DATETIME, (ValueType.TEXT, *_):
            return " (TEXT turns it into text)"
        case ValueType.DATETIME | ValueType.TEXT, (ValueType.DATE, *_):
            return " (DATEVALUE turns it into a date)"
        case ValueType.DATE | ValueType.TEXT, (ValueType.DATETIME, *_):
            return " (DATETIMEVALUE turns it into a datetime)"
        case _:
            return ""


def whole(number: Decimal) -> int:
    """``number`` without its fraction, as Salesforce takes counts and positions."""
    return int(number)
