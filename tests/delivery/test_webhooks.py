"""Webhooks: all types to all endpoints, at least once, same id, never silently lost (R277, R278)."""

import json
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import respx

from closedwon.delivery import verify
from closedwon.delivery.channel import (
    JITTER_STEPS,
    RETRY_FIRST,
    RETRY_FOR,
    RETRY_LONGEST,
    jitter,
)
from closedwon.store import Stores
from closedwon.store.outbox import EffectState
from delivery.delivery_kit import NOW, SECRET, URL, Clock, endpoint, run, stores_in, tell

OTHER = "https://other.example/in"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stores() -> Stores:
    return stores_in()


@pytest.fixture
def web() -> Iterator[respx.MockRouter]:
    with respx.mock as router:
        yield router


def ids(route: respx.Route) -> list[str]:
    return [json.loads(call.request.content)["id"] for call in route.calls]


def test_nothing_configured_nothing_happens(stores: Stores, clock: Clock) -> None:
    tell(stores, 1)
    report = run(stores, clock)

    assert (report.done, report.waiting, report.notes) == (0, 0, ())
    assert stores.outbox.counts() == {}


def test_r277_r278_every_endpoint_gets_every_event_signed_once(
    stores: Stores, clock: Clock, web: respx.MockRouter
) -> None:
    crm, erp = web.post(URL).respond(200), web.post(OTHER).respond(204)
    told = [tell(stores, n) for n in range(3)]
    channels = [endpoint(clock), endpoint(clock, "erp", OTHER)]

    assert run(stores, clock, *channels).done == 6
    assert run(stores, clock, *channels).done == 0

    assert sorted(ids(crm)) == sorted(ids(erp)) == sorted(told)
    for call in (*crm.calls, *erp.calls):
        verify(SECRET, call.request.headers, call.request.content, NOW)
        assert call.request.headers["date"] == call.request.headers["x-metronome-date"]


@pytest.mark.parametrize("status", [300, 301, 302, 400, 401, 404, 410, 429, 500, 503])
def test_r278_every_status_above_299_is_tried_again_with_the_same_id_and_body(
    stores: Stores, clock: Clock, web: respx.MockRouter, status: int
) -> None:
    answers = [httpx.Response(status, headers={"Location": OTHER}), httpx.Response(202)]
    route = web.post(URL).mock(side_effect=answers)
    told = tell(stores, 1)

    first = run(stores, clock, endpoint(clock))
    assert (first.done, first.waiting, first.notes) == (0, 1, (f"crm: answered {status}",))
    clock.pass_time(minutes=1)
    assert run(stores, clock, endpoint(clock)).done == 1
    assert ids(route) == [told, told]
    bodies = {call.request.content for call in route.calls}
    dates = {call.request.headers["x-metronome-date"] for call in route.calls}
    assert (len(bodies), len(dates)) == (1, 2)
    verify(SECRET, route.calls[1].request.headers, route.calls[1].request.content, clock.now)


def test_r278_waits_double_to_a_quarter_of_an_hour_and_end_after_48_hours(
    stores: Stores, clock: Clock, web: respx.MockRouter
) -> None:
    route = web.post(URL).respond(500)
    tell(stores, 1)
    gaps = []
    while True:
        run(stores, clock, endpoint(clock))
        (effect,) = stores.outbox.all()
        if effect.state is EffectState.GIVEN_UP:
            break
        gaps.append(effect.due_at - clock.now)
        clock.now = effect.due_at

    assert clock.now == NOW + RETRY_FOR
    for number, gap in enumerate(gaps[:-1]):
        longest = min(RETRY_FIRST * 2 ** min(number, 20), RETRY_LONGEST)
        assert longest / 2 < gap <= longest
    assert RETRY_FOR / RETRY_LONGEST < route.call_count < 2 * RETRY_FOR / RETRY_LONGEST + 10
    assert (effect.last_error, effect.attempts) == ("answered 500", route.call_count)
    assert stores.outbox.due("webhook", ["crm"], clock.pass_time(days=9), 10) == ()


def test_r278_jitter_spreads_and_repeats() -> None:
    found = [jitter(f"id{n}", 1) for n in range(200)]
    assert found == [jitter(f"id{n}", 1) for n in range(200)]
    assert len(set(found)) > 190
    assert min(found) < JITTER_STEPS // 10
    assert max(found) > JITTER_STEPS * 9 // 10
    assert jitter("id0", 1) != jitter("id0", 2)


def test_the_receiver_may_ask_for_more_patience_but_not_for_ever(
    stores: Stores, clock: Clock, web: respx.MockRouter
) -> None:
    web.post(URL).mock(
        side_effect=[
            httpx.Response(429, headers={"Retry-After": "120"}),
            httpx.Response(503, headers={"Retry-After": "999999"}),
        ]
    )
    tell(stores, 1)
    run(stores, clock, endpoint(clock))
    assert stores.outbox.all()[0].due_at == NOW + timedelta(seconds=120)
    clock.pass_time(seconds=120)
    run(stores, clock, endpoint(clock))
    assert stores.outbox.all()[0].due_at == clock.now + RETRY_LONGEST


def test_an_endpoint_that_is_away_rests_and_does_not_stop_the_others(
    stores: Stores, clock: Clock, web: respx.MockRouter
) -> None:
    away = web.post(URL).mock(side_effect=httpx.ConnectTimeout("secret-detail"))
    other = web.post(OTHER).respond(200)
    for n in range(5):
        tell(stores, n)

    report = run(stores, clock, endpoint(clock), endpoint(clock, "erp", OTHER))

    assert (away.call_count, other.call_count) == (1, 5)
    assert (report.done, report.waiting) == (5, 5)
    assert report.notes == ("crm: no whole answer: ConnectTimeout",)


def test_a_run_sends_every_batch_but_only_for_so_long(
    stores: Stores, clock: Clock, web: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("closedwon.sync.deliver.EFFECTS_MAX", 2)
    monkeypatch.setattr("closedwon.sync.deliver.EVENTS_MAX", 2)
    slow = [0]

    def answer(_request: httpx.Request) -> httpx.Response:
        clock.pass_time(seconds=slow[0])
        return httpx.Response(200)

    web.post(URL).mock(side_effect=answer)
    for n in range(5):
        tell(stores, n)
    assert run(stores, clock, endpoint(clock)).done == 5

    slow[0] = 25
    for n in range(5, 10):
        tell(stores, n, clock.now)
    report = run(stores, clock, endpoint(clock))
    assert (report.done, report.waiting) == (3, 2)
    assert run(stores, clock, endpoint(clock)).done == 2


def test_one_bad_answer_does_not_hold_up_the_events_behind_it(
    stores: Stores, clock: Clock, web: respx.MockRouter
) -> None:
    route = web.post(URL).mock(
        side_effect=[httpx.Response(500), httpx.Response(200), httpx.Response(200)]
    )
    for n in range(3):
        tell(stores, n)
    assert run(stores, clock, endpoint(clock)).done == 2
    assert route.call_count == 3


def test_r102_an_endpoint_configured_later_hears_from_then_on(
    stores: Stores, clock: Clock, web: respx.MockRouter
) -> None:
    route = web.post(URL).respond(200)
    tell(stores, 1)
    run(stores, clock)
    told = tell(stores, 2, clock.pass_time(hours=1))

    run(stores, clock, endpoint(clock))
    assert ids(route) == [told]


def test_an_endpoint_that_was_away_misses_nothing(
    stores: Stores, clock: Clock, web: respx.MockRouter
) -> None:
    route = web.post(URL).respond(200)
    run(stores, clock, endpoint(clock))
    told = [tell(stores, n, clock.pass_time(minutes=1)) for n in range(3)]
    run(stores, clock)

    clock.pass_time(days=3)
    run(stores, clock, endpoint(clock))
    assert sorted(ids(route)) == sorted(told)


def test_g25_no_secret_is_stored_shown_or_put_into_an_error(
    stores: Stores, clock: Clock, web: respx.MockRouter
) -> None:
    url = f"{URL}?token=url-canary"
    web.post(url).respond(500, text=SECRET)
    tell(stores, 1)
    channel = endpoint(clock, url=url)
    report = run(stores, clock, channel)

    dump = "\n".join(stores.db.conn.iterdump())
    for text in (dump, repr(channel), repr(report)):
        assert SECRET not in text
        assert "url-canary" not in text


@pytest.mark.parametrize("cut", ["before the call", "after the call", "before the outcome"])
def test_g15_r278_a_kill_repeats_the_same_id_and_loses_nothing(
    stores: Stores, clock: Clock, web: respx.MockRouter, cut: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    route = web.post(URL).respond(200)
    told = tell(stores, 1)
    channel = endpoint(clock)
    with monkeypatch.context() as patch:
        if cut == "before the call":
            patch.setattr("closedwon.delivery.webhooks.send", die)
        elif cut == "after the call":
            patch.setattr("closedwon.delivery.webhooks.outcome_of", die)
        else:
            patch.setattr(type(stores.outbox), "done", die)
        with pytest.raises(Killed):
            run(stores, clock, channel)
    (begun,) = stores.outbox.all()
    assert begun.state is EffectState.SENT

    assert run(stores, clock, channel).done == 1
    assert set(ids(route)) == {told}
    assert route.call_count == (1 if cut == "before the call" else 2)
    assert run(stores, clock, channel).done == 0
