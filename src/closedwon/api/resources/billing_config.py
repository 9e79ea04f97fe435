"""A customer at one provider, the way it was before configurations had ids (Appendix D)."""

from typing import Annotated, Any

from closedwon.api.answers import sparse
from closedwon.api.call import Call, Route
from closedwon.api.model import Wire, one_of
from closedwon.api.shapes import configuration_shape
from closedwon.api.terms.customer import ID_FIELDS
from closedwon.engine import providers
from closedwon.kernel.errors import Conflict, NotFound
from closedwon.store.providers import ProviderConfiguration
from closedwon.store.tokens import Scope

SHOWN = (
    "aws_customer_account_id",
    "aws_customer_id",
    "aws_is_subscription_product",
    "aws_product_code",
    "aws_region",
    "azure_plan_id",
    "stripe_collection_method",
)


class Create(Wire):
    """POST /v1/customers/{customer_id}/billing-config/{billing_provider_type}."""

    billing_provider_customer_id: str
    aws_customer_account_id: str | None = None
    aws_customer_id: str | None = None
    aws_product_code: str | None = None
    aws_region: str | None = None
    stripe_collection_method: (
        Annotated[str, one_of("charge_automatically", "send_invoice")] | None
    ) = None


def create(call: Call, body: Create) -> None:
    """Configure the customer at the provider; where it is already that is a 409."""
    if _known(call) is not None:
        raise Conflict("the customer is configured at this provider", customer=_customer(call))
    name = call.path["billing_provider_type"]
    fields = {one: getattr(body, one, None) for one in SHOWN}
    made = ProviderConfiguration(
        id=call.new_id(),
        customer_id=_customer(call),
        billing_provider=name,
        configuration={
            ID_FIELDS.get(name, "customer_id"): body.billing_provider_customer_id,
            **sparse(**fields),
        },
        created_at=call.now,
    )
    providers.configure(call.engine.stores, made, by=call.by, now=call.now)


def retrieve(call: Call, _body: None) -> Any:
    """The configuration in use; 404 without one."""
    found = _one(call)
    known = configuration_shape(found.configuration)
    own = known.get(ID_FIELDS[found.billing_provider])
    return {
        "data": {
            **sparse(**{name: known.get(name) for name in SHOWN}),
            **sparse(billing_provider_customer_id=own),
        }
    }


def delete(call: Call, _body: None) -> None:
    """Stop using it."""
    providers.archive(call.engine.stores, _one(call).id, by=call.by, now=call.now)


def _customer(call: Call) -> str:
    return call.engine.customer(call.path["customer_id"]).id


def _known(call: Call) -> ProviderConfiguration | None:
    """The newest one in use."""
    name = call.path["billing_provider_type"]
    found = call.engine.stores.providers.of_customer(_customer(call))
    live = [one for one in found if one.billing_provider == name and one.archived_at is None]
    return live[-1] if live else None


def _one(call: Call) -> ProviderConfiguration:
    found = _known(call)
    if found is None:
        name = call.path["billing_provider_type"]
        raise NotFound("the customer is not configured at this provider", provider=name)
    return found


PATH = "/v1/customers/{customer_id}/billing-config/{billing_provider_type}"
ROUTES = (
    Route(method="POST", path=PATH, scope=Scope.WRITE, do=create, body=Create),
    Route(method="GET", path=PATH, scope=Scope.READ, do=retrieve),
    Route(method="DELETE", path=PATH, scope=Scope.WRITE, do=delete),
)
