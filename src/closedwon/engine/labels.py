"""Custom fields of what lines are about: current on drafts, frozen with the invoice (R365)."""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from closedwon.billing.account import Bill
from closedwon.billing.contracts.terms import Commit
from closedwon.billing.invoices.types import Invoice, Line
from closedwon.store.stores import Stores

ENTITIES = {
    "product": ("contract_product", "product"),
    "commit": ("commit", "contract_credit"),
    "scheduled_charge": ("scheduled_charge",),
    "subscription": ("subscription",),
    "discount": ("discount",),
    "professional_service": ("professional_service",),
}
"""By what a line shows the fields as, the kinds of entities that may hold them."""
Fields = Mapping[str, Mapping[str, str]]


def labelled(stores: Stores, bills: Mapping[str, Bill]) -> dict[str, Bill]:
    """The bills with the custom fields their open lines show; a few queries for all of them."""
    known = {kind: _fields(stores, kind, bills) for kind in ENTITIES}
    made_of = {
        commit.id: commit.custom_fields
        for made in bills.values()
        for commit in made.commits
        if commit.custom_fields and _is_copied(commit)
    }
    known["commit"] = {**made_of, **known["commit"]}
    if not any(known.values()):
        return dict(bills)
    return {
        who: replace(made, invoices=tuple(_of_invoice(one, known) for one in made.invoices))
        for who, made in bills.items()
    }


def _is_copied(commit: Commit) -> bool:
    """Whether its fields came with a generator or a rollover; others live in the store."""
    return commit.recurring_id is not None or commit.rolled_over_from is not None


def _fields(stores: Stores, kind: str, bills: Mapping[str, Bill]) -> Fields:
    """By id, fields of what open lines are about; lines are read only where there are keys."""
    found: dict[str, Mapping[str, str]] = {}
    entities = [entity for entity in ENTITIES[kind] if stores.custom_fields.keys(entity)]
    if not entities:
        return found
    ids = sorted({about for line in _lines(bills) for own, about in _about(line) if own == kind})
    for entity in entities:
        for entity_id, fields in stores.custom_fields.of(entity, ids).items():
            found[entity_id] = {**found.get(entity_id, {}), **fields}
    return found


def _lines(bills: Mapping[str, Bill]) -> Iterator[Line]:
    for made in bills.values():
        for invoice in made.invoices:
            yield from invoice.lines


def _about(line: Line) -> Iterator[tuple[str, str]]:
    """(kind, id) of everything the line is about."""
    named = {
        "product": line.product_id,
        "commit": line.commit_id,
        "scheduled_charge": line.charge_id,
        "subscription": line.subscription_id,
        "discount": line.discount_id,
        "professional_service": line.service_id,
    }
    yield from ((kind, about) for kind, about in named.items() if about is not None)


def _of_invoice(invoice: Invoice, known: Mapping[str, Fields]) -> Invoice:
    return replace(invoice, lines=tuple(_of_line(line, known) for line in invoice.lines))


def _of_line(line: Line, known: Mapping[str, Fields]) -> Line:
    shown = {kind: known[kind][about] for kind, about in _about(line) if known[kind].get(about)}
    return replace(line, custom_fields=shown) if shown else line
