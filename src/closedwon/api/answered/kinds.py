"""Kinds of answers for the document: how they are wrapped, and the values inside.

Nothing is answered from these types; tests hold every answer to them. A client lets pass fields it
does not know: here they are what may come, and those without NotRequired always come.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, NotRequired, TypeVar

from pydantic import WithJsonSchema
from typing_extensions import TypedDict

T = TypeVar("T")
Amount = Annotated[Decimal, WithJsonSchema({"type": "number"})]
"""An exact number: money in the wire unit of its credit type, or a quantity."""
At = datetime
"""An instant in UTC."""
Anything = dict[str, Any]
"""An object whose fields depend on what it is about."""
Fields = dict[str, str]
"""Custom fields, or values of groups."""


class One(TypedDict, Generic[T]):
    """One thing."""

    data: T


class Page(TypedDict, Generic[T]):
    """A page of things."""

    data: list[T]
    next_page: str | None


class Listing(TypedDict, Generic[T]):
    """All of them at once."""

    data: list[T]


class Cursored(TypedDict, Generic[T]):
    """A page whose cursor has another name (B10)."""

    data: list[T]
    cursor: str | None


class Id(TypedDict):
    """What was made or changed."""

    id: str


class Named(TypedDict):
    """An id and its name."""

    id: str
    name: str


class CustomerId(TypedDict):
    """Whom it was about."""

    customer_id: str


Made = One[Id]
__all__ = [
    "Amount",
    "Anything",
    "At",
    "Cursored",
    "CustomerId",
    "Fields",
    "Id",
    "Listing",
    "Made",
    "Named",
    "NotRequired",
    "One",
    "Page",
    "TypedDict",
]
