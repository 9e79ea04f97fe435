"""From what was sold forwards to the lines that bill it, draw on it or have its price (D10)."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from billing.balances.test_recurring import recurring
from billing.world import at, charge, fixed_product, metric, multiplier, rate, span, usage_product
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.source import Source
from closedwon.billing.contracts.terms import Transition, TransitionType
from closedwon.engine.trace import TracedTerm

NOW = at("2025-02-03")
SOLD = Source(
    opportunity_id="006Fk0000000001IAA",
    quote_id="a0qFk0000000001IAA",
    line_ids=("a0xFk0000000001IAA",),
    rule="enterprise-commit",
    place="mappings/cpq.yaml:41",
)


@pytest.fixture
def sold() -> Setup:
    """A monthly grant, a charge and an override that were sold; renewed within January."""
    found = setup()
    add_catalog(
        found.engine,
        [usage_product("Calls", "calls"), fixed_product("commit"), fixed_product("Setup")],
        [metric("Calls")],
        [rate("Calls", "100")],
    )
    add_customer(found.engine)
    signed = Create(
        customer_id="customer",
        term=span("2025-01-01"),
        rate_card_id="card",
        terms=Added(
            recurring=(recurring("grant", "10", invoice="9", rollover_fraction=Decimal(1)),),
            charges=(charge("Setup", {"2025-01-05": "7"}),),
            overrides=(multiplier("calls", "0.5", "2025-01-01"),),
        ),
    )
    renewal = Create(
        customer_id="customer",
        term=span("2025-01-21"),
        rate_card_id="card",
        transition=Transition(type=TransitionType.RENEWAL, from_contract_id="k"),
    )
    create = found.engine.create_contract
    create("k", signed, by="test", now=at("2024-12-20"), source=SOLD)
    create("next", renewal, by="test", now=at("2025-01-20"))
    found.usage.use(event("customer", "Calls", at("2025-01-10"), "16"))
    found.usage.use(event("customer", "Calls", at("2025-01-25"), "1"))
    found.engine.finalize(NOW)
    return found


def billed(terms: Sequence[TracedTerm]) -> dict[str, list[tuple[str, str, Decimal]]]:
    """(contract, name, dollars) of the lines of each kind of term."""
    return {
        term.kind: [
            (one.invoice.contract_id, one.line.name, one.line.total / 100) for one in term.lines
        ]
        for term in terms
    }


@pytest.mark.parametrize("whole", [SOLD.opportunity_id, SOLD.quote_id, *SOLD.line_ids])
@pytest.mark.parametrize("characters", [15, 18])
def test_d10_what_was_sold_is_traced_to_the_lines_that_bill_it_or_draw_on_it(
    sold: Setup, whole: str, characters: int
) -> None:
    traced = sold.engine.trace(whole[:characters], NOW)

    assert {term.source for term in traced} == {SOLD}
    assert billed(traced) == {
        "charge": [("k", "Setup", 7)],
        "override": [("k", "Calls", 8)],
        "recurring": [
            ("k", "grant", 9),
            ("k", "Calls", 8),
            ("k", "grant applied", -8),
            ("next", "Calls", 1),
            ("next", "grant rollover applied", -1),
        ],
    }


@pytest.mark.parametrize("origin", ["", "006Fk0000000001", "006Fk0000000001AAB", "%", "customer"])
def test_d10_nothing_is_traced_of_what_was_not_sold(origin: str) -> None:
    empty = setup()
    add_customer(empty.engine)

    assert empty.engine.trace(origin, NOW) == ()
