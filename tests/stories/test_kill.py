"""Real processes, SIGKILLed at every commit of apply and push: nothing is doubled or lost (G1)."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from closedwon.cli.demo.world import World, opened
from closedwon.settings import PREFIX, Settings
from stories.cpq import product, sold
from stories.kit import at, open_widgets

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("kill")]
START, END = "2025-01-01", "2025-12-31"
RUNNER = Path(__file__).with_name("run_until_killed.py")
METER = ("Customer", "Contract", "Commit", "Commit_Period", "Sync_Record")


class Lives:
    """The process that starts lives, and what was sold to each of them."""

    def __init__(self, world: World, **more: str) -> None:
        self.world = world
        open_widgets(world)
        self.commit = product(world, "CLOUD-COMMIT", "Cloud Commit")
        world.sync()
        world.app.close()
        self.accounts: list[str] = []
        self._runner = subprocess.Popen(
            [sys.executable, RUNNER],
            env={**os.environ, **variables(world.settings), **more},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def sell(self) -> None:
        """One more deal for the next life to carry down the line."""
        account, _ = sold(self.world, f"Customer {len(self.accounts)}", self.commit, START, END)
        self.accounts.append(account)

    def live(self, at: int = 0) -> str:
        """One life, cut at a commit; returns how it ended."""
        assert self._runner.stdin is not None
        assert self._runner.stdout is not None
        self.world.move(self.world.now + timedelta(minutes=5))
        self._runner.stdin.write(f"{self.world.now.isoformat()} {at}\n")
        self._runner.stdin.flush()
        return self._runner.stdout.readline().strip()

    def end(self) -> None:
        """Let the runner go."""
        assert self._runner.stdin is not None
        assert self._runner.stdout is not None
        self._runner.stdin.close()
        self._runner.wait(timeout=20)
        self._runner.stdout.close()


def variables(settings: Settings) -> dict[str, str]:
    """The settings of a world as the environment of another process."""
    secret = settings.salesforce_client_secret.get_secret_value()
    given = {
        "state_dir": settings.state_dir,
        "salesforce_login_url": settings.salesforce_login_url,
        "salesforce_client_id": settings.salesforce_client_id,
        "salesforce_client_secret": secret,
        "salesforce_api_share_percent": settings.salesforce_api_share_percent,
        "salesforce_api_stop_percent": settings.salesforce_api_stop_percent,
    }
    return {f"{PREFIX}{name.upper()}": str(value) for name, value in given.items()}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lives, list[str]]]:
    """Every cut in turn, each with a new deal on the line, and then a life nobody cuts."""
    with opened(tmp_path_factory.mktemp("kill"), at("2025-01-10T09:00:00")) as world:
        lives = Lives(world)
        try:
            lives.sell()
            whole = lives.live()
            endings = [whole]
            for point in range(1, int(whole.removeprefix("lived ")) + 1):
                for cut in (-point, point):
                    lives.sell()
                    endings.append(lives.live(cut))
            endings.append(lives.live())
        finally:
            lives.end()
        world.reopened()
        yield lives, endings


def test_every_commit_of_apply_and_push_was_the_last_of_a_process(
    ended: tuple[Lives, list[str]],
) -> None:
    _, (whole, *cut, last) = ended

    assert len(cut) >= 20
    assert Counter(cut) == {"SIGKILL": len(cut)}
    assert whole.startswith("lived")
    assert last.startswith("lived")


def test_every_deal_has_one_customer_and_one_contract_with_one_edit(
    ended: tuple[Lives, list[str]],
) -> None:
    lives, _ = ended
    engine = lives.world.app.engine

    assert len(engine.customers()) == len(lives.accounts)
    for account in lives.accounts:
        customer = engine.customer_of_account(account)
        assert customer is not None
        (contract,) = engine.contracts(customer.id)
        assert len(engine.edits(contract.id)) == 1
        assert [commit.access_total for commit in contract.commits] == [1_000_000]


@pytest.mark.parametrize("kind", METER)
def test_salesforce_has_one_row_of_each_kind_per_deal(
    kind: str, ended: tuple[Lives, list[str]]
) -> None:
    lives, _ = ended
    keys = [row["Key__c"] for row in lives.world.rows(f"SELECT Key__c FROM Meter_{kind}__c")]

    assert len(keys) == len(set(keys)) == len(lives.accounts)


def test_the_scheduled_invoice_of_each_deal_is_there_once(ended: tuple[Lives, list[str]]) -> None:
    lives, _ = ended
    totals = [invoice.total for invoice in lives.world.app.engine.invoices()]

    assert totals == [1_000_000] * len(lives.accounts)


def test_the_next_run_writes_nothing_and_the_state_is_sound(
    ended: tuple[Lives, list[str]],
) -> None:
    world = ended[0].world
    before = world.app.engine.content_hash()

    reports = world.sync()

    assert sum(report.done + report.waiting for report in reports) == 0
    assert world.app.engine.content_hash() == before
    counts = world.app.store.deals.check()
    assert (counts.seen, counts.parked) == (counts.provisioned, 0)
