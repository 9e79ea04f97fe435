"""Configuration as it was known at a wall-clock instant (R115, D1)."""

from datetime import datetime

from msgspec.structs import replace

from closedwon.billing.account import Account
from closedwon.billing.contracts.customer_terms import commits_of
from closedwon.billing.contracts.fold import contract_of
from closedwon.billing.contracts.state import Contract
from closedwon.billing.invoices.types import InvoiceStatus
from closedwon.engine import accounts
from closedwon.kernel.errors import NotFound
from closedwon.kernel.instant import wire_instant
from closedwon.store.stores import Stores


def contract(stores: Stores, contract_id: str, known_at: datetime) -> Contract:
    """The contract by the edits recorded up to ``known_at``; raises NotFound before the first.

    Custom fields are those that edits brought; values set one by one keep no history.
    """
    edits = [edit for edit in stores.contracts.edits(contract_id) if edit.at <= known_at]
    if not edits:
        raise NotFound(
            "no such contract was known then", contract=contract_id, as_of=wire_instant(known_at)
        )
    return contract_of(edits)


def account(stores: Stores, customer_id: str, known_at: datetime) -> Account:
    """The account by what was recorded up to ``known_at``: terms, invoices, manual entries.

    The catalogue and custom fields are those of today.
    """
    now = accounts.account(stores, customer_id)
    contracts = []
    for found in now.contracts:
        if found.created_at <= known_at:
            known = contract(stores, found.id, known_at)
            contracts.append(replace(known, custom_fields=found.custom_fields))
    own = stores.customer_terms.edits([customer_id]).get(customer_id, ())
    standing = [i for i in now.voided if i.voided_at is not None and i.voided_at > known_at]
    final = (
        *now.finalized,
        *(replace(i, status=InvoiceStatus.FINALIZED, voided_at=None) for i in standing),
    )
    manual = stores.ledger.manual([customer_id], known_at).get(customer_id, ())
    return replace(
        now,
        contracts=tuple(contracts),
        commits=commits_of(edit for edit in own if edit.at <= known_at),
        finalized=tuple(i for i in final if i.finalized_at and i.finalized_at <= known_at),
        voided=tuple(i for i in now.voided if i not in standing),
        manual=tuple(manual),
    )
