"""What every ports.Target must do, as plain checks over a TargetWorld; a new target runs them all.

Each check starts from an empty world and raises AssertionError.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from closedwon.billing.contracts.edits import Added, Amend, ChangeEnd, Revise
from closedwon.billing.contracts.overrides import Multiplier
from closedwon.billing.contracts.terms import Transition, TransitionType
from closedwon.deals.types import CreateContract, EditContract, Plan
from closedwon.kernel.errors import Conflict, Refused
from closedwon.kernel.instant import Interval
from closedwon.testing.target_world import (
    CONTRACT,
    FOLLOWING,
    Billed,
    TargetWorld,
    at,
    cheaper,
    event,
    new_deal,
    plan,
    points,
    prepaid,
    signed,
    support,
)

D = Decimal
MORE = Amend(
    starting_at=at("2024-03-01"),
    terms=Added(
        commits=(prepaid("more", {"2024-03-01/2025-01-01": "30000"}, {"2024-03-01": "24000"}),),
        overrides=(cheaper("compute", "0.8", "2024-03-01"),),
    ),
    custom_fields={"sfdc_amendment_id": "006Fk0000000002AAA"},
)
"""An upsell: 300.00 for 240.00, analysis cheaper."""


def edit(world: TargetWorld, *changes: Amend | Revise | ChangeEnd) -> Plan:
    """A plan of edits of the contract as it stands."""
    steps = [EditContract(contract_id=CONTRACT, change=change) for change in changes]
    return plan(*steps, base=world.target.base(CONTRACT))


def totals(world: TargetWorld, kind: str) -> dict[str, Decimal]:
    """Totals by the day each invoice of that kind begins."""
    found = [one for one in world.billed() if one.kind == kind]
    days = {f"{one.begins:%Y-%m-%d}": one.total for one in found}
    assert len(days) == len(found), found
    return days


def usage(world: TargetWorld, begins: str) -> Billed:
    """The one final usage invoice of the period that begins on that day."""
    found = [one for one in world.billed() if one.kind == "USAGE" and one.is_final]
    (only,) = [one for one in found if one.begins == at(begins)]
    return only


def live(world: TargetWorld, *days: str) -> None:
    """10,000 GB and 100 hours on each day: 207.00 + 125.00 at the contract's first prices."""
    for day in days:
        world.move(at(day))
        world.use(event("storage", day, "10000"))
        world.use(event("analysis", day, "100"))


def a_new_deal_brings_its_customer_and_contract(world: TargetWorld) -> None:
    """And bills what it says: payments on their dates, usage against the commit."""
    assert world.target.base(CONTRACT) == ""
    assert world.carry_out(new_deal())
    assert world.target.base(CONTRACT) != ""
    live(world, "2024-01-10")
    world.move(at("2024-02-03"))

    assert world.made() == (1, 1, 0)
    due = {"2024-01-01": D(60000), "2024-02-01": D(5000)}
    assert due.items() <= totals(world, "SCHEDULED").items()
    january = usage(world, "2024-01-01")
    assert january.total == D(0)
    assert january.lines == (
        ("Prepaid first applied", D(1), D(-20700)),
        ("Prepaid first applied", D(1), D(-12500)),
        ("analysis", D(100), D(12500)),
        ("storage", D(10000), D(20700)),
    )


def a_plan_applied_twice_is_applied_once(world: TargetWorld) -> None:
    """Neither the same new deal nor the same edit happens again (G1)."""
    assert world.carry_out(new_deal())
    amendment = edit(world, MORE)
    assert world.carry_out(amendment)
    made, billed = world.made(), world.billed()

    assert not world.carry_out(new_deal())
    assert not world.carry_out(amendment)
    assert made == world.made() == (1, 1, 1)
    assert billed == world.billed()


def an_amendment_adds_its_terms(world: TargetWorld) -> None:
    """What was there stays; what came bills from its own dates on (R111)."""
    world.carry_out(new_deal())
    world.move(at("2024-02-20"))
    world.carry_out(edit(world, MORE))
    live(world, "2024-03-05")
    world.move(at("2024-04-03"))

    assert world.made() == (1, 1, 1)
    assert totals(world, "SCHEDULED")["2024-03-01"] == D(24000)
    (march,) = (
        one
        for one in world.billed()
        if one.begins == at("2024-03-01")
        if one.is_final and one.kind == "USAGE"
    )
    assert ("analysis", D(100), D(10000)) in march.lines
    assert ("storage", D(10000), D(20700)) in march.lines
    assert march.total == 0


def a_revision_changes_what_is_there(world: TargetWorld) -> None:
    """Amounts, dates, prices, a charge that goes and one that comes, all in one edit (R112)."""
    world.carry_out(new_deal())
    known = signed().terms
    (commit,), (charge,) = known.commits, known.charges
    early, late = commit.segments
    bigger = replace(
        commit,
        segments=(early, replace(late, amount=D(80000))),
        payments=(commit.payments[0], *points("later", {"2024-09-01": "75000"})),
    )
    change = Revise(
        add=Added(charges=(support("training", {"2024-03-01": "9000"}),)),
        replace=Added(
            commits=(bigger,),
            overrides=(
                replace(known.overrides[0], rate=cheaper("data", "0.5", "2024-01-01").rate),
            ),
        ),
        remove_ids=(charge.id,),
        name="Acme 2024, once more",
    )
    world.carry_out(edit(world, change))
    live(world, "2024-01-10")
    world.move(at("2024-09-03"))

    assert world.made() == (1, 1, 1)
    paid = {"2024-01-01": D(60000), "2024-03-01": D(9000), "2024-09-01": D(75000)}
    assert totals(world, "SCHEDULED") == paid
    (january,) = (
        one for one in world.billed() if one.begins == at("2024-01-01") and one.kind == "USAGE"
    )
    assert ("storage", D(10000), D(11500)) in january.lines


def a_revision_can_move_the_end_too(world: TargetWorld) -> None:
    """Two edits of one plan happen together; nothing bills after the new end (R117)."""
    world.carry_out(new_deal())
    named = Revise(name="Half a year")
    world.carry_out(edit(world, named, ChangeEnd(ending_before=at("2024-07-01"))))
    world.move(at("2024-08-03"))

    paid = {"2024-01-01": D(60000), "2024-02-01": D(5000)}
    assert totals(world, "SCHEDULED") == paid
    assert max(one.begins for one in world.billed() if one.kind == "USAGE") < at("2024-07-01")


def an_edit_builds_on_the_edits_before(world: TargetWorld) -> None:
    """What an edit brought can be changed by the next one, down to a row of its schedule."""
    world.carry_out(new_deal())
    world.carry_out(edit(world, MORE))
    (more,) = MORE.terms.commits
    paid = replace(more.payments[0], amount=D(20000), unit_price=D(20000))
    less = Added(commits=(replace(more, payments=(paid,)),))
    world.carry_out(edit(world, Revise(replace=less)))
    (analysis,) = MORE.terms.overrides
    price = Added(overrides=(replace(analysis, rate=Multiplier(multiplier=D("0.7"))),))
    world.carry_out(edit(world, Revise(replace=price)))
    live(world, "2024-03-10")
    world.move(at("2024-04-03"))

    assert world.made() == (1, 1, 3)
    assert ("analysis", D(100), D(8750)) in usage(world, "2024-03-01").lines
    assert totals(world, "SCHEDULED")["2024-03-01"] == D(20000)


def a_renewal_follows_and_rolls_over(world: TargetWorld) -> None:
    """The old contract ends where the new one starts; half of what is left goes along (R120)."""
    world.carry_out(new_deal())
    live(world, "2024-07-10")
    world.move(at("2024-12-01"))
    renewal = replace(
        signed(),
        name="Acme 2025",
        term=Interval(at("2025-01-01"), at("2026-01-01")),
        uniqueness_key="sfdc:renewal",
        transition=Transition(type=TransitionType.RENEWAL, from_contract_id=CONTRACT),
        terms=Added(),
    )
    world.carry_out(plan(CreateContract(contract_id=FOLLOWING, create=renewal)))
    live(world, "2025-01-10")
    world.move(at("2025-02-03"))

    assert world.made()[:2] == (1, 2)
    (january,) = (
        one for one in world.billed() if one.begins == at("2025-01-01") and one.kind == "USAGE"
    )
    applied = sum((total for name, _, total in january.lines if "applied" in name), D(0))
    assert applied == -D(50000 - 33200)  # All that was left; half of 500.00 is more.
    assert january.total == D(12500 + 23000) + applied


def a_plan_made_against_an_older_state_is_refused(world: TargetWorld) -> None:
    """It is to be made anew; nothing happens anywhere."""
    world.carry_out(new_deal())
    stale = edit(world, MORE)
    world.carry_out(edit(world, ChangeEnd(ending_before=at("2024-10-01"))))
    made, billed = world.made(), world.billed()

    assert _raises(Conflict, world, stale)
    assert (world.made(), world.billed()) == (made, billed)


def a_refusal_leaves_nothing_behind(world: TargetWorld) -> None:
    """What billing cannot do is refused before anything is made of it."""
    wrong = replace(signed().terms.commits[0], product_id="product-storage")
    terms = replace(signed().terms, commits=(wrong,))

    assert _raises(Refused, world, new_deal(signed(terms=terms)))
    assert world.made()[1:] == (0, 0)
    assert world.target.base(CONTRACT) == ""
    assert world.carry_out(new_deal())
    assert world.made() == (1, 1, 0)


def nothing_is_begun_when_all_is_done(world: TargetWorld) -> None:
    """What was carried out is not to be finished again."""
    world.carry_out(new_deal())
    world.carry_out(edit(world, MORE))

    assert world.target.begun() == ()


def _raises(kind: type[Exception], world: TargetWorld, refused: Plan) -> bool:
    try:
        world.carry_out(refused)
    except kind:
        return True
    return False


CONFORMANCE: Final[tuple[Callable[[TargetWorld], None], ...]] = (
    a_new_deal_brings_its_customer_and_contract,
    a_plan_applied_twice_is_applied_once,
    an_amendment_adds_its_terms,
    a_revision_changes_what_is_there,
    a_revision_can_move_the_end_too,
    an_edit_builds_on_the_edits_before,
    a_renewal_follows_and_rolls_over,
    a_plan_made_against_an_older_state_is_refused,
    a_refusal_leaves_nothing_behind,
    nothing_is_begun_when_all_is_done,
)
"""Every check; a new target runs them all."""
