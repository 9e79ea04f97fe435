"""One worked example per rating rule (metronome.md 3.C-3.H)."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from billing.world import (
    EPOCH,
    World,
    at,
    catalog,
    commit,
    contract,
    fixed_product,
    metric,
    multiplier,
    rate,
    span,
    usage_product,
)
from closedwon.billing.catalog.types import Aggregation, Conversion, Rate, Rounding
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.edits import Added, ChangeEnd, Create, FilterUsage
from closedwon.billing.contracts.overrides import Multiplier, Override, Overwrite, Prioritization
from closedwon.billing.contracts.terms import Commit, StatementDay, StatementSchedule, UsageFilter
from closedwon.billing.invoices.types import Invoice
from closedwon.billing.pricing import Flat, Tier, Tiered
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import Interval

D = Decimal


def tiers(*steps: tuple[str | None, str]) -> Tiered:
    return Tiered(
        tiers=tuple(Tier(size=None if size is None else D(size), price=D(p)) for size, p in steps)
    )


def world(
    *rates: Rate,
    overrides: Sequence[Override] = (),
    commits: Sequence[Commit] = (),
    aggregation: Aggregation = Aggregation.SUM,
    term: Interval | None = None,
    product: dict[str, object] | None = None,
    **create: object,
) -> World:
    fields = {"customer_id": "customer", "term": term or span("2025-01-01"), "rate_card_id": "card"}
    terms = Added(overrides=tuple(overrides), commits=tuple(commits))
    signed = contract("k", Create(**{**fields, "terms": terms, **create}))  # type: ignore[arg-type]
    groups = (("region", "project"),)
    metrics = [metric("Api", aggregation, group_keys=groups)]
    products = [usage_product("Api", "api", "core", **(product or {})), fixed_product("commit")]
    return World(catalog(products, metrics, rates), [signed])


def january(w: World) -> Invoice:
    invoices = w.bill("2025-02-01").invoices
    return next(i for i in invoices if i.start == at("2025-01-01"))


def test_r59_tiers_fill_in_order_and_make_one_line_each() -> None:
    w = world(rate("Api", tiers(("5", "0"), ("5", "100"), (None, "150"))))
    w.use("Api", "2025-01-09", "12")
    lines = january(w).lines

    assert [(x.quantity, x.total, x.tier and x.tier.level) for x in lines] == [
        (D(5), D(0), 1),
        (D(5), D(500), 2),
        (D(2), D(300), 3),
    ]


@pytest.mark.parametrize(("units", "total"), [("5", "0"), ("5.01", "1")])
def test_r60_the_fifth_unit_belongs_to_the_first_tier(units: str, total: str) -> None:
    w = world(rate("Api", tiers(("5", "0"), (None, "100"))))
    w.use("Api", "2025-01-09", units)

    assert january(w).total == D(total)


def test_r61_tier_position_restarts_every_billing_period() -> None:
    w = world(rate("Api", tiers(("10", "100"), (None, "200"))))
    w.use("Api", "2025-01-09", "12")
    w.use("Api", "2025-02-09", "10")
    bill = w.bill("2025-03-01")

    assert [i.total for i in bill.invoices] == [D(1400), D(1000), D(0)]


def test_r62_tiers_are_counted_per_presentation_value() -> None:
    w = world(
        rate("Api", tiers(("10", "100"), (None, "200"))),
        product={"presentation_group_key": ("project",)},
    )
    for project in ("A", "B"):
        w.use("Api", "2025-01-09", "8", project=project)

    assert january(w).total == D(1600)


def test_r63_a_price_change_goes_on_from_the_position_reached() -> None:
    w = world(
        rate("Api", tiers(("10", "100"), (None, "200")), span("2020-01-01", "2025-01-15")),
        rate("Api", tiers(("10", "300"), (None, "400")), span("2025-01-15"), entitled=True),
    )
    w.use("Api", "2025-01-02", "8")
    w.use("Api", "2025-01-20", "5")

    assert january(w).total == D(2600)


def test_r54_a_later_rate_ends_and_the_one_before_resumes() -> None:
    promo = rate("Api", "50", span("2025-01-10", "2025-01-20"), entitled=True)
    w = world(rate("Api", "100"), promo)
    for day in ("05", "15", "25"):
        w.use("Api", f"2025-01-{day}", "1")

    assert [line.unit_price for line in january(w).lines] == [D(100), D(50), D(100)]
    assert january(w).total == D(250)


def test_r55_what_is_not_entitled_has_no_line_and_consumes_nothing() -> None:
    w = world(
        rate("Api", "100", entitled=False),
        commits=[commit("c", ("10", "2025-01-01", "2026-01-01"))],
    )
    w.use("Api", "2025-01-09", "50")

    assert january(w).lines == ()


def test_r85_an_entitlement_override_opens_a_product_at_its_list_price() -> None:
    opened = Override(id="o", window=span("2025-01-01"), entitled=True)
    w = world(rate("Api", "100", entitled=False), overrides=[opened])
    w.use("Api", "2025-01-09", "2")

    assert january(w).total == D(200)


def test_r69_every_pricing_combination_has_its_own_rate() -> None:
    w = world(
        rate("Api", "12", pricing_group_values={"region": "us-west"}),
        rate("Api", "16", pricing_group_values={"region": "eu"}),
        product={"pricing_group_key": ("region",)},
    )
    w.use("Api", "2025-01-09", "10", region="us-west")
    w.use("Api", "2025-01-09", "5", region="eu")

    assert january(w).total == D(200)


def test_r70_a_combination_without_a_rate_is_not_charged_and_warned_about() -> None:
    w = world(
        rate("Api", "12", pricing_group_values={"region": "eu"}),
        product={"pricing_group_key": ("region",)},
    )
    w.use("Api", "2025-01-09", "10", region="mars")
    bill = w.bill("2025-02-01")

    assert [line.quantity for line in bill.invoices[0].lines] == []
    assert bill.warnings == ("Api was used with region=mars, which has no rate",)


def test_r46_conversion_comes_before_rounding() -> None:
    w = world(
        rate("Api", "10"),
        product={"conversion": Conversion(factor=D(1024), divide=True)},
    )
    w.use("Api", "2025-01-09", "2611200")

    assert january(w).lines[0].quantity == D(2550)


def test_r47_cutting_a_period_adds_no_rounding() -> None:
    up = {"rounding": Rounding(method="ROUND_UP", decimal_places=0)}
    w = world(rate("Api", "100"), product=up, overrides=[multiplier("api", "0.5", "2025-01-16")])
    w.use("Api", "2025-01-09", "1.4")
    w.use("Api", "2025-01-20", "1.4")

    assert [(x.quantity, x.unit_price) for x in january(w).lines] == [(D(2), D(100)), (D(1), D(50))]


def test_r79_a_discount_from_the_sixteenth_splits_the_line() -> None:
    w = world(rate("Api", "100"), overrides=[multiplier("api", "0.9", "2025-01-16")])
    w.use("Api", "2025-01-15T23:59:59", "10")
    w.use("Api", "2025-01-16T00:00:00", "10")

    assert [line.total for line in january(w).lines] == [D(1000), D(900)]


def test_r80_r82_multipliers_never_stack_and_the_lowest_wins() -> None:
    three = [multiplier("api", by, "2025-01-01") for by in ("0.95", "0.9", "1.2")]
    w = world(rate("Api", "100"), overrides=three)
    w.use("Api", "2025-01-09", "1")

    assert january(w).total == D(90)


def test_r83_explicit_takes_the_lowest_priority_number() -> None:
    def prioritized(by: str, priority: str) -> Override:
        return Override(
            id=by,
            window=span("2025-01-01"),
            rate=Multiplier(multiplier=D(by)),
            priority=D(priority),
        )

    w = world(
        rate("Api", "100"),
        overrides=[prioritized("0.9", "2"), prioritized("0.95", "1")],
        prioritization=Prioritization.EXPLICIT,
    )
    w.use("Api", "2025-01-09", "1")

    assert january(w).total == D(95)


def test_r81_an_overwrite_beats_every_multiplier() -> None:
    fixed = Override(
        id="o",
        window=span("2025-01-01"),
        applicability=Applicability(product_ids=("p-Api",)),
        rate=Overwrite(price=Flat(price=D(70))),
    )
    w = world(rate("Api", "100"), overrides=[fixed, multiplier("api", "0.1", "2025-01-01")])
    w.use("Api", "2025-01-09", "1")

    assert january(w).total == D(70)


@pytest.mark.parametrize(
    ("applicability", "total"),
    [
        (Applicability(product_tags=("api", "other")), "50"),
        (Applicability(specifiers=(Specifier(product_tags=("api", "core")),)), "50"),
        (Applicability(specifiers=(Specifier(product_tags=("api", "other")),)), "100"),
    ],
)
def test_r75_a_tag_list_means_any_and_a_specifier_means_all(
    applicability: Applicability, total: str
) -> None:
    half = Override(
        id="o",
        window=span("2025-01-01"),
        applicability=applicability,
        rate=Multiplier(multiplier=D("0.5")),
    )
    w = world(rate("Api", "100"), overrides=[half])
    w.use("Api", "2025-01-09", "1")

    assert january(w).total == D(total)


def test_r32_max_bills_the_rise_at_the_price_of_its_time() -> None:
    w = world(
        rate("Api", "300", span("2020-01-01", "2025-01-02")),
        rate("Api", "400", span("2025-01-02"), entitled=True),
        aggregation=Aggregation.MAX,
    )
    w.use("Api", "2025-01-01T10:00:00", "7")
    w.use("Api", "2025-01-02T10:00:00", "9")

    assert january(w).total == D(2900)


def test_r164_usage_taken_back_restores_no_balance() -> None:
    w = world(
        rate("Api", "100"),
        overrides=[multiplier("api", "1", "2025-01-10")],
        commits=[commit("c", ("1", "2025-01-01", "2026-01-01"))],
        aggregation=Aggregation.LATEST,
    )
    w.use("Api", "2025-01-05", "1.2")
    w.use("Api", "2025-01-15", "0.8")
    invoice = january(w)

    assert [x.total for x in invoice.lines] == [D(100), D(20), D(-40), D(-100)]
    assert invoice.total == D(-20)


def test_r105_r106_only_usage_inside_the_filter_of_its_time_is_rated() -> None:
    w = world(
        rate("Api", "10"),
        usage_filter=UsageFilter(
            group_key="region", group_values=("US",), starting_at=at("2025-01-01")
        ),
    )
    signed = w.account.contracts[0]
    wider = UsageFilter(group_key="region", group_values=("US", "EU"), starting_at=at("2025-01-16"))
    w.account = type(w.account)(
        customer=w.account.customer,
        contracts=(
            contract(
                "k",
                Create(
                    customer_id="customer",
                    term=signed.term,
                    rate_card_id="card",
                    usage_filter=signed.usage_filters[0],
                ),
                FilterUsage(usage_filter=wider),
            ),
        ),
    )
    for day in ("05", "20"):
        w.use("Api", f"2025-01-{day}", "5000", region="US")
        w.use("Api", f"2025-01-{day}", "2000", region="EU")

    assert [line.total for line in january(w).lines] == [D(50000), D(70000)]


def test_r131_a_balance_that_ends_inside_a_period_cuts_the_line() -> None:
    w = world(rate("Api", "100"), commits=[commit("c", ("100", "2025-01-01", "2025-01-16"))])
    w.use("Api", "2025-01-15T23:59:59", "3")
    w.use("Api", "2025-01-16T00:00:00", "4")
    invoice = january(w)

    assert [(x.total, x.commit_id) for x in invoice.lines] == [
        (D(300), "c"),
        (D(400), None),
        (D(-300), "c"),
    ]
    assert w.finalize("2025-02-02").entries[1].timestamp == at("2025-01-16")


def test_r135_a_period_without_usage_has_a_zero_invoice_with_a_zero_line_r51() -> None:
    invoice = january(world(rate("Api", "100")))

    assert (invoice.total, [line.quantity for line in invoice.lines]) == (D(0), [D(0)])


def test_r141_the_last_period_ends_with_the_contract() -> None:
    w = world(rate("Api", "100"), term=span("2025-01-01", "2025-03-10T12:00:00"))
    last = w.bill("2025-06-01").invoices[-1]

    assert (last.start, last.end) == (at("2025-03-01"), at("2025-03-10T12:00:00"))
    assert last.issued_at == at("2025-03-11T12:00:00")


@pytest.mark.parametrize(
    ("term", "schedule", "expected"),
    [
        (
            "2024-09-15",
            StatementSchedule(day=StatementDay.CUSTOM_DATE, billing_anchor_date=at("2024-09-10")),
            ["2024-09-15", "2024-10-10", "2024-11-10"],
        ),
        (
            "2025-01-31",
            StatementSchedule(day=StatementDay.CONTRACT_START),
            ["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30"],
        ),
        (
            "2025-03-05",
            StatementSchedule(day=StatementDay.CONTRACT_START, frequency=Frequency.WEEKLY),
            ["2025-03-05", "2025-03-12", "2025-03-19"],
        ),
        (
            "2024-11-20",
            StatementSchedule(frequency=Frequency.QUARTERLY),
            ["2024-11-20", "2025-02-01", "2025-05-01"],
        ),
    ],
)
def test_s21_billing_grids(term: str, schedule: StatementSchedule, expected: list[str]) -> None:
    w = world(rate("Api", "1"), term=span(term), statement=schedule)
    starts = [i.start for i in w.bill(expected[-1]).invoices]

    assert starts == [at(day) for day in expected]


def test_r57_r94_a_contract_without_a_card_still_has_its_empty_statement() -> None:
    w = world(rate("Api", "1"), rate_card_id=None)

    assert january(w).lines == ()


def test_s27_fractions_of_a_cent_are_kept() -> None:
    w = world(rate("Api", "0.37"), commits=[commit("c", ("10", "2025-01-01", "2026-01-01"))])
    w.use("Api", "2025-01-09", "123457")

    assert january(w).total == D("44679.09")


def test_r117_a_shortened_contract_expires_its_balance_at_the_new_end() -> None:
    w = world(rate("Api", "100"))
    signed = Create(
        customer_id="customer",
        term=span("2025-01-01", "2026-01-01"),
        rate_card_id="card",
        terms=Added(
            commits=(
                commit(
                    "c",
                    ("200", "2025-01-01", "2026-01-01"),
                    payments={"2025-01-01": "100", "2025-07-01": "100"},
                ),
            )
        ),
    )
    ended = contract("k", signed, ChangeEnd(ending_before=at("2025-03-01")))
    w.account = type(w.account)(customer=w.account.customer, contracts=(ended,))
    w.use("Api", "2025-02-09", "50")
    bill = w.finalize("2025-03-02")

    assert [i.issued_at for i in bill.invoices if i.type == "SCHEDULED"] == [at("2025-01-01")]
    assert [(e.type, e.timestamp, e.amount) for e in bill.entries] == [
        ("SEGMENT_START", at("2025-01-01"), D(20000)),
        ("AUTOMATED_INVOICE_DEDUCTION", at("2025-03-01"), D(-5000)),
        ("EXPIRATION", at("2025-03-01"), D(-15000)),
    ]


def test_r150_what_is_added_to_an_invoiced_day_gets_an_invoice_of_its_own() -> None:
    w = world(rate("Api", "1"))
    first = commit("a", ("1", "2025-01-01", "2026-01-01"), payments={"2025-01-01": "1"})
    second = commit("b", ("2", "2025-01-01", "2026-01-01"), payments={"2025-01-01": "2"})
    for commits in ((first,), (first, second)):
        signed = Create(
            customer_id="customer",
            term=span("2025-01-01"),
            rate_card_id="card",
            terms=Added(commits=commits),
        )
        contracts = (contract("k", signed),)
        w.account = type(w.account)(
            customer=w.account.customer, contracts=contracts, finalized=w.account.finalized
        )
        w.finalize("2025-01-05")
    scheduled = w.invoices("SCHEDULED")

    assert [i.total for i in scheduled] == [D(100), D(200)]
    assert scheduled[0].id != scheduled[1].id


@pytest.mark.parametrize(
    "build",
    [
        lambda: Tiered(tiers=()),
        lambda: tiers(("5", "1")),
        lambda: tiers(("0", "1"), (None, "1")),
        lambda: Flat(price=D(-1)),
        lambda: Multiplier(multiplier=D(-1)),
        lambda: Override(id="o", window=span("2025-01-01")),
        lambda: Override(id="o", window=span("2025-01-01T00:30:00"), entitled=True),
        lambda: Override(
            id="o",
            window=Interval(EPOCH),
            rate=Overwrite(price=Flat(price=D(1))),
            applicability=Applicability(product_tags=("t",)),
        ),
        lambda: commit("c", ("1", "2025-01-01", "2026-01-01"), rollover_fraction=D(100)),
        lambda: StatementSchedule(frequency=Frequency.WEEKLY),
        lambda: Applicability(product_ids=("p",), specifiers=(Specifier(),)),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_made(build: object) -> None:
    with pytest.raises(Refused):
        build()  # type: ignore[operator]
