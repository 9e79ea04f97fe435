"""What a contract may ask for (R100, R107, R208); every refusal names its rule."""

from collections.abc import Iterable, Iterator

from closedwon.billing.catalog.types import Catalog, ProductType, RateCard
from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.edits import Added
from closedwon.billing.contracts.overrides import Override, Prioritization
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit, CommitKind, ScheduledCharge, UsageFilter
from closedwon.engine.price_checks import check_override
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO, canonical
from closedwon.kernel.instant import on_hour

PRODUCT_QUANTITY = "00000000-0000-0000-0000-000000000000"
"""Credit type the wire gives balances in units of a product (metronome.md 2.2)."""


def check_terms(catalog: Catalog, terms: Added, prioritization: Prioritization) -> None:
    """Raise Refused for the first term that cannot stand."""
    ids = tuple(ids_of(terms))
    twice = sorted({term for term in ids if ids.count(term) > 1})
    if twice:
        raise Refused("term ids must be different", twice=", ".join(twice))
    for commit in terms.commits:
        _check_commit(catalog, commit)
    for charge in terms.charges:
        _check_charge(catalog, charge)
    for term in terms.recurring:
        _check_recurring(catalog, term)
    _check_gated(catalog, terms)
    for override in terms.overrides:
        _check_override(catalog, override, prioritization)


def check_filter(catalog: Catalog, card: RateCard | None, usage_filter: UsageFilter) -> None:
    """Raise Refused when a metric on the card cannot be split by the filter's key (R107)."""
    on_hour(usage_filter.starting_at, "usage filter start")
    if not usage_filter.group_values:
        raise Refused("a usage filter needs values", key=usage_filter.group_key)
    for product_id in {} if card is None else card.by_product:
        version = catalog.products[product_id].at(usage_filter.starting_at)
        metric = catalog.metrics.get(version.metric_id or "")
        keys = {usage_filter.group_key, *version.pricing_group_key}
        keys |= set(version.presentation_group_key)
        if metric is not None and not metric.can_group_by(frozenset(keys)):
            raise Refused(
                "the metric has no compound group key with the filter's key (R107)",
                metric=metric.id,
                keys=", ".join(sorted(keys)),
            )


def check_daily(kept: Iterable[RecurringCommit]) -> None:
    """Raise Refused for a second DAILY recurring term on one contract (R208)."""
    daily = [term.id for term in kept if term.frequency is Frequency.DAILY]
    if len(daily) > 1:
        raise Refused("a contract has one DAILY recurring term (R208)", found=", ".join(daily))


def check_services(contract: Contract) -> None:
    """Raise Refused when more of a professional service is invoiced than was agreed (R159)."""
    left = {service.id: service.max_amount for service in contract.services}
    for charge in contract.charges:
        if charge.service_id is None:
            continue
        if charge.service_id not in left:
            raise Refused(
                "the contract has no such professional service (R159)",
                contract=contract.id,
                service=charge.service_id,
            )
        left[charge.service_id] -= sum((item.amount for item in charge.items), ZERO)
    for service_id, amount in left.items():
        if amount < 0:
            raise Refused(
                "a professional service would be invoiced beyond its max_amount (R159)",
                service=service_id,
                over=canonical(-amount),
            )


def ids_of(terms: Added) -> Iterator[str]:
    """Ids of all terms and of every point of their schedules."""
    yield from terms.ids
    for commit in terms.commits:
        yield from (segment.id for segment in commit.segments)
        yield from (payment.id for payment in commit.payments)
    for charge in terms.charges:
        yield from (point.id for point in charge.items)
    for discount in terms.discounts:
        yield from (point.id for point in discount.items)


def _check_commit(catalog: Catalog, commit: Commit) -> None:
    _check_fixed(catalog, commit.product_id, "a commit", commit.id)
    _check_known(catalog, commit.applicability, commit.id)
    if commit.gate is not None:
        _check_gate(commit)
    if commit.access_credit_type_id == PRODUCT_QUANTITY:
        raise Refused("balances in quantities of a product are not supported (R161)", id=commit.id)
    for credit_type in (commit.access_credit_type_id, commit.payment_credit_type_id):
        if credit_type not in catalog.credit_types:
            raise Refused("unknown credit type", commit=commit.id, credit_type=credit_type)
    if catalog.credit_types[commit.payment_credit_type_id].currency is None:
        raise Refused("a commit is paid in a currency, not in a pricing unit", commit=commit.id)


def _check_gate(commit: Commit) -> None:
    """A gated purchase is paid at once: PREPAID, with one invoiced payment (R200)."""
    once = len(commit.payments) == 1 and not commit.do_not_invoice
    if commit.kind is not CommitKind.PREPAID or not once:
        raise Refused("a gated commit is PREPAID with one payment (R200)", commit=commit.id)


def _check_recurring(catalog: Catalog, term: RecurringCommit) -> None:
    _check_fixed(catalog, term.product_id, "a recurring commit", term.id)
    _check_known(catalog, term.applicability, term.id)
    for amount in filter(None, (term.access, term.invoice)):
        if amount.credit_type_id not in catalog.credit_types:
            kind = amount.credit_type_id
            raise Refused("unknown credit type", recurring=term.id, credit_type=kind)
    if (
        term.invoice is not None
        and catalog.credit_types[term.invoice.credit_type_id].currency is None
    ):
        raise Refused("a commit is paid in a currency, not in a pricing unit", recurring=term.id)
    if term.frequency is Frequency.DAILY and term.seats is not None:
        raise Refused("a DAILY recurring term follows no seats (R208)", recurring=term.id)


def _check_charge(catalog: Catalog, charge: ScheduledCharge) -> None:
    if charge.service_id is None:
        _check_fixed(catalog, charge.product_id, "a scheduled charge", charge.id)
    if not charge.items:
        raise Refused("a scheduled charge needs a schedule", charge=charge.id)
    if charge.credit_type_id not in catalog.credit_types:
        raise Refused("unknown credit type", charge=charge.id, credit_type=charge.credit_type_id)


def _check_gated(catalog: Catalog, terms: Added) -> None:
    for discount in terms.discounts:
        _check_fixed(catalog, discount.product_id, "a discount", discount.id)
        if discount.credit_type_id not in catalog.credit_types:
            kind = discount.credit_type_id
            raise Refused("unknown credit type", discount=discount.id, credit_type=kind)
    for service in terms.services:
        wanted = ProductType.PROFESSIONAL_SERVICE
        _check_fixed(catalog, service.product_id, "a professional service", service.id, wanted)


def _check_override(catalog: Catalog, override: Override, prioritization: Prioritization) -> None:
    _check_products(catalog, override.applicability, override.id)
    check_override(catalog, override, prioritization)


def _check_known(catalog: Catalog, applicability: Applicability, term_id: str) -> None:
    """What a balance may be about; balances and frequencies are selected by overrides only."""
    _check_products(catalog, applicability, term_id)
    if any(s.balance_ids or s.billing_frequency for s in applicability.specifiers):
        raise Refused("only overrides select balances or billing frequencies", term=term_id)


def _check_products(catalog: Catalog, applicability: Applicability, term_id: str) -> None:
    named = {*applicability.product_ids, *(s.product_id for s in applicability.specifiers)}
    unknown = sorted(product for product in named if product and product not in catalog.products)
    if unknown:
        raise Refused("unknown products", term=term_id, products=", ".join(unknown))


def _check_fixed(
    catalog: Catalog,
    product_id: str,
    what: str,
    term_id: str,
    wanted: ProductType = ProductType.FIXED,
) -> None:
    product = catalog.products.get(product_id)
    if product is None:
        raise Refused(f"{what} names an unknown product", term=term_id, product=product_id)
    if product.type is not wanted:
        raise Refused(
            f"{what} needs a {wanted.value} product (R100)",
            term=term_id,
            product=product_id,
            found=product.type.value,
        )
