"""Metrics, products, rate cards and rates through the official SDK (2.3, 2.5, 2.6)."""

import httpx
import pytest
from metronome import BadRequestError, ConflictError, Metronome, NotFoundError

USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"


def metric(client: Metronome, **more: object) -> str:
    fields = {
        "name": "Tokens",
        "aggregation_type": "SUM",
        "aggregation_key": "tokens",
        "event_type_filter": {"in_values": ["call"]},
        "property_filters": [
            {"name": "tokens", "exists": True},
            {"name": "region", "in_values": ["eu", "us"]},
        ],
        "group_keys": [["region"]],
        **more,
    }
    return client.v1.billable_metrics.create(**fields).data.id  # type: ignore[arg-type]


def product(client: Metronome, name: str = "Calls", **more: object) -> str:
    fields = {"name": name, "type": "USAGE", **more}
    return client.v1.contracts.products.create(**fields).data.id  # type: ignore[arg-type]


def test_r29_r35_a_metric_comes_back_as_it_was_sent(client: Metronome) -> None:
    found = client.v1.billable_metrics.retrieve(billable_metric_id=metric(client)).data

    assert (found.name, found.aggregation_type, found.aggregation_key) == (
        "Tokens",
        "SUM",
        "tokens",
    )
    assert found.event_type_filter is not None
    assert found.event_type_filter.in_values == ["call"]
    assert found.property_filters is not None
    assert [(one.name, one.exists, one.in_values) for one in found.property_filters] == [
        ("tokens", True, None),
        ("region", None, ["eu", "us"]),
    ]
    assert found.group_keys == [["region"]]


def test_r37_a_metric_is_renamed_and_archived_and_nothing_else(client: Metronome) -> None:
    made = metric(client)
    client.v1.billable_metrics.update(billable_metric_id=made, name="Tokens 2")
    client.v1.billable_metrics.archive(id=made)

    assert list(client.v1.billable_metrics.list()) == []
    (found,) = client.v1.billable_metrics.list(include_archived=True)
    assert (found.name, found.archived_at is not None) == ("Tokens 2", True)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"aggregation_key": "other"}, "aggregation_key"),
        ({"group_keys": [["zone"]]}, "group_keys.0"),
        ({"sql": "select count(*) from events"}, "sql or the streaming fields"),
        ({"aggregation_type": "AVERAGE"}, "aggregation_type: expected one of"),
    ],
)
def test_r36_a_metric_that_cannot_be_is_refused(
    client: Metronome, more: dict[str, object], told: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        metric(client, **more)

    assert told in caught.value.response.json()["message"]


def test_r38_a_sql_metric_has_its_sql_and_nothing_else(client: Metronome) -> None:
    sql = "SELECT count(*) AS value FROM events WHERE event_type = 'call'"
    made = client.v1.billable_metrics.create(name="Calls", sql=sql).data.id

    assert client.v1.billable_metrics.retrieve(billable_metric_id=made).data.sql == sql


def test_enumerations_are_read_in_any_case(http: httpx.Client) -> None:
    body = {"name": "Calls", "aggregation_type": "count"}
    made = http.post("/v1/billable-metrics/create", json=body).json()["data"]["id"]

    found = http.get(f"/v1/billable-metrics/{made}").json()["data"]
    assert found["aggregation_type"] == "COUNT"


def test_r46_r48_a_product_is_defined_anew_from_a_past_hour(client: Metronome) -> None:
    made = product(
        client,
        billable_metric_id=metric(client),
        tags=["ai"],
        pricing_group_key=["region"],
        quantity_conversion={"conversion_factor": 1000, "operation": "DIVIDE", "name": "k"},
        quantity_rounding={"rounding_method": "ROUND_UP", "decimal_places": 2},
    )
    client.v1.contracts.products.update(
        product_id=made, starting_at="2025-06-01T00:00:00Z", tags=["ai", "new"]
    )

    found = client.v1.contracts.products.retrieve(id=made).data

    assert (found.type, found.initial.name, found.initial.tags) == ("USAGE", "Calls", ["ai"])
    assert found.current.tags == ["ai", "new"]
    assert [one.tags for one in found.updates] == [["ai", "new"]]
    assert found.current.quantity_conversion is not None
    assert found.current.quantity_conversion.name == "k"
    assert found.current.quantity_conversion.conversion_factor == 1000
    assert found.current.quantity_rounding is not None
    assert found.current.quantity_rounding.decimal_places == 2
    assert found.current.pricing_group_key == ["region"]
    assert found.current.created_by == "admin-ingest-read-write"


def test_r241_a_composite_product_shows_its_base(client: Metronome) -> None:
    made = product(client, "Support", type="composite", composite_tags=["ai"])

    found = client.v1.contracts.products.retrieve(id=made).data
    assert (found.type, found.current.composite_tags) == ("COMPOSITE", ["ai"])


def test_r2_a_product_update_off_the_hour_is_refused(client: Metronome) -> None:
    made = product(client, "Fee", type="FIXED")

    with pytest.raises(BadRequestError, match="hour boundary"):
        client.v1.contracts.products.update(product_id=made, starting_at="2026-01-01T00:30:00Z")


def test_r45_products_are_listed_by_archive_filter_to_the_last_page(client: Metronome) -> None:
    made = [product(client, f"P{at}", type="FIXED") for at in range(5)]
    client.v1.contracts.products.archive(product_id=made[0])

    listed = client.v1.contracts.products.list
    assert {one.id for one in listed(limit=2)} == set(made[1:])
    assert {one.id for one in listed(archive_filter="ARCHIVED")} == {made[0]}
    assert {one.id for one in listed(archive_filter="ALL", limit=3)} == set(made)


def test_r45_a_professional_service_is_shown_as_the_vendor_does(client: Metronome) -> None:
    made = product(client, "Setup", type="PRO_SERVICE")

    assert client.v1.contracts.products.retrieve(id=made).data.type == "PRO_SERVICE"


def card(client: Metronome, **more: object) -> str:
    return client.v1.contracts.rate_cards.create(name="List", **more).data.id  # type: ignore[arg-type]


def test_r57_a_rate_card_comes_back_with_its_names(client: Metronome) -> None:
    made = card(client, description="d", aliases=[{"name": "list"}])
    client.v1.contracts.rate_cards.update(rate_card_id=made, name="List 2026")

    found = client.v1.contracts.rate_cards.retrieve(id=made).data

    assert (found.name, found.description, found.created_by) == (
        "List 2026",
        "d",
        "admin-ingest-read-write",
    )
    assert found.aliases is not None
    assert [(one.name, one.starting_at) for one in found.aliases] == [("list", None)]
    assert found.fiat_credit_type is not None
    assert found.fiat_credit_type.name == "USD (cents)"


def test_r251_a_pricing_unit_is_created_and_priced_on_a_card(client: Metronome) -> None:
    unit = client.v1.pricing_units.create(name="CCU").data.id
    made, priced = card(client), {"custom_credit_type_id": unit, "fiat_per_custom_credit": 0.1}
    client.v1.contracts.rate_cards.update(
        rate_card_id=made,
        add_credit_type_conversions=[priced],  # type: ignore[list-item]
    )
    with pytest.raises(BadRequestError, match="once"):
        card(client, credit_type_conversions=[priced, priced])

    found = client.v1.contracts.rate_cards.retrieve(id=made).data
    assert found.credit_type_conversions is not None
    (conversion,) = found.credit_type_conversions
    assert (conversion.custom_credit_type.name, conversion.fiat_per_custom_credit) == ("CCU", "0.1")
    kinds = {kind.name: kind.is_currency for kind in client.v1.pricing_units.list(limit=5)}
    assert (kinds["CCU"], kinds["USD (cents)"], len(kinds)) == (False, True, 19)
    with pytest.raises(ConflictError):
        client.v1.pricing_units.create(name="CCU")


def test_cards_are_listed_until_they_are_archived(client: Metronome) -> None:
    made = [card(client) for _ in range(3)]
    client.v1.contracts.rate_cards.archive(id=made[0])

    assert {one.id for one in client.v1.contracts.rate_cards.list(limit=1)} == set(made[1:])


def test_r54_a_newer_rate_wins_in_its_window_and_the_older_resumes(client: Metronome) -> None:
    made, calls = card(client), product(client, billable_metric_id=metric(client))
    rates = client.v1.contracts.rate_cards.rates
    sent = {"rate_card_id": made, "product_id": calls, "entitled": True, "rate_type": "FLAT"}
    added = rates.add(**sent, price=88.9, starting_at="2026-01-01T00:00:00Z").data  # type: ignore[arg-type]
    rates.add(  # type: ignore[call-overload]
        **sent,
        price=100,
        starting_at="2026-03-01T00:00:00Z",
        ending_before="2026-04-01T00:00:00Z",
    )

    assert (added.rate_type, added.price) == ("FLAT", 88.9)
    window = client.v1.contracts.rate_cards.retrieve_rate_schedule(
        rate_card_id=made, starting_at="2026-01-01T00:00:00Z"
    )
    assert [(f"{one.starting_at:%m}", one.rate.price) for one in window.data] == [
        ("01", 88.9),
        ("03", 100),
        ("04", 88.9),
    ]
    (march,) = rates.list(rate_card_id=made, at="2026-03-05T00:00:00Z")
    assert (march.product_name, march.rate.price, march.entitled) == ("Calls", 100, True)


def test_r59_r71_tiers_commit_rates_and_dimensions_come_back(client: Metronome) -> None:
    made = card(client)
    calls = product(client, billable_metric_id=metric(client), pricing_group_key=["region"])
    rates = client.v1.contracts.rate_cards.rates
    rates.add_many(
        rate_card_id=made,
        rates=[
            {
                "product_id": calls,
                "entitled": True,
                "rate_type": "TIERED",
                "starting_at": "2026-01-01T00:00:00Z",
                "tiers": [{"size": 5, "price": 0.1}, {"price": 0.05}],
                "pricing_group_values": {"region": region},
                "commit_rate": {"rate_type": "FLAT", "price": 0.04},
            }
            for region in ("eu", "us")
        ],
    )

    found = list(rates.list(rate_card_id=made, at="2026-02-01T00:00:00Z", limit=1))

    assert [one.pricing_group_values for one in found] == [{"region": "eu"}, {"region": "us"}]
    tiers = found[0].rate.tiers or []
    assert [(tier.size, tier.price) for tier in tiers] == [(5, 0.1), (None, 0.05)]
    assert found[0].commit_rate is not None
    assert found[0].commit_rate.price == 0.04
    selected = rates.list(
        rate_card_id=made,
        at="2026-02-01T00:00:00Z",
        selectors=[{"partial_pricing_group_values": {"region": "us"}}],
    )
    assert [one.pricing_group_values for one in selected] == [{"region": "us"}]


@pytest.mark.parametrize(
    ("rate", "told"),
    [
        ({"rate_type": "FLAT"}, "body.price: required"),
        ({"rate_type": "FLAT", "price": 1, "tiers": [{"price": 1}]}, "body.tiers: does not go"),
        ({"rate_type": "FLAT", "price": "1"}, "price: expected a JSON number"),
        ({"rate_type": "SUBSCRIPTION", "price": 1, "quantity": 1}, "billing_frequency (R67)"),
        ({"rate_type": "FLAT", "price": -1}, "must not be negative"),
    ],
)
def test_r64_r67_a_rate_with_other_fields_is_refused(
    client: Metronome, http: httpx.Client, rate: dict[str, object], told: str
) -> None:
    fields = {
        "rate_card_id": card(client),
        "product_id": product(client, billable_metric_id=metric(client)),
        "starting_at": "2026-01-01T00:00:00Z",
        "entitled": True,
        **rate,
    }
    answer = http.post("/v1/contract-pricing/rate-cards/addRate", json=fields)

    assert answer.status_code == 400
    assert told in answer.json()["message"]


def test_r134_products_of_a_card_are_ordered(client: Metronome) -> None:
    made = card(client)
    first, second = (product(client, name, type="SUBSCRIPTION") for name in ("A", "B"))
    for one in (first, second):
        client.v1.contracts.rate_cards.rates.add(
            rate_card_id=made,
            product_id=one,
            entitled=True,
            rate_type="FLAT",
            price=1,
            billing_frequency="MONTHLY",
            starting_at="2026-01-01T00:00:00Z",
        )
    orders = client.v1.contracts.rate_cards.product_orders

    assert orders.set(rate_card_id=made, product_order=[second, first]).data.id == made
    orders.update(rate_card_id=made, product_moves=[{"product_id": first, "position": 0}])
    with pytest.raises(BadRequestError):
        orders.set(rate_card_id=made, product_order=["nothing"])


def test_unknown_ids_are_404(client: Metronome) -> None:
    for ask in (
        lambda: client.v1.billable_metrics.retrieve(billable_metric_id="x"),
        lambda: client.v1.contracts.products.retrieve(id="x"),
        lambda: client.v1.contracts.rate_cards.retrieve(id="x"),
        lambda: client.v1.contracts.rate_cards.rates.list(
            rate_card_id="x", at="2026-02-01T00:00:00Z"
        ),
    ):
        with pytest.raises(NotFoundError):
            ask()


def test_named_schedules_keep_any_json_over_time(client: Metronome) -> None:
    made = card(client)
    schedules = client.v1.contracts.named_schedules
    schedules.update(
        rate_card_id=made,
        schedule_name="margin",
        starting_at="2026-01-01T00:00:00Z",
        value={"percent": 12.5, "by": ["eu", None]},
    )

    found = schedules.retrieve(rate_card_id=made, schedule_name="margin").data
    assert [one.value for one in found] == [{"percent": 12.5, "by": ["eu", None]}]
    with pytest.raises(NotFoundError):
        schedules.retrieve(rate_card_id=made, schedule_name="none")
