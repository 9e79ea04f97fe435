"""Record ids: a deterministic sequence per object, in the order of creation."""

from functools import lru_cache

from closedwon.devorg.errors import OrgError
from closedwon.kernel.errors import Refused
from closedwon.kernel.ids import id18

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""Base 62 in byte order, so that ids sort as they were given out."""
INSTANCE = "Dv"
"""Follows the key prefix; no real org of the shipped data uses it."""
COUNTER_LENGTH = 10
IDS_REMEMBERED = 50_000
"""Ids checked lately; a load meets the same parents again and again."""


def numbered_id(key_prefix: str, number: int) -> str:
    """The 18-character id of the ``number``-th record under a prefix."""
    return id18(f"{key_prefix}{INSTANCE}{base62(number, COUNTER_LENGTH)}")


def base62(number: int, length: int) -> str:
    """``number`` in base 62, padded to ``length`` characters."""
    digits: list[str] = []
    for _ in range(length):
        number, digit = divmod(number, len(DIGITS))
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))


@lru_cache(IDS_REMEMBERED)
def canonical_id(text: str) -> str:
    """18 characters from 15 or 18; raises OrgError MALFORMED_ID for anything else."""
    try:
        return id18(text)
    except Refused as error:
        raise OrgError("MALFORMED_ID", f"malformed id {text}") from error
