"""The reports over S1, whose every figure is published."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from msgspec.structs import replace

from billing.test_s1_infrax import infrax
from billing.world import at
from closedwon.billing.contracts.source import Source
from closedwon.finance.figures.picture import Picture
from closedwon.finance.reconcile import CrmValue, DealState
from closedwon.reports import balances, invoices, reconcile, spend
from closedwon.reports.table import Cell, Table
from golden import s1

D = Decimal
NOW = at("2027-02-02")


@pytest.fixture(scope="module")
def picture() -> Picture:
    world = infrax()
    world.finalize("2027-02-02")
    bill = world.bill("2027-02-02")
    return Picture(
        account=world.account, bill=bill, catalog=world.catalog, now=NOW, environment="test"
    )


def column(table: Table, name: str) -> Sequence[Cell]:
    at_column = [c.name for c in table.columns].index(name)
    return [row[at_column] for row in table.rows]


def test_spend_by_product_sums_the_published_months(picture: Picture) -> None:
    by_product, by_period = spend.report([picture], NOW).tables
    analysis = sum((month.analysis for month in s1.MONTHS), D(0))
    storage = sum((month.storage for month in s1.MONTHS), D(0))

    assert column(by_product, "net") == [analysis, storage]
    assert column(by_product, "overage") == [D("5509.00"), D("5092.20")]
    assert len(by_period.rows) == 2 * (len(s1.MONTHS) + 1)
    assert column(by_product, "discount %") == [D("14.1"), D("19.3")]


def test_every_balance_row_adds_up(picture: Picture) -> None:
    (table,) = balances.report([picture], NOW).tables

    for row in table.rows:
        granted, *gone, adjusted, remaining = (D(str(cell)) for cell in row[6:13])
        assert granted + adjusted == sum(gone, D(0)) + remaining
    assert column(table, "remaining")[-2:] == [D(597860), D(0)]


def test_invoices_total_what_was_paid_in_cash(picture: Picture) -> None:
    totals, every = invoices.report([picture], NOW).tables
    finalized = dict(zip(column(totals, "status"), column(totals, "total"), strict=True))

    # 805,000.00 scheduled + 10,601.20 overage to the end of 2026, then the renewal's 600,000.
    assert finalized["finalized"] == D("1415601.20")
    assert column(every, "issued") == sorted(column(every, "issued"))  # type: ignore[type-var]


def _with_source(picture: Picture, opportunity_id: str) -> Picture:
    source = Source(opportunity_id=opportunity_id)
    contracts = tuple(
        replace(
            contract,
            commits=tuple(replace(c, source=source) for c in contract.commits),
            charges=tuple(replace(c, source=source) for c in contract.charges),
        )
        for contract in picture.account.contracts
    )
    return replace(picture, account=replace(picture.account, contracts=contracts))


def deal(**more: object) -> CrmValue:
    fields = {
        "opportunity_id": "006",
        "name": "A deal",
        "state": DealState.PROVISIONED,
        "currency": "USD",
        "worth": D(140_500_000),
        "terms_value": D(140_500_000),
    }
    return CrmValue(**{**fields, **more})  # type: ignore[arg-type]


def test_what_agrees_has_no_exceptions(picture: Picture) -> None:
    report = reconcile.report([_with_source(picture, "006")], [deal()], NOW)

    assert not report.has_exceptions
    assert report.tables[0].rows == (("USD", D(1405000), D(1405000), D(0), D(0), D(0), 1),)
    assert report.tables[3].rows == (("Customer", "USD", D(1405000), D(1405000), D(0), D(0)),)


def test_differences_are_classed_largest_first_and_sum_to_the_gap(picture: Picture) -> None:
    deals = [
        deal(worth=D(140_600_000)),
        deal(opportunity_id="007", state=DealState.PARKED, worth=D(5_000), terms_value=None),
    ]
    report = reconcile.report([_with_source(picture, "006")], deals, NOW)
    sides, classes, differences, _ = report.tables

    assert report.has_exceptions
    assert column(sides, "unexplained") == [D(0)]
    assert sum(column(classes, "amount"), D(0)) == column(sides, "difference")[0]  # type: ignore[arg-type]
    assert column(differences, "amount") == [D(1000), D(50)]
