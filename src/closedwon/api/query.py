"""Kinds of values a query string holds, where everything is text."""

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise ValueError("expected true or false")


Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
"""A truth value, as text or as JSON."""
