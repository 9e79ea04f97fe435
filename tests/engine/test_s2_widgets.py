"""S2 through the engine (metronome.md section 4)."""

from decimal import Decimal

import pytest

from billing.world import at, cents, dollars
from build import Setup, setup, widgets
from golden import s2


@pytest.fixture(scope="module")
def lived() -> Setup:
    world = setup()
    widgets(world.engine, world.usage)
    for month in range(11, 26):
        year, index = divmod(month - 1, 12)
        for day in ("01", "02"):
            world.engine.finalize(at(f"{2024 + year}-{index + 1:02}-{day}"))
    return world


@pytest.mark.parametrize("month", s2.MONTHS, ids=lambda m: m.period)
def test_every_month_is_stored_to_the_cent(month: s2.Month, lived: Setup) -> None:
    invoice = next(
        i for i in lived.engine.invoices(contract_id="us") if i.start == at(f"{month.period}-01")
    )
    by_name: dict[str, Decimal] = {}
    for line in invoice.lines:
        by_name[line.name] = by_name.get(line.name, Decimal(0)) + line.total

    assert by_name == {
        "Compute": cents(month.compute),
        "Egress": cents(month.egress),
        "Support": cents(month.support),
        "prepaid applied": -cents(month.applied),
    }
    assert invoice.total == cents(month.total)


def test_commit_and_fee_of_one_day_share_an_invoice_r149(lived: Setup) -> None:
    found = [i for i in lived.engine.invoices("customer") if i.type == "SCHEDULED"]

    assert {i.issued_at.date().isoformat(): dollars(i.total) for i in found} == s2.SCHEDULED


def test_what_was_bought_is_all_recognized_by_the_end_of_the_commit(lived: Setup) -> None:
    deferred = [p for p in lived.engine.postings() if p.account == "deferred_revenue"]

    assert sum(p.minor for p in deferred) == 0
    assert min(p.minor for p in deferred) == -1_000_000


def test_usage_lines_name_the_override_of_the_amendment(lived: Setup) -> None:
    invoice = next(i for i in lived.engine.invoices("customer") if i.start == at("2025-11-01"))
    told = lived.engine.explain(invoice.id, 1)

    assert [(c.kind, c.id) for c in told.causes][1] == ("override", "cloud*0.95@2024-11-01")
    assert invoice.total == Decimal(3800)
