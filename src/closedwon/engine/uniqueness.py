"""Keys and ids that are taken once (R7)."""

from datetime import datetime

from closedwon.billing.contracts.edits import Added
from closedwon.engine.checks import ids_of
from closedwon.kernel.errors import Conflict, Refused
from closedwon.store.keys import Namespace
from closedwon.store.stores import Stores

KEY_USED = "This uniqueness key has already been used."
KEY_LENGTH_MAX = 128


def take_key(
    stores: Stores, namespace: Namespace, key: str | None, resource_id: str, now: datetime
) -> None:
    """Take ``key`` for a resource; None takes none. Raises Conflict when it is used (R7)."""
    if key is None:
        return
    if not 1 <= len(key) <= KEY_LENGTH_MAX:
        raise Refused(f"a uniqueness key has 1 to {KEY_LENGTH_MAX} characters (R7)", found=len(key))
    holder = stores.keys.holder(namespace, key)
    if holder is not None:
        raise Conflict(KEY_USED, holder=holder)
    stores.keys.take(namespace, key, resource_id, now)


def check_unused(stores: Stores, terms: Added, owner: str = "") -> None:
    """Raise Conflict when another contract or customer than ``owner`` has an id of ``terms``."""
    ids = tuple(ids_of(terms))
    holders = {
        **stores.customer_terms.holders_of_terms(ids),
        **stores.contracts.holders_of_terms(ids),
    }
    taken = {term: holder for term, holder in holders.items() if holder != owner}
    if taken:
        term, holder = min(taken.items())
        raise Conflict("a term id is taken", term=term, holder=holder)
