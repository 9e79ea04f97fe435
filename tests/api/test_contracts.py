"""Contracts through the official SDK: created with every term, read in both versions (2.7, 2.9)."""

from typing import Any

import httpx
import pytest
from metronome import BadRequestError, ConflictError, Metronome, NotFoundError

from api.shop import JANUARY, Shop

END = "2027-01-01T00:00:00Z"


@pytest.fixture
def shop(client: Metronome) -> Shop:
    return Shop(client)


def everything(shop: Shop) -> dict[str, Any]:
    """A contract with every kind of term of 2.7."""
    return {
        "name": "Order form 1",
        "ending_before": END,
        "commits": [shop.prepaid(500000) | {"temporary_id": "big", "rollover_fraction": 0.25}],
        "credits": [
            {
                "product_id": shop.support,
                "name": "Welcome",
                "access_schedule": {
                    "schedule_items": [
                        {"amount": 1000.5, "starting_at": JANUARY, "ending_before": END}
                    ]
                },
                "specifiers": [{"product_tags": ["storage"]}],
            }
        ],
        "recurring_credits": [
            {
                "product_id": shop.support,
                "access_amount": {"unit_price": 1000},
                "commit_duration": {"value": 1},
                "priority": 5,
                "starting_at": JANUARY,
                "applicable_product_tags": ["analysis"],
                "subscription_config": {
                    "subscription_id": "seats",
                    "apply_seat_increase_config": {"is_prorated": True},
                },
            }
        ],
        "overrides": [
            {
                "starting_at": JANUARY,
                "type": "multiplier",
                "multiplier": 0.9,
                "applicable_product_tags": ["storage"],
            },
            {
                "starting_at": JANUARY,
                "type": "OVERWRITE",
                "override_specifiers": [{"product_id": shop.analysis, "commit_ids": ["big"]}],
                "is_commit_specific": True,
                "overwrite_rate": {"rate_type": "FLAT", "price": 88.9},
            },
        ],
        "scheduled_charges": [
            {
                "product_id": shop.support,
                "schedule": {
                    "recurring_schedule": {
                        "starting_at": JANUARY,
                        "ending_before": END,
                        "frequency": "quarterly",
                        "amount_distribution": "DIVIDED",
                        "amount": 400000,
                    }
                },
            }
        ],
        "subscriptions": [
            {
                "temporary_id": "seats",
                "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": shop.seat},
                "collection_schedule": "ADVANCE",
                "proration": {"is_prorated": True},
                "initial_quantity": 10,
            }
        ],
        "usage_filter": {"group_key": "region", "group_values": ["eu"]},
        "usage_statement_schedule": {"frequency": "MONTHLY", "day": "CONTRACT_START"},
        "net_payment_terms_days": 30,
        "salesforce_opportunity_id": "006x",
        "total_contract_value": 500000.01,
    }


def test_r100_a_contract_with_every_term_reads_as_it_was_sent(shop: Shop) -> None:
    found = shop.v2(shop.contract(**everything(shop)))

    assert (found.name, found.net_payment_terms_days) == ("Order form 1", 30)
    assert (found.salesforce_opportunity_id, found.total_contract_value) == ("006x", 500000.01)
    (commit,) = found.commits
    assert (commit.name, commit.rollover_fraction, commit.priority) == (
        "Enterprise Commit",
        0.25,
        1,
    )
    assert commit.access_schedule.credit_type.name == "USD (cents)"
    assert [item.amount for item in commit.access_schedule.schedule_items] == [500000]
    assert [item.unit_price for item in commit.invoice_schedule.schedule_items] == [500000]
    welcome = next(credit for credit in found.credits if credit.name == "Welcome")
    assert welcome.access_schedule.schedule_items[0].amount == 1000.5
    assert welcome.specifiers[0].product_tags == ["storage"]
    assert found.recurring_credits[0].subscription_config.allocation == "POOLED"
    assert found.usage_filter[0].group_values == ["eu"]
    assert found.usage_statement_schedule.frequency == "MONTHLY"
    assert [item.amount for item in found.scheduled_charges[0].schedule.schedule_items] == [
        100000
    ] * 4


def test_temporary_ids_are_resolved_inside_a_payload(shop: Shop) -> None:
    found = shop.v2(shop.contract(**everything(shop)))

    (seats,) = found.subscriptions
    assert found.recurring_credits[0].subscription_config.subscription_id == seats.id
    overwrite = next(one for one in found.overrides if one.type == "OVERWRITE")
    assert overwrite.override_specifiers[0].commit_ids == [found.commits[0].id]
    assert overwrite.overwrite_rate.price == 88.9
    child = next(one for one in found.credits if one.recurring_credit_id is not None)
    assert child.recurring_credit_id == found.recurring_credits[0].id
    assert child.access_schedule.schedule_items[0].amount == 10000


def test_r111_v1_shows_initial_current_and_amendments(shop: Shop) -> None:
    contract = shop.contract(commits=[shop.prepaid(1000)])

    found = shop.client.v1.contracts.retrieve(customer_id=shop.customer, contract_id=contract).data

    assert found.initial.created_by == found.current.created_by != ""
    assert [one.id for one in found.initial.commits] == [one.id for one in found.current.commits]
    assert found.amendments == []


def test_r181_balance_and_ledger_are_shown_when_asked_for(shop: Shop) -> None:
    contract = shop.contract(commits=[shop.prepaid(1000)])

    (plain,) = shop.v2(contract).commits
    (full,) = shop.v2(contract, include_balance=True, include_ledgers=True).commits

    assert (plain.balance, plain.ledger) == (None, None)
    assert full.balance == 1000
    assert [(entry.type, entry.amount) for entry in full.ledger] == [
        ("PREPAID_COMMIT_SEGMENT_START", 1000)
    ]


def test_r57_a_rate_card_alias_is_resolved_at_the_start(shop: Shop) -> None:
    contract = shop.contract(rate_card_id=None, rate_card_alias="card")

    assert shop.v2(contract).rate_card_id == shop.card


def test_lists_cover_dates_and_go_on_to_the_last_page(shop: Shop) -> None:
    ids = [shop.contract(starting_at=f"2026-0{month}-01T00:00:00Z") for month in range(1, 8)]
    contracts = shop.client.v1.contracts

    first = contracts.list(customer_id=shop.customer, limit=5)
    rest = contracts.list(customer_id=shop.customer, limit=5, cursor=first.next_page)
    assert sorted(one.id for one in [*first.data, *rest.data]) == sorted(ids)
    assert rest.next_page is None
    covering = shop.client.v2.contracts.list(
        customer_id=shop.customer, covering_date="2026-02-02T00:00:00Z"
    )
    assert {one.id for one in covering.data} == set(ids[:2])
    later = shop.client.v2.contracts.list(
        customer_id=shop.customer, starting_at="2026-06-01T00:00:00Z"
    )
    assert {one.id for one in later.data} == set(ids[5:])


def test_r97_a_used_uniqueness_key_is_a_409_that_is_not_retried(shop: Shop) -> None:
    shop.contract(uniqueness_key="once")

    with pytest.raises(ConflictError) as caught:
        shop.contract(uniqueness_key="once")

    assert caught.value.response.headers["x-should-retry"] == "false"
    message = caught.value.response.json()["message"]
    assert message == "This uniqueness key has already been used."


def test_an_unknown_contract_is_a_404_with_a_code_in_v2(shop: Shop, http: httpx.Client) -> None:
    with pytest.raises(NotFoundError) as caught:
        shop.v2("nothing")

    assert caught.value.response.json()["code"] == "ContractNotFound"
    other = shop.client.v1.customers.create(name="Other").data.id
    mine = shop.contract()
    wanted = {"customer_id": other, "contract_id": mine}
    assert http.post("/v1/contracts/get", json=wanted).status_code == 404
    assert http.post("/v2/contracts/list", json={"customer_id": "x"}).json()["code"] == (
        "CustomerNotFound"
    )


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("r100_end", {"ending_before": JANUARY}, "ending_before"),
    ("r2_hour", {"starting_at": "2026-01-01T00:30:00Z"}, "hour"),
    ("both_cards", {"rate_card_alias": "card"}, "rate_card_id"),
    ("no_field", {"colour": "red"}, "colour: unknown field"),
    ("r104_days", {"net_payment_terms_days": -3}, "net_payment_terms_days"),
    ("r310_package", {"package_id": "p"}, "R310"),
    ("r126_weekly", {"usage_statement_schedule": {"frequency": "WEEKLY"}}, "WEEKLY"),
]


@pytest.mark.parametrize(("terms", "told"), [row[1:] for row in WRONG], ids=[r[0] for r in WRONG])
def test_r100_what_cannot_be_is_refused(
    shop: Shop, http: httpx.Client, terms: dict[str, Any], told: str
) -> None:
    body = {"customer_id": shop.customer, "rate_card_id": shop.card, "starting_at": JANUARY}

    answer = http.post("/v1/contracts/create", json=body | terms)

    assert answer.status_code == 400
    assert told in answer.json()["message"]


def test_r100_faults_of_terms_name_their_place(shop: Shop) -> None:
    commit = shop.prepaid(1000)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"type": "CREDIT"}, "commits.0.type"),
        ({"rollover_fraction": 100}, "rollover_fraction"),
        ({"specifiers": [{}], "applicable_product_tags": ["a"]}, "specifiers"),
        ({"product_id": "x"}, "x"),
        ({"invoice_schedule": {}}, "commits.0.invoice_schedule"),
    ]
    for change, told in cases:
        with pytest.raises(BadRequestError) as caught:
            shop.contract(commits=[commit | change])
        assert told in caught.value.response.json()["message"]
    assert list(shop.client.v2.contracts.list(customer_id=shop.customer).data) == []


def test_r115_a_contract_is_shown_as_it_was_known(shop: Shop, http: httpx.Client) -> None:
    contract = shop.contract(name="Before")
    moved = http.post("/closedwon/clock", json={"now": "2026-02-01T00:00:00Z"})
    assert moved.status_code == 200
    shop.client.v2.contracts.edit(
        customer_id=shop.customer, contract_id=contract, update_contract_name="After"
    )

    found = shop.v2(contract, as_of_date="2026-01-15T00:00:00Z")

    assert (found.name, shop.v2(contract).name) == ("Before", "After")
    with pytest.raises(NotFoundError):
        shop.v2(contract, as_of_date="2025-12-31T00:00:00Z")
    with pytest.raises(BadRequestError):
        shop.v2(contract, as_of_date="2026-01-15T00:00:00Z", include_ledgers=True)


def test_r182_a_payment_names_the_invoice_that_billed_it(shop: Shop, http: httpx.Client) -> None:
    contract = shop.contract(commits=[shop.prepaid(1000)])
    (before,) = shop.v2(contract).commits[0].invoice_schedule.schedule_items
    assert before.invoice_id is None

    http.post("/closedwon/clock", json={"now": "2026-01-02T00:00:00Z"})

    (after,) = shop.v2(contract).commits[0].invoice_schedule.schedule_items
    (invoice,) = shop.client.v1.customers.invoices.list(customer_id=shop.customer, type="SCHEDULED")
    assert after.invoice_id == invoice.id
