"""Subscriptions: seats or units that cost their rate every period (R216-R228, seed 004)."""

from datetime import datetime
from decimal import Decimal

import msgspec

from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.overrides import Override, Overwrite
from closedwon.billing.contracts.subscriptions import (
    Collection,
    InvoiceBehavior,
    Subscription,
)
from closedwon.billing.pricing import Flat
from closedwon.deals.mapping.answers import field_of
from closedwon.deals.mapping.deal_terms import DealTerms, Group, plain
from closedwon.deals.mapping.outputs import SubscriptionOutput
from closedwon.deals.types import DealKind, QuantityChange
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.exact import canonical
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import Interval, end_of, midnight

BILLED_BY = (Frequency.WEEKLY, Frequency.MONTHLY, Frequency.QUARTERLY, Frequency.ANNUAL)
"""What a subscription rate may be billed by (R216)."""


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """What one group of rows says: a subscription of its own, or more of one that is there."""

    subscription: Subscription | None = None
    rate: Override | None = None
    """The contract's own price of it."""
    change: QuantityChange | None = None


class Subscriptions:
    """Builds the subscriptions of one deal."""

    def __init__(self, terms: DealTerms) -> None:
        self._terms = terms

    def sold(self, output: SubscriptionOutput, group: Group) -> Sold:
        """The subscription a group of rows forms, or what it changes on the amended contract.

        Raises Unmappable when it can be neither.
        """
        terms = self._terms
        product_id = terms.known_product(output.product, group)
        frequency = self._frequency(output, group)
        key = terms.text(output.key, group) or f"{product_id}:{frequency}"
        subscription_id = subscription_id_of(terms.header.contract_id, key)
        start = midnight(terms.day(output.start, group.first, group, "the subscription start"))
        quantity = self._quantity(output, group)
        if self._is_there(subscription_id):
            change = QuantityChange(
                subscription_id=subscription_id,
                starting_at=start,
                delta=quantity,
                source=terms.source(group),
            )
            return Sold(change=change)
        self._check_new(quantity, output, group)
        window = Interval(start, self._end(output, group, start))
        collection = self._collection(output, group)
        in_advance = collection is Collection.ADVANCE
        subscription = Subscription(
            id=subscription_id,
            product_id=product_id,
            frequency=frequency,
            window=window,
            collection=collection,
            is_prorated=terms.answers.flag(output.prorated, group.first),
            invoice_behavior=InvoiceBehavior.BILL_IMMEDIATELY
            if in_advance and output.bills_at_once
            else InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE,
            initial_quantity=quantity,
            anchor_date=start if in_advance and output.own_periods else None,
            name=terms.title(output.name, group) or key,
            custom_fields=terms.custom_fields(output.custom_fields, group),
            source=terms.source(group),
        )
        return Sold(subscription=subscription, rate=self._rate(output, group, subscription))

    def _is_there(self, subscription_id: str) -> bool:
        """Whether the contract an amendment changes has it, from another deal."""
        header = self._terms.header
        contract = self._terms.facts.contracts.get(header.contract_id)
        if header.kind is not DealKind.AMENDMENT or contract is None:
            return False
        return any(
            one.id == subscription_id
            and (one.source is None or one.source.opportunity_id != header.opportunity_id)
            for one in contract.subscriptions
        )

    def _frequency(self, output: SubscriptionOutput, group: Group) -> Frequency:
        found = self._terms.frequency(output.frequency, group)
        if found not in BILLED_BY:
            known = ", ".join(BILLED_BY)
            message = f"a subscription cannot be billed {found}, expected one of {known}"
            fix = "Correct the billing frequency, or map the line as a scheduled charge."
            raise self._terms.stop("frequency_unknown", message, fix, group, output.frequency)
        return found

    def _quantity(self, output: SubscriptionOutput, group: Group) -> Decimal:
        """The sum over the rows of the group."""
        terms = self._terms
        found = Decimal(0)
        for row in group.rows:
            asked = terms.answers.number(output.quantity, row, group.rows)
            found += terms.answers.needed(output.quantity, asked, "the quantity", row)
        return plain(found)

    def _check_new(self, quantity: Decimal, output: SubscriptionOutput, group: Group) -> None:
        if quantity < 0:
            message = f"a quantity of {canonical(quantity)} of a subscription nobody has"
            fix = "Correct the quantity, or amend the contract that has the subscription."
            raise self._terms.stop("quantity_range", message, fix, group, output.quantity)

    def _end(self, output: SubscriptionOutput, group: Group, start: datetime) -> datetime | None:
        terms = self._terms
        last = terms.answers.day(output.end, group.first, group.rows)
        if last is None:
            return None
        if end_of(last) <= start:
            message = f"the subscription ends on {last}, before it starts on {start:%Y-%m-%d}"
            fix = "Correct the dates of the row."
            raise terms.stop("ends_before_start", message, fix, group, output.end)
        return end_of(last)

    def _collection(self, output: SubscriptionOutput, group: Group) -> Collection:
        word = (self._terms.text(output.collection, group) or "ADVANCE").upper()
        if word not in tuple(Collection):
            message = f"collection {word!r}, expected ADVANCE or ARREARS"
            fix = f"Correct {field_of(output.collection)} of the row." if output.collection else ""
            raise self._terms.stop("collection_unknown", message, fix, group, output.collection)
        return Collection(word)

    def _rate(
        self, output: SubscriptionOutput, group: Group, subscription: Subscription
    ) -> Override | None:
        """The price as sold, which also enables the rate on the contract (R90, seed 004)."""
        terms = self._terms
        if output.price is None or terms.agreed(output.price, group) is None:
            return None
        price = terms.money(output.price, group.first, group, "the price")
        specifier = Specifier(
            product_id=subscription.product_id, billing_frequency=subscription.frequency.value
        )
        return Override(
            id=terms.id("override", "subscription", subscription.id),
            window=subscription.window,
            applicability=Applicability(specifiers=(specifier,)),
            rate=Overwrite(price=Flat(price=price), credit_type_id=terms.header.credit_type_id),
            entitled=True,
            source=terms.source(group),
        )


def subscription_id_of(contract_id: str, key: str) -> str:
    """The same on every deal of a contract, so that amendments find what they change."""
    return derive("subscription", contract_id, key)
