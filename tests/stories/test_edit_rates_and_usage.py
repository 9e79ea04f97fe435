"""A new rate and late usage change what is still open, and nothing that is final."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from closedwon.billing.catalog.types import Rate
from closedwon.billing.invoices.types import Invoice, InvoiceStatus
from closedwon.billing.pricing import Flat
from closedwon.cli.demo.world import World, opened
from closedwon.kernel.instant import Interval
from closedwon.usage.types import UsageEvent
from stories.cpq import commit_line, product, quoted
from stories.kit import at, bill_month, create, invoices, open_widgets, use

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("rates")]
D = Decimal
START, END = "2025-01-01", "2025-12-31"
OPEN = "2025-02-01"


class Shop:
    """A customer whose January is final and whose February is open; another one beside it."""

    def __init__(self, world: World) -> None:
        self.world = world
        open_widgets(world)
        commit = product(world, "CLOUD-COMMIT", "Cloud Commit")
        self.account, self.other = (self._sold(name, commit) for name in ("Acme", "Brill"))
        world.sync()
        use(world, "compute", at("2025-01-10"), "1000", self.account)
        use(world, "egress", at("2025-01-11"), "1000", self.other)
        bill_month(world, at("2025-01-01"))
        use(world, "compute", at("2025-02-05"), "500", self.account)
        use(world, "egress", at("2025-02-06"), "500", self.other)
        world.sync()

    def _sold(self, name: str, commit: str) -> str:
        account = create(self.world, "Account", Name=name)
        quote = {"SBQQ__StartDate__c": START, "SBQQ__EndDate__c": END}
        lines = [commit_line(commit, 10_000, START, END, Applicable_Tags__c="cloud")]
        deal = quoted(self.world, account, name, quote=quote, lines=lines)
        self.world.change("Opportunity", deal.opportunity_id, StageName="Closed Won")
        return account

    def late(self, name: str, sent: str, stamped: str, quantity: str) -> None:
        """Usage of ``stamped`` that arrives only at ``sent``."""
        event = UsageEvent(
            transaction_id=f"late-{name}-{stamped}-{sent}",
            customer_id=self.account,
            event_type=name,
            timestamp=datetime.fromisoformat(f"{stamped}+00:00"),
            properties={"quantity": quantity},
        )
        self.world.move(at(sent))
        assert self.world.use([event]) == 1

    def spend(self, account: str) -> list[dict[str, Any]]:
        """Meter_Spend__c of one account, oldest first."""
        return self.world.rows(
            "SELECT Product_Name__c, Period_Start__c, Quantity__c, Net_Amount__c, Is_Final__c,"
            f" SystemModstamp FROM Meter_Spend__c WHERE Customer__r.Account__c = '{account}'"
            " ORDER BY Period_Start__c, Product_Name__c"
        )

    def net(self) -> list[tuple[str, Decimal, bool]]:
        """Month, net amount and whether it is final, of the first customer."""
        return [
            (row["Period_Start__c"], row["Net_Amount__c"], row["Is_Final__c"])
            for row in self.spend(self.account)
        ]

    def final(self) -> list[Invoice]:
        """Every finalized usage invoice as it is stored."""
        return invoices(self.world)

    def draft(self, start: str) -> Invoice:
        """The first customer's draft of a month."""
        customer = self.world.app.engine.customer_of_account(self.account)
        assert customer is not None
        bill = self.world.app.engine.bill(customer.id, self.world.now)
        (draft,) = (i for i in bill.invoices if i.start == at(start))
        assert draft.status is InvoiceStatus.DRAFT
        return draft


@pytest.fixture
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened(tmp_path_factory.mktemp("rates"), at("2024-12-10T09:00:00")) as world:
        yield Shop(world)


def test_a_rate_added_to_the_card_changes_drafts_and_no_final_invoice(shop: Shop) -> None:
    final, beside = shop.final(), shop.spend(shop.other)
    assert shop.net() == [("2025-01-01", D(400), True), (OPEN, D(200), False)]
    since_january = Rate(
        id="dearer",
        rate_card_id="widgets-list",
        product_id="compute",
        window=Interval(start=at("2025-01-01")),
        price=Flat(price=D(50)),
    )
    shop.world.app.engine.add_rates("widgets-list", [since_january], shop.world.now)

    shop.world.sync()

    assert shop.final() == final
    assert shop.net() == [("2025-01-01", D(400), True), (OPEN, D(250), False)]
    assert shop.spend(shop.other) == beside


def test_a_rate_from_the_middle_of_the_month_cuts_the_draft_there(shop: Shop) -> None:
    use(shop.world, "compute", at("2025-02-20"), "500", shop.account)
    from_mid_month = Rate(
        id="dearer",
        rate_card_id="widgets-list",
        product_id="compute",
        window=Interval(start=at("2025-02-15")),
        price=Flat(price=D(50)),
    )
    shop.world.app.engine.add_rates("widgets-list", [from_mid_month], shop.world.now)

    lines = [line for line in shop.draft(OPEN).lines if line.quantity == 500]

    assert sorted(line.total for line in lines) == [D(20_000), D(25_000)]


def test_late_usage_inside_grace_is_billed_in_its_month(shop: Shop) -> None:
    shop.late("compute", "2025-03-01T20:00:00", "2025-02-28T23:50:00", "100")
    shop.world.move(at("2025-03-02T01:00:00"))
    shop.world.sync()

    assert shop.net()[-1] == (OPEN, D(240), True)
    assert {i.start for i in shop.final()} == {at("2025-01-01"), at(OPEN)}


def test_usage_later_than_grace_changes_neither_that_invoice_nor_the_next_s30(shop: Shop) -> None:
    shop.world.move(at("2025-03-02T01:00:00"))
    shop.world.sync()
    final, spend = shop.final(), shop.spend(shop.account)
    shop.late("compute", "2025-03-03T09:00:00", "2025-02-28T23:50:00", "900")

    shop.world.sync()
    assert shop.final() == final
    assert shop.spend(shop.account) == spend

    bill_month(shop.world, at("2025-03-01"))
    march = [i for i in shop.final() if i.start == at("2025-03-01")]
    assert {invoice.total for invoice in march} == {D(0)}
    assert [i for i in shop.final() if i not in march] == final


def test_the_same_events_again_move_nothing(shop: Shop) -> None:
    draft = shop.draft(OPEN)
    again = UsageEvent(
        transaction_id=f"{shop.account}-compute-{at('2025-02-05').isoformat()}",
        customer_id=shop.account,
        event_type="compute",
        timestamp=at("2025-02-05"),
        properties={"quantity": "500"},
    )

    assert shop.world.use([again, again]) == 0
    assert shop.draft(OPEN) == draft
