"""Carrying out a plan with the real fold, so that the same deal can be planned again."""

from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from closedwon.billing.account import Customer
from closedwon.billing.contracts.edits import Change, Edit
from closedwon.billing.contracts.fold import contract_of
from closedwon.deals.plan import PlanFacts
from closedwon.deals.types import (
    CreateContract,
    CreateCustomer,
    CreateProduct,
    EditContract,
    Plan,
)
from closedwon.kernel.ids import derive

AT = datetime(2024, 1, 1, tzinfo=UTC)


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What billing holds of one contract: its edits, and the facts that follow from them."""

    facts: PlanFacts = PlanFacts()
    edits: tuple[Edit, ...] = ()


def applied(world: World, plan: Plan) -> World:
    """The world after every step of ``plan`` was carried out."""
    for step in plan.steps:
        match step:
            case CreateCustomer(customer=terms):
                customer = Customer(
                    id=terms.id,
                    name=terms.name,
                    salesforce_account_id=terms.account_id,
                    created_at=AT,
                )
                world = replace(world, facts=replace(world.facts, customer=customer))
            case CreateProduct(product=product):
                known = world.facts.product_ids | {product.id}
                world = replace(world, facts=replace(world.facts, product_ids=known))
            case CreateContract(contract_id=contract_id, create=create):
                world = edited(world, contract_id, create)
            case EditContract(contract_id=contract_id, change=change):
                world = edited(world, contract_id, change)
    return world


def edited(world: World, contract_id: str, change: Change) -> World:
    """The world after one more edit of its contract."""
    edit = Edit(
        id=derive("edit", contract_id, str(len(world.edits))),
        contract_id=contract_id,
        at=AT,
        by="test",
        change=change,
    )
    edits = (*world.edits, edit)
    return World(facts=replace(world.facts, contract=contract_of(edits)), edits=edits)
