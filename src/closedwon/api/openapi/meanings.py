"""What fields mean that have the same name and meaning wherever they stand."""

from collections.abc import Mapping
from typing import Any

MEANINGS: Mapping[str, str] = {
    "access_schedule": "When how much can be drawn.",
    "aliases": "Other names it answers to.",
    "amount": "In the wire unit of its credit type: cents of USD.",
    "applicable_contract_ids": "Contracts it may be drawn by; all of the customer's without.",
    "applicable_product_ids": "Products it applies to.",
    "applicable_product_tags": "Tags of products it applies to.",
    "archived_at": "When it was archived; null while it is in use.",
    "billable_metric_id": "The metric that measures it.",
    "billing_frequency": "How often a subscription is charged.",
    "billing_provider": "Where invoices are delivered to.",
    "balance": "What is left, in the wire unit.",
    "commit_id": "The commit.",
    "contract_id": "The contract.",
    "covering_date": "Only what is in force at this instant.",
    "created_at": "When it was made.",
    "created_by": "Name of the token that made it.",
    "credit_id": "The credit.",
    "credit_type": "The unit of the amounts.",
    "credit_type_id": "The unit of the amounts; USD in cents without.",
    "cursor": "The cursor of the page before.",
    "custom_fields": "Values by key; keys are allowed first, with `POST /v1/customFields/addKey`.",
    "customer_id": "The customer.",
    "data": "What was asked for.",
    "description": "For people; not shown on invoices.",
    "ending_before": "The exclusive end; without it there is none.",
    "entitled": "Whether the product may be used without a contract saying so.",
    "hierarchy_configuration": "Its place among parents and children (R301).",
    "id": "Its id.",
    "include_archived": "Whether archived ones are listed, too.",
    "include_balance": "Whether each comes with its balance.",
    "include_ledgers": "Whether each comes with its ledger.",
    "ingest_aliases": "Ids that its usage events may carry.",
    "invoice_id": "The invoice.",
    "invoice_schedule": "When how much is paid.",
    "issued_at": "When it is issued.",
    "limit": "Rows of the page.",
    "multiplier": "What the list price is multiplied with.",
    "name": "For people; invoices show it.",
    "net_payment_terms_days": "Days until an invoice is due.",
    "next_page": "The cursor of a page; null after the last one.",
    "presentation_group_key": "Properties that invoices break quantities down by.",
    "presentation_group_values": "Values of presentation groups.",
    "price": "Per unit, in the wire unit of its credit type.",
    "pricing_group_key": "Properties that prices differ by.",
    "pricing_group_values": "Values of the properties that the price is for.",
    "priority": "Drawn in rising order; the lowest first.",
    "product_id": "The product.",
    "product_tags": "Tags of the product.",
    "quantity": "How many.",
    "rate_card_alias": "A name of the rate card, as of the start.",
    "rate_card_id": "The rate card.",
    "rate_type": "How the price is told.",
    "rollover_fraction": "Part of the rest that goes on into a renewal.",
    "specifiers": "What it applies to: all of one have to fit, and one of all.",
    "starting_at": "The start, included.",
    "starting_on": "The start, included.",
    "subscription_id": "The subscription.",
    "tags": "Words that terms may name it by.",
    "temporary_id": "A name for this payload only, for other terms of it to point at.",
    "tiers": "Stretches of units, each at its price.",
    "timestamp": "When.",
    "total": "In the wire unit of its credit type.",
    "type": "Which kind it is.",
    "uniqueness_key": "A key no other may have; using it again is a 409 (R6).",
    "unit_price": "Per unit, in the wire unit.",
    "updated_at": "When it last changed.",
    "window_size": "How long each row's window is.",
}
"""Name of a field -> what it means; an attribute's own docstring comes before."""


def described(properties: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The properties, each with what it means where that is known."""
    return {
        name: {"description": MEANINGS[name], **schema} if name in MEANINGS else schema
        for name, schema in properties.items()
    }
