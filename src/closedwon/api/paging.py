"""Pages: rows in an order that never changes, and a cursor that says after which one to go on.

A cursor holds the key of the last row shown, so rows that are added, archived or taken away
meanwhile make no other row appear twice or not at all.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from closedwon.api.model import Malformed
from closedwon.kernel import strict_json
from closedwon.kernel.errors import Refused

LIMIT_MAX = 100
T = TypeVar("T")
Key = tuple[str, ...]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which page."""

    limit: int = LIMIT_MAX
    after: Key | None = None
    """Key of the last row already seen; None for the first page."""


def asked(
    limit: int | None, cursor: str | None, *, most: int = LIMIT_MAX, default: int | None = None
) -> Asked:
    """From ``limit`` and cursor as sent; raises Malformed, or Refused for another's cursor."""
    wanted = (default or most) if limit is None else limit
    if not 1 <= wanted <= most:
        raise Malformed(f"limit: expected 1 to {most}, found {wanted}")
    return Asked(limit=wanted, after=None if not cursor else _read(cursor))


def asked_in(query: Mapping[str, str], default: int = LIMIT_MAX) -> Asked:
    """From ``limit`` and ``next_page`` of a query string."""
    text = query.get("limit", str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LIMIT_MAX))):
        raise Malformed(f"limit: expected 1 to {LIMIT_MAX}, found {text[:20]!r}")
    return asked(int(text), query.get("next_page"))


def paged(
    rows: Iterable[T], page: Asked, key: Callable[[T], Key], *, newest_first: bool = False
) -> tuple[list[T], str | None]:
    """The rows of a page by rising ``key``, and the cursor of the next one; None on the last."""
    ordered = sorted(rows, key=key, reverse=newest_first)
    after = page.after
    if after is not None:
        ordered = [
            row for row in ordered if (key(row) < after if newest_first else key(row) > after)
        ]
    shown = ordered[: page.limit]
    return shown, (cursor(key(shown[-1])) if len(ordered) > page.limit else None)


def paged_body(
    rows: Iterable[T], page: Asked, key: Callable[[T], Key], shape: Callable[[T], Any]
) -> dict[str, Any]:
    """``{"data": [...], "next_page": ...}`` of a page."""
    shown, following = paged(rows, page, key)
    return {"data": [shape(row) for row in shown], "next_page": following}


def cursor(key: Key) -> str:
    """The opaque text of a key."""
    return base64.urlsafe_b64encode(strict_json.dumps(list(key)).encode()).decode().rstrip("=")


def _read(text: str) -> Key:
    try:
        found = strict_json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, Refused) as error:
        raise Refused("next_page: not a cursor of ours") from error
    if not isinstance(found, list) or not all(isinstance(part, str) for part in found):
        raise Refused("next_page: not a cursor of ours")
    return tuple(found)
