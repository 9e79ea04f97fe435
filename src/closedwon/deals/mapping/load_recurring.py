"""Outputs that recur, from forms to compiled values."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from closedwon.deals.mapping.formulas import Formulas
from closedwon.deals.mapping.outputs import (
    Applies,
    ProductRef,
    RecurringOutput,
    SeatsFollowed,
    SubscriptionOutput,
    Value,
)
from closedwon.deals.mapping.shapes import Form
from closedwon.deals.mapping.words import AMOUNT, DATE, TEXT, TRUTH

NEEDED = ("product", "name", "frequency", "quantity", "start")
SUBSCRIPTION_TYPES = {
    "key": TEXT, "product": TEXT, "name": TEXT, "frequency": TEXT, "quantity": AMOUNT,
    "start": DATE, "end": DATE, "collection": TEXT, "prorated": TRUTH, "price": AMOUNT,
}  # fmt: skip
RECURRING_TYPES = {
    "amount": AMOUNT, "price": AMOUNT, "start": DATE, "end": DATE, "frequency": TEXT,
    "duration_periods": AMOUNT, "rollover_fraction": AMOUNT,
}  # fmt: skip


class Shared(Protocol):
    """Parts that outputs of every kind have."""

    def product(self, form: Form, collection: str) -> ProductRef | None:
        """How a term is sold; None when it is broken."""
        ...

    def applies(self, form: Form, collection: str) -> Applies:
        """What a balance is about."""
        ...

    def values(self, named: Mapping[str, Any] | None, collection: str) -> dict[str, Value]:
        """Custom fields."""
        ...


class RecurringLoader:
    """Compiles outputs that recur; what is wrong goes to the formulas' problems."""

    def __init__(self, shared: Shared, formulas: Formulas) -> None:
        self._shared = shared
        self._formulas = formulas

    def subscription(self, form: Form, collection: str) -> Iterable[SubscriptionOutput]:
        """A recurring fee; nothing when a part it needs is broken."""
        values: dict[str, Any] = {
            name: self._formulas.value(form[name], collection, shape.types)
            for name, shape in SUBSCRIPTION_TYPES.items()
        }
        if any(values[name] is None for name in NEEDED):
            return
        yield SubscriptionOutput(
            **values,
            bills_at_once=form.text("increases", "immediately") == "immediately",
            own_periods=form.text("periods", "own") == "own",
            custom_fields=self._shared.values(form["custom_fields"], collection),
            spot=form.spot,
        )

    def recurring(
        self, form: Form, collection: str, *, is_credit: bool
    ) -> Iterable[RecurringOutput]:
        """A balance of every period; nothing when a part it needs is broken."""
        product = self._shared.product(form, collection)
        values: dict[str, Any] = {
            name: self._formulas.value(form[name], collection, shape.types)
            for name, shape in RECURRING_TYPES.items()
        }
        if product is None or values["amount"] is None or values["start"] is None:
            return
        yield RecurringOutput(
            **values,
            product=product,
            proration=form.text("proration", "FIRST_AND_LAST"),
            applies=self._shared.applies(form, collection),
            seats=self._seats(form["subscription"], collection),
            custom_fields=self._shared.values(form["custom_fields"], collection),
            is_credit=is_credit,
            spot=form.spot,
        )

    def _seats(self, form: Form | None, collection: str) -> SeatsFollowed | None:
        if form is None:
            return None
        key = self._formulas.value(form["key"], collection, TEXT.types)
        prorated = self._formulas.value(form["prorated"], collection, TRUTH.types)
        return None if key is None else SeatsFollowed(key=key, prorated=prorated)
