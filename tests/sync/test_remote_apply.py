"""Apply with a remote target: what has begun is finished, whatever the deal says by then (G1, G13)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from api.live import running
from closedwon.kernel.errors import Conflict, RetryLater
from closedwon.store.database import writing
from closedwon.store.line.deal_row import Outcome
from closedwon.store.tokens import Scope
from closedwon.sync.apply import Apply
from closedwon.targets import EmbeddedTarget, MetronomeTarget
from closedwon.targets.metronome.remote import Remote
from closedwon.transport import Patience
from sync.line_kit import ACCOUNT, START, World
from targets.worlds import There, Weather


@dataclass
class RemoteLine(World):
    """The line's world, with a live server as its target."""

    there: There = None  # type: ignore[assignment]
    weather: Weather = field(default_factory=Weather)

    def __post_init__(self) -> None:
        super().__post_init__()
        body = {"name": "Enterprise Commit", "type": "FIXED"}
        self.there.post("/v1/contract-pricing/products/create", body)
        self.client = httpx.Client(transport=self.weather)

    def apply(self) -> Apply:
        """The step that writes billing, there first."""
        remote = Remote(
            client=self.client,
            url=self.there.server.url,
            token=self.there.server.secret(Scope.READ, Scope.WRITE),
            patience=Patience(sleep=lambda _: None),
        )
        target = MetronomeTarget(self.engine, EmbeddedTarget(self.engine), remote)
        return Apply(store=self.store, plan_of=self.plan_of, target=target)

    def grants(self) -> list[str]:
        """What the commits of the one contract there grant, in dollars."""
        (customer,) = self.there.paged("/v1/customers", salesforce_account_ids=ACCOUNT)
        (contract,) = self.there.read("/v2/contracts/list", {"customer_id": customer["id"]})
        rows = [one["access_schedule"]["schedule_items"] for one in contract["commits"]]
        return sorted(str(row["amount"] / 100) for (row,) in rows)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[RemoteLine]:
    with running(tmp_path / "there", start=START) as server:
        there = There(server, START)
        world = RemoteLine(directory=tmp_path, there=there)
        yield world
        world.client.close()
        there.http.close()


def begun(line: RemoteLine) -> str:
    """A deal whose contract was made there, and nobody here was told; returns its id."""
    opportunity_id = line.win()
    line.weather.answers = ["fine", "gone"]
    with pytest.raises(RetryLater):
        line.sync()
    line.weather.is_away = False
    assert len(line.apply().target.begun()) == 1
    assert line.store.deals.get(opportunity_id).waits_for == "apply"
    return opportunity_id


def test_a_deal_waits_while_the_target_is_away_and_is_not_parked(line: RemoteLine) -> None:
    opportunity_id = begun(line)
    row = line.store.deals.get(opportunity_id)

    assert (row.outcome, line.store.parked.open()) == (Outcome.WAITING, ())
    line.sync()
    assert line.store.deals.get(opportunity_id).outcome is Outcome.PROVISIONED
    assert line.there.made() == (1, 1, 0)


def test_a_deal_that_changed_meanwhile_is_finished_first_and_then_edited(
    line: RemoteLine,
) -> None:
    opportunity_id = begun(line)
    line.add_line(opportunity_id, "25")
    line.sync()
    line.sync()

    assert line.store.deals.get(opportunity_id).outcome is Outcome.PROVISIONED
    assert line.there.made() == (1, 1, 1)
    assert line.grants() == ["25", "50000"]
    assert line.apply().target.begun() == ()


def test_a_deal_that_was_lost_meanwhile_is_finished_and_told_to_a_person(
    line: RemoteLine,
) -> None:
    opportunity_id = begun(line)
    line.crm.put("Opportunity", {"Id": opportunity_id, "IsWon": False})
    line.sync()
    line.sync()

    row = line.store.deals.get(opportunity_id)
    assert row.outcome is Outcome.PARKED
    assert [one.code for one in line.store.parked.open(opportunity_id)] == ["unwon"]
    assert line.there.made() == (1, 1, 0)
    assert len(line.engine.contracts(line.engine.customers()[0].id)) == 1


def test_a_refused_deal_is_parked_alone_in_the_words_of_the_target(line: RemoteLine) -> None:
    """Somebody archived the product there; the deals before and after it are not held up."""
    good = line.win("Good")
    line.sync()
    body = {"name": "Taken", "ingest_aliases": ["taken"]}
    line.there.post("/v1/customers", body)
    refused = httpx.Response(400, json={"code": "InvalidArgument", "message": "not like this"})
    line.weather.answers = [refused]
    bad, fine = line.win("Bad"), line.win("Fine")
    line.sync()

    outcomes = [line.store.deals.get(one).outcome for one in (good, bad, fine)]
    assert outcomes == [Outcome.PROVISIONED, Outcome.PARKED, Outcome.PROVISIONED]
    (reason,) = line.store.parked.open(bad)
    assert reason.code == "billing_refused"
    assert "not like this" in reason.message


def test_a_target_that_is_away_is_not_asked_for_every_deal(line: RemoteLine) -> None:
    for number in range(6):
        line.win(f"Deal {number}")
    line.weather.is_away = True
    with pytest.raises(RetryLater):
        line.sync()

    assert 0 < len(line.weather.requests) <= 5 * (3 + 1)
    assert line.store.deals.counts().waiting == 6


def test_g13_deals_the_target_cannot_do_now_do_not_hold_up_the_others(line: RemoteLine) -> None:
    """It is there, and fails whenever it is asked for these."""
    answered = line.weather.handle_request

    def failing(request: httpx.Request) -> httpx.Response:
        is_asked = request.url.path == "/v1/contracts/create" and b"Cursed" in request.read()
        return httpx.Response(500) if is_asked else answered(request)

    line.weather.handle_request = failing  # type: ignore[method-assign]
    cursed = [line.win(f"Cursed {number}") for number in range(4)]
    fine = line.win("Fine")
    with pytest.raises(RetryLater, match="not able now"):
        line.sync()

    outcomes = [line.store.deals.get(one).outcome for one in (*cursed, fine)]
    assert outcomes == [Outcome.WAITING] * 4 + [Outcome.PROVISIONED]


def test_a_plan_a_person_looked_at_goes_there_too(line: RemoteLine) -> None:
    opportunity_id = line.win(amounts=("2000000",))
    line.sync()
    held = line.store.plans.live(opportunity_id)
    assert held is not None
    line.apply().apply_as_planned(held.plan, "rita", line.now)

    assert line.there.made() == (1, 1, 0)
    assert line.store.deals.get(opportunity_id).outcome is Outcome.PROVISIONED
    with pytest.raises(Conflict, match="world moved"):
        line.apply().apply_as_planned(held.plan, "rita", line.now)


def test_nothing_is_sent_inside_a_transaction(line: RemoteLine) -> None:
    """A slow remote must not keep the state file locked."""
    seen: list[bool] = []
    handle = line.weather.handle_request

    def noting(request: httpx.Request) -> httpx.Response:
        seen.append(line.store.db.conn.in_transaction)
        return handle(request)

    line.weather.handle_request = noting  # type: ignore[method-assign]
    line.win()
    line.sync(later=timedelta(minutes=6))

    assert seen
    assert not any(seen)
    with writing(line.store.db):
        assert line.store.db.conn.in_transaction


def test_g15_a_customer_without_aliases_is_found_by_its_account(line: RemoteLine) -> None:
    """Nothing but the look-up protects it once the idempotency key is forgotten."""
    line.win()
    line.weather.answers = ["gone"]
    with pytest.raises(RetryLater):
        line.sync()
    line.weather.is_away = False
    line.there.move(START + timedelta(days=40))
    line.sync()

    assert line.there.made() == (1, 1, 0)
