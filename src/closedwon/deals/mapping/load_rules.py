"""Rules of a mapping file, from forms to compiled outputs."""

from collections.abc import Iterable, Mapping
from typing import Any

from closedwon.deals.mapping.formulas import Formulas
from closedwon.deals.mapping.load_recurring import RecurringLoader
from closedwon.deals.mapping.model import Check, Otherwise, Rule
from closedwon.deals.mapping.outputs import (
    DEAL,
    Access,
    Applies,
    ChargeOutput,
    CommitOutput,
    Installments,
    Output,
    OverrideOutput,
    Payments,
    ProductRef,
    Recurring,
    Reject,
    SinglePayment,
    Value,
)
from closedwon.deals.mapping.problems import nearest
from closedwon.deals.mapping.shapes import Form
from closedwon.deals.mapping.words import AMOUNT, ANY, DATE, TEXT, TRUTH
from closedwon.deals.types import Severity

BRINGS = (
    "commit", "credit", "override", "scheduled_charge", "subscription", "recurring_commit",
    "recurring_credit", "custom_fields",
)  # fmt: skip
ENDS = ("ignore", "reject")


class RuleLoader:
    """Compiles the rules; what is wrong goes to the formulas' problems."""

    def __init__(self, formulas: Formulas, collections: Iterable[str]) -> None:
        self._formulas = formulas
        self._collections = tuple(collections)

    def check(self, form: Form, collection: str) -> Check | None:
        """A condition in the author's words; None when it is broken."""
        must = self._value(form, "must", collection, TRUTH.types)
        if must is None:
            return None
        return Check(
            collection=collection,
            code=form.text("code"),
            must=must,
            message=form.text("message"),
            fix=form.text("fix"),
            severity=Severity(form.text("severity", "park")),
        )

    def collection(self, form: Form, default: str = "") -> str:
        """The collection a form iterates; ``deal`` after noting an unknown one."""
        name = form.text("for", default)
        if name in self._collections:
            return name
        spot = form["for"].spot if form["for"] is not None else form.spot
        known = ", ".join(self._collections)
        near = nearest(name, self._collections)
        self._formulas.note(spot, f"for: {name or 'nothing'}", f"for: one of {known}", near)
        return DEAL

    def rule(self, form: Form) -> Rule:
        """One rule that is not the last one."""
        collection = self.collection(form)
        if form["id"] is None:
            self._formulas.note(form.spot, "a rule without id", "id: a name for explanations")
        brings = [name for name in BRINGS if form[name]]
        ends = [name for name in ENDS if form[name] is not None]
        if len(ends) > 1 or bool(brings) == bool(ends):
            expected = "outputs (" + ", ".join(BRINGS) + "), or ignore, or reject"
            self._formulas.note(form.spot, ", ".join([*brings, *ends]) or "no outcome", expected)
        reject = form["reject"]
        return Rule(
            id=form.text("id"),
            collection=collection,
            spot=form.spot,
            when=self._value(form, "when", collection, TRUTH.types),
            group_by=self._value(form, "group_by", collection, TEXT.types),
            checks=tuple(
                check
                for check in (self.check(one, collection) for one in form["require"] or ())
                if check is not None
            ),
            outputs=tuple(self._outputs(form, collection)),
            custom_fields=self.values(form["custom_fields"], collection),
            ignore=form.text("ignore") or None,
            reject=None if reject is None else _reject(reject),
        )

    def otherwise(self, form: Form) -> Otherwise:
        """The last rule."""
        for name in ("when", "for", "group_by", *BRINGS, *ENDS):
            if form[name]:
                expected = "otherwise with message and fix only"
                self._formulas.note(form.spot, f"{name!r} beside otherwise", expected)
        return Otherwise(
            rejects=form.text("otherwise") == "reject",
            message=form.text("message", "no rule of the mapping matches this row"),
            fix=form.text("fix", "add a rule for it, or correct the row"),
            spot=form.spot,
        )

    def values(self, named: Mapping[str, Any] | None, collection: str) -> dict[str, Value]:
        """Custom fields: name -> formula or look-up."""
        found = {
            name: self._formulas.value(node, collection, ANY.types)
            for name, node in (named or {}).items()
        }
        return {name: value for name, value in found.items() if value is not None}

    def _outputs(self, form: Form, collection: str) -> Iterable[Output]:
        for one in form["commit"] or ():
            yield from self._commit(one, collection, is_credit=False)
        for one in form["credit"] or ():
            yield from self._commit(one, collection, is_credit=True)
        for one in form["override"] or ():
            yield from self._override(one, collection)
        for one in form["scheduled_charge"] or ():
            yield from self._charge(one, collection)
        recurring = RecurringLoader(self, self._formulas)
        for one in form["subscription"] or ():
            yield from recurring.subscription(one, collection)
        for one in form["recurring_commit"] or ():
            yield from recurring.recurring(one, collection, is_credit=False)
        for one in form["recurring_credit"] or ():
            yield from recurring.recurring(one, collection, is_credit=True)

    def _commit(self, form: Form, collection: str, *, is_credit: bool) -> Iterable[CommitOutput]:
        product = self.product(form, collection)
        access = self._access(form["access"], collection)
        if product is None or access is None:
            return
        payments = form["payments"]
        yield CommitOutput(
            product=product,
            kind=self._value(form, "kind", collection, TEXT.types),
            access=access,
            payments=None if payments is None else self._payments(payments, collection),
            rollover_fraction=self._value(form, "rollover_fraction", collection, AMOUNT.types),
            applies=self.applies(form, collection),
            custom_fields=self.values(form["custom_fields"], collection),
            is_credit=is_credit,
            spot=form.spot,
        )

    def _access(self, form: Form | None, collection: str) -> Access | None:
        if form is None:
            return None
        amount = self._value(form, "amount", collection, AMOUNT.types)
        start = self._value(form, "start", collection, DATE.types)
        end = self._value(form, "end", collection, DATE.types)
        if amount is None or start is None or end is None:
            return None
        allows_gaps = form.text("gaps", "reject") == "allow"
        return Access(amount=amount, start=start, end=end, allows_gaps=allows_gaps)

    def _payments(self, form: Form, collection: str) -> Payments:
        otherwise = form["otherwise"]
        single = None
        if otherwise is not None:
            amount = self._value(otherwise, "amount", collection, AMOUNT.types)
            on = self._value(otherwise, "on", collection, DATE.types)
            single = None if amount is None or on is None else SinglePayment(amount=amount, on=on)
        return Payments(
            installments=self._installments(form) if form["for"] is not None else None,
            otherwise=single,
            difference=form.text("difference", "reject"),
        )

    def _installments(self, form: Form) -> Installments | None:
        collection = self.collection(form)
        match = self._value(form, "match", collection, TEXT.types)
        amount = self._value(form, "amount", collection, AMOUNT.types)
        on = self._value(form, "on", collection, DATE.types)
        for name in ("match", "amount", "on"):
            if form[name] is None:
                self._formulas.note(form.spot, f"payments for rows without {name!r}", name)
        if match is None or amount is None or on is None:
            return None
        return Installments(collection=collection, match=match, amount=amount, on=on)

    def _override(self, form: Form, collection: str) -> Iterable[OverrideOutput]:
        start = self._value(form, "start", collection, DATE.types)
        if (form["multiplier"] is None) == (form["price"] is None):
            self._formulas.note(form.spot, "this override", "either multiplier or price")
        if start is None:
            return
        yield OverrideOutput(
            key=self._value(form, "key", collection, TEXT.types),
            start=start,
            end=self._value(form, "end", collection, DATE.types),
            multiplier=self._value(form, "multiplier", collection, AMOUNT.types),
            price=self._value(form, "price", collection, AMOUNT.types),
            applies=self.applies(form, collection),
            spot=form.spot,
        )

    def _charge(self, form: Form, collection: str) -> Iterable[ChargeOutput]:
        product = self.product(form, collection)
        amount = self._value(form, "amount", collection, AMOUNT.types)
        if (form["on"] is None) == (form["schedule"] is None):
            self._formulas.note(form.spot, "a charge without its date", "either on or schedule")
        if product is None or amount is None:
            return
        yield ChargeOutput(
            product=product,
            amount=amount,
            on=self._value(form, "on", collection, DATE.types),
            schedule=self._schedule(form["schedule"], collection),
            custom_fields=self.values(form["custom_fields"], collection),
            spot=form.spot,
        )

    def _schedule(self, form: Form | None, collection: str) -> Recurring | None:
        if form is None:
            return None
        start = self._value(form, "start", collection, DATE.types)
        end = self._value(form, "end", collection, DATE.types)
        frequency = self._value(form, "frequency", collection, TEXT.types)
        if start is None or end is None or frequency is None:
            return None
        return Recurring(
            start=start,
            end=end,
            frequency=frequency,
            amounts=form.text("amounts"),
            in_arrears=self._value(form, "in_arrears", collection, TRUTH.types),
        )

    def product(self, form: Form, collection: str) -> ProductRef | None:
        """How a term is sold; None when it is broken."""
        product = self._value(form, "product", collection, TEXT.types)
        name = self._value(form, "name", collection, TEXT.types)
        if product is None or name is None:
            return None
        return ProductRef(
            key=self._value(form, "key", collection, TEXT.types),
            product=product,
            product_name=self._value(form, "product_name", collection, TEXT.types),
            name=name,
        )

    def applies(self, form: Form, collection: str) -> Applies:
        """What a balance or rate is about."""
        return Applies(
            tags=self._value(form, "tags", collection, TEXT.types),
            products=self._value(form, "products", collection, TEXT.types),
            priority=self._value(form, "priority", collection, AMOUNT.types),
        )

    def _value(self, form: Form, name: str, collection: str, types: Iterable[str]) -> Any:
        return self._formulas.value(form[name], collection, types)


def _reject(form: Form) -> Reject:
    return Reject(code=form.text("code"), message=form.text("message"), fix=form.text("fix"))
