"""The pure billing functions driven by a history, without a store."""

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from closedwon.billing.account import Account, Bill, BillingSettings, Customer, Regeneration
from closedwon.billing.balances.types import EntryType, LedgerEntry
from closedwon.billing.bill import bill, demands
from closedwon.billing.catalog.types import USD_CENTS, Catalog
from closedwon.billing.contracts.edits import (
    Added,
    Amend,
    Change,
    ChangeEnd,
    Edit,
    FilterUsage,
    Follow,
    Revise,
)
from closedwon.billing.contracts.fold import contract_of
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType
from closedwon.testing.usage import MemoryUsage
from oracle import agreements, changes, history, translate
from oracle.biller.book import Book
from oracle.biller.outcome import Outcome
from oracle.reading import outcome_of

SETTINGS = BillingSettings()


class PureEngine:
    """Edits, events and finalized invoices in memory; every bill is one pure call (D2)."""

    def __init__(self, catalogue: history.Catalogue) -> None:
        self._goods = Book(catalogue=catalogue)
        self._edits: dict[str, list[Edit]] = {}
        self._usage = MemoryUsage()
        self._account = Account(
            customer=Customer(id=translate.CUSTOMER, name="Customer", created_at=translate.EPOCH)
        )

    def take(self, step: changes.Step) -> None:  # noqa: C901, PLR0912 - one case per kind of change
        change, now = step.change, step.at
        match change:
            case changes.Sign():
                self._sign(change.contract, now)
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
            case changes.Grant():
                given = agreements.commit(change.commit)
                self._account = replace(self._account, commits=(*self._account.commits, given))
            case changes.Reprice() | changes.Redefine():
                self._goods.learn(step)
            case changes.Use():
                self._usage.use(*map(translate.used, change.events))
            case changes.Adjust():
                self._adjust(change, now)
            case changes.Finalize():
                self._finalize(now)
            case changes.Void():
                self._void(change)
            case changes.Regenerate():
                self._regenerate(change, now)
            case _:
                pass

    def outcome(self, now: datetime) -> Outcome:
        return outcome_of(self._account, self.bill(now), now)

    def bill(self, now: datetime) -> Bill:
        asked = demands(self._account, self._catalog(), now)
        quantities = self._usage.measure(asked)
        return bill(self._account, self._catalog(), quantities, now, SETTINGS)

    def _sign(self, contract: history.Contract, now: datetime) -> None:
        create = agreements.create(contract)
        self._edit(contract.name, create, now)
        if create.transition is not None:
            follow = Follow(
                transition=create.transition, to_contract_id=contract.name, at=contract.since
            )
            self._edit(create.transition.from_contract_id, follow, now)

    def _edit(self, contract: str, change: Change, now: datetime) -> None:
        edits = self._edits.setdefault(contract, [])
        number = f"{contract}-{len(edits)}"
        edits.append(Edit(id=number, contract_id=contract, at=now, by="test", change=change))
        contracts = tuple(contract_of(listed) for listed in self._edits.values())
        self._account = replace(self._account, contracts=contracts)

    def _adjust(self, change: changes.Adjust, now: datetime) -> None:
        entry = LedgerEntry(
            id=change.name,
            commit_id="",
            segment_id=change.segment,
            type=EntryType.MANUAL,
            timestamp=now,
            amount=translate.decimal(change.amount),
        )
        self._account = replace(self._account, manual=(*self._account.manual, entry))

    def _finalize(self, now: datetime) -> None:
        due = [invoice for invoice in self.bill(now).invoices if invoice.issued_at <= now]
        frozen = [replace(i, status=InvoiceStatus.FINALIZED, finalized_at=now) for i in due]
        final = (*self._account.finalized, *frozen)
        self._account = replace(self._account, finalized=final)

    def _void(self, change: changes.Void) -> None:
        gone = _of_period(self._account.finalized, change)
        self._account = replace(
            self._account,
            finalized=tuple(i for i in self._account.finalized if i.id != gone.id),
            voided=(*self._account.voided, replace(gone, status=InvoiceStatus.VOID)),
        )

    def _regenerate(self, change: changes.Regenerate, now: datetime) -> None:
        again = Regeneration(invoice=_of_period(self._account.withheld, change), at=now)
        self._account = replace(self._account, regenerating=again)
        (made,) = [invoice for invoice in self.bill(now).invoices if invoice.id == again.new_id]
        frozen = replace(made, status=InvoiceStatus.FINALIZED, finalized_at=now)
        final = (*self._account.finalized, frozen)
        self._account = replace(self._account, finalized=final, regenerating=None)

    def _catalog(self) -> Catalog:
        goods = self._goods
        products = [
            translate.usage_product(found.product, found.definitions)
            for found in goods.goods.values()
        ]
        products += [translate.fixed_product(name) for name in ("commit", "fee")]
        above = goods.catalogue.composite
        products.append(translate.seat_product())
        products += [] if above is None else [translate.composite_product(above)]
        kinds = (USD_CENTS, *translate.credit_types(goods.catalogue))
        return Catalog(
            metrics={m.name: translate.metric(m) for m in goods.catalogue.meters},
            products={product.id: product for product in products},
            rate_cards={"card": translate.card(goods.catalogue, goods.rates)},
            credit_types={kind.id: kind for kind in kinds},
        )


def _of_period(invoices: Iterable[Invoice], named: changes.Void | changes.Regenerate) -> Invoice:
    """The usage invoice of the contract whose period began then."""
    (found,) = [
        invoice
        for invoice in invoices
        if invoice.contract_id == named.contract
        and invoice.type is InvoiceType.USAGE
        and invoice.start == named.start
    ]
    return found
