"""A server that bills by itself, and stands aside for a daemon (R139; G9, G18)."""

import fcntl
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from billing.world import at, commit, fixed_product, span
from build import add_catalog, add_customer
from closedwon.api import serving
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.invoices.types import InvoiceStatus
from closedwon.kernel.errors import ConfigError, LockHeld, RetryLater
from closedwon.settings import Settings
from closedwon.step import StepReport
from closedwon.wiring import App, build
from closedwon.wiring.clocks import check_real_time, manual_clock
from closedwon.wiring.closing import Closing
from closedwon.wiring.lock import LOCK_FILE, TRIES_MAX, writer_lock
from closedwon.wiring.serving import wire

NOW = at("2024-03-02")
INVOICES = 3
"""What the commit is paid with, and two empty months of usage."""


def never(_seconds: float) -> None:
    pytest.fail("nothing has to wait")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """A state with a commit that was to be paid in January."""
    with build(Settings(state_dir=tmp_path / "state"), clock=lambda: NOW, sleep=never) as found:
        add_catalog(found.engine, [fixed_product("commit")], [], [])
        add_customer(found.engine)
        bought = commit("paid", ("100", "2024-01-01", "2025-01-01"), payments={"2024-01-05": "100"})
        create = Create(
            customer_id="customer",
            term=span("2024-01-01"),
            rate_card_id="card",
            terms=Added(commits=(bought,)),
        )
        found.engine.create_contract("k", create, by="sales", now=at("2024-01-01"))
        yield found


def final(app: App) -> int:
    found = app.engine.account("customer", NOW).finalized
    assert all(one.status is InvoiceStatus.FINALIZED for one in found)
    return len(found)


def closing(app: App) -> Closing:
    return Closing(app.settings, lambda: NOW, never, app.usage)


def test_r139_g9_a_server_makes_invoices_final_and_once(app: App) -> None:
    server = closing(app)

    assert [server.turn(app, app.closing) for _ in range(3)] == [True] * 3
    assert final(app) == INVOICES


def test_a_state_given_to_a_test_clock_is_its_own(app: App) -> None:
    clock = manual_clock(app.db, at("2024-01-04"), NOW)
    assert clock() == at("2024-01-04")
    with pytest.raises(ConfigError, match="test clock"):
        check_real_time(app.db)


def test_final_invoices_of_the_real_time_refuse_a_manual_clock(app: App) -> None:
    assert closing(app).turn(app, app.closing)

    with pytest.raises(ConfigError, match="final invoices"):
        manual_clock(app.db, None, NOW)
    check_real_time(app.db)


def test_g18_a_server_stands_aside_while_another_process_bills(app: App) -> None:
    server = closing(app)
    with writer_lock(app.settings.state_dir):
        assert not server.turn(app, app.closing)
        assert final(app) == 0

    assert server.turn(app, app.closing)
    assert final(app) == INVOICES


def test_g18_a_daemon_that_starts_waits_for_the_step_under_way(tmp_path: Path) -> None:
    held = writer_lock(tmp_path, briefly=True)
    held.__enter__()
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            held.__exit__(None, None, None)

    with writer_lock(tmp_path, sleep):
        assert len(waits) == 3
        with pytest.raises(LockHeld), writer_lock(tmp_path, never):
            pass


def test_g18_who_has_it_briefly_gives_way_to_who_waits(tmp_path: Path) -> None:
    """A server with much to bill takes it again at once after every batch."""
    held = writer_lock(tmp_path, briefly=True)
    held.__enter__()

    def sleep(_seconds: float) -> None:
        held.__exit__(None, None, None)
        with pytest.raises(LockHeld), writer_lock(tmp_path, briefly=True):
            pass

    with writer_lock(tmp_path, sleep):
        pass
    with writer_lock(tmp_path, briefly=True):
        pass


def test_g18_a_holder_that_has_not_said_yet_who_it_is_is_waited_for(tmp_path: Path) -> None:
    held = os.open(tmp_path / LOCK_FILE, os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)

    with writer_lock(tmp_path, lambda _: os.close(held)):
        pass


def test_g24_nobody_waits_for_ever_and_nobody_who_did_not_ask(tmp_path: Path) -> None:
    waits: list[float] = []
    with writer_lock(tmp_path, briefly=True):
        with pytest.raises(LockHeld), writer_lock(tmp_path):
            pass
        with pytest.raises(LockHeld), writer_lock(tmp_path, waits.append):
            pass
    assert len(waits) == TRIES_MAX - 1


class Counted:
    """A step with so many batches; the last one leaves nothing."""

    name = "counted"

    def __init__(self, batches: int, before: Callable[[], None] = lambda: None) -> None:
        self.left = batches
        self.before = before

    def run(self, now: datetime) -> StepReport:
        assert now == NOW
        self.before()
        self.left -= 1
        return StepReport(step=self.name, done=1, waiting=self.left)


def test_a_turn_goes_on_until_a_step_is_through_and_lets_go_between_its_batches(app: App) -> None:
    def is_ours() -> None:
        with pytest.raises(LockHeld), writer_lock(app.settings.state_dir):
            pass

    step = Counted(4, is_ours)
    assert closing(app).turn(app, [step])
    assert step.left == 0


def test_g23_a_clock_that_is_set_back_does_not_stop_billing(app: App) -> None:
    server = closing(app)
    names = {len(app.closing): "closing", len(app.delivering): "delivering"}
    instants = [NOW, NOW + timedelta(seconds=1), NOW + timedelta(days=1), NOW, NOW]

    done = [names[len(server.due(app, now))] for now in instants]
    assert done == ["closing", "delivering", "closing", "closing", "delivering"]


def test_a_step_that_moves_nothing_is_not_repeated(app: App) -> None:
    class Stuck:
        name = "stuck"
        runs = 0

        def run(self, now: datetime) -> StepReport:
            self.runs += now == NOW
            return StepReport(step=self.name, waiting=5)

    stuck = Stuck()
    assert closing(app).turn(app, [stuck])
    assert stuck.runs == 1


def test_an_outside_that_is_away_is_told_to_the_loop(app: App) -> None:
    class Away:
        name = "away"

        def run(self, now: datetime) -> StepReport:
            raise RetryLater(f"not at {now}")

    with pytest.raises(RetryLater):
        closing(app).turn(app, [Away()])


def test_a_served_application_bills_in_its_own_thread_when_asked(app: App) -> None:
    state = app.settings
    for bills, expected in ((False, 0), (True, INVOICES)):
        with wire(state, lambda: NOW + timedelta(hours=1), bills=bills):
            if bills:
                _wait_for(lambda: final(app) == INVOICES)
        assert final(app) == expected


def test_a_server_whose_billing_halted_is_not_ready(app: App) -> None:
    lonely = app.settings.model_copy(update={"webhook_urls": {"crm": "https://example.com"}})
    with (
        wire(lonely, lambda: NOW, bills=True) as application,
        serving(application) as url,
        httpx.Client(base_url=url) as client,
    ):
        _wait_for(lambda: client.get("/readyz").status_code == 503)
        assert client.get("/readyz").json() == {"status": "billing halted; see the log"}
        assert client.get("/healthz").status_code == 200


def _wait_for(is_so: Callable[[], bool]) -> None:
    """Until the thread got that far; no test needs a tenth of these looks."""
    from threading import Event

    for _ in range(600):
        if is_so():
            return
        Event().wait(0.05)
    pytest.fail("the thread did nothing")
