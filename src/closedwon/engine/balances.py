"""``Engine.balances``: commits and credits one by one, of contracts and of customers themselves."""

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal

from closedwon.billing.account import Bill
from closedwon.billing.balances.net import BalanceFilter, net_balance
from closedwon.billing.balances.seats import SeatBalance, seat_balances
from closedwon.billing.balances.types import LedgerEntry
from closedwon.billing.catalog.types import USD, Catalog
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.engine import customer_terms, gates, manual
from closedwon.engine.command import Author
from closedwon.engine.manual import Adjustment
from closedwon.store.stores import Stores

Read = Callable[[str, datetime], Bill]
"""A customer's bill at an instant."""


class Balances:
    """Commands and queries on commits and credits (R109, R195-R200, R205, R212, R215)."""

    def __init__(self, stores: Stores, catalog: Callable[[], Catalog], read: Read) -> None:
        self._stores = stores
        self._catalog = catalog
        self._read = read

    def create(self, customer_id: str, commit: Commit, author: Author) -> Commit:
        """Give the customer a commit or credit of its own; again the same changes nothing."""
        return customer_terms.create(self._stores, self._catalog(), customer_id, commit, author)

    def replace(self, commit: Commit, author: Author) -> Commit:
        """The whole new content of a commit or credit, whoever holds it (R113, R197)."""
        return customer_terms.replaced(self._stores, self._catalog(), commit, author)

    def archive(self, commit_id: str, author: Author) -> None:
        """End a commit or credit that no finalized invoice needs (R205)."""
        customer_terms.archive(self._stores, self._catalog(), commit_id, author)

    def end(
        self,
        commit_id: str,
        author: Author,
        access_ending_before: datetime | None = None,
        invoices_ending_before: datetime | None = None,
    ) -> Commit:
        """Shorten or extend access, and drop later payments; None keeps them (R215)."""
        ends = (access_ending_before, invoices_ending_before)
        return customer_terms.end(self._stores, self._catalog(), commit_id, ends, author)

    def disable_trueup(self, commit_id: str, author: Author) -> Commit:
        """Let a postpaid commit's shortfall expire instead of billing it (R190)."""
        return customer_terms.disable_trueup(self._stores, self._catalog(), commit_id, author)

    def find(self, commit_id: str, now: datetime) -> Commit:
        """A commit or credit as it stands; raises NotFound."""
        return customer_terms.find(self._stores, commit_id, now).commit

    def adjust(self, customer_id: str, asked: Adjustment, author: Author) -> LedgerEntry:
        """Move a segment's balance by hand; returns the entry (R198)."""
        entry = manual.adjustment(self._stores, customer_id, asked, author)
        manual.add_entry(self._stores, self._catalog(), customer_id, entry, author)
        return entry

    def net(
        self,
        customer_id: str,
        now: datetime,
        credit_type_id: str = USD,
        filters: Iterable[BalanceFilter] = (),
        *,
        with_drafts: bool = True,
    ) -> Decimal:
        """What the customer has left of a credit type, in its wire unit (R199)."""
        bill = self._read(customer_id, now)
        fields: dict[str, dict[str, str]] = {}
        for entity, credits_only in (("commit", False), ("contract_credit", True)):
            ids = [c.id for c in bill.commits if (c.kind is CommitKind.CREDIT) is credits_only]
            fields |= self._stores.custom_fields.of(entity, ids)
        return net_balance(bill, fields, credit_type_id, filters, with_drafts=with_drafts)

    def seats(
        self, customer_id: str, now: datetime, seat_ids: Iterable[str] | None = None
    ) -> tuple[SeatBalance, ...]:
        """What seats own of INDIVIDUAL credits now, drafts taken off; None is every seat (R230)."""
        asked = None if seat_ids is None else frozenset(seat_ids)
        return seat_balances(self._read(customer_id, now), asked)

    def resolve_payment(self, commit_id: str, author: Author, *, paid: bool) -> Commit:
        """Say how the payment of a gated purchase went: released, or void (R200, R262)."""
        return gates.resolve(self._stores, self._catalog(), commit_id, author, paid=paid)
