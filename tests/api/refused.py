"""Appendix C as calls: for every row of the error catalogue what triggers it, and the answer.

Words with a dollar sign stand for ids of the world that ``test_refused.py`` makes.
"""

from typing import Any, NamedTuple

JANUARY, FEBRUARY = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
APRIL, MAY = "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"
YEAR_END = "2027-01-01T00:00:00Z"
HALF_PAST = "2026-04-01T00:30:00Z"
CREATE, EDIT = "/v1/contracts/create", "/v2/contracts/edit"
ADD_RATE = "/v1/contract-pricing/rate-cards/addRate"
PRODUCT = "/v1/contract-pricing/products/create"


class Case(NamedTuple):
    """A call and what comes of it; ``told`` is part of the message."""

    row: str
    path: str
    body: Any
    told: str
    status: int = 400
    method: str = "POST"


def contract(**terms: Any) -> dict[str, Any]:
    return {"customer_id": "$customer", "starting_at": APRIL, "rate_card_id": "$card"} | terms


def edit(**changes: Any) -> dict[str, Any]:
    return {"customer_id": "$customer", "contract_id": "$contract"} | changes


def segment(start: str = APRIL, end: str = YEAR_END, amount: Any = 1000) -> dict[str, Any]:
    return {"amount": amount, "starting_at": start, "ending_before": end}


def commit(**fields: Any) -> dict[str, Any]:
    return {
        "type": "PREPAID",
        "product_id": "$commit",
        "priority": 1,
        "access_schedule": {"schedule_items": [segment()]},
    } | fields


def invoiced(*amounts: Any) -> dict[str, Any]:
    return {"schedule_items": [{"amount": one, "timestamp": APRIL} for one in amounts]}


def override(**fields: Any) -> dict[str, Any]:
    return {
        "starting_at": APRIL,
        "type": "MULTIPLIER",
        "multiplier": 0.5,
        "product_id": "$storage",
    } | fields


def sold(**fields: Any) -> dict[str, Any]:
    return {
        "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": "$seat"},
        "collection_schedule": "ADVANCE",
        "proration": {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"},
        "initial_quantity": 1,
    } | fields


def recurring(**fields: Any) -> dict[str, Any]:
    return {
        "product_id": "$commit",
        "access_amount": {"unit_price": 1000, "quantity": 1},
        "commit_duration": {"value": 1},
        "priority": 1,
        "starting_at": APRIL,
    } | fields


def threshold(**fields: Any) -> dict[str, Any]:
    return {
        "is_enabled": True,
        "threshold_amount": 500,
        "recharge_to_amount": 2000,
        "commit": {"product_id": "$commit"},
        "payment_gate_config": {"payment_gate_type": "NONE"},
    } | fields


def rate(**fields: Any) -> dict[str, Any]:
    return {
        "rate_card_id": "$card",
        "product_id": "$storage",
        "starting_at": JANUARY,
        "entitled": True,
        "rate_type": "FLAT",
        "price": 1,
    } | fields


def event(**fields: Any) -> dict[str, Any]:
    return {
        "transaction_id": "t",
        "customer_id": "acme",
        "event_type": "used",
        "timestamp": "2026-03-01T12:00:00Z",
    } | fields


def usage(**fields: Any) -> dict[str, Any]:
    return {"window_size": "DAY", "starting_on": JANUARY, "ending_before": FEBRUARY} | fields


def seated(**terms: Any) -> dict[str, Any]:
    """A subscription with seats, and a credit for each of them."""
    seats = {"seat_group_key": "user", "initial_seat_ids": [f"u{at}" for at in range(1001)]}
    fields = {"temporary_id": "s", "quantity_management_mode": "SEAT_BASED", "seat_config": seats}
    with_seats = sold(**fields)
    del with_seats["initial_quantity"]
    credit = credit_of("s", applicable_product_ids=["$peruser"])
    return contract(subscriptions=[with_seats], recurring_credits=[credit], **terms)


def credit_of(subscription: str, **fields: Any) -> dict[str, Any]:
    config = {
        "subscription_id": subscription,
        "allocation": "INDIVIDUAL",
        "apply_seat_increase_config": {"is_prorated": False},
    }
    found = recurring(access_amount={"unit_price": 1000}, subscription_config=config)
    return found | fields


def hierarchy(payer: str, behavior: str) -> dict[str, Any]:
    return {
        "parent": {"customer_id": "$customer", "contract_id": "$contract"},
        "payer": payer,
        "usage_statement_behavior": behavior,
    }


POSTPAID = {"type": "POSTPAID", "invoice_schedule": invoiced(1000)}
TWO_SEGMENTS = {"schedule_items": [segment(APRIL, MAY), segment(MAY, YEAR_END)]}
SPECIFIERS = [{"product_id": "$storage"}]
TIERS = [{"size": 10, "multiplier": 0.5}, {"multiplier": 0.2}]
FLAT = {"rate_type": "FLAT", "price": 1}
BY_REGION = [{"product_id": "$analysis"}]
PRICED_BY_REGION = {"type": "OVERWRITE", "overwrite_rate": FLAT, "override_specifiers": BY_REGION}
WITHOUT_TARGET = {"multiplier": None, "type": None, "product_id": None}


def one(kind: str, path: str, body: Any, told: str) -> Case:
    return Case(kind, path, body, told)


SCHEMA = "2.x: schema, unknown word, exclusive fields"
HOURS = "R2, R41: not on the hour, not at midnight"
INGEST = "R15-R18: batch, lengths, future, past"
ENDS = "R100: an end at or before its start"
POST = "R206: postpaid commits"
NARROW = "2.7: specifiers with applicable_product_*"
RANGES = "R83, R100: numbers outside their range"
SCHEMES = "R83, R84: what the multiplier scheme does not allow"
OVERWRITES = "R77: overwrites by tag or without all pricing values"
TARGETS = "R87, R88: commit rates and commit ids"
KEYS = "R35, R107: group keys"
UNITS = "R251, R252: pricing units"
PACKAGE = "R310: a package with terms beside it"
SEATS = "R216-R237: subscriptions"
FINAL = "R113: edits of what is final"
END_DATE = "R119: an end before a final invoice"
ARCHIVE = "R205: archive what is referenced"
STATES = "R283, R284, R291: states of invoices"
FAMILY = "R301, R303: hierarchies"
FIELDS = "R364: custom fields"
PREVIEW = "R44: previews"
THRESHOLDS = "R259: thresholds"
UNKNOWN = "404: unknown ids"
TAKEN = "R6-R8: taken keys, aliases, values"

CASES = (
    one(SCHEMA, CREATE, contract(colour="red"), "colour: unknown field"),
    one(SCHEMA, CREATE, {"customer_id": "$customer"}, "starting_at: required"),
    one(SCHEMA, CREATE, contract(commits=[commit(type="BOTH")]), "commits.0.type"),
    one(SCHEMA, CREATE, contract(rate_card_alias="card"), "not both"),
    one(SCHEMA, CREATE, contract(commits=[commit(invoice_schedule={})]), "invoice_schedule"),
    one(SCHEMA, CREATE, contract(name=5), "name"),
    one(
        SCHEMA,
        "/v1/contracts/customerCommits/create",
        {"customer_id": "$customer", **commit(type=None)},
        "type: expected PREPAID or POSTPAID",
    ),
    one(SCHEMA, EDIT, edit(colour="red"), "colour: unknown field"),
    one(SCHEMA, EDIT, edit(), "an edit says what is to change"),
    one(SCHEMA, "/v1/customers", {"name": ""}, "name"),
    one(SCHEMA, "/v1/customers", {"name": "A", "ingest_aliases": ["a" * 129]}, "128"),
    one(HOURS, CREATE, contract(starting_at=HALF_PAST), "hour"),
    one(
        HOURS,
        EDIT,
        edit(add_commits=[commit(access_schedule={"schedule_items": [segment(HALF_PAST)]})]),
        "hour",
    ),
    one(HOURS, ADD_RATE, rate(starting_at=HALF_PAST), "hour"),
    one(HOURS, "/v1/usage", usage(starting_on="2026-01-01T01:00:00Z"), "midnight"),
    one(INGEST, "/v1/ingest", [], "1 to 100"),
    one(INGEST, "/v1/ingest", [event(transaction_id=f"t{at}") for at in range(101)], "1 to 100"),
    one(INGEST, "/v1/ingest", [event(transaction_id="t" * 129)], "transaction_id"),
    one(INGEST, "/v1/ingest", [event(timestamp="2026-03-03T12:00:01Z")], "24"),
    one(INGEST, "/v1/ingest", [event(timestamp="2026-01-20T00:00:00Z")], "older than accepted"),
    one(
        INGEST,
        "/v1/ingest",
        [{"transaction_id": "t"}],
        "customer_id: required; event_type: required",
    ),
    one(ENDS, CREATE, contract(ending_before=APRIL), "after starting_at"),
    one(
        ENDS,
        CREATE,
        contract(commits=[commit(access_schedule={"schedule_items": [segment(MAY, APRIL)]})]),
        "commits.0.access_schedule.schedule_items.0.ending_before: must be after starting_at",
    ),
    one(
        ENDS,
        "/v1/contracts/customerCommits/create",
        {
            "customer_id": "$customer",
            **commit(access_schedule={"schedule_items": [segment(MAY, APRIL)]}),
        },
        "access_schedule.schedule_items.0.ending_before: must be after starting_at",
    ),
    one(
        POST,
        CREATE,
        contract(commits=[commit(**POSTPAID, access_schedule=TWO_SEGMENTS)]),
        "a postpaid commit",
    ),
    one(
        POST,
        CREATE,
        contract(commits=[commit(**POSTPAID | {"invoice_schedule": invoiced(500, 500)})]),
        "a postpaid commit",
    ),
    one(
        POST,
        CREATE,
        contract(commits=[commit(**POSTPAID | {"invoice_schedule": invoiced(900)})]),
        "a postpaid commit",
    ),
    one(POST, CREATE, contract(commits=[commit(type="POSTPAID")]), "a postpaid commit"),
    one(
        NARROW,
        CREATE,
        contract(commits=[commit(specifiers=SPECIFIERS, applicable_product_ids=["$storage"])]),
        "specifiers",
    ),
    one(
        NARROW,
        CREATE,
        contract(credits=[commit(type=None, specifiers=SPECIFIERS, applicable_product_tags=["x"])]),
        "specifiers",
    ),
    one(RANGES, CREATE, contract(commits=[commit(rollover_fraction=100)]), "rollover_fraction"),
    one(RANGES, CREATE, contract(commits=[commit(rollover_fraction=-0.1)]), "rollover_fraction"),
    one(RANGES, ADD_RATE, rate(product_id="$share", rate_type="PERCENTAGE", price=1.5), "0..1"),
    one(RANGES, ADD_RATE, rate(price=-1), "price"),
    one(RANGES, CREATE, contract(overrides=[override(multiplier=-1)]), "multiplier"),
    one(
        RANGES,
        CREATE,
        contract(multiplier_override_prioritization="EXPLICIT", overrides=[override(priority=0)]),
        "priority",
    ),
    one(
        SCHEMES,
        CREATE,
        contract(multiplier_override_prioritization="EXPLICIT", overrides=[override()]),
        "priority",
    ),
    one(
        SCHEMES,
        CREATE,
        contract(overrides=[override(type="TIERED", multiplier=None, tiers=TIERS, priority=1)]),
        "EXPLICIT",
    ),
    one(
        OVERWRITES,
        CREATE,
        contract(
            overrides=[
                override(
                    type="OVERWRITE",
                    multiplier=None,
                    overwrite_rate=FLAT,
                    product_id=None,
                    applicable_product_tags=["storage"],
                )
            ]
        ),
        "target tags",
    ),
    one(
        OVERWRITES, CREATE, contract(overrides=[{"starting_at": APRIL, **PRICED_BY_REGION}]), "R77"
    ),
    one(TARGETS, CREATE, contract(overrides=[override(target="COMMIT_RATE")]), "R88"),
    one(
        TARGETS,
        CREATE,
        contract(
            overrides=[
                override(
                    product_id=None,
                    is_commit_specific=True,
                    override_specifiers=[{"commit_ids": ["$held"]}],
                )
            ]
        ),
        "R87",
    ),
    one(
        KEYS,
        PRODUCT,
        {
            "name": "P",
            "type": "USAGE",
            "billable_metric_id": "$metric",
            "pricing_group_key": ["colour"],
        },
        "colour",
    ),
    one(
        KEYS,
        CREATE,
        contract(usage_filter={"group_key": "colour", "group_values": ["red"]}),
        "colour",
    ),
    one(UNITS, ADD_RATE, rate(credit_type_id="$unit", product_id="$fresh"), "R252"),
    one(UNITS, ADD_RATE, rate(credit_type_id="$eur"), "R138"),
    one(PACKAGE, CREATE, contract(package_id="$package"), "R310"),
    one(
        PACKAGE,
        CREATE,
        {"customer_id": "$customer", "starting_at": APRIL, "package_id": "$package", "name": "x"},
        "name: cannot",
    ),
    one(
        PACKAGE,
        CREATE,
        {
            "customer_id": "$customer",
            "starting_at": APRIL,
            "package_id": "$package",
            "package_alias": "p",
        },
        "not both",
    ),
    one(
        SEATS,
        CREATE,
        contract(
            subscriptions=[
                sold(subscription_rate={"billing_frequency": "ANNUAL", "product_id": "$seat"})
            ]
        ),
        "rate",
    ),
    one(
        SEATS,
        CREATE,
        contract(subscriptions=[sold(collection_schedule="ARREARS")]),
        "R221",
    ),
    one(SEATS, CREATE, contract(subscriptions=[sold(initial_quantity=-1)]), "R224"),
    one(SEATS, CREATE, contract(subscriptions=[sold(initial_quantity=None)]), "initial_quantity"),
    one(
        SEATS,
        CREATE,
        contract(subscriptions=[sold(temporary_id="s")], recurring_credits=[credit_of("s")]),
        "SEAT_BASED",
    ),
    one(
        SEATS,
        CREATE,
        contract(
            subscriptions=[sold(temporary_id="s")],
            recurring_credits=[credit_of("s", access_amount={"unit_price": 1, "quantity": 1})],
        ),
        "quantity",
    ),
    one(SEATS, CREATE, seated(), "R237"),
    one(
        FINAL,
        EDIT,
        edit(
            update_commits=[
                {
                    "commit_id": "$held",
                    "invoice_schedule": {"remove_schedule_items": [{"id": "$paid"}]},
                }
            ]
        ),
        "R113",
    ),
    one(
        FINAL,
        EDIT,
        edit(
            update_commits=[
                {
                    "commit_id": "$held",
                    "invoice_schedule": {"update_schedule_items": [{"id": "$paid", "amount": 1}]},
                }
            ]
        ),
        "R113",
    ),
    one(
        FINAL,
        EDIT,
        edit(
            update_commits=[
                {
                    "commit_id": "$held",
                    "access_schedule": {
                        "remove_schedule_items": [{"id": "$segment"}],
                        "add_schedule_items": [segment()],
                    },
                }
            ]
        ),
        "R113",
    ),
    one(
        FINAL,
        EDIT,
        {"customer_id": "$customer", "contract_id": "$archived", "update_contract_name": "x"},
        "archived",
    ),
    one(END_DATE, "/v1/contracts/updateEndDate", edit(ending_before=FEBRUARY), "R119"),
    one(END_DATE, EDIT, edit(update_contract_end_date=FEBRUARY), "R119"),
    one(
        ARCHIVE,
        "/v2/contracts/commits/archive",
        {"customer_id": "$customer", "commit_id": "$held"},
        "R205",
    ),
    one(ARCHIVE, EDIT, edit(archive_commits=[{"id": "$held"}]), "R205"),
    one(STATES, "/v1/invoices/void", {"id": "$void"}, "R283"),
    one(STATES, "/v1/invoices/regenerate", {"id": "$final"}, "R284"),
    one(STATES, "/v1/invoices/regenerate", {"id": "$void"}, "R284"),
    one(
        STATES,
        "/v1/contracts/updateInvoiceIssueDate",
        {"invoice_id": "$final", "issue_date": MAY},
        "R291",
    ),
    one(
        STATES,
        "/v1/contracts/updateInvoiceIssueDate",
        {"invoice_id": "$draft", "issue_date": "2028-01-01T00:00:00Z"},
        "R291",
    ),
    one(
        FAMILY,
        CREATE,
        contract(customer_id="$other", hierarchy_configuration=hierarchy("SELF", "CONSOLIDATE")),
        "R303",
    ),
    one(
        FAMILY,
        CREATE,
        contract(
            customer_id="$other",
            hierarchy_configuration={
                **hierarchy("PARENT", "SEPARATE"),
                "parent": {"customer_id": "$child", "contract_id": "$childcontract"},
            },
        ),
        "R301",
    ),
    one(FIELDS, CREATE, contract(custom_fields={"nothing": "x"}), "nothing"),
    one(
        FIELDS,
        "/v1/customFields/setValues",
        {"entity": "customer", "entity_id": "$customer", "custom_fields": {"tier": "x" * 201}},
        "200",
    ),
    one(
        PREVIEW,
        "/v1/customers/$sqlcustomer/previewEvents",
        {"events": [{"event_type": "used"}]},
        "SQL",
    ),
    one(
        PREVIEW, "/v1/customers/$customer/previewEvents", {"events": [], "mode": "merge"}, "events"
    ),
    one(
        THRESHOLDS,
        CREATE,
        contract(prepaid_balance_threshold_configuration=threshold(threshold_amount=499)),
        "R259",
    ),
    one(
        THRESHOLDS,
        CREATE,
        contract(prepaid_balance_threshold_configuration=threshold(recharge_to_amount=1499)),
        "R259",
    ),
    Case(UNKNOWN, CREATE, contract(customer_id="nobody"), "customer", 404),
    Case(UNKNOWN, CREATE, contract(rate_card_id="nothing"), "rate card", 404),
    one(SCHEMA, CREATE, contract(commits=[commit(product_id="nothing")]), "unknown product"),
    Case(
        UNKNOWN,
        CREATE,
        {"customer_id": "$customer", "starting_at": APRIL, "package_id": "x"},
        "package",
        404,
    ),
    Case(UNKNOWN, "/v2/contracts/get", edit(contract_id="nothing"), "contract", 404),
    Case(UNKNOWN, "/v2/contracts/get", edit(customer_id="nobody"), "customer", 404),
    Case(UNKNOWN, "/v1/contracts/list", {"customer_id": "nobody"}, "customer", 404),
    Case(UNKNOWN, "/v1/packages/get", {"package_id": "nothing"}, "package", 404),
    Case(UNKNOWN, "/v1/invoices/void", {"id": "nothing"}, "invoice", 404),
    Case(UNKNOWN, "/v1/alerts/archive", {"id": "nothing"}, "alert", 404),
    Case(UNKNOWN, "/v1/customers/$customer/invoices/nothing", None, "invoice", 404, "GET"),
    Case(UNKNOWN, "/v1/billable-metrics/nothing", None, "metric", 404, "GET"),
    Case(UNKNOWN, "/v1/contract-pricing/products/get", {"id": "nothing"}, "product", 404),
    Case(UNKNOWN, "/v1/contract-pricing/rate-cards/get", {"id": "nothing"}, "rate card", 404),
    Case(UNKNOWN, "/v2/notifications/get", {"id": "nothing"}, "notification", 404),
    Case(TAKEN, CREATE, contract(uniqueness_key="contract"), "uniqueness", 409),
    Case(TAKEN, EDIT, edit(uniqueness_key="edit", update_contract_name="y"), "uniqueness", 409),
    Case(TAKEN, "/v1/customers", {"name": "Twin", "ingest_aliases": ["acme"]}, "alias", 409),
    Case(
        TAKEN, "/v1/customers/$other/setIngestAliases", {"ingest_aliases": ["acme"]}, "alias", 409
    ),
    Case(
        TAKEN,
        "/v1/customFields/setValues",
        {"entity": "customer", "entity_id": "$other", "custom_fields": {"number": "7"}},
        "number",
        409,
    ),
)
