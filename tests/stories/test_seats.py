"""Seats and a monthly credit through the whole line: sold in CPQ, amended, billed to the cent."""

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from closedwon.billing.invoices.types import Invoice, InvoiceType, LineType
from closedwon.cli.demo.world import World, opened
from closedwon.deals.mapping.worth import worth_of
from closedwon.finance.reconcile import DealState
from closedwon.reports.crm_side import crm_values
from closedwon.wiring import share
from closedwon.wiring.catalog import load_catalog, read_catalog
from stories.cpq import Quoted, amended, line, product, quoted
from stories.kit import at, bill_month, create, invoices, use, win

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("seats")]
D = Decimal
START, END = "2024-11-01", "2025-10-31"
CREDIT = """
  - id: monthly-credit
    for: lines
    when: AND(Deal_Term_Type__c = "Credit", SBQQ__BillingFrequency__c = "Monthly")
    recurring_credit:
      product: Product_Key
      name: Title
      amount: SBQQ__ListPrice__c
      start: Starts_On
      end: Ends_On
      frequency: {table: billing_frequencies, key: Billed_Every}
      tags: Applicable_Tags__c

  - id: credit
"""


def mapping_with_credit(folder: Path) -> Path:
    """The shipped mapping with one rule more, as an admin would write it."""
    shutil.copytree(share() / "mappings", folder)
    path = folder / "cpq.yaml"
    path.write_text(path.read_text().replace("\n  - id: credit\n", CREDIT, 1))
    return path


class Told:
    """The world after the story, and what was entered in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        path = Path(__file__).parent / "catalog.seats.yaml"
        load_catalog(world.app.engine, read_catalog(path), world.now)
        self.account = create(world, "Account", Name="Seated")
        self.seats = product(world, "SEATS", "Seats")
        self.credit = product(world, "CREDIT", "Monthly credit")
        self.signed = quoted(
            world,
            self.account,
            "Seated",
            quote={"SBQQ__StartDate__c": START, "SBQQ__EndDate__c": END},
            lines=[
                self.seat_line(10, 360, START),
                line(
                    self.credit,
                    START,
                    END,
                    Deal_Term_Type__c="Credit",
                    SBQQ__ListPrice__c=50,
                    SBQQ__NetPrice__c=0,
                    SBQQ__BillingFrequency__c="Monthly",
                    Applicable_Tags__c="api",
                ),
            ],
        )

    def seat_line(self, seats: int, each: int, start: str, **fields: object) -> dict[str, object]:
        """Seats at ``each`` dollars for the rest of the year."""
        sold = {
            "SBQQ__Quantity__c": seats,
            "SBQQ__NetPrice__c": each,
            "Deal_Term_Type__c": "Subscription",
            "Billing_Product_Id__c": "seats",
            "SBQQ__ChargeType__c": "Recurring",
            "SBQQ__SubscriptionPricing__c": "Fixed Price",
            "SBQQ__BillingFrequency__c": "Monthly",
            "SBQQ__BillingType__c": "Advance",
        }
        return line(self.seats, start, END, **{**sold, **fields})

    def amend(self) -> Quoted:
        """Five more seats from February on, nine months for 270 dollars each."""
        contract = create(self.world, "Contract", **amended(self.account, self.signed, START))
        return quoted(
            self.world,
            self.account,
            "Seated - more",
            quote={
                "SBQQ__Type__c": "Amendment",
                "SBQQ__StartDate__c": "2025-02-01",
                "SBQQ__EndDate__c": END,
            },
            lines=[self.seat_line(5, 270, "2025-02-01")],
            opportunity={"SBQQ__AmendedContract__c": contract},
        )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("seats")
    mapping = mapping_with_credit(folder / "mappings")
    with opened(folder / "state", at("2024-10-15T09:00:00")) as world:
        world.settings = world.settings.model_copy(update={"mapping": mapping})
        world.app.close()
        world.reopened()
        story = Told(world)
        win(world, story.signed.opportunity_id, "2024-10-28T15:00:00")
        for number, month in enumerate(("2024-11", "2024-12", "2025-01", "2025-02")):
            if month == "2025-01":
                win(world, story.amend().opportunity_id, "2025-01-05T15:00:00")
            use(world, "call", at(f"{month}-10"), D(2000 + 1000 * number), story.account)
            bill_month(world, at(f"{month}-01"))
        world.sync()
        yield story


def _seats(found: list[Invoice]) -> list[tuple[str, Decimal]]:
    """Seat lines by the day their period begins."""
    lines = [
        line for invoice in found for line in invoice.lines if line.subscription_id is not None
    ]
    dated = sorted(
        (line for line in lines if line.starting_at), key=lambda one: str(one.starting_at)
    )
    return [(f"{one.starting_at:%Y-%m-%d}", one.total) for one in dated]


def test_r216_r224_seats_are_billed_in_advance_and_more_of_them_from_february(told: Told) -> None:
    found = [*invoices(told.world, InvoiceType.SCHEDULED), *invoices(told.world)]

    assert _seats(found) == [
        ("2024-11-01", D(30_000)),
        ("2024-12-01", D(30_000)),
        ("2025-01-01", D(30_000)),
        ("2025-02-01", D(45_000)),
        ("2025-03-01", D(45_000)),
    ]


def test_r201_the_monthly_credit_pays_for_calls_until_it_is_used_up(told: Told) -> None:
    paid = [
        (
            f"{invoice.start:%Y-%m}",
            sum(one.total for one in invoice.lines if one.type is LineType.USAGE),
            sum(one.total for one in invoice.lines if one.type is LineType.APPLIED),
        )
        for invoice in invoices(told.world)
        if invoice.start is not None
    ]

    assert paid == [
        ("2024-11", D(4000), D(-4000)),
        ("2024-12", D(6000), D(-5000)),
        ("2025-01", D(8000), D(-5000)),
        ("2025-02", D(10_000), D(-5000)),
    ]


def test_g4_nothing_changes_when_the_deals_are_read_again(told: Told) -> None:
    app = told.world.app
    ids = sorted({str(row.contract_id) for row in app.store.deals.all()})
    before = [app.engine.digest(contract_id) for contract_id in ids]
    told.world.change("Opportunity", told.signed.opportunity_id, Description="looked at")
    told.world.sync()

    assert len(ids) == 1
    assert [app.engine.digest(contract_id) for contract_id in ids] == before
    assert [row.code for row in app.store.parked.open()] == []


def test_the_crm_and_billing_agree_about_what_seats_are_worth(told: Told) -> None:
    app = told.world.app
    deals = list(
        crm_values(app.store, lambda deal: worth_of(app.mappings.in_force(deal.record), deal))
    )

    assert {deal.state for deal in deals} == {DealState.PROVISIONED}
    assert sorted(deal.worth for deal in deals) == [D(135_000), D(360_000)]
    assert sorted(deal.terms_value or D(0) for deal in deals) == [D(135_000), D(360_000)]
