"""Packages and contracts made from them through the official SDK (2.12; R308-R311)."""

from typing import Any

import pytest
from metronome import BadRequestError, ConflictError, Metronome, NotFoundError

from api.shop import JANUARY, Shop

AT_ONCE = {"value": 0, "unit": "DAYS"}
YEAR = {"value": 1, "unit": "years"}


@pytest.fixture
def shop(client: Metronome) -> Shop:
    return Shop(client)


def starter(shop: Shop, **fields: Any) -> str:
    """A package with a term of every kind."""
    window = {"starting_at_offset": AT_ONCE, "duration": YEAR}
    terms: dict[str, Any] = {
        "name": "Starter",
        "rate_card_id": shop.card,
        "duration": YEAR,
        "contract_name": "Starter plan",
        "commits": [
            {
                "temporary_id": "big",
                "type": "PREPAID",
                "product_id": shop.commit,
                "access_schedule": {"schedule_items": [{"amount": 5000} | window]},
                "invoice_schedule": {
                    "schedule_items": [{"date_offset": AT_ONCE, "unit_price": 2000, "quantity": 2}]
                },
            }
        ],
        "credits": [
            {
                "product_id": shop.commit,
                "name": "Trial",
                "access_schedule": {
                    "schedule_items": [
                        {
                            "amount": 700,
                            "starting_at_offset": AT_ONCE,
                            "duration": {"value": 3, "unit": "MONTHS"},
                        }
                    ]
                },
            }
        ],
        "overrides": [
            {
                "type": "MULTIPLIER",
                "multiplier": 0.5,
                "is_commit_specific": True,
                "override_specifiers": [{"product_id": shop.storage, "commit_ids": ["big"]}],
                "starting_at_offset": AT_ONCE,
            }
        ],
        "scheduled_charges": [
            {
                "product_id": shop.support,
                "schedule": {
                    "schedule_items": [
                        {
                            "date_offset": {"value": 2, "unit": "WEEKS"},
                            "unit_price": 10,
                            "quantity": 3,
                        }
                    ]
                },
            }
        ],
        "subscriptions": [
            {
                "temporary_id": "seats",
                "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": shop.seat},
                "collection_schedule": "ADVANCE",
                "proration": {"is_prorated": True},
                "initial_quantity": 4,
            }
        ],
        "recurring_credits": [
            {
                "product_id": shop.commit,
                "access_amount": {"unit_price": 100},
                "commit_duration": {"value": 1},
                "priority": 1,
                "starting_at_offset": AT_ONCE,
                "applicable_product_tags": ["analysis"],
                "subscription_config": {
                    "subscription_id": "seats",
                    "apply_seat_increase_config": {"is_prorated": False},
                },
            }
        ],
    }
    return shop.client.v1.packages.create(**(terms | fields)).data.id


def test_r308_a_package_reads_as_it_was_sent(shop: Shop) -> None:
    package = starter(shop, uniqueness_key="starter")

    found = shop.client.v1.packages.retrieve(package_id=package).data

    assert (found.name, found.contract_name, found.rate_card_id) == (
        "Starter",
        "Starter plan",
        shop.card,
    )
    assert (found.duration.value, found.duration.unit) == (1, "YEARS")
    (commit,), (trial,) = found.commits, found.credits
    assert commit.access_schedule.schedule_items[0].amount == 5000
    assert commit.invoice_schedule.schedule_items[0].quantity == 2
    assert trial.access_schedule.schedule_items[0].duration.unit == "MONTHS"
    assert found.overrides[0].override_specifiers[0].commit_template_ids == [commit.id]
    assert found.subscriptions[0].initial_quantity == 4
    link = found.recurring_credits[0].subscription_config
    assert link.subscription_template_id == found.subscriptions[0].id
    with pytest.raises(ConflictError):
        starter(shop, uniqueness_key="starter")


def test_r309_a_contract_gets_the_terms_dated_from_its_start(shop: Shop) -> None:
    package = starter(shop, aliases=[{"name": "starter"}])
    contract = shop.contract(rate_card_id=None, package_alias="starter")

    found = shop.v2(contract)

    assert found.package_id == package
    assert (found.name, found.ending_before.year) == ("Starter plan", 2027)
    (commit,) = found.commits
    assert [one.amount for one in commit.invoice_schedule.schedule_items] == [4000]
    trial = next(one for one in found.credits if one.name == "Trial")
    assert trial.access_schedule.schedule_items[0].ending_before.month == 4
    assert found.overrides[0].override_specifiers[0].commit_ids == [commit.id]
    (item,) = found.scheduled_charges[0].schedule.schedule_items
    assert (item.timestamp.day, item.amount) == (15, 30)
    assert found.subscriptions[0].quantity_schedule[0].quantity == 4
    assert found.recurring_credits[0].subscription_config.subscription_id == (
        found.subscriptions[0].id
    )
    rows = list(shop.client.v1.packages.list_contracts_on_package(package_id=package))
    assert [(one.contract_id, one.customer_id) for one in rows] == [(contract, shop.customer)]


def test_r308_a_newer_package_takes_the_alias_over(shop: Shop) -> None:
    first, second = (starter(shop, aliases=[{"name": "starter"}]) for _ in range(2))

    early = shop.contract(
        rate_card_id=None, package_alias="starter", starting_at="2025-12-01T00:00:00Z"
    )
    late = shop.contract(rate_card_id=None, package_alias="starter")

    assert [shop.v2(one).package_id for one in (early, late)] == [first, second]


def test_r310_nothing_else_may_be_said(shop: Shop) -> None:
    package = starter(shop)
    wrong: list[dict[str, Any]] = [
        {"rate_card_id": shop.card},
        {"rate_card_id": None, "commits": [shop.prepaid(1)]},
        {"rate_card_id": None, "package_alias": "starter"},
    ]
    for terms in wrong:
        with pytest.raises(BadRequestError):
            shop.contract(package_id=package, **terms)
    with pytest.raises(NotFoundError):
        shop.contract(rate_card_id=None, package_id="nothing")


def test_r308_packages_are_listed_to_the_last_page_and_archived(shop: Shop) -> None:
    ids = [starter(shop, name=f"P{at}") for at in range(3)]
    packages = shop.client.v1.packages
    packages.archive(package_id=ids[0])

    assert {one.id for one in packages.list(limit=1)} == set(ids[1:])
    assert [one.id for one in packages.list(archive_filter="ARCHIVED")] == ids[:1]
    assert len(list(packages.list(archive_filter="ALL", limit=2))) == 3
    with pytest.raises(BadRequestError):
        shop.contract(rate_card_id=None, package_id=ids[0])
    with pytest.raises(NotFoundError):
        packages.retrieve(package_id="nothing")


def test_r309_terms_of_a_package_have_offsets_and_no_dates(shop: Shop) -> None:
    recurring = {
        "product_id": shop.commit,
        "access_amount": {"unit_price": 100, "quantity": 1},
        "commit_duration": {"value": 1},
        "priority": 1,
    }
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"recurring_commits": [recurring | {"starting_at": JANUARY}]}, "starting_at"),
        ({"recurring_commits": [recurring | {"colour": "red"}]}, "colour: unknown field"),
        ({"subscriptions": [{"name": "Seats"}]}, "subscription_rate: required"),
        ({"commits": [{"type": "PREPAID", "product_id": shop.commit}]}, "access_schedule"),
        ({"duration": {"value": -1, "unit": "DAYS"}}, "duration.value"),
    ]
    for fields, told in wrong:
        with pytest.raises(BadRequestError) as caught:
            starter(shop, **fields)
        assert told in caught.value.response.json()["message"]
    absolute = {"starting_at": JANUARY, "type": "MULTIPLIER", "multiplier": 0.9}
    package = starter(shop, overrides=[absolute | {"applicable_product_tags": ["storage"]}])
    contract = shop.contract(
        rate_card_id=None, package_id=package, starting_at="2026-03-01T00:00:00Z"
    )
    assert shop.v2(contract).overrides[0].starting_at.month == 1
