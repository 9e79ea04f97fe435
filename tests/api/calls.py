"""Calls told in one go for examples of routes that ``sdk/cases`` do not call.

Words with a dollar sign stand for ids; a call that has a name keeps the id it is answered under it.
"""

from typing import Any, NamedTuple

JANUARY, APRIL, YEAR_END = (
    "2026-01-01T00:00:00Z",
    "2026-04-01T00:00:00Z",
    "2027-01-01T00:00:00Z",
)
V1, V2 = "/v1/contracts", "/v2/contracts"
OF_CUSTOMER = {"customer_id": "$customer"}
ON_CONTRACT = {"customer_id": "$customer", "contract_id": "$contract"}


class Told(NamedTuple):
    """One call."""

    path: str
    body: Any = None
    name: str = ""
    method: str = "POST"


def granted(amount: int) -> dict[str, Any]:
    window = {"amount": amount, "starting_at": APRIL, "ending_before": YEAR_END}
    return {"schedule_items": [window]}


def balance(kind: str, **fields: Any) -> dict[str, Any]:
    return {
        **OF_CUSTOMER,
        "type": kind,
        "product_id": "$commit",
        "priority": 10,
        "access_schedule": granted(250_000),
        **fields,
    }


COMMIT = balance(
    "PREPAID",
    name="April top-up",
    invoice_contract_id="$contract",
    invoice_schedule={"schedule_items": [{"amount": 250_000, "timestamp": APRIL}]},
)
SEATS = {
    "subscription_rate": {"product_id": "$seat", "billing_frequency": "MONTHLY"},
    "collection_schedule": "ADVANCE",
    "quantity_management_mode": "SEAT_BASED",
    "seat_config": {"seat_group_key": "user_id", "initial_seat_ids": ["ann", "bob"]},
    "temporary_id": "seats",
}
SEAT_CREDIT = {
    "product_id": "$commit",
    "access_amount": {"unit_price": 1000},
    "priority": 1,
    "starting_at": "2026-03-01T00:00:00Z",
    "commit_duration": {"value": 1},
    "recurrence_frequency": "MONTHLY",
    "subscription_config": {
        "subscription_id": "seats",
        "allocation": "INDIVIDUAL",
        "apply_seat_increase_config": {"is_prorated": False},
    },
}
POSTPAID = {
    "type": "POSTPAID",
    "product_id": "$commit",
    "access_schedule": granted(50_000),
    "invoice_schedule": {"schedule_items": [{"amount": 50_000, "timestamp": YEAR_END}]},
}
ADVICE = {"product_id": "$advice", "unit_price": 20_000, "quantity": 10, "max_amount": 200_000}
ON_SEATS = {"customer_id": "$user", "contract_id": "$seats", "subscription_id": "$subscription"}
PLAYED = (
    Told(
        "/v1/customers/$customer/invoices/spend-breakdowns",
        {"starting_on": JANUARY, "ending_before": APRIL, "group_keys": ["region"]},
    ),
    Told(f"{V1}/customerCommits/create", COMMIT, "top_up"),
    Told(f"{V1}/customerCredits/create", balance("CREDIT", name="Goodwill"), "goodwill"),
    Told(f"{V1}/customerCommits/list", {**OF_CUSTOMER, "include_balance": True}),
    Told(
        f"{V1}/customerCredits/list",
        {**OF_CUSTOMER, "include_balance": True, "include_ledgers": True},
    ),
    Told(f"{V1}/customerBalances/list", {**OF_CUSTOMER, "include_balance": True}),
    Told(f"{V1}/customerBalances/getNetBalance", OF_CUSTOMER),
    Told(
        f"{V2}/commits/edit",
        {**OF_CUSTOMER, "commit_id": "$top_up", "priority": 5},
    ),
    Told(
        f"{V2}/credits/edit",
        {**OF_CUSTOMER, "credit_id": "$goodwill", "name": "Goodwill of April"},
    ),
    Told(
        f"{V1}/customerCommits/updateEndDate",
        {**OF_CUSTOMER, "commit_id": "$top_up", "access_ending_before": "2026-10-01T00:00:00Z"},
    ),
    Told(
        f"{V1}/customerCredits/updateEndDate",
        {**OF_CUSTOMER, "credit_id": "$goodwill", "access_ending_before": "2026-10-01T00:00:00Z"},
    ),
    Told(f"{V2}/credits/archive", {**OF_CUSTOMER, "credit_id": "$goodwill"}),
    Told(f"{V2}/commits/archive", {**OF_CUSTOMER, "commit_id": "$top_up"}),
    Told(
        f"{V2}/edit",
        {
            **ON_CONTRACT,
            "add_overrides": [
                {
                    "starting_at": APRIL,
                    "type": "MULTIPLIER",
                    "multiplier": 0.9,
                    "applicable_product_tags": ["storage"],
                }
            ],
        },
    ),
    Told(f"{V1}/getContractRateSchedule", ON_CONTRACT),
    Told(
        "/v1/customers/setBillableStatus",
        {**OF_CUSTOMER, "billable_status": "unbillable", "effective_at": APRIL},
    ),
    Told("/v1/customers", {"name": "Seats Inc"}, "user"),
    Told(
        f"{V1}/create",
        {
            "customer_id": "$user",
            "rate_card_id": "$card",
            "starting_at": "2026-03-01T00:00:00Z",
            "subscriptions": [SEATS],
            "recurring_credits": [SEAT_CREDIT],
            "commits": [POSTPAID],
        },
        "seats",
    ),
    Told(f"{V1}/getSubscriptionQuantityHistory", ON_SEATS),
    Told(f"{V1}/getSubscriptionSeatsHistory", ON_SEATS),
    Told(f"{V1}/seatBalances/list", {"customer_id": "$user", "contract_id": "$seats"}),
    Told(
        f"{V1}/commits/disableTrueup",
        {"customer_id": "$user", "contract_id": "$seats", "commit_id": "$postpaid"},
    ),
    Told(
        "/v1/contract-pricing/products/create",
        {"name": "Advice", "type": "PROFESSIONAL_SERVICE"},
        "advice",
    ),
    Told(
        f"{V1}/amend",
        {**ON_CONTRACT, "starting_at": APRIL, "professional_services": [ADVICE]},
    ),
    Told(
        f"{V1}/scheduleProServicesInvoice",
        {
            **ON_CONTRACT,
            "issued_at": "2026-04-15T00:00:00Z",
            "line_items": [{"professional_service_id": "$service", "quantity": 2}],
        },
    ),
    Told("/v1/customers/$customer/invoices/$final", method="GET"),
    Told(
        "/v1/customers/$customer/invoices/breakdowns"
        "?starting_on=2026-02-01T00:00:00Z&ending_before=2026-03-01T00:00:00Z",
        method="GET",
    ),
    Told("/v1/customers/$customer/invoices/$final/pdf", method="GET"),
    Told(
        f"{V1}/updateInvoiceIssueDate",
        {"invoice_id": "$draft", "issue_date": "2026-04-02T00:00:00Z", **OF_CUSTOMER},
    ),
    Told(
        "/closedwon/customers/$customer/forecast",
        method="GET",
    ),
    Told("/closedwon/invoices/$final/lines/1/explain", method="GET"),
    Told("/v1/invoices/void", {"id": "$final"}),
    Told("/v1/invoices/regenerate", {"id": "$final"}),
    Told(
        "/v1/composite/createCustomerWithContract",
        {
            "customer": {"name": "Both at once"},
            "contract": {"rate_card_id": "$card", "starting_at": "2026-03-01T00:00:00Z"},
        },
    ),
    *(
        Told(f"/closedwon/{name}", method="GET")
        for name in ("problems", "deals", "parked", "clock", "reconcile", "rebuild")
    ),
    Told("/closedwon/clock", {"now": "2026-03-11T00:00:00Z"}),
    Told("/closedwon/verify", {}),
    Told(
        "/closedwon/whatif",
        {
            **ON_CONTRACT,
            "starting_at": APRIL,
            "months": 2,
            "overrides": [
                {
                    "starting_at": APRIL,
                    "type": "MULTIPLIER",
                    "multiplier": 0.8,
                    "applicable_product_tags": ["analysis"],
                }
            ],
        },
    ),
)
