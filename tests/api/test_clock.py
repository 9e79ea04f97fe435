"""The test clock: years in seconds, everything due exactly once, and nothing backwards."""

from datetime import datetime

import httpx
import pytest

from api.live import START, Server
from billing.world import at
from build import infrax, setup
from closedwon.api import ManualClock
from closedwon.api.clock import advance
from closedwon.engine import Engine
from closedwon.kernel.errors import Refused
from closedwon.store.tokens import Scope


def lived(*stops: str) -> tuple[Engine, list[int]]:
    """InfraX with the clock moved to each of ``stops``; invoices made final at each."""
    world = setup()
    infrax(world.engine, world.usage)
    clock = ManualClock(at("2023-12-20"))
    return world.engine, [advance(world.engine, clock, at(stop)) for stop in stops]


def told(engine: Engine) -> list[tuple[str, str, datetime | None]]:
    return [(one.id, str(one.total), one.issued_at) for one in engine.invoices()]


def test_one_leap_over_three_years_bills_what_many_steps_do() -> None:
    months = [f"{year}-{month:02}-15" for year in (2024, 2025, 2026) for month in range(1, 13)]
    leapt, (count,) = lived("2027-03-01")
    walked, counts = lived(*months, "2027-03-01")

    assert told(leapt) == told(walked)
    assert count == sum(counts) == len(leapt.invoices()) > 36


def test_what_was_due_is_done_once() -> None:
    engine, counts = lived("2025-01-01", "2025-01-01", "2025-01-02")

    assert counts[1] == 0
    ids = [one.id for one in engine.invoices()]
    assert len(ids) == len(set(ids))


def test_the_clock_never_goes_back() -> None:
    clock = ManualClock(at("2026-01-02"))

    with pytest.raises(Refused, match="forward only"):
        clock.move(at("2026-01-01"))
    assert clock() == at("2026-01-02")


def test_the_clock_is_moved_over_the_wire(http: httpx.Client, server: Server) -> None:
    moved = http.post("/closedwon/clock", json={"now": "2026-05-01T00:00:00Z"})

    assert moved.json()["data"] == {"now": "2026-05-01T00:00:00+00:00", "invoices_finalized": 0}
    assert server.clock() == at("2026-05-01")
    back = http.post("/closedwon/clock", json={"now": "2026-04-01T00:00:00Z"})
    assert (back.status_code, server.clock()) == (400, at("2026-05-01"))
    customer = http.post("/v1/customers", json={"name": "A"}).json()["data"]["id"]
    made = http.get(f"/v1/customers/{customer}").json()["data"]["created_at"]
    assert made == "2026-05-01T00:00:00+00:00"


def test_only_an_admin_moves_it(server: Server) -> None:
    with server.http(Scope.WRITE) as client:
        answer = client.post("/closedwon/clock", json={"now": "2027-01-01T00:00:00Z"})

    assert (answer.status_code, server.clock()) == (403, START)
