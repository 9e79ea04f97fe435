"""Commands on contracts: each one appends an edit and puts the state beside it (D1)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Required, TypedDict, assert_never

import msgspec
from msgspec.structs import replace

from closedwon.billing.account import INDIVIDUAL_SEATS_MAX
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.edits import (
    Added,
    Amend,
    Archive,
    Change,
    ChangeEnd,
    Create,
    Edit,
    FilterUsage,
    Follow,
    Revise,
)
from closedwon.billing.contracts.fold import contract_of
from closedwon.billing.contracts.provider_schedule import check_schedule
from closedwon.billing.contracts.source import Source
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.terms import CommitKind
from closedwon.billing.invoices.types import InvoiceStatus
from closedwon.engine import accounts, customers, lifecycle
from closedwon.engine.checks import check_daily, check_filter, check_services, check_terms
from closedwon.engine.command import command
from closedwon.engine.fields import check_fields
from closedwon.engine.hierarchy_checks import check_place
from closedwon.engine.manual import take_back_removed
from closedwon.engine.price_checks import check_units
from closedwon.engine.rate_cards import named
from closedwon.engine.revisions import check_end, check_revise
from closedwon.engine.subscription_checks import check_subscriptions
from closedwon.engine.threshold_checks import check_settings
from closedwon.engine.uniqueness import check_unused, take_key
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.kernel.ids import derive
from closedwon.store.keys import Namespace
from closedwon.store.stores import Stores


class EditNote(msgspec.Struct, frozen=True, kw_only=True):
    """Who edits, when and why; ``edit_id`` makes the edit repeatable."""

    by: str
    now: datetime
    source: Source | None = None
    uniqueness_key: str | None = None
    edit_id: str | None = None


class EditOptions(TypedDict, total=False):
    """Keywords of ``Engine.create_contract`` and ``edit_contract``; the first two are needed."""

    by: Required[str]
    now: Required[datetime]
    source: Source | None
    uniqueness_key: str | None
    edit_id: str | None


def create(
    stores: Stores,
    catalog: Catalog,
    contract_id: str,
    given: Create,
    note: EditNote,
    individual_seats_max: int = INDIVIDUAL_SEATS_MAX,
) -> Contract:
    """Create a contract; the same id with the same content again changes nothing.

    Its uniqueness key is taken once (R97). It may begin in the past: what has elapsed is due at
    once (R98); it may never end (R99). Drafts follow every edit from the next look on (R110).

    ``rate_card_id`` may be an alias; it is resolved once, as of the contract's start (R57). A
    transition ends the old contract in the same transaction (R120).
    """
    with command(stores, "create", ("contract", contract_id), by=note.by, now=note.now) as running:
        known = stores.contracts.edits(contract_id)
        if known:
            if not _same(known[0].change, given, catalog):
                raise Conflict("a contract with this id and other content exists", id=contract_id)
            return accounts.contract(stores, contract_id)
        card_id = named(stores, catalog, given.rate_card_id, given.term.start)
        wanted = replace(given, rate_card_id=card_id)
        _check_new(stores, catalog, wanted)
        take_key(stores, Namespace.CONTRACT, wanted.uniqueness_key, contract_id, note.now)
        edit = Edit(
            id=derive("edit", contract_id, "create"),
            contract_id=contract_id,
            at=note.now,
            by=note.by,
            change=wanted,
            source=note.source,
        )
        contract = _record(stores, edit)
        check_subscriptions(catalog, None, contract, individual_seats_max)
        _set_fields(stores, contract_id, wanted.custom_fields, wanted.terms)
        if wanted.transition is not None:
            _follow(stores, contract, note)
        running.changed = True
    return accounts.contract(stores, contract_id)


def edit(
    stores: Stores,
    catalog: Catalog,
    contract_id: str,
    change: Change,
    note: EditNote,
    individual_seats_max: int = INDIVIDUAL_SEATS_MAX,
) -> Contract:
    """Append one edit; one with the same ``edit_id`` and content again changes nothing."""
    resource = ("contract", contract_id)
    with command(stores, "edit", resource, by=note.by, now=note.now) as running:
        contract = accounts.contract(stores, contract_id)
        edits = stores.contracts.edits(contract_id)
        edit_id = note.edit_id or derive("edit", contract_id, str(len(edits) + 1))
        known = stores.contracts.edit(edit_id)
        if known is not None:
            if (known.contract_id, known.change) != (contract_id, change):
                raise Conflict("an edit with this id and other content exists", edit=edit_id)
            return contract
        if contract.archived_at is not None:
            raise Refused("an archived contract cannot be edited (R113)", contract=contract_id)
        take_key(stores, Namespace.CONTRACT_EDIT, note.uniqueness_key, edit_id, note.now)
        _check_change(stores, catalog, contract, change, note)
        edited = _record(
            stores,
            Edit(
                id=edit_id,
                contract_id=contract_id,
                at=note.now,
                by=note.by,
                change=change,
                source=note.source,
                uniqueness_key=note.uniqueness_key,
            ),
        )
        check_subscriptions(catalog, contract, edited, individual_seats_max)
        if isinstance(change, Amend | Revise):
            terms = change.terms if isinstance(change, Amend) else change.add
            _set_fields(stores, contract_id, change.custom_fields, terms)
        take_back_removed(stores, catalog, edited.customer_id, edited.commits, note.now)
        running.changed = True
    return accounts.contract(stores, contract_id)


def _record(stores: Stores, new: Edit) -> Contract:
    """Store the edit, fold and cache the state; it is due for a look at once."""
    contract = contract_of([*stores.contracts.edits(new.contract_id), new])
    check_daily(contract.recurring)
    check_services(contract)
    check_schedule(contract, contract.settings.providers)
    stores.contracts.append(new)
    stores.contracts.put_state(contract, due_at=new.at)
    return contract


def _same(known: Change, given: Create, catalog: Catalog) -> bool:
    """An alias given again means the card it meant the first time (R57)."""
    if isinstance(known, Create) and given.rate_card_id not in catalog.rate_cards:
        return replace(given, rate_card_id=known.rate_card_id) == known
    return given == known


def _check_new(stores: Stores, catalog: Catalog, wanted: Create) -> None:
    customer = customers.get(stores, wanted.customer_id)
    if customer.archived_at is not None:
        raise Refused("the customer is archived", customer=customer.id)
    card = None if wanted.rate_card_id is None else catalog.rate_cards[wanted.rate_card_id]
    if card is not None and card.archived_at is not None:
        raise Refused("the rate card is archived", card=card.id)
    check_terms(catalog, wanted.terms, wanted.prioritization)
    check_units(card, wanted.terms.overrides)
    check_settings(catalog, card, wanted.settings)
    check_place(stores, wanted)
    check_unused(stores, wanted.terms)
    if wanted.usage_filter is not None:
        check_filter(catalog, card, wanted.usage_filter)


def _check_change(
    stores: Stores, catalog: Catalog, contract: Contract, change: Change, note: EditNote
) -> None:
    match change:
        case Create() | Follow():
            raise Refused("a contract is created, and renewed, by creating a contract")
        case Amend():
            check_terms(catalog, change.terms, contract.prioritization)
            check_units(catalog.rate_cards.get(contract.rate_card_id or ""), change.terms.overrides)
            check_unused(stores, change.terms)
        case Revise():
            _check_revise(stores, catalog, contract, change, note)
        case ChangeEnd():
            check_end(stores, contract, change, note.now)
        case FilterUsage():
            card = catalog.rate_cards.get(contract.rate_card_id or "")
            check_filter(catalog, card, change.usage_filter)
        case Archive():
            if change.void_invoices:
                _void(stores, contract, note)
        case _:
            assert_never(change)


def _check_revise(
    stores: Stores, catalog: Catalog, contract: Contract, change: Revise, note: EditNote
) -> None:
    check_terms(catalog, change.add, contract.prioritization)
    check_terms(catalog, change.replace, contract.prioritization)
    card = catalog.rate_cards.get(contract.rate_card_id or "")
    check_units(card, (*change.add.overrides, *change.replace.overrides))
    if change.settings is not None:
        check_settings(catalog, card, change.settings)
    check_unused(stores, change.add)
    check_unused(stores, change.replace, owner=contract.id)
    check_revise(stores, contract, change, note.now)


def _void(stores: Stores, contract: Contract, note: EditNote) -> None:
    """Void every finalized invoice of a contract that is archived with them (R123)."""
    finalized = stores.invoices.all(contract_id=contract.id, status=InvoiceStatus.FINALIZED)
    for invoice in finalized:
        lifecycle.void(stores, invoice.id, by=note.by, now=note.now)


def _follow(stores: Stores, new: Contract, note: EditNote) -> None:
    """End the old contract where the new one starts (R120)."""
    transition = new.transition
    old = stores.contracts.get(transition.from_contract_id) if transition else None
    if transition is None or old is None:
        raise NotFound("no such contract to follow", contract=new.id)
    if old.customer_id != new.customer_id:
        raise Refused("a contract follows one of the same customer (R120)", contract=old.id)
    if old.archived_at is not None:
        raise Refused("an archived contract cannot be followed", contract=old.id)
    if new.term.start < old.term.until:
        check_end(stores, old, ChangeEnd(ending_before=new.term.start), note.now)
    _record(
        stores,
        Edit(
            id=derive("edit", old.id, "follow", new.id),
            contract_id=old.id,
            at=note.now,
            by=note.by,
            change=Follow(transition=transition, to_contract_id=new.id, at=new.term.start),
            source=note.source,
        ),
    )


def _set_fields(stores: Stores, contract_id: str, fields: Mapping[str, str], terms: Added) -> None:
    wanted = [("contract", contract_id, fields)]
    wanted += [
        ("contract_credit" if c.kind is CommitKind.CREDIT else "commit", c.id, c.custom_fields)
        for c in terms.commits
    ]
    wanted += [("scheduled_charge", charge.id, charge.custom_fields) for charge in terms.charges]
    wanted += [("subscription", sold.id, sold.custom_fields) for sold in terms.subscriptions]
    for entity, entity_id, values in wanted:
        check_fields(stores, entity, entity_id, values)
        stores.custom_fields.set(entity, entity_id, values)
