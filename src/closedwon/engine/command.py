"""One command: one transaction, one audit row, nothing at all when it is refused (D5, R363)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import msgspec

from closedwon.kernel.errors import Refused
from closedwon.store.database import writing
from closedwon.store.stores import Stores

API = "api"
"""Who acts, in the audit log, when the caller does not say."""


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts, when, and the key that lets it happen once (R7)."""

    by: str
    now: datetime
    uniqueness_key: str | None = None


class Command(msgspec.Struct):
    """Set ``changed`` once something was written; a repeat that changes nothing leaves no row."""

    changed: bool = False


@contextmanager
def command(
    stores: Stores, action: str, resource: tuple[str, str], *, by: str, now: datetime
) -> Iterator[Command]:
    """Run the block in a transaction (a savepoint inside the caller's) and audit it.

    A Refused undoes the block, is audited as a failure and goes on to the caller.
    """
    try:
        with writing(stores.db):
            running = Command()
            yield running
            if running.changed:
                stores.audit.append(action, resource, by=by, now=now)
    except Refused as error:
        with writing(stores.db):
            stores.audit.append(action, resource, by=by, now=now, failure=str(error))
        raise
