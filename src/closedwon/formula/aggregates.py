"""Functions over the rows of a child collection: ``SUM(lines, SBQQ__NetTotal__c)``.

The value and the condition are expressions over the child's own fields; a row without a value
(blank) adds nothing to SUM, JOIN, MIN and MAX. Rows keep the order they are given in.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from closedwon.formula.code import Call, Code, Function
from closedwon.formula.place import EvaluationError
from closedwon.formula.values import ARITHMETIC, TEXT_RESULT_MAX, Record, Run, Scope, ValueType
from closedwon.kernel.exact import ZERO

NUMBER, TEXT, BOOLEAN = ValueType.NUMBER, ValueType.TEXT, ValueType.BOOLEAN
Rows = Callable[[Scope], Iterator[Any]]
"""The value of each row that meets the condition."""


def _values(call: Call, value: Run, condition_at: int) -> Rows:
    """``value`` of each row; argument ``condition_at``, if there, says which rows count."""
    condition: Run | None = None
    if len(call.arguments) > condition_at:
        condition = call.typed(condition_at, BOOLEAN)
    collection, spot = call.collection, call.spot

    def values(scope: Scope) -> Iterator[Any]:
        if collection not in scope.children:
            raise spot.stop(f"no rows of {collection} were given")
        for row in scope.children[collection]:
            try:
                if condition is None or condition(row, scope):
                    yield value(row, scope)
            except EvaluationError as error:
                raise error.within(row) from error

    return values


def _sum(call: Call) -> Code:
    values = _values(call, call.typed(0, NUMBER), 1)

    def run(_record: Record, scope: Scope) -> object:
        total = ZERO
        for value in values(scope):
            if value is not None:
                total = ARITHMETIC.add(total, value)
        return total

    return call.code(NUMBER, run)


def _count(call: Call) -> Code:
    values = _values(call, _present, 0)
    return call.code(
        NUMBER, lambda _record, scope: ARITHMETIC.create_decimal(sum(1 for _ in values(scope)))
    )


def _present(_record: Record, _scope: Scope) -> bool:
    return True


def _first(call: Call) -> Code:
    """Of the first row, even when it is blank there; blank without rows."""
    only = call.arguments[0]
    values = _values(call, only.run, 1)

    def run(_record: Record, scope: Scope) -> object:
        return next(values(scope), None)

    return Code(type=only.type, run=run, spot=call.spot, is_id=only.is_id)


def _last(call: Call) -> Code:
    only = call.arguments[0]
    values = _values(call, only.run, 1)

    def run(_record: Record, scope: Scope) -> object:
        last = None
        for value in values(scope):
            last = value
        return last

    return Code(type=only.type, run=run, spot=call.spot, is_id=only.is_id)


def _any(call: Call) -> Code:
    values = _values(call, call.typed(0, BOOLEAN), 1)
    return call.code(BOOLEAN, lambda _record, scope: any(values(scope)))


def _all(call: Call) -> Code:
    """True without rows."""
    values = _values(call, call.typed(0, BOOLEAN), 1)
    return call.code(BOOLEAN, lambda _record, scope: all(values(scope)))


def _join(call: Call) -> Code:
    """The separator is an expression over the first record, usually a literal."""
    separator = call.typed(1, TEXT)
    values = _values(call, call.typed(0, TEXT), 2)

    def run(record: Record, scope: Scope) -> str | None:
        parts = [value for value in values(scope) if value is not None]
        text = (separator(record, scope) or "").join(parts)
        if len(text) > TEXT_RESULT_MAX:
            raise call.spot.stop(f"a text of more than {TEXT_RESULT_MAX} characters")
        return text or None

    return call.code(TEXT, run)


def _extreme(call: Call, best: Callable[..., Any]) -> Code:
    only = call.arguments[0]
    values = _values(call, call.typed(0, NUMBER, ValueType.DATE, ValueType.DATETIME), 1)

    def run(_record: Record, scope: Scope) -> object:
        return best((value for value in values(scope) if value is not None), default=None)

    return call.code(only.type, run)


def _aggregate(usage: str, build: Callable[[Call], Code]) -> Function:
    """``least`` and ``most`` count the arguments after the collection."""
    name, _, arguments = usage.partition("(")
    most = arguments.count(",")
    return Function(name=name, usage=usage, least=most - usage.count("["), most=most, build=build)


AGGREGATES: Final = {
    function.name: function
    for function in (
        _aggregate("SUM(collection, number [, condition])", _sum),
        _aggregate("COUNT(collection [, condition])", _count),
        _aggregate("FIRST(collection, value [, condition])", _first),
        _aggregate("LAST(collection, value [, condition])", _last),
        _aggregate("ANY(collection, condition)", _any),
        _aggregate("ALL(collection, condition)", _all),
        _aggregate("JOIN(collection, text, separator [, condition])", _join),
        _aggregate("MIN(collection, value [, condition])", lambda call: _extreme(call, min)),
        _aggregate("MAX(collection, value [, condition])", lambda call: _extreme(call, max)),
    )
}
