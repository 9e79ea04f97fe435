from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from billing.world import at, commit, span
from build import (
    Setup,
    add_customer,
    event,
    infrax,
    infrax_catalog,
    infrax_renewal,
    infrax_upsell,
    setup,
)
from closedwon.billing.contracts.edits import Create
from closedwon.billing.contracts.terms import CommitKind
from closedwon.engine.command import Author
from closedwon.store.database import writing

NOW = at("2024-03-02")


@pytest.fixture
def world() -> Setup:
    found = setup()
    infrax(found.engine, found.usage)
    found.engine.edit_contract("first", infrax_upsell(), by="test", now=at("2024-01-20"))
    found.engine.finalize(NOW)
    return found


def tamper(world: Setup, *statements: str) -> None:
    with writing(world.db):
        for (name,) in list(
            world.db.conn.execute("select name from sqlite_schema where type = 'trigger'")
        ):
            world.db.conn.execute(f"drop trigger {name}")
        for statement in statements:
            world.db.conn.execute(statement)


def test_a_sound_state_has_no_findings_and_nothing_to_rebuild(world: Setup) -> None:
    before = world.engine.content_hash()
    assert world.engine.findings() == ()
    assert [one.wrong for one in world.engine.rebuild()] == [0, 0, 0]
    assert [one.wrong for one in world.engine.verify(NOW)] == [0, 0, 0, 0, 0]
    assert world.engine.content_hash() == before


@pytest.mark.parametrize(
    ("statement", "match"),
    [
        ("update audit set by = 'eve' where position = 3", "changed at row 3"),
        ("delete from audit where position = 3", "changed at row 3"),
        ("update invoice set content = replace(content, 'Storage', 'Nothing')", "no longer has"),
        ("update posting set minor = minor + 1 where number = 1", "does not balance"),
        ("update contract set state = replace(state, '0.9', '0.8')", "is not what its edits"),
        ("update contract set digest = 'x'", "is not what its edits"),
        ("update ledger_entry set invoice_id = 'gone' where invoice_id is not null", "missing"),
    ],
)
def test_what_somebody_changed_behind_our_back_is_named(
    world: Setup, statement: str, match: str
) -> None:
    world.db.conn.execute("pragma foreign_keys=off")
    tamper(world, statement)
    assert any(match in finding for finding in world.engine.findings())


def test_a_rebuild_brings_back_the_state_byte_for_byte(world: Setup) -> None:
    before = world.engine.content_hash()
    tamper(world, "update contract set state = replace(state, '0.9', '0.8'), digest = 'x'")
    assert world.engine.content_hash() != before

    wrong = [one.table for one in world.engine.verify(NOW) if one.wrong]
    assert wrong == ["contract"]
    assert world.engine.content_hash() != before

    assert [one.table for one in world.engine.rebuild() if one.wrong] == ["contract"]
    assert world.engine.content_hash() == before
    assert world.engine.findings() == ()


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("delete from contract_term where term_id like '%1'", "contract_term"),
        ("update invoice_line set total = '1' where number = 1", "invoice_line"),
        ("delete from invoice_line where number = 1", "invoice_line"),
        ("update ledger_entry set amount = '1' where invoice_id is not null", "ledger_entry"),
    ],
)
def test_r363_a_verification_names_the_table_that_differs(
    world: Setup, statement: str, table: str
) -> None:
    tamper(world, statement)

    assert table in [one.table for one in world.engine.verify(NOW) if one.wrong]


def test_a_state_whose_clock_is_ahead_is_verified_at_its_own_time(world: Setup) -> None:
    assert all(not one.wrong for one in world.engine.verify(NOW - timedelta(days=700)))


def test_r121_a_look_back_before_a_rollover_shows_the_balance_whole() -> None:
    """As of June 2026 nothing has rolled from 2026's segment yet."""
    made = setup()
    infrax(made.engine, made.usage)
    made.engine.edit_contract("first", infrax_upsell(), by="test", now=at("2024-12-01"))
    made.engine.create_contract("second", infrax_renewal(), by="test", now=at("2026-12-01"))
    while made.engine.finalize(at("2027-02-02")).remaining:
        pass
    rolled = [b for b in made.engine.bill("customer", at("2027-02-02")).balances if b.rolled]
    assert rolled

    before = {b.segment_id: b for b in made.engine.bill("customer", at("2026-06-01")).balances}

    assert all(before[one.segment_id].rolled == 0 for one in rolled)


def test_r120_r121_a_renewal_signed_after_everything_expired_rolls_nothing() -> None:
    """Nobody is parked, and what was posted as breakage stays breakage."""
    made = setup()
    infrax(made.engine, made.usage)
    made.engine.edit_contract("first", infrax_upsell(), by="test", now=at("2024-12-01"))
    while made.engine.finalize(at("2027-02-02")).remaining:
        pass
    expired = [e for e in made.engine.ledger("A") if e.type == "EXPIRATION"]
    assert expired

    made.engine.create_contract("second", infrax_renewal(), by="test", now=at("2027-08-01"))
    while made.engine.finalize(at("2027-08-02")).remaining:
        pass

    assert made.engine.problems() == ()
    assert [e for e in made.engine.ledger("A") if e.type == "EXPIRATION"] == expired
    assert not [
        c for c in made.engine.bill("customer", at("2027-08-02")).commits if c.rolled_over_from
    ]
    assert made.engine.findings() == ()


def test_r109_r184_a_credit_that_lapsed_is_not_drawn_by_what_is_signed_later() -> None:
    """A contract dated in the past finds the customer's own credit expired, and nobody is parked."""
    made = setup()
    infrax_catalog(made.engine)
    add_customer(made.engine)
    bare = Create(customer_id="customer", term=span("2024-01-01", "2025-01-01"))
    made.engine.create_contract("bare", bare, by="test", now=at("2024-01-01"))
    free = commit(
        "free",
        ("100", "2024-01-01", "2024-03-01"),
        kind=CommitKind.CREDIT,
        priority=Decimal(1),
    )
    made.engine.balances.create("customer", free, Author(by="test", now=at("2024-01-01")))
    made.usage.use(event("customer", "Storage", at("2024-02-10"), "1000"))
    while made.engine.finalize(at("2024-06-02")).remaining:
        pass
    (expired,) = [e for e in made.engine.ledger("free") if e.type == "EXPIRATION"]

    late = replace(bare, rate_card_id="card")
    made.engine.create_contract("late", late, by="test", now=at("2024-06-03"))
    while made.engine.finalize(at("2024-06-03")).remaining:
        pass

    assert made.engine.problems() == ()
    assert [e for e in made.engine.ledger("free") if e.type == "EXPIRATION"] == [expired]
    assert made.engine.findings() == ()
    february = [i for i in made.engine.invoices(contract_id="late") if i.start == at("2024-02-01")]
    assert [invoice.total for invoice in february] == [2300]
