"""What the terms of one payload are made with: ids, temporary ids, names and the unit of money."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from closedwon.api.answers import sparse
from closedwon.api.call import Call
from closedwon.billing.catalog.types import USD, Catalog, RateCard
from closedwon.kernel.errors import NotFound, Refused

ECHOED = ("netsuite_sales_order_id", "salesforce_opportunity_id")
"""Ids other systems have for a term."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """Context of one payload."""

    catalog: Catalog
    new_id: Callable[[], str]
    now: datetime
    start: datetime
    """The contract's start, where a term does not give its own."""
    credit_type_id: str = USD
    """Unit of amounts that come without one: the fiat currency of the rate card."""
    temporary: Mapping[str, str] = field(default_factory=dict)
    """temporary_id -> the id its term gets."""

    def own_id(self, temporary_id: str | None = None) -> str:
        """Id of a new term."""
        return self.new_id() if temporary_id is None else self.temporary[temporary_id]

    def meant(self, term_id: str) -> str:
        """A term named by its id, or by the temporary id it has in this payload."""
        return self.temporary.get(term_id, term_id)

    def unit(self, credit_type_id: str | None) -> str:
        """The credit type of an amount; raises NotFound for an unknown one."""
        wanted = credit_type_id or self.credit_type_id
        if wanted not in self.catalog.credit_types:
            raise NotFound("no such credit type", credit_type=wanted)
        return wanted

    def named(self, name: str | None, product_id: str) -> str:
        """The name invoices show: as given, else the product's."""
        product = self.catalog.products.get(product_id)
        return name or ("" if product is None else product.name)


def inside(where: str, name: str) -> str:
    """Path of a field of what stands at ``where``; empty for the body itself."""
    return f"{where}.{name}" if where else name


def echoed(sent: Any) -> dict[str, Any]:
    """What is kept and shown of a term and never rated, as far as it was sent."""
    return sparse(**{name: getattr(sent, name, None) for name in ECHOED})


def making(call: Call, start: datetime, card: RateCard | None, terms: Iterable[Any]) -> Making:
    """The context of a payload; ``terms`` are all that may carry a temporary_id."""
    temporary: dict[str, str] = {}
    for term in terms:
        name = getattr(term, "temporary_id", None)
        if name in temporary:
            raise Refused("temporary_id: used for two terms", found=name)
        if name is not None:
            temporary[name] = call.new_id()
    return Making(
        catalog=call.engine.catalog(),
        new_id=call.new_id,
        now=call.now,
        start=start,
        credit_type_id=USD if card is None else card.fiat_credit_type_id,
        temporary=temporary,
    )
