"""Charges, discounts, professional services and royalties as they are sent (2.7; R148-R160)."""

from typing import Annotated, TypeVar

from pydantic import AliasChoices, Field

from closedwon.api.answers import sparse
from closedwon.api.model import Instant, Number, Texts, Wire, one_of
from closedwon.api.terms.making import Making, echoed
from closedwon.api.terms.schedules import ScheduleSent, points
from closedwon.billing.contracts.gated import Discount, ProfessionalService, Royalty
from closedwon.billing.contracts.terms import ScheduledCharge
from closedwon.kernel.errors import Refused
from closedwon.kernel.exact import canonical
from closedwon.kernel.instant import Interval

PRODUCT = AliasChoices("product_id", "product")
RESELLERS = ("AWS", "AWS_PRO_SERVICE", "GCP", "GCP_PRO_SERVICE")
Scheduled = TypeVar("Scheduled", ScheduledCharge, Discount)


class ChargeSent(Wire):
    """A scheduled charge, or a discount."""

    product_id: str = Field(validation_alias=PRODUCT)
    schedule: ScheduleSent
    name: str | None = None
    custom_fields: Texts = {}
    netsuite_sales_order_id: str | None = None


class ServiceSent(Wire):
    """A professional service (R159)."""

    product_id: str = Field(validation_alias=PRODUCT)
    unit_price: Number
    quantity: Number
    max_amount: Number
    description: str = ""
    custom_fields: Texts = {}
    netsuite_sales_order_id: str | None = None


class AwsSent(Wire):
    """aws_options of a royalty."""

    aws_account_number: str | None = None
    aws_offer_id: str | None = None
    aws_payer_reference_id: str | None = None


class GcpSent(Wire):
    """gcp_options of a royalty."""

    gcp_account_id: str | None = None
    gcp_offer_id: str | None = None


class RoyaltySent(Wire):
    """A reseller's share; kept and shown, not rated."""

    reseller_type: Annotated[str, one_of(*RESELLERS)]
    fraction: Number
    netsuite_reseller_id: str
    starting_at: Instant
    ending_before: Instant | None = None
    applicable_product_ids: list[str] = []
    applicable_product_tags: list[str] = []
    aws_options: AwsSent = AwsSent()
    gcp_options: GcpSent = GcpSent()
    reseller_contract_value: Number | None = None


def charge(make: Making, sent: ChargeSent, where: str) -> ScheduledCharge:
    """One scheduled charge."""
    return _scheduled(ScheduledCharge, make, sent, where)


def discount(make: Making, sent: ChargeSent, where: str) -> Discount:
    """One discount."""
    return _scheduled(Discount, make, sent, where)


def _scheduled(kind: type[Scheduled], make: Making, sent: ChargeSent, where: str) -> Scheduled:
    _check_invoiced(sent, where)
    term_id = make.own_id()
    items, unit = points(make, sent.schedule, f"{where}.schedule")
    return kind(
        id=term_id,
        product_id=sent.product_id,
        name=make.named(sent.name, sent.product_id),
        items=items,
        credit_type_id=unit,
        custom_fields=sent.custom_fields,
        echoed=echoed(sent),
    )


def service(make: Making, sent: ServiceSent, _where: str) -> ProfessionalService:
    """One professional service."""
    return ProfessionalService(
        id=make.own_id(),
        product_id=sent.product_id,
        unit_price=sent.unit_price,
        quantity=sent.quantity,
        max_amount=sent.max_amount,
        description=sent.description,
        custom_fields=sent.custom_fields,
        echoed=echoed(sent),
    )


def royalty(make: Making, sent: RoyaltySent, where: str) -> Royalty:
    """One royalty."""
    if sent.ending_before is not None and sent.ending_before <= sent.starting_at:
        raise Refused(f"{where}.ending_before: must be after starting_at")
    value = sent.reseller_contract_value
    options = {
        **sent.aws_options.model_dump(),
        **sent.gcp_options.model_dump(),
        "reseller_contract_value": None if value is None else canonical(value),
    }
    return Royalty(
        id=make.own_id(),
        reseller_type=sent.reseller_type,
        fraction=sent.fraction,
        window=Interval(sent.starting_at, sent.ending_before),
        netsuite_reseller_id=sent.netsuite_reseller_id,
        product_ids=tuple(sent.applicable_product_ids),
        product_tags=tuple(sent.applicable_product_tags),
        options=sparse(**options),
    )


def _check_invoiced(sent: ChargeSent, where: str) -> None:
    if sent.schedule.do_not_invoice:
        raise Refused(f"{where}.schedule.do_not_invoice: goes with commits only (2.7)")
