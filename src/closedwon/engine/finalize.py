"""Finalization: due invoices frozen, balances posted, books written, once (R130, R151, G9, G10).

Customers are taken in batches: one question to the usage store for all of them, then a savepoint
each, TOGETHER of them per durable commit. A customer whose bill cannot be made is parked and tried
again later; the others go on (G13). What changed while the bill was computed is left for the next
call.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import msgspec

from closedwon.billing.account import Account, Bill, BillingSettings
from closedwon.billing.bill import bill, demands_of
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.columns.plain import why_terms_not_plain
from closedwon.billing.expand import lived
from closedwon.billing.family import part
from closedwon.billing.invoices.usage import OpenPeriod, open_periods
from closedwon.billing.rating.demand import Quantities, Reading
from closedwon.engine import accounts, books, events
from closedwon.engine.conservation import check_balances, check_invoice, check_ledger
from closedwon.engine.due import due_invoices, dues
from closedwon.engine.labels import labelled
from closedwon.engine.posting import post
from closedwon.engine.types import WARNINGS_MAX, Bills, FinalizeReport, Meter
from closedwon.kernel.errors import ClosedwonError, LockHeld, Refused, RetryLater
from closedwon.kernel.instant import FAR_FUTURE
from closedwon.store.database import writing
from closedwon.store.stores import Stores

PRICING_FAILURES = (ClosedwonError, ArithmeticError, LookupError, TypeError, ValueError)
"""What computing one customer's bill may raise; it concerns that customer alone."""


TOGETHER = 50
"""Customers per commit: a disk syncs some hundred times a second; a crash repeats this many."""
ENGINE = "engine"
"""Who finalizes, in the audit log."""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What became final for one customer."""

    invoices: int = 0
    entries: int = 0


class Finalizer:
    """Settles customers; holds what all of them share in one run."""

    def __init__(self, stores: Stores, usage: Meter, settings: BillingSettings) -> None:
        self._stores = stores
        self.usage = usage
        self._settings = settings

    def run(self, catalog: Catalog, now: datetime, customers_max: int) -> FinalizeReport:
        """Settle up to ``customers_max`` due customers, longest due first; safe to repeat."""
        stores = self._stores
        ids = self._households(stores.contracts.customers_due(now, customers_max))
        if not ids:
            return FinalizeReport()
        versions = accounts.versions(stores, ids)
        found = accounts.accounts(stores, ids)
        outcome = self._bills(list(found.values()), catalog, now, due_only=True)
        settled: list[Settled] = []
        for group in _groups(outcome.bills, TOGETHER):
            with writing(stores.db):
                current = accounts.versions(stores, [customer_id for customer_id, _ in group])
                for customer_id, made in group:
                    if current[customer_id] != versions[customer_id]:
                        continue
                    with outcome.isolating(customer_id):
                        settled.append(self._settle(found[customer_id], made, catalog, now))
        for customer_id, failure in outcome.failures.items():
            self._park(found[customer_id], failure, now)
        warnings = [
            f"{who}: {text}" for who, made in outcome.bills.items() for text in made.warnings
        ]
        return FinalizeReport(
            customers=len(settled),
            invoices=sum(done.invoices for done in settled),
            entries=sum(done.entries for done in settled),
            parked=len(outcome.failures),
            remaining=stores.contracts.count_due(now),
            warnings=tuple(warnings[:WARNINGS_MAX]),
        )

    def bill(
        self,
        account: Account,
        catalog: Catalog,
        now: datetime,
        more: tuple[OpenPeriod, ...] = (),
    ) -> Bill:
        """One account's bill, drafts and periods of ``more`` included; nothing is stored."""
        periods = (*open_periods(account, catalog, now), *more)
        quantities = self.usage.measure(demands_of(periods))
        made = bill(account, catalog, quantities, now, self._settings, periods)
        return labelled(self._stores, {account.customer.id: made})[account.customer.id]

    def bills(self, customer_ids: Sequence[str], catalog: Catalog, now: datetime) -> Bills:
        """Accounts and bills of many customers, drafts included; nothing is stored (D3)."""
        known = accounts.accounts(self._stores, customer_ids)
        found = {customer_id: lived(account, now) for customer_id, account in known.items()}
        outcome = self._bills(list(found.values()), catalog, now)
        failures = {who: str(failure) for who, failure in outcome.failures.items()}
        parts = {who: part(made, found[who]) for who, made in outcome.bills.items()}
        return Bills(accounts=found, bills=parts, failures=failures)

    def _households(self, customer_ids: Sequence[str]) -> list[str]:
        """One customer of each hierarchy stands for all of it (R301)."""
        families = self._stores.families.of(customer_ids)
        seen: set[str] = set()
        kept = []
        for customer_id in customer_ids:
            if customer_id not in seen:
                kept.append(customer_id)
                seen.update(families.get(customer_id, (customer_id,)))
        return kept

    def _bills(
        self, found: Sequence[Account], catalog: Catalog, now: datetime, *, due_only: bool = False
    ) -> "Outcome":
        """Bills by customer id, and why there is none for the others.

        ``due_only`` leaves drafts that are not due yet without lines where nothing final can
        depend on them; what is due is the same.
        """
        outcome = Outcome()
        periods: dict[str, tuple[OpenPeriod, ...]] = {}
        for account in found:
            with outcome.isolating(account.customer.id):
                until = self._priced_until(account, now) if due_only else FAR_FUTURE
                periods[account.customer.id] = tuple(open_periods(account, catalog, now, until))
        quantities = self._measured(periods, outcome)
        for account in found:
            customer_id = account.customer.id
            if customer_id in outcome.failures:
                continue
            with outcome.isolating(customer_id):
                known = periods[customer_id]
                made = bill(account, catalog, quantities, now, self._settings, known)
                check_balances(made)
                outcome.bills[customer_id] = made
        outcome.bills = labelled(self._stores, outcome.bills)
        return outcome

    def _priced_until(self, account: Account, now: datetime) -> datetime:
        """Until where periods have to be priced so that all that is final by ``now`` is known.

        Periods become due in the order they end, so a draft draws after everything that is due;
        under plain terms nothing else looks at it. Other terms (true-ups, thresholds, rollovers)
        may, so for them every open period is priced.
        """
        if why_terms_not_plain(account, self._settings) is not None:
            return FAR_FUTURE
        return now - timedelta(hours=self._settings.grace_hours)

    def _measured(
        self, periods: Mapping[str, tuple[OpenPeriod, ...]], outcome: "Outcome"
    ) -> Quantities:
        """One question for the whole batch (D3); refused, one for each customer."""
        try:
            return self.usage.measure(
                demands_of(period for group in periods.values() for period in group)
            )
        except Refused:
            quantities: dict[str, tuple[Reading, ...]] = {}
            for customer_id, group in periods.items():
                with outcome.isolating(customer_id):
                    quantities |= self.usage.measure(demands_of(group))
            return quantities

    def _settle(self, account: Account, made: Bill, catalog: Catalog, now: datetime) -> Settled:
        """Store what is final, all or nothing; the account is as it was when it was billed."""
        stores = self._stores
        customer_ids = [one.customer.id for one in account.members or (account,)]
        with writing(stores.db):
            due = due_invoices(made, now)
            stored = [e for who in customer_ids for e in stores.ledger.of_customer(who)]
            check_ledger(stored, made.entries)
            for invoice in due:
                check_invoice(invoice)
                stores.invoices.freeze(invoice, now)
                events.invoice_finalized(stores, invoice, now)
            invoices = {invoice.id: invoice for invoice in (*account.finalized, *due)}
            entries, journal = post(stores, account, made, invoices, catalog, now)
            stores.journal.append([*books.invoice_entries(due, catalog), *journal])
            self._reschedule(account, now)
            for customer_id in customer_ids:
                stores.problems.release(customer_id)
            if due or entries:
                who = ("customer", account.customer.id)
                stores.audit.append("finalize", who, by=ENGINE, now=now)
        return Settled(invoices=len(due), entries=entries)

    def _reschedule(self, account: Account, now: datetime) -> None:
        self._stores.contracts.set_due(dues(account, now, self._settings.grace_hours))

    def _park(self, account: Account, failure: Exception, now: datetime) -> None:
        code = failure.code if isinstance(failure, ClosedwonError) else "billing_failed"
        message = str(failure) or type(failure).__name__
        with writing(self._stores.db):
            for one in account.members or (account,):
                self._stores.problems.park(one.customer.id, code, message, now)
            who = ("customer", account.customer.id)
            self._stores.audit.append("finalize", who, by=ENGINE, now=now, failure=message)


class Outcome:
    """Bills that could be made, and failures of those that could not."""

    def __init__(self) -> None:
        self.bills: dict[str, Bill] = {}
        self.failures: dict[str, Exception] = {}

    @contextmanager
    def isolating(self, customer_id: str) -> Iterator[None]:
        """What goes wrong inside concerns this customer alone; the outside being away does not."""
        try:
            yield
        except (RetryLater, LockHeld):
            raise
        except PRICING_FAILURES as error:
            self.failures[customer_id] = error


def _groups(bills: Mapping[str, Bill], size: int) -> Iterator[list[tuple[str, Bill]]]:
    pairs = list(bills.items())
    for start in range(0, len(pairs), size):
        yield pairs[start : start + size]
