"""Customers, their providers, alerts and usage as they are answered (2.3, 2.11)."""

from closedwon.api.answered.catalogue import Metric
from closedwon.api.answered.kinds import (
    Amount,
    Anything,
    At,
    Fields,
    Named,
    NotRequired,
    TypedDict,
)


class Brief(TypedDict):
    """A customer as a create or rename answers it."""

    id: str
    external_id: str
    ingest_aliases: list[str]
    name: str
    custom_fields: Fields


class Links(TypedDict):
    """Links to other systems."""

    salesforce_account_id: str | None


class Billable(TypedDict):
    """Whether invoices are meant to be collected, and since when (R290)."""

    value: str
    effective_at: At


class Customer(TypedDict):
    """A customer as reads answer it."""

    id: str
    external_id: str
    ingest_aliases: list[str]
    name: str
    custom_fields: Fields
    customer_config: Links
    created_at: At
    updated_at: At
    archived_at: At | None
    current_billable_status: NotRequired[Billable]


class Configured(TypedDict):
    """A customer at a billing provider, as just made."""

    id: str
    customer_id: str
    billing_provider: str
    configuration: Anything
    delivery_method_id: str


class Configuration(TypedDict):
    """A customer at a billing provider."""

    id: str
    customer_id: str
    billing_provider: str
    configuration: Anything
    delivery_method_id: str
    delivery_method: str
    delivery_method_configuration: Anything
    archived_at: At | None


class Alert(TypedDict):
    """A threshold alert."""

    id: str
    name: str
    type: str
    status: str
    threshold: Amount
    updated_at: At
    credit_type: NotRequired[Named]
    uniqueness_key: NotRequired[str]


class CustomerAlert(TypedDict):
    """How an alert stands with a customer; null once it is archived."""

    customer_status: str | None
    triggered_by: str | None
    alert: Alert


class Notification(TypedDict):
    """A notification so long after an event, or before it (R280)."""

    id: str
    type: str
    name: str
    policy: Fields
    is_enabled: bool
    environment_type: str
    created_at: At
    created_by: str
    archived_at: At | None


class SystemEvent(TypedDict):
    """A lifecycle event that is always told."""

    type: str
    policy: Fields
    is_enabled: bool


class FieldKey(TypedDict):
    """A key of custom fields."""

    entity: str
    key: str
    enforce_uniqueness: bool


class UsageWindow(TypedDict):
    """A metric's value in a window; null where there was no usage (R43)."""

    customer_id: str
    billable_metric_id: str
    billable_metric_name: str
    start_timestamp: At
    end_timestamp: At
    value: Amount | None
    groups: NotRequired[dict[str, Amount | None]]


class UsageGroup(TypedDict):
    """A group's value in a window."""

    starting_on: At
    ending_before: At
    group: Fields
    group_key: str | None
    group_value: str | None
    value: Amount | None


class Event(TypedDict):
    """An event as it was stored, and what it counts for."""

    id: str
    transaction_id: str
    customer_id: str
    event_type: str
    timestamp: At
    properties: Fields
    is_duplicate: bool
    processed_at: At
    matched_customer: NotRequired[Named]
    matched_billable_metrics: list[Metric]


class AuditLog(TypedDict):
    """What was done, by whom."""

    id: str
    timestamp: At
    actor: Named
    request: dict[str, str]
    action: str
    resource_type: str
    resource_id: str
    status: str
    description: NotRequired[str]


class Embeddable(TypedDict):
    """Where a dashboard is, for an hour."""

    url: str
