"""The schema is the referee: what is final cannot be changed even by SQL (G8, G9, G10)."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from billing.world import at
from build import Setup, infrax, setup
from closedwon.billing.invoices.types import Invoice, InvoiceStatus
from closedwon.kernel.errors import InvariantBroken
from closedwon.store.database import writing


@pytest.fixture(scope="module")
def world() -> Setup:
    found = setup()
    infrax(found.engine, found.usage)
    found.engine.finalize(at("2024-03-02"))
    return found


@pytest.mark.parametrize(
    "table",
    ["contract_edit", "invoice_line", "ledger_entry", "journal_entry", "posting", "audit"],
)
@pytest.mark.parametrize("statement", ["delete from {}", "update {} set rowid = rowid + 1000"])
def test_rows_are_neither_changed_nor_deleted(world: Setup, table: str, statement: str) -> None:
    before = list(world.db.conn.execute(f"select * from {table}"))
    assert before
    with pytest.raises(sqlite3.IntegrityError, match="never"), writing(world.db):
        world.db.conn.execute(statement.format(table))
    assert list(world.db.conn.execute(f"select * from {table}")) == before


@pytest.mark.parametrize(
    "change",
    [
        "total = '1'",
        "content = '{}'",
        "sha256 = 'x'",
        "finalized_at = '1999'",
        "issued_at = '1999'",
        "contract_id = 'other'",
        "generation = 9",
        "status = 'FINALIZED'",
        "status = 'VOID', voided_at = '2024', total = '1'",
    ],
)
def test_a_finalized_invoice_is_frozen(world: Setup, change: str) -> None:
    with pytest.raises(sqlite3.IntegrityError), writing(world.db):
        world.db.conn.execute(f"update invoice set {change}")
    with pytest.raises(sqlite3.IntegrityError), writing(world.db):
        world.db.conn.execute("delete from invoice")


def rolled_back(world: Setup, work: Callable[[], None]) -> None:
    def work_and_stop() -> None:
        work()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), writing(world.db):
        work_and_stop()


def usage_invoice(world: Setup) -> Invoice:
    return next(i for i in world.engine.invoices("customer") if i.type == "USAGE")


def test_an_invoice_may_become_void_and_stays_it(world: Setup) -> None:
    invoice = usage_invoice(world)
    found: list[InvoiceStatus] = []

    def work() -> None:
        world.engine.stores.invoices.void(invoice.id, at("2024-04-01"))
        found.append(world.engine.invoice(invoice.id).status)
        with pytest.raises(sqlite3.IntegrityError, match="frozen"):
            world.engine.stores.invoices.void(invoice.id, at("2024-04-02"))

    rolled_back(world, work)
    assert found == [InvoiceStatus.VOID]
    assert world.engine.invoice(invoice.id).status is InvoiceStatus.FINALIZED


@pytest.mark.parametrize("days", [(0, 0), (-5, -5), (5, -5), (5, 5)])
def test_no_part_of_a_period_is_billed_twice(world: Setup, days: tuple[int, int]) -> None:
    invoice = usage_invoice(world)
    assert invoice.start
    assert invoice.end
    again = replace(
        invoice,
        id="again",
        start=invoice.start + timedelta(days=days[0]),
        end=invoice.end + timedelta(days=days[1]),
        regenerated_from="x",
    )
    with pytest.raises(InvariantBroken, match="billed twice"), writing(world.db):
        world.engine.stores.invoices.freeze(again, at("2024-04-01"))


def test_no_payment_is_billed_twice(world: Setup) -> None:
    scheduled = next(i for i in world.engine.invoices("customer") if i.type == "SCHEDULED")
    again = replace(scheduled, id="again")
    with pytest.raises(InvariantBroken, match="billed twice"), writing(world.db):
        world.engine.stores.invoices.freeze(again, at("2024-04-01"))


def test_a_void_invoice_makes_room_for_the_next_generation(world: Setup) -> None:
    invoice = usage_invoice(world)
    stores = world.engine.stores
    generations: list[int] = []

    def work() -> None:
        stores.invoices.void(invoice.id, at("2024-04-01"))
        again = replace(invoice, id="again", regenerated_from=invoice.id)
        stores.invoices.freeze(again, at("2024-04-01"))
        rows = world.db.conn.execute(
            "select generation from invoice where id in ('again', ?) order by 1", (invoice.id,)
        )
        generations.extend(row[0] for row in rows)
        deductions = [e for e in stores.ledger.of_commit("A") if e.invoice_id == invoice.id]
        assert deductions == []

    rolled_back(world, work)
    assert generations == [1, 2]


def test_frozen_bytes_match_their_digest_until_somebody_tampers(world: Setup) -> None:
    assert world.engine.stores.invoices.tampered() == ()
    invoice = usage_invoice(world)
    found: list[tuple[str, ...]] = []

    def work() -> None:
        world.db.conn.execute("drop trigger invoice_is_frozen")
        world.db.conn.execute(
            "update invoice set content = replace(content, '242', '243') where id = ?",
            (invoice.id,),
        )
        found.append(world.engine.stores.invoices.tampered())

    rolled_back(world, work)
    assert found == [(invoice.id,)]


def test_an_invoice_reads_back_as_it_was_frozen(world: Setup) -> None:
    invoice = usage_invoice(world)

    assert invoice.total == sum((x.total for x in invoice.lines), Decimal(0))
    assert invoice.finalized_at == at("2024-03-02")
    assert invoice.issued_at == at("2024-02-02")
