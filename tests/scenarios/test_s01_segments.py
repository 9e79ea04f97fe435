"""S1b-S1e: what InfraX's segments leave behind: capped, late, early, and at their very edges.

Analysis costs $1.25 an hour in 2024 and $1.0625 from 2025 on (seed 0: x0.85); commit A grants
50,000 / 200,000 / 250,000 dollars in 2024 / 2025 / 2026, B 300,000 over 2025 and 2026.
"""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from billing.world import at, cents, span
from build import (
    add_customer,
    infrax_catalog,
    infrax_renewal,
    infrax_signed,
    infrax_upsell,
    setup,
)
from closedwon.billing.account import BillingSettings
from closedwon.billing.contracts.edits import ChangeEnd
from closedwon.billing.contracts.terms import Transition, TransitionType
from closedwon.kernel.ids import derive
from scenarios.stage import Stage, usage_lines

D = Decimal
R_A, R_B = derive("rollover", "second", "A"), derive("rollover", "second", "B")


def infrax(settings: BillingSettings | None = None, *, upsell: bool = True) -> Stage:
    found = setup(settings=settings)
    infrax_catalog(found.engine)
    add_customer(found.engine)
    scene = Stage(found)
    found.engine.create_contract("first", infrax_signed(), by="test", now=at("2023-12-20"))
    if upsell:
        scene.edit("first", infrax_upsell(), "2023-12-21")
    return scene


def renew(scene: Stage, start: str = "2027-01-01", signed: str = "2026-12-01") -> None:
    signing = replace(infrax_renewal(), term=span(start, "2028-01-01"))
    scene.world.engine.create_contract("second", signing, by="test", now=at(signed))


@pytest.mark.parametrize(
    ("base", "roll_a"), [("segment", "62500.00"), ("commit_total", "125000.00")]
)
def test_s1b_r121_r184_a_renewal_rolls_a_quarter_of_each_and_the_rest_expires(
    base: str, roll_a: str
) -> None:
    """2025: 10,000 h x 1.0625 = 10,625.00 from A2; 200,000 - 10,625 = 189,375.00 expires.

    2026: 160,000 h = 170,000.00, all from B (ends tie with A3, B began earlier, R175): B keeps
    130,000, A3 its 250,000. A3 rolls min(250,000, 0.25 x 250,000) = 62,500, with commit_total
    0.25 x 500,000 = 125,000; B rolls min(130,000, 75,000) = 75,000 and 55,000 expires.
    """
    scene = infrax(BillingSettings(rollover_base=base))
    scene.use("Analysis", ("2025-05-05", "10000"), ("2026-05-05", "160000"))
    renew(scene)
    scene.live("2026-12-01", "2027-01-03")

    rest = f"{250000 - D(roll_a):.2f}"
    assert scene.ledger("A") == [
        ("SEGMENT_START", "2024-01-01", D("50000.00")),
        ("EXPIRATION", "2025-01-01", D("-50000.00")),
        ("SEGMENT_START", "2025-01-01", D("200000.00")),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-06-01", D("-10625.00")),
        ("EXPIRATION", "2026-01-01", D("-189375.00")),
        ("SEGMENT_START", "2026-01-01", D("250000.00")),
        ("EXPIRATION", "2027-01-01", -D(rest)),
        ("ROLLOVER", "2027-01-01", -D(roll_a)),
    ]
    assert scene.ledger("B") == [
        ("SEGMENT_START", "2025-01-01", D("300000.00")),
        ("AUTOMATED_INVOICE_DEDUCTION", "2026-06-01", D("-170000.00")),
        ("EXPIRATION", "2027-01-01", D("-55000.00")),
        ("ROLLOVER", "2027-01-01", D("-75000.00")),
    ]
    assert scene.left("2027-01-03") == {R_A: D(roll_a), R_B: D("75000.00"), "C": D("600000.00")}
    assert scene.net("2027-01-03") == D(roll_a) + 675000


def test_s1c_r121_r375_a_late_renewal_finds_everything_expired() -> None:
    """Ended 2027-01-01, renewed 2027-02-01: no segment is unexpired at S, nothing rolls."""
    scene = infrax()
    renew(scene, "2027-02-01", signed="2027-01-20")
    scene.live("2027-01-02", "2027-02-03")

    assert scene.ledger("B") == [
        ("SEGMENT_START", "2025-01-01", D("300000.00")),
        ("EXPIRATION", "2027-01-01", D("-300000.00")),
    ]
    assert scene.left("2027-02-03") == {"C": D("600000.00")}


def test_s1e_r120_r121_an_early_renewal_cuts_segments_and_drops_what_was_to_be_paid() -> None:
    """Renewed 2025-07-01: A2 rolls 0.25 x 200,000 = 50,000 of its 200,000 - 21,250 = 178,750.

    So 128,750 expires; B rolls 75,000 of 300,000. A3, never begun, is unexpired as well and rolls
    62,500 (Appendix A: every segment that ends at S or later), 187,500 expires. The item of 2026-01-01 ($250,000) is removed.
    Paid: 250,000 + 5,000 + 300,000.
    """
    scene = infrax()
    scene.use("Analysis", ("2025-03-03", "20000"))
    renew(scene, "2025-07-01", signed="2025-06-01")
    scene.live("2025-05-01", "2026-02-03")

    assert scene.ledger("A")[2:] == [
        ("SEGMENT_START", "2025-01-01", D("200000.00")),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-04-01", D("-21250.00")),
        ("EXPIRATION", "2025-07-01", D("-128750.00")),
        ("EXPIRATION", "2025-07-01", D("-187500.00")),
        ("ROLLOVER", "2025-07-01", D("-50000.00")),
        ("ROLLOVER", "2025-07-01", D("-62500.00")),
        ("SEGMENT_START", "2025-07-01", D("250000.00")),
    ]
    assert scene.ledger("B")[1:] == [
        ("EXPIRATION", "2025-07-01", D("-225000.00")),
        ("ROLLOVER", "2025-07-01", D("-75000.00")),
    ]
    assert [told[1:] for told in scene.billed("SCHEDULED")] == [
        ("2024-01-01", D("250000.00")),
        ("2024-03-01", D("5000.00")),
        ("2025-01-01", D("300000.00")),
    ]


def test_s1d_r1_r179_usage_stamped_at_the_end_of_a_segment_is_the_next_ones() -> None:
    """8 h at 23:59:59 x 1.25 = 10.00 from A1; 8 h at midnight x 1.0625 = 8.50 from A2."""
    scene = infrax()
    scene.use("Analysis", ("2024-12-31T23:59:59", "8"), ("2025-01-01T00:00:00", "8"))
    scene.live("2025-01-01", "2025-02-03")

    assert scene.ledger("A") == [
        ("SEGMENT_START", "2024-01-01", D("50000.00")),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-01-01", D("-10.00")),
        ("EXPIRATION", "2025-01-01", D("-49990.00")),
        ("SEGMENT_START", "2025-01-01", D("200000.00")),
        ("AUTOMATED_INVOICE_DEDUCTION", "2025-02-01", D("-8.50")),
    ]


def test_s1e_r80_r82_two_discounts_of_one_tag_never_multiply() -> None:
    """1,000 GB in 2025: 0.8 x 2.3 = 1.84 c -> $18.40, not 0.72 x 2.3 = $16.56."""
    scene = infrax(upsell=False)
    scene.use("Storage", ("2025-01-05", "1000"))
    scene.live("2025-02-02", "2025-02-02")

    (storage,) = [x for x in usage_lines(scene.usage("2025-01-01")) if x[0] == "Storage"]
    assert storage == ("Storage", D(1000), D("1.84"), D("18.40"), "A")


def test_s1e_r122_r184_a_contract_that_supersedes_another_gets_nothing_of_its_balances() -> None:
    """Nothing rolls by SUPERSEDE: A2's 200,000 expires when the new contract begins."""
    scene = infrax(upsell=False)
    signing = replace(
        infrax_renewal(),
        term=span("2025-07-01", "2028-01-01"),
        transition=Transition(type=TransitionType.SUPERSEDE, from_contract_id="first"),
    )
    scene.world.engine.create_contract("second", signing, by="test", now=at("2025-06-01"))
    scene.live("2025-06-01", "2025-07-03")

    assert ("EXPIRATION", "2025-07-01", D("-200000.00")) in scene.ledger("A")
    assert "ROLLOVER" not in {told[0] for told in scene.ledger("A")}


def test_s1_r118_an_extension_extends_nothing_but_the_term() -> None:
    """A3 still ends 2027-01-01: its 250,000 expires, January is overage at 1.84 c."""
    scene = infrax(upsell=False)
    scene.edit("first", ChangeEnd(ending_before=at("2027-06-01")), "2026-11-01")
    scene.use("Storage", ("2027-01-15", "100"))
    scene.live("2027-01-01", "2027-02-03")

    assert scene.ledger("A")[-1] == ("EXPIRATION", "2027-01-01", D("-250000.00"))
    january = scene.usage("2027-01-01")
    assert january.total == cents("1.84")
