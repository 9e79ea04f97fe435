"""Tests beside a mapping: given records, expected terms or expected park codes; pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from closedwon.deals.mapping.document import Node, parse
from closedwon.deals.mapping.facts import MappingFacts
from closedwon.deals.mapping.fixture_facts import FACTS, facts_of
from closedwon.deals.mapping.fixture_records import FixtureRecords
from closedwon.deals.mapping.fixture_told import differences, told
from closedwon.deals.mapping.model import DealMapping
from closedwon.deals.mapping.problems import MappingError, Problem, Spot, nearest
from closedwon.deals.mapping.run import map_deal
from closedwon.deals.mapping.shapes import Fixed, Form, Key, ListOf, Named, Raw, Text, read
from closedwon.deals.types import Deal, Rejected, Terms

EXPECTATIONS = (
    "park", "kind", "total", "contract", "commits", "overrides", "charges", "recurring",
    "subscriptions", "quantities", "warnings", "holds",
    "ignored", "customer",
)  # fmt: skip
CASE = Fixed(
    doc="One deal and what becomes of it.",
    keys={
        "name": Key(shape=Text(), doc="A sentence.", required=True),
        "given": Key(shape=Named(element=Raw()), doc="Rows by collection.", required=True),
        "expect": Key(shape=Named(element=Raw()), doc="What must come out.", required=True),
    },
)
FIXTURE = Fixed(
    doc="Tests of a mapping.",
    keys={
        "mapping": Key(shape=Text(), doc="Name of the mapping.", required=True),
        "facts": Key(shape=FACTS, doc="What billing holds."),
        "base": Key(shape=Named(element=Raw()), doc="Fields every row of a collection has."),
        "cases": Key(shape=ListOf(element=CASE), doc="The tests.", required=True),
    },
)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One deal of a fixture and what is expected of it."""

    name: str
    spot: Spot
    deal: Deal
    expect: Mapping[str, Node]


class Fixture(msgspec.Struct, frozen=True, kw_only=True):
    """A test file that fits its mapping."""

    file: str
    facts: MappingFacts
    cases: tuple[Case, ...]


class CaseOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one case gave."""

    name: str
    place: str
    differences: tuple[str, ...]
    """Empty when it came out as expected; else file:line:column with both values."""
    outcome: Terms | Rejected

    @property
    def passed(self) -> bool:
        """Whether it came out as expected."""
        return not self.differences


class FixtureOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a fixture gave, case by case."""

    file: str
    cases: tuple[CaseOutcome, ...]

    @property
    def passed(self) -> bool:
        """Whether every case came out as expected."""
        return all(case.passed for case in self.cases)


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Which rules decided about a row in some test."""

    fired: tuple[str, ...]
    never: tuple[str, ...]


def load_fixture(text: str, file: str, mapping: DealMapping) -> Fixture:
    """Read a test file of ``mapping``; raises MappingError with every problem."""
    problems: list[Problem] = []
    form = read(FIXTURE, parse(text, file), problems)
    if not isinstance(form, Form):
        raise MappingError(problems)
    if form["mapping"] is not None and form.text("mapping") != mapping.name:
        expected = f"a test of {mapping.name}"
        found = f"mapping: {form.text('mapping')}"
        problems.append(Problem(spot=form.spot, found=found, expected=expected))
    for rows in (form["base"] or {}, *((case["given"] or {}) for case in form["cases"] or ())):
        problems += _unknown(rows, mapping.objects, "a collection of the mapping")
    records = FixtureRecords(mapping, problems)
    cases = []
    for number, one in enumerate(form["cases"] or (), start=1):
        expect = one["expect"] or {}
        problems += _unknown(expect, EXPECTATIONS, "an expectation")
        deal = records.deal(form["base"] or {}, one["given"] or {}, number)
        cases.append(Case(name=one.text("name"), spot=one.spot, deal=deal, expect=expect))
    if problems:
        raise MappingError(problems)
    return Fixture(file=file, facts=facts_of(form["facts"]), cases=tuple(cases))


def run_fixture(mapping: DealMapping, fixture: Fixture) -> FixtureOutcome:
    """Map every case and compare what came out with what is expected."""
    outcomes = []
    for case in fixture.cases:
        outcome = map_deal(mapping, case.deal, fixture.facts)
        found = told(outcome, case.deal, fixture.facts)
        lines: list[str] = []
        if isinstance(outcome, Rejected) and "park" not in case.expect:
            told_why = "; ".join(finding.message for finding in outcome.findings)
            lines.append(f"{case.spot}: parked: {told_why}")
        else:
            for name, node in case.expect.items():
                lines += _compared(name, node, found)
        outcomes.append(
            CaseOutcome(
                name=case.name, place=str(case.spot), differences=tuple(lines), outcome=outcome
            )
        )
    return FixtureOutcome(file=fixture.file, cases=tuple(outcomes))


def coverage(mapping: DealMapping, outcomes: Iterable[FixtureOutcome]) -> Coverage:
    """Which rules the tests reach; a rule that parks the deal is reached too."""
    fired: set[str] = set()
    for fixture in outcomes:
        for case in fixture.cases:
            fired |= set(case.outcome.rules)
    ids = [rule.id for rule in mapping.rules]
    return Coverage(
        fired=tuple(rule for rule in ids if rule in fired),
        never=tuple(rule for rule in ids if rule not in fired),
    )


def _compared(name: str, node: Node, found: Mapping[str, Any]) -> list[str]:
    if name not in found:
        return [f"{node.spot}: expected {name}, but the deal was mapped to terms"]
    return differences(node, found[name], name)


def _unknown(written: Mapping[str, Node], known: Iterable[str], expected: str) -> list[Problem]:
    names = tuple(known)
    return [
        Problem(spot=node.spot, found=repr(name), expected=expected, nearest=nearest(name, names))
        for name, node in written.items()
        if name not in names
    ]
