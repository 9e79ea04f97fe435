"""Packages: templates, their aliases and the contracts they make (R308-R311)."""

import sqlite3
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.balances.test_recurring import recurring
from billing.world import at, cents, fixed_product, metric, rate, span
from billing.world import usage_product as usage
from build import Setup, add_catalog, add_customer, setup
from closedwon.billing.catalog.types import Alias
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.edits import Revise
from closedwon.billing.contracts.overrides import Multiplier, Override
from closedwon.billing.contracts.packaged import expanded
from closedwon.billing.contracts.packages import (
    Package,
    PackageCharge,
    PackageCommit,
    PackageOrder,
    PackageOverride,
    PackagePoint,
    PackageRecurring,
    PackageSegment,
    Relative,
)
from closedwon.billing.contracts.spans import Span, Unit
from closedwon.billing.contracts.terms import CommitKind, StatementDay, StatementSchedule
from closedwon.engine.command import Author
from closedwon.engine.contracts import EditNote
from closedwon.kernel.errors import Conflict, NotFound, Refused

NOW = at("2025-01-01")
ADA = Author(by="ada", now=NOW)
NOTE = EditNote(by="ada", now=NOW)


def months(value: int) -> Span:
    return Span(value=value, unit=Unit.MONTHS)


def starter(package_id: str = "starter", **more: Any) -> Package:
    """Three months of credit, a fee a month in, and a discount while the credit pays."""
    credit = PackageCommit(
        id="credit",
        kind=CommitKind.CREDIT,
        product_id="p-commit",
        name="Welcome",
        segments=(PackageSegment(amount=cents("50"), window=Relative(duration=months(3))),),
    )
    fee = PackageCharge(
        id="fee",
        product_id="p-commit",
        name="Fee",
        items=(PackagePoint(date_offset=months(1), unit_price=cents("5"), quantity=Decimal(2)),),
    )
    cheaper = Override(
        id="cheaper",
        window=span("2020-01-01"),
        applicability=Applicability(
            specifiers=(Specifier(product_id="p-Calls", any_commit_or_credit_ids=("credit",)),)
        ),
        rate=Multiplier(multiplier=Decimal("0.5")),
        is_commit_specific=True,
    )
    fields: dict[str, Any] = {
        "id": package_id,
        "name": package_id,
        "rate_card_id": "card",
        "duration": Span(value=1, unit=Unit.YEARS),
        "commits": (credit,),
        "charges": (fee,),
        "overrides": (PackageOverride(template=cheaper, window=Relative(duration=months(3))),),
        "recurring": (PackageRecurring(template=recurring("monthly"), window=Relative()),),
        "created_at": NOW,
    }
    return Package(**{**fields, **more})


def order(start: str = "2025-10-01", **more: Any) -> PackageOrder:
    return PackageOrder(customer_id="customer", starting_at=at(start), **more)


@pytest.fixture
def world() -> Setup:
    found = setup()
    add_catalog(
        found.engine,
        [usage("Calls"), fixed_product("commit")],
        [metric("Calls")],
        [rate("Calls", "100")],
    )
    add_customer(found.engine)
    return found


def test_r309_offsets_and_durations_count_from_the_contracts_start(world: Setup) -> None:
    world.engine.packages.create(starter(), ADA)
    signed = world.engine.packages.order("starter", "k", order(), NOTE)
    (credit,), (fee,), (override,) = signed.commits, signed.charges, signed.overrides

    assert signed.term == span("2025-10-01", "2026-10-01")
    assert credit.segments[0].window == span("2025-10-01", "2026-01-01")
    assert [(p.timestamp, p.amount) for p in fee.items] == [(at("2025-11-01"), cents("10"))]
    assert override.applicability.specifiers[0].any_commit_or_credit_ids == (credit.id,)
    assert signed.recurring[0].window.start == at("2025-10-01")
    assert signed.package_id == "starter"
    assert world.engine.packages.contracts_on("starter") == ("k",)


@given(
    start=st.datetimes(
        at("2024-01-01").replace(tzinfo=None), at("2030-01-01").replace(tzinfo=None)
    ),
    value=st.integers(1, 40),
)
def test_r9_r309_months_are_counted_from_the_start_and_never_skip_one(
    start: Any, value: int
) -> None:
    anchor = start.replace(tzinfo=NOW.tzinfo, minute=0, second=0, microsecond=0)
    signed = expanded(starter(duration=months(value)), "k", replace(order(), starting_at=anchor))

    end = signed.term.until
    assert (end.year - anchor.year) * 12 + end.month - anchor.month == value
    assert end.day <= anchor.day
    assert end.day == anchor.day or (end + timedelta(days=1)).day == 1


def test_r309_two_contracts_of_one_package_share_no_ids(world: Setup) -> None:
    world.engine.packages.create(starter(), ADA)
    one = world.engine.packages.order("starter", "one", order(), NOTE)
    two = world.engine.packages.order("starter", "two", order(), NOTE)

    assert set(one.edit_of).isdisjoint(two.edit_of)


def test_r310_an_order_names_nothing_but_customer_start_key_transition_and_fields() -> None:
    assert PackageOrder.__struct_fields__ == (
        "customer_id",
        "starting_at",
        "uniqueness_key",
        "transition",
        "custom_fields",
    )


def test_r308_a_package_is_immutable_and_its_archiving_stops_new_contracts(world: Setup) -> None:
    world.engine.packages.create(starter(), ADA)
    world.engine.packages.create(starter(), ADA)
    with pytest.raises(Conflict, match="other content"):
        world.engine.packages.create(starter(contract_name="x"), ADA)
    with pytest.raises(sqlite3.IntegrityError, match="immutable"):
        world.db.conn.execute("update package set name = 'x'")
    world.engine.packages.order("starter", "k", order(), NOTE)
    before = world.engine.content_hash()
    world.engine.packages.order("starter", "k", order(), NOTE)
    assert world.engine.content_hash() == before

    world.engine.packages.archive("starter", ADA)
    world.engine.packages.archive("starter", ADA)
    with pytest.raises(Refused, match="archived"):
        world.engine.packages.order("starter", "new", order(), NOTE)
    assert world.engine.packages.order("starter", "k", order(), NOTE).id == "k"
    assert world.engine.packages.all() == ()
    assert [one.id for one in world.engine.packages.all(archived=True)] == ["starter"]
    with pytest.raises(NotFound):
        world.engine.packages.get("nothing")


def test_r308_a_new_package_takes_the_alias_over_from_its_date(world: Setup) -> None:
    old = starter(aliases=(Alias(name="plan", window=span("2025-01-01")),))
    new = starter("next", aliases=(Alias(name="plan", window=span("2026-01-01")),))
    world.engine.packages.create(old, ADA)
    world.engine.packages.create(new, ADA)

    assert world.engine.packages.get("starter").aliases[0].window == span(
        "2025-01-01", "2026-01-01"
    )
    assert (
        world.engine.packages.order("plan", "a", order("2025-12-01"), NOTE).package_id == "starter"
    )
    assert world.engine.packages.order("plan", "b", order("2026-01-01"), NOTE).package_id == "next"
    with pytest.raises(NotFound):
        world.engine.packages.order("plan", "c", order("2024-12-01"), NOTE)


def test_r7_r308_package_keys_are_their_own(world: Setup) -> None:
    keyed = Author(by="ada", now=NOW, uniqueness_key="k1")
    world.engine.packages.create(starter(), keyed)
    with pytest.raises(Conflict, match="already been used"):
        world.engine.packages.create(starter("other"), keyed)
    world.engine.packages.order("starter", "k", order(uniqueness_key="k1"), NOTE)
    with pytest.raises(Conflict, match="already been used"):
        world.engine.packages.order("starter", "l", order(uniqueness_key="k1"), NOTE)


def test_r311_a_later_edit_does_not_touch_the_package(world: Setup) -> None:
    world.engine.packages.create(starter(), ADA)
    signed = world.engine.packages.order("starter", "k", order(), NOTE)
    gone = Revise(remove_ids=(signed.overrides[0].id,))
    world.engine.edit_contract("k", gone, by="ada", now=NOW)

    assert world.engine.contract("k").overrides == ()
    assert len(world.engine.packages.get("starter").overrides) == 1


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (lambda: Span(value=-1, unit=Unit.DAYS), "negative"),
        (lambda: PackageSegment(amount=Decimal(1), window=Relative()), "has a duration"),
        (lambda: starter(charges=(replace(starter().charges[0], id="credit"),)), "different"),
        (
            lambda: starter(
                statement=StatementSchedule(
                    day=StatementDay.CUSTOM_DATE, billing_anchor_date=at("2025-01-01")
                )
            ),
            "FIRST_OF_MONTH or CONTRACT_START",
        ),
    ],
)
def test_r308_what_a_package_cannot_be(wrong: Any, match: str) -> None:
    with pytest.raises(Refused, match=match):
        wrong()


def test_r100_r308_terms_that_cannot_stand_are_refused_with_the_package(world: Setup) -> None:
    credit = replace(starter().commits[0], product_id="p-Calls")
    with pytest.raises(Refused, match="FIXED"):
        world.engine.packages.create(starter(commits=(credit,)), ADA)


@pytest.mark.parametrize(
    ("span_", "expected"),
    [
        (Span(value=10, unit=Unit.DAYS), "2025-02-10"),
        (Span(value=2, unit=Unit.WEEKS), "2025-02-14"),
        (Span(value=1, unit=Unit.MONTHS), "2025-02-28"),
        (Span(value=1, unit=Unit.YEARS), "2026-01-31"),
    ],
)
def test_r9_r309_units(span_: Span, expected: str) -> None:
    assert span_.after(at("2025-01-31")) == at(expected)
