"""Choices and questions: IF, CASE, AND, OR, NOT, ISBLANK and their kin."""

from closedwon.formula.code import Call, Code, Function, common_type
from closedwon.formula.operators import equal, every, negation, some
from closedwon.formula.values import Record, Run, Scope, ValueType

BOOLEAN, TEXT = ValueType.BOOLEAN, ValueType.TEXT


def _if(call: Call) -> Code:
    condition = call.typed(0, BOOLEAN)
    chosen = call.arguments[1:]
    then, otherwise = chosen[0].run, chosen[1].run

    def run(record: Record, scope: Scope) -> object:
        return then(record, scope) if condition(record, scope) else otherwise(record, scope)

    return _one_of(call, chosen, run)


def _one_of(call: Call, chosen: tuple[Code, ...], run: Run) -> Code:
    """The result of a choice between ``chosen``, which must share one type."""
    result = common_type(chosen, f"the results of {call.name}")
    return Code(type=result, run=run, spot=call.spot, is_id=any(code.is_id for code in chosen))


def _case(call: Call) -> Code:
    subject, *rest = call.arguments
    if len(rest) % 2 == 0:
        raise call.spot.fault("CASE needs a last argument for everything else", expected=CASE_USAGE)
    keys, results = tuple(rest[:-1:2]), (*rest[1::2], rest[-1])
    for key in keys:
        if key.type is not subject.type or key.type is ValueType.LIST:
            common_type((subject, key), "the values CASE compares")
            raise key.spot.fault("CASE cannot compare this", found=str(key.type))
    subject_run, otherwise = subject.run, rest[-1].run
    branches = tuple(
        (key.run, equal(subject, key), result.run)
        for key, result in zip(keys, results[:-1], strict=True)
    )

    def run(record: Record, scope: Scope) -> object:
        value = subject_run(record, scope)
        for key, same, result in branches:
            if same(value, key(record, scope)):
                return result(record, scope)
        return otherwise(record, scope)

    return _one_of(call, results, run)


def _and(call: Call) -> Code:
    for at in range(len(call.arguments)):
        call.typed(at, BOOLEAN)
    return every(call.arguments, call.spot)


def _or(call: Call) -> Code:
    for at in range(len(call.arguments)):
        call.typed(at, BOOLEAN)
    return some(call.arguments, call.spot)


def _not(call: Call) -> Code:
    call.typed(0, BOOLEAN)
    return negation(call.arguments[0], call.spot)


def _is_blank(call: Call) -> Code:
    if call.arguments[0].type is BOOLEAN:
        raise call.mistyped(0, *(kind for kind in ValueType if kind is not BOOLEAN))
    if call.arguments[0].is_zeroed:
        raise call.arguments[0].spot.fault(
            f"{call.name} can never be true here: this formula counts blank numbers as zero",
            expected="a formula that treats blanks as blanks",
        )
    inner = call.arguments[0].run

    def run(record: Record, scope: Scope) -> bool:
        value = inner(record, scope)
        return value is None or value == ()

    return call.code(BOOLEAN, run)


def _blank_value(call: Call) -> Code:
    preferred, substitute = (argument.run for argument in call.arguments)

    def run(record: Record, scope: Scope) -> object:
        value = preferred(record, scope)
        return substitute(record, scope) if value is None or value == () else value

    return _one_of(call, call.arguments, run)


def _is_pick_value(call: Call) -> Code:
    picked, wanted = call.typed(0, TEXT), call.typed(1, TEXT)
    return call.code(
        BOOLEAN, lambda record, scope: bool(picked(record, scope) == wanted(record, scope))
    )


CASE_USAGE = "CASE(subject, value, result [, value, result]..., otherwise)"
FUNCTIONS = (
    Function(name="IF", usage="IF(condition, then, otherwise)", least=3, most=3, build=_if),
    Function(name="CASE", usage=CASE_USAGE, least=4, most=None, build=_case),
    Function(name="AND", usage="AND(condition, ...)", least=1, most=None, build=_and),
    Function(name="OR", usage="OR(condition, ...)", least=1, most=None, build=_or),
    Function(name="NOT", usage="NOT(condition)", least=1, most=1, build=_not),
    *(
        Function(name=name, usage=f"{name}(value)", least=1, most=1, build=_is_blank)
        for name in ("ISBLANK", "ISNULL")
    ),
    *(
        Function(name=name, usage=f"{name}(value, substitute)", least=2, most=2, build=_blank_value)
        for name in ("BLANKVALUE", "NULLVALUE")
    ),
    Function(
        name="ISPICKVAL",
        usage="ISPICKVAL(picklist, 'value')",
        least=2,
        most=2,
        build=_is_pick_value,
    ),
)
