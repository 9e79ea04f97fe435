"""Edits folded into the contract they make (D1)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol, TypeVar, assert_never

from msgspec.structs import replace

from closedwon.billing.balances.recurring import children
from closedwon.billing.contracts.edits import (
    Added,
    Amend,
    Archive,
    ChangeEnd,
    Create,
    Edit,
    FilterUsage,
    Follow,
    Revise,
)
from closedwon.billing.contracts.endings import ended, unscheduled
from closedwon.billing.contracts.replacing import recorded, regranted, superseded
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import (
    TransitionType,
    UsageFilter,
)
from closedwon.kernel.errors import InvariantBroken, Refused
from closedwon.kernel.instant import FAR_FUTURE

KINDS = Added.__struct_fields__
"""Kinds of terms; a contract keeps each under the name an edit brings it by."""
VALUED = frozenset({"total_contract_value"})
"""What an amendment says of the whole contract, of all that is only kept and shown."""


class Identified(Protocol):
    """Any term."""

    @property
    def id(self) -> str:
        """Its id, unique over all contracts."""
        ...


Term = TypeVar("Term", bound=Identified)


def contract_of(edits: Sequence[Edit]) -> Contract:
    """Fold ``edits`` (oldest first, the first one a Create) into the contract's current state."""
    *_, contract = states(edits)
    return contract


def states(edits: Sequence[Edit]) -> Iterator[Contract]:
    """The contract as each of ``edits`` left it, in their order."""
    if not edits or not isinstance(edits[0].change, Create):
        raise InvariantBroken("a contract begins with its creation")
    contract = _created(edits[0], edits[0].change)
    yield contract
    for edit in edits[1:]:
        contract = _applied(contract, edit)
        yield contract


def _created(edit: Edit, create: Create) -> Contract:
    filters = () if create.usage_filter is None else (create.usage_filter,)
    empty = Contract(
        id=edit.contract_id,
        customer_id=create.customer_id,
        term=create.term,
        name=create.name,
        rate_card_id=create.rate_card_id,
        usage_filters=filters,
        statement=create.statement,
        prioritization=create.prioritization,
        transition=create.transition,
        net_payment_terms_days=create.net_payment_terms_days,
        charges_on_usage_invoices=create.charges_on_usage_invoices,
        settings=create.settings,
        package_id=create.package_id,
        uniqueness_key=create.uniqueness_key,
        custom_fields=create.custom_fields,
        created_at=edit.at,
    )
    return _with(empty, create.terms, edit)


def _applied(contract: Contract, edit: Edit) -> Contract:
    change = edit.change
    match change:
        case Create():
            raise InvariantBroken("a contract is created once", contract=contract.id)
        case Amend():
            return _with(_amended(contract, change), change.terms, edit)
        case Revise():
            return _revised(contract, change, edit)
        case ChangeEnd():
            return ended(contract, change.ending_before, edit.at)
        case Follow():
            return _followed(contract, change, edit.at)
        case FilterUsage():
            return _filtered(contract, change.usage_filter)
        case Archive():
            return replace(contract, archived_at=edit.at, voids_invoices=change.void_invoices)
        case _:
            assert_never(change)


def _amended(contract: Contract, change: Amend) -> Contract:
    """Ids other systems have for the amendment are its own; the value is the contract's."""
    worth = {name: change.echoed[name] for name in VALUED & change.echoed.keys()}
    settings = contract.settings
    return replace(
        contract,
        custom_fields={**contract.custom_fields, **change.custom_fields},
        settings=replace(settings, echoed={**settings.echoed, **worth}),
    )


def _with(contract: Contract, added: Added, edit: Edit) -> Contract:
    """``added`` appended; an id that is there already is refused (R7)."""
    new_ids = added.ids
    taken = sorted({term for term in new_ids if term in contract.edit_of})
    if taken or len(set(new_ids)) != len(new_ids):
        raise Refused("a term is on the contract already", contract=contract.id, terms=str(taken))
    return replace(
        contract,
        edit_of={**contract.edit_of, **dict.fromkeys(new_ids, edit.id)},
        **{kind: getattr(contract, kind) + getattr(added, kind) for kind in KINDS},
    )


def _revised(contract: Contract, change: Revise, edit: Edit) -> Contract:
    """Terms replaced and removed, then archived, the end moved, and terms added."""
    changed = change.replace
    replaced, removed = set(changed.ids), set(change.remove_ids)
    known = {*contract.edit_of, *_child_ids(contract, change, edit.at)}
    unknown = (replaced | removed | set(change.archive_ids)) - known
    if unknown:
        raise Refused("no such term on the contract", terms=", ".join(sorted(unknown)))
    terms = {
        kind: _kept(getattr(contract, kind), getattr(changed, kind), removed) for kind in KINDS
    }
    old = {term.id: term for term in contract.recurring}
    terms["subscriptions"] = tuple(
        recorded(term, contract, edit.at) if term.id in replaced else term
        for term in terms["subscriptions"]
    )
    terms["commits"] = tuple(
        regranted(term, contract, edit.at) if term.id in replaced else term
        for term in terms["commits"]
    )
    terms["recurring"] = tuple(
        superseded(old[term.id], term, contract.term, edit.at) if term.id in replaced else term
        for term in terms["recurring"]
    )
    revised = replace(
        contract,
        name=contract.name if change.name is None else change.name,
        net_payment_terms_days=contract.net_payment_terms_days
        if change.net_payment_terms_days is None
        else change.net_payment_terms_days,
        settings=contract.settings if change.settings is None else change.settings,
        custom_fields={**contract.custom_fields, **change.custom_fields},
        edit_of={
            **{term: by for term, by in contract.edit_of.items() if term not in removed},
            **dict.fromkeys(replaced, edit.id),
        },
        **terms,
    )
    if change.end is not None:
        revised = ended(revised, change.end.ending_before, edit.at)
    return _with(_archived(revised, frozenset(change.archive_ids), edit.at), change.add, edit)


def _child_ids(contract: Contract, change: Revise, at: datetime) -> set[str]:
    """Children of generators, which are archived one by one (R205)."""
    if not set(change.archive_ids) - set(contract.edit_of):
        return set()
    return {child.id for child in children(contract, at)}


def _kept(terms: Iterable[Term], replacing: Iterable[Term], removed: set[str]) -> tuple[Term, ...]:
    new = {term.id: term for term in replacing}
    return tuple(new.get(term.id, term) for term in terms if term.id not in removed)


def _archived(contract: Contract, ids: frozenset[str], at: datetime) -> Contract:
    own = ids.difference(contract.edit_of)
    return replace(
        contract,
        archived_children={**contract.archived_children, **dict.fromkeys(sorted(own), at)},
        commits=tuple(
            replace(commit, archived_at=at) if commit.id in ids else commit
            for commit in contract.commits
        ),
        charges=tuple(
            replace(charge, archived_at=at) if charge.id in ids else charge
            for charge in contract.charges
        ),
    )


def _followed(contract: Contract, change: Follow, at: datetime) -> Contract:
    if contract.followed_by is not None:
        raise Refused("the contract was renewed already", contract=contract.id)
    end = min(change.at, contract.term.until)
    cut = unscheduled(ended(contract, None if end == FAR_FUTURE else end, at), change.at)
    transition = change.transition
    return replace(
        cut,
        followed_by=change.to_contract_id,
        followed_at=change.at,
        removes_trueup=transition.removes_trueup or transition.type is TransitionType.SUPERSEDE,
    )


def _filtered(contract: Contract, usage_filter: UsageFilter) -> Contract:
    """The new filter closes the one in force at its start (R106); a same start replaces it."""
    others = (f for f in contract.usage_filters if f.starting_at != usage_filter.starting_at)
    ordered = sorted((*others, usage_filter), key=lambda f: f.starting_at)
    return replace(contract, usage_filters=tuple(ordered))
