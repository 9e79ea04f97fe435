"""Everything the figures of one customer are made of."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from closedwon.billing.account import Account, Bill
from closedwon.billing.balances.types import Balance
from closedwon.billing.catalog.types import USD, Catalog
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.invoices.types import Invoice, InvoiceType
from closedwon.kernel.exact import Money
from closedwon.kernel.instant import DAY

FALLBACK_CURRENCY = "USD"


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One customer at an instant; ``environment`` marks every key (production, sandbox)."""

    account: Account
    bill: Bill
    catalog: Catalog
    now: datetime
    environment: str
    console_url: str = ""
    """Base of the console; empty leaves Console_Url__c alone."""

    def key(self, *ids: str) -> str:
        """External id of one of our ids."""
        return ":".join((self.environment, *ids))

    @property
    def customer_key(self) -> str:
        """External id of the customer's row."""
        return self.key(self.account.customer.id)

    @property
    def usage_invoices(self) -> tuple[Invoice, ...]:
        """Finalized and open usage invoices, oldest first."""
        every = (*self.account.finalized, *self.bill.invoices)
        usage = [i for i in every if i.type is InvoiceType.USAGE and i.start is not None]
        return tuple(sorted(usage, key=lambda i: (i.start or i.issued_at, i.id)))

    def currency(self, credit_type_id: str) -> str | None:
        """ISO 4217 code of a credit type; None for a custom pricing unit."""
        credit_type = self.catalog.credit_types.get(credit_type_id)
        return FALLBACK_CURRENCY if credit_type is None else credit_type.currency

    def money(self, wire: Decimal, credit_type_id: str) -> Decimal:
        """A wire amount in major units, rounded once to the minor unit (R4)."""
        currency = self.currency(credit_type_id)
        return wire if currency is None else Money.rounded(wire, currency).amount

    @property
    def bought(self) -> tuple[Commit, ...]:
        """Commits and credits of every contract and of the customer; not what rolled over."""
        own = (commit for contract in self.account.contracts for commit in contract.commits)
        return (*own, *self.account.commits)

    def commits_of(self, contract: Contract) -> Iterator[Commit]:
        """The contract's balances, those rolled over into it included."""
        for commit in self.bill.commits:
            if self.contract_of(commit) is contract:
                yield commit

    def contract_of(self, commit: Commit) -> Contract | None:
        """Contract a balance can be drawn under; None for one of the customer itself."""
        origin = commit.rolled_over_from
        for contract in self.account.contracts:
            if origin is None and any(own.id == commit.id for own in contract.commits):
                return contract
            follows = contract.transition
            if origin and follows and follows.from_contract_id == origin.contract_id:
                return contract
        return None

    def balances_of(self, commit: Commit) -> tuple[Balance, ...]:
        """Where each segment of a balance stands."""
        return tuple(b for b in self.bill.balances if b.commit_id == commit.id)

    @property
    def fiat_id(self) -> str:
        """Credit type of the customer's totals: that of its newest contract's rate card."""
        for contract in reversed(self.account.contracts):
            card = self.catalog.rate_cards.get(contract.rate_card_id or "")
            if card is not None:
                return card.fiat_credit_type_id
        return USD


def last_day(end: datetime | None) -> date | None:
    """The last day before an exclusive end, as people name it (R376)."""
    return None if end is None else (end - timedelta(microseconds=1)).date()


def days_between(start: datetime, end: datetime) -> Decimal:
    """Exact length in days."""
    length = end - start
    seconds = Decimal(length.days * 86400 + length.seconds)
    return seconds / Decimal(int(DAY.total_seconds()))
