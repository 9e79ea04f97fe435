"""The story: a deal is closed, billed for three years, extended, renewed, and reconciled."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import click

from closedwon.billing.account import Bill
from closedwon.billing.invoices.types import Invoice, InvoiceStatus, InvoiceType, LineType
from closedwon.cli.demo import records, show
from closedwon.cli.demo.finance import write_reports
from closedwon.cli.demo.usage import month_of_usage
from closedwon.cli.demo.world import World
from closedwon.kernel.exact import ZERO
from closedwon.sync.line import run_line
from closedwon.wiring import share
from closedwon.wiring.catalog import load_catalog, read_catalog

BEGIN = datetime(2023, 12, 14, 18, tzinfo=UTC)
WON = datetime(2023, 12, 15, 18, tzinfo=UTC)
UPSELL_SIGNED = datetime(2024, 12, 18, 12, tzinfo=UTC)
UPSELL_WON = datetime(2024, 12, 20, 16, tzinfo=UTC)
RENEWAL_SIGNED = datetime(2026, 12, 9, 9, tzinfo=UTC)
RENEWAL_WON = datetime(2026, 12, 10, 15, tzinfo=UTC)
LOW_BALANCE = Decimal(500_000)
"""Cents: when sales wants to know (seed 0: "$5,000 of spend remaining")."""
MONTHS = [(year, month) for year in (2024, 2025, 2026) for month in range(1, 13)] + [(2027, 1)]


def tell(world: World, out: Path) -> None:
    """Run the whole story and print it; reports go to ``out``."""
    _open_shop(world)
    _close_first_deal(world)
    for year, month in MONTHS:
        _month(world, year, month)
    _look_at_salesforce(world)
    _run_it_twice(world)
    write_reports(world, out)


def _open_shop(world: World) -> None:
    show.heading(world.now.date(), "a local Salesforce with CPQ and our Meter_* objects")
    show.say(f"org at {world.url}, closedwon state in {world.settings.state_dir}")
    loaded = load_catalog(
        world.app.engine, read_catalog(share() / "config" / "catalog.infrax.yaml"), world.now
    )
    show.say(
        f"catalogue: {loaded.metrics} metrics, {loaded.products} products, "
        f"{loaded.rate_cards} rate card"
    )
    world.load(records.signed(BEGIN))


def _close_first_deal(world: World) -> None:
    world.move(WON)
    show.heading(world.now.date(), "sales closes the deal: the opportunity is set to Closed Won")
    world.change("Opportunity", records.FIRST_DEAL, StageName="Closed Won")
    _provision(world, records.FIRST_DEAL)


def _provision(world: World, opportunity_id: str) -> None:
    """Poll until the deal is planned, show the plan, then let the line apply it."""
    world.move(world.now + timedelta(minutes=5))
    app = world.app
    before = [step for step in app.inbound if step.name != "apply"]
    reports = list(run_line(before, app.store, world.now))
    live = app.store.plans.live(opportunity_id)
    if live is None:
        raise click.ClickException(f"the demo found no plan for {opportunity_id}")
    show.line(reports)
    show.plan(live.plan)
    show.line(world.sync())


def _month(world: World, year: int, month: int) -> None:
    if (year, month) == (2024, 1):
        show.heading(date(2024, 1, 1), "usage flows; every month is billed the day after it ends")
        _table_head()
    if (year, month) == (2024, 12):
        _upsell(world)
    if (year, month) == (2026, 12):
        _renew(world)
    next_month = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    _send(world, year, month)
    world.move(next_month + timedelta(days=1))
    list(run_line(world.app.steps, world.app.store, world.now))
    _row(world, datetime(year, month, 1, tzinfo=UTC))


def _send(world: World, year: int, month: int) -> None:
    """Send a month's usage day by day; in October 2024 watch the balance as it falls."""
    events = sorted(month_of_usage(year, month), key=lambda event: event.timestamp)
    if (year, month) != (2024, 10):
        world.move(events[-1].timestamp)
        world.use(events)
        return
    is_low = False
    for day, of_day in groupby(events, key=lambda event: event.timestamp):
        world.move(day)
        world.use(list(of_day))
        left = _open_balance(_bill(world))
        if left <= LOW_BALANCE and not is_low:
            is_low = True
            show.say(f"{day.date()}: balance {show.usd(left)}, at or below $5,000: tell sales")
            world.sync()
            (row,) = world.rows(
                "SELECT Balance_Total__c, Forecast_Exhaustion_Date__c FROM Meter_Customer__c"
            )
            show.say(
                f"            in Salesforce: ${show.money(row['Balance_Total__c'])} left, "
                f"used up by {row['Forecast_Exhaustion_Date__c']}"
            )


def _upsell(world: World) -> None:
    world.move(UPSELL_SIGNED)
    world.load(records.signed(UPSELL_SIGNED, BEGIN))
    world.move(UPSELL_WON)
    show.heading(world.now.date(), "an amendment is won: $300,000 more, 15 % off analysis")
    world.change("Opportunity", records.UPSELL, StageName="Closed Won")
    _provision(world, records.UPSELL)
    _table_head()


def _renew(world: World) -> None:
    world.move(RENEWAL_SIGNED)
    world.load(records.renewal())
    world.move(RENEWAL_WON)
    show.heading(world.now.date(), "the renewal is won on time: $600,000, and what is left rolls")
    world.change("Opportunity", records.renewal_deal(), StageName="Closed Won")
    _provision(world, records.renewal_deal())
    _table_head()


def _table_head() -> None:
    show.say(f"{'month':8}{'usage':>14}{'from balances':>16}{'to pay':>13}{'balance left':>16}")


def _row(world: World, start: datetime) -> None:
    invoice = next(invoice for invoice in _invoices(world) if invoice.start == start)
    usage = _sum(invoice, LineType.USAGE)
    applied = -_sum(invoice, LineType.APPLIED)
    left = _open_balance(_bill(world))
    amounts = (
        f"{show.wire_usd(usage):>14}{show.wire_usd(applied):>16}"
        f"{show.wire_usd(invoice.total):>13}{show.wire_usd(left):>16}"
    )
    show.say(f"{start:%Y-%m} {amounts}")


def _invoices(world: World) -> Iterator[Invoice]:
    for invoice in world.app.engine.invoices(status=InvoiceStatus.FINALIZED):
        if invoice.type is InvoiceType.USAGE:
            yield invoice


def _sum(invoice: Invoice, kind: LineType) -> Decimal:
    return sum((line.total for line in invoice.lines if line.type is kind), ZERO)


def _bill(world: World) -> Bill:
    customer = world.app.engine.customer_of_account(records.ACCOUNT)
    if customer is None:
        raise click.ClickException("the demo's customer is missing")
    return world.app.engine.bill(customer.id, world.now)


def _open_balance(bill: Bill) -> Decimal:
    return sum((balance.remaining for balance in bill.balances if balance.is_active), ZERO)


def _look_at_salesforce(world: World) -> None:
    world.sync()
    show.heading(world.now.date(), "what sales sees on the account in Salesforce")
    for row in world.rows(
        "SELECT Type__c, Product__c, Access_Amount__c, Used__c, Expired__c, Balance__c"
        " FROM Meter_Commit__c ORDER BY Access_Start__c, Access_Amount__c"
    ):
        amounts = "  ".join(
            f"{name} {show.money(row[field]):>12}"
            for name, field in (
                ("granted", "Access_Amount__c"),
                ("used", "Used__c"),
                ("left", "Balance__c"),
            )
        )
        show.say(f"{row['Type__c']:8} {row['Product__c']:18} {amounts}")


def _run_it_twice(world: World) -> None:
    before, calls = world.app.engine.content_hash(), world.faults.requests
    reports = world.sync()
    pushed = sum(report.done for report in reports if report.step == "push")
    same = before == world.app.engine.content_hash()
    show.heading(world.now.date(), "the same again: nothing changes")
    show.line(reports)
    show.say(
        f"{world.faults.requests - calls} calls to Salesforce, {pushed} rows written, "
        f"billing unchanged: {'yes' if same else 'NO'}"
    )
