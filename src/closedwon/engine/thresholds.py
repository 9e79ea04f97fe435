"""Thresholds at work: purchases become edits, once each, and are told (R257-R267)."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from closedwon.billing.account import Account, Bill
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.edits import Added, ContractSettings, Revise
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.contracts.thresholds import GateType
from closedwon.billing.thresholds.purchase import (
    Moment,
    Purchase,
    Workflow,
    recharge,
    spend_charge,
)
from closedwon.engine import accounts, contracts
from closedwon.engine.contracts import EditNote
from closedwon.engine.events import emit
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import wire_instant
from closedwon.store.database import writing
from closedwon.store.stores import Stores

BY = "threshold"
"""Who edits, in the audit log."""
PURCHASES_MAX = 10
"""Purchases of one contract and threshold in one evaluation; the rest waits for the next one."""
Price = Callable[[Account, Catalog, datetime], Bill]
"""One account's bill, drafts included."""
DECISIONS = (recharge, spend_charge)
"""In the order they are asked (R267)."""


def evaluate(
    stores: Stores,
    catalog: Catalog,
    price: Price,
    now: datetime,
    customer_ids: Iterable[str] | None = None,
) -> tuple[Purchase, ...]:
    """Make every purchase that thresholds call for; asked again, nothing is bought twice.

    ``customer_ids`` narrows it to those whose usage or terms changed; None asks every contract with
    a threshold. A purchase, its event and its audit row commit together.
    """
    bought: list[Purchase] = []
    for customer_id in stores.contracts.customers_with_thresholds(customer_ids):
        account = accounts.account(stores, customer_id).at(now)
        made = price(account, catalog, now)
        for contract_id in [contract.id for contract in account.contracts]:
            for decision in DECISIONS:
                for _ in range(PURCHASES_MAX):
                    moment = _moment(account, contract_id, catalog, made, now)
                    purchase = decision(moment)
                    if purchase is None:
                        break
                    _buy(stores, catalog, moment.contract, purchase, now)
                    bought.append(purchase)
                    account = accounts.account(stores, customer_id).at(now)
                    made = price(account, catalog, now)
    return tuple(bought)


def _moment(
    account: Account, contract_id: str, catalog: Catalog, made: Bill, now: datetime
) -> Moment:
    (contract,) = (one for one in account.contracts if one.id == contract_id)
    return Moment(
        contract=contract, catalog=catalog, standing=account.finalized, bill=made, now=now
    )


def _buy(
    stores: Stores, catalog: Catalog, contract: Contract, purchase: Purchase, now: datetime
) -> None:
    """Add the commit and tell of it; its invoice is due at once (R261, R262)."""
    commit = purchase.commit
    with writing(stores.db):
        note = EditNote(by=BY, now=now, edit_id=derive("edit", commit.id))
        change = Revise(add=Added(commits=(commit,)))
        contracts.edit(stores, catalog, contract.id, change, note)
        about = {
            "workflow_type": purchase.workflow,
            "customer_id": contract.customer_id,
            "contract_id": contract.id,
        }
        reached = {**about, "timestamp": wire_instant(now)}
        emit(stores, "payment_gate.threshold_reached", reached, now)
        if commit.gate is not None and commit.gate.type is GateType.EXTERNAL:
            workflow = {**about, "workflow_id": commit.gate.workflow_id}
            emit(stores, "payment_gate.external_initiate", _billed(catalog, commit, workflow), now)


def _billed(catalog: Catalog, commit: Commit, workflow: dict[str, Any]) -> dict[str, Any]:
    (payment,) = commit.payments
    currency = catalog.credit_types[commit.payment_credit_type_id].currency
    return {**workflow, "invoice_total": payment.amount, "invoice_currency": currency}


def disabled(settings: ContractSettings, workflow: Workflow) -> ContractSettings:
    """The settings after a purchase could not be paid: its threshold is off (R262, R266)."""
    if workflow is Workflow.BALANCE and settings.balance_threshold is not None:
        off = replace(settings.balance_threshold, is_enabled=False)
        return replace(settings, balance_threshold=off)
    if workflow is Workflow.SPEND and settings.spend_threshold is not None:
        off_spend = replace(settings.spend_threshold, is_enabled=False)
        return replace(settings, spend_threshold=off_spend)
    return settings
