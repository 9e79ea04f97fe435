"""What every ports.Crm must do, as plain checks over a World; run on the fake and on real adapters.

Each check starts from an empty World whose crm reads ``SOURCE``, and raises AssertionError.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from closedwon.deals.types import Deal
from closedwon.kernel.ids import id18
from closedwon.ports import Gone, Unready, Window
from closedwon.testing.crm_world import (
    KEY,
    NOBODY,
    PUSHED,
    PUSHED_CHILD,
    SECOND,
    World,
    a_deal,
    pushed,
    since,
)


def changed_children_name_their_deal(world: World) -> None:
    """A line edited alone leads to its opportunity through its quote."""
    opportunity, quote, line = a_deal(world)
    start = world.now()
    world.update("SBQQ__QuoteLine__c", line, {"SBQQ__Quantity__c": 7})
    world.advance(1)

    found = since(world, start, "Opportunity", "SBQQ__Quote__c", "SBQQ__QuoteLine__c")

    assert (line, (opportunity,)) in [(row.id, row.opportunity_ids) for row in found]
    assert {row.id for row in found} <= {line, quote}


def windows_are_half_open(world: World) -> None:
    """A row stamped at ``until`` is the next window's."""
    opportunity, _, _ = a_deal(world)
    world.update("Opportunity", opportunity, {"Name": "Beta"})
    stamp = world.now().replace(microsecond=0)
    world.advance(5)

    def ids(start: datetime, until: datetime) -> list[str]:
        window = Window(object_name="Opportunity", since=start, until=until)
        return [row.id for row in world.crm.changes([window])]

    assert ids(stamp - SECOND, stamp) == []
    assert ids(stamp, stamp + SECOND) == [opportunity]
    assert ids(stamp + SECOND, stamp + 2 * SECOND) == []


def changes_come_oldest_first(world: World) -> None:
    """Rows of one object are ordered by stamp, then id."""
    start = world.now()
    ids = [a_deal(world, name)[0] for name in ("A", "B", "C")]
    world.update("Opportunity", ids[0], {"Name": "A again"})
    world.advance(1)

    found = since(world, start, "Opportunity")

    assert [row.id for row in found] == [ids[1], ids[2], ids[0]]
    assert [row.modstamp for row in found] == sorted(row.modstamp for row in found)


def deletions_are_changes(world: World) -> None:
    """A deleted row is reported as deleted, with its deal, and once more when it comes back."""
    opportunity, _, line = a_deal(world)
    start = world.now()
    world.delete("SBQQ__QuoteLine__c", line)
    world.advance(1)
    (gone,) = since(world, start, "SBQQ__QuoteLine__c")
    start = world.now()
    world.undelete("SBQQ__QuoteLine__c", line)
    world.advance(1)
    (back,) = since(world, start, "SBQQ__QuoteLine__c")

    assert (gone.id, gone.deleted, gone.opportunity_ids) == (line, True, (opportunity,))
    assert (back.id, back.deleted) == (line, False)


def deals_no_longer_won_are_changes_too(world: World) -> None:
    """Un-winning shows in ``changes`` and takes the deal out of the trigger's reach."""
    opportunity, _, _ = a_deal(world)
    start = world.now()
    assert world.crm.matching([opportunity]) == {opportunity}
    world.update("Opportunity", opportunity, {"StageName": "Prospecting"})
    world.advance(1)

    assert [row.id for row in since(world, start, "Opportunity")] == [opportunity]
    assert world.crm.matching([opportunity]) == frozenset()
    assert list(world.crm.visible()) == []


def won_deals_are_found_by_close_date(world: World) -> None:
    """Close dates count in a half-open stretch; deals still open never do."""
    first, _, _ = a_deal(world, "First", CloseDate="2024-01-01")
    second, _, _ = a_deal(world, "Second", CloseDate="2024-01-31")
    a_deal(world, "Third", CloseDate="2024-02-01")
    a_deal(world, "Open", CloseDate="2024-01-15", StageName="Prospecting")

    january = world.crm.won(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC))

    assert sorted(january) == sorted([first, second])


def every_won_deal_is_visible_with_its_stamp(world: World) -> None:
    """The sweep sees each deal once; deleted deals are not among them."""
    kept, _, _ = a_deal(world, "Kept")
    dropped, _, _ = a_deal(world, "Dropped")
    world.delete("Opportunity", dropped)

    ((id_, stamp),) = world.crm.visible()

    assert id_ == kept
    assert timedelta(0) <= world.now() - stamp < timedelta(minutes=10)


def a_deal_is_read_whole(world: World) -> None:
    """Parents nested, children in their order, numbers exact."""
    opportunity, quote, _ = a_deal(world)

    deal = world.crm.deal(opportunity, world.now())

    assert isinstance(deal, Deal), deal
    assert deal.record["Account"]["Name"] == "Alpha Inc"
    assert deal.record["Amount"] == Decimal("1234567.89")
    assert not isinstance(deal.record["Amount"], float)
    assert [row["Id"] for row in deal.children["quotes"]] == [quote]
    assert deal.children["quotes"][0]["SBQQ__Primary__c"] is True
    assert [row["SBQQ__Number__c"] for row in deal.children["lines"]] == [1, 2]
    assert [row["SBQQ__Quantity__c"] for row in deal.children["lines"]] == [10, 20]
    assert deal.read_at == world.now()


def fingerprints_move_with_the_deal_only(world: World) -> None:
    """Two reads agree; an edited line does not."""
    opportunity, _, line = a_deal(world)
    first = world.crm.deal(opportunity, world.now())
    world.advance(600)
    again = world.crm.deal(opportunity, world.now())
    world.update("SBQQ__QuoteLine__c", line, {"SBQQ__Quantity__c": 7})
    world.advance(120)
    edited = world.crm.deal(opportunity, world.now())

    assert isinstance(first, Deal)
    assert isinstance(again, Deal)
    assert isinstance(edited, Deal)
    assert first.fingerprint == again.fingerprint != edited.fingerprint


def a_deal_is_unready_until_it_settled(world: World) -> None:
    """A save less than a minute ago may be half of two, whichever record it touched."""
    opportunity, _, line = a_deal(world)
    world.update("SBQQ__QuoteLine__c", line, {"SBQQ__Quantity__c": 7})
    world.advance(59)
    early = world.crm.deal(opportunity, world.now())
    world.advance(2)

    assert isinstance(early, Unready), early
    assert isinstance(world.crm.deal(opportunity, world.now()), Deal)


def deleted_and_unknown_deals_are_told_apart(world: World) -> None:
    """Not visible is never reported as deleted."""
    opportunity, _, _ = a_deal(world)
    world.delete("Opportunity", opportunity)

    assert world.crm.deal(opportunity, world.now()) == Gone(
        opportunity_id=opportunity, deleted=True
    )
    assert world.crm.deal(NOBODY, world.now()) == Gone(opportunity_id=NOBODY, deleted=False)


def many_deals_are_read_as_each_one_is(world: World) -> None:
    """Order kept, rows with their own deal, unknown ids in place."""
    ids = [a_deal(world, name)[0] for name in ("C", "A", "B")]
    asked = [ids[1], NOBODY, ids[0], ids[2]]

    together = list(world.crm.deals(iter(asked), world.now()))

    assert together == [world.crm.deal(id_, world.now()) for id_ in asked]


def upserts_create_once_and_change_after(world: World) -> None:
    """The same key is the same record; what was not sent stays."""
    row = pushed("prod:1", Customer_Id__c="c-1", Balance_Total__c=Decimal("1234567.89"))
    (made,) = world.crm.upsert(PUSHED, KEY, [row])
    (same,) = world.crm.upsert(PUSHED, KEY, [{KEY: "prod:1", "Customer_Id__c": "c-2"}])

    (stored,) = world.stored(PUSHED)
    assert (made.ok, made.created, same.ok, same.created) == (True, True, True, False)
    assert made.id == same.id == stored["Id"]
    assert (stored["Customer_Id__c"], stored["Balance_Total__c"]) == ("c-2", Decimal("1234567.89"))


def one_bad_row_fails_alone(world: World) -> None:
    """Results stand in the order of the rows; a missing parent names its code."""
    world.crm.upsert(PUSHED, KEY, [pushed("prod:1")])
    rows = [
        {KEY: "prod:a", "Customer__r": {KEY: "prod:1"}},
        {KEY: "prod:b", "Customer__r": {KEY: "prod:none"}},
        {KEY: "prod:c", "Customer__r": {KEY: "prod:1"}},
    ]

    results = world.crm.upsert(PUSHED_CHILD, KEY, rows)

    assert [result.ok for result in results] == [True, False, True]
    assert results[1].code == "INVALID_FIELD"
    assert not results[1].retryable
    assert sorted(row[KEY] for row in world.stored(PUSHED_CHILD)) == ["prod:a", "prod:c"]


def any_number_of_rows_can_be_pushed(world: World) -> None:
    """More rows than one call carries still give one result each, in order."""
    keys = [f"prod:{number:03d}" for number in range(450)]

    results = world.crm.upsert(PUSHED, KEY, [pushed(key) for key in keys])

    stored = {row["Id"]: row[KEY] for row in world.stored(PUSHED)}
    assert [stored[str(result.id)] for result in results] == keys


def the_org_names_itself_and_its_time(world: World) -> None:
    """18-character org id, whole seconds in UTC, calls counted."""
    before = world.crm.usage().ours
    now = world.crm.server_now()
    list(world.crm.visible())

    assert id18(world.crm.org_id()) == world.crm.org_id()
    assert now == world.now().replace(microsecond=0)
    assert world.crm.usage().ours > before


CONFORMANCE: Final[tuple[Callable[[World], None], ...]] = (
    changed_children_name_their_deal,
    windows_are_half_open,
    changes_come_oldest_first,
    deletions_are_changes,
    deals_no_longer_won_are_changes_too,
    won_deals_are_found_by_close_date,
    every_won_deal_is_visible_with_its_stamp,
    a_deal_is_read_whole,
    fingerprints_move_with_the_deal_only,
    a_deal_is_unready_until_it_settled,
    deleted_and_unknown_deals_are_told_apart,
    many_deals_are_read_as_each_one_is,
    upserts_create_once_and_change_after,
    one_bad_row_fails_alone,
    any_number_of_rows_can_be_pushed,
    the_org_names_itself_and_its_time,
)
"""Every check; a new adapter runs them all."""
