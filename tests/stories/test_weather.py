"""Salesforce on its bad days: nothing is doubled, nothing is lost, nobody else is held up."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from closedwon.cli.demo.world import World, opened
from closedwon.devorg.http import Fault
from closedwon.devorg.org import Org
from closedwon.kernel.errors import LimitReached, RetryLater
from stories.cpq import product, sold
from stories.kit import at, open_widgets, use

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("weather")]
START, END = "2025-01-01", "2025-12-31"
METER = ("Customer", "Contract", "Commit", "Commit_Period", "Spend", "Sync_Record")
UPSERTS = "*/composite/sobjects/*"
Sell = Callable[[str], tuple[str, str]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("weather"), at("2025-01-10T09:00:00")) as opened_world:
        open_widgets(opened_world)
        opened_world.sync()
        yield opened_world


@pytest.fixture(scope="module")
def sell(world: World) -> Sell:
    """Sells to a new account; returns its id and the opportunity's."""
    commit = product(world, "CLOUD-COMMIT", "Cloud Commit")

    def selling(name: str) -> tuple[str, str]:
        account, deal = sold(world, name, commit, START, END)
        return account, deal.opportunity_id

    return selling


@pytest.fixture(autouse=True)
def calm_afterwards(world: World) -> Iterator[None]:
    yield
    world.faults.clear()
    world.sync()
    assert_all_is_well(world)


def assert_all_is_well(world: World) -> None:
    """Every deal provisioned, every row in Salesforce once, and a further run writes nothing."""
    counts = world.app.store.deals.check()
    assert counts.seen == counts.provisioned
    assert world.app.store.pushes.count_waiting() == 0
    assert world.app.store.parked.open() == ()
    for kind in METER:
        keys = [row["Key__c"] for row in world.rows(f"SELECT Key__c FROM Meter_{kind}__c")]
        assert len(keys) == len(set(keys))
    customers = world.rows("SELECT Account__c FROM Meter_Customer__c")
    assert len(customers) == len({row["Account__c"] for row in customers}) == counts.seen
    assert sum(report.done for report in world.sync()) == 0


def key_of(world: World, account: str) -> str:
    """Key__c of the account's Meter_Commit__c, whether or not Salesforce has it."""
    customer = world.app.engine.customer_of_account(account)
    assert customer is not None
    (contract,) = world.app.engine.contracts(customer.id)
    return f"sandbox:{contract.commits[0].id}"


def test_a_connection_cut_after_salesforce_wrote_makes_no_second_row_g1(
    world: World, sell: Sell
) -> None:
    sell("Cut After")
    world.faults.plan(Fault(kind="drop_after", method="PATCH", path=UPSERTS, times=7))

    with pytest.raises(RetryLater):
        world.sync()
    written = len(world.rows("SELECT Id FROM Meter_Customer__c"))
    reports = {report.step: report for report in world.sync()}

    assert written == len(world.rows("SELECT Id FROM Meter_Customer__c")) == 1
    assert any("sent again after an unknown outcome" in note for note in reports["push"].notes)
    assert world.faults.planned() == ()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="answer", status=503, times=3),
        Fault(kind="answer", status=503, page="<html>maintenance</html>", times=3),
        Fault(kind="drop_before", method="PATCH", times=3),
        Fault(kind="expire_sessions", path="*/query*"),
        Fault(kind="expire_sessions", method="PATCH", path=UPSERTS),
    ],
    ids=["503", "maintenance page", "cut before", "session ends reading", "session ends writing"],
)
def test_passing_weather_is_nobodys_business(world: World, sell: Sell, fault: Fault) -> None:
    account, _ = sell(f"Weather {fault.kind} {fault.path} {fault.method} {bool(fault.page)}")
    world.faults.plan(fault)

    world.sync()

    assert len(world.rows(f"SELECT Id FROM Meter_Customer__c WHERE Account__c = '{account}'")) == 1
    assert world.faults.planned() == ()


def test_a_session_that_ends_while_deals_are_read_loses_none(world: World, sell: Sell) -> None:
    deals = [sell(f"Page {number}")[1] for number in range(12)]
    world.faults.plan(Fault(kind="answer", path="*/composite", times=2))
    world.faults.plan(Fault(kind="expire_sessions", path="*/composite"))

    world.sync()

    assert world.faults.planned() == ()
    stages = world.rows("SELECT Opportunity__c, Stage__c FROM Meter_Sync_Record__c")
    provisioned = {r["Opportunity__c"] for r in stages if r["Stage__c"] == "Provisioned"}
    assert set(deals) <= provisioned


def test_salesforce_away_for_long_stops_reading_but_not_billing(world: World, sell: Sell) -> None:
    account, _ = sell("Away")
    world.sync()
    use(world, "support", world.now, "2", account)
    world.faults.plan(Fault(kind="answer", times=1000))

    with pytest.raises(RetryLater):
        world.sync()
    assert "away" in str(world.app.store.runs.last()["push"])

    world.faults.clear()
    world.sync()
    (row,) = world.rows(
        f"SELECT Net_Amount__c FROM Meter_Spend__c WHERE Customer__r.Account__c = '{account}'"
    )
    assert row["Net_Amount__c"] == 30


def test_a_locked_row_waits_and_its_neighbours_do_not(world: World, sell: Sell) -> None:
    locked, free = sell("Locked")[0], sell("Free")[0]
    world.move(world.now + timedelta(minutes=5))
    for step in (*world.app.inbound, world.app.figures):
        step.run(world.now)
    key = key_of(world, locked)
    world.faults.lock_row(key, times=50)

    report = world.app.outbound[-1].run(world.now)

    assert report.parked == 0
    assert report.waiting >= 1
    there = {row["Key__c"] for row in world.rows("SELECT Key__c FROM Meter_Commit__c")}
    assert key_of(world, free) in there
    assert key not in there
    world.faults.clear()
    world.sync()
    there = {row["Key__c"] for row in world.rows("SELECT Key__c FROM Meter_Commit__c")}
    assert key in there


def test_a_spent_api_limit_stops_the_run_and_the_next_one_goes_on(world: World, sell: Sell) -> None:
    account, deal = sell("Limited")
    limit = Fault(
        kind="answer",
        method="PATCH",
        path=UPSERTS,
        status=403,
        code="REQUEST_LIMIT_EXCEEDED",
        message="TotalRequests Limit exceeded.",
    )
    world.faults.plan(limit)

    with pytest.raises(LimitReached):
        world.sync()
    assert world.app.store.deals.get(deal).outcome == "provisioned"
    assert world.rows(f"SELECT Id FROM Meter_Customer__c WHERE Account__c = '{account}'") == []

    with pytest.raises(LimitReached, match="next_look"):
        world.sync()
    world.move(world.now + timedelta(hours=1))
    world.sync()
    assert len(world.rows(f"SELECT Id FROM Meter_Customer__c WHERE Account__c = '{account}'")) == 1


def test_a_row_salesforce_refuses_is_parked_alone_and_sent_when_it_is_put_right(
    world: World, sell: Sell
) -> None:
    refused, fine = sell("Refused")[0], sell("Fine")[0]
    world.move(world.now + timedelta(minutes=5))
    for step in (*world.app.inbound, world.app.figures):
        step.run(world.now)
    world.org.delete("Account", refused, Org.admin_id)

    reports = {report.step: report for report in world.sync()}

    (parked,) = (p for p in world.app.store.parked.open() if p.step == "push")
    assert reports["push"].parked == 1
    assert parked.code == "push_invalid_cross_reference_key"
    assert parked.field == "Account__c"
    assert "Correct the field" in parked.fix
    assert world.rows(f"SELECT Id FROM Meter_Customer__c WHERE Account__c = '{refused}'") == []
    assert len(world.rows(f"SELECT Id FROM Meter_Customer__c WHERE Account__c = '{fine}'")) == 1

    world.org.undelete("Account", refused, Org.admin_id)
    world.move(world.now + timedelta(hours=2))
    world.sync()
    assert len(world.rows(f"SELECT Id FROM Meter_Customer__c WHERE Account__c = '{refused}'")) == 1


def test_rows_of_a_deleted_deal_go_on_being_updated(world: World, sell: Sell) -> None:
    account, deal = sell("Deleted")
    world.sync()
    world.org.delete("Opportunity", deal, Org.admin_id)
    world.sync()
    use(world, "compute", world.now, "100", account)

    world.sync()

    assert [p.code for p in world.app.store.parked.open()] == ["deal_deleted"]
    (row,) = world.rows(
        "SELECT Used__c FROM Meter_Commit__c"
        f" WHERE Contract__r.Customer__r.Account__c = '{account}'"
    )
    assert row["Used__c"] == 40
    world.org.undelete("Opportunity", deal, Org.admin_id)
