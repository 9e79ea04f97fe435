"""What counts as a number in an event property (R25), and how numbers are added exactly.

A number is an optional sign, at most 30 digits before and after the point, and an optional
exponent of at most two digits. Everything else contributes nothing. Ordinary numbers are added by
the columnar engine as DECIMAL(38,18); longer ones come back as text and are added here, so no
digit is ever rounded away.
"""

import decimal
import re
from collections.abc import Iterable
from decimal import Decimal

from closedwon.kernel.exact import ZERO

ORDINARY = r"[+-]?[0-9]{1,14}(\.[0-9]{1,18})?"
"""Fits DECIMAL(38,18) with room for a million of the largest in one sum."""
NUMBER = r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?"

_NUMBER = re.compile(NUMBER)
_WIDE = decimal.Context(prec=500, traps=[decimal.Inexact, decimal.InvalidOperation])
"""Holds a sum of any numbers of the form above; a lost digit would raise."""


def number(text: str | None) -> Decimal | None:
    """The exact value of a property, or None when it is missing or no number."""
    if text is None or _NUMBER.fullmatch(text) is None:
        return None
    return Decimal(text)


def added(numbers: Iterable[Decimal]) -> Decimal:
    """Exact sum."""
    total = ZERO
    for one in numbers:
        total = _WIDE.add(total, one)
    return total
