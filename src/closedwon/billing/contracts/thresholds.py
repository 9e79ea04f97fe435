"""Threshold billing, its payment gates and spend trackers (metronome.md 2.7; R257-R270)."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

import msgspec

from closedwon.billing.catalog.types import USD
from closedwon.billing.contracts.applicability import EVERYTHING, Applicability
from closedwon.billing.contracts.spans import Span
from closedwon.kernel.errors import Refused
from closedwon.kernel.ids import derive


class GateType(StrEnum):
    """Who says whether a purchase is paid before its balance is released (R261, R262)."""

    NONE = "NONE"
    STRIPE = "STRIPE"
    EXTERNAL = "EXTERNAL"


class GateStatus(StrEnum):
    """Where a gated purchase stands (R200, R262)."""

    PENDING = "PENDING"
    PAID = "PAID"
    FAILED = "FAILED"


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase that grants nothing until it is paid (R200)."""

    type: GateType
    status: GateStatus = GateStatus.PENDING
    workflow_id: str = ""


def gate_of(kind: GateType, commit_id: str) -> Gate | None:
    """The gate of a purchase, with the id of its workflow; NONE is no gate."""
    if kind is GateType.NONE:
        return None
    return Gate(type=kind, workflow_id=derive("workflow", commit_id))


class GateConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How purchases of a threshold are paid (R261, R262); provider settings as given."""

    type: GateType = GateType.NONE
    tax_type: str = "NONE"
    provider_settings: Mapping[str, str] = {}


class DiscountCap(msgspec.Struct, frozen=True, kw_only=True):
    """Until the tracker has reached ``amount``, purchases are discounted (R260)."""

    amount: Decimal
    spend_tracker_alias: str


class PurchaseDiscount(msgspec.Struct, frozen=True, kw_only=True):
    """The invoice is ``payment_fraction`` of the access granted (R260)."""

    payment_fraction: Decimal
    cap: DiscountCap | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.payment_fraction <= 1:
            raise Refused("payment_fraction must lie in 0..1", found=str(self.payment_fraction))


class ThresholdCommit(msgspec.Struct, frozen=True, kw_only=True):
    """The commit a threshold creates (R258, R264)."""

    product_id: str
    name: str = ""
    description: str = ""
    priority: Decimal = Decimal(100)
    applicability: Applicability = EVERYTHING
    duration: Span | None = None
    """How long a recharge can be drawn; None is a year (R258)."""
    rate_type: str = "LIST_RATE"
    rollover_fraction: Decimal | None = None

    def __post_init__(self) -> None:
        if self.duration is not None and self.duration.value == 0:
            raise Refused("a recharge lasts at least one unit (R258)", duration=0)


class FieldFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Matches entities that carry a custom field value (R257, R276)."""

    entity: str
    key: str
    value: str


class SpendThreshold(msgspec.Struct, frozen=True, kw_only=True):
    """Charges accrued spend when it reaches ``threshold_amount`` (R264-R267)."""

    is_enabled: bool
    threshold_amount: Decimal
    commit: ThresholdCommit
    gate: GateConfig = GateConfig()
    discount: PurchaseDiscount | None = None


class BalanceThreshold(msgspec.Struct, frozen=True, kw_only=True):
    """Recharges eligible balances that fall to ``threshold_amount`` (R257-R263)."""

    is_enabled: bool
    threshold_amount: Decimal
    recharge_to_amount: Decimal
    commit: ThresholdCommit
    credit_type_id: str = USD
    gate: GateConfig = GateConfig()
    discount: PurchaseDiscount | None = None
    excluded: tuple[tuple[FieldFilter, ...], ...] = ()
    """Balances left out: OR between groups, AND inside (R257)."""


class SpendTracker(msgspec.Struct, frozen=True, kw_only=True):
    """Counts invoiced commit purchases of the billing period (R268-R270)."""

    alias: str
    credit_type_id: str = USD
    sources: tuple[str, ...] = ("THRESHOLD_RECHARGE", "MANUAL")
    discounted: str = "ANY"
    """ANY, DISCOUNTED_ONLY or UNDISCOUNTED_ONLY."""
