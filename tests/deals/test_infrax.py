"""The InfraX deal, its upsell and its renewal (metronome.md S1, Appendix B1)."""

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from closedwon.billing.contracts.edits import Amend, Create
from closedwon.billing.contracts.overrides import Multiplier, Override
from closedwon.billing.contracts.terms import CommitKind, TransitionType
from closedwon.deals.mapping import map_deal
from closedwon.deals.mapping.model import Policies
from closedwon.deals.plan import PlanFacts, plan
from closedwon.deals.types import (
    CreateContract,
    CreateCustomer,
    Deal,
    DealKind,
    EditContract,
    Rejected,
    Terms,
)
from deals import cpq_org as org
from deals.applying import World, applied


def mapped(deal: Deal, **changes: object) -> Terms:
    found = map_deal(org.MAPPING, deal, org.facts(**changes))
    assert isinstance(found, Terms), found
    return found


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def told(override: Override) -> tuple[Decimal, tuple[str, ...], datetime, datetime | None]:
    assert isinstance(override.rate, Multiplier)
    window = override.window
    tags = override.applicability.product_tags
    return override.rate.multiplier, tags, window.start, window.end


def base() -> Terms:
    return mapped(org.infrax_deal(org.INFRAX))


def upsell(contract_id: str) -> Terms:
    return mapped(org.infrax_deal(org.UPSELL), contract_of={org.INFRAX: contract_id})


def test_the_new_deal_asks_for_the_contract_of_appendix_b1() -> None:
    terms = base()
    create = terms.contract

    assert isinstance(create, Create)
    assert terms.kind is DealKind.NEW
    assert (create.term.start, create.term.end) == (day("2024-01-01"), day("2027-01-01"))
    assert create.net_payment_terms_days == 30
    assert create.custom_fields["sfdc_opportunity_id"] == org.INFRAX
    (commit,) = create.terms.commits
    assert commit.kind is CommitKind.PREPAID
    assert commit.product_id == org.COMMIT_PRODUCT
    assert commit.rollover_fraction == Decimal("0.25")
    assert [(s.amount, s.window.start, s.window.end) for s in commit.segments] == [
        (Decimal(5_000_000), day("2024-01-01"), day("2025-01-01")),
        (Decimal(20_000_000), day("2025-01-01"), day("2026-01-01")),
        (Decimal(25_000_000), day("2026-01-01"), day("2027-01-01")),
    ]
    assert [(p.amount, p.timestamp) for p in commit.payments] == [
        (Decimal(25_000_000), day("2024-01-01")),
        (Decimal(25_000_000), day("2026-01-01")),
    ]
    assert [told(one) for one in create.terms.overrides] == [
        (Decimal("0.9"), ("storage",), day("2024-01-01"), day("2025-01-01")),
        (Decimal("0.8"), ("storage",), day("2025-01-01"), day("2027-01-01")),
    ]
    (charge,) = create.terms.charges
    assert charge.product_id == org.SUPPORT_PRODUCT
    assert [(i.amount, i.timestamp) for i in charge.items] == [
        (Decimal(500_000), day("2024-03-01"))
    ]
    assert terms.findings == ()
    assert terms.holds == ()


def test_every_term_knows_its_quote_lines_and_the_rule_that_made_it() -> None:
    create = base().contract
    source = create.terms.commits[0].source

    assert source is not None
    assert source.rule == "commit"
    assert source.place.startswith("mappings/cpq.yaml:")
    assert len(source.line_ids) == 3
    assert source.quote_id == "a0nHs000000014tIAA"


def test_every_row_of_the_deal_is_used_or_ignored_with_a_reason() -> None:
    contract_id = base().contract_id
    for terms, deal in (
        (base(), org.infrax_deal(org.INFRAX)),
        (upsell(contract_id), org.infrax_deal(org.UPSELL)),
    ):
        rows = {row["Id"] for collection in deal.children.values() for row in collection}
        assert set(terms.used) | set(terms.ignored) == rows
        assert not set(terms.used) & set(terms.ignored)


def test_the_upsell_amends_with_its_new_lines_only() -> None:
    contract_id = base().contract_id
    terms = upsell(contract_id)
    amend = terms.contract

    assert isinstance(amend, Amend)
    assert (terms.kind, terms.contract_id) == (DealKind.AMENDMENT, contract_id)
    assert amend.starting_at == day("2025-01-01")
    (commit,) = amend.terms.commits
    assert [(s.amount, s.window.start, s.window.end) for s in commit.segments] == [
        (Decimal(30_000_000), day("2025-01-01"), day("2027-01-01"))
    ]
    assert [(p.amount, p.timestamp) for p in commit.payments] == [
        (Decimal(30_000_000), day("2025-01-01"))
    ]
    assert [told(one) for one in amend.terms.overrides] == [
        (Decimal("0.85"), ("analysis",), day("2025-01-01"), day("2027-01-01"))
    ]
    assert amend.terms.charges == ()
    assert set(terms.ignored.values()) == {"existing line without change, already on the contract"}
    assert len(terms.ignored) == 3


def test_an_amendment_of_a_deal_billing_does_not_know_is_parked() -> None:
    found = map_deal(org.MAPPING, org.infrax_deal(org.UPSELL), org.facts())

    assert isinstance(found, Rejected)
    assert [finding.code for finding in found.findings] == ["amends_unknown"]
    assert org.INFRAX in found.findings[0].message
    assert found.findings[0].place.startswith("mappings/cpq.yaml:")


def renewal_deal(start: str) -> Deal:
    quote = org.a_quote(SBQQ__StartDate__c=start, SBQQ__EndDate__c="2027-12-31")
    line = org.a_line(
        1,
        Deal_Term_Type__c="Commit",
        Commit_Key__c="C3",
        Billing_Product_Id__c=org.COMMIT_PRODUCT,
        Rollover_Percent__c=Decimal(25),
        SBQQ__NetTotal__c=Decimal("600000.0"),
        SBQQ__EffectiveStartDate__c=start,
        SBQQ__EffectiveEndDate__c="2027-12-31",
        SBQQ__Renewal__c=True,
    )
    contract = {"Id": "800Hs000000014nIAA", "SBQQ__Opportunity__c": org.INFRAX}
    return org.a_deal(
        [line],
        quote=quote,
        SBQQ__Renewal__c=True,
        SBQQ__RenewedContract__c=contract["Id"],
        SBQQ__RenewedContract__r=contract,
    )


def test_a_renewal_on_time_follows_the_old_contract_with_rollover() -> None:
    terms = mapped(
        renewal_deal("2027-01-01"),
        contract_of={org.INFRAX: "old"},
        contract_ends={"old": day("2027-01-01")},
    )

    assert isinstance(terms.contract, Create)
    assert terms.kind is DealKind.RENEWAL
    assert terms.contract.transition is not None
    assert terms.contract.transition.type is TransitionType.RENEWAL
    assert terms.contract.transition.from_contract_id == "old"
    assert terms.contract_id != "old"
    assert terms.findings == ()


def test_a_renewal_after_a_gap_is_a_plain_contract_and_says_so() -> None:
    terms = mapped(
        renewal_deal("2027-02-01"),
        contract_of={org.INFRAX: "old"},
        contract_ends={"old": day("2027-01-01")},
    )

    assert isinstance(terms.contract, Create)
    assert terms.contract.transition is None
    assert [finding.code for finding in terms.findings] == ["renewed_late"]
    assert "nothing rolls over" in terms.findings[0].message


def test_a_renewal_before_the_old_end_follows_it_and_says_so() -> None:
    terms = mapped(
        renewal_deal("2026-07-01"),
        contract_of={org.INFRAX: "old"},
        contract_ends={"old": day("2027-01-01")},
    )

    assert isinstance(terms.contract, Create)
    assert terms.contract.transition is not None
    assert [finding.code for finding in terms.findings] == ["renewed_early"]


def test_the_plan_of_the_new_deal_creates_customer_and_contract_with_its_money() -> None:
    deal, terms = org.infrax_deal(org.INFRAX), base()
    found = plan(deal, terms, PlanFacts(base="digest"))

    assert [type(step) for step in found.steps] == [CreateCustomer, CreateContract]
    assert found.money.contract_value == Decimal(50_500_000)
    assert found.money.access_granted == Decimal(50_000_000)
    assert found.money.invoices == {
        date(2024, 1, 1): Decimal(25_000_000),
        date(2024, 3, 1): Decimal(500_000),
        date(2026, 1, 1): Decimal(25_000_000),
    }
    assert found.money.first_bill == date(2024, 1, 1)
    assert (found.holds, found.base) == ((), "digest")


def test_nothing_is_left_to_plan_after_the_plan_was_applied() -> None:
    deal, terms = org.infrax_deal(org.INFRAX), base()
    world = applied(World(), plan(deal, terms, PlanFacts()))

    again = plan(deal, terms, world.facts)

    assert again.is_empty
    assert again.holds == ()
    assert again.money.contract_value == 0


def test_the_upsell_is_one_amendment_and_then_nothing() -> None:
    deal, terms = org.infrax_deal(org.INFRAX), base()
    world = applied(World(), plan(deal, terms, PlanFacts()))
    more = upsell(terms.contract_id)

    first = plan(org.infrax_deal(org.UPSELL), more, world.facts)
    world = applied(world, first)

    (step,) = first.steps
    assert isinstance(step, EditContract)
    assert isinstance(step.change, Amend)
    assert first.money.contract_value == Decimal(30_000_000)
    assert first.money.invoices == {date(2025, 1, 1): Decimal(30_000_000)}
    assert plan(org.infrax_deal(org.UPSELL), more, world.facts).is_empty
    assert plan(deal, terms, world.facts).is_empty, "the first deal does not undo the second"


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_in_which_rows_arrive_changes_nothing(random: object) -> None:
    deal = org.infrax_deal(org.INFRAX)
    children = {}
    for name, rows in deal.children.items():
        shuffled = list(rows)
        random.shuffle(shuffled)  # type: ignore[attr-defined]
        children[name] = tuple(shuffled)
    moved = replace(deal, children=children)

    assert mapped(moved) == base()
    assert org.cpq_fingerprint(moved.record, children) == deal.fingerprint


def test_a_renamed_stage_or_another_spelling_of_a_number_is_no_change() -> None:
    deal = org.infrax_deal(org.INFRAX)
    renamed = {**deal.record, "StageName": "Won!", "SystemModstamp": "2030-01-01T00:00:00Z"}
    lines = [
        {**line, "SBQQ__NetTotal__c": line["SBQQ__NetTotal__c"].quantize(Decimal("0.00001"))}
        for line in deal.children["lines"]
    ]

    same = org.cpq_fingerprint(renamed, {**deal.children, "lines": lines})
    lines[0]["SBQQ__NetTotal__c"] += Decimal("0.01")
    other = org.cpq_fingerprint(renamed, {**deal.children, "lines": lines})

    assert same == deal.fingerprint
    assert other != deal.fingerprint


def test_policies_of_the_shipped_mapping_hold_what_a_person_should_see() -> None:
    assert org.MAPPING.policies == Policies()


def test_r355_what_finance_reconciles_by_comes_along() -> None:
    """Account on the customer, opportunity on the contract, quote lines on each commit."""
    terms = base()
    create = terms.contract

    assert isinstance(create, Create)
    assert terms.customer.custom_fields["sfdc_account_id"] == terms.customer.account_id
    assert create.custom_fields["sfdc_opportunity_id"] == org.INFRAX
    assert create.terms.commits
    for commit in create.terms.commits:
        assert commit.source is not None
        assert commit.custom_fields["sfdc_quote_line_ids"].split(";") == list(
            commit.source.line_ids
        )
