"""Floor 0, pure: the Salesforce formula language, with exact decimals.

What a formula means, above all what it makes of blanks, is written in README.md beside this file.
"""

from closedwon.formula.choices import Choice, choices
from closedwon.formula.fields import field_at
from closedwon.formula.formula import Formula, compile_formula, evaluate_fields, in_order
from closedwon.formula.place import EvaluationError, FormulaError, Place
from closedwon.formula.schema import FieldInfo, Schema
from closedwon.formula.values import Record, Scope, Value, ValueType, raw

__all__ = [
    "Choice",
    "EvaluationError",
    "FieldInfo",
    "Formula",
    "FormulaError",
    "Place",
    "Record",
    "Schema",
    "Scope",
    "Value",
    "ValueType",
    "choices",
    "compile_formula",
    "evaluate_fields",
    "field_at",
    "in_order",
    "raw",
]
