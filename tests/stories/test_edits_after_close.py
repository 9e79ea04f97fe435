"""A change of one closed deal is held, shown and released; nobody else's billing moves."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from closedwon.billing.contracts.edits import Revise
from closedwon.billing.contracts.state import Contract
from closedwon.cli.demo.world import World, opened
from closedwon.devorg.org import Org
from closedwon.store.database import writing
from closedwon.store.line.release import release
from stories.cpq import Quoted, commit_line, fee_line, product, quoted
from stories.kit import at, create, one, open_widgets

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("edits")]
D = Decimal
START, END = "2025-01-01", "2025-12-31"
NAMES = ("Acme", "Brill", "Cargo", "Delta", "Echo", "Foxtrot")
METER = ("Customer", "Contract", "Commit", "Commit_Period", "Spend")


class Town:
    """Customers with a commit of 10,000 dollars and a quarterly fee each, all provisioned."""

    def __init__(self, world: World) -> None:
        self.world = world
        open_widgets(world)
        commit = product(world, "CLOUD-COMMIT", "Cloud Commit")
        self.fee = product(world, "PLATFORM", "Platform Charge")
        self.accounts = {name: create(world, "Account", Name=name) for name in NAMES}
        self.deals: dict[str, Quoted] = {
            name: quoted(
                world,
                account,
                f"{name} 2025",
                quote={"SBQQ__StartDate__c": START, "SBQQ__EndDate__c": END},
                lines=[
                    commit_line(commit, 10_000, START, END, Applicable_Tags__c="cloud"),
                    fee_line(self.fee, 4_000, "Quarterly", START, END),
                ],
            )
            for name, account in self.accounts.items()
        }
        for deal in self.deals.values():
            world.change("Opportunity", deal.opportunity_id, StageName="Closed Won")
        world.sync()

    def contract(self, name: str) -> Contract:
        """The one contract of a customer."""
        engine = self.world.app.engine
        customer = engine.customer_of_account(self.accounts[name])
        assert customer is not None
        (contract,) = engine.contracts(customer.id)
        return contract

    def everything_but(self, name: str) -> tuple[Any, ...]:
        """Billing and Meter rows of all other customers, stamps included."""
        engine = self.world.app.engine
        others = sorted(set(NAMES) - {name})
        contracts = {other: self.contract(other) for other in others}
        bills = [engine.bill(c.customer_id, self.world.now) for c in contracts.values()]
        mine = self.contract(name)
        keys = {mine.id, mine.customer_id, *(commit.id for commit in mine.commits)}
        rows = [
            row
            for kind in METER
            for row in self.world.rows(f"SELECT Key__c, SystemModstamp FROM Meter_{kind}__c")
            if not any(key in row["Key__c"] for key in keys)
        ]
        return [engine.digest(c.id) for c in contracts.values()], bills, rows

    def sync_record(self, name: str) -> dict[str, Any]:
        """What Salesforce shows about a deal."""
        key = f"sandbox:Opportunity:{self.deals[name].opportunity_id}"
        return dict(
            one(
                self.world,
                "SELECT Id, Stage__c, Severity__c, Message__c, Mapped_Preview__c, Opportunity__c"
                f" FROM Meter_Sync_Record__c WHERE Key__c = '{key}'",
            )
        )

    def codes(self, name: str) -> list[str]:
        """Why a deal is parked."""
        store = self.world.app.store
        return [row.code for row in store.parked.open(self.deals[name].opportunity_id)]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with opened(tmp_path_factory.mktemp("edits"), at("2024-12-10T09:00:00")) as world:
        yield Town(world)


def test_everyone_starts_provisioned(town: Town) -> None:
    assert {town.sync_record(name)["Stage__c"] for name in NAMES} == {"Provisioned"}
    assert len(town.world.rows("SELECT Id FROM Meter_Commit__c")) == len(NAMES)


def test_an_edited_line_is_held_with_the_difference_and_released_as_one_revision(
    town: Town,
) -> None:
    world, before, rest = town.world, town.contract("Acme"), town.everything_but("Acme")
    deal = town.deals["Acme"]
    world.change("SBQQ__QuoteLine__c", deal.line_ids[0], SBQQ__Quantity__c=12_500)
    world.sync()

    assert town.codes("Acme") == ["edited_after_close"]
    assert town.contract("Acme") == before
    row = town.sync_record("Acme")
    assert row["Stage__c"] == "Ready For Review"
    assert "terms 1 changed" in row["Message__c"]
    assert "1250000" in row["Mapped_Preview__c"]

    world.change("Meter_Sync_Record__c", row["Id"], Retry__c=True)
    world.sync()

    contract = town.contract("Acme")
    changes = [edit.change for edit in world.app.engine.edits(contract.id)]
    (commit,) = contract.commits
    assert isinstance(changes[-1], Revise)
    assert len(changes) == 2
    assert (commit.access_total, commit.cost_total) == (D(1_250_000), D(1_250_000))
    assert contract.charges == before.charges
    assert town.sync_record("Acme")["Stage__c"] == "Provisioned"
    assert town.everything_but("Acme") == rest


def test_undoing_an_edit_lets_the_deal_go_as_if_nothing_had_been(town: Town) -> None:
    world, before, rest = town.world, town.contract("Brill"), town.everything_but("Brill")
    line = town.deals["Brill"].line_ids[1]
    world.change("SBQQ__QuoteLine__c", line, SBQQ__NetPrice__c=8_000)
    world.sync()
    assert town.codes("Brill") == ["edited_after_close"]

    world.change("SBQQ__QuoteLine__c", line, SBQQ__NetPrice__c=4_000)
    world.sync()

    assert town.codes("Brill") == []
    assert town.contract("Brill") == before
    assert town.sync_record("Brill")["Stage__c"] == "Provisioned"
    assert town.everything_but("Brill") == rest


def test_a_line_added_and_one_removed_are_one_held_plan(town: Town) -> None:
    world, rest = town.world, town.everything_but("Cargo")
    deal = town.deals["Cargo"]
    more = fee_line(town.fee, 1_200, "Annual", START, END)
    create(world, "SBQQ__QuoteLine__c", SBQQ__Quote__c=deal.quote_id, **more)
    world.org.delete("SBQQ__QuoteLine__c", deal.line_ids[1], Org.admin_id)
    world.sync()
    assert "terms 1 added, 1 removed" in town.sync_record("Cargo")["Message__c"]

    with writing(world.app.db):
        release(world.app.store, deal.opportunity_id, "rita", world.now)
    world.sync()

    live = [charge for charge in town.contract("Cargo").charges if charge.archived_at is None]
    assert [[item.amount for item in charge.items] for charge in live] == [[D(120_000)]]
    assert town.codes("Cargo") == []
    assert town.everything_but("Cargo") == rest


def test_an_unwon_deal_is_suspended_where_sales_sees_it_and_goes_on_when_won_again(
    town: Town,
) -> None:
    world, before, rest = town.world, town.contract("Delta"), town.everything_but("Delta")
    deal = town.deals["Delta"].opportunity_id
    world.change("Opportunity", deal, StageName="Negotiation/Review")
    world.sync()

    row = town.sync_record("Delta")
    assert (row["Stage__c"], row["Severity__c"]) == ("Suspended", "Error")
    assert "no longer won" in row["Message__c"]
    assert town.contract("Delta") == before

    world.change("Opportunity", deal, StageName="Closed Won")
    world.sync()

    row = town.sync_record("Delta")
    assert (row["Stage__c"], row["Message__c"]) == ("Provisioned", None)
    assert town.contract("Delta") == before
    assert town.everything_but("Delta") == rest


def test_a_deleted_deal_keeps_billing_and_comes_back_by_its_id(town: Town) -> None:
    world, before, rest = town.world, town.contract("Echo"), town.everything_but("Echo")
    deal = town.deals["Echo"].opportunity_id
    world.org.delete("Opportunity", deal, Org.admin_id)
    world.sync()

    row = town.sync_record("Echo")
    assert (row["Stage__c"], row["Opportunity__c"]) == ("Suspended", None)
    assert "was deleted" in row["Message__c"]
    assert town.contract("Echo") == before

    world.org.undelete("Opportunity", deal, Org.admin_id)
    world.sync()

    row = town.sync_record("Echo")
    assert (row["Stage__c"], row["Opportunity__c"]) == ("Provisioned", deal)
    assert town.contract("Echo") == before
    assert town.everything_but("Echo") == rest


def test_a_second_look_at_all_of_it_writes_nothing(town: Town) -> None:
    before = town.world.app.engine.content_hash()

    reports = town.world.sync()

    assert sum(report.done + report.parked for report in reports) == 0
    assert town.world.app.engine.content_hash() == before
    assert town.world.app.store.deals.check().provisioned == len(NAMES)
