"""Terms minus what is there: the steps that remain, their money, and why a person must look."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from closedwon.billing.account import Customer
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.edits import Added, Amend, ChangeEnd, Create, Revise
from closedwon.billing.contracts.state import Contract
from closedwon.deals.diff import Difference, difference, left_by
from closedwon.deals.mapping.model import Policies
from closedwon.deals.money import NOTHING, money_effect
from closedwon.deals.revision import end_moved, revision, told
from closedwon.deals.subscribed import created, recurs_between
from closedwon.deals.terms import all_terms, contract_terms, starts_at
from closedwon.deals.types import (
    CreateContract,
    CreateCustomer,
    CreateProduct,
    Deal,
    DealKind,
    EditContract,
    Finding,
    MoneyEffect,
    Plan,
    PlanStep,
    Terms,
)
from closedwon.kernel.instant import wire_instant


class PlanFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What billing holds for a deal at the moment of planning."""

    customer: Customer | None = None
    """Of the deal's account; None when billing does not know it."""
    contract: Contract | None = None
    """The contract with the id the terms ask for."""
    followed: Contract | None = None
    """The contract a renewal follows."""
    finalized_through: datetime | None = None
    """Exclusive end of the contract's last finalized usage period; None when there is none."""
    product_ids: frozenset[str] = frozenset()
    """Products the catalogue has."""
    catalog: Catalog = Catalog()
    """Rates that price what recurs."""
    policies: Policies = Policies()
    base: str = ""
    """Digest of this state; apply refuses the plan when it moved."""


def plan(deal: Deal, terms: Terms, facts: PlanFacts) -> Plan:
    """What must be done so that billing holds ``terms``; empty when it does.

    Pure. Applying the plan and planning again gives an empty plan. ``holds`` name what a person
    must release; where a change cannot be expressed at all there is a hold and no step for it.
    """
    draft = _Draft(terms, facts)
    if facts.contract is not None:
        draft.change(facts.contract)
    elif isinstance(terms.contract, Create):
        draft.create(terms.contract)
    else:
        draft.hold(
            "contract_missing",
            "the contract it amends is not in billing",
            "Provision the original opportunity first.",
        )
    return Plan(
        opportunity_id=terms.opportunity_id,
        opportunity_name=str(deal.record.get("Name") or terms.opportunity_id),
        deal_fingerprint=deal.fingerprint,
        base=facts.base,
        steps=tuple(draft.steps),
        money=draft.money(),
        holds=(*draft.holds, *(terms.holds if draft.steps else ())),
        source=terms.source,
    )


def withdrawn(deal: Deal, terms: Terms, facts: PlanFacts) -> Plan:
    """The plan for a deal that is no longer won, or gone: nothing, but a person must know.

    Never voids by itself: the contract stays until somebody ends or archives it (design 6).
    """
    holds: tuple[Finding, ...] = ()
    is_live = facts.contract is not None and facts.contract.archived_at is None
    if is_live and facts.policies.unwon != "ignore":
        holds = (
            Finding(
                code="unwon",
                message="a provisioned deal is no longer won; its contract still bills",
                fix="Win the opportunity again, or end or archive the contract in billing.",
                record_id=terms.opportunity_id,
            ),
        )
    return Plan(
        opportunity_id=terms.opportunity_id,
        opportunity_name=str(deal.record.get("Name") or terms.opportunity_id),
        deal_fingerprint=deal.fingerprint,
        base=facts.base,
        steps=(),
        money=money_effect(terms.currency, (), ()),
        holds=holds,
        source=terms.source,
    )


class _Draft:
    """Steps, money and holds as they come together."""

    def __init__(self, terms: Terms, facts: PlanFacts) -> None:
        self._terms = terms
        self._facts = facts
        self.steps: list[PlanStep] = []
        self.holds: list[Finding] = []
        self.brings: list[Added] = []
        self.takes: list[Added] = []
        self._wanted: Contract | None = None
        """The contract as the steps leave it, as far as it recurs."""

    def money(self) -> MoneyEffect:
        """What the steps do to money."""
        recurs = NOTHING
        if self._wanted is not None:
            recurs = recurs_between(self._facts.contract, self._wanted, self._facts.catalog)
        return money_effect(self._terms.currency, self.brings, self.takes, recurs)

    def hold(self, code: str, message: str, fix: str) -> None:
        """A reason for a person to look first."""
        record_id = self._terms.opportunity_id
        self.holds.append(Finding(code=code, message=message, fix=fix, record_id=record_id))

    def create(self, create: Create) -> None:
        """A contract that is not there yet, with its customer and products."""
        customer = self._facts.customer
        if customer is None:
            self.steps.append(CreateCustomer(customer=self._terms.customer))
        else:
            create = replace(create, customer_id=customer.id)
        self._create_products()
        self.steps.append(CreateContract(contract_id=self._terms.contract_id, create=create))
        self.brings.append(create.terms)
        self._wanted = created(self._terms.contract_id, create)
        if self._terms.kind is DealKind.RENEWAL:
            self._check_renewal()

    def change(self, contract: Contract) -> None:
        """A contract that is there: an amendment, an edited deal, or nothing at all."""
        if contract.archived_at is not None:
            return
        wanted = self._terms.contract
        found = difference(
            contract, self._terms.opportunity_id, wanted.terms, self._terms.quantities
        )
        self._check_stuck(found)
        if isinstance(wanted, Amend) and not self._is_amended(contract):
            self._amend(contract, wanted, found)
            return
        revise = revision(contract, wanted, found)
        if isinstance(wanted, Create):
            self._check_unchangeable(contract, wanted)
        ends = isinstance(wanted, Create) and end_moved(contract, wanted)
        if found.is_empty and not ends:
            if revise is not None:
                self._edit(contract, revise)
            return
        self._edited(contract, wanted, found, revise)

    def _is_amended(self, contract: Contract) -> bool:
        ids = {term.id for term in all_terms(self._terms.contract.terms)}
        known = contract_terms(contract)
        updates = (one for sold in contract.subscriptions for one in sold.quantity_updates)
        sources = [one.source for one in (*known, *updates) if one.source is not None]
        return any(term.id in ids for term in known) or any(
            source.opportunity_id == self._terms.opportunity_id for source in sources
        )

    def _amend(self, contract: Contract, wanted: Amend, found: Difference) -> None:
        if found.is_empty:
            return
        self._create_products()
        if found.replace.is_empty:
            self._edit(contract, replace(wanted, terms=found.add))
        else:  # More of a subscription that is there is no additive amendment (R111, R224).
            fields = wanted.custom_fields
            change = Revise(add=found.add, replace=found.replace, custom_fields=fields)
            self._edit(contract, change)
        self.brings.append(found.add)
        self._wanted = left_by(contract, found)
        self._check_backdated(found)
        first = min((starts_at(term) for term in all_terms(found.add)), default=None)
        if first is not None and first < contract.term.start:
            self.hold(
                "before_contract",
                f"a term starts on {first:%Y-%m-%d}, before the contract does",
                "Correct the dates of the amendment quote.",
            )

    def _edited(
        self, contract: Contract, wanted: Create | Amend, found: Difference, revise: Revise | None
    ) -> None:
        policy = self._facts.policies.edited_after_close
        if policy == "ignore":
            return
        self._create_products()
        if revise is not None:
            self._edit(contract, revise)
        if isinstance(wanted, Create) and end_moved(contract, wanted):
            self._edit(contract, ChangeEnd(ending_before=wanted.term.end))
        self.brings += [found.add, found.replace]
        self.takes += [found.replaced, found.removed]
        self._wanted = left_by(contract, found)
        if policy == "hold":
            self.hold(
                "edited_after_close",
                "the deal was changed after it was provisioned: " + told(found),
                "Look at the difference, then release the plan or undo the change in the CRM.",
            )
        self._check_backdated(found)

    def _edit(self, contract: Contract, change: Amend | Revise | ChangeEnd) -> None:
        self.steps.append(EditContract(contract_id=contract.id, change=change))

    def _create_products(self) -> None:
        for product in self._terms.products:
            if product.id not in self._facts.product_ids:
                self.steps.append(CreateProduct(product=product))

    def _check_backdated(self, found: Difference) -> None:
        through, first = self._facts.finalized_through, found.first_touched
        if self._facts.policies.backdated == "apply" or through is None or first is None:
            return
        if first < through:
            self.hold(
                "touches_finalized",
                f"it changes billing from {wire_instant(first)}, but invoices are final until "
                f"{wire_instant(through)}",
                "Release it to let the change count from the open period on, or move its dates.",
            )

    def _check_renewal(self) -> None:
        followed = self._facts.followed
        taken = followed is not None and followed.followed_by is not None
        if taken and followed is not None and followed.followed_by != self._terms.contract_id:
            self.steps.clear()
            self.brings.clear()
            self.hold(
                "renewed_twice",
                f"the contract was renewed before, by contract {followed.followed_by}",
                "Make it an amendment of that contract, or un-win one of the two renewals.",
            )
            return
        policies = {
            "renewed_late": self._facts.policies.renewed_late,
            "renewed_early": self._facts.policies.renewed_early,
        }
        for finding in self._terms.findings:
            if policies.get(finding.code) == "hold":
                self.hold(finding.code, finding.message, "Release the plan if this is meant.")

    def _check_stuck(self, found: Difference) -> None:
        for name in found.stuck if self._facts.policies.edited_after_close != "ignore" else ():
            self.hold(
                "not_editable",
                f"{name} recurs on a running contract; what was agreed of it cannot follow the "
                "deal, nor be taken out (R114, R227)",
                "End it in billing at a date, and sell what takes its place.",
            )

    def _check_unchangeable(self, contract: Contract, wanted: Create) -> None:
        moved = {
            "start": contract.term.start != wanted.term.start,
            "rate card": contract.rate_card_id != wanted.rate_card_id,
            "payment terms": (contract.net_payment_terms_days != wanted.net_payment_terms_days),
        }
        customer = self._facts.customer
        if customer is not None:
            moved["customer"] = contract.customer_id != customer.id
        for what, has_moved in moved.items():
            if has_moved and self._facts.policies.edited_after_close != "ignore":
                self.hold(
                    "not_editable",
                    f"the {what} of the deal was changed, which a running contract cannot follow",
                    "Undo the change in the CRM, or end the contract and sell a new one.",
                )
