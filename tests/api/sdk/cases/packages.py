"""Packages and what is made from them: v1.packages."""

from typing import Any

from api.sdk.casing import Paging, does, holds, pages, refuses
from api.sdk.world import NOW, World
from closedwon.billing.catalog.types import USD

AT_ONCE = {"value": 0, "unit": "DAYS"}
YEAR = {"value": 1, "unit": "YEARS"}
MONTH = {"value": 1, "unit": "MONTHS"}
START = "2026-03-01T00:00:00Z"
ROUNDED = {"rounding_method": "HALF_UP", "decimal_places": 2}


def _balances(world: World) -> dict[str, Any]:
    """Commits and credits, with all that may be said of them but what they apply to twice."""
    window = {"amount": 5000, "starting_at_offset": AT_ONCE, "duration": YEAR}
    access = {"schedule_items": [window], "credit_type_id": USD, "access_type": "SPEND"}
    point = {"date_offset": MONTH, "unit_price": 2000, "quantity": 2}
    shared = {
        "product_id": world.shop.commit,
        "access_schedule": access,
        "description": "As agreed",
        "priority": 3,
        "rate_type": "LIST_RATE",
    }
    paid = {"schedule_items": [point], "credit_type_id": USD, "do_not_invoice": True}
    return {
        "commits": [
            {
                **shared,
                "type": "PREPAID",
                "name": "Commit",
                "invoice_schedule": paid,
                "rollover_fraction": 0.5,
                "applicable_product_ids": [world.shop.storage],
                "temporary_id": "big",
            },
        ],
        "credits": [{**shared, "name": "Trial", "applicable_product_tags": ["analysis"]}],
    }


def _recurring(world: World) -> dict[str, Any]:
    shared = {
        "product_id": world.shop.commit,
        "commit_duration": {"value": 1, "unit": "PERIODS"},
        "priority": 2,
        "starting_at_offset": MONTH,
        "duration": YEAR,
        "description": "Each month",
        "rate_type": "LIST_RATE",
    }
    amount = {"credit_type_id": USD, "unit_price": 100, "quantity": 3}
    seats = {
        "subscription_id": "seats",
        "allocation": "POOLED",
        "apply_seat_increase_config": {"is_prorated": True},
    }
    return {
        "recurring_commits": [
            {
                **shared,
                "name": "Monthly",
                "access_amount": {**amount, "access_type": "SPEND"},
                "invoice_amount": amount,
                "proration": "FIRST",
                "proration_rounding": {"access": ROUNDED, "invoice": ROUNDED},
                "recurrence_frequency": "QUARTERLY",
                "rollover_fraction": 0.25,
                "specifiers": [{"product_tags": ["storage"]}],
            }
        ],
        "recurring_credits": [
            {
                **shared,
                "name": "Per seat",
                "access_amount": {"credit_type_id": USD, "unit_price": 100},
                "proration": "NONE",
                "recurrence_frequency": "MONTHLY",
                "applicable_product_tags": ["analysis"],
                "subscription_config": seats,
            }
        ],
    }


def _sold(world: World) -> dict[str, Any]:
    """Charges, subscriptions and overrides."""
    seat = {"billing_frequency": "MONTHLY", "product_id": world.shop.seat}
    point = {"date_offset": {"value": 2, "unit": "WEEKS"}, "unit_price": 10, "quantity": 3}
    window = {"starting_at_offset": AT_ONCE, "duration": YEAR}
    overwrite = {"rate_type": "TIERED", "tiers": [{"size": 10, "price": 1}, {"price": 0.5}]}
    return {
        "scheduled_charges": [
            {
                "product_id": world.shop.support,
                "name": "Support",
                "schedule": {"schedule_items": [point], "credit_type_id": USD},
            }
        ],
        "subscriptions": [
            {
                "subscription_rate": seat,
                "collection_schedule": "ADVANCE",
                "proration": {
                    "invoice_behavior": "BILL_IMMEDIATELY",
                    "is_prorated": True,
                    "rounding": ROUNDED,
                },
                "billing_cycle_config": {"invoice_placement": "ON_USAGE_INVOICE"},
                "description": "Seats",
                "initial_quantity": 4,
                "name": "Team",
                "quantity_management_mode": "QUANTITY_ONLY",
                "temporary_id": "seats",
                **window,
            },
        ],
        "overrides": [
            {
                "override_specifiers": [
                    {"product_id": world.shop.storage, "any_commit_or_credit_ids": ["big"]}
                ],
                "type": "MULTIPLIER",
                "multiplier": 0.5,
                "is_commit_specific": True,
                "target": "LIST_RATE",
                "priority": 1,
                **window,
            },
            {
                "override_specifiers": [{"product_id": world.shop.analysis}],
                "type": "OVERWRITE",
                "overwrite_rate": overwrite,
                "entitled": True,
                "starting_at_offset": MONTH,
            },
        ],
    }


def _thresholds(world: World) -> dict[str, Any]:
    gate = {"payment_gate_type": "NONE", "tax_type": "NONE"}
    bought = {"product_id": world.shop.commit, "name": "Bought", "description": "At a threshold"}
    discounted = {"payment_fraction": 0.9, "cap": {"amount": 9, "spend_tracker_alias": "bought"}}
    return {
        "spend_threshold_configuration": {
            "is_enabled": True,
            "threshold_amount": 50_000,
            "commit": {**bought, "priority": 5},
            "payment_gate_config": gate,
            "discount_configuration": discounted,
        },
        "prepaid_balance_threshold_configuration": {
            "is_enabled": True,
            "threshold_amount": 1000,
            "recharge_to_amount": 5000,
            "commit": {**bought, "applicable_product_tags": ["storage"]},
            "payment_gate_config": gate,
        },
        "spend_trackers": [
            {
                "alias": "bought",
                "credit_type_id": USD,
                "reset_frequency": "BILLING_PERIOD",
                "applicable_spend_specifiers": [
                    {
                        "sources": ["THRESHOLD_RECHARGE", "MANUAL"],
                        "spend_type": "COMMIT_PURCHASE",
                        "discounted": "ANY",
                    }
                ],
            }
        ],
    }


def _whole(world: World) -> dict[str, Any]:
    """A package with a term of every kind."""
    alias = {
        "name": world.name("alias"),
        "starting_at": "2026-01-01T00:00:00Z",
        "ending_before": "2027-01-01T00:00:00Z",
    }
    return {
        "name": world.name("Package"),
        "aliases": [alias, {"name": world.name("alias")}],
        "rate_card_id": world.shop.card,
        "duration": YEAR,
        "contract_name": "Starter plan",
        "billing_provider": "stripe",
        "delivery_method": "direct_to_billing_provider",
        "multiplier_override_prioritization": "EXPLICIT",
        "net_payment_terms_days": 30,
        "scheduled_charges_on_usage_invoices": "ALL",
        "uniqueness_key": world.name("key"),
        "usage_statement_schedule": {"frequency": "MONTHLY", "day": "CONTRACT_START"},
        **_balances(world),
        **_recurring(world),
        **_sold(world),
        **_thresholds(world),
    }


RENAMED = ("product_id", "credit_type_id", "subscription_id", "temporary_id")
"""What a read tells otherwise: as a product, as a unit, by the id of a template."""


def _shown(sent: Any) -> Any:
    """What a read of a package holds of what was sent."""
    match sent:
        case list():
            return [_shown(one) for one in sent]
        case dict():
            return {
                name: _shown(value)
                for name, value in sent.items()
                if name not in RENAMED and not name.endswith("_commit_or_credit_ids")
            }
        case _:
            return sent


def _simple(world: World) -> str:
    name = world.name("Package")
    return world.sdk.v1.packages.create(name=name, rate_card_id=world.shop.card).data.id


def _ordered(world: World, package: str, start: str = START) -> tuple[str, str]:
    """(contract, customer) made from a package."""
    customer = world.customer()
    made = world.sdk.v1.contracts.create(
        customer_id=customer, package_id=package, starting_at=start
    )
    return made.data.id, customer


@does("v1.packages.create")
def creates_a_package_and_contracts_from_it(world: World) -> None:
    sent = _whole(world)

    made = world.sdk.v1.packages.create(**sent).data.id

    found = world.sdk.v1.packages.retrieve(package_id=made).data
    card = {"rate_card_id": world.shop.card}
    holds(found, {**_shown(sent), **card})
    assert found.commits[0].product.id == world.shop.commit
    assert found.overrides[0].override_specifiers[0].any_commit_or_credit_template_ids == [
        found.commits[0].id
    ]
    named = [one.id for one in world.sdk.v1.packages.list() if one.name == sent["name"]]
    assert named == [made]
    _gives_its_terms(world, made)


def _gives_its_terms(world: World, package: str) -> None:
    customer = world.customer(
        customer_billing_provider_configurations=[
            {"billing_provider": "stripe", "configuration": {"stripe_customer_id": "cus_1"}}
        ]
    )
    contract = world.sdk.v1.contracts.create(
        customer_id=customer, package_id=package, starting_at=START
    ).data.id

    found: Any = world.sdk.v2.contracts.retrieve(contract_id=contract, customer_id=customer).data
    assert found.customer_billing_provider_configuration.billing_provider == "stripe"
    (commit,) = [one for one in found.commits if one.name == "Commit"]
    assert commit.invoice_schedule.do_not_invoice
    holds(found, {"package_id": package, "name": "Starter plan", "net_payment_terms_days": 30})


@refuses("v1.packages.create", 409, "uniqueness")
def does_not_create_two_packages_with_one_key(world: World) -> None:
    key = world.name("key")
    for _ in range(2):
        world.sdk.v1.packages.create(
            name=world.name(), rate_card_id=world.shop.card, uniqueness_key=key
        )


@does("v1.packages.retrieve")
def retrieves_a_package_by_alias_of_its_card(world: World) -> None:
    sent: dict[str, Any] = {
        "name": world.name("Package"),
        "rate_card_alias": "card",
        "multiplier_override_prioritization": "LOWEST_MULTIPLIER",
        "usage_statement_schedule": {"frequency": "QUARTERLY", "day": "FIRST_OF_MONTH"},
    }
    made = world.sdk.v1.packages.create(**sent).data.id

    found = world.sdk.v1.packages.retrieve(package_id=made).data

    del sent["rate_card_alias"]  # A read tells it as rate_card_id.
    holds(found, {**sent, "id": made, "created_at": NOW, "archived_at": None})


@refuses("v1.packages.retrieve", 404, "package")
def does_not_retrieve_what_is_not_there(world: World) -> None:
    world.sdk.v1.packages.retrieve(package_id="none")


@does("v1.packages.archive")
def archives_a_package(world: World) -> None:
    made = _simple(world)

    assert world.sdk.v1.packages.archive(package_id=made).data.id == made

    assert world.sdk.v1.packages.retrieve(package_id=made).data.archived_at == NOW


@refuses("v1.packages.archive", 404, "package")
def does_not_archive_what_is_not_there(world: World) -> None:
    world.sdk.v1.packages.archive(package_id="none")


@does("v1.packages.list")
def lists_packages_by_whether_they_are_archived(world: World) -> None:
    kept, gone = _simple(world), _simple(world)
    world.sdk.v1.packages.archive(package_id=gone)

    def listed(which: Any) -> set[str]:
        found = world.sdk.v1.packages.list(archive_filter=which, limit=9)
        return {one.id for one in found} & {kept, gone}

    assert listed("NOT_ARCHIVED") == {kept}
    assert listed("ARCHIVED") == {gone}
    assert listed("ALL") == {kept, gone}


@refuses("v1.packages.list", 400, "limit")
def does_not_list_more_than_a_hundred(world: World) -> None:
    world.sdk.v1.packages.list(limit=101)


@pages("v1.packages.list")
def pages_of_packages(world: World) -> Paging:
    made = frozenset(_simple(world) for _ in range(3))
    return Paging(asked=world.sdk.v1.packages.list, key=lambda row: row.id, expected=made)


@does("v1.packages.list_contracts_on_package")
def lists_the_contracts_made_from_a_package(world: World) -> None:
    package = _simple(world)
    early, customer = _ordered(world, package)
    late, _ = _ordered(world, package, "2026-06-01T00:00:00Z")
    gone, whose = _ordered(world, package)
    world.sdk.v1.contracts.archive(contract_id=gone, customer_id=whose, void_invoices=True)

    def listed(**asked: Any) -> list[str]:
        found = world.sdk.v1.packages.list_contracts_on_package(package_id=package, **asked)
        return sorted(one.contract_id for one in found)

    assert listed() == sorted([early, late])
    assert listed(include_archived=True, limit=1) == sorted([early, late, gone])
    assert listed(covering_date=NOW) == [early]
    assert listed(starting_at="2026-05-01T00:00:00Z") == [late]
    rows = {
        one.contract_id: one
        for one in world.sdk.v1.packages.list_contracts_on_package(
            package_id=package, include_archived=True
        )
    }
    holds(rows[early], {"customer_id": customer, "starting_at": START, "ending_before": None})
    holds(rows[gone], {"customer_id": whose, "archived_at": NOW})


@refuses("v1.packages.list_contracts_on_package", 400, "covering_date")
def does_not_list_contracts_by_two_dates(world: World) -> None:
    world.sdk.v1.packages.list_contracts_on_package(
        package_id=_simple(world), covering_date=NOW, starting_at=NOW
    )


@pages("v1.packages.list_contracts_on_package")
def pages_of_contracts(world: World) -> Paging:
    package = _simple(world)
    made = frozenset(_ordered(world, package)[0] for _ in range(3))

    def asked(**fields: Any) -> Any:
        return world.sdk.v1.packages.list_contracts_on_package(package_id=package, **fields)

    return Paging(asked=asked, key=lambda row: row.contract_id, expected=made)
