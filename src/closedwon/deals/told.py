"""What a plan would do, in words a person reads."""

from collections.abc import Iterator
from typing import assert_never

from closedwon.deals.types import CreateContract, CreateCustomer, CreateProduct, EditContract, Plan


def steps_told(plan: Plan) -> Iterator[str]:
    """One sentence a step, in order."""
    for step in plan.steps:
        match step:
            case CreateCustomer(customer=customer):
                yield f"create customer {customer.name}"
            case CreateProduct(product=product):
                yield f"create product {product.name}"
            case CreateContract(create=create):
                yield f"create contract {create.name}"
            case EditContract(change=change):
                yield f"{type(change).__name__.lower()} contract"
            case _:
                assert_never(step)
