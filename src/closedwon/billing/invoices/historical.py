"""Invoices of the time before billing began here: from quantities that are given (R286)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import groupby

import msgspec
from msgspec.structs import replace

from closedwon.billing.account import Account
from closedwon.billing.catalog.types import Catalog, ProductType
from closedwon.billing.invoices.usage import OpenPeriod, period_of
from closedwon.billing.rating.matching import Subject
from closedwon.billing.rating.rates import priced_at
from closedwon.billing.rating.slices import Slice, UsageTerms
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.exact import ZERO
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import Interval, format_instant, wire_instant


class PastUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Billed units of one product and group in one stretch, priced as of its start."""

    product_id: str
    window: Interval
    quantity: Decimal
    pricing_group_values: Mapping[str, str] = {}
    presentation_group_values: Mapping[str, str | None] = {}


class PastInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """A usage invoice to write for a period that another system billed."""

    contract_id: str
    window: Interval
    issued_at: datetime
    usage: tuple[PastUsage, ...]

    @property
    def id(self) -> str:
        """One per contract and period start (R13)."""
        return derive("invoice", self.contract_id, "historical", format_instant(self.window.start))


def past_period(account: Account, catalog: Catalog, wanted: PastInvoice) -> OpenPeriod:
    """The period with the quantities given in place of what would be asked of usage.

    Raises Refused for a contract that has no rate card, for a period that does not lie before its
    invoice_generation_starting_at and inside its term, and for usage that cannot be priced.
    """
    contract = next((c for c in account.contracts if c.id == wanted.contract_id), None)
    if contract is None:
        raise NotFound("no such contract of the customer", contract=wanted.contract_id)
    begins = contract.statement.invoice_generation_starting_at
    window = wanted.window
    if begins is None or window.until > begins or window.start < contract.term.start:
        raise Refused(
            "a historical invoice lies in the term, before invoice_generation_starting_at (R286)",
            contract=contract.id,
            generated_from="never set" if begins is None else wire_instant(begins),
        )
    period = period_of(account, catalog, contract.id, window, wanted.id)
    if period.terms is None:
        raise Refused("a contract without a rate card prices no usage (R94)", contract=contract.id)
    pieces = tuple(_pieces(period.terms, wanted))
    return replace(period, demands=(), subscribed=pieces)


def _pieces(terms: UsageTerms, wanted: PastInvoice) -> Iterator[Slice]:
    """Slices by product and group; tiers count over the whole period (R61)."""

    def who(usage: PastUsage) -> tuple[str, str, str]:
        values = sorted(usage.pricing_group_values.items())
        shown = sorted((key, value or "") for key, value in usage.presentation_group_values.items())
        return (usage.product_id, repr(values), repr(shown))

    ordered = sorted(wanted.usage, key=lambda usage: (*who(usage), usage.window))
    for _, listed in groupby(ordered, key=who):
        position = ZERO
        for usage in listed:
            yield _piece(terms, wanted, usage, position)
            position += usage.quantity


def _piece(terms: UsageTerms, wanted: PastInvoice, usage: PastUsage, begin: Decimal) -> Slice:
    product = terms.catalog.products.get(usage.product_id)
    start = usage.window.start
    inside = wanted.window.start <= start and usage.window.until <= wanted.window.until
    if product is None or product.type is not ProductType.USAGE or not inside or usage.quantity < 0:
        raise Refused(
            "past usage is a quantity of a USAGE product inside the period (R286)",
            product=usage.product_id,
            starting_at=wire_instant(start),
        )
    version = product.at(start)
    subject = Subject(
        product_id=product.id,
        product_tags=version.tag_set,
        pricing_group_values=usage.pricing_group_values,
        presentation_group_values=usage.presentation_group_values,
    )
    rates = terms.card.by_product.get(product.id, ())
    priced = priced_at(terms.contract, rates, subject, start)
    if priced is None:
        raise Refused(
            "the contract does not sell this at that time (R55)",
            product=product.id,
            starting_at=wire_instant(start),
            values=", ".join(f"{k}={v}" for k, v in usage.pricing_group_values.items()),
        )
    return Slice(
        subject=subject,
        name=version.name,
        window=usage.window,
        begin=begin,
        end=begin + usage.quantity,
        priced=priced,
    )
