"""Finding in a contract as it is read what was sent, by content: exactly, or not at all.

What was asked for twice alike is interchangeable. Anything else that fits less or more often than
it was sent is refused, because a wrong id would bill the wrong term later.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from closedwon.kernel import strict_json
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import format_instant, parse_instant

Shape = Mapping[str, Any]
Facts = dict[str, Any]
"""What identifies a term, by name; equal things are equal values."""


def paired(
    sent: Sequence[tuple[str, Shape]], shown: Iterable[Shape], what: str
) -> dict[str, Shape]:
    """Our id -> the term as it is read; raises Refused unless every one is found exactly."""
    shapes = list(shown)
    left = dict(enumerate(map(facts_of, shapes)))
    found: dict[str, Shape] = {}
    groups: dict[str, list[tuple[str, Facts]]] = {}
    for our_id, body in sent:
        facts = facts_of(body)
        groups.setdefault(_text(facts), []).append((our_id, facts))
    for group in sorted(groups.values(), key=lambda one: -len(one[0][1])):
        facts = group[0][1]
        fitting = [at for at, theirs in left.items() if _fits(facts, theirs)]
        if len(fitting) != len(group):
            raise Refused(
                f"the target shows {len(fitting)} of {len(group)} {what} like the one sent; compare"
                " the contract there with the plan",
                sent=_text(facts),
            )
        for (our_id, _), at in zip(group, fitting, strict=True):
            found[our_id] = shapes[at]
            del left[at]
    return found


def paired_rows(
    ours: Mapping[str, Shape], there: Iterable[Shape], known: Mapping[str, str], what: str
) -> dict[str, str]:
    """Our id -> remote id of the rows of one schedule; ``known`` has those paired before.

    Raises Refused unless the two schedules say the same.
    """
    rows = {str(row["id"]): row for row in there}
    found = {our_id: known[our_id] for our_id in ours if known.get(our_id) in rows}
    taken = set(found.values())
    new = [(our_id, body) for our_id, body in ours.items() if our_id not in found]
    left = [row for remote_id, row in rows.items() if remote_id not in taken]
    if len(new) != len(left):
        raise Refused(
            f"the target's {what} has {len(rows)} rows, ours {len(ours)}; compare them there"
        )
    more = paired(new, left, f"rows of {what}")
    return found | {our_id: str(row["id"]) for our_id, row in more.items()}


def facts_of(shape: Shape) -> Facts:
    """What identifies a term or a row of a schedule, sent or read; what it lacks is left out."""
    found = {name: _plain(read(shape)) for name, read in FACTS.items()}
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}


def _fits(sent: Facts, shown: Facts) -> bool:
    return all(shown.get(name) == value for name, value in sent.items())


def _product(shape: Shape) -> Any:
    rate = shape.get("subscription_rate", shape)
    product = rate.get("product") or {}
    return rate.get("product_id") or product.get("id")


def _rows(*names: str) -> Callable[[Shape], Any]:
    """The rows of a schedule, in no order."""

    def read(shape: Shape) -> Any:
        schedule: Shape = next((shape[name] for name in names if shape.get(name)), {})
        listed = [
            facts_of({key: value for key, value in row.items() if key in ROW})
            for row in schedule.get("schedule_items") or ()
        ]
        return sorted(listed, key=_text)

    return read


ROW = ("amount", "starting_at", "ending_before", "timestamp", "unit_price", "quantity")


def _named(*names: str) -> Callable[[Shape], Any]:
    return lambda shape: next((shape[name] for name in names if shape.get(name) is not None), None)


def _row_amount(shape: Shape) -> Any:
    """Of a row that has no unit price; else it follows from that and the quantity."""
    return None if shape.get("unit_price") is not None else shape.get("amount")


def _text(facts: Facts) -> str:
    return strict_json.canonical_dumps(facts)


def _amount(name: str) -> Callable[[Shape], Any]:
    def read(shape: Shape) -> Any:
        amount = shape.get(name) or {}
        return {key: amount[key] for key in ("unit_price", "quantity") if amount.get(key)}

    return read


def _overwrite(shape: Shape) -> Any:
    price = shape.get("overwrite_rate") or {}
    kept = {name: price[name] for name in ("price", "tiers", "custom_rate") if price.get(name)}
    return kept | ({"rate_type": str(price["rate_type"]).upper()} if price else {})


def _upper(name: str) -> Callable[[Shape], Any]:
    return lambda shape: str(shape[name]).upper() if shape.get(name) else None


def _is_specific(shape: Shape) -> Any:
    return shape.get("is_commit_specific") or None


FACTS: Mapping[str, Callable[[Shape], Any]] = {
    "product": _product,
    "frequency": lambda shape: (shape.get("subscription_rate") or {}).get("billing_frequency"),
    "type": _upper("type"),
    "access": _rows("access_schedule"),
    "paid": _rows("invoice_schedule", "schedule"),
    "amount": _row_amount,
    "granted": _amount("access_amount"),
    "charged": _amount("invoice_amount"),
    "tiers": _named("tiers", "override_tiers"),
    "overwrite": _overwrite,
    "is_commit_specific": _is_specific,
    "target": lambda shape: shape.get("target") if shape.get("target") != "LIST_RATE" else None,
    **{
        name: _named(name)
        for name in (
            *(name for name in ROW if name != "amount"),
            "name",
            "description",
            "priority",
            "rollover_fraction",
            "multiplier",
            "entitled",
            "collection_schedule",
            "recurrence_frequency",
            "applicable_product_ids",
            "applicable_product_tags",
        )
    },
}
"""Readers that understand a term both as it is sent and as it is read.

Specifiers are left out: in them a temporary id stands where the answer has the real one."""


def _plain(value: Any) -> Any:
    """Equal things as equal values: instants as one text, numbers as Decimals."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and value[4:5] == "-" and value[10:11] == "T":
        return format_instant(parse_instant(value))
    return value
