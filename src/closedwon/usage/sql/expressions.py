"""Expressions of a SQL metric: what the parser found, checked and typed, or refused (R38)."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Protocol

from sqlglot import exp

from closedwon.usage.numbers import number
from closedwon.usage.sql.casts import NUMERIC, cast, numeric, places, truncated
from closedwon.usage.sql.faults import Text
from closedwon.usage.sql.tree import ORDER, Node, Type

COMPARISONS: Mapping[type[exp.Expr], str] = {
    exp.EQ: "eq",
    exp.NEQ: "ne",
    exp.LT: "lt",
    exp.LTE: "le",
    exp.GT: "gt",
    exp.GTE: "ge",
}
ARITHMETIC: Mapping[type[exp.Expr], str] = {
    exp.Add: "add",
    exp.Sub: "sub",
    exp.Mul: "mul",
    exp.Div: "div",
}


class Scope(Protocol):
    """What names mean inside one select."""

    def column(self, node: exp.Column) -> Node:
        """The expression a name stands for; raises Refused for an unknown one."""
        ...

    def order(self, node: exp.Expr) -> Node:
        """What EARLIEST and LATEST go by when they do not say; raises Refused for nothing."""
        ...


class Reader:
    """Turns parsed expressions into typed ones inside one scope."""

    def __init__(self, text: Text, scope: Scope) -> None:
        self._text = text
        self._scope = scope

    def read(self, node: exp.Expr) -> Node:
        """The typed expression; raises Refused with its place for what R38 does not list."""
        for kind, method in self._KINDS.items():
            if isinstance(node, kind):
                return method(self, node)
        if type(node) in COMPARISONS:
            return self._comparison(node)
        if type(node) in ARITHMETIC:
            return self._arithmetic(node)
        raise self._text.forbidden(node)

    def condition(self, node: exp.Expr) -> Node:
        """An expression that is true or not."""
        found = self.read(node)
        if found.type not in {Type.TRUTH, Type.NULL}:
            raise self._text.refused(node, f"found a {found.type}", "a condition")
        return found

    def number(self, node: exp.Expr) -> Node:
        """An expression read as a number (R25)."""
        return self.as_number(self.read(node), node)

    def as_number(self, found: Node, node: exp.Expr) -> Node:
        """``found`` as a number; text that is none is NULL when it is met."""
        if found.type is Type.NUMBER:
            return found
        if found.op == "literal" and found.value is None:
            return Node("literal", Type.NUMBER)
        if found.type is not Type.TEXT:
            instead = "a number; write CASE WHEN ... THEN 1 ELSE 0 END"
            raise self._text.refused(node, f"found a {found.type}", instead)
        return self._text_number(found, node)

    def _text_number(self, found: Node, node: exp.Expr) -> Node:
        """Read where the text comes from, so that LATEST takes the last *number* (R25)."""
        if found.op == "literal":
            value = number(found.value)
            if value is None:
                raise self._text.refused(node, f"found {found.value!r}", "a number")
            return Node("literal", Type.NUMBER, (), value)
        if found.op in {"latest", "earliest"}:
            first, order = found.args
            return Node(found.op, Type.NUMBER, (self.as_number(first, node), order))
        if found.op == "case":
            args = [
                self.as_number(arg, node) if at % 2 or at == len(found.args) - 1 else arg
                for at, arg in enumerate(found.args)
            ]
            return Node("case", Type.NUMBER, tuple(args))
        return Node("number", Type.NUMBER, (found,))

    def _column(self, node: exp.Column) -> Node:
        return self._scope.column(node)

    def _paren(self, node: exp.Paren) -> Node:
        return self.read(node.this)

    def _literal(self, node: exp.Literal) -> Node:
        if node.is_string:
            return Node("literal", Type.TEXT, (), str(node.this))
        value = number(str(node.this))
        if value is None:
            raise self._text.refused(node, f"{node.this} is no exact number", "up to 30 digits")
        return Node("literal", Type.NUMBER, (), value)

    def _boolean(self, node: exp.Boolean) -> Node:
        return Node("literal", Type.TRUTH, (), bool(node.this))

    def _null(self, _: exp.Null) -> Node:
        return Node("literal", Type.NULL)

    def _negative(self, node: exp.Neg) -> Node:
        return Node("neg", Type.NUMBER, (self.number(node.this),))

    def _not(self, node: exp.Not) -> Node:
        return Node("not", Type.TRUTH, (self.condition(node.this),))

    def _both(self, node: exp.And | exp.Or) -> Node:
        args = (self.condition(node.this), self.condition(node.expression))
        return Node("and" if isinstance(node, exp.And) else "or", Type.TRUTH, args)

    def _is(self, node: exp.Is) -> Node:
        if not isinstance(node.expression, exp.Null) or node.args.get("negate"):
            raise self._text.refused(node, "IS", "IS NULL or IS NOT NULL")
        return Node("is_null", Type.TRUTH, (self.read(node.this),))

    def _in(self, node: exp.In) -> Node:
        if node.args.get("query") or node.args.get("unnest") or node.args.get("field"):
            raise self._text.refused(node, "IN over a query", "IN with a list of values")
        listed = [self.read(one) for one in node.expressions]
        if any(one.op != "literal" for one in listed):
            raise self._text.refused(node, "IN over expressions", "IN with a list of values")
        args = self._alike([self.read(node.this), *listed], node)
        return Node("in", Type.TRUTH, args)

    def _comparison(self, node: exp.Expr) -> Node:
        op = COMPARISONS[type(node)]
        sides = [self.read(node.this), self.read(node.expression)]
        is_time = Type.TIME in {side.type for side in sides}
        if is_time and any(not side.leaves for side in sides):
            expected = "no limit in time: the engine puts the billing period in"
            raise self._text.refused(node, "the query chooses its own period", expected)
        if op in {"eq", "ne"} or is_time:
            args = self._alike(sides, node)
        else:
            args = tuple(self.as_number(side, node) for side in sides)
        return Node(op, Type.TRUTH, args)

    def _arithmetic(self, node: exp.Expr) -> Node:
        args = (self.number(node.this), self.number(node.expression))
        return Node(ARITHMETIC[type(node)], Type.NUMBER, args)

    def _case(self, node: exp.Case) -> Node:
        whens, results = [], []
        subject = node.this
        for branch in node.args["ifs"]:
            when = exp.EQ(this=subject.copy(), expression=branch.this) if subject else branch.this
            whens.append(self.condition(when))
            results.append(self.read(branch.args["true"]))
        default = node.args.get("default")
        results.append(Node("literal", Type.NULL) if default is None else self.read(default))
        alike = self._alike(results, node)
        pairs = [part for pair in zip(whens, alike, strict=False) for part in pair]
        return Node("case", alike[0].type, (*pairs, alike[-1]))

    def _extreme(self, node: exp.Least | exp.Greatest) -> Node:
        op = "least" if isinstance(node, exp.Least) else "greatest"
        found = [self.read(one) for one in (node.this, *node.expressions)]
        if all(one.type is Type.TIME for one in found):
            return Node(op, Type.TIME, tuple(found))
        return Node(op, Type.NUMBER, tuple(self.as_number(one, node) for one in found))

    def _rounding(self, node: exp.Round | exp.Ceil | exp.Floor) -> Node:
        op = type(node).__name__.lower()
        return Node(op, Type.NUMBER, (self.number(node.this),), places(node, self._text))

    def _truncated(self, node: exp.TimestampTrunc | exp.DateTrunc) -> Node:
        return truncated(node, self.read(node.this), self._text)

    def _cast(self, node: exp.Cast) -> Node:
        found = self.read(node.this)
        kind = node.args["to"].this.name if isinstance(node.args["to"], exp.DataType) else ""
        if kind in NUMERIC:
            return numeric(node, kind, self.as_number(found, node), self._text)
        return cast(node, kind, found, self._text)

    def _count(self, node: exp.Count) -> Node:
        if isinstance(node.this, exp.Star) or node.this is None:
            return Node("count", Type.NUMBER)
        if isinstance(node.this, exp.Distinct):
            if len(node.this.expressions) != 1:
                raise self._text.refused(node, "COUNT(DISTINCT ...)", "one expression inside")
            return self._aggregate(node, "count_distinct", self.read(node.this.expressions[0]))
        return self._aggregate(node, "count", self.read(node.this))

    def _total(self, node: exp.Sum | exp.Avg) -> Node:
        if isinstance(node.this, exp.Distinct):
            raise self._text.forbidden(node.this)
        return self._aggregate(node, type(node).__name__.lower(), self.number(node.this))

    def _peak(self, node: exp.Min | exp.Max) -> Node:
        if node.expressions or isinstance(node.this, exp.Distinct):
            raise self._text.refused(node, "two operands", "LEAST or GREATEST")
        found = self.read(node.this)
        if found.type is not Type.TIME:
            found = self.as_number(found, node)
        return self._aggregate(node, type(node).__name__.lower(), found)

    def _named(self, node: exp.Anonymous) -> Node:
        op = str(node.this).lower()
        if op not in {"earliest", "latest"}:
            raise self._text.forbidden(node)
        if not 1 <= len(node.expressions) <= 2:
            raise self._text.refused(node, op.upper(), f"{op.upper()}(x) or {op.upper()}(x, time)")
        first, *rest = (self.read(one) for one in node.expressions)
        order = rest[0] if rest else self._scope.order(node)
        if order.type is not Type.TIME:
            raise self._text.refused(node, f"ordered by a {order.type}", "a timestamp")
        if order == Node("instant", Type.TIME):
            order = ORDER
        return self._aggregate(node, op, first, order)

    def _aggregate(self, node: exp.Expr, op: str, *args: Node) -> Node:
        if any(arg.is_aggregate for arg in args):
            expected = "the inner one in a sub-select with GROUP BY"
            raise self._text.refused(node, "an aggregate inside an aggregate", expected)
        kept = args[0].type if op in {"min", "max", "earliest", "latest"} else Type.NUMBER
        return Node(op, kept, args)

    def _alike(self, found: Sequence[Node], node: exp.Expr) -> tuple[Node, ...]:
        """All of one type: NULL takes any, text beside a number is read as one."""
        types = {one.type for one in found} - {Type.NULL}
        if types == {Type.NUMBER, Type.TEXT}:
            return tuple(self.as_number(one, node) for one in found)
        if len(types) > 1:
            raise self._text.refused(node, f"found {' and '.join(sorted(types))}", "one type")
        kind = next(iter(types), Type.NULL)
        return tuple(
            Node("literal", kind) if one.type is Type.NULL and kind is not Type.NULL else one
            for one in found
        )

    _KINDS: ClassVar[Mapping[type[exp.Expr] | tuple[type[exp.Expr], ...], Callable[..., Node]]] = {
        exp.Column: _column,
        exp.Paren: _paren,
        exp.Literal: _literal,
        exp.Boolean: _boolean,
        exp.Null: _null,
        exp.Neg: _negative,
        exp.Not: _not,
        (exp.And, exp.Or): _both,
        exp.Is: _is,
        exp.In: _in,
        exp.Case: _case,
        (exp.Least, exp.Greatest): _extreme,
        (exp.Round, exp.Ceil, exp.Floor): _rounding,
        (exp.TimestampTrunc, exp.DateTrunc): _truncated,
        exp.Cast: _cast,
        exp.Count: _count,
        (exp.Sum, exp.Avg): _total,
        (exp.Min, exp.Max): _peak,
        exp.Anonymous: _named,
    }
