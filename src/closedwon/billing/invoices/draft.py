"""What every draft invoice has in common."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from closedwon.billing.account import Account
from closedwon.billing.contracts.hierarchy import Payer
from closedwon.billing.contracts.state import Contract
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType, Line
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import Interval


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which invoice it is, and in which unit it is counted."""

    id: str
    type: InvoiceType
    credit_type_id: str


def draft_of(
    account: Account,
    contract: Contract,
    identity: Identity,
    lines: tuple[Line, ...],
    issued_at: datetime,
    service: Interval | None = None,
) -> Invoice:
    """A draft of the contract; its total is what its lines make payable (R133).

    The contract's custom fields are echoed on it (R101). Lines in a custom pricing unit count
    through their conversion line only (R250).
    ``service`` is the period of a usage invoice; scheduled ones have none. A person may have moved
    the issue date (R291). The draft that takes the place of a void invoice has an id of its own
    and is due at once (R284).
    """
    issued_at = account.issue_dates.get(identity.id, issued_at)
    owner, place = account.owner(contract), contract.settings.hierarchy
    is_paid_for = place is not None and place.payer is Payer.PARENT
    draft = Invoice(
        id=identity.id,
        customer_id=owner.customer.id,
        contract_id=contract.id,
        type=identity.type,
        status=InvoiceStatus.DRAFT,
        total=sum(
            (line.payable for line in lines if line.credit_type_id == identity.credit_type_id), ZERO
        ),
        lines=lines,
        credit_type_id=identity.credit_type_id,
        start=None if service is None else service.start,
        end=None if service is None else service.end,
        issued_at=issued_at,
        net_payment_terms_days=contract.net_payment_terms_days,
        contract_custom_fields=contract.custom_fields,
        customer_custom_fields=owner.customer.custom_fields,
        is_billable=owner.is_billable(issued_at if service is None else service.start),
        payer=place.parent if place is not None and is_paid_for else None,
    )
    again = account.regenerating
    if again is None or not again.is_of(draft):
        return draft
    old = again.invoice
    return replace(draft, id=again.new_id, issued_at=again.at, regenerated_from=old.id)
