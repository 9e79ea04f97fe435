"""S7: a percentage of compute and storage with a minimum (R64-R66, R241-R248)."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.world import (
    EPOCH,
    World,
    at,
    catalog,
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
from closedwon.billing.catalog.types import CompositeBase, Product, ProductType, ProductVersion
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.edits import Added, Create
from closedwon.billing.contracts.overrides import Multiplier, Override
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.invoices.types import Invoice, LineType
from closedwon.billing.pricing import Percentage, Price, TieredPercentage
from closedwon.billing.pricing.tiered import Tier
from closedwon.billing.rating.composites import in_order
from closedwon.kernel.errors import Refused

TEN_PERCENT = Percentage(fraction=Decimal("0.10"), minimum=Decimal(20000))


def composite(name: str, *tags: str, ids: tuple[str, ...] = (), **more: object) -> Product:
    base = CompositeBase(product_ids=ids, product_tags=tags, **more)  # type: ignore[arg-type]
    version = ProductVersion(starting_at=EPOCH, name=name, tags=(name,), composite=base)
    return Product(id=f"p-{name}", type=ProductType.COMPOSITE, versions=(version,))


SUPPORT = composite("Support", ids=("p-Compute", "p-Storage"))


def world(
    *prices: tuple[Price, str, str | None],
    product: Product = SUPPORT,
    commits: tuple[Commit, ...] = (),
    overrides: tuple[Override, ...] = (),
) -> World:
    products = [
        usage_product("Compute", "cloud"),
        usage_product("Storage", "cloud"),
        product,
        fixed_product("commit"),
    ]
    rates = [
        rate("Compute", "300"),
        rate("Storage", "100"),
        *(rate("Support", price, span(start, end)) for price, start, end in prices),
    ]
    signed = Create(
        customer_id="customer",
        term=span("2025-01-01", "2026-01-01"),
        rate_card_id="card",
        terms=Added(commits=commits, overrides=overrides),
    )
    return World(
        catalog(products, [metric("Compute"), metric("Storage")], rates),
        [contract("c", signed)],
    )


def prepaid(amount: str) -> Commit:
    return commit("prepaid", (amount, "2025-01-01", "2026-01-01"), payments={"2025-01-01": amount})


def due(invoice: Invoice) -> Mapping[str, Decimal]:
    """Dollars left to pay by product name."""
    found: dict[str, Decimal] = {}
    for line in invoice.lines:
        if line.commit_id is None:
            found[line.name] = found.get(line.name, Decimal(0)) + dollars(line.total)
    return found


def support_lines(invoice: Invoice) -> list[Decimal]:
    return [dollars(line.total) for line in invoice.lines if line.type is LineType.COMPOSITE]


def january(found: World) -> Invoice:
    return next(i for i in found.bill("2025-02-01").invoices if i.start == at("2025-01-01"))


def test_s7_r66_r241_minimum_and_base_before_balances() -> None:
    found = world((TEN_PERCENT, "2025-01-01", None), commits=(prepaid("1000"),))
    found.use("Compute", "2025-01-10", "400")
    found.use("Storage", "2025-01-10", "300")

    invoice = january(found)

    assert due(invoice) == {"Compute": 200, "Storage": 300, "Support": 200}
    assert dollars(invoice.total) == 700


def test_s7_r64_r245_a_plain_percentage() -> None:
    found = world((TEN_PERCENT, "2025-01-01", None))
    found.use("Compute", "2025-01-10", "1000")
    found.use("Storage", "2025-01-10", "500")

    invoice = january(found)

    (line,) = (line for line in invoice.lines if line.type is LineType.COMPOSITE)
    assert (line.quantity, line.unit_price, dollars(line.total)) == (1, 35000, 350)
    assert dollars(invoice.total) == 3850


def test_s7_r65_tiers_count_the_currency_of_the_base() -> None:
    tiers = (Tier(price=Decimal("0.10"), size=Decimal(100000)), Tier(price=Decimal("0.05")))
    found = world((TieredPercentage(tiers=tiers), "2025-01-01", None))
    found.use("Compute", "2025-01-10", "400")
    found.use("Storage", "2025-01-10", "300")

    assert support_lines(january(found)) == [Decimal("125.00")]


def test_r248_a_percentage_that_changes_is_taken_of_what_was_used_under_it() -> None:
    half = Percentage(fraction=Decimal("0.05"))
    found = world(
        (Percentage(fraction=Decimal("0.10")), "2025-01-01", "2025-01-16"),
        (half, "2025-01-16", None),
    )
    found.use("Compute", "2025-01-10", "100")
    found.use("Compute", "2025-01-20", "200")

    assert support_lines(january(found)) == [Decimal("30.00"), Decimal("30.00")]


def test_r247_a_multiplier_multiplies_the_percentage() -> None:
    found = world(
        (Percentage(fraction=Decimal("0.10")), "2025-01-01", None),
        overrides=(multiplier("Support", "0.5", "2025-01-01"),),
    )
    found.use("Storage", "2025-01-10", "1000")

    assert support_lines(january(found)) == [Decimal("50.00")]


def test_r241_any_of_the_tags_brings_a_product_into_the_base() -> None:
    found = world(
        (Percentage(fraction=Decimal("0.10")), "2025-01-01", None),
        product=composite("Support", "cloud", "other"),
    )
    found.use("Compute", "2025-01-10", "100")
    found.use("Storage", "2025-01-10", "100")

    assert support_lines(january(found)) == [Decimal("40.00")]


def test_r244_free_usage_alone_brings_no_minimum_when_it_is_left_out() -> None:
    product = composite("Support", ids=("p-Storage",), exclude_free_usage=True)
    free = multiplier("cloud", "0", "2025-01-01")
    found = world((TEN_PERCENT, "2025-01-01", None), product=product, overrides=(free,))
    found.use("Storage", "2025-01-10", "1000")

    assert support_lines(january(found)) == []


def test_r243_composites_enter_a_base_only_when_it_says_so() -> None:
    inner = composite("Inner", ids=("p-Storage",))
    outer = composite("Outer", ids=("p-Inner",), include_composite_spend=True)
    deaf = composite("Deaf", ids=("p-Inner",))

    assert in_order((outer, inner), EPOCH) == (inner, outer)
    assert in_order((deaf, inner), EPOCH) == (deaf, inner)


def test_r243_composites_that_count_each_other_are_refused() -> None:
    one = composite("One", ids=("p-Two",), include_composite_spend=True)
    two = composite("Two", ids=("p-One",), include_composite_spend=True)

    with pytest.raises(Refused, match="count each other"):
        in_order((one, two), EPOCH)


@given(compute=st.decimals(0, 1000, places=3), storage=st.decimals(0, 1000, places=3))
def test_r245_a_composite_is_its_percentage_of_the_rest(compute: Decimal, storage: Decimal) -> None:
    found = world((Percentage(fraction=Decimal("0.10")), "2025-01-01", None))
    found.use("Compute", "2025-01-10", compute)
    found.use("Storage", "2025-01-20", storage)

    invoice = january(found)

    assert invoice.total == (compute * 300 + storage * 100) * Decimal("1.1")


def test_r246_charges_and_purchases_are_no_base() -> None:
    found = world(
        (Percentage(fraction=Decimal("0.10")), "2025-01-01", None), commits=(prepaid("1000"),)
    )

    assert support_lines(january(found)) == [Decimal("0.00")]


def test_r81_r247_a_commit_specific_multiplier_halves_the_percentage_a_balance_pays() -> None:
    half = Override(
        id="half",
        window=span("2025-01-01"),
        rate=Multiplier(multiplier=Decimal("0.5")),
        applicability=Applicability(specifiers=(Specifier(product_id="p-Support"),)),
        is_commit_specific=True,
    )
    about = Applicability(product_ids=("p-Support",))
    w = world(
        (Percentage(fraction=Decimal("0.10")), "2025-01-01", None),
        commits=(commit("c", ("40", "2025-01-01", "2026-01-01"), applicability=about),),
        overrides=(half,),
    )
    w.use("Storage", "2025-01-09", "1000")
    lines = w.bill("2025-01-31").invoices[0].lines

    assert [(x.commit_id, x.total) for x in lines if x.type is LineType.COMPOSITE] == [
        ("c", Decimal(4000)),
        (None, Decimal(2000)),
    ]


def test_r242_customer_scope_counts_the_spend_of_all_contracts() -> None:
    """Compute is on one contract, storage on another; both carry the percentage."""
    product = composite("Support", "cloud", scope="CUSTOMER")
    found = world((Percentage(fraction=Decimal("0.10")), "2025-01-01", None), product=product)
    one, other = "2025-01-01", "2025-01-16"
    signed = Create(
        customer_id="customer",
        term=span(other, "2026-01-01"),
        rate_card_id="card",
        usage_filter=None,
    )
    second = contract("d", signed, at_instant=at(one))
    found.account = replace(found.account, contracts=(*found.account.contracts, second))
    found.use("Storage", "2025-01-10", "1000")
    found.use("Storage", "2025-01-20", "1000")

    invoices = [i for i in found.bill("2025-01-31").invoices if i.type == "USAGE"]

    # Contract c: 2,000 of its own and the second half once more on d; d: its own half and c's.
    assert [support_lines(invoice) for invoice in invoices] == [
        [Decimal("300.00")],
        [Decimal("200.00")],
    ]
