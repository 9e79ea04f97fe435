"""Whether the state is what it claims to be, and making caches anew from the edits (D1, G20)."""

from collections.abc import Iterator

from closedwon.billing.contracts.fold import contract_of
from closedwon.kernel.errors import InvariantBroken
from closedwon.kernel.ids import digest
from closedwon.store.database import verify
from closedwon.store.rows import encoded
from closedwon.store.stores import Stores


def findings(stores: Stores) -> Iterator[str]:
    """What is wrong, in words; nothing when the file, chains, bytes, books and caches are sound."""
    yield from verify(stores.db)
    broken = stores.audit.broken_at()
    if broken is not None:
        yield f"the audit log was changed at row {broken}"
    for invoice_id in stores.invoices.tampered():
        yield f"invoice {invoice_id} no longer has the bytes it was finalized with"
    try:
        stores.journal.check_balance()
    except InvariantBroken as error:
        yield str(error)
    for contract_id in stale(stores):
        yield f"contract {contract_id} is not what its edits make it; rebuild"


def stale(stores: Stores) -> Iterator[str]:
    """Ids of contracts whose cached state differs from the fold of their edits."""
    for contract_id in stores.contracts.ids():
        state = encoded(contract_of(stores.contracts.edits(contract_id)))
        cached = encoded(stores.contracts.get(contract_id))
        if state != cached or digest(state.encode()) != stores.contracts.digest(contract_id):
            yield contract_id
