"""What the org answers to queries and writes."""

from collections.abc import Sequence
from typing import Any

import msgspec


class QueryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a SOQL statement.

    ``rows`` is a sequence that renders on access: slice it (``rows[2000:4000]``) to page; a slice
    is a list of dicts with ``attributes`` first, numbers as Decimal or int, stamps as Salesforce
    text. A row shows what is stored when it is read; which rows there are is fixed by the query.
    ``total`` is totalSize: for ``COUNT()`` the count, and ``rows`` is empty.
    """

    rows: Sequence[dict[str, Any]]
    total: int


class Upserted(msgspec.Struct, frozen=True, kw_only=True):
    """The record an upsert wrote, and whether it was new."""

    id: str
    created: bool
