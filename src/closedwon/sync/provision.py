"""Carrying a plan out in the embedded engine: one command per step of the plan."""

from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

from closedwon.billing.account import Customer
from closedwon.billing.contracts.edits import Added, Amend, ChangeEnd, Create, Revise
from closedwon.deals.types import (
    CreateContract,
    CreateCustomer,
    CreateProduct,
    CustomerTerms,
    EditContract,
    Plan,
)
from closedwon.engine import Engine
from closedwon.kernel.ids import derive

BY = "sync"


def provision(engine: Engine, plan: Plan, key: str, now: datetime) -> None:
    """Run the engine commands of ``plan`` inside the caller's transaction.

    ``key`` identifies the plan, so that the same plan again appends no second edit (G1). Raises
    Refused when billing cannot do what the plan asks.
    """
    for number, step in enumerate(plan.steps):
        match step:
            case CreateCustomer(customer=terms):
                _create_customer(engine, terms, now)
            case CreateProduct(product=product):
                engine.ensure_custom_field_keys("contract_product", product.custom_fields, now, BY)
                engine.create_product(product, now, BY)
            case CreateContract(contract_id=contract_id, create=create):
                _allow_fields(engine, create, now)
                engine.create_contract(contract_id, create, by=BY, now=now, source=plan.source)
            case EditContract(contract_id=contract_id, change=change):
                _allow_fields(engine, change, now)
                engine.edit_contract(
                    contract_id,
                    change,
                    by=BY,
                    now=now,
                    source=plan.source,
                    edit_id=derive("edit", contract_id, key, str(number)),
                )
            case _:
                assert_never(step)


def _create_customer(engine: Engine, terms: CustomerTerms, now: datetime) -> None:
    engine.ensure_custom_field_keys("customer", terms.custom_fields, now, BY)
    customer = Customer(
        id=terms.id,
        name=terms.name,
        ingest_aliases=terms.ingest_aliases,
        salesforce_account_id=terms.account_id,
        custom_fields=terms.custom_fields,
        created_at=now,
    )
    engine.create_customer(customer, now, BY)


def _allow_fields(
    engine: Engine, change: Create | Amend | Revise | ChangeEnd, now: datetime
) -> None:
    """Custom field keys must be known before they are used (R364)."""
    if isinstance(change, ChangeEnd):
        return
    engine.ensure_custom_field_keys("contract", change.custom_fields, now, BY)
    for added in _added(change):
        for commit in added.commits:
            engine.ensure_custom_field_keys("commit", commit.custom_fields, now, BY)
        for charge in added.charges:
            engine.ensure_custom_field_keys("scheduled_charge", charge.custom_fields, now, BY)


def _added(change: Create | Amend | Revise) -> Iterator[Added]:
    if isinstance(change, Revise):
        yield change.add
        yield change.replace
    else:
        yield change.terms
