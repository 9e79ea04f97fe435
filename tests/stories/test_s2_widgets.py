"""S2 through the whole line: entered as a CPQ user enters it, billed and shown to the cent."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from closedwon.billing.invoices.types import Invoice, InvoiceType, LineType
from closedwon.cli.demo.world import World, opened
from golden import s2
from stories.cpq import amended, commit_line, discount_line, fee_line, product, quoted
from stories.kit import at, bill_month, create, invoices, one, open_widgets, use, win

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("s2")]
D = Decimal
START, COMMIT_END, QUOTE_END = "2024-11-01", "2025-10-31", "2026-10-31"


class Told:
    """The world after the story, and what was entered in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        open_widgets(world)
        self.account = create(world, "Account", Name="WidgetsExpress")
        self.cloud = product(world, "CLOUD-COMMIT", "Cloud Commit")
        self.fee = product(world, "PLATFORM", "Platform Charge")
        self.discount = product(world, "RATE-DISC", "Rate discount")
        self.signed = quoted(
            world,
            self.account,
            "WidgetsExpress",
            quote={"SBQQ__StartDate__c": START, "SBQQ__EndDate__c": QUOTE_END},
            lines=[
                commit_line(self.cloud, 10_000, START, COMMIT_END, Applicable_Tags__c="cloud"),
                fee_line(self.fee, 4_000, "Quarterly", START, COMMIT_END),
            ],
        )
        create(
            world,
            "Payment_Installment__c",
            Quote__c=self.signed.quote_id,
            Quote_Line__c=self.signed.line_ids[0],
            Due_Date__c=START,
            Amount__c=10_000,
        )

    def amend(self) -> None:
        """Five percent off everything in the cloud, from the first day on."""
        contract = create(self.world, "Contract", **amended(self.account, self.signed, START))
        self.amendment = quoted(
            self.world,
            self.account,
            "WidgetsExpress - discount",
            quote={
                "SBQQ__Type__c": "Amendment",
                "SBQQ__StartDate__c": START,
                "SBQQ__EndDate__c": QUOTE_END,
            },
            lines=[discount_line(self.discount, 5, "cloud", START, QUOTE_END)],
            opportunity={"SBQQ__AmendedContract__c": contract},
        )

    def month(self, period: str) -> Invoice:
        """The usage invoice of a month."""
        start = at(f"{period}-01")
        return next(invoice for invoice in invoices(self.world) if invoice.start == start)

    def use(self, name: str, day: str, quantity: Decimal) -> None:
        """Usage sent under the Salesforce account id."""
        use(self.world, name, at(day), quantity, self.account)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with opened(tmp_path_factory.mktemp("s2"), at("2024-10-15T09:00:00")) as world:
        story = Told(world)
        win(world, story.signed.opportunity_id, "2024-10-28T15:00:00")
        world.move(at("2024-11-03T10:00:00"))
        story.amend()
        win(world, story.amendment.opportunity_id, "2024-11-04T15:00:00")
        for month in s2.MONTHS:
            story.use("compute", f"{month.period}-05", month.compute_h)
            story.use("egress", f"{month.period}-14", month.egress_gb)
            story.use("support", f"{month.period}-25", month.support_n)
            bill_month(world, at(f"{month.period}-01"))
        story.use("compute", "2025-11-05", D(100))
        bill_month(world, at("2025-11-01"))
        world.sync()
        yield story


def _gross(invoice: Invoice) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for line in invoice.lines:
        name = line.name if line.type is LineType.USAGE else "commit"
        found[name] = found.get(name, D(0)) + line.total / 100
    return found


@pytest.mark.parametrize("month", s2.MONTHS, ids=lambda m: m.period)
def test_every_month_is_billed_to_the_cent(month: s2.Month, told: Told) -> None:
    invoice = told.month(month.period)

    assert _gross(invoice) == {
        "Cloud Compute": month.compute,
        "Cloud Egress": month.egress,
        "Support Session": month.support,
        "commit": -month.applied,
    }
    assert invoice.total / 100 == month.total


def test_commit_and_fee_of_one_day_share_an_invoice_r149(told: Told) -> None:
    scheduled = invoices(told.world, InvoiceType.SCHEDULED)

    assert {i.issued_at.date().isoformat(): i.total / 100 for i in scheduled} == s2.SCHEDULED
    assert [line.total for line in scheduled[0].lines] == [D(1_000_000), D(100_000)]


def test_the_discount_goes_on_when_the_commit_is_used_up(told: Told) -> None:
    november = told.month("2025-11")

    assert {name: gross for name, gross in _gross(november).items() if gross} == {
        "Cloud Compute": D("38.00")
    }
    assert november.total == D(3800)


@pytest.mark.parametrize("month", s2.MONTHS, ids=lambda m: m.period)
def test_spend_rows_show_what_the_commit_paid_and_what_did_not(month: s2.Month, told: Told) -> None:
    rows = {
        row["Product_Name__c"]: row
        for row in told.world.rows(
            "SELECT Product_Name__c, List_Amount__c, Net_Amount__c, Covered_By_Commit__c"
            f" FROM Meter_Spend__c WHERE Period_Start__c = {month.period}-01"
        )
    }
    net = {name: row["Net_Amount__c"] for name, row in rows.items()}
    covered = {name: row["Covered_By_Commit__c"] for name, row in rows.items()}

    assert net == {
        "Cloud Compute": month.compute,
        "Cloud Egress": month.egress,
        "Support Session": month.support,
    }
    assert rows["Cloud Compute"]["List_Amount__c"] == month.compute_h * D("0.40")
    assert covered["Cloud Compute"] + covered["Cloud Egress"] == month.applied
    assert covered["Support Session"] == 0


def test_the_account_shows_the_commit_used_to_the_last_cent(told: Told) -> None:
    commit = one(
        told.world,
        "SELECT Type__c, Access_Amount__c, Used__c, Expired__c, Balance__c, Opportunity__c"
        " FROM Meter_Commit__c",
    )
    stages = {
        row["Opportunity__c"]: row["Stage__c"]
        for row in told.world.rows("SELECT Opportunity__c, Stage__c FROM Meter_Sync_Record__c")
    }

    assert (commit["Type__c"], commit["Access_Amount__c"]) == ("Prepaid", D(10_000))
    assert (commit["Used__c"], commit["Expired__c"]) == (D(10_000), D(0))
    assert (commit["Balance__c"], commit["Opportunity__c"]) == (D(0), told.signed.opportunity_id)
    assert stages == {
        told.signed.opportunity_id: "Provisioned",
        told.amendment.opportunity_id: "Amended",
    }


def test_the_amendment_is_one_edit_that_names_its_quote_line(told: Told) -> None:
    customer = told.world.app.engine.customer_of_account(told.account)
    assert customer is not None
    (contract,) = told.world.app.engine.contracts(customer.id)
    (override,) = contract.overrides
    source = override.source
    assert source is not None

    assert len(told.world.app.engine.edits(contract.id)) == 2
    assert source.opportunity_id == told.amendment.opportunity_id
    assert source.line_ids == told.amendment.line_ids
    assert override.window.start == at(START)
