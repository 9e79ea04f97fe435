"""What every kind of term needs while a deal is mapped: ids, products, money, dates, sources."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from closedwon.billing.catalog.types import Product, ProductType, ProductVersion
from closedwon.billing.contracts.applicability import Applicability
from closedwon.billing.contracts.source import Source
from closedwon.deals.mapping.answers import (
    Answers,
    Unmappable,
    field_of,
    finding_of,
    listed,
    row_id,
    spots,
    written,
)
from closedwon.deals.mapping.facts import MappingFacts
from closedwon.deals.mapping.header import Header
from closedwon.deals.mapping.model import Rule
from closedwon.deals.mapping.outputs import Applies, ProductRef, Value
from closedwon.deals.mapping.problems import nearest
from closedwon.deals.mapping.record import names
from closedwon.deals.types import Finding, Record, Severity
from closedwon.formula import Formula
from closedwon.kernel.calendar import Frequency
from closedwon.kernel.exact import canonical, wire
from closedwon.kernel.ids import derive

WIRE_MAX = Decimal(2**63 - 1)
"""No amount of ours is larger; more is a slip of the pen (F118)."""
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""Products the mapping creates are defined from here on, whichever deal comes first."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one rule that form one term, in reading order; ``key`` identifies it in the deal."""

    rule: Rule
    key: str
    rows: tuple[Record, ...]

    @property
    def first(self) -> Record:
        """The row that stands for the group."""
        return self.rows[0]


class DealTerms:
    """Shared ground of the builders of one deal's terms; collects products and warnings."""

    def __init__(
        self, answers: Answers, facts: MappingFacts, header: Header, *, creates_products: bool
    ) -> None:
        self.answers = answers
        self.facts = facts
        self.header = header
        self.warnings: list[Finding] = []
        self.products: dict[str, Product] = {}
        self.paid_rows: set[str] = set()
        """Ids of installment rows that became payments."""
        self._creates_products = creates_products
        self._by_key: dict[tuple[str, str], dict[str, list[Record]]] = {}

    def id(self, kind: str, *key: str) -> str:
        """Derived from contract, deal and the term's own key: the same deal, the same id."""
        return derive(kind, self.header.contract_id, self.header.opportunity_id, *key)

    def rows_by_key(self, collection: str, match: Formula) -> Mapping[str, Sequence[Record]]:
        """Rows of a collection by the key ``match`` gives them, in reading order; asked once."""
        known = self._by_key.get((collection, match.text))
        if known is None:
            known = {}
            for row in self.answers.rows[collection]:
                known.setdefault(self.answers.text(match, row), []).append(row)
            self._by_key[collection, match.text] = known
        return known

    def source(self, group: Group) -> Source:
        """Where a term comes from (D10)."""
        return Source(
            opportunity_id=self.header.opportunity_id,
            quote_id=self.header.quote_id,
            line_ids=tuple(row_id(row) for row in group.rows),
            rule=group.rule.id,
            place=f"{group.rule.spot.file}:{group.rule.spot.line}",
        )

    def stop(
        self, code: str, message: str, fix: str, group: Group, value: Value | None = None
    ) -> Unmappable:
        """The error that parks the deal because of a group; names rows, field and place."""
        finding = finding_of(code, f"{spots(group.rows)}: {message}", fix, group.first, value)
        if value is None:
            rule = group.rule
            field = "" if rule.when is None else field_of(rule.when)
            finding = msgspec.structs.replace(finding, place=str(rule.spot), field=field)
        return Unmappable(finding)

    def warn(self, code: str, message: str, group: Group) -> None:
        """A warning that travels with the terms."""
        finding = self.stop(code, message, "Nothing to do if this is meant.", group).finding
        self.warnings.append(msgspec.structs.replace(finding, severity=Severity.WARN))

    def agreed(self, value: Value | None, group: Group) -> Any:
        """The one answer all rows of the group give; None when blank."""
        if value is None:
            return None
        found = [self.answers.ask(value, row, group.rows) for row in group.rows]
        if len({written(answer) for answer in found}) > 1:
            told = ", ".join(
                f"{names(row)} {written(answer) or 'blank'}"
                for row, answer in zip(group.rows, found, strict=True)
            )
            message = f"rows of one term disagree about {field_of(value)}: {told}"
            fix = "Give all of them the same value, or different keys."
            raise self.stop("rows_disagree", message, fix, group, value)
        return found[0]

    def text(self, value: Value | None, group: Group) -> str:
        """The agreed answer as text; empty when blank."""
        return written(self.agreed(value, group))

    def title(self, value: Value | None, group: Group) -> str:
        """The first row's answer as text: what a term is called need not agree."""
        return self.answers.text(value, group.first, group.rows)

    def money(self, value: Value, row: Record, group: Group, what: str) -> Decimal:
        """An amount in the wire unit (R377); raises Unmappable when blank, negative or absurd."""
        amount = self.answers.number(value, row, group.rows)
        amount = self.answers.needed(value, amount, what, row)
        found = plain(wire(amount, self.header.currency))
        if found < 0:
            message = f"{what} is {amount}, below zero"
            fix = "Credits and cancellations need a person: map them with a credit, or edit."
            raise self.stop("negative_amount", message, fix, group, value)
        if found > WIRE_MAX:
            fix = "Correct the amount."
            raise self.stop("amount_absurd", f"{what} is {amount}", fix, group, value)
        return found

    def day(self, value: Value, row: Record, group: Group, what: str) -> date:
        """A date; raises Unmappable when blank: never "today" by default (F171)."""
        found = self.answers.day(value, row, group.rows)
        needed: date = self.answers.needed(value, found, what, row)
        return needed

    def product(self, ref: ProductRef, group: Group) -> str:
        """Id of the product a term is sold as; notes one that is to be created."""
        key = self.text(ref.product, group)
        if not key or key.endswith(":"):
            message = "the term has no product"
            fix = f"Fill in {field_of(ref.product)}."
            raise self.stop("product_missing", message, fix, group, ref.product)
        return self._product(key, self.title(ref.product_name, group), group, ref.product)

    def known_product(self, value: Value, group: Group) -> str:
        """Id of a product billing must have already: its rate is on the card, not in the deal."""
        key = self.text(value, group)
        found = derive("product", self.facts.org_id, key) if ":" in key else key
        if found not in self.facts.product_ids:
            message = f"billing has no product {key!r} that could be subscribed to"
            fix = "Create the subscription product and its rate, or correct the product id."
            raise self.stop("product_unknown", message, fix, group, value)
        return found

    def frequency(self, value: Value, group: Group) -> Frequency:
        """How often something recurs; raises Unmappable for an unknown word."""
        word = self.text(value, group)
        try:
            return Frequency(word)
        except ValueError as error:
            known = ", ".join(Frequency)
            message = f"billing frequency {word!r}, expected one of {known}"
            fix = "Correct the billing frequency, or the table that translates it."
            raise self.stop("frequency_unknown", message, fix, group, value) from error

    def share(self, value: Value | None, group: Group) -> Decimal | None:
        """A rollover fraction; None when blank. Raises Unmappable outside 0..1."""
        found = self.agreed(value, group)
        if not isinstance(found, Decimal):
            return None
        if not 0 <= found <= 1:
            message = f"a rollover fraction of {found}, expected 0 to 1"
            fix = "Correct the percentage on the row (25 means 25 %)."
            raise self.stop("rollover_range", message, fix, group, value)
        return plain(found)

    def _product(self, key: str, name: str, group: Group, value: Value) -> str:
        derived = derive("product", self.facts.org_id, key) if ":" in key else key
        if derived in self.facts.product_ids and ":" not in key:
            return derived
        if ":" in key and (self._creates_products or derived in self.facts.product_ids):
            known = self.products.get(derived)
            title = min(name or key, known.name if known is not None else name or key)
            self.products[derived] = _fixed_product(derived, key, title)
            return derived
        fix = "Create the product in billing, or correct the product id on the row."
        raise self.stop("product_unknown", f"billing has no product {key!r}", fix, group, value)

    def applicability(self, applies: Applies, group: Group) -> Applicability:
        """Tags and products it applies to (any of them); unknown ones park the deal."""
        tags = listed(self.text(applies.tags, group))
        for tag in tags:
            if tag not in self.facts.tags:
                near = nearest(tag, self.facts.tags)
                hint = f"; did you mean {near!r}?" if near else ""
                message = f"no product in billing has the tag {tag!r}{hint}"
                fix = "Correct the tag on the row, or tag the products in billing."
                raise self.stop("tag_unknown", message, fix, group, applies.tags)
        keys = listed(self.text(applies.products, group))
        product_ids = tuple(
            self._product(key, "", group, applies.products)
            for key in keys
            if applies.products is not None
        )
        return Applicability(product_ids=product_ids, product_tags=tags)

    def custom_fields(self, values: Mapping[str, Value], group: Group) -> dict[str, str]:
        """Custom fields of a term; blank ones are left out."""
        asked = {name: self.text(value, group) for name, value in values.items()}
        return {name: text for name, text in asked.items() if text}

    def priority(self, applies: Applies, group: Group) -> Decimal | None:
        """Drawdown or override priority; None when blank."""
        found = self.agreed(applies.priority, group)
        return plain(found) if isinstance(found, Decimal) else None


def _fixed_product(product_id: str, key: str, name: str) -> Product:
    version = ProductVersion(starting_at=ALWAYS, name=name)
    fields = {"sfdc_product_key": key}
    return Product(id=product_id, type=ProductType.FIXED, versions=(version,), custom_fields=fields)


def plain(number: Decimal) -> Decimal:
    """The number in its one normal form: however a CRM writes it, the stored bytes are the same."""
    return Decimal(canonical(number))
