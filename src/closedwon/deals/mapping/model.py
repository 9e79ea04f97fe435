"""A mapping file after loading: every formula compiled, every name checked."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from closedwon.deals.mapping.outputs import (
    DEAL,
    CommitOutput,
    Output,
    Reject,
    Value,
)
from closedwon.deals.mapping.problems import Spot
from closedwon.deals.mapping.record import fields_read
from closedwon.deals.source import DealSource
from closedwon.deals.types import Record, Severity
from closedwon.formula import Formula
from closedwon.formula.schema import Schema
from closedwon.kernel.strict_json import canonical_dumps, fingerprint


class ComputedField(msgspec.Struct, frozen=True, kw_only=True):
    """A field the mapping adds to every row of a collection."""

    collection: str
    name: str
    value: Value


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A condition in the author's words."""

    collection: str
    code: str
    must: Formula
    message: str
    fix: str
    severity: Severity


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What rows of one collection bring; the first rule that matches a row decides."""

    id: str
    collection: str
    spot: Spot
    when: Formula | None
    group_by: Formula | None
    checks: tuple[Check, ...]
    outputs: tuple[Output, ...]
    custom_fields: Mapping[str, Value]
    ignore: str | None
    reject: Reject | None


class Otherwise(msgspec.Struct, frozen=True, kw_only=True):
    """The last rule: what happens to a row no other rule matched."""

    rejects: bool
    message: str
    fix: str
    spot: Spot


class CustomerOutput(msgspec.Struct, frozen=True, kw_only=True):
    """Who is billed."""

    account_id: Value
    name: Value
    aliases: Value | None
    custom_fields: Mapping[str, Value]


class ContractOutput(msgspec.Struct, frozen=True, kw_only=True):
    """The contract a deal creates or changes."""

    kind: Value
    amends: Value | None
    renews: Value | None
    renewed_end: Value | None
    quote: Value | None
    name: Value | None
    start: Value
    end: Value | None
    currency: Value
    rate_card: Value | None
    payment_terms_days: Value | None
    total: Value | None
    worth: Value | None
    total_tolerance: Decimal
    custom_fields: Mapping[str, Value]
    spot: Spot


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """``apply``, ``hold`` or ``ignore`` for each kind of change a person may want to see."""

    edited_after_close: str = "hold"
    backdated: str = "hold"
    renewed_late: str = "apply"
    renewed_early: str = "hold"
    unwon: str = "hold"


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """Plans of deals it matches wait for a person."""

    id: str
    when: Formula
    message: str
    fix: str


class DealMapping(msgspec.Struct, frozen=True, kw_only=True):
    """How deals of one CRM model become billing terms; ``load_mapping`` makes it."""

    name: str
    file: str
    version: str
    """SHA-256 of the file and its tables."""
    effective_from: date | None
    """First close date it is meant for; None is the beginning."""
    source: DealSource
    schema: Schema
    """What the org's describe said when the formulas were compiled."""
    objects: Mapping[str, str]
    """Collection -> object name; ``deal`` is the root."""
    fields: tuple[ComputedField, ...]
    won: Formula | None
    checks: tuple[Check, ...]
    customer: CustomerOutput
    contract: ContractOutput
    creates_products: bool
    rules: tuple[Rule, ...]
    otherwise: Otherwise
    policies: Policies
    gates: tuple[Gate, ...]

    @property
    def iterated(self) -> frozenset[str]:
        """Collections every row of which must be used, ignored or rejected."""
        named = {rule.collection for rule in self.rules} - {DEAL}
        return frozenset(named | self.installment_collections)

    @property
    def installment_collections(self) -> frozenset[str]:
        """Collections that hold payments of commits."""
        return frozenset(
            output.payments.installments.collection
            for rule in self.rules
            for output in rule.outputs
            if isinstance(output, CommitOutput)
            and output.payments is not None
            and output.payments.installments is not None
        )

    def fingerprint(self, record: Record, children: Mapping[str, Sequence[Record]]) -> str:
        """SHA-256 over the fields the mapping reads; equal means nothing to do.

        Neither the order of rows nor how a number is written matters (R378, salesforce.md 7.3).
        """
        read = {child.name: child.fields for child in self.source.children}
        rows = {
            name: sorted(
                (fields_read(row, read[name]) for row in children.get(name, ())),
                key=canonical_dumps,
            )
            for name in read
        }
        return fingerprint({DEAL: fields_read(record, self.source.fields), **rows})
