"""What update_* lists of an edit ask for, as sent (2.8), and the patches they are (R112-R114)."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from pydantic import AliasChoices, Field

from closedwon.api.model import Id, Instant, Number, Wire
from closedwon.api.terms.balances import ProrationRoundingSent, RateType
from closedwon.api.terms.making import ECHOED, Making, inside
from closedwon.api.terms.schedules import AccessSent, PointSent, point, segment
from closedwon.api.terms.scopes import BalanceHierarchySent, SpecifierSent, specifier
from closedwon.billing.contracts.patches import (
    AccessPatch,
    AmountPatch,
    ChargePatch,
    CommitPatch,
    PointUpdate,
    RecurringPatch,
    SchedulePatch,
    SegmentUpdate,
)


class SegmentUpdateSent(Wire):
    """Changes of one access window."""

    id: str
    amount: Number | None = None
    starting_at: Instant | None = None
    ending_before: Instant | None = None


class AccessUpdateSent(Wire):
    """Changes of an access schedule."""

    add_schedule_items: list[AccessSent] = []
    update_schedule_items: list[SegmentUpdateSent] = []
    remove_schedule_items: list[Id] = []


class PointUpdateSent(Wire):
    """Changes of one payment."""

    id: str
    timestamp: Instant | None = None
    amount: Number | None = None
    unit_price: Number | None = None
    quantity: Number | None = None


class ScheduleUpdateSent(Wire):
    """Changes of an invoice schedule."""

    add_schedule_items: list[PointSent] = []
    update_schedule_items: list[PointUpdateSent] = []
    remove_schedule_items: list[Id] = []


class BalanceUpdateSent(Wire):
    """update_commits and update_credits, and the bodies of commits/edit and credits/edit."""

    commit_id: Annotated[str, Field(validation_alias=AliasChoices("commit_id", "credit_id"))]
    customer_id: str | None = None
    name: str | None = None
    description: str | None = None
    product_id: str | None = None
    access_schedule: AccessUpdateSent = AccessUpdateSent()
    invoice_schedule: ScheduleUpdateSent = ScheduleUpdateSent()
    invoice_contract_id: str | None = None
    applicable_contract_ids: list[str] | None = None
    applicable_product_ids: list[str] | None = None
    applicable_product_tags: list[str] | None = None
    specifiers: list[SpecifierSent] | None = None
    priority: Number | None = None
    rollover_fraction: Number | None = None
    rate_type: RateType | None = None
    hierarchy_configuration: BalanceHierarchySent | None = None
    netsuite_sales_order_id: str | None = None


class ChargeUpdateSent(Wire):
    """update_scheduled_charges."""

    scheduled_charge_id: str
    invoice_schedule: ScheduleUpdateSent = ScheduleUpdateSent()
    netsuite_sales_order_id: str | None = None


class AmountUpdateSent(Wire):
    """A recurring amount's new price or quantity."""

    unit_price: Number | None = None
    quantity: Number | None = None


class RecurringUpdateSent(Wire):
    """update_recurring_commits and update_recurring_credits."""

    id: str = Field(
        validation_alias=AliasChoices("recurring_commit_id", "recurring_credit_id", "id")
    )
    access_amount: AmountUpdateSent = AmountUpdateSent()
    invoice_amount: AmountUpdateSent = AmountUpdateSent()
    ending_before: Instant | None = None
    rate_type: RateType | None = None
    proration_rounding: ProrationRoundingSent | None = None


def commit_patch(make: Making, sent: BalanceUpdateSent, where: str) -> CommitPatch:
    """Changes of one commit or credit; what was not sent stays."""
    fields = given(sent, "name", "description", "product_id", "rate_type", "invoice_contract_id")
    fields |= given(sent, "priority", "rollover_fraction", null=True)
    for name, field in (("product_ids", "applicable_product_ids"), (_TAGS, f"applicable_{_TAGS}")):
        if field in sent.model_fields_set:
            value = getattr(sent, field)
            fields[name] = None if value is None else tuple(value)
    if "specifiers" in sent.model_fields_set:
        fields["specifiers"] = tuple(specifier(one) for one in sent.specifiers or ())
    if sent.hierarchy_configuration is not None:
        fields["child_access"] = sent.hierarchy_configuration.access
    return CommitPatch(
        id=sent.commit_id,
        access=access_patch(make, sent.access_schedule, inside(where, "access_schedule")),
        invoice=schedule_patch(make, sent.invoice_schedule),
        echoed=given(sent, *ECHOED, null=True),
        **fields,
    )


_TAGS = "product_tags"


def access_patch(make: Making, sent: AccessUpdateSent, where: str) -> AccessPatch:
    """Changes of an access schedule."""
    return AccessPatch(
        add=tuple(
            segment(make, one, f"{where}.add_schedule_items.{at}")
            for at, one in enumerate(sent.add_schedule_items)
        ),
        update=tuple(
            SegmentUpdate(id=one.id, **given(one, "amount", "starting_at", "ending_before"))
            for one in sent.update_schedule_items
        ),
        remove_ids=tuple(one.id for one in sent.remove_schedule_items),
    )


def schedule_patch(make: Making, sent: ScheduleUpdateSent) -> SchedulePatch:
    """Changes of an invoice schedule."""
    names = ("timestamp", "amount", "unit_price", "quantity")
    return SchedulePatch(
        add=tuple(point(make, one) for one in sent.add_schedule_items),
        update=tuple(
            PointUpdate(id=one.id, **given(one, *names)) for one in sent.update_schedule_items
        ),
        remove_ids=tuple(one.id for one in sent.remove_schedule_items),
    )


def charge_patches(make: Making, sent: Iterable[ChargeUpdateSent]) -> tuple[ChargePatch, ...]:
    """Changes of scheduled charges."""
    return tuple(
        ChargePatch(
            id=one.scheduled_charge_id,
            invoice=schedule_patch(make, one.invoice_schedule),
            echoed=given(one, *ECHOED, null=True),
        )
        for one in sent
    )


def recurring_patches(sent: Sequence[RecurringUpdateSent]) -> tuple[RecurringPatch, ...]:
    """Changes of generators; null rounding rounds nothing any more."""
    return tuple(
        RecurringPatch(
            id=one.id,
            access=AmountPatch(**given(one.access_amount, "unit_price", "quantity")),
            invoice=AmountPatch(**given(one.invoice_amount, "unit_price", "quantity")),
            **given(one, "rate_type"),
            **given(one, "ending_before", null=True),
            **_roundings(one),
        )
        for one in sent
    )


def given(sent: Wire, *names: str, null: bool = False) -> dict[str, Any]:
    """The fields that were sent, by name; a null only counts with ``null``."""
    return {
        name: getattr(sent, name)
        for name in names
        if name in sent.model_fields_set and (null or getattr(sent, name) is not None)
    }


def _roundings(sent: RecurringUpdateSent) -> dict[str, Any]:
    if "proration_rounding" not in sent.model_fields_set:
        return {}
    rounding = sent.proration_rounding
    if rounding is None:
        return {"access_rounding": None, "invoice_rounding": None}
    return {
        f"{name}_rounding": None if (one := getattr(rounding, name)) is None else one.rounding
        for name in ("access", "invoice")
        if name in rounding.model_fields_set
    }
