"""Formula text cut into tokens."""

import re
from enum import StrEnum

import msgspec

from closedwon.formula.place import Place, Spot

TEXT_LENGTH_MAX = 10_000
"""Longest formula in characters; Salesforce allows 3,900 (S 6)."""

ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}

PATTERN = re.compile(
    r"""(?P<space>[ \t\r\n\f\u00a0]+|/\*.*?\*/)
      | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))
      | (?P<name>[A-Za-z_$][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
      | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<sign>&&|\|\||<>|!=|==|<=|>=|/(?!\*)|[-+*^&=<>!(),])""",
    re.VERBOSE | re.DOTALL,
)


class Kind(StrEnum):
    """What a token is, in the words of an error message."""

    NUMBER = "number"
    NAME = "name"
    TEXT = "text"
    SIGN = "sign"
    END = "end of the formula"


class Token(msgspec.Struct, frozen=True):
    """One token; ``text`` is as written, for a TEXT token without quotes and escapes."""

    kind: Kind
    text: str
    spot: Spot

    def __str__(self) -> str:
        return str(self.kind) if self.kind is Kind.END else repr(self.text)


def tokens(text: str, place: Place) -> tuple[Token, ...]:
    """All tokens of ``text`` and a last END; spaces and comments are left out."""
    if len(text) > TEXT_LENGTH_MAX:
        raise Spot("", place, 0).fault(
            "the formula is too long",
            found=f"{len(text)} characters",
            expected=f"at most {TEXT_LENGTH_MAX}",
        )
    found: list[Token] = []
    offset = 0
    while offset < len(text):
        spot = Spot(text, place, offset)
        match = PATTERN.match(text, offset)
        if match is None:
            raise _stray(text[offset:], spot)
        offset = match.end()
        if match.lastgroup != "space":
            found.append(_token(str(match.lastgroup), match.group(), spot))
    found.append(Token(Kind.END, "", Spot(text, place, len(text))))
    return tuple(found)


def _token(group: str, written: str, spot: Spot) -> Token:
    if group == "text":
        return Token(Kind.TEXT, _unescaped(written[1:-1], spot), spot)
    return Token(Kind(group), written, spot)


def _unescaped(written: str, spot: Spot) -> str:
    """The text meant by ``written``, which stands one character after ``spot``."""
    if "\\" not in written:
        return written
    letters: list[str] = []
    at = 0
    while at < len(written):
        letter = written[at]
        if letter == "\\":
            at += 1
            if written[at] not in ESCAPES:
                raise Spot(spot.text, spot.start, spot.offset + at).fault(
                    "unknown escape",
                    found=repr("\\" + written[at]),
                    expected="one of \\\\ \\' \\\" \\n \\r \\t",
                )
            letter = ESCAPES[written[at]]
        letters.append(letter)
        at += 1
    return "".join(letters)


def _stray(rest: str, spot: Spot) -> Exception:
    if rest.startswith("/*"):
        return spot.fault("a comment without end", expected="*/")
    if rest[0] in "'\"":
        return spot.fault("a text without end", expected=f"a closing {rest[0]}")
    hint = {"|": "||", "%": "a plain number: 10% is 10 / 100", ";": ","}.get(rest[0], "")
    return spot.fault("a character with no meaning here", found=repr(rest[0]), expected=hint)
