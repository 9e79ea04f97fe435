"""The real engine on a state file driven by a history, refusals and deaths included."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from closedwon.billing.account import Bill, Customer
from closedwon.billing.balances.types import EntryType, LedgerEntry
from closedwon.billing.catalog.types import Rate
from closedwon.billing.contracts.edits import Added, Amend, Change, ChangeEnd, FilterUsage, Revise
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType
from closedwon.engine import Engine
from closedwon.engine.types import Meter
from closedwon.kernel.errors import Conflict, Refused
from closedwon.store.database import close, open_database
from closedwon.store.migrations import migrate
from closedwon.testing.usage import MemoryUsage
from oracle import agreements, changes, history, translate
from oracle.biller.outcome import Outcome
from oracle.reading import outcome_of

Ingest = Callable[[tuple[history.Event, ...], datetime], object]


class StoredEngine:
    """An ``Engine`` with one customer; usage is kept apart, as it is in life."""

    def __init__(
        self,
        path: Path,
        catalogue: history.Catalogue,
        usage: Meter | None = None,
        ingest: Ingest | None = None,
    ) -> None:
        memory = MemoryUsage()
        self._path = path
        self._usage: Meter = memory if usage is None else usage
        self._ingest = ingest or (lambda events, _: memory.use(*map(translate.used, events)))
        self._catalogue = catalogue
        self._products = {product.name: product for product in catalogue.products}
        self._rates = 0
        self.now = translate.EPOCH
        self.engine = self._opened()
        self._set_up()

    def take(self, step: changes.Step) -> bool:
        """Do what the step says; False when the engine refuses it, which must change nothing."""
        self.now = step.at
        before = self.engine.content_hash()
        try:
            self._take(step.change, step.at)
        except (Refused, Conflict):
            assert self.engine.content_hash() == before
            return False
        return True

    def outcome(self, now: datetime) -> Outcome:
        return outcome_of(self.engine.account(translate.CUSTOMER, now), self.bill(now), now)

    def bill(self, now: datetime) -> Bill:
        return self.engine.bill(translate.CUSTOMER, now)

    def bill_now(self) -> Bill:
        return self.bill(self.now)

    def finalize(self, now: datetime) -> None:
        """Finalize until nothing is left; nothing of a sound history is ever parked."""
        while True:
            report = self.engine.finalize(now)
            assert self.engine.problems() == (), self.engine.problems()
            if not report.remaining:
                return

    def reopen(self) -> None:
        """The program ends; another one opens what it left."""
        close(self.engine.db)
        self.engine = self._opened()

    def close(self) -> None:
        close(self.engine.db)

    def invoice(self, contract: str, start: datetime, status: InvoiceStatus) -> Invoice | None:
        """The usage invoice of the period that began at ``start``, in that status."""
        found = self.engine.invoices(contract_id=contract, status=status)
        wanted = [i for i in found if i.type is InvoiceType.USAGE and i.start == start]
        return wanted[-1] if wanted else None

    def _take(self, change: changes.Change, now: datetime) -> None:  # noqa: C901, PLR0912 - one case per kind
        engine = self.engine
        match change:
            case changes.Sign(contract=contract):
                engine.create_contract(
                    contract.name, agreements.create(contract), by="test", now=now
                )
            case changes.Add():
                added = agreements.added(change.terms)
                self._edit(change.contract, Amend(starting_at=now, terms=added), now)
            case changes.Drop():
                self._edit(change.contract, Revise(remove_ids=change.overrides), now)
            case changes.Retune():
                retuned = Added(recurring=(agreements.recurring(change.recurring),))
                self._edit(change.contract, Revise(replace=retuned), now)
            case changes.End():
                self._edit(change.contract, ChangeEnd(ending_before=change.until), now)
            case changes.Route():
                routed = FilterUsage(usage_filter=agreements.usage_filter(change.filter))
                self._edit(change.contract, routed, now)
            case changes.Reprice():
                engine.add_rates("card", [self._rate(rate) for rate in change.rates], now)
            case changes.Redefine():
                version = translate.version(self._products[change.product], change.definition)
                engine.update_product(change.product, version, now)
            case changes.Use():
                self._ingest(change.events, now)
            case changes.Adjust():
                self._adjust(change, now)
            case changes.Finalize():
                self.finalize(now)
            case changes.Void():
                self._void(change, now)
            case changes.Regenerate():
                self._regenerate(change, now)
            case changes.Crash():
                self.reopen()
            case _:
                raise Refused("not a command of the engine yet")

    def _edit(self, contract: str, change: Change, now: datetime) -> None:
        self.engine.edit_contract(contract, change, by="test", now=now)

    def _adjust(self, change: changes.Adjust, now: datetime) -> None:
        entry = LedgerEntry(
            id=change.name,
            commit_id=change.segment.rpartition("s")[0],
            segment_id=change.segment,
            type=EntryType.MANUAL,
            timestamp=now,
            amount=translate.decimal(change.amount),
            reason="by hand",
        )
        self.engine.add_manual_entry(translate.CUSTOMER, entry, now)

    def _void(self, change: changes.Void, now: datetime) -> None:
        invoice = self.invoice(change.contract, change.start, InvoiceStatus.FINALIZED)
        assert invoice is not None
        self.engine.void_invoice(invoice.id, now)

    def _regenerate(self, change: changes.Regenerate, now: datetime) -> None:
        invoice = self.invoice(change.contract, change.start, InvoiceStatus.VOID)
        assert invoice is not None
        self.engine.regenerate_invoice(invoice.id, now)

    def _opened(self) -> Engine:
        db = open_database(self._path)
        migrate(db)
        return Engine(db, self._usage)

    def _set_up(self) -> None:
        engine, now = self.engine, translate.EPOCH
        for meter in self._catalogue.meters:
            engine.create_metric(translate.metric(meter), now)
        for product in self._catalogue.products:
            engine.create_product(translate.usage_product(product, product.definitions), now)
        if self._catalogue.composite is not None:
            engine.create_product(translate.composite_product(self._catalogue.composite), now)
        engine.create_product(translate.seat_product(), now)
        for name in ("commit", "fee"):
            engine.create_product(translate.fixed_product(name), now)
        for kind in translate.credit_types(self._catalogue):
            engine.create_credit_type(kind, now)
        self._rates = len(self._catalogue.rates)
        engine.create_rate_card(translate.card(self._catalogue, self._catalogue.rates), now)
        customer = Customer(id=translate.CUSTOMER, name="Customer", created_at=now)
        engine.create_customer(customer, now)

    def _rate(self, rate: history.Rate) -> Rate:
        self._rates += 1
        return translate.rate(self._rates, rate)
