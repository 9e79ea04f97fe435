"""Events: derived ids, exact bodies, one per finalization (R277-R280, R293)."""

import json
from decimal import Decimal

import pytest

from billing.world import at
from build import Setup, infrax, setup
from closedwon.engine.events import INVOICE_FINALIZED, emit, emit_flat
from closedwon.store.database import writing

FINALIZED = at("2024-03-02")


@pytest.fixture
def world() -> Setup:
    found = setup()
    infrax(found.engine, found.usage)
    return found


def test_r278_the_same_event_again_is_a_no_op(world: Setup) -> None:
    stores = world.engine.stores
    properties = {"customer_id": "c1", "threshold": Decimal("700000.10")}
    with writing(world.db):
        first = emit(stores, "alerts.spend_threshold_reached", properties, FINALIZED)
        again = emit(
            stores,
            "alerts.spend_threshold_reached",
            dict(reversed(properties.items())),
            at("2024-03-03"),
        )
        other = emit(stores, "alerts.usage_threshold_reached", properties, FINALIZED)

    assert first == again != other
    (kept, _) = stores.events.after(0, 10)
    assert kept.at == FINALIZED
    assert kept.body == (
        f'{{"id":"{first}","type":"alerts.spend_threshold_reached",'
        '"properties":{"customer_id":"c1","threshold":700000.1}}'
    )


def test_r279_system_events_are_flat(world: Setup) -> None:
    stores = world.engine.stores
    fields = {"timestamp": "2024-03-02T00:00:00+00:00", "contract_id": "first"}
    with writing(world.db):
        event_id = emit_flat(stores, "contract.start", fields, FINALIZED)

    (kept,) = stores.events.after(0, 10)
    assert json.loads(kept.body) == {"id": event_id, "type": "contract.start", **fields}


def test_r293_finalization_is_told_once_per_invoice(world: Setup) -> None:
    engine, stores = world.engine, world.engine.stores
    while engine.finalize(FINALIZED).remaining:
        pass
    engine.finalize(FINALIZED)

    told = [json.loads(event.body) for event in stores.events.after(0, 100)]
    invoices = {invoice.id: invoice for invoice in engine.invoices()}
    assert len(invoices) >= 3
    assert sorted(one["properties"]["invoice_id"] for one in told) == sorted(invoices)
    assert {one["type"] for one in told} == {INVOICE_FINALIZED}
    assert {one["properties"]["invoice_finalized_date"] for one in told} == {
        "2024-03-02T00:00:00+00:00"
    }
    assert len({one["id"] for one in told}) == len(told)


def test_r293_an_event_is_kept_only_with_its_invoice(
    world: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("the books cannot be written")

    monkeypatch.setattr(type(world.engine.stores.journal), "append", fail)
    world.engine.finalize(FINALIZED)

    assert world.engine.invoices() == ()
    assert world.engine.stores.events.after(0, 10) == ()
