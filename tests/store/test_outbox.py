"""Events and the outbox: each once, nothing changed afterwards, nothing lost (D5, G15, R278)."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlite_utils import Database

from closedwon.store import Stores
from closedwon.store.database import close, open_database, writing
from closedwon.store.migrations import migrate
from closedwon.store.outbox import ERROR_CHARS_MAX, EffectState

NOW = datetime(2024, 1, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def stores() -> Iterator[Stores]:
    db: Database = open_database(":memory:")
    migrate(db)
    yield Stores(db)
    close(db)


def add(stores: Stores, effect_id: str = "e1", target: str = "crm", now: datetime = NOW) -> bool:
    with writing(stores.db):
        return stores.outbox.add(effect_id, "webhook", target, '{"id":"e1"}', now)


def test_r278_an_event_is_kept_once_and_read_in_order(stores: Stores) -> None:
    with writing(stores.db):
        assert stores.events.add("a", "invoice.finalized", "{}", NOW)
        assert not stores.events.add("a", "invoice.finalized", "{}", LATER)
        assert stores.events.add("b", "alerts.x", "{}", NOW)

    assert [e.id for e in stores.events.after(0, 10)] == ["a", "b"]
    assert [e.id for e in stores.events.after(1, 10)] == ["b"]
    assert [e.id for e in stores.events.after(0, 10, ["alerts.x"])] == ["b"]
    assert stores.events.after(0, 1)[0].at == NOW


def test_r102_a_listener_begins_with_what_happens_from_now_on(stores: Stores) -> None:
    with writing(stores.db):
        stores.events.add("past", "t", "{}", NOW - timedelta(seconds=1))
        stores.events.add("this run", "t", "{}", NOW)
        position = stores.events.read_to("crm", NOW)

    assert [e.id for e in stores.events.after(position, 10)] == ["this run"]

    with writing(stores.db):
        stores.events.advance("crm", 2)
        stores.events.advance("crm", 1)
        assert stores.events.read_to("crm", LATER) == 2
        assert stores.events.read_to("erp", LATER) == 2


def test_events_are_append_only(stores: Stores) -> None:
    with writing(stores.db):
        stores.events.add("a", "t", "{}", NOW)
    for sql in ("update event set body = 'x'", "delete from event"):
        with pytest.raises(sqlite3.IntegrityError, match="never"), writing(stores.db):
            stores.db.conn.execute(sql)


def test_an_effect_with_a_known_id_is_not_added_again(stores: Stores) -> None:
    assert add(stores)
    assert not add(stores, now=LATER)
    assert stores.outbox.counts() == {"waiting": 1}


def test_an_effect_goes_with_the_transaction_that_causes_it(stores: Stores) -> None:
    def cause_and_fail() -> None:
        stores.outbox.add("e1", "webhook", "crm", "{}", NOW)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), writing(stores.db):
        cause_and_fail()
    assert stores.outbox.counts() == {}


def test_g15_a_call_that_was_begun_and_never_settled_is_due_again(stores: Stores) -> None:
    add(stores)
    (effect,) = stores.outbox.due("webhook", ["crm"], NOW, 10)
    with writing(stores.db):
        stores.outbox.intend(effect)

    (again,) = stores.outbox.due("webhook", ["crm"], NOW, 10)
    assert (again.id, again.state, again.attempts) == ("e1", EffectState.SENT, 1)


def test_due_are_those_of_known_targets_by_time(stores: Stores) -> None:
    add(stores, "late", now=LATER)
    add(stores, "first")
    add(stores, "elsewhere", target="gone")

    def due(now: datetime) -> list[str]:
        return [effect.id for effect in stores.outbox.due("webhook", ["crm"], now, 10)]

    assert due(NOW) == ["first"]
    assert due(LATER) == ["first", "late"]
    assert stores.outbox.due("invoice", ["crm"], LATER, 10) == ()
    assert len(stores.outbox.due("webhook", ["crm"], LATER, 1)) == 1


def test_retry_waits_and_done_is_for_ever(stores: Stores) -> None:
    add(stores)
    (effect,) = stores.outbox.due("webhook", ["crm"], NOW, 10)
    with writing(stores.db):
        stores.outbox.intend(effect)
        stores.outbox.retry("e1", LATER, "x" * 9999)
    found = stores.outbox.get("e1")
    assert found is not None
    assert (found.state, found.due_at, found.attempts) == (EffectState.WAITING, LATER, 1)
    assert len(found.last_error) == ERROR_CHARS_MAX
    with writing(stores.db):
        stores.outbox.done("e1", LATER)
    for sql in ("update outbox set state = 'waiting', settled_at = null", "delete from outbox"):
        with pytest.raises(sqlite3.IntegrityError, match="never"), writing(stores.db):
            stores.db.conn.execute(sql)


def test_what_is_sent_is_fixed_from_the_start(stores: Stores) -> None:
    add(stores)
    for column in ("id", "kind", "target", "payload", "created_at"):
        with pytest.raises(sqlite3.IntegrityError, match="never changes"), writing(stores.db):
            stores.db.conn.execute(f"update outbox set {column} = 'other'")


def test_given_up_is_shown_and_a_person_may_release_it(stores: Stores) -> None:
    add(stores)
    (effect,) = stores.outbox.due("webhook", ["crm"], NOW, 10)
    with writing(stores.db):
        stores.outbox.intend(effect)
        stores.outbox.give_up("e1", "410 Gone", NOW)
    assert [e.last_error for e in stores.outbox.all(EffectState.GIVEN_UP)] == ["410 Gone"]
    assert stores.outbox.due("webhook", ["crm"], LATER, 10) == ()

    with writing(stores.db):
        assert stores.outbox.release("e1", LATER)
        assert not stores.outbox.release("e1", LATER)
    (again,) = stores.outbox.due("webhook", ["crm"], LATER, 10)
    assert (again.trying_since, again.created_at, again.attempts) == (LATER, NOW, 1)
