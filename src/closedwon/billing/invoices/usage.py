"""Usage invoices: demands, slices, drawdown, lines (R129-R136; metronome.md Appendix A)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

import msgspec

from closedwon.billing.account import Account, BillingSettings
from closedwon.billing.balances.order import drawdown_key, line_key
from closedwon.billing.balances.pools import Pool, shared_children
from closedwon.billing.balances.settle import settled
from closedwon.billing.catalog.types import USD, Catalog, Product
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.expand import lived
from closedwon.billing.invoices.draft import Identity, draft_of
from closedwon.billing.invoices.elsewhere import (
    Elsewhere,
    elsewhere,
    in_scope,
    looks_elsewhere,
    spend_elsewhere,
)
from closedwon.billing.invoices.periods import finalizes_at, unbilled, usage_invoice_id
from closedwon.billing.invoices.subscribed import subscribed
from closedwon.billing.invoices.types import Invoice, InvoiceType, Line, LineType
from closedwon.billing.rating.composites import composite_slices, composites, spend_of
from closedwon.billing.rating.conversion import conversion_slices
from closedwon.billing.rating.demand import Demand, Quantities
from closedwon.billing.rating.slices import Slice, UsageTerms, demands_in, rated
from closedwon.kernel.instant import FAR_FUTURE, Interval

CLASSES = (
    LineType.USAGE,
    LineType.APPLIED,
    LineType.SUBSCRIPTION,
    LineType.COMPOSITE,
    LineType.CPU_CONVERSION,
)
"""Presentation order of a usage invoice; inside a class products in card order (R134)."""


class OpenPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """A usage period that is not finalized yet, with what it asks of the usage store."""

    contract: Contract
    window: Interval
    invoice_id: str
    demands: tuple[tuple[Product, Demand], ...]
    terms: UsageTerms | None
    subscribed: tuple[Slice, ...] = ()
    """Subscription charges its invoice bills (R220)."""
    elsewhere: tuple[Elsewhere, ...] = ()
    """The customer's other contracts, where a composite counts them (R242)."""

    @property
    def asked(self) -> Iterator[Demand]:
        """Everything it asks of the usage store."""
        yield from (demand for _, demand in self.demands)
        yield from (demand for one in self.elsewhere for _, demand in one.demands)


def open_periods(
    account: Account, catalog: Catalog, now: datetime, priced_until: datetime = FAR_FUTURE
) -> Iterator[OpenPeriod]:
    """Periods of every live contract that have begun and are not finalized, per contract.

    One that ends after ``priced_until`` is there without demands and terms: it gives a draft
    without lines, which still keeps what it may touch from being settled.
    """
    account = account.at(now)
    account = lived(account, now)
    for contract in account.contracts:
        if contract.archived_at is not None:
            continue
        customer = account.owner(contract).customer
        names = (customer.id, *customer.ingest_aliases)
        terms = _terms(account, contract, catalog)
        placed = subscribed(account, contract, catalog, now).on_usage
        for window in unbilled(contract, account.billed, now):
            invoice_id = usage_invoice_id(contract.id, window.start)
            rated = terms if window.until <= priced_until else None
            yield OpenPeriod(
                contract=contract,
                window=window,
                invoice_id=invoice_id,
                demands=()
                if rated is None
                else tuple(demands_in(rated, window, names, invoice_id)),
                terms=rated,
                subscribed=placed.get(window.until, ()),
                elsewhere=_elsewhere(account, catalog, rated, window, now),
            )


def period_of(
    account: Account, catalog: Catalog, contract_id: str, window: Interval, invoice_id: str
) -> OpenPeriod:
    """One usage period of a contract whatever its invoice is, without subscription charges."""
    account = lived(account, window.until)
    contract = next(found for found in account.contracts if found.id == contract_id)
    terms = _terms(account, contract, catalog)
    names = (account.customer.id, *account.customer.ingest_aliases)
    return OpenPeriod(
        contract=contract,
        window=window,
        invoice_id=invoice_id,
        demands=() if terms is None else tuple(demands_in(terms, window, names, invoice_id)),
        terms=terms,
    )


def usage_invoice(
    account: Account,
    period: OpenPeriod,
    quantities: Quantities,
    pools: Sequence[Pool],
    settings: BillingSettings,
) -> tuple[Invoice, tuple[str, ...]]:
    """The draft of one period and its warnings; draws from ``pools`` (R162-R178)."""
    lines, warnings = _lines(period, quantities, pools, settings)
    contract = period.contract
    identity = Identity(
        id=period.invoice_id,
        type=InvoiceType.USAGE,
        credit_type_id=USD if period.terms is None else period.terms.card.fiat_credit_type_id,
    )
    issued_at = finalizes_at(period.window, settings.grace_hours)
    return draft_of(account, contract, identity, lines, issued_at, period.window), warnings


def _terms(account: Account, contract: Contract, catalog: Catalog) -> UsageTerms | None:
    """None for a contract without a rate card, which rates no usage (R94)."""
    if contract.rate_card_id is None:
        return None
    shared = (c for c in account.commits if not c.contract_ids or contract.id in c.contract_ids)
    parents = (
        commit
        for owner in account.contracts
        for commit in owner.commits
        if contract.id in shared_children(account, owner.id, commit)
    )
    commits: tuple[Commit, ...] = (*contract.commits, *shared, *parents)
    card = catalog.rate_cards[contract.rate_card_id]
    return UsageTerms(contract=contract, card=card, catalog=catalog, commits=commits)


def _elsewhere(
    account: Account,
    catalog: Catalog,
    terms: UsageTerms | None,
    window: Interval,
    now: datetime,
) -> tuple[Elsewhere, ...]:
    if terms is None or not terms.composites or not looks_elsewhere(terms, window):
        return ()
    mine = terms.contract
    customer = account.owner(mine).customer
    others = [
        one
        for one in account.contracts
        if one.id != mine.id and one.customer_id == mine.customer_id
    ]
    rated = [found for one in others if (found := _terms(account, one, catalog)) is not None]
    fees = {}
    for one in others:
        placed = subscribed(account, one, catalog, now)
        charged = (*placed.on_usage.values(), *placed.alone.values())
        fees[one.id] = [piece for pieces in charged for piece in pieces]
    prefix = usage_invoice_id(mine.id, window.start)
    names = (customer.id, *customer.ingest_aliases)
    return tuple(elsewhere(rated, fees, window, names, prefix))


def _lines(
    period: OpenPeriod,
    quantities: Quantities,
    pools: Sequence[Pool],
    settings: BillingSettings,
) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    if period.terms is None:
        return (), ()
    terms = period.terms
    pieces: list[Slice] = [*period.subscribed]
    warnings: list[str] = []
    for product_id, pairs in groupby(period.demands, key=lambda pair: pair[0].id):
        product = terms.catalog.products[product_id]
        asked = [(demand, quantities.get(demand.key, ())) for _, demand in pairs]
        found = rated(terms, product, asked)
        pieces += found.slices
        warnings += found.warnings
    windows = [period.window, *(piece.window for piece in period.subscribed)]
    usable = _usable(period.contract, windows, terms.catalog, pools, settings)
    lines = _settled(pieces, usable)
    others = [one for found in period.elsewhere for one in spend_elsewhere(found, quantities)]
    for product in composites(terms, period.window):
        spend = in_scope(product, period.window.start, tuple(spend_of(lines)), others)
        lines += _settled(composite_slices(terms, product, period.window, spend), usable)
    lines += _settled(conversion_slices(terms, period.window, lines), usable)
    place = {product_id: at for at, product_id in enumerate(terms.card.by_product)}
    last = len(place)
    lines.sort(key=lambda line: (CLASSES.index(line.type), place.get(line.product_id or "", last)))
    return tuple(lines), tuple(warnings)


def subscription_lines(
    contract: Contract,
    pieces: Sequence[Slice],
    catalog: Catalog,
    pools: Sequence[Pool],
    settings: BillingSettings,
) -> list[Line]:
    """Lines of subscription charges on a SCHEDULED invoice; draws from ``pools`` (R220, R240)."""
    windows = [piece.window for piece in pieces]
    lines = _settled(pieces, _usable(contract, windows, catalog, pools, settings))
    return sorted(lines, key=lambda line: CLASSES.index(line.type), reverse=True)


def _usable(
    contract: Contract,
    windows: Sequence[Interval],
    catalog: Catalog,
    pools: Sequence[Pool],
    settings: BillingSettings,
) -> list[Pool]:
    """Pools that may pay the contract's lines in any of ``windows``, in drawdown order."""
    products = catalog.products.values()
    usable = [
        pool
        for pool in pools
        if pool.serves(contract.id) and any(pool.window.overlaps(window) for window in windows)
    ]
    if len(usable) > 1:
        usable.sort(key=lambda pool: drawdown_key(pool, products, settings))
    return usable


def _settled(pieces: Iterable[Slice], pools: Sequence[Pool]) -> list[Line]:
    ordered = sorted(pieces, key=lambda piece: line_key(piece, pools))
    return [line for piece in ordered for line in settled(piece, pools)]
