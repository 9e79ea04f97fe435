"""What contract commands accept and refuse; every refusal leaves no trace but an audit row."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from billing.world import EPOCH, at, cents, charge, commit, metric, multiplier, rate, span
from billing.world import usage_product as usage
from build import (
    Setup,
    add_catalog,
    add_customer,
    infrax,
    infrax_renewal,
    infrax_signed,
    infrax_upsell,
    setup,
)
from closedwon.billing.catalog.types import Alias, RateCard
from closedwon.billing.contracts.applicability import Applicability, Specifier
from closedwon.billing.contracts.edits import (
    Added,
    Amend,
    Archive,
    Change,
    ChangeEnd,
    Create,
    FilterUsage,
    Follow,
    Revise,
)
from closedwon.billing.contracts.overrides import Override, Overwrite, Prioritization
from closedwon.billing.contracts.terms import Commit, Transition, TransitionType, UsageFilter
from closedwon.billing.pricing import Flat
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.store.audit import Outcome

NOW = at("2024-06-10")


@pytest.fixture
def world() -> Setup:
    """InfraX signed, half a year of it finalized."""
    found = setup()
    infrax(found.engine, found.usage)
    found.engine.finalize(at("2024-06-02"))
    return found


def edit(world: Setup, change: Change, now: datetime = NOW, **more: Any) -> None:
    world.engine.edit_contract("first", change, by="test", now=now, **more)


def commits(*found: Commit) -> Added:
    return Added(commits=found)


def refused(world: Setup, change: Change, match: str, kind: type[Refused] = Refused) -> None:
    before = world.engine.content_hash()
    with pytest.raises(kind, match=match):
        edit(world, change)
    assert world.engine.content_hash() == before
    assert world.engine.stores.audit.rows()[-1].outcome is Outcome.FAILURE
    assert world.engine.stores.audit.broken_at() is None


def plain(name: str = "X", **more: Any) -> Commit:
    return commit(name, ("100", "2025-01-01", "2026-01-01"), **more)


def overwrite(applicability: Applicability) -> Override:
    price = Overwrite(price=Flat(price=Decimal(1)))
    return Override(id="o", window=span("2024-01-01"), applicability=applicability, rate=price)


@pytest.mark.parametrize(
    ("terms", "match"),
    [
        (commits(plain(product_id="p-nothing")), "unknown product"),
        (commits(plain(product_id="p-Storage")), "needs a FIXED product"),
        (
            Added(charges=(replace(charge("c", {"2025-01-01": "1"}), product_id="p-Storage"),)),
            "FIXED",
        ),
        (Added(charges=(replace(charge("support", {}), id="c"),)), "needs a schedule"),
        (commits(plain(applicability=Applicability(product_ids=("p-x",)))), "unknown products"),
        (commits(plain(access_credit_type_id="tokens")), "unknown credit type"),
        (commits(plain(custom_fields={"surprise": "1"})), "unknown custom field key"),
        (commits(plain(), plain()), "ids must be different"),
        (Added(overrides=(overwrite(Applicability()),)), "needs its product"),
        (
            Added(
                overrides=(
                    overwrite(
                        Applicability(
                            specifiers=(
                                Specifier(
                                    product_id="p-Storage", presentation_group_values={"a": "b"}
                                ),
                            )
                        )
                    ),
                )
            ),
            "cannot select presentation values",
        ),
    ],
)
def test_terms_that_cannot_stand_are_refused_r100(world: Setup, terms: Added, match: str) -> None:
    refused(world, Amend(starting_at=NOW, terms=terms), match)


def test_under_explicit_every_multiplier_has_a_priority_r83(world: Setup) -> None:
    create = replace(
        infrax_signed(),
        prioritization=Prioritization.EXPLICIT,
        terms=Added(overrides=(multiplier("storage", "0.5", "2024-01-01"),)),
    )
    with pytest.raises(Refused, match="needs a priority"):
        world.engine.create_contract("other", create, by="test", now=NOW)


def test_a_term_id_belongs_to_one_contract(world: Setup) -> None:
    refused(world, Amend(starting_at=NOW, terms=commits(plain("A"))), "taken", Conflict)
    stolen = replace(plain(), segments=infrax_signed().terms.commits[0].segments)
    refused(world, Amend(starting_at=NOW, terms=commits(stolen)), "taken", Conflict)


def test_the_same_contract_again_changes_nothing_and_another_one_conflicts(world: Setup) -> None:
    before = (world.engine.content_hash(), world.engine.stores.audit.head())
    world.engine.create_contract("first", infrax_signed(), by="test", now=at("2024-06-11"))
    assert (world.engine.content_hash(), world.engine.stores.audit.head()) == before

    with pytest.raises(Conflict, match="other content"):
        world.engine.create_contract(
            "first", replace(infrax_signed(), name="x"), by="test", now=NOW
        )


def test_the_same_edit_again_changes_nothing_and_another_one_conflicts(world: Setup) -> None:
    edit(world, infrax_upsell(), edit_id="e1")
    before = world.engine.content_hash()
    edit(world, infrax_upsell(), at("2024-07-01"), edit_id="e1")
    assert world.engine.content_hash() == before

    with pytest.raises(Conflict, match="other content"):
        edit(world, ChangeEnd(ending_before=at("2026-01-01")), edit_id="e1")


def test_r7_r97_a_uniqueness_key_works_once_and_per_namespace(world: Setup) -> None:
    other = replace(infrax_signed(), terms=Added(), uniqueness_key="k")
    world.engine.create_contract("c1", other, by="test", now=NOW)
    with pytest.raises(Conflict, match="This uniqueness key has already been used"):
        world.engine.create_contract("c2", other, by="test", now=NOW)
    assert world.engine.digest("c2") == ""
    edit(world, infrax_upsell(), uniqueness_key="k")
    with pytest.raises(Conflict, match="already been used"):
        edit(world, ChangeEnd(ending_before=at("2026-01-01")), uniqueness_key="k")
    with pytest.raises(Refused, match="1 to 128"):
        edit(world, ChangeEnd(ending_before=at("2026-01-01")), uniqueness_key="x" * 129)


def test_an_alias_is_resolved_at_the_contracts_start_and_sticks_r57(world: Setup) -> None:
    for number, year in enumerate(("2020", "2024", "2025")):
        alias = Alias(name="standard", window=span(f"{year}-01-01"))
        world.engine.create_rate_card(
            RateCard(id=f"card{number}", name="Card", aliases=(alias,), created_at=EPOCH), NOW
        )
    create = replace(infrax_signed(), rate_card_id="standard", terms=Added())
    made = world.engine.create_contract("c", create, by="test", now=NOW)
    assert made.rate_card_id == "card1"

    late = Alias(name="standard", window=span("2020-01-01"))
    card = RateCard(id="card9", name="Card", aliases=(late,), created_at=EPOCH)
    world.engine.create_rate_card(card, NOW)
    assert world.engine.create_contract("c", create, by="test", now=NOW).rate_card_id == "card1"
    with pytest.raises(Refused, match="nor with this alias"):
        world.engine.create_contract(
            "d", replace(create, rate_card_id="unheard"), by="test", now=NOW
        )


def test_a_contract_needs_its_customer(world: Setup) -> None:
    with pytest.raises(NotFound, match="no such customer"):
        world.engine.create_contract(
            "c", replace(infrax_signed("nobody"), terms=Added()), by="test", now=NOW
        )


def test_a_usage_filter_needs_a_metric_that_splits_by_its_key_r107(world: Setup) -> None:
    region = UsageFilter(group_key="region", group_values=("eu",), starting_at=NOW)
    refused(world, FilterUsage(usage_filter=region), "R107")

    found = setup()
    meter = metric("Calls", group_keys=(("region",),))
    add_catalog(found.engine, [usage("Calls")], [meter], [rate("Calls", "1")])
    add_customer(found.engine)
    create = Create(customer_id="customer", term=span("2024-01-01"), rate_card_id="card")
    found.engine.create_contract("first", create, by="test", now=NOW)
    edit(found, FilterUsage(usage_filter=region))
    assert found.engine.contract("first").usage_filters == (region,)
    refused(found, FilterUsage(usage_filter=replace(region, group_values=())), "needs values")


def test_an_archived_contract_is_closed_to_edits(world: Setup) -> None:
    edit(world, Archive(void_invoices=False))
    refused(world, infrax_upsell(), "archived contract")


def test_only_the_engine_itself_creates_and_follows(world: Setup) -> None:
    refused(world, infrax_signed(), "by creating a contract")
    link = Transition(type=TransitionType.RENEWAL, from_contract_id="first")
    refused(world, Follow(transition=link, to_contract_id="x", at=NOW), "by creating a contract")


def test_a_contract_does_not_end_before_what_is_final_r119(world: Setup) -> None:
    refused(world, ChangeEnd(ending_before=at("2024-04-15")), "finalized invoice")
    refused(world, ChangeEnd(ending_before=at("2024-01-01")), "ends after it starts")
    refused(world, ChangeEnd(ending_before=at("2024-06-15T00:30:00")), "hour boundary")
    edit(world, ChangeEnd(ending_before=at("2024-06-15")))
    assert world.engine.contract("first").term == span("2024-01-01", "2024-06-15")


def test_a_balance_that_expired_with_its_contract_does_not_come_back(world: Setup) -> None:
    edit(world, ChangeEnd(ending_before=at("2024-06-15")))
    world.engine.finalize(at("2024-06-16"))
    expired = [e for e in world.engine.ledger("A") if e.type == "EXPIRATION"]
    assert [e.timestamp for e in expired] == [at("2024-06-15")] * len(expired)
    assert expired

    refused(world, ChangeEnd(ending_before=at("2026-01-01")), "balances expired")
    assert world.engine.finalize(at("2024-06-17")).parked == 0


def test_what_was_invoiced_or_posted_stays_r113(world: Setup) -> None:
    (a,) = world.engine.contract("first").commits
    first, *rest = a.segments
    cheaper = replace(a.payments[0], amount=cents("1"), unit_price=cents("1"))
    smaller = replace(first, amount=cents("1"))

    def replaced(**fields: Any) -> Revise:
        return Revise(replace=commits(replace(a, **fields)))

    refused(world, replaced(payments=(cheaper, a.payments[1])), "was invoiced stays")
    refused(world, replaced(payments=a.payments[1:]), "was invoiced stays")
    refused(world, replaced(segments=(smaller, *rest)), "used more than that")
    refused(world, replaced(segments=tuple(rest)), "used on a finalized invoice stays")
    refused(world, Revise(remove_ids=("A",)), "stays")
    refused(world, Revise(archive_ids=("A",)), "stays")
    refused(world, Revise(remove_ids=("support",)), "was invoiced stays")
    refused(world, Revise(remove_ids=("nothing",)), "no such term")


def test_a_term_id_of_another_contract_cannot_come_in_by_a_replacement(world: Setup) -> None:
    other = replace(infrax_signed(), terms=commits(plain("mine")))
    world.engine.create_contract("other", other, by="test", now=NOW)
    (a,) = world.engine.contract("first").commits
    stolen = replace(a, segments=(*a.segments, *plain("mine").segments))
    refused(world, Revise(replace=commits(stolen)), "taken", Conflict)


def test_an_archived_term_is_closed_to_edits_r113(world: Setup) -> None:
    edit(world, Amend(starting_at=NOW, terms=commits(plain())))
    edit(world, Revise(archive_ids=("X",)))
    (_, x) = world.engine.contract("first").commits
    assert x.archived_at == NOW
    refused(world, Revise(replace=commits(replace(x, name="Y"))), "archived term")
    refused(world, Revise(remove_ids=("X",)), "archived term")


def test_access_that_was_used_may_end_sooner_but_not_before_its_last_use(world: Setup) -> None:
    (a,) = world.engine.contract("first").commits
    first, *rest = a.segments

    def until(day: str) -> Revise:
        shorter = replace(first, window=span("2024-01-01", day))
        return Revise(replace=commits(replace(a, segments=(shorter, *rest))))

    refused(world, until("2024-05-15"), "drew from the segment later")
    edit(world, until("2024-06-15"))
    assert world.engine.finalize(at("2024-07-02")).parked == 0
    expired = [e.timestamp for e in world.engine.ledger("A") if e.type == "EXPIRATION"]
    assert expired == [at("2024-06-15")]
    (a,) = world.engine.contract("first").commits
    refused(world, until("2024-12-01"), "has ended stays")


def test_a_contract_does_not_end_before_a_movement_that_is_final(world: Setup) -> None:
    late = commit("late", ("5", "2024-06-05", "2024-12-01"))
    edit(world, Amend(starting_at=NOW, terms=commits(late)))
    world.engine.finalize(NOW)
    refused(world, ChangeEnd(ending_before=at("2024-06-04")), "movement that is final")
    edit(world, ChangeEnd(ending_before=at("2024-06-06")))
    assert world.engine.finalize(at("2024-06-08")).parked == 0


def test_a_line_is_explained_by_the_terms_of_its_own_time(world: Setup) -> None:
    invoice = world.engine.invoices("customer")[1]
    number = next(n for n, line in enumerate(invoice.lines, 1) if line.commit_id == "A")
    before = world.engine.explain(invoice.id, number)
    (a,) = world.engine.contract("first").commits
    edit(world, Revise(replace=commits(replace(a, name="renamed"))))

    assert world.engine.explain(invoice.id, number) == before
    assert "A" in {cause.name for cause in before.causes}
    with pytest.raises(NotFound, match="no such line"):
        world.engine.explain(invoice.id, 99)
    with pytest.raises(NotFound, match="no such stored invoice"):
        world.engine.explain("nothing", 1)


def test_what_is_still_to_come_may_be_revised(world: Setup) -> None:
    (a,) = world.engine.contract("first").commits
    later = (a.segments[0], replace(a.segments[1], amount=cents("1")), a.segments[2])
    edit(world, Revise(replace=commits(replace(a, segments=later))))

    assert world.engine.contract("first").commits[0].segments == later
    assert world.engine.contract("first").edit_of["A"] == world.engine.edits("first")[-1].id
    assert world.engine.finalize(at("2025-01-02")).parked == 0


def test_a_renewal_ends_the_old_contract_in_the_same_transaction_r120(world: Setup) -> None:
    world.engine.create_contract("second", infrax_renewal(), by="test", now=NOW)
    old = world.engine.contract("first")

    assert (old.followed_by, old.followed_at) == ("second", at("2027-01-01"))
    assert [type(e.change).__name__ for e in world.engine.edits("first")] == ["Create", "Follow"]
    with pytest.raises(Refused, match="renewed already"):
        world.engine.create_contract(
            "third", replace(infrax_renewal(), terms=Added()), by="test", now=NOW
        )
    assert world.engine.digest("third") == ""
    refused(world, ChangeEnd(ending_before=at("2028-01-01")), "cannot outlive its renewal")


def test_a_renewal_follows_a_contract_of_the_same_customer_r120(world: Setup) -> None:
    add_customer(world.engine, "other")
    before = world.engine.content_hash()
    with pytest.raises(Refused, match="same customer"):
        world.engine.create_contract("second", infrax_renewal("other"), by="test", now=NOW)
    unknown = Transition(type=TransitionType.RENEWAL, from_contract_id="unknown")
    with pytest.raises(NotFound, match="to follow"):
        world.engine.create_contract(
            "second", replace(infrax_renewal(), transition=unknown), by="test", now=NOW
        )
    assert world.engine.content_hash() == before


def test_an_early_renewal_cannot_cut_a_finalized_period(world: Setup) -> None:
    early = replace(infrax_renewal(), term=span("2024-04-15", "2025-01-01"), terms=Added())
    with pytest.raises(Refused, match="finalized invoice"):
        world.engine.create_contract("second", early, by="test", now=NOW)
    assert world.engine.contract("first").followed_by is None


def test_custom_fields_of_a_contract_are_those_it_has_now_r365(world: Setup) -> None:
    engine = world.engine
    engine.ensure_custom_field_keys("contract", ["sfdc_opportunity_id", "owner"], NOW)
    fields = {"sfdc_opportunity_id": "006"}
    edit(world, Amend(starting_at=NOW, terms=Added(), custom_fields=fields))
    engine.set_custom_fields("contract", "first", {"owner": "ada"}, NOW)

    assert engine.contract("first").custom_fields == {**fields, "owner": "ada"}
    draft = engine.bill("customer", NOW).invoices[0]
    assert draft.contract_custom_fields == {**fields, "owner": "ada"}


def test_every_command_is_audited_once(world: Setup) -> None:
    before = world.engine.stores.audit.head()[0]
    edit(world, infrax_upsell())
    world.engine.create_contract("second", infrax_renewal(), by="ada", now=NOW)
    rows = world.engine.stores.audit.rows(after=before)

    assert [(r.by, r.action, r.resource_id, r.outcome.value) for r in rows] == [
        ("test", "edit", "first", "success"),
        ("ada", "create", "second", "success"),
    ]
