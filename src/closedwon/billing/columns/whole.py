"""Exact decimals as columns of whole numbers: a value is the number over ten to the ``places``.

Columns are int64 where every number and every sum that will be made of it fits, and Python's own
unbounded integers otherwise: slower, as exact. Nothing here is ever a float.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from closedwon.kernel.exact import CONTEXT

Whole = np.ndarray[Any, np.dtype[Any]]
"""int64 or object (Python ints)."""
FITS = 2**62
"""Below, an int64 is safe, with one bit to spare."""
DIGITS_MAX = 37
"""Longer results could be rounded by the ordinary path (kernel.exact.CONTEXT); they go there."""


def places_of(values: Iterable[Decimal]) -> int:
    """Digits after the point that the longest of ``values`` needs, trailing zeros aside."""
    return max((_places(value) for value in values), default=0)


def whole(value: Decimal, places: int) -> int:
    """``value`` times ten to the ``places``, which must be enough for it."""
    scaled = value.scaleb(places)
    number = int(scaled)
    assert number == scaled, (value, places)
    return number


def column(values: Sequence[Decimal], places: int) -> Whole:
    """``values`` as whole numbers."""
    return packed([whole(value, places) for value in values])


def packed(numbers: Sequence[int]) -> Whole:
    """Whole numbers as a column."""
    fits = all(-FITS < number < FITS for number in numbers)
    found = np.empty(len(numbers), dtype=np.int64 if fits else object)
    found[:] = numbers
    return found


def largest(numbers: Whole) -> int:
    """The greatest magnitude, as a Python int; 0 of nothing."""
    if not numbers.size:
        return 0
    return max(int(numbers.max()), -int(numbers.min()))


def made_wide(numbers: Whole, bound: int) -> Whole:
    """The column as one whose results may reach ``bound``."""
    return numbers if bound < FITS or numbers.dtype == object else numbers.astype(object)


def finer(numbers: Whole, by: int) -> Whole:
    """The same values with ``by`` more places."""
    if not by:
        return numbers
    factor = 10**by
    scaled: Whole = made_wide(numbers, max(largest(numbers), 1) * factor) * factor
    return scaled


def decimal(number: int, places: int) -> Decimal:
    """The exact value of one number."""
    return Decimal(int(number)).scaleb(-places)


def decimals(numbers: Whole, places: int) -> pa.Array:
    """The column as Arrow decimal128."""
    kind = pa.decimal128(38, places)
    if numbers.dtype == object:
        return pa.array([decimal(number, places) for number in numbers.tolist()], kind)
    limbs = np.empty((len(numbers), 2), dtype="<i8")
    limbs[:, 0] = numbers
    limbs[:, 1] = numbers >> 63
    return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(limbs.tobytes())])


def is_long(values: Sequence[Decimal]) -> bool:
    """Whether sums of ``values`` may have more digits than are computed exactly everywhere."""
    before = max((value.adjusted() + 1 for value in values if value), default=0)
    return max(before, 0) + places_of(values) > DIGITS_MAX


def _places(value: Decimal) -> int:
    exponent = CONTEXT.normalize(value).as_tuple().exponent
    if len(value.as_tuple().digits) > CONTEXT.prec:
        exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), value
    return max(0, -exponent)
