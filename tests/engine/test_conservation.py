"""What must add up is checked before anything is kept, and a difference parks the customer (G7)."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

import closedwon.billing.bill as pure
from billing.world import at
from build import Setup, infrax, setup
from closedwon.billing.account import Bill
from closedwon.billing.balances.types import EntryType
from closedwon.engine.conservation import check_balances, check_invoice, check_ledger
from closedwon.kernel.errors import InvariantBroken

MONTH = at("2024-02-02")


def a_bill() -> tuple[Setup, Bill]:
    world = setup()
    infrax(world.engine, world.usage)
    return world, world.engine.bill("customer", MONTH)


def with_balance(bill: Bill, **fields: Any) -> Bill:
    first, *rest = bill.balances
    return replace(bill, balances=(replace(first, **fields), *rest))


def with_deduction(bill: Bill, by: int) -> Bill:
    changed = tuple(
        replace(e, amount=e.amount + by) if e.type is EntryType.AUTOMATED_INVOICE_DEDUCTION else e
        for e in bill.entries
    )
    return replace(bill, entries=changed)


def with_total(bill: Bill) -> Bill:
    return replace(bill, invoices=tuple(replace(i, total=i.total + 1) for i in bill.invoices))


def with_covered(bill: Bill) -> Bill:
    """A line moves from one balance to another; the sum stays, the books do not."""
    changed = []
    for invoice in bill.invoices:
        lines = list(invoice.lines)
        if invoice.type == "USAGE" and lines:
            lines[0] = replace(lines[0], segment_id="A2")
        changed.append(replace(invoice, lines=tuple(lines)))
    return replace(bill, invoices=tuple(changed))


@pytest.mark.parametrize(
    ("tampering", "match"),
    [
        (lambda bill: with_balance(bill, used=bill.balances[0].used + 1), "does not add up"),
        (lambda bill: with_balance(bill, rolled=bill.balances[0].rolled + 1), "does not add up"),
        (lambda bill: with_deduction(bill, 1), "ledger and balance disagree"),
        (with_total, "do not sum to the total"),
        (with_covered, "not what was covered"),
    ],
)
def test_a_bill_that_does_not_add_up_is_never_stored(
    tampering: Callable[[Bill], Bill], match: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _ = a_bill()
    before = world.engine.content_hash()

    def wrong(*arguments: Any) -> Bill:
        return tampering(pure.bill(*arguments))

    monkeypatch.setattr("closedwon.engine.finalize.bill", wrong)
    report = world.engine.finalize(MONTH)

    assert (report.parked, report.invoices, report.entries) == (1, 0, 0)
    (problem,) = world.engine.problems()
    assert problem.code == "invariant_broken"
    assert match in problem.message
    assert world.engine.content_hash() == before


@pytest.mark.parametrize(
    ("tampering", "match"),
    [
        (lambda bill: with_deduction(bill, 0), None),
        (
            lambda bill: replace(bill, entries=tuple(replace(e, reason="x") for e in bill.entries)),
            "would change",
        ),
        (lambda bill: replace(bill, entries=bill.entries[1:]), "no longer derived"),
    ],
)
def test_a_final_ledger_entry_neither_changes_nor_vanishes(
    tampering: Callable[[Bill], Bill], match: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _ = a_bill()
    world.engine.finalize(MONTH)

    def wrong(*arguments: Any) -> Bill:
        return tampering(pure.bill(*arguments))

    monkeypatch.setattr("closedwon.engine.finalize.bill", wrong)
    monkeypatch.setattr("closedwon.engine.finalize.check_balances", lambda _bill: None)
    report = world.engine.finalize(at("2024-03-02"))

    assert report.parked == (0 if match is None else 1)
    assert match is None or match in world.engine.problems()[0].message


def test_an_honest_bill_passes_every_check() -> None:
    _, bill = a_bill()
    check_balances(bill)
    check_ledger(bill.entries, bill.entries)
    for invoice in bill.invoices:
        check_invoice(invoice)
    with pytest.raises(InvariantBroken, match="no longer derived"):
        check_ledger(bill.entries, bill.entries[:-1])
