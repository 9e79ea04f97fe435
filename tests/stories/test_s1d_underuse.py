"""S1d through the whole line: what is not used of a year's commit expires, and nothing carries over."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from closedwon.billing.balances.types import LedgerEntry
from closedwon.billing.contracts.terms import Commit
from closedwon.cli.demo import records
from closedwon.cli.demo.world import World, opened
from stories.kit import at, bill_month, invoices, one, open_infrax, use, win

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("s1d")]
D = Decimal
USED = (
    ("2024-03-05", "analysis", D(20_000)),
    ("2024-07-09", "analysis", D(3_664)),
    ("2024-12-30", "storage", D(600_000)),
)
"""Hours at 125 c are 29,580 dollars, GB at 2.3 c less 10 % are 12,420: 42,000 of 50,000."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("s1d"), at("2023-12-14T18:00:00")) as world:
        open_infrax(world)
        win(world, records.FIRST_DEAL, "2023-12-15T18:00:00")
        for day, name, quantity in USED:
            use(world, name, at(day), quantity, records.ACCOUNT)
            bill_month(world, at(f"{day[:7]}-01"))
        world.sync()
        yield world


def _commit(world: World) -> Commit:
    customer = world.app.engine.customer_of_account(records.ACCOUNT)
    assert customer is not None
    (contract,) = world.app.engine.contracts(customer.id)
    (commit,) = contract.commits
    return commit


def _ledger(world: World) -> list[tuple[str, str, Decimal]]:
    entries: tuple[LedgerEntry, ...] = world.app.engine.ledger(_commit(world).id)
    return [(e.timestamp.date().isoformat(), str(e.type), e.amount / 100) for e in entries]


def test_the_rest_of_the_year_expires_when_its_access_ends(told: World) -> None:
    expired = [(day, amount) for day, kind, amount in _ledger(told) if "EXPIRATION" in kind]

    assert expired == [("2025-01-01", D(-8_000))]


def test_nothing_is_added_to_the_next_year_r185(told: World) -> None:
    starts = {day: amount for day, kind, amount in _ledger(told) if "SEGMENT_START" in kind}

    assert starts == {"2024-01-01": D(50_000), "2025-01-01": D(200_000)}
    assert sum((amount for _, _, amount in _ledger(told)), D(0)) == D(200_000)


def test_used_and_expired_make_up_what_was_granted(told: World) -> None:
    commit = one(
        told,
        "SELECT Access_Amount__c, Used__c, Expired__c, Balance__c FROM Meter_Commit__c",
    )
    first, second, third = told.rows(
        "SELECT Start__c, Granted__c, Used__c, Remaining__c FROM Meter_Commit_Period__c"
        " ORDER BY Start__c"
    )

    assert (commit["Access_Amount__c"], commit["Used__c"]) == (D(500_000), D(42_000))
    assert (commit["Expired__c"], commit["Balance__c"]) == (D(8_000), D(200_000))
    assert (first["Granted__c"], first["Used__c"], first["Remaining__c"]) == (50_000, 42_000, 0)
    assert (second["Granted__c"], second["Used__c"]) == (D(200_000), D(0))
    assert (second["Remaining__c"], third["Remaining__c"]) == (D(200_000), D(250_000))


def test_the_customer_has_the_new_year_and_no_more(told: World) -> None:
    customer = one(told, "SELECT Balance_Total__c, Prepaid_Remaining__c FROM Meter_Customer__c")

    assert customer["Balance_Total__c"] == D(200_000)


def test_no_month_of_the_year_was_paid_beside_the_commit(told: World) -> None:
    assert {invoice.total for invoice in invoices(told)} == {D(0)}
    assert len(invoices(told)) == 12


def test_expired_money_is_income_and_no_longer_owed(told: World) -> None:
    postings = told.app.engine.postings(end=at("2025-01-02"))
    owed = sum(p.minor for p in postings if p.account == "deferred_revenue")
    earned = sum(p.minor for p in postings if "breakage" in p.account)

    assert earned == -800_000
    assert owed == -(25_000_000 - 5_000_000)
