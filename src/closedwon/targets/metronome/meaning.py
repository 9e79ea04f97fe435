"""What our ids mean on the remote while one request is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from closedwon.kernel.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """Remote ids by kind and our id; ``there`` raises Refused for what the remote lacks."""

    there: Callable[[str, str], str]
    fresh: frozenset[str] = field(default_factory=frozenset)
    """Ids of terms in this very request; there they go by them as temporary_id."""

    def product(self, product_id: str) -> str:
        """A product."""
        return self.there("product", product_id)

    def unit(self, credit_type_id: str) -> str:
        """A credit type."""
        return self.there("credit_type", credit_type_id)

    def term(self, term_id: str) -> str:
        """A term another one refers to."""
        return term_id if term_id in self.fresh else self.there("term", term_id)


def lean(**fields: Any) -> dict[str, Any]:
    """The fields that say something: not None, not empty."""
    return {name: value for name, value in fields.items() if not _is_silent(value)}


def _is_silent(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | Mapping) and not value)


def unsayable(what: str, fix: str) -> Refused:
    """A refusal of what the wire has no words for."""
    return Refused(f"the target cannot be told {what}; {fix}")
