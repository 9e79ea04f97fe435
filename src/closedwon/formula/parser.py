"""Operator precedence (Pratt) parser: tokens in, tree out.

From loosest to tightest: ``||``; ``&&``; ``= == <> !=``; ``< <= > >=``; ``+ - &``; ``* /``; ``^``;
unary ``- + !``. All chains group from the left. ``^`` beside ``*``, ``/`` or another ``^`` needs
parentheses, and so has a negative base: Salesforce's own grammar gives ``2 * 3 ^ 2`` = 36 and
``-2 ^ 2`` = 4, school gives 18 and -4, so neither is guessed.
"""

from typing import Final

from closedwon.formula.place import FormulaError, Place
from closedwon.formula.syntax import Binary, Chain, Invocation, Literal, Node, Reference, Unary
from closedwon.formula.tokens import Kind, Token, tokens
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import exact

DEPTH_MAX = 60
"""Deepest nesting, and longest chain of ``+ - * /``, of a formula."""
NODES_MAX = 2_000
"""Most operands, operators and calls in one formula."""

POWER: Final = (
    {"||": 1, "&&": 2}
    | dict.fromkeys(("=", "==", "<>", "!="), 3)
    | dict.fromkeys(("<", "<=", ">", ">="), 4)
    | dict.fromkeys(("+", "-", "&"), 5)
    | dict.fromkeys(("*", "/"), 6)
    | {"^": 7}
)
SPELLINGS: Final = {"==": "=", "!=": "<>"}
CHAINED: Final = ("||", "&&", "&")
WORDS: Final = {"TRUE": True, "FALSE": False, "NULL": None}
OPERAND: Final = "a field, a value, a function or ("


def parse(text: str, place: Place) -> Node:
    """The tree of ``text``; raises FormulaError, and nothing else, for any wrong text."""
    return _Parser(tokens(text, place)).whole()


class _Parser:
    """One pass over the tokens of one formula."""

    def __init__(self, found: tuple[Token, ...]) -> None:
        self._tokens = found
        self._at = 0
        self._level = 0
        self._nodes = 0
        self._grouped: dict[int, Node] = {}

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def whole(self) -> Node:
        """The tree of all tokens."""
        tree = self._expression(0)
        if self._next.kind is not Kind.END:
            raise self._unexpected("an operator or the end of the formula")
        return tree

    def _expression(self, power: int) -> Node:
        """What binds tighter than ``power`` from here on."""
        self._level += 1
        if self._level > DEPTH_MAX:
            raise _too_deep(self._next)
        left = self._operand()
        while self._power() > power:
            operator = self._take()
            right = self._expression(POWER[operator.text])
            left = self._joined(operator, left, right)
        self._level -= 1
        return left

    def _power(self) -> int:
        return POWER.get(self._next.text, 0) if self._next.kind is Kind.SIGN else 0

    def _operand(self) -> Node:
        token = self._next
        match token.kind, token.text:
            case Kind.NUMBER, _:
                return self._number(self._take())
            case Kind.TEXT, _:
                return self._counted(Literal(self._take().text, token.spot))
            case Kind.NAME, _:
                return self._named(self._take())
            case Kind.SIGN, "-" | "+" | "!":
                self._take()
                operand = self._expression(POWER["^"])
                return self._counted(Unary(token.text, operand, token.spot, operand.depth + 1))
            case Kind.SIGN, "(":
                self._take()
                inner = self._expression(0)
                self._take_sign(")", "an operator or )")
                self._grouped[id(inner)] = inner
                return inner
            case _:
                raise self._unexpected(OPERAND)

    def _number(self, token: Token) -> Node:
        try:
            return self._counted(Literal(exact(token.text), token.spot))
        except Refused as error:
            raise token.spot.fault("a number of too many digits", found=token.text[:40]) from error

    def _named(self, token: Token) -> Node:
        word = token.text.upper()
        if self._next.text == "(" and self._next.kind is Kind.SIGN:
            return self._invocation(word, token)
        if word in WORDS:
            return self._counted(Literal(WORDS[word], token.spot))
        return self._counted(Reference(tuple(token.text.split(".")), token.spot))

    def _invocation(self, name: str, token: Token) -> Node:
        self._take()
        arguments: list[Node] = []
        if not (self._next.kind is Kind.SIGN and self._next.text == ")"):
            arguments.append(self._expression(0))
            while self._next.kind is Kind.SIGN and self._next.text == ",":
                self._take()
                arguments.append(self._expression(0))
        self._take_sign(")", "an operator, a comma or )")
        depth = max((argument.depth for argument in arguments), default=0) + 1
        return self._counted(Invocation(name, tuple(arguments), token.spot, depth))

    def _joined(self, operator: Token, left: Node, right: Node) -> Node:
        sign = SPELLINGS.get(operator.text, operator.text)
        self._refuse_guessed_power(sign, (left, right), operator)
        if sign not in CHAINED:
            depth = max(left.depth, right.depth) + 1
            return self._counted(Binary(sign, left, right, operator.spot, depth))
        operands: tuple[Node, ...] = (left, right)
        if isinstance(left, Chain) and left.sign == sign and self._is_bare(left):
            operands = (*left.operands, right)
        depth = max(operand.depth for operand in operands) + 1
        return self._counted(Chain(sign, operands, operator.spot, depth))

    def _refuse_guessed_power(self, sign: str, operands: tuple[Node, Node], at: Token) -> None:
        risky = {"^": ("^", "-", "+", "!"), "*": ("^",), "/": ("^",)}.get(sign, ())
        for operand in operands:
            if (
                isinstance(operand, Unary | Binary)
                and operand.sign in risky
                and self._is_bare(operand)
            ):
                raise at.spot.fault(
                    f"^ beside {operand.sign if sign == '^' else sign} is read in two ways",
                    expected="parentheses that say which comes first",
                )

    def _is_bare(self, node: Node) -> bool:
        return id(node) not in self._grouped

    def _counted(self, node: Node) -> Node:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise node.spot.fault("the formula has too many parts", expected=f"{NODES_MAX} at most")
        if node.depth > DEPTH_MAX:
            raise _too_deep(self._next)
        return node

    def _take(self) -> Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _take_sign(self, sign: str, expected: str) -> None:
        if self._next.kind is not Kind.SIGN or self._next.text != sign:
            raise self._unexpected(expected)
        self._take()

    def _unexpected(self, expected: str) -> FormulaError:
        token = self._next
        return token.spot.fault("this cannot stand here", found=str(token), expected=expected)


def _too_deep(token: Token) -> FormulaError:
    return token.spot.fault(
        "the formula is nested too deep", expected=f"{DEPTH_MAX} levels at most"
    )
