"""Commands on commits and credits one by one; those of customers have edits of their own (R109)."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.customer_terms import (
    AddCommit,
    ArchiveCommit,
    CustomerChange,
    CustomerEdit,
    ReplaceCommit,
    commits_of,
)
from closedwon.billing.contracts.edits import Added, Revise
from closedwon.billing.contracts.overrides import Prioritization
from closedwon.billing.contracts.patches import ended
from closedwon.billing.contracts.replacing import changed
from closedwon.billing.contracts.terms import Commit, CommitKind
from closedwon.billing.expand import with_children
from closedwon.billing.invoices.types import InvoiceStatus
from closedwon.engine import accounts, contracts, customers
from closedwon.engine.checks import check_terms, ids_of
from closedwon.engine.command import Author, command
from closedwon.engine.contracts import EditNote
from closedwon.engine.fields import check_fields
from closedwon.engine.manual import take_back_removed
from closedwon.engine.revisions import check_archived, check_replaced
from closedwon.engine.uniqueness import check_unused, take_key
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.kernel.ids import derive
from closedwon.store.keys import Namespace
from closedwon.store.stores import Stores


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A commit or credit and who holds it."""

    commit: Commit
    customer_id: str
    contract_id: str | None = None
    """None for one of the customer itself."""


def find(stores: Stores, commit_id: str, now: datetime) -> Held:
    """A commit or credit as it stands, a generator's child included; raises NotFound."""
    customer_id = stores.customer_terms.customer_of(commit_id)
    if customer_id is not None:
        for commit in _own(stores, customer_id):
            if commit.id == commit_id:
                return Held(commit=commit, customer_id=customer_id)
    contract_id = stores.contracts.holders_of_terms([commit_id]).get(commit_id)
    posted = {entry.contract_id for entry in stores.ledger.of_commit(commit_id)}
    known = [contract_id] if contract_id is not None else sorted(one for one in posted if one)
    for holder in known or stores.contracts.ids():
        contract = with_children(accounts.contract(stores, holder), now)
        for commit in contract.commits:
            if commit.id == commit_id:
                return Held(commit=commit, customer_id=contract.customer_id, contract_id=holder)
    raise NotFound("no such commit or credit", commit=commit_id)


def create(
    stores: Stores, catalog: Catalog, customer_id: str, commit: Commit, author: Author
) -> Commit:
    """Add a commit or credit to a customer; the same again changes nothing (R109, R212)."""
    what, now = ("commit", commit.id), author.now
    with command(stores, "create", what, by=author.by, now=now) as running:
        known = {own.id: own for own in _own(stores, customer_id)}.get(commit.id)
        if known is not None:
            if known != commit:
                raise Conflict("a commit with this id and other content exists", id=commit.id)
            return commit
        if customers.get(stores, customer_id).archived_at is not None:
            raise Refused("the customer is archived", customer=customer_id)
        added = Added(commits=(commit,))
        check_terms(catalog, added, Prioritization.LOWEST_MULTIPLIER)
        check_unused(stores, added)
        _check_scope(stores, customer_id, commit)
        take_key(stores, Namespace.COMMIT, author.uniqueness_key, commit.id, now)
        entity = "contract_credit" if commit.kind is CommitKind.CREDIT else "commit"
        check_fields(stores, entity, commit.id, commit.custom_fields)
        stores.custom_fields.set(entity, commit.id, commit.custom_fields)
        _record(stores, customer_id, AddCommit(commit=commit), author)
        running.changed = True
    return commit


def replaced(stores: Stores, catalog: Catalog, commit: Commit, author: Author) -> Commit:
    """The whole new content of a commit; the same again changes nothing (R113, R197)."""
    held = find(stores, commit.id, author.now)
    if held.contract_id is not None:
        change = Revise(replace=Added(commits=(commit,)))
        contracts.edit(stores, catalog, held.contract_id, change, _note(author))
        return find(stores, commit.id, author.now).commit
    what, now = ("commit", commit.id), author.now
    with command(stores, "edit", what, by=author.by, now=now) as running:
        if held.commit == commit:
            return commit
        added = Added(commits=(commit,))
        check_terms(catalog, added, Prioritization.LOWEST_MULTIPLIER)
        check_unused(stores, added, owner=held.customer_id)
        _check_scope(stores, held.customer_id, commit)
        check_replaced(stores, held.commit, commit)
        take_key(stores, Namespace.CONTRACT_EDIT, author.uniqueness_key, commit.id, now)
        new = changed(held.commit, commit, now)
        _record(stores, held.customer_id, ReplaceCommit(commit=new), author)
        take_back_removed(stores, catalog, held.customer_id, [new], now)
        running.changed = True
    return new


def archive(stores: Stores, catalog: Catalog, commit_id: str, author: Author) -> None:
    """End a commit or credit, or one child of a generator (R205)."""
    held = find(stores, commit_id, author.now)
    if held.contract_id is not None:
        change = Revise(archive_ids=(commit_id,))
        contracts.edit(stores, catalog, held.contract_id, change, _note(author))
        return
    with command(stores, "archive", ("commit", commit_id), by=author.by, now=author.now) as running:
        check_archived(stores, held.commit)
        _record(stores, held.customer_id, ArchiveCommit(commit_id=commit_id), author)
        running.changed = True


def end(
    stores: Stores,
    catalog: Catalog,
    commit_id: str,
    ends: tuple[datetime | None, datetime | None],
    author: Author,
) -> Commit:
    """Move the end of access and drop payments from an instant on; None keeps either (R215)."""
    held = find(stores, commit_id, author.now)
    access, _ = ends
    if held.contract_id is not None and access is not None:
        limit = accounts.contract(stores, held.contract_id).term.until
        if access > limit:
            raise Refused(
                "only a customer's own balance outlives a contract (R215)", commit=commit_id
            )
    return replaced(stores, catalog, ended(held.commit, *ends), author)


def archive_all(stores: Stores, customer_id: str, author: Author) -> None:
    """Archive every balance of an archived customer, used or not (R125)."""
    for commit in _own(stores, customer_id):
        if commit.archived_at is None:
            _record(stores, customer_id, ArchiveCommit(commit_id=commit.id), author)


def disable_trueup(stores: Stores, catalog: Catalog, commit_id: str, author: Author) -> Commit:
    """Drop a postpaid commit's true-up: what it is short by expires instead (R190)."""
    commit = find(stores, commit_id, author.now).commit
    if commit.kind is not CommitKind.POSTPAID:
        raise Refused("only a postpaid commit has a true-up (R190)", commit=commit_id)
    statuses = stores.invoices.statuses_of_payments(point.id for point in commit.payments)
    if any(InvoiceStatus.FINALIZED in found for found in statuses.values()):
        raise Refused("the true-up is final; void it first (R190)", commit=commit_id)
    return replaced(stores, catalog, replace(commit, do_not_invoice=True), author)


def _note(author: Author) -> EditNote:
    return EditNote(by=author.by, now=author.now, uniqueness_key=author.uniqueness_key)


def _own(stores: Stores, customer_id: str) -> tuple[Commit, ...]:
    return commits_of(stores.customer_terms.edits([customer_id]).get(customer_id, ()))


def _check_scope(stores: Stores, customer_id: str, commit: Commit) -> None:
    """Contracts that draw and that bill belong to the customer (R109, R212)."""
    if commit.priority is None:
        raise Refused("a customer's own balance needs a priority (R171)", commit=commit.id)
    if commit.gate is not None:
        raise Refused("a gated purchase belongs to a contract (R200)", commit=commit.id)
    if commit.payments and commit.invoice_contract_id is None:
        raise Refused("payments need an invoice_contract_id (R212)", commit=commit.id)
    own = {found.id for found in stores.contracts.of_customers([customer_id]).get(customer_id, ())}
    named = {*commit.contract_ids, *filter(None, [commit.invoice_contract_id])}
    if named - own:
        raise NotFound(
            "the customer has no such contract",
            commit=commit.id,
            contracts=", ".join(sorted(named - own)),
        )


def _record(stores: Stores, customer_id: str, change: CustomerChange, author: Author) -> None:
    """Store the edit; the customer is due for a look at once."""
    known = stores.customer_terms.edits([customer_id]).get(customer_id, ())
    edit = CustomerEdit(
        id=derive("customer_edit", customer_id, str(len(known) + 1)),
        customer_id=customer_id,
        at=author.now,
        by=author.by,
        change=change,
        uniqueness_key=author.uniqueness_key,
    )
    commits = [change.commit] if not isinstance(change, ArchiveCommit) else []
    stores.customer_terms.append(edit, ids_of(Added(commits=tuple(commits))))
    contracts_of = stores.contracts.of_customers([customer_id]).get(customer_id, ())
    stores.contracts.set_due((found.id, author.now) for found in contracts_of[:1])
