"""The CRM's side of the reconciliation: every deal ever seen, what it is worth, where it stands."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from closedwon.deals.mapping.worth import Worth
from closedwon.deals.types import Deal, Terms
from closedwon.finance.reconcile import CrmValue, DealState
from closedwon.kernel.errors import NotFound
from closedwon.kernel.exact import ZERO
from closedwon.store.line import LineStore
from closedwon.store.line.deal_row import DealRow, Outcome
from closedwon.store.line.plans import PlanState

NOTHING = Worth("USD", ZERO)
STATES = {
    Outcome.PROVISIONED: DealState.PROVISIONED,
    Outcome.PARKED: DealState.PARKED,
    Outcome.WAITING: DealState.WAITING,
    Outcome.EXCLUDED: DealState.EXCLUDED,
}


def crm_values(store: LineStore, worth_of: Callable[[Deal], Worth]) -> Iterator[CrmValue]:
    """One value per deal; a deal never read whole is worth nothing yet and says that it waits."""
    parked = {row.subject: row.code for row in store.parked.open()}
    held = {
        live.plan.opportunity_id for live in store.plans.all_live() if live.state is PlanState.HELD
    }
    for row in store.deals.all():
        state, reason = _state(row, held, parked)
        worth = NOTHING if state is DealState.EXCLUDED else _worth(store, row, worth_of)
        yield CrmValue(
            opportunity_id=row.opportunity_id,
            name=row.name,
            state=state,
            currency=worth.currency,
            worth=worth.amount,
            terms_value=_terms_value(store, row),
            reason=reason,
        )


def _state(row: DealRow, held: set[str], parked: dict[str, str]) -> tuple[DealState, str]:
    """A provisioned deal stays so while a later change of it waits, is held or is parked."""
    if row.provisioned_at is not None and row.outcome is not Outcome.EXCLUDED:
        return DealState.PROVISIONED, parked.get(row.opportunity_id, row.reason)
    if row.opportunity_id in held:
        return DealState.HELD, parked.get(row.opportunity_id, "held for release")
    return STATES[row.outcome], parked.get(row.opportunity_id, row.reason)


def _worth(store: LineStore, row: DealRow, worth_of: Callable[[Deal], Worth]) -> Worth:
    try:
        return worth_of(store.deals.content(row.opportunity_id))
    except NotFound:
        return NOTHING


def _terms_value(store: LineStore, row: DealRow) -> Decimal | None:
    """Payments and charges of the terms last mapped."""
    try:
        terms = store.deals.terms(row.opportunity_id)
    except NotFound:
        return None
    return value_of(terms)


def value_of(terms: Terms) -> Decimal:
    """What the terms will invoice in all, in the wire unit of their currency."""
    added = terms.contract.terms
    payments = sum((commit.cost_total for commit in added.commits), ZERO)
    charges = sum((x.amount for charge in added.charges for x in charge.items), ZERO)
    return payments + charges + terms.recurs
