"""S2: WidgetsExpress, a tagged commit, a quarterly fee, an unlimited discount."""

from decimal import Decimal

import pytest

from billing.world import (
    World,
    at,
    catalog,
    cents,
    charge,
    commit,
    contract,
    dollars,
    fixed_product,
    metric,
    multiplier,
    rate,
    span,
    usage_product,
)
from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.edits import Added, Amend, Create
from closedwon.billing.contracts.terms import StatementDay, StatementSchedule
from golden import s2


@pytest.fixture(scope="module")
def world() -> World:
    signed = Create(
        customer_id="customer",
        term=span("2024-11-01"),
        rate_card_id="card",
        statement=StatementSchedule(day=StatementDay.CONTRACT_START),
        terms=Added(
            commits=(
                commit(
                    "prepaid",
                    ("10000", "2024-11-01", "2025-11-01"),
                    payments={"2024-11-01": "10000"},
                    applicability=Applicability(product_tags=("cloud",)),
                ),
            ),
            charges=(charge("fee", dict.fromkeys(s2.SCHEDULED, "1000")),),
        ),
    )
    discount = Added(overrides=(multiplier("cloud", "0.95", "2024-11-01"),))
    products = [
        usage_product("Compute", "cloud"),
        usage_product("Egress", "cloud"),
        usage_product("Support"),
        fixed_product("commit"),
        fixed_product("fee"),
    ]
    rates = [rate("Compute", "40"), rate("Egress", "8"), rate("Support", "1500")]
    metrics = [metric("Compute"), metric("Egress"), metric("Support")]
    amended = Amend(starting_at=at("2024-11-01"), terms=discount)
    world = World(catalog(products, metrics, rates), [contract("us", signed, amended)])
    for month in s2.MONTHS:
        world.use("Compute", f"{month.period}-03", month.compute_h)
        world.use("Egress", f"{month.period}-14", month.egress_gb)
        world.use("Support", f"{month.period}-25", month.support_n)
    world.use("Compute", "2025-11-05", "100")
    world.finalize("2025-12-02")
    return world


@pytest.mark.parametrize("month", s2.MONTHS, ids=lambda m: m.period)
def test_every_month_is_billed_to_the_cent(month: s2.Month, world: World) -> None:
    invoice = next(i for i in world.invoices() if i.start == at(f"{month.period}-01"))
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


def test_commit_and_fee_of_one_day_share_an_invoice_r149(world: World) -> None:
    billed = {i.issued_at.date().isoformat(): dollars(i.total) for i in world.invoices("SCHEDULED")}

    assert billed == s2.SCHEDULED


def test_a_balance_used_up_leaves_no_expiration_and_the_discount_goes_on(world: World) -> None:
    bill = world.bill("2025-12-02")
    november = world.invoices()[-1]

    assert "EXPIRATION" not in {entry.type for entry in bill.entries}
    assert november.total == Decimal(3800)
    assert november.lines[0].commit_id is None
