"""S1 through the whole line: records in Salesforce in, invoices and Meter_* records out."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import pytest

from closedwon.billing.invoices.types import Invoice, InvoiceType, LineType
from closedwon.cli.demo import records
from closedwon.cli.demo.world import World, opened
from closedwon.deals.mapping.worth import worth_of
from closedwon.reports import reconcile
from closedwon.reports.crm_side import crm_values
from closedwon.reports.pictures import pictures
from golden import s1
from stories.kit import at, bill_month, invoices, one, open_infrax, use, win

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("s1")]
D = Decimal


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("s1"), at("2023-12-14T18:00:00")) as world:
        open_infrax(world)
        win(world, records.FIRST_DEAL, "2023-12-15T18:00:00")
        for month in s1.MONTHS:
            start = at(f"{month.period}-01")
            if month.period == "2024-12":
                world.move(at("2024-12-18T12:00:00"))
                world.load(records.signed(world.now, at("2023-12-14T18:00:00")))
                win(world, records.UPSELL, "2024-12-20T16:00:00")
            if month.period == "2026-12":
                world.move(at("2026-12-09T09:00:00"))
                world.load(records.renewal())
                win(world, records.renewal_deal(), "2026-12-10T15:00:00")
            use(world, "storage", start.replace(day=21), month.storage_gb, records.ACCOUNT)
            use(world, "analysis", start.replace(day=22), month.analysis_h, records.ACCOUNT)
            bill_month(world, start)
        world.sync()
        yield world


def _month(world: World, start: datetime) -> Invoice:
    return next(invoice for invoice in invoices(world) if invoice.start == start)


@pytest.mark.parametrize("month", s1.MONTHS, ids=lambda m: m.period)
def test_every_month_is_billed_to_the_cent(month: s1.Month, told: World) -> None:
    invoice = _month(told, at(f"{month.period}-01"))
    gross = {"Storage": D(0), "Analysis": D(0)}
    applied = D(0)
    for line in invoice.lines:
        if line.type is LineType.USAGE:
            gross[line.name] += line.total / 100
        else:
            applied -= line.total / 100

    assert gross == {"Storage": month.storage, "Analysis": month.analysis}
    assert applied == sum(month.applied.values(), D(0))
    assert invoice.total / 100 == month.total


def test_scheduled_invoices_finalize_on_their_date(told: World) -> None:
    scheduled = invoices(told, InvoiceType.SCHEDULED)

    assert {i.issued_at.date().isoformat(): i.total / 100 for i in scheduled} == s1.SCHEDULED


@pytest.mark.parametrize(("key", "expected"), [("C1", s1.LEDGER_A), ("C2", s1.LEDGER_B)])
def test_ledgers_read_as_published(
    key: str, expected: list[tuple[str, str, Decimal]], told: World
) -> None:
    contract = next(c for c in _contracts(told) if c.followed_by is not None)
    opportunity = {"C1": records.FIRST_DEAL, "C2": records.UPSELL}[key]
    commit = next(
        c for c in contract.commits if c.source and c.source.opportunity_id == opportunity
    )
    entries = told.app.engine.ledger(commit.id)

    assert [
        (e.timestamp.date().isoformat(), str(e.type), e.amount / 100) for e in entries
    ] == expected


def _contracts(world: World) -> tuple:  # type: ignore[type-arg]
    customer = world.app.engine.customer_of_account(records.ACCOUNT)
    assert customer is not None
    return world.app.engine.contracts(customer.id)


def test_salesforce_shows_what_billing_holds(told: World) -> None:
    customer = one(
        told,
        "SELECT Name, Account__c, Balance_Total__c, Spend_Last_Month__c FROM Meter_Customer__c",
    )
    commits = {
        (row["Access_Amount__c"], row["Used__c"], row["Balance__c"])
        for row in told.rows("SELECT Access_Amount__c, Used__c, Balance__c FROM Meter_Commit__c")
    }

    assert (customer["Name"], customer["Account__c"]) == ("Northwind Analytics", records.ACCOUNT)
    assert (customer["Balance_Total__c"], customer["Spend_Last_Month__c"]) == (D(597860), D(50275))
    assert commits == {
        (D(500000), D(451865), D(0)),
        (D(300000), D(300000), D(0)),
        (D("48135"), D("48135"), D(0)),
        (D(600000), D(2140), D(597860)),
    }


@pytest.mark.parametrize("month", s1.MONTHS, ids=lambda m: m.period)
def test_spend_rows_in_salesforce_match_the_invoices(month: s1.Month, told: World) -> None:
    rows = {
        row["Product_Name__c"]: row
        for row in told.rows(
            "SELECT Product_Name__c, Quantity__c, Net_Amount__c, Overage__c, Is_Final__c"
            f" FROM Meter_Spend__c WHERE Period_Start__c = {month.period}-01"
        )
    }

    assert {name: (row["Quantity__c"], row["Net_Amount__c"]) for name, row in rows.items()} == {
        "Storage": (month.storage_gb, month.storage),
        "Analysis": (month.analysis_h, month.analysis),
    }
    assert sum((row["Overage__c"] for row in rows.values()), D(0)) == month.total
    assert all(row["Is_Final__c"] for row in rows.values())


def test_crm_and_billing_agree_to_the_cent(told: World) -> None:
    app = told.app
    deals = crm_values(app.store, lambda d: worth_of(app.mappings.in_force(d.record), d))
    report = reconcile.report(pictures(app.engine, told.now), deals, told.now)
    (side,) = report.tables[0].rows

    assert side[:4] == ("USD", D(1405000), D(1405000), D(0))
    assert not report.has_exceptions


def test_a_line_explains_itself_back_to_the_quote_line(told: World) -> None:
    invoice = _month(told, at("2024-11-01"))
    number = next(n for n, x in enumerate(invoice.lines, start=1) if x.commit_id is not None)
    causes = {cause.kind: cause for cause in told.app.engine.explain(invoice.id, number).causes}
    source = causes["commit"].source

    assert source is not None
    assert source.opportunity_id == records.FIRST_DEAL
    assert "a0kHs000000014xIAA" in source.line_ids
    assert source.rule == "commit"
    assert "cpq.yaml:" in source.place


def test_the_same_again_writes_nothing_anywhere_g4(told: World) -> None:
    before = told.app.engine.content_hash()
    stamps = told.rows("SELECT Id, SystemModstamp FROM Meter_Spend__c")
    reports = told.sync()

    assert sum(report.done for report in reports) == 0
    assert told.app.engine.content_hash() == before
    assert told.rows("SELECT Id, SystemModstamp FROM Meter_Spend__c") == stamps


def test_every_deal_seen_is_provisioned_parked_or_excluded_g2(told: World) -> None:
    counts = told.app.store.deals.check()

    assert (counts.seen, counts.provisioned) == (3, 3)
