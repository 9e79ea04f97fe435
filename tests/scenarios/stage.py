"""A small stage for scenarios worked out by hand: one customer, sold, used, finalized by the day.

Amounts are read back in dollars; every way through time ends with a sound state (``findings``).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from billing.world import at, dollars, fixed_product, metric, rate, usage_product
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.account import BillingSettings
from closedwon.billing.catalog.types import Metric, Product, Rate
from closedwon.billing.contracts.edits import Added, Change, Create
from closedwon.billing.invoices.types import Invoice, Line, LineType
from closedwon.finance.journal import LedgerAccount
from closedwon.kernel.instant import Interval

D = Decimal
Told = tuple[str, str, Decimal]


class Stage(NamedTuple):
    """An engine with its usage, told in dollars."""

    world: Setup

    def sign(self, contract_id: str, term: Interval, *, signed: str, **fields: Any) -> None:
        """Create a contract of ``customer`` on ``card``; terms as ``Added`` fields."""
        names = set(Added.__struct_fields__) & fields.keys()
        terms = Added(**{name: tuple(fields.pop(name)) for name in names})
        about = {"customer_id": "customer", "rate_card_id": "card", "terms": terms, **fields}
        create = Create(term=term, **about)
        self.world.engine.create_contract(contract_id, create, by="test", now=at(signed))

    def edit(self, contract_id: str, change: Change, when: str) -> None:
        self.world.engine.edit_contract(contract_id, change, by="test", now=at(when))

    def use(self, name: str, *used: tuple[str, str], who: str = "customer", **keys: str) -> None:
        """Events of one metric as (when, value)."""
        self.world.usage.use(*(event(who, name, at(when), value, **keys) for when, value in used))

    def live(self, since: str, until: str, hours: int = 24) -> None:
        """Finalize again and again, as a daemon would; ``until`` included."""
        now, last = at(since), at(until)
        while now <= last:
            report = self.world.engine.finalize(now)
            assert report.parked == 0, self.world.engine.problems()
            now += timedelta(hours=hours)
        assert self.world.engine.findings() == ()

    def invoices(self, kind: str = "", customer_id: str = "customer") -> list[Invoice]:
        found = self.world.engine.invoices(customer_id)
        return [one for one in found if kind in ("", one.type.value)]

    def billed(self, kind: str = "", customer_id: str = "customer") -> list[Told]:
        """(type, issued on, total) of every stored invoice."""
        found = self.invoices(kind, customer_id)
        return sorted((i.type.value, day(i.issued_at), dollars(i.total)) for i in found)

    def usage(self, start: str) -> Invoice:
        """The usage invoice, final or open, whose period begins at ``start``."""
        return next(i for i in self.invoices("USAGE") if i.start == at(start))

    def ledger(self, commit_id: str) -> list[Told]:
        """(type, timestamp, dollars) by timestamp, then by type: the source orders no ties."""
        entries = self.world.engine.ledger(commit_id)
        told = [(e.type.value, day(e.timestamp), dollars(e.amount)) for e in entries]
        return sorted(told, key=lambda entry: (entry[1], entry[0], -entry[2]))

    def left(self, now: str) -> dict[str, Decimal]:
        """By commit, what its segments that are running at ``now`` have left."""
        found: dict[str, Decimal] = {}
        for balance in self.world.engine.bill("customer", at(now)).balances:
            if balance.is_active:
                known = found.get(balance.commit_id, D(0))
                found[balance.commit_id] = known + dollars(balance.remaining)
        return found

    def net(self, now: str) -> Decimal:
        return dollars(self.world.engine.balances.net("customer", at(now)))

    def books(self, until: str | None = None) -> dict[LedgerAccount, int]:
        """Sums of the journal in minor units, accounts at zero left out; it always balances."""
        self.world.engine.stores.journal.check_balance()
        sums: dict[LedgerAccount, int] = {}
        for posting in self.world.engine.postings(None, at(until).date() if until else None):
            sums[posting.account] = sums.get(posting.account, 0) + posting.minor
        return {account: minor for account, minor in sums.items() if minor}


def stage(
    products: Sequence[Product],
    metrics: Sequence[Metric],
    rates: Iterable[Rate],
    settings: BillingSettings | None = None,
) -> Stage:
    """A stage with a catalogue, the fixed products ``commit`` and ``fee``, and a customer."""
    found = setup(settings=settings)
    fixed = [fixed_product("commit"), fixed_product("fee")]
    add_catalog(found.engine, [*products, *fixed], metrics, rates)
    add_customer(found.engine)
    return Stage(found)


def selling(settings: BillingSettings | None = None, **prices: str) -> Stage:
    """Products that sum their usage, by name, at cents a unit."""
    return stage(
        [usage_product(name) for name in prices],
        [metric(name) for name in prices],
        [rate(name, price) for name, price in prices.items()],
        settings,
    )


def day(when: datetime) -> str:
    """A date, with its hour when it is not midnight."""
    return when.strftime("%Y-%m-%d" if when.hour == when.minute == 0 else "%Y-%m-%dT%H:%M")


def usage_lines(invoice: Invoice) -> list[tuple[str, Decimal, Decimal, Decimal, str | None]]:
    """(name, quantity, unit price in cents, dollars, commit) of lines other than applications."""
    return [
        (x.name, x.quantity or D(0), x.unit_price or D(0), dollars(x.total), x.commit_id)
        for x in invoice.lines
        if x.type is not LineType.APPLIED
    ]


def applied(invoice: Invoice) -> list[tuple[str | None, Decimal]]:
    """(commit, dollars) of application lines, in their order."""
    found = [x for x in invoice.lines if x.type is LineType.APPLIED]
    return [(x.commit_id, dollars(x.total)) for x in found]


def lines_of(invoice: Invoice, kind: LineType) -> list[Line]:
    return [line for line in invoice.lines if line.type is kind]
