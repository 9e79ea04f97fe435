"""A test written from a real deal: the fields the mapping reads, and what comes out today."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from closedwon.billing.contracts.edits import Create
from closedwon.billing.pricing import Flat
from closedwon.billing.rating.rates import rate_at
from closedwon.deals.mapping.answers import Answers, Unmappable
from closedwon.deals.mapping.facts import MappingFacts
from closedwon.deals.mapping.fixture_told import told
from closedwon.deals.mapping.model import DealMapping
from closedwon.deals.mapping.outputs import DEAL
from closedwon.deals.mapping.record import fields_read
from closedwon.deals.mapping.run import map_deal
from closedwon.deals.types import Deal, Record, Terms
from closedwon.kernel.exact import canonical, major
from closedwon.kernel.instant import wire_instant

LINE_WIDTH = 100


def scaffold(mapping: DealMapping, deal: Deal, facts: MappingFacts, name: str) -> str:
    """The text of a fixture with one case, which passes as it stands; read it, then keep it.

    It holds what the CRM says, names of customers included.
    """
    outcome = map_deal(mapping, deal, facts)
    given: dict[str, Any] = {DEAL: _row(deal.record, mapping.source.fields)}
    for child in mapping.source.children:
        given[child.name] = [_row(row, child.fields) for row in deal.children.get(child.name, ())]
    expect = told(outcome, deal, facts)
    written = {
        "mapping": mapping.name,
        "facts": _facts(mapping, deal, facts, outcome if isinstance(outcome, Terms) else None),
        "cases": [{"name": name, "given": given, "expect": expect}],
    }
    return yaml.dump(written, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=LINE_WIDTH)


class _Plain(yaml.SafeDumper):
    """Writes every value out where it stands: our files know no aliases."""

    def ignore_aliases(self, _value: Any) -> bool:
        return True


def _row(record: Record, paths: Iterable[str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for path, value in fields_read(record, paths).items():
        *parents, last = path.split(".")
        inner = row
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = value
    return row


def _facts(
    mapping: DealMapping, deal: Deal, facts: MappingFacts, terms: Terms | None
) -> dict[str, Any]:
    """The facts the deal leans on, not all that billing knows."""
    found: dict[str, Any] = {"as_of": wire_instant(facts.as_of)}
    text = " ".join(str(value) for row in _rows(deal) for value in row.values())
    found["tags"] = sorted(tag for tag in facts.tags if tag in text)
    found["products"] = sorted(one for one in facts.product_ids if one in text)
    found["rate_cards"] = {
        alias: card.currency
        for alias, card in facts.rate_cards.items()
        if terms is None or getattr(terms.contract, "rate_card_id", None) == card.id
    }
    found["subscription_rates"] = list(_rates(facts, terms))
    found["contracts"] = _contracts(mapping, deal, facts)
    return {key: value for key, value in found.items() if value}


def _contracts(mapping: DealMapping, deal: Deal, facts: MappingFacts) -> Mapping[str, Any]:
    answers = Answers(mapping, deal, facts.as_of)
    found: dict[str, Any] = {}
    for value in (mapping.contract.amends, mapping.contract.renews):
        try:
            followed = answers.text(value, answers.deal)
        except Unmappable:
            continue
        contract_id = facts.contract_of.get(followed) if followed else None
        if contract_id is not None:
            end = facts.contract_ends.get(contract_id)
            ends = {} if end is None else {"end": wire_instant(end)}
            found[followed] = {"id": contract_id, **ends}
    return found


def _rates(facts: MappingFacts, terms: Terms | None) -> Iterable[Mapping[str, Any]]:
    """What the deal's own subscriptions cost on the card, before its own prices."""
    if terms is None or not isinstance(terms.contract, Create):
        return
    card = facts.catalog.rate_cards.get(terms.contract.rate_card_id or "")
    if card is None:
        return
    for one in terms.contract.terms.subscriptions:
        rate = rate_at(card.by_product[one.product_id], {}, one.window.start, one.frequency)
        if rate is not None and isinstance(rate.price, Flat):
            price = canonical(major(rate.price.price, terms.currency))
            yield {"product": one.product_id, "frequency": one.frequency.value, "price": price}


def _rows(deal: Deal) -> Iterable[Record]:
    yield deal.record
    for rows in deal.children.values():
        yield from rows
