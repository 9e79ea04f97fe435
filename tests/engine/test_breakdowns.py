"""Invoices by day and by group, through the engine (R287, R288, S30)."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.world import EPOCH, at, commit, fixed_product, metric, multiplier, rate, span
from billing.world import usage_product as usage
from build import Setup, add_catalog, add_customer, event, setup
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.breakdown import WindowSize
from closedwon.billing.invoices.types import Invoice, LineType
from closedwon.billing.pricing import Tier, Tiered
from closedwon.kernel.errors import Refused

TIERS = Tiered(tiers=(Tier(size=Decimal(10), price=Decimal(100)), Tier(price=Decimal(33))))


def world() -> Setup:
    """Calls in tiers, and bytes by zone; half of March is covered."""
    found = setup()
    add_catalog(
        found.engine,
        [
            usage("Calls"),
            usage("Bytes", "net", pricing_group_key=("zone",)),
            fixed_product("commit"),
        ],
        [
            metric("Calls", group_keys=(("user",),)),
            metric("Bytes", group_keys=(("zone", "user"),)),
        ],
        [
            rate("Calls", TIERS),
            rate("Bytes", "0.37", pricing_group_values={"zone": "eu"}),
            rate("Bytes", "0.41", pricing_group_values={"zone": "us"}),
        ],
    )
    add_customer(found.engine)
    create = Create(
        customer_id="customer",
        term=span("2025-03-01"),
        rate_card_id="card",
        terms=Added(
            commits=(commit("free", ("2", "2025-03-01", "2025-03-16"), kind=CommitKind.CREDIT),),
            overrides=(multiplier("net", "0.5", "2025-03-20"),),
        ),
    )
    found.engine.create_contract("k", create, by="test", now=EPOCH)
    return found


def use(found: Setup, name: str, day: int, value: str, **properties: str) -> None:
    found.usage.use(event("customer", name, at(f"2025-03-{day:02}"), value, **properties))


def march(found: Setup, now: str = "2025-04-01") -> Invoice:
    (one,) = [
        i for i in found.engine.list_invoices("customer", at(now)) if i.start == at("2025-03-01")
    ]
    return one


def test_s30_r287_a_day_shows_late_usage_until_the_invoice_is_made_anew() -> None:
    found = world()
    use(found, "Calls", 31, "12", user="a")
    found.engine.finalize(at("2025-04-02"))
    final = march(found, "2025-04-03")
    assert final.total == 1066
    use(found, "Calls", 31, "9", user="a")

    day = found.engine.breakdown(final)[-1]
    assert sum(line.quantity or 0 for line in day.lines if line.name == "Calls") == 21
    assert day.total == 1066 + 9 * 33
    found.engine.void_invoice(final.id, at("2025-04-04"))
    with pytest.raises(Refused, match="R287"):
        found.engine.breakdown(found.engine.invoice(final.id))
    again = found.engine.regenerate_invoice(final.id, at("2025-04-04"))
    assert again.total == day.total
    assert sum(part.total for part in found.engine.breakdown(again, WindowSize.HOUR)) == again.total


def test_r288_spend_by_user_leaves_balances_out() -> None:
    found = world()
    use(found, "Bytes", 2, "100", zone="eu", user="a")
    use(found, "Bytes", 3, "300", zone="eu", user="b")
    use(found, "Bytes", 21, "200", zone="us", user="a")
    draft = march(found)
    rows = found.engine.spend_breakdown(draft, ["user"])

    assert {(str(r.group["zone"]), str(r.group["user"])): r.amount for r in rows} == {
        ("eu", "a"): Decimal(37),
        ("eu", "b"): Decimal(111),
        ("us", "a"): Decimal(41),
    }
    assert any(line.type is LineType.APPLIED for line in draft.lines)


def test_r288_a_tiered_amount_is_shared_by_units() -> None:
    found = world()
    use(found, "Calls", 18, "5", user="a")
    use(found, "Calls", 19, "15", user="b")
    rows = found.engine.spend_breakdown(march(found), ["user"])
    assert [(r.group["user"], r.quantity, r.amount) for r in rows] == [
        ("a", 5, Decimal("332.5")),
        ("b", 15, Decimal("997.5")),
    ]


def test_r288_keys_a_metric_has_not_are_refused() -> None:
    found = world()
    draft = march(found)
    with pytest.raises(Refused, match="cannot be grouped"):
        found.engine.spend_breakdown(draft, ["planet"])


@given(
    uses=st.lists(
        st.tuples(
            st.sampled_from(["Calls", "Bytes"]),
            st.integers(1, 31),
            st.decimals("0.001", 90, places=3),
            st.sampled_from(["eu", "us"]),
            st.sampled_from(["a", "b", "c"]),
        ),
        max_size=10,
    )
)
@settings(max_examples=15, deadline=None)
def test_r288_spend_sums_to_the_usage_at_its_price(
    uses: list[tuple[str, int, Decimal, str, str]],
) -> None:
    """Every balance pays list prices here, so usage lines and spend are the same money."""
    found = world()
    for name, day, value, zone, user in uses:
        use(found, name, day, str(value), zone=zone, user=user)
    draft = march(found)
    spent = sum(row.amount for row in found.engine.spend_breakdown(draft, ["user"]))
    assert spent == sum(line.total for line in draft.lines if line.type is LineType.USAGE)
    assert sum(part.total for part in found.engine.breakdown(draft)) == draft.total
