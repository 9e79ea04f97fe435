"""Drafts as they would be with other usage (R44)."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from billing.world import EPOCH, at, metric, rate, span, usage_product
from build import add_catalog, add_customer, setup
from closedwon.billing.catalog.types import Metric, RateCard
from closedwon.billing.contracts.edits import Create
from closedwon.billing.pricing import Tier, Tiered
from closedwon.engine import Engine
from closedwon.engine.preview import PreviewEvent, PreviewMode
from closedwon.kernel.errors import NotFound, Refused
from closedwon.store.database import open_database
from closedwon.store.migrations import migrate
from closedwon.usage import UsageLog
from closedwon.usage.options import UsageOptions
from closedwon.usage.types import UsageEvent

NOW = at("2024-01-20")


def hundred_free() -> Tiered:
    """100 free, then 10 cents each."""
    free = Tier(price=Decimal(0), size=Decimal(100))
    return Tiered(tiers=(free, Tier(price=Decimal(10))))


def signed(engine: Engine) -> None:
    add_catalog(
        engine,
        [usage_product("Calls"), usage_product("Space")],
        [metric("Calls"), metric("Space")],
        [rate("Calls", hundred_free()), rate("Space", "3")],
    )
    add_customer(engine)
    create = Create(customer_id="customer", term=span("2024-01-01"), rate_card_id="card")
    engine.create_contract("k", create, by="test", now=EPOCH)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    db = open_database(":memory:")
    migrate(db)
    usage = UsageLog(tmp_path, UsageOptions())
    found = Engine(db, usage)
    signed(found)
    used = [
        UsageEvent(
            transaction_id=str(number),
            customer_id="customer",
            event_type="Calls",
            timestamp=at("2024-01-05"),
            properties={"value": "1"},
        )
        for number in range(99)
    ]
    usage.ingest(used, NOW)
    yield found
    usage.close()


def calls(count: int, first: int = 1000, **more: object) -> list[PreviewEvent]:
    return [
        PreviewEvent(
            **{  # type: ignore[arg-type]
                "event_type": "Calls",
                "properties": {"value": "1"},
                "transaction_id": str(first + n),
                **more,
            }
        )
        for n in range(count)
    ]


def told(engine: Engine, events: list[PreviewEvent], mode: str) -> list[tuple[str, str, str]]:
    (draft,) = engine.preview_events(
        "customer", events, PreviewMode(mode), NOW, skip_zero_lines=True
    )
    return [(line.name, str(line.quantity), str(line.unit_price)) for line in draft.lines]


def test_r44_five_more_are_one_free_and_four_billable(engine: Engine) -> None:
    before = engine.bill("customer", NOW)

    assert told(engine, calls(5), "merge") == [("Calls", "100", "0"), ("Calls", "4", "10")]
    assert told(engine, calls(5), "replace") == [("Calls", "5", "0")]
    assert engine.bill("customer", NOW) == before
    assert engine.usage.measure([]) == {}


def test_r44_known_transaction_ids_add_nothing_and_none_means_new(engine: Engine) -> None:
    assert told(engine, calls(5, first=0), "merge") == [("Calls", "99", "0")]
    assert told(engine, calls(5, transaction_id=None), "merge")[1] == ("Calls", "4", "10")


def test_r44_a_missing_timestamp_is_now(engine: Engine) -> None:
    assert len(told(engine, calls(2, timestamp=at("2023-12-31")), "merge")) == 1
    assert told(engine, calls(2), "replace") == told(engine, calls(2, timestamp=NOW), "replace")


def test_r44_r51_zero_lines_can_be_left_out(engine: Engine) -> None:
    (with_zero,) = engine.preview_events("customer", calls(1), PreviewMode.REPLACE, NOW)
    assert {line.name for line in with_zero.lines} == {"Calls", "Space"}
    assert {name for name, _, _ in told(engine, calls(1), "replace")} == {"Calls"}


def test_r44_a_preview_is_refused_without_changing_anything(engine: Engine) -> None:
    before = engine.content_hash()
    for events, mode in ((calls(101), "merge"), ([], "merge"), (calls(1, event_type=""), "merge")):
        with pytest.raises(Refused):
            told(engine, events, mode)
    with pytest.raises(NotFound):
        engine.preview_events("nobody", calls(1), PreviewMode.MERGE, NOW)
    assert engine.content_hash() == before


def test_r44_a_customer_billed_by_sql_cannot_be_previewed(engine: Engine) -> None:
    counted = Metric(id="m-Sql", name="s", sql="SELECT COUNT(*) FROM events", created_at=EPOCH)
    engine.create_metric(counted, NOW)
    engine.create_product(usage_product("Sql"), NOW)
    price = rate("Sql", "5")
    card = RateCard(id="card", name="Card", created_at=EPOCH)
    engine.add_rates(card.id, [price], NOW)
    assert len(engine.bill("customer", NOW).invoices[0].lines) == 3
    with pytest.raises(Refused, match="SQL metric cannot be previewed"):
        told(engine, calls(1), "merge")


def test_r44_usage_in_memory_previews_the_same() -> None:
    world = setup()
    signed(world.engine)
    assert told(world.engine, calls(5), "merge") == [("Calls", "5", "0")]
    assert world.usage.latest() == 0
