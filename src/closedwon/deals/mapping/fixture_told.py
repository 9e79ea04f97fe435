"""Terms in the words of a fixture: amounts in currency units, inclusive end dates."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.edits import Create
from closedwon.billing.contracts.overrides import Multiplier, Override, Overwrite, TieredMultiplier
from closedwon.billing.contracts.recurring import RecurringCommit
from closedwon.billing.contracts.subscriptions import Subscription
from closedwon.billing.contracts.terms import Commit, ScheduledCharge, ScheduleItem
from closedwon.billing.pricing import first_unit_price
from closedwon.deals.mapping.document import Node, Scalar, Sequence, Table
from closedwon.deals.mapping.facts import MappingFacts
from closedwon.deals.money import money_effect
from closedwon.deals.subscribed import recurs_between, sides
from closedwon.deals.types import Deal, QuantityChange, Rejected, Terms
from closedwon.kernel.exact import canonical, major
from closedwon.kernel.instant import DAY


def told(outcome: Terms | Rejected, deal: Deal, facts: MappingFacts) -> dict[str, Any]:
    """The outcome as nested texts, lists and tables; what a fixture may expect."""
    if isinstance(outcome, Rejected):
        return {"park": sorted({finding.code for finding in outcome.findings})}
    contract = outcome.contract
    names = {
        str(row.get("Id")): str(row.get("Name")) for rows in deal.children.values() for row in rows
    }
    added, currency = contract.terms, outcome.currency
    before, after = sides(outcome, facts.contracts.get(outcome.contract_id))
    recurs = recurs_between(before, after, facts.catalog)
    value = money_effect(currency, (added,), (), recurs).contract_value
    return {
        "kind": outcome.kind.value,
        "total": _money(value, currency),
        "contract": _contract(contract) if isinstance(contract, Create) else {},
        "commits": [_commit(one, currency) for one in added.commits],
        "overrides": [_override(one, currency) for one in added.overrides],
        "charges": [_charge(one, currency) for one in added.charges],
        "recurring": [_recurring(one, currency) for one in added.recurring],
        "subscriptions": [_subscription(one) for one in added.subscriptions],
        "quantities": [_quantity(one) for one in outcome.quantities],
        "warnings": sorted({finding.code for finding in outcome.findings}),
        "holds": sorted({finding.code for finding in outcome.holds}),
        "ignored": sorted(names.get(row, row) for row in outcome.ignored),
        "customer": {
            "name": outcome.customer.name,
            "aliases": list(outcome.customer.ingest_aliases),
        },
    }


def _contract(create: Create) -> dict[str, Any]:
    return {
        "name": create.name,
        "start": _first(create.term.start),
        "end": _last(create.term.end),
        "transition": "none" if create.transition is None else create.transition.type.value,
        "payment_terms_days": str(create.net_payment_terms_days or ""),
        "rate_card": "yes" if create.rate_card_id is not None else "no",
    }


def _commit(commit: Commit, currency: str) -> dict[str, Any]:
    rollover = commit.rollover_fraction
    return {
        "name": commit.name,
        "kind": commit.kind.value,
        "product": commit.product_id,
        "access": [
            f"{_money(one.amount, currency)} from {_first(one.window.start)} "
            f"to {_last(one.window.end)}"
            for one in commit.segments
        ],
        "payments": [_item(one, currency) for one in commit.payments],
        "rollover": "" if rollover is None else canonical(rollover),
        "priority": "" if commit.priority is None else canonical(commit.priority),
        **_applies(commit.applicability),
    }


def _override(override: Override, currency: str) -> dict[str, Any]:
    rate: dict[str, Any] = {}
    frequencies = [one.billing_frequency for one in override.applicability.specifiers]
    if any(frequencies):
        rate["frequency"] = ", ".join(filter(None, frequencies))
    match override.rate:
        case Multiplier(multiplier=multiplier):
            rate["multiplier"] = canonical(multiplier)
        case Overwrite(price=price):
            rate["price"] = _money(first_unit_price(price), currency)
        case TieredMultiplier(tiers=tiers):
            rate["multipliers"] = [canonical(tier.multiplier) for tier in tiers]
        case None:
            pass
    window = override.window
    days = {"from": _first(window.start), "to": _last(window.end)}
    return {**rate, **days, **_applies(override.applicability)}


def _charge(charge: ScheduledCharge, currency: str) -> dict[str, Any]:
    total = sum((item.amount for item in charge.items), Decimal(0))
    return {
        "name": charge.name,
        "product": charge.product_id,
        "total": _money(total, currency),
        "count": str(len(charge.items)),
        "items": [_item(one, currency) for one in charge.items],
        "first": _item(charge.items[0], currency),
        "last": _item(charge.items[-1], currency),
    }


def _recurring(term: RecurringCommit, currency: str) -> dict[str, Any]:
    invoice = term.invoice
    return {
        "name": term.name,
        "kind": term.kind.value,
        "product": term.product_id,
        "amount": _money(term.access.unit_price, currency),
        "price": "" if invoice is None else _money(invoice.unit_price, currency),
        "from": _first(term.window.start),
        "to": _last(term.window.end),
        "frequency": "" if term.frequency is None else term.frequency.value,
        "follows": "" if term.seats is None else "seats",
        "priority": "" if term.priority is None else canonical(term.priority),
        **_applies(term.applicability),
    }


def _subscription(term: Subscription) -> dict[str, Any]:
    return {
        "name": term.name,
        "product": term.product_id,
        "frequency": term.frequency.value,
        "quantity": canonical(term.initial_quantity),
        "collection": term.collection.value,
        "prorated": "yes" if term.is_prorated else "no",
        "from": _first(term.window.start),
        "to": _last(term.window.end),
    }


def _quantity(change: QuantityChange) -> str:
    sign = "+" if change.delta > 0 else ""
    return f"{sign}{canonical(change.delta)} from {_first(change.starting_at)}"


def _applies(applicability: Applicability) -> dict[str, Any]:
    tags, products = applicability.product_tags, applicability.product_ids
    return {"tags": list(tags), "products": list(products)}


def _item(item: ScheduleItem, currency: str) -> str:
    return f"{_money(item.amount, currency)} on {_first(item.timestamp)}"


def _money(amount: Decimal, currency: str) -> str:
    return canonical(major(amount, currency))


def _first(instant: datetime) -> str:
    return instant.date().isoformat()


def _last(end: datetime | None) -> str:
    return "open" if end is None else (end - DAY).date().isoformat()


def differences(expected: Node, found: Any, path: str = "") -> list[str]:
    """Where ``found`` is not what is written; keys that are not written may be anything."""
    at = f"{expected.spot}: {path or 'expect'}"
    match expected:
        case Scalar():
            text = "" if expected.is_blank else expected.text
            return [] if found == text else [f"{at} is {found!r}, expected {text!r}"]
        case Sequence():
            return _list_differences(expected, found, path, at)
        case Table():
            if not isinstance(found, Mapping):
                return [f"{at} is {found!r}, expected a table"]
            lines: list[str] = []
            for entry in expected.entries:
                name = entry.key.text
                if name not in found:
                    known = ", ".join(found)
                    lines.append(f"{entry.key.spot}: {path}.{name} is not there; there are {known}")
                    continue
                lines += differences(entry.value, found[name], f"{path}.{name}".lstrip("."))
            return lines


def _list_differences(expected: Sequence, found: Any, path: str, at: str) -> list[str]:
    if not isinstance(found, list):
        return [f"{at} is {found!r}, expected a list"]
    if len(found) != len(expected.nodes):
        return [f"{at} has {len(found)} entries, expected {len(expected.nodes)}: {found}"]
    lines: list[str] = []
    for number, (node, one) in enumerate(zip(expected.nodes, found, strict=True), start=1):
        lines += differences(node, one, f"{path}[{number}]")
    return lines
