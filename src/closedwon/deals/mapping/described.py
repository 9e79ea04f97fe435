"""Walking a path through an org's description."""

from closedwon.formula.schema import FieldInfo, Schema


def parent_object(schema: Schema, object_name: str, relationship: str) -> str:
    """The object a relationship leads to, the first of several; empty when there is none."""
    for field in schema.get(object_name, {}).values():
        if field.relationship_name == relationship and field.reference_to:
            return field.reference_to[0]
    return ""


def field_at(schema: Schema, object_name: str, path: str) -> tuple[str, FieldInfo | None]:
    """The object a path ends on and the field there; None when it is not described."""
    *relationships, last = path.split(".")
    for relationship in relationships:
        object_name = parent_object(schema, object_name, relationship)
    return object_name, schema.get(object_name, {}).get(last)
