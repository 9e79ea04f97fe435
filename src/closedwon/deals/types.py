"""Deals, terms, findings and plans: what the line hands from step to step."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from closedwon.billing.catalog.types import Product
from closedwon.billing.contracts.edits import Amend, ChangeEnd, Create, Revise
from closedwon.billing.contracts.source import Source

Record = Mapping[str, Any]
"""A CRM record as read: field -> str, Decimal, int, bool, None, or a parent Record (``X__r``).

Dates and datetimes stay the ISO text Salesforce sent; the describe says which fields they are."""


class Deal(msgspec.Struct, frozen=True, kw_only=True):
    """An opportunity with everything that belongs to it, read consistently (salesforce.md 7.3)."""

    opportunity_id: str
    """18 characters."""
    record: Record
    """The opportunity, with the parents the mapping names nested."""
    children: Mapping[str, tuple[Record, ...]]
    """Child rows by the name the mapping gives them (``quote``, ``lines``, ``installments``)."""
    fingerprint: str
    """SHA-256 over the fields the mapping reads; equal means nothing to do."""
    read_at: datetime


class Severity(StrEnum):
    """How much a finding stops."""

    PARK = "park"
    WARN = "warn"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Why a deal is parked, or what a person should know about it (D9)."""

    code: str
    """Stable, listed in docs/errors.md."""
    message: str
    """What was found and what was expected."""
    fix: str
    """What to do, and where."""
    record_id: str = ""
    field: str = ""
    place: str = ""
    """``mappings/cpq.yaml:41:7`` when a mapping rule is involved."""
    severity: Severity = Severity.PARK


class DealKind(StrEnum):
    """What the opportunity does to billing (design 6)."""

    NEW = "new"
    AMENDMENT = "amendment"
    RENEWAL = "renewal"


class CustomerTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The customer a deal belongs to; found by ``account_id``, else created."""

    id: str
    """Derived from org and account (kernel.ids)."""
    account_id: str
    name: str
    ingest_aliases: tuple[str, ...] = ()
    custom_fields: Mapping[str, str] = {}


class QuantityChange(msgspec.Struct, frozen=True, kw_only=True):
    """Seats an amendment adds to a subscription the contract has, or takes from it (R224)."""

    subscription_id: str
    starting_at: datetime
    delta: Decimal
    source: Source


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a deal asks of billing; pure outcome of the mapping."""

    opportunity_id: str
    kind: DealKind
    customer: CustomerTerms
    contract_id: str
    """Of the contract created (new, renewal) or amended."""
    contract: Create | Amend
    """Create for NEW and RENEWAL; Amend, with the additive terms, for AMENDMENT."""
    currency: str
    source: Source
    quantities: tuple[QuantityChange, ...] = ()
    """AMENDMENT only."""
    recurs: Decimal = Decimal(0)
    """What subscriptions and recurring commits bill more, or less, in the wire unit; what is open
    counts with its first year."""
    findings: tuple[Finding, ...] = ()
    """Warnings only."""
    ignored: Mapping[str, str] = {}
    """Child record id -> reason it brought nothing; with ``used`` it covers every child."""
    used: tuple[str, ...] = ()
    """Child record ids that brought a term."""
    products: tuple[Product, ...] = ()
    """Fixed products the terms name by ``sku:``; created where billing lacks them."""
    holds: tuple[Finding, ...] = ()
    """Gates of the mapping that fired: why a person must release the plan."""
    rules: tuple[str, ...] = ()
    """Ids of the mapping rules that decided about a row, for coverage."""


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A deal that cannot be mapped as it stands."""

    opportunity_id: str
    findings: tuple[Finding, ...]
    rules: tuple[str, ...] = ()
    """Ids of the mapping rules that decided about a row, for coverage."""


class CreateCustomer(msgspec.Struct, frozen=True, kw_only=True, tag="create_customer"):
    """The account has no customer yet."""

    customer: CustomerTerms


class CreateProduct(msgspec.Struct, frozen=True, kw_only=True, tag="create_product"):
    """A fixed product the deal sells and the catalogue lacks."""

    product: Product


class CreateContract(msgspec.Struct, frozen=True, kw_only=True, tag="create_contract"):
    """A new contract, possibly following another one."""

    contract_id: str
    create: Create


class EditContract(msgspec.Struct, frozen=True, kw_only=True, tag="edit_contract"):
    """One more edit on an existing contract."""

    contract_id: str
    change: Amend | Revise | ChangeEnd


PlanStep = CreateCustomer | CreateProduct | CreateContract | EditContract


class MoneyEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan does to money; amounts in the wire unit of ``currency``."""

    currency: str
    contract_value: Decimal
    """Commit payments and scheduled charges the plan adds (TCV)."""
    access_granted: Decimal
    invoices: Mapping[date, Decimal]
    """Scheduled invoices by date."""

    @property
    def first_bill(self) -> date | None:
        """Date of the first scheduled invoice."""
        return min(self.invoices, default=None)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Terms minus what is there; applying it twice changes nothing the second time."""

    opportunity_id: str
    opportunity_name: str
    deal_fingerprint: str
    base: str
    """Digest of the engine state planned against; apply refuses when it moved."""
    steps: tuple[PlanStep, ...]
    money: MoneyEffect
    holds: tuple[Finding, ...] = ()
    """Why a person must release the plan first; empty means it may be applied."""
    source: Source

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.steps
