"""Which contracts are plain enough to be priced as columns.

Plain are, and nothing else:

- a live contract on a rate card, without a transition from another contract, with any statement
  schedule, usage filters, scheduled charges, and commits or credits of its own: PREPAID or CREDIT,
  paying at list rate, with any segments, priority, applicability and rollover_fraction;
- overrides of entitlement, MULTIPLIER or OVERWRITE, that are not commit-specific (R73-R86);
- usage products without pricing or presentation groups, conversion, rounding or SQL, at FLAT or
  TIERED rates in the card's own currency (R58-R63).

The list is closed: a term, or a field of one, that is not named here makes the contract not plain
as soon as it says anything. So a new term of the language never changes what columns mean; it only
takes the ordinary path until somebody teaches it to the columns.
"""

from collections.abc import Callable, Iterator
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec

from closedwon.billing.account import Account, BillingSettings
from closedwon.billing.catalog.types import (
    Catalog,
    Metric,
    Product,
    ProductType,
    ProductVersion,
    Rate,
    RateCard,
)
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.edits import ContractSettings
from closedwon.billing.contracts.overrides import Multiplier, Override, Overwrite
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import AccessSegment, Commit, CommitKind
from closedwon.billing.pricing import Flat, Price, Tiered

KNOWN: dict[type[msgspec.Struct], str] = {
    Account: "customer contracts finalized manual lapsed",
    Contract: """id customer_id term name rate_card_id commits overrides charges usage_filters
        statement prioritization net_payment_terms_days settings package_id uniqueness_key
        custom_fields created_at edit_of""",
    ContractSettings: "echoed",
    Commit: """id kind product_id name segments payments do_not_invoice description priority
        rollover_fraction applicability access_credit_type_id payment_credit_type_id created_at
        custom_fields echoed source""",
    AccessSegment: "id amount window",
    Override: "id window applicability rate entitled priority source",
    Applicability: "product_ids product_tags specifiers",
    Specifier: "product_id product_tags pricing_group_values presentation_group_values exclude",
    BillingSettings: "grace_hours rollover_base drawdown_dates max_individual_seats",
    RateCard: """id name description fiat_credit_type_id aliases rates created_at archived_at
        custom_fields""",
    Rate: """id rate_card_id product_id window price entitled credit_type_id commit_price""",
    Product: "id type versions archived_at custom_fields",
    ProductVersion: "starting_at name tags metric_id",
    Metric: """id name aggregation key event_types not_event_types filters group_keys created_at
        archived_at custom_fields""",
}
"""Fields that may say anything; every other one must stand at its default."""


def is_plain(account: Account, catalog: Catalog, settings: BillingSettings) -> bool:
    """Whether every contract of the account can be priced as columns."""
    return why_not_plain(account, catalog, settings) is None


def why_not_plain(account: Account, catalog: Catalog, settings: BillingSettings) -> str | None:
    """The first thing that is not plain about the account, in words; None when all of it is."""
    terms = why_terms_not_plain(account, settings)
    if terms is not None:
        return terms
    cards = dict.fromkeys(contract.rate_card_id or "" for contract in account.contracts)
    return next((why for card in cards if (why := why_card_not_plain(card, catalog))), None)


def why_terms_not_plain(account: Account, settings: BillingSettings) -> str | None:
    """As ``why_not_plain``, looking only at what was signed, not at the catalogue."""
    return (
        unknown(settings)
        or unknown(account)
        or next((why for contract in account.contracts for why in _of_contract(contract)), None)
    )


def why_card_not_plain(card_id: str, catalog: Catalog) -> str | None:
    """As ``why_not_plain`` for what a rate card sells."""
    card = catalog.rate_cards.get(card_id)
    if card is None:
        return "no rate card"
    return unknown(card) or next((why for why in _of_card(card, catalog)), None)


def unknown(value: msgspec.Struct) -> str | None:
    """``Type.field`` when a field that columns do not know says something."""
    names, read, defaults = _closed(type(value))
    said = read(value)
    if said == defaults:
        return None
    at = next(n for n, default in enumerate(defaults) if said[n] != default)
    return f"{type(value).__name__}.{names[at]}"


def _of_contract(contract: Contract) -> Iterator[str]:
    yield from _unknowns(contract, contract.settings)
    if contract.rate_card_id is None:
        yield "Contract.rate_card_id"
    for commit in contract.commits:
        about = commit.applicability
        yield from _unknowns(commit, *commit.segments, about, *about.specifiers)
        if commit.kind not in {CommitKind.PREPAID, CommitKind.CREDIT}:
            yield "Commit.kind"
    for override in contract.overrides:
        about = override.applicability
        yield from _unknowns(override, about, *about.specifiers)
        match override.rate:
            case None | Multiplier():
                pass
            case Overwrite(price=Flat() | Tiered()):
                pass
            case _:
                yield "Override.rate"


def _of_card(card: RateCard, catalog: Catalog) -> Iterator[str]:
    for rate in card.rates:
        yield from _unknowns(rate)
        if rate.credit_type_id != card.fiat_credit_type_id:
            yield "Rate.credit_type_id"
        if not _is_plain_price(rate.price):
            yield "Rate.price"
    for product_id in card.by_product:
        product = catalog.products.get(product_id)
        if product is None or product.type is not ProductType.USAGE:
            yield "Product.type"
            continue
        yield from _unknowns(product, *product.versions)
        for version in product.versions:
            metric = catalog.metrics.get(version.metric_id or "")
            if metric is not None:
                yield from _unknowns(metric)


def _unknowns(*values: msgspec.Struct) -> Iterator[str]:
    return filter(None, map(unknown, values))


def _is_plain_price(price: Price) -> bool:
    return isinstance(price, Flat | Tiered)


@cache
def _closed(
    kind: type[msgspec.Struct],
) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]], tuple[Any, ...]]:
    """Names, reader and defaults of the fields columns do not know."""
    known = frozenset(KNOWN[kind].split())
    closed = {f.name: _default(f) for f in msgspec.structs.fields(kind) if f.name not in known}
    names = tuple(closed)
    if not names:
        return (), lambda _: (), ()
    getter = attrgetter(*names)
    if len(names) == 1:
        return names, lambda value: (getter(value),), tuple(closed.values())
    return names, getter, tuple(closed.values())


def _default(field: msgspec.structs.FieldInfo) -> Any:
    """The default of a field; NODEFAULT, which equals nothing a field can say, without one."""
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default
