"""From an invoice line back to the deal that caused it (D10)."""

from collections.abc import Iterator
from datetime import datetime

from closedwon.billing.account import Account
from closedwon.billing.balances.rollover import rollover_id
from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.edits import Added, Amend, Create, Edit, Revise
from closedwon.billing.contracts.gated import Discount
from closedwon.billing.contracts.overrides import Override
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.state import Contract
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.contracts.terms import Commit, ScheduledCharge
from closedwon.billing.expand import lived
from closedwon.billing.invoices.types import Invoice, Line
from closedwon.engine.types import Cause, Explanation
from closedwon.kernel.errors import NotFound
from closedwon.store.stores import Stores


def explain(
    stores: Stores, catalog: Catalog, account: Account, invoice: Invoice, number: int
) -> Explanation:
    """Why line ``number`` (from 1) of ``invoice`` is what it is; raises NotFound."""
    if not 1 <= number <= len(invoice.lines):
        raise NotFound("no such line", invoice=invoice.id, line=number, lines=len(invoice.lines))
    line = invoice.lines[number - 1]
    known_at = invoice.finalized_at or invoice.issued_at
    walk = _Walk(stores, catalog, lived(account, known_at), known_at)
    product = catalog.products.get(line.product_id or "")
    at = line.starting_at or invoice.issued_at
    return Explanation(
        invoice_id=invoice.id,
        number=number,
        line=line,
        metric_id=None if product is None else product.at(at).metric_id,
        customer_ids=(account.customer.id, *account.customer.ingest_aliases),
        causes=tuple(walk.causes(invoice, line)),
    )


class _Walk:
    """Looks terms up in the edits, where they stay even after they were removed."""

    def __init__(
        self, stores: Stores, catalog: Catalog, account: Account, known_at: datetime
    ) -> None:
        self._stores = stores
        self._catalog = catalog
        self._account = account
        self._contracts = {contract.id: contract for contract in account.contracts}
        self._known_at = known_at

    def causes(self, invoice: Invoice, line: Line) -> Iterator[Cause]:
        contract = self._contracts[invoice.contract_id]
        if line.why.rate_id is not None:
            yield self._rate(contract, line.why.rate_id)
        if line.why.override_id is not None:
            yield self._term("override", contract, line.why.override_id)
        if line.charge_id is not None:
            yield self._term("charge", contract, line.charge_id)
        if line.subscription_id is not None:
            yield self._term("subscription", contract, line.subscription_id)
        if line.discount_id is not None:
            yield self._term("discount", contract, line.discount_id)
        if line.commit_id is not None:
            yield from self._commit(contract, line.commit_id)

    def _rate(self, contract: Contract, rate_id: str) -> Cause:
        card = self._catalog.rate_cards.get(contract.rate_card_id or "")
        rate = next((r for r in card.rates if r.id == rate_id), None) if card else None
        if card is None or rate is None:
            raise NotFound("the rate of the line is not on its card", rate=rate_id)
        product = self._catalog.products[rate.product_id]
        return Cause(kind="rate", id=rate_id, name=f"{product.name} on {card.name}")

    def _commit(self, contract: Contract, commit_id: str) -> Iterator[Cause]:
        """A commit that was sold, or the renewal that rolled one over and the one it rolled."""
        old_id = contract.transition.from_contract_id if contract.transition else None
        old = self._contracts[old_id] if old_id else contract
        for commit in old.commits if old is not contract else ():
            if rollover_id(contract.id, commit.id) == commit_id:
                renewal = self._stores.contracts.edits(contract.id)[0]
                name = f"{commit.name} rollover"
                yield Cause(
                    kind="rollover", id=commit_id, name=name, edit=renewal, source=renewal.source
                )
                yield self._bought(old, commit.id)
                return
        yield self._bought(contract, commit_id)

    def _bought(self, contract: Contract, commit_id: str) -> Cause:
        """The commit as it was sold, or the generator that made it (R204)."""
        for commit in contract.commits:
            if commit.id == commit_id and commit.recurring_id is not None:
                return self._term("recurring", contract, commit.recurring_id)
        for commit in self._account.commits:
            if commit.id == commit_id:
                return Cause(kind="commit", id=commit_id, name=commit.name, source=commit.source)
        return self._term("commit", contract, commit_id)

    def _term(self, kind: str, contract: Contract, term_id: str) -> Cause:
        """The term as it stood when the invoice was finalized."""
        found: Cause | None = None
        for edit in self._stores.contracts.edits(contract.id):
            for term in brought(edit) if edit.at <= self._known_at else ():
                if term.id == term_id:
                    name = kind if isinstance(term, Override) else term.name or kind
                    source = term.source or edit.source
                    found = Cause(kind=kind, id=term_id, name=name, edit=edit, source=source)
        if found is None:
            raise NotFound(f"no edit of the contract brought this {kind}", id=term_id)
        return found


Brought = Commit | Override | ScheduledCharge | RecurringCommit | Subscription | Discount
"""A term that an edit brings and a line can come from."""


def brought(edit: Edit) -> Iterator[Brought]:
    """Terms that an edit added or put in the place of others."""
    groups: tuple[Added, ...] = ()
    if isinstance(edit.change, Create | Amend):
        groups = (edit.change.terms,)
    elif isinstance(edit.change, Revise):
        groups = (edit.change.add, edit.change.replace)
    for added in groups:
        yield from added.commits
        yield from added.overrides
        yield from added.charges
        yield from added.discounts
        yield from added.recurring
        yield from added.subscriptions
