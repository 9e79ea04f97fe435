"""Custom fields, named schedules, what was known when, archiving (R115, R125, R364)."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.world import at, cents, commit, dollars, span
from build import Setup, add_customer, infrax, infrax_upsell, setup
from closedwon.billing.balances.types import EntryType, LedgerEntry
from closedwon.billing.contracts.edits import Added, Amend, ChangeEnd, Create, FilterUsage, Revise
from closedwon.billing.contracts.named_schedules import NamedSegment, segments_of
from closedwon.billing.contracts.terms import CommitKind, UsageFilter
from closedwon.engine.command import Author
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.kernel.instant import Interval

NOW = at("2024-06-10")
ADA = Author(by="ada", now=NOW)


@pytest.fixture
def world() -> Setup:
    """InfraX signed in December 2023, January to May 2024 finalized."""
    found = setup()
    infrax(found.engine, found.usage)
    found.engine.finalize(at("2024-06-02"))
    return found


def edit(world: Setup, change: Any, now: Any = NOW) -> None:
    world.engine.edit_contract("first", change, by="test", now=now)


def test_r115_a_contract_as_of_an_instant_is_what_was_known_then(world: Setup) -> None:
    edit(world, infrax_upsell(), at("2024-03-01"))
    edit(world, Revise(name="Renamed"), at("2024-04-01"))

    assert [c.id for c in world.engine.contract("first", at("2024-02-01")).commits] == ["A"]
    march = world.engine.contract("first", at("2024-03-01"))
    assert ([c.id for c in march.commits], march.name) == (["A", "B"], "")
    assert world.engine.contract("first").name == "Renamed"
    with pytest.raises(NotFound, match="known then"):
        world.engine.contract("first", at("2023-01-01"))


def test_r115_a_bill_by_what_was_known_leaves_out_later_terms_and_entries(world: Setup) -> None:
    bonus = LedgerEntry(
        id="bonus",
        commit_id="A",
        segment_id="A1",
        type=EntryType.MANUAL,
        timestamp=at("2024-01-01"),
        amount=cents("7"),
        reason="goodwill",
    )
    before = world.engine.bill("customer", at("2024-06-30"))
    world.engine.add_manual_entry("customer", bonus, NOW)
    edit(world, Revise(remove_ids=(world.engine.contract("first").overrides[0].id,)), NOW)
    after = world.engine.bill("customer", at("2024-06-30"))
    known = world.engine.bill("customer", at("2024-06-30"), known_at=at("2024-06-05"))

    assert known == before
    assert after != before
    fresh = world.engine.account("customer", at("2024-06-30"), known_at=at("2023-12-25"))
    assert fresh.finalized == ()


def test_r115_voided_invoices_stood_before_they_were_void(world: Setup) -> None:
    paid = world.engine.invoices("customer")[0]
    world.engine.void_invoice(paid.id, NOW)
    known = world.engine.account("customer", at("2024-06-12"), known_at=at("2024-06-09"))
    today = world.engine.account("customer", at("2024-06-12"))

    assert paid.id in {i.id for i in known.finalized}
    assert paid.id not in {i.id for i in today.finalized}


def test_r115_history_lists_every_kind_of_edit_oldest_first(world: Setup) -> None:
    edit(world, ChangeEnd(ending_before=at("2026-06-01")))
    regional = UsageFilter(group_key="value", group_values=("1",), starting_at=at("2026-01-01"))
    with pytest.raises(Refused, match="R107"):
        edit(world, FilterUsage(usage_filter=regional))
    edit(world, Revise(name="x"))
    kinds = [type(one.change).__name__ for one in world.engine.edits("first")]

    assert kinds == ["Create", "ChangeEnd", "Revise"]
    actions = [row.action for row in world.engine.stores.audit.rows()]
    assert actions.count("edit") == 3


def test_r125_an_archived_customer_has_no_open_invoice_and_takes_nothing_new(
    world: Setup,
) -> None:
    own = commit("own", ("5", "2024-01-01", "2025-01-01"), priority=Decimal(1))
    world.engine.balances.create("customer", own, ADA)
    world.engine.archive_customer("customer", NOW)
    world.engine.archive_customer("customer", at("2024-06-11"))
    world.engine.finalize(at("2024-07-03"))
    bill = world.engine.bill("customer", at("2024-07-03"))

    assert world.engine.customer("customer").archived_at == NOW
    assert (bill.invoices, {b.remaining for b in bill.balances}) == ((), {Decimal(0)})
    assert world.engine.contract("first").archived_at == NOW
    assert sum(e.amount for e in world.engine.ledger("own")) == 0
    signed = Create(customer_id="customer", term=span("2025-01-01"))
    with pytest.raises(Refused, match="customer is archived"):
        world.engine.create_contract("new", signed, by="test", now=NOW)
    with pytest.raises(Refused, match="customer is archived"):
        world.engine.balances.create(
            "customer",
            replace(own, id="n", segments=commit("n", ("5", "2024-01-01", "2025-01-01")).segments),
            ADA,
        )
    assert world.engine.findings() == ()


def test_r125_r6_its_aliases_stay_taken(world: Setup) -> None:
    world.engine.set_ingest_aliases("customer", ["acme"], NOW)
    world.engine.archive_customer("customer", NOW)
    with pytest.raises(Conflict, match="another customer"):
        add_customer(world.engine, "other", ingest_aliases=("acme",))


def postpaid() -> Any:
    return commit(
        "promise",
        ("1000", "2024-06-01", "2024-07-01"),
        payments={"2024-07-01": "1000"},
        kind=CommitKind.POSTPAID,
    )


def test_r190_without_its_true_up_a_shortfall_expires(world: Setup) -> None:
    edit(world, Amend(starting_at=NOW, terms=Added(commits=(postpaid(),))))
    world.engine.balances.disable_trueup("promise", ADA)
    world.engine.finalize(at("2024-07-03"))
    entries = world.engine.ledger("promise")

    assert [e.type for e in entries] == ["INITIAL_BALANCE", "EXPIRATION"]
    assert sum(e.amount for e in entries) == 0
    with pytest.raises(Refused, match="only a postpaid"):
        world.engine.balances.disable_trueup("A", ADA)


def test_r190_a_true_up_that_is_final_stays(world: Setup) -> None:
    edit(world, Amend(starting_at=NOW, terms=Added(commits=(postpaid(),))))
    world.engine.finalize(at("2024-07-03"))
    trueup = [i for i in world.engine.invoices("customer") if i.type == "SCHEDULED"][-1]
    assert dollars(trueup.total) == Decimal("1000.00")
    with pytest.raises(Refused, match="void it first"):
        world.engine.balances.disable_trueup("promise", Author(by="ada", now=at("2024-07-04")))


def test_r161_balances_in_product_units_are_refused_in_words(world: Setup) -> None:
    units = commit(
        "X",
        ("1", "2024-07-01", "2024-08-01"),
        access_credit_type_id="00000000-0000-0000-0000-000000000000",
    )
    with pytest.raises(Refused, match=r"quantities of a product.*R161"):
        edit(world, Amend(starting_at=NOW, terms=Added(commits=(units,))))


def test_r364_values_are_deleted_and_a_key_goes_with_all_its_values(world: Setup) -> None:
    engine = world.engine
    engine.add_custom_field_key("contract", "owner", False, NOW)
    engine.add_custom_field_key("contract", "team", True, NOW)
    engine.set_custom_fields("contract", "first", {"owner": "a", "team": "x"}, NOW)
    engine.delete_custom_fields("contract", "first", ["owner"], NOW)
    assert engine.contract("first").custom_fields == {"team": "x"}
    with pytest.raises(Refused, match="unknown custom field key"):
        engine.delete_custom_fields("contract", "first", ["team", "none"], NOW)
    assert engine.custom_fields("contract", "first") == {"team": "x"}

    engine.remove_custom_field_key("contract", "team", NOW)
    assert engine.custom_fields("contract", "first") == {}
    assert engine.custom_field_keys("contract") == {"owner": False}
    with pytest.raises(NotFound, match="no such custom field key"):
        engine.remove_custom_field_key("contract", "team", NOW)


def test_r364_values_are_set_all_or_nothing_and_are_at_most_200_long(world: Setup) -> None:
    engine = world.engine
    engine.add_custom_field_key("contract", "owner", False, NOW)
    for wrong in ({"owner": "a", "other": "b"}, {"owner": "x" * 201}):
        with pytest.raises(Refused):
            engine.set_custom_fields("contract", "first", wrong, NOW)
    assert engine.custom_fields("contract", "first") == {}
    engine.set_custom_fields("contract", "first", {"owner": "x" * 200}, NOW)
    assert len(engine.custom_fields("contract", "first")["owner"]) == 200


def test_r11_r364_archived_things_keep_their_unique_values(world: Setup) -> None:
    engine = world.engine
    engine.add_custom_field_key("customer", "number", True, NOW)
    engine.set_custom_fields("customer", "customer", {"number": "1"}, NOW)
    engine.archive_customer("customer", NOW)
    add_customer(engine, "other")
    with pytest.raises(Conflict, match="taken"):
        engine.set_custom_fields("customer", "other", {"number": "1"}, NOW)


def named(start: str, end: str | None, value: Any) -> NamedSegment:
    return NamedSegment(window=span(start, end), value=value)


def test_a_named_schedule_keeps_any_json_over_time(world: Setup) -> None:
    engine = world.engine
    about = ("contract", "first")
    engine.update_named_schedule(about, "limits", named("2024-01-01", None, {"max": 5}), ADA)
    engine.update_named_schedule(about, "limits", named("2024-03-01", "2024-04-01", None), ADA)

    assert [(s.window, s.value) for s in engine.named_schedule(about, "limits")] == [
        (span("2024-01-01", "2024-03-01"), {"max": 5}),
        (span("2024-03-01", "2024-04-01"), None),
        (span("2024-04-01"), {"max": 5}),
    ]
    (march,) = engine.named_schedule(about, "limits", at("2024-03-15"))
    assert march.value is None
    assert [one.name for one in engine.named_schedules(about)] == ["limits"]
    before = engine.content_hash()
    engine.update_named_schedule(about, "limits", named("2024-03-05", "2024-03-06", None), ADA)
    assert engine.content_hash() == before


@pytest.mark.parametrize(
    ("about", "name", "match"),
    [
        (("invoice", "x"), "a", "no named schedules on"),
        (("contract", "first"), "", "needs its name"),
        (("contract", "none"), "a", "no such contract"),
        (("customer", "none"), "a", "no such customer"),
        (("rate_card", "none"), "a", "no such rate card"),
    ],
)
def test_a_named_schedule_belongs_to_something(
    world: Setup, about: tuple[str, str], name: str, match: str
) -> None:
    with pytest.raises(Refused, match=match):
        world.engine.update_named_schedule(about, name, named("2024-01-01", None, 1), ADA)
    with pytest.raises(NotFound, match="no such named schedule"):
        world.engine.named_schedule(("rate_card", "card"), "nothing")


@given(
    updates=st.lists(
        st.tuples(st.integers(0, 9), st.integers(1, 9) | st.none(), st.integers(0, 2)), max_size=6
    ),
    when=st.integers(0, 20),
)
def test_the_last_update_that_covers_an_instant_says_its_value(
    updates: list[tuple[int, int | None, int]], when: int
) -> None:
    day = [at(f"2024-01-{n:02}") for n in range(1, 31)]
    told = [
        NamedSegment(
            window=Interval(day[start], None if length is None else day[start + length]),
            value=value,
        )
        for start, length, value in updates
    ]
    covering = [update.value for update in told if update.window.covers(day[when])]
    found = [one.value for one in segments_of(told) if one.window.covers(day[when])]

    assert found == covering[-1:]
