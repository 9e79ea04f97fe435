"""Commands on billing provider configurations (R102)."""

import pytest

from billing.world import at
from build import Setup, add_customer, setup
from closedwon.engine.providers import archive, configure
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.store.providers import ProviderConfiguration

NOW = at("2024-01-01")


@pytest.fixture
def world() -> Setup:
    found = setup()
    add_customer(found.engine)
    return found


def stripe(**more: object) -> ProviderConfiguration:
    fields: dict[str, object] = {
        "id": "conf",
        "customer_id": "customer",
        "billing_provider": "stripe",
        "configuration": {"stripe_customer_id": "cus_1"},
        "created_at": NOW,
    }
    return ProviderConfiguration(**{**fields, **more})  # type: ignore[arg-type]


def test_r102_a_configuration_is_added_once_and_archived_once(world: Setup) -> None:
    stores = world.engine.stores
    for _ in range(2):
        configure(stores, stripe(), by="test", now=NOW)
    assert stores.providers.of_customer("customer") == (stripe(),)
    for _ in range(2):
        archive(stores, "conf", by="test", now=at("2024-02-01"))
    (found,) = stores.providers.of_customer("customer")
    assert found.archived_at == at("2024-02-01")
    rows = [row.action for row in stores.audit.rows() if "provider" in row.resource_type]
    assert rows == ["create", "archive"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"billing_provider": "paypal"}, "unknown billing provider"),
        ({"configuration": {}}, "missing=stripe_customer_id"),
        ({"billing_provider": "aws_marketplace"}, "aws_customer_id, aws_product_code, aws_region"),
    ],
)
def test_r102_what_cannot_work_is_refused(
    world: Setup, wrong: dict[str, object], told: str
) -> None:
    with pytest.raises(Refused, match=told):
        configure(world.engine.stores, stripe(**wrong), by="test", now=NOW)
    assert world.engine.stores.providers.of_customer("customer") == ()


def test_unknown_customers_and_taken_ids_are_refused(world: Setup) -> None:
    stores = world.engine.stores
    with pytest.raises(NotFound, match="no such customer"):
        configure(stores, stripe(customer_id="nobody"), by="test", now=NOW)
    configure(stores, stripe(), by="test", now=NOW)
    other = stripe(configuration={"stripe_customer_id": "cus_2"})
    with pytest.raises(Conflict):
        configure(stores, other, by="test", now=NOW)
    with pytest.raises(NotFound):
        archive(stores, "nothing", by="test", now=NOW)
