"""Plans carried out in the embedded engine, in the transaction of the caller (D5, G1)."""

from datetime import datetime
from typing import assert_never

from closedwon.billing.account import Customer
from closedwon.billing.contracts.edits import Amend, ChangeEnd, Create, Revise
from closedwon.deals.fields import custom_fields
from closedwon.deals.types import (
    CreateContract,
    CreateCustomer,
    CreateProduct,
    CustomerTerms,
    EditContract,
    Plan,
    PlanStep,
)
from closedwon.engine import Engine
from closedwon.kernel.errors import Conflict
from closedwon.kernel.ids import derive, digest
from closedwon.ports import Applied
from closedwon.store.line.plans import plan_text


class EmbeddedTarget:
    """Every step is an engine command with a derived id: a plan applied twice changes nothing."""

    is_remote = False

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begun(self) -> tuple[Plan, ...]:
        """None: a plan happens whole or not at all here."""
        return ()

    def send(self, plan: Plan, *, now: datetime) -> None:
        """Nothing: no effect of it leaves the process."""

    def check(self) -> str:
        """It is never away."""
        return "the embedded engine"

    def base(self, contract_id: str) -> str:
        """Digest a plan for this contract is made against; empty when there is no contract."""
        return self._engine.digest(contract_id)

    def apply(self, plan: Plan, *, by: str, now: datetime) -> Applied:
        """Carry ``plan`` out; call it inside ``store.database.writing`` with the deal's own rows.

        Raises Conflict when the contract moved since the plan was made, Refused when the engine
        cannot do what it asks; the caller's transaction then has to go.
        """
        key = digest(plan_text(plan).encode())
        asked = [step for step in plan.steps if isinstance(step, CreateContract | EditContract)]
        if asked and all(self._is_done(step, _edit_id(plan, key, step)) for step in asked):
            return Applied(changed=False)
        for contract_id in {step.contract_id for step in asked}:
            self._check_base(plan, contract_id)
        for step in plan.steps:
            self._carry_out(step, plan, key, by=by, now=now)
        return Applied(changed=bool(plan.steps))

    def _check_base(self, plan: Plan, contract_id: str) -> None:
        found = self.base(contract_id)
        if found != plan.base:
            raise Conflict(
                "billing moved since this plan was made; make a new one",
                opportunity=plan.opportunity_id,
                contract=contract_id,
                planned_against=plan.base or "no contract",
                found=found or "no contract",
            )

    def _is_done(self, step: CreateContract | EditContract, edit_id: str) -> bool:
        edits = self._engine.edits(step.contract_id)
        if isinstance(step, CreateContract):
            return bool(edits) and edits[0].change == step.create
        return any(edit.id == edit_id for edit in edits)

    def _carry_out(self, step: PlanStep, plan: Plan, key: str, *, by: str, now: datetime) -> None:
        engine = self._engine
        match step:
            case CreateCustomer(customer=terms):
                self._create_customer(terms, by, now)
            case CreateProduct(product=product):
                engine.ensure_custom_field_keys("contract_product", product.custom_fields, now, by)
                engine.create_product(product, now, by)
            case CreateContract(contract_id=contract_id, create=create):
                self._allow_fields(create, by, now)
                engine.create_contract(contract_id, create, by=by, now=now, source=plan.source)
            case EditContract(contract_id=contract_id, change=change):
                self._allow_fields(change, by, now)
                edit_id = _edit_id(plan, key, step)
                engine.edit_contract(
                    contract_id, change, by=by, now=now, source=plan.source, edit_id=edit_id
                )
            case _:
                assert_never(step)

    def _create_customer(self, terms: CustomerTerms, by: str, now: datetime) -> None:
        self._engine.ensure_custom_field_keys("customer", terms.custom_fields, now, by)
        customer = Customer(
            id=terms.id,
            name=terms.name,
            ingest_aliases=terms.ingest_aliases,
            salesforce_account_id=terms.account_id,
            custom_fields=terms.custom_fields,
            created_at=now,
        )
        self._engine.create_customer(customer, now, by)

    def _allow_fields(
        self, change: Create | Amend | Revise | ChangeEnd, by: str, now: datetime
    ) -> None:
        """The mapping was checked, so its custom field keys are made known (R364)."""
        for entity, fields in custom_fields(change):
            self._engine.ensure_custom_field_keys(entity, fields, now, by)


def _edit_id(plan: Plan, key: str, step: CreateContract | EditContract) -> str:
    """The same plan appends the same edit; a later plan, made against another base, a new one."""
    return derive("edit", step.contract_id, key, str(plan.steps.index(step)))
