"""The whole line with a remote target: CPQ records in, invoices of another closedwon out (S1, G1).

Nothing of the line is special here: the application is the one the settings make.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from api.live import running
from closedwon.cli.demo import records
from closedwon.cli.demo.world import World, opened
from closedwon.settings import PREFIX
from closedwon.store.tokens import Scope
from closedwon.testing.target_world import Billed
from closedwon.testing.usage import Used
from closedwon.wiring.rehearsal import rehearsal
from golden import s1
from stories.kit import at, month_after, open_infrax, win
from stories.test_kill import Lives
from targets.worlds import There, sell

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("remote-target")]
D = Decimal


def pointed_at(there: There, patch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set the target for every application that is built from now on."""
    given = {
        f"{PREFIX}TARGET": "metronome",
        f"{PREFIX}TARGET_URL": there.server.url,
        f"{PREFIX}TARGET_TOKEN": there.server.secret(Scope.READ, Scope.WRITE),
    }
    for name, value in given.items():
        patch.setenv(name, value)
    return given


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as found:
        yield found


def use(there: There, name: str, day: datetime, quantity: Decimal) -> None:
    event = Used(
        transaction_id=f"{name}-{day.isoformat()}",
        customer_id=records.ACCOUNT,
        event_type=name,
        timestamp=day,
        properties={"quantity": str(quantity)},
    )
    there.use(event)


@pytest.fixture(scope="module")
def told(
    tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch
) -> Iterator[tuple[World, There]]:
    """S1 as in ``test_s1_infrax``, but for where usage goes and who bills."""
    home = tmp_path_factory.mktemp("remote")
    start = at("2023-12-14T18:00:00")
    with running(home / "there", start=start) as server:
        there = There(server, start)
        pointed_at(there, patch)
        with opened(home / "here", start) as world:
            open_infrax(world)
            sell(there, world.app.engine.catalog())
            win(world, records.FIRST_DEAL, "2023-12-15T18:00:00")
            for month in s1.MONTHS:
                begin = at(f"{month.period}-01")
                if month.period == "2024-12":
                    world.move(at("2024-12-18T12:00:00"))
                    world.load(records.signed(world.now, start))
                    there.move(at("2024-12-20T16:00:00"))
                    win(world, records.UPSELL, "2024-12-20T16:00:00")
                if month.period == "2026-12":
                    world.move(at("2026-12-09T09:00:00"))
                    world.load(records.renewal())
                    there.move(at("2026-12-10T15:00:00"))
                    win(world, records.renewal_deal(), "2026-12-10T15:00:00")
                use(there, "storage", begin.replace(day=21), month.storage_gb)
                use(there, "analysis", begin.replace(day=22), month.analysis_h)
                there.move(month_after(begin) + timedelta(days=1))
            yield world, there
        there.http.close()


def test_every_month_is_billed_to_the_cent_by_the_remote(told: tuple[World, There]) -> None:
    bills = [one for one in told[1].bills_of(records.ACCOUNT) if one.kind == "USAGE"]
    final = {f"{one.begins:%Y-%m}": one for one in bills if one.is_final}

    assert list(final) == [month.period for month in s1.MONTHS]
    for month in s1.MONTHS:
        bill = final[month.period]
        assert gross(bill) == {"Storage": month.storage, "Analysis": month.analysis}
        assert applied(bill) == sum(month.applied.values(), D(0))
        assert bill.total / 100 == month.total


def gross(bill: Billed) -> dict[str, Decimal]:
    """Dollars by product, before balances."""
    found: dict[str, Decimal] = {}
    for name, _, total in bill.lines:
        if "applied" not in name:
            found[name] = found.get(name, D(0)) + total / 100
    return found


def applied(bill: Billed) -> Decimal:
    """Dollars that balances paid."""
    return -sum((total for name, _, total in bill.lines if "applied" in name), D(0)) / 100


def test_what_is_scheduled_is_billed_on_its_date_by_the_remote(told: tuple[World, There]) -> None:
    bills = [one for one in told[1].bills_of(records.ACCOUNT) if one.kind == "SCHEDULED"]
    final = {f"{one.begins:%Y-%m-%d}": one.total / 100 for one in bills if one.is_final}

    assert final == s1.SCHEDULED


def test_our_own_engine_bills_nothing_and_salesforce_learns_of_the_deals_only(
    told: tuple[World, There],
) -> None:
    world, there = told

    assert world.app.engine.invoices() == ()
    assert there.made()[:2] == (1, 2)
    assert world.rows("SELECT Id FROM Meter_Customer__c") == []
    stages = world.rows("SELECT Stage__c FROM Meter_Sync_Record__c")
    assert [row["Stage__c"] for row in stages].count("Provisioned") == 2
    assert len(stages) == 3
    assert world.app.store.deals.check().provisioned == 3


def test_the_same_again_asks_the_remote_for_nothing(told: tuple[World, There]) -> None:
    world, there = told
    made, before = there.made(), world.app.engine.content_hash()
    reports = world.sync()

    assert sum(report.done for report in reports) == 0
    assert (there.made(), world.app.engine.content_hash()) == (made, before)


def test_a_rehearsal_sends_nothing(told: tuple[World, There]) -> None:
    world, _ = told
    with rehearsal(world.settings, world.clock, lambda _: None) as app:
        assert not app.target.is_remote


def test_killed_at_every_commit_around_every_call_there_is_one_of_everything(
    tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    """Each intent, call, outcome and note of a new deal was the last thing of a process (G1)."""
    start = at("2025-01-10T09:00:00")
    with running(tmp_path / "there", start=start) as server:
        there = There(server, start)
        given = pointed_at(there, patch)
        with opened(tmp_path / "here", start) as world:
            lives = Lives(world, **given)
            sell(there, world.reopened().engine.catalog())
            world.app.close()
            try:
                lives.sell()
                lives.live()
                lives.sell()
                whole = lives.live()
                for point in range(1, int(whole.removeprefix("lived ")) + 1):
                    for cut in (-point, point):
                        lives.sell()
                        assert lives.live(cut) == "SIGKILL"
                assert lives.live().startswith("lived")
            finally:
                lives.end()
            world.reopened()
            assert len(lives.accounts) >= 20
            assert there.made() == (len(lives.accounts), len(lives.accounts), 0)
            assert world.app.target.begun() == ()
            assert world.app.store.deals.check().provisioned == len(lives.accounts)
        there.http.close()
