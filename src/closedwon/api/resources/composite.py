"""A customer and its first contract in one call: both or neither (2.3)."""

from typing import Any

from closedwon.api.call import Call, Route
from closedwon.api.model import Wire
from closedwon.api.terms import creation
from closedwon.api.terms.contract import ContractOffer
from closedwon.api.terms.customer import CustomerSent, brief, created
from closedwon.store.database import writing
from closedwon.store.tokens import Scope


class CustomerWithContract(Wire):
    """POST /v1/composite/createCustomerWithContract."""

    customer: CustomerSent
    contract: ContractOffer


def create(call: Call, body: CustomerWithContract) -> Any:
    """Add a customer with a contract; a refused contract leaves no customer."""
    with writing(call.engine.db):
        customer = created(call, body.customer)
        contract_id = creation.created(call, customer.id, body.contract)
    told = brief(customer)
    return {
        "data": {
            "customer_id": customer.id,
            "customer_name": customer.name,
            "ingest_aliases": told["ingest_aliases"],
            "custom_fields": told["custom_fields"],
            "contract_id": contract_id,
        }
    }


ROUTES = (
    Route(
        method="POST",
        path="/v1/composite/createCustomerWithContract",
        scope=Scope.WRITE,
        do=create,
        body=CustomerWithContract,
    ),
)
