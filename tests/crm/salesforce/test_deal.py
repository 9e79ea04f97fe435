"""Deals read whole while people keep editing, many at a time, for few calls."""

from collections.abc import Callable
from typing import Any

import pytest

from closedwon.crm.salesforce import deal as deal_module
from closedwon.crm.salesforce.deal import levels
from closedwon.deals.source import ChildSource, DealSource
from closedwon.deals.types import Deal
from closedwon.kernel.errors import ConfigError
from closedwon.ports import Gone, Unready
from closedwon.testing.crm_world import NOBODY, SOURCE, a_deal
from crm.salesforce.dev_world import DevWorld


@pytest.mark.parametrize(
    ("object_name", "place", "field"),
    [("Opportunity", 0, {"Name": "Beta"}), ("SBQQ__Quote__c", 1, {"SBQQ__Primary__c": False})],
)
def test_a_save_between_the_reads_makes_the_deal_unready(
    world: DevWorld, object_name: str, place: int, field: dict[str, Any]
) -> None:
    ids = a_deal(world)
    world.meanwhile(4, lambda: world.update(object_name, ids[place], field))

    found = world.crm.deal(ids[0], world.now())

    assert isinstance(found, Unready)
    assert "while being read" in found.reason


def test_a_deal_deleted_between_the_reads_is_unready_then_gone(world: DevWorld) -> None:
    opportunity, _, _ = a_deal(world)
    world.meanwhile(4, lambda: world.delete("Opportunity", opportunity))

    assert isinstance(world.crm.deal(opportunity, world.now()), Unready)
    assert world.crm.deal(opportunity, world.now()) == Gone(
        opportunity_id=opportunity, deleted=True
    )


def test_only_the_deal_that_moved_is_unready(world: DevWorld) -> None:
    moving, _, _ = a_deal(world, "Moving")
    resting, _, _ = a_deal(world, "Resting")
    world.meanwhile(4, lambda: world.update("Opportunity", moving, {"Name": "Moved"}))

    kinds = [type(found) for found in world.crm.deals([moving, resting], world.now())]

    assert kinds == [Unready, Deal]


def test_a_deal_without_quote_has_empty_children(world: DevWorld) -> None:
    opportunity = world.create(
        "Opportunity", {"Name": "Bare", "StageName": "Closed Won", "CloseDate": "2024-03-01"}
    )
    world.advance(120)

    found = world.crm.deal(opportunity, world.now())

    assert isinstance(found, Deal)
    assert found.children == {"quotes": (), "lines": ()}
    assert found.record["Account"] is None


def test_many_deals_cost_few_calls_whatever_their_number(world: DevWorld) -> None:
    ids = [a_deal(world, f"D{n}")[0] for n in range(12)]
    before = world.crm.usage().ours

    found = list(world.crm.deals(ids, world.now()))

    assert [deal.opportunity_id for deal in found] == ids
    assert world.crm.usage().ours - before == 4


def test_long_lists_are_cut_and_rows_still_find_their_deal(
    world: DevWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [a_deal(world, f"D{n}")[0] for n in range(7)]
    whole = list(world.crm.deals(ids, world.now()))
    monkeypatch.setattr(deal_module, "PARENTS_PER_QUERY", 2)
    monkeypatch.setattr(deal_module, "ROOTS_PER_QUERY", 3)

    assert list(world.crm.deals(ids, world.now())) == whole
    assert len({str(found) for found in whole}) == 7


def test_chunks_are_read_side_by_side_in_order_and_may_be_left_early(
    world: DevWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [a_deal(world, f"D{n}")[0] for n in range(7)]
    monkeypatch.setattr(world.crm, "_deals_per_chunk", 2)

    assert [d.opportunity_id for d in world.crm.deals([*ids, NOBODY], world.now())] == [
        *ids,
        NOBODY,
    ]
    stream = world.crm.deals(ids, world.now())
    assert next(stream).opportunity_id == ids[0]
    stream.close()


def test_no_ids_cost_no_call(world: DevWorld) -> None:
    assert list(world.crm.deals([], world.now())) == []
    assert world.crm.matching([]) == frozenset()
    assert world.crm.usage().ours == 0


def child(name: str, parent: str) -> ChildSource:
    return ChildSource(
        name=name, object_name="X__c", link="Id", parent=parent, to_root="O__c", fields=()
    )


def source(*children: ChildSource) -> DealSource:
    return DealSource(root="Opportunity", trigger="IsWon = true", fields=(), children=children)


def test_children_are_read_level_by_level_in_any_order_given() -> None:
    tiers, lines = child("tiers", "lines.Id"), child("lines", "quote.Id")
    quote, products = child("quote", "deal.Quote__c"), child("products", "deal.Id")

    found = levels(source(tiers, lines, quote, products))

    assert [[c.name for c in level] for level in found] == [
        ["quote", "products"],
        ["lines"],
        ["tiers"],
    ]


def test_a_child_of_nothing_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="lines"):
        levels(source(child("lines", "nowhere.Id")))


def test_the_suites_source_has_two_levels() -> None:
    shape: Callable[[DealSource], Any] = levels

    assert [len(level) for level in shape(SOURCE)] == [1, 1]
