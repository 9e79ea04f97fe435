from collections.abc import Callable
from decimal import Decimal

import pytest
from msgspec.structs import replace

from billing.world import at, commit, span
from build import SIGNED, Setup, infrax_catalog, infrax_signed, infrax_upsell, setup
from closedwon.billing.contracts.edits import Added, Amend, ChangeEnd, Create
from closedwon.billing.contracts.terms import CommitKind
from closedwon.deals.types import (
    CreateContract,
    CreateCustomer,
    CustomerTerms,
    EditContract,
    MoneyEffect,
    Plan,
    PlanStep,
)
from closedwon.kernel.errors import Conflict, Refused
from closedwon.store.database import writing
from closedwon.targets import EmbeddedTarget

ACCOUNT = CustomerTerms(
    id="customer",
    account_id="001Fk0000000001AAA",
    name="InfraX",
    ingest_aliases=("infrax",),
    custom_fields={"sfdc_account_id": "001Fk0000000001AAA"},
)
NOW = at("2023-12-20")


def plan(*steps: PlanStep, base: str = "") -> Plan:
    zero = Decimal(0)
    return Plan(
        opportunity_id=SIGNED.opportunity_id,
        opportunity_name="InfraX",
        deal_fingerprint="f",
        base=base,
        steps=steps,
        money=MoneyEffect(currency="USD", contract_value=zero, access_granted=zero, invoices={}),
        source=SIGNED,
    )


def signed() -> Create:
    return replace(infrax_signed(), custom_fields={"sfdc_opportunity_id": SIGNED.opportunity_id})


def new_deal() -> Plan:
    return plan(
        CreateCustomer(customer=ACCOUNT), CreateContract(contract_id="first", create=signed())
    )


@pytest.fixture
def world() -> Setup:
    found = setup()
    infrax_catalog(found.engine)
    return found


@pytest.fixture
def apply(world: Setup) -> Callable[[Plan], bool]:
    target = EmbeddedTarget(world.engine)

    def run(found: Plan) -> bool:
        with writing(world.db):
            return target.apply(found, by="sync", now=NOW).changed

    return run


def test_a_new_deal_brings_its_customer_and_contract(
    world: Setup, apply: Callable[[Plan], bool]
) -> None:
    assert apply(new_deal())

    customer = world.engine.customer_of_account(ACCOUNT.account_id)
    assert customer is not None
    assert (customer.id, customer.ingest_aliases) == ("customer", ("infrax",))
    assert world.engine.contract("first").custom_fields == {
        "sfdc_opportunity_id": SIGNED.opportunity_id
    }
    assert world.engine.edits("first")[0].source == SIGNED


def test_the_same_plan_again_changes_nothing(world: Setup, apply: Callable[[Plan], bool]) -> None:
    apply(new_deal())
    amendment = plan(
        EditContract(contract_id="first", change=infrax_upsell()),
        base=world.engine.digest("first"),
    )
    assert apply(amendment)
    before = world.engine.content_hash()

    assert not apply(new_deal())
    assert not apply(amendment)
    assert world.engine.content_hash() == before
    assert len(world.engine.edits("first")) == 2


def test_a_plan_made_against_an_older_state_is_refused(
    world: Setup, apply: Callable[[Plan], bool]
) -> None:
    apply(new_deal())
    stale = plan(
        EditContract(contract_id="first", change=infrax_upsell()),
        base=world.engine.digest("first"),
    )
    end = ChangeEnd(ending_before=at("2026-06-01"))
    world.engine.edit_contract("first", end, by="finance", now=NOW)
    before = world.engine.content_hash()

    with pytest.raises(Conflict, match="billing moved"):
        apply(stale)
    assert world.engine.content_hash() == before


def test_two_deals_cannot_make_the_same_contract(apply: Callable[[Plan], bool]) -> None:
    apply(new_deal())
    other = replace(signed(), name="another one")
    with pytest.raises(Conflict, match="billing moved"):
        apply(plan(CreateContract(contract_id="first", create=other)))


def test_a_step_the_engine_refuses_undoes_the_whole_plan(
    world: Setup, apply: Callable[[Plan], bool]
) -> None:
    before = world.engine.content_hash()
    wrong = replace(
        signed(),
        terms=Added(
            commits=(commit("X", ("1", "2024-01-01", "2025-01-01"), product_id="p-Storage"),)
        ),
    )
    with pytest.raises(Refused, match="FIXED"):
        apply(plan(CreateCustomer(customer=ACCOUNT), CreateContract(contract_id="c", create=wrong)))

    assert world.engine.content_hash() == before
    assert world.engine.customers() == ()


def test_going_back_and_forth_gives_every_plan_its_own_edit(
    world: Setup, apply: Callable[[Plan], bool]
) -> None:
    apply(new_deal())
    for end in ("2026-06-01", "2026-09-01", "2026-06-01"):
        change = ChangeEnd(ending_before=at(end))
        step = EditContract(contract_id="first", change=change)
        assert apply(plan(step, base=world.engine.digest("first")))

    assert len(world.engine.edits("first")) == 4
    assert world.engine.contract("first").term == span("2024-01-01", "2026-06-01")


def test_custom_fields_of_credits_need_no_key_beforehand(
    world: Setup, apply: Callable[[Plan], bool]
) -> None:
    apply(new_deal())
    credit = commit(
        "free",
        ("100", "2024-01-01", "2025-01-01"),
        kind=CommitKind.CREDIT,
        custom_fields={"sfdc_line_id": "x"},
    )
    change = Amend(starting_at=at("2024-01-01"), terms=Added(commits=(credit,)))
    step = EditContract(contract_id="first", change=change)
    apply(plan(step, base=world.engine.digest("first")))

    assert world.engine.custom_fields("contract_credit", "free") == {"sfdc_line_id": "x"}
