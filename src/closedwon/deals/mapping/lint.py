"""What is doubtful about a mapping that loads: read before any deal is mapped (design 5)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from closedwon.deals.mapping.described import field_at
from closedwon.deals.mapping.model import DealMapping
from closedwon.deals.mapping.outputs import DEAL, GROUP, CommitOutput, Lookup, SubscriptionOutput
from closedwon.deals.mapping.problems import nearest
from closedwon.deals.types import Finding, Severity
from closedwon.formula import Formula
from closedwon.formula.choices import Choice, choices
from closedwon.formula.schema import FieldInfo

QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
NOW = re.compile(r"\b(AS_OF|TODAY|NOW)\s*\(", re.IGNORECASE)


def lint(mapping: DealMapping) -> tuple[Finding, ...]:
    """Findings in file order; PARK is an error of the mapping, WARN something to look at.

    Unknown fields, objects and wrong types never get this far: ``load_mapping`` refuses them.
    """
    found = [
        *_unreachable(mapping),
        *_picklists(mapping),
        *_formula_fields(mapping),
        *_moving(mapping),
        *_money(mapping),
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda finding: _position(finding.place)))


def _position(place: str) -> tuple[int, ...]:
    return tuple(int(part) for part in place.split(":") if part.isdecimal())


def _unreachable(mapping: DealMapping) -> Iterator[Finding]:
    """A rule behind one that takes every row, or behind one with the same condition."""
    taken: dict[tuple[str, str], str] = {}
    for rule in mapping.rules:
        condition = "" if rule.when is None else rule.when.text
        before = taken.get((rule.collection, "")) or taken.get((rule.collection, condition))
        if before is not None:
            yield Finding(
                code="rule_unreachable",
                message=f"rule {rule.id!r} never gets a row: rule {before!r} takes them all",
                fix="Give the earlier rule a narrower `when`, or move this one up.",
                place=str(rule.spot),
            )
        taken.setdefault((rule.collection, condition), rule.id)


def _picklists(mapping: DealMapping) -> Iterator[Finding]:
    """A text compared with a picklist that does not have it."""
    for collection, formula in formulas_of(mapping):
        for choice in choices(formula):
            field = _field(mapping, _collection_of(choice, collection), choice.path)
            if field is None or not field.picklist_values:
                continue
            if choice.text and choice.text not in field.picklist_values:
                near = nearest(choice.text, field.picklist_values)
                hint = f"; did you mean {near!r}?" if near else ""
                yield Finding(
                    code="picklist_value_unknown",
                    message=f"{choice.path} has no value {choice.text!r}{hint}",
                    fix="Correct the value, or add it to the picklist.",
                    field=choice.path,
                    place=str(choice.place),
                    severity=Severity.WARN,
                )


def _collection_of(choice: Choice, collection: str) -> str:
    return collection if choice.collection in ("", GROUP) else choice.collection


def _formula_fields(mapping: DealMapping) -> Iterator[Finding]:
    """Fields Salesforce computes: they change without a trace, only the sweep sees it."""
    seen: set[tuple[str, str]] = set()
    for collection, formula in formulas_of(mapping):
        read = {collection: formula.paths, **formula.child_paths}
        for name, paths in read.items():
            rows = collection if name == GROUP else name
            for path in sorted(paths):
                field = _field(mapping, rows, path)
                if field is None or not field.calculated or (rows, path) in seen:
                    continue
                seen.add((rows, path))
                yield Finding(
                    code="formula_field",
                    message=f"{path} is computed by Salesforce; a change of it alone is seen by "
                    "the nightly sweep only",
                    fix="Nothing to do; or read the fields it is computed from.",
                    field=path,
                    place=str(formula.place),
                    severity=Severity.WARN,
                )


def _moving(mapping: DealMapping) -> Iterator[Finding]:
    """A term that depends on the moment of mapping would change by itself."""
    gates = {id(gate.when) for gate in mapping.gates}
    for _, formula in formulas_of(mapping):
        if id(formula) not in gates and NOW.search(QUOTED.sub("", formula.text)):
            yield Finding(
                code="depends_on_now",
                message="the formula reads the clock, so the same deal maps differently tomorrow",
                fix="Use a date of the deal; only gates may read the clock.",
                place=str(formula.place),
            )


def _money(mapping: DealMapping) -> Iterator[Finding]:
    """Places where a slip of money would go unseen."""
    if mapping.contract.total is None:
        yield Finding(
            code="no_total",
            message="contract.total is missing, so a slip between cents and dollars goes unseen",
            fix="Name the field that says what the deal is worth.",
            place=str(mapping.contract.spot),
            severity=Severity.WARN,
        )
    for rule in mapping.rules:
        for output in rule.outputs:
            if isinstance(output, CommitOutput) and not output.is_credit:
                yield from _commit_money(output)
            if isinstance(output, SubscriptionOutput) and output.price is None:
                yield Finding(
                    code="subscription_at_card_rate",
                    message="the subscription has no price of its own: where the rate card has no "
                    "enabled rate of its product and frequency, the deal parks",
                    fix="Give the price as sold, or keep the rates of the card enabled.",
                    place=str(output.spot),
                    severity=Severity.WARN,
                )


def _commit_money(output: CommitOutput) -> Iterator[Finding]:
    payments = output.payments
    if payments is None:
        yield Finding(
            code="commit_unpaid",
            message="the commit has no payments: it is given away",
            fix="Add payments, or make it a credit.",
            place=str(output.spot),
            severity=Severity.WARN,
        )
    elif payments.difference != "reject":
        yield Finding(
            code="difference_accepted",
            message="payments may differ from the access granted without parking the deal",
            fix="Use difference: reject unless discounts are sold this way.",
            place=str(output.spot),
            severity=Severity.WARN,
        )


def formulas_of(mapping: DealMapping) -> Iterator[tuple[str, Formula]]:
    """Every formula with the collection whose rows it reads, in file order of its parts."""
    for part in (
        mapping.fields,
        mapping.won,
        mapping.checks,
        mapping.customer,
        mapping.contract,
        mapping.rules,
        mapping.gates,
    ):
        yield from _formulas(part, DEAL)


def _formulas(part: Any, collection: str) -> Iterator[tuple[str, Formula]]:
    match part:
        case Formula():
            yield collection, part
            return
        case Lookup():
            yield collection, part.key
            return
        case tuple():
            inner: tuple[Any, ...] = part
        case Mapping():
            inner = tuple(part.values())
        case msgspec.Struct():
            collection = getattr(part, "collection", collection)
            inner = tuple(getattr(part, name) for name in part.__struct_fields__)
        case _:
            return
    for one in inner:
        yield from _formulas(one, collection)


def _field(mapping: DealMapping, collection: str, path: str) -> FieldInfo | None:
    """The described field at a path; None for computed ones."""
    return field_at(mapping.schema, mapping.objects.get(collection, ""), path)[1]
