"""S10: a custom pricing unit with overage (R249-R256)."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from billing.world import (
    EPOCH,
    World,
    catalog,
    commit,
    contract,
    dollars,
    fixed_product,
    metric,
    rate,
    span,
    usage_product,
)
from closedwon.billing.catalog.types import USD_CENTS, CreditType, RateCard, UnitConversion
from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.terms import AccessSegment, Commit, CommitKind
from closedwon.billing.invoices.types import Invoice, Line, LineType
from closedwon.kernel.errors import Refused

CCU = CreditType(id="ccu", name="Compute credits")
YEAR = ("2025-01-01", "2026-01-01")
UNITS = commit(
    "units",
    ("10", *YEAR),
    payments={"2025-01-01": "90"},
    access_credit_type_id=CCU.id,
)


def credit(name: str, dollars_: str, **more: object) -> Commit:
    return commit(name, (dollars_, *YEAR), kind=CommitKind.CREDIT, **more)


def world(*commits: Commit, conversions: tuple[str, ...] = ("10",)) -> World:
    made = catalog(
        [usage_product("A", "a"), usage_product("B"), fixed_product("commit")],
        [metric("A"), metric("B")],
        [rate("A", "3", credit_type_id=CCU.id), rate("B", "200")],
    )
    card = replace(
        made.rate_cards["card"],
        conversions=tuple(
            UnitConversion(credit_type_id=CCU.id, fiat_per_unit=Decimal(one)) for one in conversions
        ),
    )
    made = replace(
        made,
        rate_cards={card.id: card},
        credit_types={USD_CENTS.id: USD_CENTS, CCU.id: CCU},
    )
    signed = Create(
        customer_id="customer",
        term=span(*YEAR),
        rate_card_id="card",
        terms=Added(commits=commits),
    )
    found = World(made, [contract("c", signed)])
    found.use("A", "2025-01-10", "450")
    found.use("B", "2025-01-11", "20")
    return found


def january(found: World) -> Invoice:
    return next(i for i in found.bill("2025-01-31").invoices if i.type == "USAGE")


def lines(invoice: Invoice, kind: LineType, credit_type_id: str) -> list[Line]:
    return [x for x in invoice.lines if (x.type, x.credit_type_id) == (kind, credit_type_id)]


def test_s10_r249_units_left_over_become_one_fiat_line() -> None:
    invoice = january(world(UNITS))

    covered, due = lines(invoice, LineType.USAGE, CCU.id)
    (applied,) = lines(invoice, LineType.APPLIED, CCU.id)
    (conversion,) = lines(invoice, LineType.CPU_CONVERSION, USD_CENTS.id)
    assert (covered.total, applied.total, due.total) == (1000, -1000, 350)
    assert covered.quantity is not None
    assert covered.quantity.quantize(Decimal("0.001")) == Decimal("333.333")
    assert (conversion.quantity, conversion.unit_price, conversion.total) == (350, 10, 3500)
    assert dollars(invoice.total) == Decimal("75.00")


def test_s10_r253_fiat_credit_pays_usage_first_and_the_conversion_last() -> None:
    invoice = january(world(UNITS, credit("usd", "50")))

    paid = [x.total for x in lines(invoice, LineType.APPLIED, USD_CENTS.id)]
    assert paid == [-4000, -1000]
    assert dollars(invoice.total) == Decimal("25.00")


def test_r253_a_balance_for_named_products_pays_no_conversion() -> None:
    only_a = credit("usd", "50", applicability=Applicability(product_ids=("p-A",)))

    assert dollars(january(world(UNITS, only_a)).total) == Decimal("75.00")


def test_r250_units_are_never_added_to_the_fiat_total() -> None:
    invoice = january(world())

    assert sum(x.total for x in lines(invoice, LineType.USAGE, CCU.id)) == 1350
    assert dollars(invoice.total) == Decimal("175.00")


def test_r252_units_without_a_conversion_are_refused() -> None:
    with pytest.raises(Refused, match="no conversion"):
        january(world(conversions=()))


def test_r254_a_purchase_of_units_is_invoiced_in_fiat() -> None:
    scheduled = [i for i in world(UNITS).bill("2025-01-31").invoices if i.type == "SCHEDULED"]

    assert [(dollars(i.total), i.credit_type_id) for i in scheduled] == [(90, USD_CENTS.id)]


def test_r161_a_fiat_balance_pays_no_lines_in_units() -> None:
    invoice = january(world(credit("usd", "1000")))

    assert not lines(invoice, LineType.APPLIED, CCU.id)
    assert dollars(invoice.total) == 0


def test_r249_a_postpaid_balance_in_units_leaves_them_billed() -> None:
    """What a postpaid promise covers is still to be paid (R133, R186)."""
    promise = Commit(
        id="promise",
        kind=CommitKind.POSTPAID,
        product_id="p-commit",
        name="promise",
        created_at=EPOCH,
        segments=(AccessSegment(id="s", amount=Decimal(100000), window=span(*YEAR)),),
        payments=commit("x", ("1", *YEAR), payments={"2026-01-01": "1000"}).payments,
        access_credit_type_id=CCU.id,
    )

    assert dollars(january(world(promise)).total) == Decimal("175.00")


def test_r138_the_card_decides_the_currency_of_the_invoice() -> None:
    invoice = january(world(UNITS))
    card: RateCard = world().catalog.rate_cards["card"]

    assert invoice.credit_type_id == card.fiat_credit_type_id


def test_r256_a_contract_converts_overage_at_the_cards_price() -> None:
    """Plans have an overage rate of their own; contracts have none."""
    dearer = january(world(UNITS, conversions=("25",)))

    assert dollars(dearer.total) == Decimal("127.50")
