"""The embedded billing engine: commands and queries over store, usage and billing.

``Engine`` is usable alone, without Salesforce. A command is one transaction and joins the one of
its caller (``store.database.writing``). One thread uses an engine; another opens its own.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Unpack

from sqlite_utils import Database

from closedwon.billing.account import Account, Bill, BillingSettings, Customer
from closedwon.billing.balances.types import LedgerEntry
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.edits import Change, Create, Edit, Revise
from closedwon.billing.contracts.state import Contract
from closedwon.billing.expand import lived
from closedwon.billing.family import consolidated_invoices, part
from closedwon.billing.invoices.types import Invoice, InvoiceStatus
from closedwon.billing.thresholds.purchase import Purchase
from closedwon.engine import (
    accounts,
    contracts,
    customers,
    history,
    manual,
    rebuild,
    thresholds,
    verify,
)
from closedwon.engine.alerts import Alerts
from closedwon.engine.balances import Balances
from closedwon.engine.command import API, Author
from closedwon.engine.contracts import EditNote, EditOptions
from closedwon.engine.explain import explain
from closedwon.engine.finalize import Finalizer
from closedwon.engine.invoicing import Invoicing
from closedwon.engine.metering import Metering
from closedwon.engine.notifications import Notifications
from closedwon.engine.packages import Packages
from closedwon.engine.rebuild import Derived
from closedwon.engine.recording import Recording
from closedwon.engine.selling import Selling
from closedwon.engine.trace import TracedTerm, trace
from closedwon.engine.types import Bills, Explanation, FinalizeReport, Usage
from closedwon.engine.unbilled import Sources, UnbilledFound, unbilled
from closedwon.engine.whatif import Analyst, Comparison, Question
from closedwon.finance.journal import Posting
from closedwon.kernel.errors import NotFound
from closedwon.store.content import content_hash
from closedwon.store.problems import BillingProblem
from closedwon.store.stores import Stores


class Engine(Invoicing, Selling, Metering, Recording):
    """Catalogue, customers, contracts, bills, invoices, ledger and journal of one state file."""

    def __init__(self, db: Database, usage: Usage, settings: BillingSettings | None = None) -> None:
        self.db = db
        self.usage = usage
        self.settings = settings or BillingSettings()
        self.stores = Stores(db)
        self._finalizer = Finalizer(self.stores, usage, self.settings)
        self._catalog: tuple[str, Catalog] = ("", Catalog())
        self.packages = Packages(self.stores, self.catalog)
        self.balances = Balances(self.stores, self.catalog, self.bill)
        self.alerts = Alerts(self.stores, self.catalog, usage, self.bills)
        self.notifications = Notifications(self.stores)

    # Catalogue

    def catalog(self) -> Catalog:
        """Metrics, products, rate cards and credit types by id."""
        revision = self.stores.catalogue.revision()
        if revision != self._catalog[0]:
            self._catalog = (revision, self.stores.catalogue.catalog())
        return self._catalog[1]

    # Customers

    def create_customer(self, customer: Customer, now: datetime, by: str = API) -> None:
        """Add a customer; again the same changes nothing, other content is a Conflict."""
        customers.create(self.stores, customer, by=by, now=now)

    def set_ingest_aliases(
        self, customer_id: str, aliases: Iterable[str], now: datetime, by: str = API
    ) -> None:
        """Replace the customer's aliases (R24); a taken one is a Conflict (R6)."""
        customers.set_aliases(self.stores, customer_id, tuple(aliases), by=by, now=now)

    def customer(self, customer_id: str) -> Customer:
        """The customer; raises NotFound."""
        return customers.get(self.stores, customer_id)

    def customer_of_account(self, account_id: str) -> Customer | None:
        """The customer of a CRM account."""
        customer_id = self.stores.customers.id_of_account(account_id)
        return None if customer_id is None else self.customer(customer_id)

    def customers(self) -> tuple[Customer, ...]:
        """Every customer, oldest first."""
        ids = self.stores.customers.ids()
        found = customers.many(self.stores, ids)
        return tuple(found[customer_id] for customer_id in ids)

    # Contracts

    def create_contract(
        self, contract_id: str, create: Create, **note: Unpack[EditOptions]
    ) -> Contract:
        """Create a contract; again the same changes nothing (R100, R120).

        Keywords: ``by``, ``now``, ``source``. ``rate_card_id`` may be an alias (R57). A RENEWAL
        transition ends the old contract in the same transaction.
        """
        seats_max = self.settings.max_individual_seats
        catalog, edit = self.catalog(), EditNote(**note)
        return contracts.create(self.stores, catalog, contract_id, create, edit, seats_max)

    def edit_contract(
        self, contract_id: str, change: Change, **note: Unpack[EditOptions]
    ) -> Contract:
        """Append an edit; one with the same ``edit_id`` and content again changes nothing.

        Keywords: ``by``, ``now``, ``source``, ``uniqueness_key``, ``edit_id``.
        """
        seats_max = self.settings.max_individual_seats
        catalog, noted = self.catalog(), EditNote(**note)
        edited = contracts.edit(self.stores, catalog, contract_id, change, noted, seats_max)
        if isinstance(change, Revise) and change.settings is not None:
            self.evaluate_thresholds(note["now"], [edited.customer_id])
            return self.contract(contract_id)
        return edited

    def contract(self, contract_id: str, as_of: datetime | None = None) -> Contract:
        """Current state, or the one known at ``as_of`` (R115); raises NotFound."""
        if as_of is not None:
            return history.contract(self.stores, contract_id, as_of)
        return accounts.contract(self.stores, contract_id)

    def contracts(self, customer_id: str) -> tuple[Contract, ...]:
        """A customer's contracts, oldest first."""
        found = self.stores.contracts.of_customers([customer_id]).get(customer_id, ())
        return accounts.with_fields(self.stores, found)

    def edits(self, contract_id: str) -> tuple[Edit, ...]:
        """Every edit of a contract, oldest first (R115)."""
        return self.stores.contracts.edits(contract_id)

    def digest(self, contract_id: str) -> str:
        """Digest of the contract's state, empty when there is none; plans are made against it."""
        return self.stores.contracts.digest(contract_id)

    # Bills

    def account(self, customer_id: str, now: datetime, known_at: datetime | None = None) -> Account:
        """All a bill at ``now`` depends on, besides catalogue and usage; raises NotFound.

        ``known_at`` leaves out what was recorded later (R115).
        """
        if known_at is not None:
            found = history.account(self.stores, customer_id, known_at)
        else:
            found = accounts.account(self.stores, customer_id)
        return lived(found.at(now), now)

    def bill(self, customer_id: str, now: datetime, known_at: datetime | None = None) -> Bill:
        """What the customer owes and holds at ``now``, drafts included; stores nothing.

        ``known_at`` bills by the terms known then (R115); the usage is that of now.
        """
        account = self.account(customer_id, now, known_at)
        return part(self._finalizer.bill(account, self.catalog(), now), account)

    def consolidated(self, customer_id: str, now: datetime) -> tuple[Invoice, ...]:
        """Invoices that show a parent's usage with its children's, final or open (R304)."""
        account = self.account(customer_id, now)
        made = self._finalizer.bill(account, self.catalog(), now)
        standing = (*account.finalized, *made.invoices)
        found = consolidated_invoices(account.contracts, standing)
        return tuple(one for one in found if one.customer_id == customer_id)

    def bills(self, customer_ids: Sequence[str], now: datetime) -> Bills:
        """Bills of many customers with one question to the usage store (D3); stores nothing."""
        return self._finalizer.bills(customer_ids, self.catalog(), now)

    def unbilled(self, customer_ids: Sequence[str], now: datetime) -> UnbilledFound:
        """Open usage invoices of many customers, only as totals; much faster than ``bills``."""
        sources = Sources(
            accounts=lambda ids: accounts.accounts(self.stores, ids),
            measure=self.usage.measure_panels,
            bills=lambda ids: self.bills(ids, now),
        )
        return unbilled(customer_ids, self.catalog(), self.settings, now, sources)

    def finalize(self, now: datetime, customers_max: int = 500) -> FinalizeReport:
        """Freeze what is due for up to ``customers_max`` customers; repeat until none remain."""
        return self._finalizer.run(self.catalog(), now, customers_max)

    def evaluate_thresholds(
        self, now: datetime, customer_ids: Iterable[str] | None = None
    ) -> tuple[Purchase, ...]:
        """Make the purchases that thresholds call for, of these customers or all (R257, R263)."""
        catalog = self.catalog()
        bought = thresholds.evaluate(self.stores, catalog, self._finalizer.bill, now, customer_ids)
        if bought:
            self.finalize(now)
        return bought

    def whatif(self, question: Question, now: datetime) -> Comparison:
        """What proposed terms would cost over usage that repeats, against today's terms (D2)."""
        analyst = Analyst(self.stores, self.usage, self.settings)
        return analyst.compare(question, self.catalog(), now)

    def problems(self) -> tuple[BillingProblem, ...]:
        """Customers whose bill cannot be made, oldest problem first."""
        return self.stores.problems.all()

    def release_problem(self, customer_id: str, now: datetime, by: str = API) -> bool:
        """Try a parked customer again at the next ``finalize``; False when it is not parked."""
        return manual.release(self.stores, customer_id, by=by, now=now)

    def invoice(self, invoice_id: str) -> Invoice:
        """A stored invoice; raises NotFound (drafts are in ``bill``)."""
        found = self.stores.invoices.get(invoice_id)
        if found is None:
            raise NotFound("no such stored invoice", invoice=invoice_id)
        return found

    def invoices(
        self,
        customer_id: str | None = None,
        contract_id: str | None = None,
        status: InvoiceStatus | None = None,
    ) -> tuple[Invoice, ...]:
        """Stored invoices that match every filter, by issue date (R289)."""
        return self.stores.invoices.all(customer_id, contract_id, status)

    def ledger(self, commit_id: str) -> tuple[LedgerEntry, ...]:
        """Final entries of a commit or credit, by timestamp."""
        return self.stores.ledger.of_commit(commit_id)

    def add_manual_entry(
        self, customer_id: str, entry: LedgerEntry, now: datetime, by: str = API
    ) -> None:
        """Add or remove balance of one segment by hand (R198)."""
        author = Author(by=by, now=now)
        manual.add_entry(self.stores, self.catalog(), customer_id, entry, author)

    def postings(self, start: date | None = None, end: date | None = None) -> tuple[Posting, ...]:
        """Journal postings booked in ``[start, end)``, by day."""
        return self.stores.journal.postings(start, end)

    def explain(self, invoice_id: str, line_number: int) -> Explanation:
        """Why a line (from 1) of a stored invoice is what it is; raises NotFound."""
        invoice = self.invoice(invoice_id)
        account = accounts.account(self.stores, invoice.customer_id)
        return explain(self.stores, self.catalog(), account, invoice, line_number)

    def trace(self, origin: str, now: datetime) -> tuple[TracedTerm, ...]:
        """What an opportunity, quote or quote line became in billing; nothing is stored."""
        return trace(self.stores, self, origin, now)

    def findings(self) -> tuple[str, ...]:
        """What is wrong with the state, in words; empty when it is sound (G20)."""
        return tuple(verify.findings(self.stores))

    def rebuild(self) -> tuple[Derived, ...]:
        """Drop the caches of edits and make them anew; says which were wrong (D1)."""
        return rebuild.rebuild(self.stores)

    def verify(self, now: datetime) -> tuple[Derived, ...]:
        """Make every derived table anew and compare; nothing is kept (D1, G5)."""
        then = max(now, self.stores.invoices.newest() or now)
        return rebuild.verify(self.stores, lambda ids: dict(self.bills(ids, then).bills))

    def content_hash(self) -> str:
        """SHA-256 over all that says what is billed (G4)."""
        return content_hash(self.db)
