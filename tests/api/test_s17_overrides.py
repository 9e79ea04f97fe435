"""S17 through the SDK: overrides that never stack, dated ones, commit rates (R71-R89).

A call lists at 10.00 and costs 8.00 out of a balance with COMMIT_RATE, unless a test says otherwise.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from api.played import Story, dollars, priced
from api.shop import Seller
from api.terms import access
from billing.world import at

JUNE = "2025-06-01"
Row = tuple[str, str, str, bool]


@pytest.fixture
def start() -> datetime:
    return at("2025-05-20")


class Priced:
    """One usage product and what a contract makes of its June."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.shop = Seller(story.sdk, "2025-06-01T00:00:00Z")
        self.calls = self.shop.usage("Calls", "calls", ["calls"])

    def sign(
        self, *overrides: Any, price: float = 1000, held: float | None = None, **more: Any
    ) -> str:
        """Overrides of Calls from June on; ``held`` cents of free credit; ``rate`` of the card."""
        listed = more.pop(
            "rate", {"price": price, "commit_rate": {"rate_type": "FLAT", "price": 800}}
        )
        self.shop.rate(self.calls, listed.pop("price", None), **listed)
        credit = {
            "product_id": self.shop.product("FIXED", "Held"),
            "priority": 1,
            "rate_type": more.pop("rate_type", "LIST_RATE"),
            "access_schedule": access((held or 0, JUNE, "2026-06-01")),
        }
        return self.shop.contract(
            overrides=[self.override(**one) for one in overrides],
            credits=[] if held is None else [credit],
            **more,
        )

    def override(self, **fields: Any) -> dict[str, Any]:
        where: dict[str, Any] = {"product_id": self.calls}
        if fields.get("is_commit_specific"):
            where = {"override_specifiers": [{"product_id": self.calls}]}
        return {"starting_at": at(JUNE), "type": "MULTIPLIER", **where} | fields

    def june(self, *used: tuple[str, str]) -> list[Row]:
        """(quantity, unit price, dollars, covered) of its lines."""
        for when, calls in used or (("2025-06-10", "20"),):
            self.story.used(when, calls=calls)
        self.story.until(at("2025-07-03"))
        (invoice,) = self.story.invoices(self.shop.customer, type="USAGE", status="FINALIZED")
        return [
            (f"{n.normalize():f}", f"{price:.2f}", f"{total:.2f}", covered)
            for _, n, price, total, covered in priced(invoice)
        ]


@pytest.fixture
def sold(story: Story) -> Priced:
    return Priced(story)


def test_s17_r71_r89_covered_at_the_commit_rate_over_at_list(sold: Priced) -> None:
    sold.sign(held=1000, rate_type="COMMIT_RATE")

    assert sold.june() == [
        ("1.25", "8.00", "10.00", True),
        ("18.75", "10.00", "187.50", False),
    ]


def test_s17_r88_target_commit_rate_beside_a_list_override(sold: Priced) -> None:
    """Covered 8.00 x 0.9 = 7.20; the rest 10.00 x 0.8."""
    specific = {"multiplier": 0.9, "is_commit_specific": True, "target": "COMMIT_RATE"}
    sold.sign({"multiplier": 0.8}, specific, held=7200, rate_type="COMMIT_RATE")

    assert sold.june() == [("10", "7.20", "72.00", True), ("10", "8.00", "80.00", False)]


def test_s17_r87_r80_a_commit_specific_discount_replaces_the_general_one(sold: Priced) -> None:
    specific = {"multiplier": 0.8, "is_commit_specific": True}
    sold.sign({"multiplier": 0.95}, specific, price=100, held=800)

    assert sold.june() == [("10", "0.80", "8.00", True), ("10", "0.95", "9.50", False)]


@pytest.mark.parametrize(
    ("multipliers", "total"),
    [((0.9, 0.95), "180"), ((1.2,), "240"), ((1.2, 1), "200"), ((0,), "0")],
)
def test_s17_r80_r82_the_lowest_of_several(
    sold: Priced, multipliers: tuple[float, ...], total: str
) -> None:
    sold.sign(*({"multiplier": one} for one in multipliers))

    assert [row[2] for row in sold.june()] == [f"{total}.00"]


def test_s17_r81_an_overwrite_beats_a_lower_multiplier_and_the_last_wins(sold: Priced) -> None:
    seven, nine = (
        {"type": "OVERWRITE", "overwrite_rate": {"rate_type": "FLAT", "price": cents}}
        for cents in (700, 900)
    )
    sold.sign({"multiplier": 0.1}, seven, nine)

    assert sold.june() == [("20", "9.00", "180.00", False)]


def test_s17_r83_explicit_priority_decides(sold: Priced) -> None:
    sold.sign(
        {"multiplier": 0.9, "priority": 2},
        {"multiplier": 0.95, "priority": 1},
        multiplier_override_prioritization="EXPLICIT",
    )

    assert sold.june() == [("20", "9.50", "190.00", False)]


def test_s17_r84_a_tiered_override_counts_the_units_of_the_period(sold: Priced) -> None:
    """10 @ 0.8, 10 @ 0.7, 5 @ 1 on 1.00, in three events: 8 + 7 + 5 = 20.00."""
    tiers = [{"multiplier": 0.8, "size": 10}, {"multiplier": 0.7, "size": 10}]
    sold.sign(
        {"type": "TIERED", "tiers": tiers, "priority": 1},
        price=100,
        multiplier_override_prioritization="EXPLICIT",
    )

    rows = sold.june(("2025-06-03", "8"), ("2025-06-13", "8"), ("2025-06-23", "9"))
    assert sum(Decimal(row[2]) for row in rows) == 20


def test_s17_r72_r89_tiers_go_on_where_the_balance_ends(sold: Priced) -> None:
    def tiers(first: float, rest: float) -> dict[str, Any]:
        return {"rate_type": "TIERED", "tiers": [{"price": first, "size": 10}, {"price": rest}]}

    rate = {**tiers(1000, 500), "commit_rate": tiers(800, 400)}
    sold.sign(rate=rate, held=10000, rate_type="COMMIT_RATE")

    assert sold.june(("2025-06-10", "30")) == [
        ("10", "8.00", "80.00", True),
        ("5", "4.00", "20.00", True),
        ("15", "5.00", "75.00", False),
    ]


def test_s17_r79_a_discount_from_the_sixteenth_splits_the_line(sold: Priced) -> None:
    sold.sign({"multiplier": 0.9, "starting_at": at("2025-06-16")}, price=100)

    assert sold.june(("2025-06-15T23:59:59", "10"), ("2025-06-16", "10")) == [
        ("10", "1.00", "10.00", False),
        ("10", "0.90", "9.00", False),
    ]


def test_s17_r55_r86_what_is_no_longer_sold_makes_no_line(sold: Priced) -> None:
    closed = {"type": None, "entitled": False, "starting_at": at("2025-06-16")}
    contract = sold.sign(held=8000)
    override = {name: value for name, value in sold.override(**closed).items() if value is not None}
    sold.shop.edit(contract, add_overrides=[override])

    assert sold.june(("2025-06-15", "5"), ("2025-06-16", "5")) == [("5", "10.00", "50.00", True)]


def test_s17_r116_an_override_that_is_removed_never_was_in_open_periods(
    sold: Priced, story: Story
) -> None:
    contract = sold.sign({"multiplier": 0.9})
    assert sold.june() == [("20", "9.00", "180.00", False)]
    story.used("2025-07-05", calls="20")
    story.until(at("2025-07-20"))
    (known,) = sold.shop.v2(contract).overrides
    sold.shop.edit(contract, remove_overrides=[{"id": known.id}])
    story.until(at("2025-08-03"))

    found = story.invoices(sold.shop.customer, type="USAGE", status="FINALIZED")
    assert [dollars(one.total) for one in found] == [180, 200]
