"""Products and their dated definitions (metronome.md 2.6; R45-R52)."""

from enum import StrEnum
from typing import Annotated, Any

from msgspec.structs import replace
from pydantic import AliasChoices, Field

from closedwon.api.call import Call, Route
from closedwon.api.model import Id, Instant, Number, Texts, Wire, one_of, renamed, whole, word
from closedwon.api.paging import paged_body
from closedwon.api.product_shape import EVER, created, product_shape
from closedwon.billing.catalog.types import (
    CompositeBase,
    Conversion,
    Product,
    ProductType,
    ProductVersion,
    Rounding,
)
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.instant import format_instant
from closedwon.store.tokens import Scope

SPELLINGS = {"PRO_SERVICE": "PROFESSIONAL_SERVICE"}


class ArchiveFilter(StrEnum):
    """Which products a list shows."""

    NOT_ARCHIVED = "NOT_ARCHIVED"
    ARCHIVED = "ARCHIVED"
    ALL = "ALL"


class QuantityConversion(Wire):
    """Metric unit to billed unit (R46)."""

    conversion_factor: Number
    operation: Annotated[str, one_of("MULTIPLY", "DIVIDE")]
    name: str | None = None


class QuantityRounding(Wire):
    """Rounding of the converted quantity (R46, R47)."""

    rounding_method: Annotated[str, one_of("ROUND_UP", "ROUND_DOWN", "ROUND_HALF_UP")]
    decimal_places: Annotated[int, whole(0, 20)]


class Create(Wire):
    """POST /v1/contract-pricing/products/create."""

    name: str = Field(min_length=1)
    type: Annotated[ProductType, word(ProductType), renamed(SPELLINGS)]
    billable_metric_id: str | None = None
    sql_breakdown_granularity: Annotated[str, one_of("HOUR", "SERVICE_PERIOD")] | None = None
    pricing_group_key: list[str] = []
    presentation_group_key: list[str] = []
    quantity_conversion: QuantityConversion | None = None
    quantity_rounding: QuantityRounding | None = None
    composite_product_ids: list[str] = []
    composite_tags: list[str] = []
    composite_scope: Annotated[str, one_of("CONTRACT", "CUSTOMER")] | None = None
    exclude_free_usage: bool | None = None
    include_composite_spend: bool | None = None
    is_refundable: bool | None = None
    tags: list[str] = []
    custom_fields: Texts = {}


class Update(Wire):
    """POST /v1/contract-pricing/products/update: what is not sent stays; null clears."""

    product_id: str
    starting_at: Instant
    name: str | None = Field(default=None, min_length=1)
    billable_metric_id: str | None = None
    sql_breakdown_granularity: Annotated[str, one_of("HOUR", "SERVICE_PERIOD")] | None = None
    pricing_group_key: list[str] | None = None
    presentation_group_key: list[str] | None = None
    quantity_conversion: QuantityConversion | None = None
    quantity_rounding: QuantityRounding | None = None
    composite_product_ids: list[str] | None = None
    composite_tags: list[str] | None = None
    exclude_free_usage: bool | None = None
    include_composite_spend: bool | None = None
    is_refundable: bool | None = None
    tags: list[str] | None = None


class ListBody(Wire):
    """Which products."""

    archive_filter: Annotated[ArchiveFilter, word(ArchiveFilter)] = ArchiveFilter.NOT_ARCHIVED


class Archive(Wire):
    """Which product."""

    product_id: str = Field(validation_alias=AliasChoices("product_id", "id"))


def create(call: Call, body: Create) -> Any:
    """Add a product."""
    _check_refundable(body.is_refundable)
    is_composite = body.type is ProductType.COMPOSITE
    base = CompositeBase(
        product_ids=tuple(body.composite_product_ids),
        product_tags=tuple(body.composite_tags),
        scope=body.composite_scope or "CONTRACT",
        exclude_free_usage=bool(body.exclude_free_usage),
        include_composite_spend=bool(body.include_composite_spend),
    )
    if not is_composite and base != CompositeBase():
        raise Refused("composite fields go with type COMPOSITE (R241)")
    version = ProductVersion(
        starting_at=EVER,
        name=body.name,
        tags=tuple(body.tags),
        metric_id=body.billable_metric_id,
        conversion=_conversion(body.quantity_conversion),
        rounding=_rounding(body.quantity_rounding),
        pricing_group_key=tuple(body.pricing_group_key),
        presentation_group_key=tuple(body.presentation_group_key),
        sql_granularity=body.sql_breakdown_granularity or "SERVICE_PERIOD",
        composite=base if is_composite else None,
        created_at=call.now,
        created_by=call.by,
    )
    product = Product(
        id=call.new_id(),
        type=body.type,
        versions=(version,),
        custom_fields=body.custom_fields,
    )
    call.engine.create_product(product, call.now, call.by)
    return {"data": {"id": product.id}}


def update(call: Call, body: Update) -> Any:
    """Define a product anew from an hour on, also a past one (R48)."""
    _check_refundable(body.is_refundable)
    product = _product(call, body.product_id)
    given = body.model_fields_set
    fields = {name: made for name, made in _changes(body).items() if name in given}
    known = product.at(body.starting_at)
    changes = {COLUMNS[name]: value for name, value in fields.items() if name in COLUMNS}
    version = replace(
        known,
        starting_at=body.starting_at,
        composite=_composite(known.composite, fields),
        created_at=call.now,
        created_by=call.by,
        **changes,
    )
    call.engine.update_product(product.id, version, call.now, call.by)
    return {"data": {"id": product.id}}


def retrieve(call: Call, body: Id) -> Any:
    """One product with all its definitions."""
    return {"data": product_shape(call, _product(call, body.id))}


def list_(call: Call, body: ListBody) -> Any:
    """Products, oldest first."""
    wanted = body.archive_filter
    rows = [
        one
        for one in call.engine.catalog().products.values()
        if wanted is ArchiveFilter.ALL
        or (one.archived_at is not None) == (wanted is ArchiveFilter.ARCHIVED)
    ]
    return paged_body(
        rows,
        call.page,
        lambda one: (format_instant(created(one.versions[0])), one.id),
        lambda one: product_shape(call, one),
    )


def archive(call: Call, body: Archive) -> Any:
    """Keep it from getting new rates."""
    call.engine.archive_product(body.product_id, call.now, call.by)
    return {"data": {"id": body.product_id}}


COLUMNS = {
    "name": "name",
    "tags": "tags",
    "billable_metric_id": "metric_id",
    "quantity_conversion": "conversion",
    "quantity_rounding": "rounding",
    "pricing_group_key": "pricing_group_key",
    "presentation_group_key": "presentation_group_key",
    "sql_breakdown_granularity": "sql_granularity",
}
"""Fields of an update by the field of a definition they set."""
COMPOSITES = {
    "composite_product_ids": "product_ids",
    "composite_tags": "product_tags",
    "exclude_free_usage": "exclude_free_usage",
    "include_composite_spend": "include_composite_spend",
}


def _changes(body: Update) -> dict[str, Any]:
    """Every field of an update as a definition has it; null lists are empty."""
    found: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in body
    }
    found["quantity_conversion"] = _conversion(body.quantity_conversion)
    found["quantity_rounding"] = _rounding(body.quantity_rounding)
    for name in ("tags", "pricing_group_key", "presentation_group_key", *list(COMPOSITES)[:2]):
        found[name] = found[name] or ()
    for name in ("name", "sql_breakdown_granularity"):
        if name in body.model_fields_set and found[name] is None:
            raise Refused(f"{name}: cannot be null")
    return found


def _composite(known: CompositeBase | None, fields: dict[str, Any]) -> CompositeBase | None:
    given = {COMPOSITES[name]: value for name, value in fields.items() if name in COMPOSITES}
    if not given:
        return known
    if known is None:
        raise Refused("composite fields go with type COMPOSITE (R241)")
    return replace(known, **{name: False if v is None else v for name, v in given.items()})


def _conversion(given: QuantityConversion | None) -> Conversion | None:
    if given is None:
        return None
    divide = given.operation == "DIVIDE"
    return Conversion(factor=given.conversion_factor, divide=divide, name=given.name or "")


def _rounding(given: QuantityRounding | None) -> Rounding | None:
    if given is None:
        return None
    return Rounding(method=given.rounding_method, decimal_places=given.decimal_places)


def _check_refundable(given: bool | None) -> None:  # noqa: FBT001 a field as it was sent
    if given is False:
        raise Refused("is_refundable: only true is supported; the vendor gates false (2.6)")


def _product(call: Call, product_id: str) -> Product:
    product = call.engine.catalog().products.get(product_id)
    if product is None:
        raise NotFound("no such product", product=product_id)
    return product


ALL = "/v1/contract-pricing/products"
ROUTES = (
    Route(method="POST", path=f"{ALL}/create", scope=Scope.WRITE, do=create, body=Create),
    Route(method="POST", path=f"{ALL}/update", scope=Scope.WRITE, do=update, body=Update),
    Route(method="POST", path=f"{ALL}/archive", scope=Scope.WRITE, do=archive, body=Archive),
    Route(method="POST", path=f"{ALL}/get", scope=Scope.READ, do=retrieve, body=Id),
    Route(
        method="POST",
        path=f"{ALL}/list",
        scope=Scope.READ,
        do=list_,
        body=ListBody,
        is_paged=True,
    ),
)
