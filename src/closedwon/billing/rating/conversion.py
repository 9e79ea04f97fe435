"""Custom pricing units left to pay become one fiat line each (R249-R253).

Contracts convert at the card's price; only plans have an overage rate of their own (R256). A
purchase of units is invoiced in fiat like any other (R254).
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from closedwon.billing.catalog.types import UnitConversion
from closedwon.billing.invoices.types import Line, LineType
from closedwon.billing.pricing import Flat
from closedwon.billing.rating.matching import Subject
from closedwon.billing.rating.rates import Priced
from closedwon.billing.rating.slices import Slice, UsageTerms
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import ZERO
from closedwon.kernel.instant import Interval

NO_PRODUCT = Subject(product_id="", product_tags=frozenset())
"""A conversion belongs to no product: only balances that apply to everything may pay it (R253)."""


def conversion_slices(
    terms: UsageTerms, period: Interval, lines: Iterable[Line]
) -> Iterator[Slice]:
    """A slice for each pricing unit that balances left to pay, by the card's order (R249).

    Raises Refused when the card has no conversion for a unit that is owed (R252).
    """
    owed: dict[str, Decimal] = {}
    for line in lines:
        if line.credit_type_id != terms.card.fiat_credit_type_id:
            owed[line.credit_type_id] = owed.get(line.credit_type_id, ZERO) + line.payable
    conversions = {one.credit_type_id: one for one in terms.card.conversions}
    for credit_type_id, units in owed.items():
        if not units:
            continue
        if credit_type_id not in conversions:
            raise Refused(
                "the rate card has no conversion for a pricing unit that is owed (R252)",
                card=terms.card.id,
                credit_type=credit_type_id,
            )
        yield _slice(terms, period, conversions[credit_type_id], units)


def _slice(
    terms: UsageTerms, period: Interval, conversion: UnitConversion, units: Decimal
) -> Slice:
    unit = terms.catalog.credit_types.get(conversion.credit_type_id)
    price = Flat(price=conversion.fiat_per_unit)
    return Slice(
        subject=NO_PRODUCT,
        name=f"{conversion.credit_type_id if unit is None else unit.name} overage",
        window=period,
        begin=ZERO,
        end=units,
        priced=Priced(
            list_price=price,
            price=price,
            commit_price=None,
            credit_type_id=terms.card.fiat_credit_type_id,
            rate_id=None,
            override_id=None,
        ),
        type=LineType.CPU_CONVERSION,
    )
