"""System events and offset notifications (R279, R280)."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.world import at, commit, fixed_product, span
from build import EPOCH, Setup, add_catalog, add_customer, setup
from closedwon.billing.contracts.edits import Added, ChangeEnd, Create, Revise
from closedwon.billing.notifications.offsets import OffsetNotification, duration
from closedwon.kernel.errors import Refused

YEAR = ("2025-01-01", "2026-01-01")


SIGNED_AT = at("2024-12-01")


def world(signed_at: datetime = SIGNED_AT) -> Setup:
    """A contract for 2025 with a commit of two segments, signed in December."""
    made = setup()
    add_catalog(made.engine, [fixed_product("commit")], [], [])
    add_customer(made.engine)
    made.engine.notifications.run(EPOCH)
    two = commit("two", ("10", "2025-01-01", "2025-07-01"), ("10", "2025-07-01", "2026-01-01"))
    signed = Create(
        customer_id="customer",
        term=span(*YEAR),
        terms=Added(commits=(two,)),
    )
    made.engine.create_contract("c", signed, by="test", now=signed_at)
    return made


def bodies(made: Setup) -> list[dict[str, Any]]:
    return [msgspec.json.decode(one.body) for one in made.engine.stores.events.after(0, 100)]


def types(made: Setup) -> list[str]:
    return [body["type"] for body in bodies(made)]


def offset(length: str, kind: str = "contract.end", **more: Any) -> OffsetNotification:
    fields = {"id": length, "name": length, "since": at("2024-12-01"), **more}
    return OffsetNotification(type=kind, offset=length, **fields)


def test_r279_events_come_at_their_instants_and_once() -> None:
    made = world()
    made.engine.notifications.run(at("2024-12-02"))
    assert types(made) == ["contract.create", "commit.create"]

    made.engine.notifications.run(at("2025-01-01"))
    made.engine.notifications.run(at("2025-01-01"))
    assert sorted(types(made)[2:]) == ["commit.segment.start", "contract.start"]

    made.engine.notifications.run(at("2025-07-01"))
    assert sorted(types(made)[4:]) == ["commit.segment.end", "commit.segment.start"]


def test_r279_an_event_says_which_segment_and_whose() -> None:
    made = world()
    made.engine.notifications.run(at("2025-07-01"))

    ended = next(body for body in bodies(made) if body["type"] == "commit.segment.end")
    assert ended["timestamp"] == "2025-07-01T00:00:00+00:00"
    assert (ended["customer_id"], ended["contract_id"], ended["commit_id"]) == (
        "customer",
        "c",
        "two",
    )
    assert (ended["segment_index"], ended["segment_count"]) == (0, 2)
    assert "properties" not in ended


def test_r279_an_instant_that_moves_is_told_where_it_moved() -> None:
    made = world()
    made.engine.notifications.run(at("2024-12-02"))
    made.engine.edit_contract(
        "c", ChangeEnd(ending_before=at("2025-06-01")), by="test", now=at("2024-12-03")
    )

    made.engine.notifications.run(at("2025-06-01"))

    assert types(made).count("contract.end") == 1
    assert types(made).count("contract.edit") == 1
    assert types(made).count("commit.segment.end") == 1


def test_r279_an_old_contract_brought_in_late_stays_quiet_about_its_past() -> None:
    made = world(signed_at=at("2025-09-01"))
    made.engine.notifications.run(at("2025-09-01T01:00"))

    assert types(made) == ["contract.create", "commit.create"]


def test_r279_archived_terms_say_so() -> None:
    made = world()
    change = Revise(archive_ids=("two",))
    made.engine.edit_contract("c", change, by="test", now=at("2024-12-05"))
    made.engine.notifications.run(at("2025-01-01"))

    assert "commit.archive" in types(made)
    assert "commit.segment.start" not in types(made)


def test_r280_before_and_after_with_the_time_of_the_source() -> None:
    made = world()
    made.engine.notifications.create(offset("-P7D"), at("2024-12-01"))
    made.engine.notifications.create(offset("P3D"), at("2024-12-01"))

    made.engine.notifications.run(at("2025-12-24"))
    assert [b for b in bodies(made) if "offset_id" in b] == []
    made.engine.notifications.run(at("2025-12-25"))
    made.engine.notifications.run(at("2026-01-04"))

    told = [(b["offset_id"], b["timestamp"]) for b in bodies(made) if "offset_id" in b]
    assert told == [
        ("-P7D", "2026-01-01T00:00:00+00:00"),
        ("P3D", "2026-01-01T00:00:00+00:00"),
    ]


def test_r280_nothing_past_at_creation_and_nothing_after_archiving() -> None:
    made = world()
    made.engine.notifications.run(at("2025-12-30"))
    made.engine.notifications.create(offset("-P7D", since=at("2025-12-30")), at("2025-12-30"))
    made.engine.notifications.create(offset("PT1H", since=at("2025-12-30")), at("2025-12-30"))
    made.engine.notifications.archive("PT1H", at("2025-12-31"))

    made.engine.notifications.run(at("2026-01-10"))

    assert [b for b in bodies(made) if "offset_id" in b] == []


def test_r280_a_disabled_one_is_silent_until_it_is_enabled() -> None:
    made = world()
    made.engine.notifications.create(offset("P1D", is_enabled=False), at("2024-12-01"))
    made.engine.notifications.run(at("2026-01-01"))
    made.engine.notifications.edit("P1D", at("2026-01-01"), is_enabled=True)

    made.engine.notifications.run(at("2026-01-03"))

    assert [b["offset_id"] for b in bodies(made) if "offset_id" in b] == ["P1D"]


@given(days=st.integers(0, 400), hours=st.integers(0, 23), negative=st.booleans())
def test_r280_durations_read_as_written(days: int, hours: int, negative: bool) -> None:  # noqa: FBT001
    length = timedelta(days=days, hours=hours)
    text = f"{'-' if negative else ''}P{days}DT{hours}H"

    assert duration(text) == (-length if negative else length)


@pytest.mark.parametrize("wrong", ["P", "3D", "P1M", "P1Y", "-PT", "P99999D", ""])
def test_r280_anything_else_is_refused(wrong: str) -> None:
    with pytest.raises(Refused):
        duration(wrong)
    with pytest.raises(Refused, match="no such system event"):
        offset("P1D", kind="contract.whatever")
