"""What an alert watches and what it sees (metronome.md 2.11, R271-R276, R281)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from closedwon.billing.account import Bill
from closedwon.billing.catalog.types import USD
from closedwon.billing.contracts.state import Contract
from closedwon.billing.invoices.types import Invoice, InvoiceType


class AlertType(StrEnum):
    """What is watched; the values are the wire's."""

    SPEND = "spend_threshold_reached"
    USAGE = "usage_threshold_reached"
    INVOICE_TOTAL = "invoice_total_reached"
    COMMIT_BALANCE = "low_remaining_commit_balance_reached"
    CREDIT_BALANCE = "low_remaining_contract_credit_balance_reached"
    COMBINED_BALANCE = "low_remaining_contract_credit_and_commit_balance_reached"
    COMMIT_PERCENTAGE = "low_remaining_commit_percentage_reached"
    CREDIT_PERCENTAGE = "low_remaining_contract_credit_percentage_reached"
    COMBINED_PERCENTAGE = "low_remaining_contract_credit_and_commit_percentage_reached"
    COMMIT_DAYS = "low_remaining_days_for_commit_segment_reached"
    CREDIT_DAYS = "low_remaining_days_for_contract_credit_segment_reached"
    SEAT_BALANCE = "low_remaining_seat_balance_reached"


class AlertFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Balances whose entity carries a custom field (2.11)."""

    entity: str
    """Contract, Commit, ContractCredit or ContractCreditOrCommit."""
    key: str
    value: str | None = None
    """None watches every value of the key by itself; specifiers only (R276)."""


class AlertSpecifier(msgspec.Struct, frozen=True, kw_only=True):
    """AND inside, OR across specifiers, minus what a group of ``excluded`` matches (R276)."""

    filters: tuple[AlertFilter, ...]
    excluded: tuple[tuple[AlertFilter, ...], ...] = ()


class GroupValue(msgspec.Struct, frozen=True, kw_only=True):
    """A presentation or pricing value of lines; without a value each one by itself (R274)."""

    key: str
    value: str | None = None


class SeatFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which seats are watched; without a value every seat by itself."""

    seat_group_key: str
    seat_group_value: str | None = None


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A monitor of one customer, or of every one (R271-R276)."""

    id: str
    type: AlertType
    name: str
    threshold: Decimal
    """In the wire unit of ``credit_type_id``, metric units, days or percent."""
    credit_type_id: str = USD
    customer_id: str | None = None
    """None watches all customers."""
    metric_id: str | None = None
    filters: tuple[AlertFilter, ...] = ()
    group_values: tuple[GroupValue, ...] = ()
    invoice_types: tuple[InvoiceType, ...] = ()
    seat: SeatFilter | None = None
    specifiers: tuple[AlertSpecifier, ...] = ()
    evaluate_on_create: bool = True
    """False is silent about customers who are past the threshold already (R272)."""
    tells_resolved: bool = False
    """Whether leaving the alarm is told, too (R271)."""
    uniqueness_key: str | None = None
    created_at: datetime
    archived_at: datetime | None = None


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What alerts look at: one customer at ``now``."""

    customer_id: str
    contracts: tuple[Contract, ...]
    bill: Bill
    standing: tuple[Invoice, ...]
    """Finalized, not voided invoices."""
    now: datetime
    usage: Mapping[str, Decimal] = {}
    """Metric quantity of the current period, by metric id, for usage alerts."""


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing an alert watches and whether it is past the threshold."""

    key: str = ""
    """Tells the things of one alert apart: a group value, a segment, an invoice, a seat."""
    in_alarm: bool
    told: Mapping[str, Any] = {}
    """What the webhook says about it, beside the alert's own fields."""
