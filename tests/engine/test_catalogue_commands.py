"""Catalogue, customers and custom fields: what is taken, what is refused, what is a repeat."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from billing.world import EPOCH, at, fixed_product, metric, rate, span
from billing.world import usage_product as usage
from build import Setup, add_catalog, add_customer, setup
from closedwon.billing.account import Customer
from closedwon.billing.catalog.types import CreditType, Rate, RateCard
from closedwon.engine import Engine
from closedwon.kernel.errors import Conflict, NotFound, Refused

NOW = at("2024-01-01")


@pytest.fixture
def world() -> Setup:
    found = setup()
    add_catalog(
        found.engine,
        [usage("Storage", "storage"), fixed_product("commit")],
        [metric("Storage", group_keys=(("region", "zone"),))],
        [rate("Storage", "2.3")],
    )
    return found


@pytest.fixture
def engine(world: Setup) -> Engine:
    return world.engine


def test_repeating_a_definition_changes_nothing_and_another_content_conflicts(
    engine: Engine,
) -> None:
    before = (engine.content_hash(), engine.stores.audit.head())
    engine.create_metric(metric("Storage", group_keys=(("region", "zone"),)), NOW)
    engine.create_product(usage("Storage", "storage"), NOW)
    card = RateCard(id="card", name="Card", rates=(rate("Storage", "2.3"),), created_at=EPOCH)
    engine.create_rate_card(card, NOW)
    assert (engine.content_hash(), engine.stores.audit.head()) == before

    repeats: list[Callable[[], None]] = [
        lambda: engine.create_metric(metric("Storage"), NOW),
        lambda: engine.create_product(usage("Storage", "other"), NOW),
        lambda: engine.create_rate_card(replace(card, name="Other"), NOW),
        lambda: engine.add_rates("card", [rate("Storage", "9")], NOW),
    ]
    for repeat in repeats:
        with pytest.raises(Conflict):
            repeat()
    assert engine.content_hash() == before[0]


def test_a_card_with_rates_added_since_may_still_be_repeated(engine: Engine) -> None:
    later = replace(rate("Storage", "9", span("2025-01-01")), id="later")
    engine.add_rates("card", [later], NOW)
    card = RateCard(id="card", name="Card", rates=(rate("Storage", "2.3"),), created_at=EPOCH)
    engine.create_rate_card(card, NOW)
    assert len(engine.catalog().rate_cards["card"].rates) == 2


@pytest.mark.parametrize(
    ("product", "match"),
    [
        (usage("Egress"), "unknown or archived metric"),
        (replace(fixed_product("Egress"), type=usage("Storage").type), "metric goes with USAGE"),
        (usage("Egress", metric_id="m-Storage", pricing_group_key=("color",)), "R35"),
    ],
)
def test_a_product_needs_a_metric_that_fits(engine: Engine, product: object, match: str) -> None:
    with pytest.raises(Refused, match=match):
        engine.create_product(product, NOW)  # type: ignore[arg-type]


def test_a_metric_splits_by_pricing_and_presentation_keys_together_r35(engine: Engine) -> None:
    keys = {"pricing_group_key": ("region",), "metric_id": "m-Storage"}
    engine.create_product(usage("Egress", presentation_group_key=("zone",), **keys), NOW)
    with pytest.raises(Refused, match="R35"):
        engine.create_product(usage("Ingress", presentation_group_key=("color",), **keys), NOW)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"product_id": "p-nothing"}, "unknown product"),
        ({"product_id": "p-commit"}, "fixed product has no rate"),
        ({"rate_card_id": "other"}, "another rate card"),
        ({"credit_type_id": "tokens"}, "unknown credit type"),
        ({"window": span("2024-01-01T00:30:00")}, "hour boundary"),
        ({"window": span("2024-01-01", "2024-02-01T00:30:00")}, "hour boundary"),
        ({"pricing_group_values": {"region": "eu"}}, "R69"),
    ],
)
def test_a_rate_that_cannot_price_anything_is_refused(
    engine: Engine, change: dict[str, object], match: str
) -> None:
    wrong: Rate = replace(rate("Storage", "1"), id="wrong", **change)
    with pytest.raises(Refused, match=match):
        engine.add_rates("card", [wrong], NOW)
    assert len(engine.catalog().rate_cards["card"].rates) == 1


def test_rates_go_to_cards_that_exist(engine: Engine) -> None:
    with pytest.raises(NotFound, match="rate card"):
        engine.add_rates("other", [], NOW)


def test_a_product_update_is_dated_and_not_before_the_product(engine: Engine) -> None:
    (first,) = engine.catalog().products["p-Storage"].versions
    with pytest.raises(Refused, match="hour boundary"):
        engine.update_product(
            "p-Storage", replace(first, starting_at=at("2024-01-01T00:01:00")), NOW
        )
    with pytest.raises(Refused, match="first definition"):
        engine.update_product("p-Storage", replace(first, starting_at=at("2019-01-01")), NOW)
    with pytest.raises(NotFound):
        engine.update_product("p-nothing", first, NOW)


def test_a_pricing_unit_has_one_name(engine: Engine) -> None:
    tokens = CreditType(id="tokens", name="Tokens")
    engine.create_credit_type(tokens, NOW)
    engine.create_credit_type(tokens, NOW)
    with pytest.raises(Conflict):
        engine.create_credit_type(replace(tokens, id="other"), NOW)
    assert engine.catalog().credit_types["tokens"] == tokens


def test_an_alias_has_one_holder_until_it_is_released_r6_r24(engine: Engine) -> None:
    add_customer(engine, "a", ingest_aliases=("acme", "acme-2"))
    add_customer(engine, "b")
    with pytest.raises(Conflict, match="another customer"):
        engine.set_ingest_aliases("b", ["acme"], NOW)
    with pytest.raises(Conflict, match="another customer"):
        add_customer(engine, "c", ingest_aliases=("acme-2",))
    engine.set_ingest_aliases("a", ["acme-2"], NOW)
    engine.set_ingest_aliases("b", ["acme"], NOW)

    assert [c.ingest_aliases for c in engine.customers()] == [("acme-2",), ("acme",)]
    with pytest.raises(Refused, match="different and not empty"):
        engine.set_ingest_aliases("b", ["x", "x"], NOW)


def test_an_account_has_one_customer_g1(engine: Engine) -> None:
    add_customer(engine, "a", salesforce_account_id="001")
    with pytest.raises(Conflict, match="has a customer already"):
        add_customer(engine, "b", salesforce_account_id="001")
    found = engine.customer_of_account("001")
    assert found is not None
    assert found.id == "a"
    assert engine.customer_of_account("002") is None


def test_a_customer_created_twice_is_one_and_with_other_content_a_conflict(
    engine: Engine,
) -> None:
    add_customer(engine, "a")
    before = engine.content_hash()
    engine.create_customer(Customer(id="a", name="A", created_at=at("2030-01-01")), NOW)
    assert engine.content_hash() == before
    with pytest.raises(Conflict):
        engine.create_customer(Customer(id="a", name="B", created_at=EPOCH), NOW)
    with pytest.raises(NotFound):
        engine.customer("nobody")


def test_custom_fields_need_their_key_and_are_set_all_or_nothing_r364(engine: Engine) -> None:
    add_customer(engine, "a")
    engine.add_custom_field_key("customer", "tier", False, NOW)
    engine.add_custom_field_key("customer", "tier", False, NOW)
    with pytest.raises(Refused, match="unknown custom field key"):
        engine.set_custom_fields("customer", "a", {"tier": "gold", "surprise": "x"}, NOW)
    with pytest.raises(Refused, match="200 characters"):
        engine.set_custom_fields("customer", "a", {"tier": "x" * 201}, NOW)
    assert engine.custom_fields("customer", "a") == {}

    engine.set_custom_fields("customer", "a", {"tier": "gold"}, NOW)
    assert engine.custom_fields("customer", "a") == {"tier": "gold"}
    with pytest.raises(Conflict, match="another uniqueness"):
        engine.add_custom_field_key("customer", "tier", True, NOW)
    with pytest.raises(Refused, match="no entity"):
        engine.add_custom_field_key("planet", "tier", False, NOW)


def test_a_unique_value_has_one_holder(engine: Engine) -> None:
    engine.add_custom_field_key("customer", "sfdc", True, NOW)
    engine.ensure_custom_field_keys("customer", ["sfdc", "tier"], NOW)
    add_customer(engine, "a", custom_fields={"sfdc": "001", "tier": "gold"})
    add_customer(engine, "b", custom_fields={"tier": "gold"})
    with pytest.raises(Conflict, match="taken"):
        engine.set_custom_fields("customer", "b", {"sfdc": "001"}, NOW)
    engine.set_custom_fields("customer", "a", {"sfdc": "002"}, NOW)
    engine.set_custom_fields("customer", "b", {"sfdc": "001"}, NOW)


def test_a_refused_command_leaves_one_audit_row_and_nothing_else(engine: Engine) -> None:
    before = engine.content_hash()
    head = engine.stores.audit.head()[0]
    with pytest.raises(Refused):
        engine.create_product(usage("Egress"), NOW, by="ada")
    (row,) = engine.stores.audit.rows(after=head)

    assert engine.content_hash() == before
    assert (row.by, row.action, row.resource_id, row.outcome.value) == (
        "ada",
        "create",
        "p-Egress",
        "failure",
    )
    assert "m-Egress" in row.detail
