"""The watch step looks when there is something to see (R257, R272)."""

from collections.abc import Iterable
from decimal import Decimal

import pytest

from billing.world import at, commit, fixed_product, metric, rate, span, usage_product
from build import EPOCH, Setup, add_catalog, add_customer, event, setup
from closedwon.billing.alerts.types import Alert, AlertType
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.rating.demand import Demand, Quantities
from closedwon.sync.watch import Watch


def world() -> Setup:
    made = setup()
    add_catalog(
        made.engine,
        [usage_product("Calls"), fixed_product("commit")],
        [metric("Calls")],
        [rate("Calls", "1")],
    )
    add_customer(made.engine)
    signed = Create(
        customer_id="customer",
        term=span("2025-01-01", "2026-01-01"),
        rate_card_id="card",
        terms=Added(commits=(commit("c", ("10", "2025-01-01", "2026-01-01")),)),
    )
    made.engine.create_contract("k", signed, by="test", now=at("2025-01-01"))
    low = Alert(
        id="low",
        type=AlertType.COMBINED_BALANCE,
        name="low",
        threshold=Decimal(500),
        created_at=EPOCH,
    )
    made.engine.alerts.create(low, at("2025-01-01"))
    return made


def test_r272_usage_is_noticed_at_once_and_told_once() -> None:
    made = world()
    step = Watch(engine=made.engine)
    step.run(at("2025-01-02T10:00"))
    made.usage.use(event("customer", "Calls", at("2025-01-02T10:01"), "600"))

    assert step.run(at("2025-01-02T10:03")).done == 1
    assert step.run(at("2025-01-02T10:06")).done == 0
    assert Watch(engine=made.engine).run(at("2025-01-02T10:09")).done == 0


def test_r272_when_nothing_happened_nobody_is_billed_for_a_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = world()
    step = Watch(engine=made.engine)
    step.run(at("2025-01-02T10:00"))
    looks: list[int] = []
    measure = made.usage.measure

    def counted(demands: Iterable[Demand]) -> Quantities:
        looks.append(1)
        return measure(demands)

    monkeypatch.setattr(made.usage, "measure", counted)
    step.run(at("2025-01-02T10:03"))
    assert looks == []
    step.run(at("2025-01-02T11:00"))
    assert looks
