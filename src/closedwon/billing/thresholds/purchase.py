"""What a threshold decides: a commit to add to the contract, bought now (R257-R267)."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from closedwon.billing.account import Bill
from closedwon.billing.catalog.types import Catalog, RateCard
from closedwon.billing.contracts.spans import Span, Unit
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import (
    AccessSegment,
    Commit,
    CommitKind,
    ScheduleItem,
)
from closedwon.billing.contracts.thresholds import (
    BalanceThreshold,
    FieldFilter,
    GateStatus,
    PurchaseDiscount,
    SpendThreshold,
    gate_of,
)
from closedwon.billing.invoices.types import Invoice, InvoiceType, LineType
from closedwon.billing.thresholds.trackers import accumulated, current_period
from closedwon.kernel.exact import ZERO
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import Interval

PAYABLE = (
    LineType.USAGE,
    LineType.SUBSCRIPTION,
    LineType.COMPOSITE,
    LineType.CPU_CONVERSION,
)
"""Lines a balance could have paid; what is left of them is accrued spend (R264)."""
A_YEAR = Span(value=1, unit=Unit.YEARS)
"""How long a recharge can be drawn unless its configuration says otherwise (R258)."""


class Workflow(StrEnum):
    """Which threshold made a purchase; the wire's workflow_type."""

    SPEND = "spend_threshold"
    BALANCE = "prepaid_balance_threshold"


NAMES = {Workflow.SPEND: "Spend threshold charge", Workflow.BALANCE: "Balance recharge"}


class Bought(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what, for which window, at which price."""

    workflow: Workflow
    amount: Decimal
    credit_type_id: str
    price: Decimal
    """Fiat wire units per unit of ``credit_type_id``."""
    window: Interval
    measured: Decimal


class Purchase(msgspec.Struct, frozen=True, kw_only=True):
    """A commit that a threshold buys, and why."""

    workflow: Workflow
    contract_id: str
    commit: Commit
    measured: Decimal
    """Balance left, or spend accrued, in the wire unit of its credit type."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A contract, what its customer owes and holds at ``now``, and the catalogue."""

    contract: Contract
    catalog: Catalog
    standing: tuple[Invoice, ...]
    """Finalized, not voided invoices of the customer."""
    bill: Bill
    now: datetime

    @property
    def card(self) -> RateCard | None:
        """The contract's rate card."""
        return self.catalog.rate_cards.get(self.contract.rate_card_id or "")


def recharge(moment: Moment) -> Purchase | None:
    """The recharge that the contract's eligible balances call for (R257, R258).

    None above the threshold, while disabled, and while an earlier one waits for its payment (R262).
    """
    contract, config, card = (
        moment.contract,
        moment.contract.settings.balance_threshold,
        moment.card,
    )
    if config is None or card is None or not _is_open(contract, config, moment.now):
        return None
    left = eligible_balance(contract, config, moment.bill)
    price = fiat_price(card, config.credit_type_id)
    if left > config.threshold_amount or price is None:
        return None
    hour = moment.now.replace(minute=0, second=0, microsecond=0)
    bought = Bought(
        workflow=Workflow.BALANCE,
        amount=config.recharge_to_amount - max(left, ZERO),
        credit_type_id=config.credit_type_id,
        price=price,
        window=Interval(hour, (config.commit.duration or A_YEAR).after(hour)),
        measured=left,
    )
    return _purchase(moment, config, bought, card)


def spend_charge(moment: Moment) -> Purchase | None:
    """The charge that accrued spend of the open period calls for (R264).

    What earlier charges cover is not accrued any more, so only new spend counts.
    """
    contract, card = moment.contract, moment.card
    config = contract.settings.spend_threshold
    period = current_period(contract, moment.now)
    if config is None or card is None or period is None:
        return None
    accrued = accrued_spend(contract, moment.bill, period)
    if accrued < config.threshold_amount or not _is_open(contract, config, moment.now):
        return None
    bought = Bought(
        workflow=Workflow.SPEND,
        amount=accrued,
        credit_type_id=card.fiat_credit_type_id,
        price=Decimal(1),
        window=period,
        measured=accrued,
    )
    return _purchase(moment, config, bought, card)


def eligible_balance(contract: Contract, config: BalanceThreshold, bill: Bill) -> Decimal:
    """Active prepaid balances and credits the contract may use, in the config's unit (R257).

    Left out: balances of single seats, and those the config's specifiers exclude.
    """
    commits = {commit.id: commit for commit in bill.commits}
    return sum(
        (
            balance.remaining
            for balance in bill.balances
            if balance.is_active
            and balance.contract_id in (None, contract.id)
            and _is_eligible(commits[balance.commit_id], contract, config)
        ),
        ZERO,
    )


def accrued_spend(contract: Contract, bill: Bill, period: Interval) -> Decimal:
    """What the open usage invoice of ``period`` leaves to pay that a balance could have (R264)."""
    return sum(
        (
            line.total
            for invoice in bill.invoices
            if invoice.type is InvoiceType.USAGE
            and invoice.contract_id == contract.id
            and invoice.start == period.start
            for line in invoice.lines
            if line.type in PAYABLE
            and line.commit_id is None
            and line.credit_type_id == invoice.credit_type_id
        ),
        ZERO,
    )


def fiat_price(card: RateCard, credit_type_id: str) -> Decimal | None:
    """What one unit costs in the card's currency: 1 for itself, else its conversion (R258).

    None when the card neither is in that unit nor converts it.
    """
    if credit_type_id == card.fiat_credit_type_id:
        return Decimal(1)
    prices = {one.credit_type_id: one.fiat_per_unit for one in card.conversions}
    return prices.get(credit_type_id)


def _is_open(contract: Contract, config: BalanceThreshold | SpendThreshold, now: datetime) -> bool:
    """Enabled on a live contract, with no purchase waiting for its payment (R262)."""
    waiting = any(
        commit.is_recharge and commit.gate is not None and commit.gate.status is GateStatus.PENDING
        for commit in contract.commits
    )
    alive = contract.archived_at is None and contract.term.covers(now)
    return config.is_enabled and alive and not waiting


def _is_eligible(commit: Commit, contract: Contract, config: BalanceThreshold) -> bool:
    return (
        commit.kind is not CommitKind.POSTPAID
        and commit.access_credit_type_id == config.credit_type_id
        and commit.seat_group_key is None
        and (not commit.contract_ids or contract.id in commit.contract_ids)
        and not any(_matches(commit, contract, group) for group in config.excluded)
    )


def _matches(commit: Commit, contract: Contract, group: tuple[FieldFilter, ...]) -> bool:
    """AND inside a group of filters (R257)."""
    return bool(group) and all(
        (contract if one.entity == "Contract" else commit).custom_fields.get(one.key) == one.value
        for one in group
    )


def _purchase(
    moment: Moment, config: BalanceThreshold | SpendThreshold, bought: Bought, card: RateCard
) -> Purchase:
    """The number of earlier purchases makes the ids, so a repeat of one makes the same (R13)."""
    contract = moment.contract
    fraction = _payment_fraction(moment, config.discount)
    cost = bought.amount * bought.price * fraction
    earlier = sum(1 for commit in contract.commits if commit.is_recharge)
    commit_id = derive("recharge", contract.id, bought.workflow, str(earlier))
    segment = AccessSegment(
        id=derive("segment", commit_id), amount=bought.amount, window=bought.window
    )
    payment = ScheduleItem(
        id=derive("payment", commit_id), timestamp=moment.now, amount=cost, unit_price=cost
    )
    commit = Commit(
        id=commit_id,
        kind=CommitKind.PREPAID,
        product_id=config.commit.product_id,
        name=config.commit.name or NAMES[bought.workflow],
        description=config.commit.description,
        segments=(segment,),
        payments=(payment,),
        priority=config.commit.priority,
        rollover_fraction=config.commit.rollover_fraction,
        rate_type=config.commit.rate_type,
        applicability=config.commit.applicability,
        access_credit_type_id=bought.credit_type_id,
        payment_credit_type_id=card.fiat_credit_type_id,
        gate=gate_of(config.gate.type, commit_id),
        is_recharge=True,
        counts_as_discounted=fraction < 1,
        created_at=moment.now,
    )
    return Purchase(
        workflow=bought.workflow,
        contract_id=contract.id,
        commit=commit,
        measured=bought.measured,
    )


def _payment_fraction(moment: Moment, discount: PurchaseDiscount | None) -> Decimal:
    """Discounted until the tracker has reached the cap; the one that crosses it, too (R260)."""
    if discount is None:
        return Decimal(1)
    cap = discount.cap
    trackers = {one.alias: one for one in moment.contract.settings.trackers}
    if cap is None or cap.spend_tracker_alias not in trackers:
        return discount.payment_fraction
    commits = {commit.id: commit for commit in moment.bill.commits}
    due = [one for one in moment.bill.invoices if one.issued_at <= moment.now]
    spent = accumulated(
        trackers[cap.spend_tracker_alias],
        moment.contract,
        commits,
        (*moment.standing, *due),
        moment.now,
    )
    return discount.payment_fraction if spent < cap.amount else Decimal(1)
