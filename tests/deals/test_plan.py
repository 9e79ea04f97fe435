"""Plans: only the difference, and held where a person must look."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from closedwon.billing.account import Customer
from closedwon.billing.contracts.edits import Amend, Archive, ChangeEnd, Create, Follow, Revise
from closedwon.billing.contracts.terms import Transition, TransitionType
from closedwon.deals.mapping import Policies, load_mapping, map_deal
from closedwon.deals.plan import PlanFacts, plan, withdrawn
from closedwon.deals.types import (
    CreateContract,
    CreateCustomer,
    CreateProduct,
    Deal,
    EditContract,
    Plan,
    Record,
    Terms,
)
from deals import cpq_org as org
from deals.applying import World, applied, edited

APPLY = Policies(edited_after_close="apply", backdated="apply")


def mapped(deal: Deal, **facts: Any) -> Terms:
    found = map_deal(org.MAPPING, deal, org.facts(**facts))
    assert isinstance(found, Terms), found
    return found


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def provisioned(deal: Deal, policies: Policies | None = None) -> World:
    world = World(facts=PlanFacts(policies=policies or Policies()))
    return applied(world, plan(deal, mapped(deal), world.facts))


def planned(world: World, deal: Deal, **facts: Any) -> Plan:
    return plan(deal, mapped(deal), replace(world.facts, **facts))


def commit_line(number: int, amount: str, start: str, end: str, **changes: Any) -> Record:
    return org.a_line(
        number,
        Deal_Term_Type__c="Commit",
        Commit_Key__c=f"C{number}",
        SBQQ__NetTotal__c=Decimal(amount),
        SBQQ__EffectiveStartDate__c=start,
        SBQQ__EffectiveEndDate__c=end,
        **changes,
    )


COMMIT = commit_line(1, "1200", "2024-01-01", "2024-12-31")
FEE = org.a_line(2, SBQQ__NetTotal__c=Decimal(50))
DISCOUNT = org.a_line(
    3,
    Deal_Term_Type__c="Rate Discount",
    Applicable_Tags__c="storage",
    Rate_Discount__c=Decimal(10),
    SBQQ__NetTotal__c=Decimal(0),
)


def test_a_known_customer_is_used_and_missing_products_come_first() -> None:
    deal = org.a_deal([FEE])
    customer = Customer(id="known", name="Acme", created_at=org.NOW)

    found = plan(deal, mapped(deal), PlanFacts(customer=customer))

    product, contract = found.steps
    assert isinstance(product, CreateProduct)
    assert product.product.name == "Product 2"
    assert isinstance(contract, CreateContract)
    assert contract.create.customer_id == "known"
    assert contract.create.terms.charges[0].product_id == product.product.id


def test_a_product_that_exists_is_not_created_again() -> None:
    deal = org.a_deal([FEE])
    terms = mapped(deal)
    facts = PlanFacts(product_ids=frozenset(product.id for product in terms.products))

    steps = [type(step) for step in plan(deal, terms, facts).steps]
    assert steps == [CreateCustomer, CreateContract]


def test_an_edit_after_close_is_shown_and_held() -> None:
    world = provisioned(org.a_deal([COMMIT, FEE]))
    dearer = {**FEE, "SBQQ__NetTotal__c": Decimal(80)}

    found = planned(world, org.a_deal([COMMIT, dearer]))

    (step,) = found.steps
    assert isinstance(step, EditContract)
    assert isinstance(step.change, Revise)
    assert [charge.items[0].amount for charge in step.change.replace.charges] == [Decimal(8000)]
    assert step.change.add.is_empty
    assert step.change.remove_ids == ()
    assert found.money.contract_value == Decimal(3000)
    assert found.money.invoices == {date(2024, 1, 1): Decimal(3000)}
    assert [hold.code for hold in found.holds] == ["edited_after_close"]
    assert "1 changed" in found.holds[0].message


@pytest.mark.parametrize(
    ("policy", "steps", "holds"), [("apply", 1, []), ("ignore", 0, []), ("hold", 1, ["x"])]
)
def test_the_policy_decides_about_edits_after_close(
    policy: str, steps: int, holds: list[str]
) -> None:
    world = provisioned(org.a_deal([COMMIT, FEE]), Policies(edited_after_close=policy))

    found = planned(world, org.a_deal([COMMIT]))

    assert len(found.steps) == steps
    assert len(found.holds) == len(holds)


def test_a_removed_line_takes_its_term_away_and_its_money_back() -> None:
    world = provisioned(org.a_deal([COMMIT, FEE]), APPLY)

    found = planned(world, org.a_deal([COMMIT]))

    (step,) = found.steps
    assert isinstance(step, EditContract)
    assert isinstance(step.change, Revise)
    assert len(step.change.remove_ids) == 1
    assert found.money.contract_value == Decimal(-5000)


def test_a_new_name_is_no_reason_to_stop() -> None:
    world = provisioned(org.a_deal([COMMIT]))

    found = planned(world, org.a_deal([COMMIT], Name="Acme - renamed"))

    (step,) = found.steps
    assert isinstance(step, EditContract)
    assert isinstance(step.change, Revise)
    assert step.change.name == "Acme - renamed"
    assert found.holds == ()


def test_a_longer_term_moves_the_end_of_the_contract() -> None:
    world = provisioned(org.a_deal([FEE]), APPLY)
    longer = org.a_quote(SBQQ__EndDate__c="2025-12-31")

    found = planned(world, org.a_deal([FEE], quote=longer))

    (step,) = found.steps
    assert isinstance(step, EditContract)
    assert step.change == ChangeEnd(ending_before=day("2026-01-01"))


@pytest.mark.parametrize(
    ("quote", "word"),
    [({"SBQQ__StartDate__c": "2024-02-01"}, "start"), ({"SBQQ__PaymentTerms__c": "Net 60"}, "pay")],
)
def test_what_a_running_contract_cannot_follow_is_held_and_not_attempted(
    quote: dict[str, str], word: str
) -> None:
    world = provisioned(org.a_deal([FEE]), APPLY)

    found = planned(world, org.a_deal([FEE], quote=org.a_quote(**quote)))

    assert [hold.code for hold in found.holds] == ["not_editable"]
    assert word in found.holds[0].message


def test_a_change_that_reaches_into_final_invoices_is_held() -> None:
    world = provisioned(org.a_deal([COMMIT, DISCOUNT]), Policies(edited_after_close="apply"))
    more = {**DISCOUNT, "Rate_Discount__c": Decimal(20)}
    later = {**DISCOUNT, "SBQQ__EffectiveEndDate__c": "2024-06-30"}

    final = {"finalized_through": day("2024-03-01")}
    touching = planned(world, org.a_deal([COMMIT, more]), **final)
    ending = planned(world, org.a_deal([COMMIT, later]), **final)

    assert [hold.code for hold in touching.holds] == ["touches_finalized"]
    assert "from 2024-01-01" in touching.holds[0].message
    assert ending.holds == (), "only what comes after the new end is billed differently"
    assert not ending.is_empty


def test_money_that_was_invoiced_is_not_moved_silently() -> None:
    world = provisioned(org.a_deal([COMMIT, FEE]), Policies(edited_after_close="apply"))
    final = {"finalized_through": day("2024-03-01")}
    dearer = {**FEE, "SBQQ__NetTotal__c": Decimal(80)}
    new_fee = org.a_line(4, SBQQ__NetTotal__c=Decimal(10))

    changed = planned(world, org.a_deal([COMMIT, dearer]), **final)
    added = planned(world, org.a_deal([COMMIT, FEE, new_fee]), **final)

    assert [hold.code for hold in changed.holds] == ["touches_finalized"]
    assert added.holds == (), "a new charge gets an invoice of its own (R150)"


AMENDMENT = {
    "Id": org.sf_id("006", 2),
    "SBQQ__AmendedContract__c": org.sf_id("800", 1),
    "SBQQ__AmendedContract__r": {"SBQQ__Opportunity__c": org.OPPORTUNITY_ID},
}


def amendment(lines: list[Record], **changes: Any) -> tuple[Deal, Terms]:
    deal = org.a_deal(lines, **{**AMENDMENT, **changes})
    contract_id = mapped(org.a_deal([COMMIT])).contract_id
    return deal, mapped(deal, contract_of={org.OPPORTUNITY_ID: contract_id})


def test_an_amendment_goes_on_the_contract_once_and_can_be_edited_later() -> None:
    world = provisioned(org.a_deal([COMMIT]), APPLY)
    deal, terms = amendment([commit_line(7, "300", "2024-07-01", "2024-12-31")])
    first = plan(deal, terms, world.facts)
    world = applied(world, first)
    deal, terms = amendment([commit_line(7, "400", "2024-07-01", "2024-12-31")])
    second = plan(deal, terms, world.facts)
    world = applied(world, second)

    assert isinstance(first.steps[-1], EditContract)
    assert isinstance(first.steps[-1].change, Amend)
    assert first.steps[-1].change.starting_at == day("2024-07-01")
    (step,) = second.steps
    assert isinstance(step, EditContract)
    assert isinstance(step.change, Revise)
    assert second.money.contract_value == Decimal(10_000)
    assert plan(deal, terms, world.facts).is_empty
    assert planned(world, org.a_deal([COMMIT])).is_empty


def test_an_amendment_dated_before_the_contract_or_into_final_periods_is_held() -> None:
    world = provisioned(org.a_deal([COMMIT]))
    deal, terms = amendment([commit_line(7, "300", "2023-12-01", "2024-12-31")])

    found = plan(deal, terms, replace(world.facts, finalized_through=day("2024-02-01")))

    assert {hold.code for hold in found.holds} == {"before_contract", "touches_finalized"}


def test_an_amendment_whose_contract_is_gone_says_so_and_does_nothing() -> None:
    deal, terms = amendment([COMMIT])

    found = plan(deal, terms, PlanFacts())

    assert found.is_empty
    assert [hold.code for hold in found.holds] == ["contract_missing"]


def test_an_amendment_that_changes_nothing_needs_no_edit() -> None:
    world = provisioned(org.a_deal([COMMIT]))
    unchanged = {**COMMIT, "SBQQ__Existing__c": True, "SBQQ__EffectiveQuantity__c": Decimal(0)}
    deal, terms = amendment([unchanged])

    assert plan(deal, terms, world.facts).is_empty


def test_a_deal_stays_quiet_after_its_contract_was_renewed_early() -> None:
    fee = org.a_line(
        2,
        SBQQ__NetTotal__c=Decimal(1200),
        SBQQ__ChargeType__c="Recurring",
        SBQQ__BillingFrequency__c="Monthly",
    )
    installments = [
        org.an_installment(1, "600", "2024-01-01", Commit_Key__c="C1"),
        org.an_installment(2, "600", "2024-09-01", Commit_Key__c="C1"),
    ]
    deal = org.a_deal([COMMIT, fee, DISCOUNT], installments)
    world = provisioned(deal)
    assert world.facts.contract is not None
    transition = Transition(type=TransitionType.RENEWAL, from_contract_id=world.facts.contract.id)
    renewed = edited(
        world,
        world.facts.contract.id,
        Follow(transition=transition, to_contract_id="next", at=day("2024-07-01")),
    )

    found = planned(renewed, deal)

    assert found.is_empty
    assert found.holds == ()


def test_an_archived_contract_is_left_as_the_person_left_it() -> None:
    world = provisioned(org.a_deal([COMMIT, FEE]))
    assert world.facts.contract is not None
    archived = edited(world, world.facts.contract.id, Archive(void_invoices=False))

    assert planned(archived, org.a_deal([COMMIT])).is_empty


def renewal(start: str) -> tuple[Deal, Terms]:
    deal = org.a_deal(
        [commit_line(9, "100", start, "2025-12-31")],
        quote=org.a_quote(SBQQ__StartDate__c=start, SBQQ__EndDate__c="2025-12-31"),
        SBQQ__Renewal__c=True,
        SBQQ__RenewedContract__r={"SBQQ__Opportunity__c": org.OPPORTUNITY_ID},
        SBQQ__RenewedContract__c=org.sf_id("800", 1),
        Id=org.sf_id("006", 3),
    )
    facts = {"contract_of": {org.OPPORTUNITY_ID: "old"}}
    return deal, mapped(deal, **facts, contract_ends={"old": day("2025-01-01")})


@pytest.mark.parametrize(
    ("start", "policies", "codes"),
    [
        ("2025-01-01", Policies(), []),
        ("2025-02-01", Policies(), []),
        ("2025-02-01", Policies(renewed_late="hold"), ["renewed_late"]),
        ("2024-12-01", Policies(), ["renewed_early"]),
        ("2024-12-01", Policies(renewed_early="apply"), []),
    ],
)
def test_policies_decide_about_renewals_that_are_not_on_time(
    start: str, policies: Policies, codes: list[str]
) -> None:
    deal, terms = renewal(start)

    found = plan(deal, terms, PlanFacts(policies=policies))

    assert [hold.code for hold in found.holds] == codes
    assert any(isinstance(step, CreateContract) for step in found.steps)


def test_the_second_renewal_of_one_contract_is_not_created() -> None:
    world = provisioned(org.a_deal([COMMIT]))
    assert world.facts.contract is not None
    transition = Transition(type=TransitionType.RENEWAL, from_contract_id=world.facts.contract.id)
    change = Follow(transition=transition, to_contract_id="other", at=day("2025-01-01"))
    followed = edited(world, world.facts.contract.id, change).facts.contract
    deal, terms = renewal("2025-01-01")

    found = plan(deal, terms, PlanFacts(followed=followed))

    assert found.is_empty
    assert [hold.code for hold in found.holds] == ["renewed_twice"]
    assert found.money.contract_value == 0


def test_gates_of_the_mapping_hold_a_plan_that_does_something() -> None:
    text = org.cpq_text() + (
        "gates:\n  - id: large_deal\n    when: SUM(lines, SBQQ__NetTotal__c) > 1000\n"
        "    message: worth more than 1000\n"
    )
    mapping = load_mapping(text, "m.yaml", org.SCHEMA, org.tables())
    deal = org.a_deal([COMMIT])
    terms = map_deal(mapping, deal, org.facts())
    assert isinstance(terms, Terms)
    world = World()
    first = plan(deal, terms, world.facts)

    assert [hold.code for hold in first.holds] == ["large_deal"]
    assert plan(deal, terms, applied(world, first).facts).holds == ()


def test_a_deal_that_is_no_longer_won_is_told_and_nothing_is_voided() -> None:
    deal = org.a_deal([COMMIT])
    world = provisioned(deal)

    found = withdrawn(deal, mapped(deal), world.facts)

    assert found.is_empty
    assert [hold.code for hold in found.holds] == ["unwon"]
    assert withdrawn(deal, mapped(deal), PlanFacts()).holds == ()


amounts = st.decimals("0.01", "99999", places=2)
days = st.dates(date(2024, 1, 1), date(2024, 12, 30)).map(date.isoformat)


@st.composite
def a_random_line(draw: st.DrawFn, number: int) -> Record:
    start = draw(days)
    common = {"SBQQ__EffectiveStartDate__c": start, "SBQQ__NetTotal__c": draw(amounts)}
    kind = draw(st.sampled_from(["commit", "fee", "recurring", "discount", "optional"]))
    if kind == "commit":
        return org.a_line(number, Deal_Term_Type__c="Commit", **common)
    if kind == "recurring":
        frequency = draw(st.sampled_from(["Monthly", "Quarterly", "Annual"]))
        recurring = {"SBQQ__ChargeType__c": "Recurring", "SBQQ__BillingFrequency__c": frequency}
        return org.a_line(number, **recurring, **common)
    if kind == "discount":
        percent = draw(st.integers(1, 100).map(Decimal))
        discount = {"Rate_Discount__c": percent, "Applicable_Tags__c": "storage"}
        line = org.a_line(number, Deal_Term_Type__c="Rate Discount", **discount)
        return {**line, "SBQQ__EffectiveStartDate__c": start, "SBQQ__NetTotal__c": Decimal(0)}
    return org.a_line(number, SBQQ__Optional__c=kind == "optional", **common)


@st.composite
def a_random_deal(draw: st.DrawFn) -> Deal:
    numbers = draw(st.sets(st.integers(1, 6), min_size=1, max_size=4))
    return org.a_deal([draw(a_random_line(number)) for number in sorted(numbers)])


@settings(max_examples=40, deadline=None)
@given(before=a_random_deal(), after=a_random_deal())
def test_whatever_is_edited_the_plan_is_empty_once_applied_and_the_money_adds_up(
    before: Deal, after: Deal
) -> None:
    world = World(facts=PlanFacts(policies=APPLY))
    first = plan(before, mapped(before), world.facts)
    world = applied(world, first)
    second = plan(after, mapped(after), world.facts)
    world = applied(world, second)
    scratch = plan(after, mapped(after), PlanFacts())

    assert plan(after, mapped(after), world.facts).is_empty
    total = first.money.contract_value + second.money.contract_value
    assert total == scratch.money.contract_value
    assert first.money.access_granted + second.money.access_granted == scratch.money.access_granted
    days_of = first.money.invoices.keys() | second.money.invoices.keys()
    for on in days_of | scratch.money.invoices.keys():
        moved = first.money.invoices.get(on, Decimal(0)) + second.money.invoices.get(on, Decimal(0))
        assert moved == scratch.money.invoices.get(on, Decimal(0))


def test_a_create_is_never_planned_where_the_contract_exists() -> None:
    world = provisioned(org.a_deal([COMMIT]), APPLY)
    deal = org.a_deal([FEE, DISCOUNT])

    steps = planned(world, deal).steps

    assert not any(isinstance(step, CreateContract) for step in steps)
    assert isinstance(mapped(deal).contract, Create)
