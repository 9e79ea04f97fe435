"""Whatever a plan can carry bills the same on a remote as in our own engine, to the cent."""

from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.edits import Added, Amend, ContractSettings, Create, Revise
from closedwon.billing.contracts.overrides import (
    MultiplierTier,
    Override,
    Overwrite,
    Prioritization,
    TieredMultiplier,
)
from closedwon.billing.contracts.recurring import (
    Proration,
    RecurringAmount,
    RecurringCommit,
    SeatLink,
)
from closedwon.billing.contracts.subscriptions import (
    Collection,
    InvoiceBehavior,
    QuantityUpdate,
    Subscription,
)
from closedwon.billing.contracts.terms import CommitKind, StatementDay, StatementSchedule
from closedwon.billing.contracts.thresholds import SpendThreshold, SpendTracker, ThresholdCommit
from closedwon.billing.pricing import Tier, Tiered
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.instant import Interval
from closedwon.testing.target_conformance import edit
from closedwon.testing.target_world import (
    DEAL,
    SIGNED,
    TargetWorld,
    at,
    cheaper,
    event,
    new_deal,
    points,
    prepaid,
    signed,
    support,
)
from targets.worlds import EmbeddedWorld, RemoteWorld, remote_world

D = Decimal
YEAR = Interval(at("2024-01-01"), at("2025-01-01"))

SEATS = Subscription(
    id="seats",
    product_id="product-seat",
    frequency=Frequency.MONTHLY,
    window=YEAR,
    collection=Collection.ADVANCE,
    is_prorated=True,
    invoice_behavior=InvoiceBehavior.BILL_IMMEDIATELY,
    initial_quantity=D(10),
    name="Seats",
    source=DEAL,
)
PER_SEAT = RecurringCommit(
    id="per-seat",
    kind=CommitKind.CREDIT,
    product_id="product-prepaid",
    name="Credit per seat",
    access=RecurringAmount(unit_price=D("123.45"), quantity=None),
    window=YEAR,
    frequency=Frequency.MONTHLY,
    priority=D(3),
    proration=Proration.NONE,
    seats=SeatLink(subscription_id="seats", is_prorated=True),
    created_at=SIGNED,
    source=DEAL,
)
MONTHLY = RecurringCommit(
    id="monthly",
    kind=CommitKind.PREPAID,
    product_id="product-prepaid",
    name="Monthly commit",
    access=RecurringAmount(unit_price=D("50.5"), quantity=D(100)),
    invoice=RecurringAmount(unit_price=D("40.25"), quantity=D(100)),
    window=Interval(at("2024-01-15"), at("2025-01-01")),
    priority=D(2),
    applicability=Applicability(specifiers=(Specifier(product_tags=("compute",)),)),
    created_at=SIGNED,
    source=DEAL,
)
GIFT = prepaid(
    "gift",
    {"2024-01-01/2024-03-01": "1500.75"},
    {},
    kind=CommitKind.CREDIT,
    applicability=Applicability(product_ids=("product-storage",)),
    priority=D(1),
)
POSTPAID = prepaid(
    "postpaid",
    {"2024-01-01/2024-07-01": "90000"},
    {"2024-07-02": "90000"},
    kind=CommitKind.POSTPAID,
    priority=D(9),
)
TIERED = Override(
    id="tiered",
    window=YEAR,
    applicability=Applicability(product_ids=("product-storage",)),
    rate=TieredMultiplier(
        tiers=(
            MultiplierTier(multiplier=D("0.95"), size=D(5000)),
            MultiplierTier(multiplier=D("0.6")),
        )
    ),
    priority=D(5),
    source=DEAL,
)
OVERWRITE = Override(
    id="overwrite",
    window=Interval(at("2024-02-01"), at("2024-05-01")),
    applicability=Applicability(product_ids=("product-analysis",)),
    rate=Overwrite(price=Tiered(tiers=(Tier(price=D("99.9"), size=D(50)), Tier(price=D("77.7"))))),
    source=DEAL,
)
WITH_GIFT = Override(
    id="with-gift",
    window=YEAR,
    applicability=Applicability(
        specifiers=(Specifier(product_id="product-storage", commit_ids=("gift",)),)
    ),
    rate=cheaper("data", "0.5", "2024-01-01").rate,
    priority=D(1),
    is_commit_specific=True,
    source=DEAL,
)
HIDDEN = Override(
    id="hidden",
    window=Interval(at("2024-09-01"), None),
    applicability=Applicability(
        product_ids=("product-analysis",), product_tags=("nothing-has-this",)
    ),
    entitled=False,
    source=DEAL,
)
EVERYTHING = Create(
    customer_id="customer",
    term=YEAR,
    name="All a deal can carry",
    rate_card_id="card",
    terms=Added(
        commits=(signed().terms.commits[0], GIFT, POSTPAID),
        overrides=(TIERED, OVERWRITE, WITH_GIFT, HIDDEN),
        charges=(support("support", {"2024-01-20": "1234.5", "2024-06-20": "0.25"}),),
        recurring=(PER_SEAT, MONTHLY),
        subscriptions=(SEATS,),
    ),
    statement=StatementSchedule(day=StatementDay.CONTRACT_START),
    prioritization=Prioritization.EXPLICIT,
    net_payment_terms_days=45,
    charges_on_usage_invoices=True,
    settings=ContractSettings(
        spend_threshold=SpendThreshold(
            is_enabled=True,
            threshold_amount=D(400000),
            commit=ThresholdCommit(product_id="product-prepaid", name="Spent so far"),
        ),
        trackers=(SpendTracker(alias="bought"),),
        echoed={"salesforce_opportunity_id": DEAL.opportunity_id},
    ),
    custom_fields={"sfdc_opportunity_id": DEAL.opportunity_id},
)


def more_seats() -> Revise:
    """What an amendment of a running year asks: seats, amounts, another end of a generator."""
    update = QuantityUpdate(starting_at=at("2024-04-10"), delta=D(5), source=DEAL)
    return Revise(
        add=Added(
            commits=(prepaid("more", {"2024-04-01/2025-01-01": "77777"}, {"2024-04-01": "70000"}),),
            overrides=(replace(cheaper("compute", "0.8", "2024-05-01"), priority=D(4)),),
        ),
        replace=Added(
            subscriptions=(replace(SEATS, quantity_updates=(update,)),),
            recurring=(
                replace(
                    MONTHLY,
                    access=RecurringAmount(unit_price=D("60.5"), quantity=D(100)),
                    window=Interval(MONTHLY.window.start, at("2024-10-01")),
                ),
            ),
            charges=(
                replace(
                    support("support", {"2024-01-20": "1234.5"}),
                    items=points("support", {"2024-01-20": "1234.5", "2024-07-20": "17"}),
                ),
            ),
        ),
        name="All, and more",
    )


def live(world: TargetWorld) -> None:
    """A year of it, amended on the way."""
    world.carry_out(new_deal(EVERYTHING))
    for month in range(1, 13):
        if month == 4:
            world.move(at("2024-04-01"))
            world.carry_out(edit(world, more_seats()))
        if month == 6:
            named = Amend(starting_at=at("2024-06-01"), terms=Added(), custom_fields={"po": "4711"})
            world.carry_out(edit(world, named))
        for day in (3, 17):
            stamp = f"2024-{month:02}-{day:02}"
            world.move(at(stamp))
            world.use(event("storage", stamp, f"{3000 + 500 * month}.5"))
            world.use(event("analysis", stamp, f"{40 + 7 * month}"))
    world.move(at("2025-01-20"))


def test_a_year_of_everything_bills_the_same_on_both(tmp_path: Path) -> None:
    ours = EmbeddedWorld()
    live(ours)
    with remote_world(tmp_path) as theirs:
        live(theirs)
        told = theirs.billed()
        assert len(told) > 12
        assert [(one.begins, one.kind) for one in told if not one.is_final] == []
        assert told == ours.billed()
        assert theirs.made() == (1, 1, 1)
        assert custom_fields(theirs) == {"sfdc_opportunity_id": DEAL.opportunity_id, "po": "4711"}


def custom_fields(world: RemoteWorld) -> dict[str, str]:
    named = {"customer_id": world.customer(), "contract_id": world.contract()}
    found: dict[str, str] = world.read("/v2/contracts/get", named)["custom_fields"]
    return found
