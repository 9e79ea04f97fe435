"""Contracts as rows, grouped by what they have in common; balances as one column."""

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from closedwon.billing.account import Account, BillingSettings
from closedwon.billing.balances.order import drawdown_key
from closedwon.billing.balances.pools import Pool, book_deductions, opened
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.columns.plain import why_card_not_plain, why_terms_not_plain
from closedwon.billing.columns.whole import Whole, column, finer, places_of
from closedwon.billing.contracts.state import Contract
from closedwon.kernel.instant import Interval

Rows = np.ndarray[Any, np.dtype[np.int64]]
_KEYS = msgspec.msgpack.Encoder(order="deterministic")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One plain contract with its balances in drawdown order (R167-R175)."""

    account: Account
    contract: Contract
    pools: tuple[Pool, ...]
    """As they stand before anything that is not final draws from them."""

    def usable(self, window: Interval) -> tuple[Pool, ...]:
        """Balances that can be drawn some time in ``window``, in order."""
        return tuple(pool for pool in self.pools if pool.window.overlaps(window))

    @property
    def names(self) -> tuple[str, ...]:
        """Identifiers its events may carry (R21-R24)."""
        customer = self.account.customer
        return (customer.id, *customer.ingest_aliases)


class Roster(msgspec.Struct, kw_only=True):
    """Rows, and what is left of their balances while months are billed one after the other.

    ``left`` is working memory, mutable on purpose, as ``Pool`` is for one account.
    """

    catalog: Catalog
    settings: BillingSettings
    rows: tuple[Row, ...]
    groups: tuple[Rows, ...]
    """Numbers of rows that promise the same, dates and all, but for amounts, names and ids."""
    first_pools: Rows
    """Where each row's balances begin in ``left``."""
    left: Whole
    """Remaining amount of every balance of every row, in ``places``."""
    places: int

    def refine(self, places: int) -> None:
        """Keep balances with at least that many places."""
        if places > self.places:
            self.left = finer(self.left, places - self.places)
            self.places = places


def roster(
    accounts: Iterable[Account], catalog: Catalog, settings: BillingSettings
) -> tuple[Roster, list[Account]]:
    """The plain accounts' contracts as rows, and the accounts that are not plain."""
    rows: list[Row] = []
    others: list[Account] = []
    groups: dict[bytes, list[int]] = {}
    cards: dict[str, bool] = {}
    first_pools: list[int] = []
    pools = 0
    for account in accounts:
        if not _is_plain(account, catalog, settings, cards):
            others.append(account)
            continue
        balances = _balances(account, catalog, settings)
        for contract in account.contracts:
            own = balances.get(contract.id, ())
            row = Row(account=account, contract=contract, pools=own)
            groups.setdefault(_terms_key(row), []).append(len(rows))
            rows.append(row)
            first_pools.append(pools)
            pools += len(own)
    amounts = [pool.remaining for row in rows for pool in row.pools]
    places = places_of(amounts)
    found = Roster(
        catalog=catalog,
        settings=settings,
        rows=tuple(rows),
        groups=tuple(np.array(numbers, dtype=np.int64) for numbers in groups.values()),
        first_pools=np.array(first_pools, dtype=np.int64),
        left=column(amounts, places),
        places=places,
    )
    return found, others


def key_in(row: Row, window: Interval) -> bytes:
    """Equal for rows whose contracts rate and draw alike inside ``window``."""
    contract = row.contract
    return _KEYS.encode(
        (
            contract.rate_card_id,
            contract.prioritization,
            contract.usage_filters,
            [
                (_inside(o.window, window), o.applicability, o.rate, o.entitled, o.priority)
                for o in contract.overrides
                if o.window.overlaps(window)
            ],
            [
                (_inside(p.window, window), p.commit.applicability, p.commit.access_credit_type_id)
                for p in row.usable(window)
            ],
        )
    )


def _terms_key(row: Row) -> bytes:
    """Equal for rows that are alike in every window of the same statement schedule."""
    contract = row.contract
    whole_term = Interval(contract.term.start, contract.term.end)
    return _KEYS.encode((contract.term, contract.statement)) + key_in(row, whole_term)


def _is_plain(
    account: Account, catalog: Catalog, settings: BillingSettings, cards: dict[str, bool]
) -> bool:
    """As ``plain.is_plain``, asking once for each rate card."""
    if why_terms_not_plain(account, settings) is not None:
        return False
    for contract in account.contracts:
        card = contract.rate_card_id or ""
        if card not in cards:
            cards[card] = why_card_not_plain(card, catalog) is None
        if not cards[card]:
            return False
    return True


def _balances(
    account: Account, catalog: Catalog, settings: BillingSettings
) -> dict[str, tuple[Pool, ...]]:
    """Pools by contract, in drawdown order, as final invoices left them."""
    found: dict[str, list[Pool]] = {}
    pools = opened(account)
    book_deductions(pools, account.finalized)
    for pool in pools:
        found.setdefault(pool.contract_id or "", []).append(pool)
    products = catalog.products.values()
    return {
        contract_id: tuple(_sorted(own, products, settings)) for contract_id, own in found.items()
    }


def _sorted(pools: list[Pool], products: Iterable[Any], settings: BillingSettings) -> list[Pool]:
    if len(pools) > 1:
        pools.sort(key=lambda pool: drawdown_key(pool, products, settings))
    return pools


def _inside(own: Interval, window: Interval) -> Interval:
    return Interval(max(own.start, window.start), min(own.until, window.until))
