"""Invoices for professional services, as the work is done (R159)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.edits import Added, Revise
from closedwon.billing.contracts.gated import ProfessionalService
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import ScheduledCharge, ScheduleItem
from closedwon.engine import accounts, contracts
from closedwon.engine.contracts import EditNote
from closedwon.kernel.errors import Refused
from closedwon.kernel.ids import derive
from closedwon.store.stores import Stores


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """Work that was done on a professional service of the contract."""

    service_id: str
    quantity: Decimal
    unit_price: Decimal | None = None
    """In the wire unit of USD; None is the agreed one."""
    description: str = ""


def invoice(
    stores: Stores,
    catalog: Catalog,
    contract_id: str,
    work: Sequence[Work],
    issued_at: datetime,
    note: EditNote,
) -> Contract:
    """One line per piece of work on the scheduled invoice of ``issued_at``; the contract after.

    The same ``edit_id`` with the same work again changes nothing. What was invoiced adds up over
    all invoices; more than a service's max_amount is Refused.
    """
    contract = accounts.contract(stores, contract_id)
    edits = len(stores.contracts.edits(contract_id))
    edit_id = note.edit_id or derive("edit", contract_id, str(edits + 1))
    agreed = {service.id: service for service in contract.services}
    unknown = sorted({done.service_id for done in work} - set(agreed))
    if unknown or not work:
        raise Refused(
            "work names professional services of the contract (R159)",
            contract=contract_id,
            unknown=", ".join(unknown),
        )
    charges = tuple(
        _charge(agreed[done.service_id], done, issued_at, derive("work", edit_id, str(number)))
        for number, done in enumerate(work, start=1)
    )
    change = Revise(add=Added(charges=charges))
    return contracts.edit(stores, catalog, contract_id, change, replace(note, edit_id=edit_id))


def _charge(
    service: ProfessionalService, done: Work, at: datetime, charge_id: str
) -> ScheduledCharge:
    unit_price = service.unit_price if done.unit_price is None else done.unit_price
    item = ScheduleItem(
        id=derive("payment", charge_id),
        timestamp=at,
        amount=unit_price * done.quantity,
        unit_price=unit_price,
        quantity=done.quantity,
    )
    return ScheduledCharge(
        id=charge_id,
        product_id=service.product_id,
        name=done.description or service.description or "Professional services",
        items=(item,),
        service_id=service.id,
        source=service.source,
    )
