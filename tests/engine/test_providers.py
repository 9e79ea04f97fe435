"""Commands on billing provider configurations (R102)."""

from contextlib import nullcontext

import pytest

from billing.world import at, span
from build import Setup, add_customer, setup
from closedwon.billing.contracts.edits import ContractSettings, Create
from closedwon.billing.contracts.gated import ProviderSegment
from closedwon.billing.contracts.provider_schedule import EffectiveAt
from closedwon.billing.contracts.state import Contract
from closedwon.engine.contracts import EditNote
from closedwon.engine.providers import archive, assign, configure
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


@pytest.mark.parametrize(("day", "fits"), [("2024-02-01", True), ("2024-02-02", False)])
def test_r103_a_contract_may_only_name_segments_on_its_periods(
    world: Setup, day: str, *, fits: bool
) -> None:
    segment = ProviderSegment(effective_at=at(day), configuration_id="conf")
    settings = ContractSettings(providers=(segment,))
    create = Create(customer_id="customer", term=span("2024-01-15"), settings=settings)
    with nullcontext() if fits else pytest.raises(Refused, match="R103"):
        world.engine.create_contract("contract", create, by="test", now=NOW)
    assert len(world.engine.contracts("customer")) == fits


def test_r103_assigning_is_one_edit_and_only_to_the_customers_own(world: Setup) -> None:
    engine = world.engine
    add_customer(engine, "stranger")
    configure(engine.stores, stripe(), by="test", now=NOW)
    configure(engine.stores, stripe(id="theirs", customer_id="stranger"), by="test", now=NOW)
    create = Create(customer_id="customer", term=span("2024-01-15"))
    engine.create_contract("contract", create, by="test", now=NOW)
    note = EditNote(by="test", now=at("2024-03-10"))

    def to(configuration_id: str) -> Contract:
        when = EffectiveAt.START_OF_CURRENT_PERIOD
        stores, catalog = engine.stores, engine.catalog()
        return assign(stores, catalog, "contract", configuration_id, when, note)

    (segment,) = to("conf").settings.providers
    assert (segment.effective_at, segment.billing_provider) == (at("2024-03-01"), "stripe")
    assert len(engine.edits("contract")) == 2
    with pytest.raises(NotFound, match="no such configuration"):
        to("theirs")
    assert len(engine.edits("contract")) == 2
