"""From the text of a mapping file to a mapping whose every name and formula is checked."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from closedwon.deals.mapping.document import parse
from closedwon.deals.mapping.formulas import Formulas
from closedwon.deals.mapping.language import MAPPING
from closedwon.deals.mapping.load_rules import RuleLoader
from closedwon.deals.mapping.load_source import SourceLoader
from closedwon.deals.mapping.model import (
    Check,
    ComputedField,
    ContractOutput,
    CustomerOutput,
    DealMapping,
    Gate,
    Otherwise,
    Policies,
    Rule,
)
from closedwon.deals.mapping.outputs import DEAL, Value
from closedwon.deals.mapping.problems import MappingError, Problem, nearest
from closedwon.deals.mapping.shapes import Form, read
from closedwon.deals.mapping.tables import read_table
from closedwon.deals.mapping.words import ANY, DATE, TEXT, TRUTH
from closedwon.formula.schema import FieldInfo, Schema
from closedwon.kernel.strict_json import fingerprint

TOLERANCE = Decimal("0.01")
"""Accepted difference between the CRM's total and ours, in major units, unless said otherwise."""
CONTRACT_TYPES = {
    "start": DATE.types,
    "end": DATE.types,
    "renewed_end": DATE.types,
    "total": ("NUMBER",),
    "worth": ("NUMBER",),
    "payment_terms_days": ("NUMBER", "TEXT"),
}
CONTRACT_VALUES = (
    "kind", "amends", "renews", "renewed_end", "quote", "name", "start", "end", "currency",
    "rate_card", "payment_terms_days", "total", "worth",
)  # fmt: skip


def load_mapping(text: str, file: str, schema: Schema, tables: Mapping[str, str]) -> DealMapping:
    """Check and compile a mapping file.

    ``file`` is its name in messages; ``schema`` what the org's describe says; ``tables`` CSV texts
    by file name. Raises MappingError holding every problem as file:line:column.
    """
    problems: list[Problem] = []
    form = read(MAPPING, parse(text, file), problems)
    if not isinstance(form, Form) or form["source"] is None:
        raise MappingError(problems)
    loader = _Loader(form, file, schema, problems)
    loader.read_tables(tables)
    mapping = loader.mapping(fingerprint({"text": text, "tables": dict(tables)}))
    if problems or mapping is None:
        raise MappingError(problems)
    return mapping


class _Loader:
    def __init__(self, form: Form, file: str, schema: Schema, problems: list[Problem]) -> None:
        self._form = form
        self._schema = schema
        self._file = file
        self._problems = problems
        self._source = SourceLoader(form["source"], schema, problems)
        self._formulas = Formulas(schema, self._source.objects, problems)
        self._rules = RuleLoader(self._formulas, self._source.objects)

    def read_tables(self, texts: Mapping[str, str]) -> None:
        """Parse the CSV tables the mapping names."""
        for name, form in (self._form["tables"] or {}).items():
            wanted = form.text("file")
            if wanted not in texts:
                near = nearest(wanted, texts)
                expected = "a file under tables/"
                self._formulas.note(form.spot, f"table file {wanted!r}", expected, near)
                continue
            table = read_table(texts[wanted], wanted, form.text("key"), self._problems)
            if table is not None:
                self._formulas.tables[name] = table

    def mapping(self, version: str) -> DealMapping | None:
        """The mapping; None when a part is missing, with the reasons noted."""
        form = self._form
        self._optional_fields()
        fields = tuple(self._computed_fields())
        asked = form["source"]["won"]
        won = None if asked is None else self._formulas.compiled(asked, DEAL, TRUTH.types)
        checks, gates = tuple(self._checks()), tuple(self._gates())
        customer, contract = self._customer(form["customer"]), self._contract(form["contract"])
        rules, otherwise = self._all_rules(form["rules"] or ())
        if customer is None or contract is None or otherwise is None:
            return None
        policies = {name: word.text for name, word in _values(form["policies"]).items()}
        return DealMapping(
            name=form.text("name"),
            file=self._file,
            version=version,
            effective_from=form["effective_from"],
            source=self._source.deal_source(self._formulas),
            schema=self._schema,
            objects=self._source.objects,
            fields=fields,
            won=won,
            checks=checks,
            gates=gates,
            customer=customer,
            contract=contract,
            creates_products=form.text("products", "require") == "create",
            rules=rules,
            otherwise=otherwise,
            policies=Policies(**policies),
        )

    def _optional_fields(self) -> None:
        for owner, fields in (self._form["optional_fields"] or {}).items():
            is_parent = owner in self._schema and owner not in self._source.objects
            if not is_parent and not self._known(owner, "optional_fields"):
                continue
            for name, scalar in fields.items():
                field = _optional_field(name, scalar.text)
                if is_parent:
                    self._formulas.add_parent_field(owner, field)
                elif not self._formulas.has_field(owner, name):
                    self._formulas.add_field(owner, field)

    def _computed_fields(self) -> Any:
        for collection, named in (self._form["fields"] or {}).items():
            if not self._known(collection, "fields"):
                continue
            for name, node in named.items():
                if self._formulas.has_field(collection, name):
                    spot, found = node.spot, f"computed field {name!r}"
                    self._formulas.note(spot, found, "a name the object does not have")
                    continue
                value = self._formulas.value(node, collection, ANY.types)
                if value is None:
                    # Its users would complain about a missing field on top of the real problem.
                    self._formulas.add_field(collection, FieldInfo(name=name, type="string"))
                    continue
                kind = self._formulas.computed_type(value)
                self._formulas.add_field(collection, FieldInfo(name=name, type=kind))
                yield ComputedField(collection=collection, name=name, value=value)

    def _known(self, collection: str, where: str) -> bool:
        if collection in self._source.objects:
            return True
        known = ", ".join(self._source.objects)
        near = nearest(collection, self._source.objects)
        found = f"{where} of {collection!r}"
        self._formulas.note(self._form.spot, found, f"one of {known}", near)
        return False

    def _checks(self) -> Any:
        for form in self._form["checks"] or ():
            check: Check | None = self._rules.check(form, self._rules.collection(form, DEAL))
            if check is not None:
                yield check

    def _gates(self) -> Any:
        for form in self._form["gates"] or ():
            text = form["when"]
            when = None if text is None else self._formulas.compiled(text, DEAL, TRUTH.types)
            if when is not None:
                fix = form.text("fix", "look at the plan, then release it")
                message = form.text("message")
                yield Gate(id=form.text("id"), when=when, message=message, fix=fix)

    def _customer(self, form: Form | None) -> CustomerOutput | None:
        if form is None:
            return None
        account_id = self._formulas.value(form["account_id"], DEAL, TEXT.types)
        name = self._formulas.value(form["name"], DEAL, TEXT.types)
        if account_id is None or name is None:
            return None
        return CustomerOutput(
            account_id=account_id,
            name=name,
            aliases=self._formulas.value(form["aliases"], DEAL, TEXT.types),
            custom_fields=self._rules.values(form["custom_fields"], DEAL),
        )

    def _contract(self, form: Form | None) -> ContractOutput | None:
        if form is None:
            return None
        values: dict[str, Value | None] = {
            name: self._formulas.value(form[name], DEAL, CONTRACT_TYPES.get(name, TEXT.types))
            for name in CONTRACT_VALUES
        }
        if any(values[name] is None for name in ("kind", "start", "currency")):
            return None
        tolerance = form["total_tolerance"]
        return ContractOutput(
            **values,  # type: ignore[arg-type]  # the required ones were just looked at
            total_tolerance=TOLERANCE if tolerance is None else tolerance,
            custom_fields=self._rules.values(form["custom_fields"], DEAL),
            spot=form.spot,
        )

    def _all_rules(self, forms: tuple[Form, ...]) -> tuple[tuple[Rule, ...], Otherwise | None]:
        last = forms[-1] if forms else None
        if last is None or last["otherwise"] is None:
            spot = (last or self._form).spot
            self._formulas.note(spot, "no last rule", "a last rule `otherwise: reject` or `ignore`")
            return (), None
        rules = [self._rules.rule(form) for form in forms[:-1]]
        ids: set[str] = set()
        for form, rule in zip(forms[:-1], rules, strict=True):
            if form["otherwise"] is not None:
                self._formulas.note(form.spot, "otherwise in the middle", "it as the last rule")
            if rule.id in ids:
                self._formulas.note(form.spot, f"rule id {rule.id!r} again", "each id once")
            ids.add(rule.id)
        return tuple(rules), self._rules.otherwise(last)


def _values(form: Form | None) -> Mapping[str, Any]:
    if form is None:
        return {}
    return {name: value for name, value in form.values.items() if value is not None}


def _optional_field(name: str, written: str) -> FieldInfo:
    """``picklist``, or ``reference:Object`` with the relationship its name implies."""
    kind, _, target = written.partition(":")
    return FieldInfo(
        name=name,
        type=kind,
        reference_to=(target,) if target else (),
        relationship_name=name.removesuffix("c") + "r" if target else None,
    )
