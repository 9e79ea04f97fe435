"""Formula fields: compiled on first use, evaluated on every read."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from closedwon.devorg.schema import FieldDef, ObjectInfo, OrgSchema
from closedwon.formula import EvaluationError, Formula, Place, Scope, compile_formula


class FormulaFields:
    """The compiled formulas of one schema."""

    def __init__(self, schema: OrgSchema) -> None:
        self._schema = schema
        self._compiled: dict[tuple[str, str], Formula] = {}

    def compiled(self, info: ObjectInfo, field: FieldDef) -> Formula:
        """The formula behind a field; raises FormulaError naming the field when it is wrong."""
        key = (info.name, field.name)
        if key not in self._compiled:
            self._compiled[key] = compile_formula(
                field.formula or "",
                info.name,
                self._schema.for_formulas,
                place=Place(f"{info.name}.{field.name}"),
                blank_as_zero=field.blank_as_zero,
                percent_as_fraction=True,
            )
        return self._compiled[key]

    def evaluate(
        self, info: ObjectInfo, field: FieldDef, record: Mapping[str, Any], as_of: datetime
    ) -> Any:
        """The field's value for ``record``; None where Salesforce shows ``#Error!``."""
        try:
            return self.compiled(info, field).evaluate(record, Scope(as_of=as_of))
        except EvaluationError:
            return None
