"""Commands on the catalogue: credit types and products (R45-R52)."""

from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from closedwon.billing.catalog.types import (
    FIAT,
    Catalog,
    CreditType,
    Product,
    ProductType,
    ProductVersion,
)
from closedwon.engine.command import command
from closedwon.engine.fields import check_fields
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.kernel.instant import on_hour, wire_instant
from closedwon.store.stores import Stores

Definition = TypeVar("Definition", CreditType, Product)


def create_credit_type(stores: Stores, kind: CreditType, *, by: str, now: datetime) -> None:
    """Add a currency or pricing unit; again with the same content changes nothing."""
    with command(stores, "create", ("credit_type", kind.id), by=by, now=now) as running:
        known = stores.catalogue.catalog().credit_types
        if _is_new(known.get(kind.id), kind, "credit type"):
            if any(
                other.name == kind.name and not _is_seeded(other, kind) for other in known.values()
            ):
                raise Conflict(f"a credit type is called {kind.name!r} already")
            stores.catalogue.add_credit_type(kind)
            running.changed = True


def archive_credit_type(stores: Stores, kind_id: str, *, by: str, now: datetime) -> None:
    """Keep rate cards from taking a pricing unit up; those that have it keep it (R11)."""
    with command(stores, "archive", ("credit_type", kind_id), by=by, now=now) as running:
        kind = stores.catalogue.catalog().credit_types.get(kind_id)
        if kind is None:
            raise NotFound("no such credit type", credit_type=kind_id)
        if kind.currency is not None:
            raise Refused("a currency cannot be archived", credit_type=kind.name)
        if kind.archived_at is None:
            stores.catalogue.put_credit_type(replace(kind, archived_at=now))
            running.changed = True


def create_product(stores: Stores, product: Product, *, by: str, now: datetime) -> None:
    """Add a product (R45); again with the same content changes nothing."""
    with command(stores, "create", ("contract_product", product.id), by=by, now=now) as running:
        catalog = stores.catalogue.catalog()
        if _is_new(catalog.products.get(product.id), product, "product"):
            for version in product.versions:
                _check_version(catalog, product.type, version)
            check_fields(stores, "contract_product", product.id, product.custom_fields)
            stores.catalogue.add_product(product)
            stores.custom_fields.set("contract_product", product.id, product.custom_fields)
            running.changed = True


def update_product(
    stores: Stores, product_id: str, version: ProductVersion, *, by: str, now: datetime
) -> None:
    """Define a product anew from ``version.starting_at`` on (R48); drafts follow, R12."""
    with command(stores, "update", ("contract_product", product_id), by=by, now=now) as running:
        catalog = stores.catalogue.catalog()
        product = _product(catalog, product_id)
        if product.archived_at is not None:
            raise Refused("an archived product cannot be updated", product=product_id)
        on_hour(version.starting_at, "product update")
        if version.starting_at < product.versions[0].starting_at:
            raise Refused(
                "an update cannot start before the product's first definition",
                product=product_id,
                first=wire_instant(product.versions[0].starting_at),
            )
        _check_version(catalog, product.type, version, product)
        if version not in product.versions:
            stores.catalogue.put_product_version(product_id, version)
            running.changed = True


def archive_product(stores: Stores, product_id: str, *, by: str, now: datetime) -> None:
    """Keep a product from getting new rates; what is sold stays sold (R11)."""
    with command(stores, "archive", ("contract_product", product_id), by=by, now=now) as running:
        product = _product(stores.catalogue.catalog(), product_id)
        if product.archived_at is None:
            stores.catalogue.put_product(replace(product, archived_at=now))
            running.changed = True


def _is_new(known: Definition | None, given: Definition, what: str) -> bool:
    if known is None:
        return True
    if known != given:
        raise Conflict(f"a {what} with this id and other content exists", id=given.id)
    return False


def _is_seeded(other: CreditType, kind: CreditType) -> bool:
    """Whether ``other`` is the currency of ``kind`` as it is there without being created."""
    return other.id in FIAT and kind.currency == other.currency is not None


def _product(catalog: Catalog, product_id: str) -> Product:
    product = catalog.products.get(product_id)
    if product is None:
        raise NotFound("no such product", product=product_id)
    return product


def _check_version(
    catalog: Catalog, kind: ProductType, version: ProductVersion, known: Product | None = None
) -> None:
    """What a definition must fulfil; a product keeps a metric it has, archived or not (R37)."""
    if (kind is ProductType.USAGE) != (version.metric_id is not None):
        raise Refused("a metric goes with USAGE products, and only with them", name=version.name)
    if (kind is ProductType.COMPOSITE) != (version.composite is not None):
        raise Refused(
            "composite products, and only they, name their base (R241)", name=version.name
        )
    if version.metric_id is None:
        return
    metric = catalog.metrics.get(version.metric_id)
    kept = known is not None and any(v.metric_id == version.metric_id for v in known.versions)
    if metric is None or (metric.archived_at is not None and not kept):
        raise Refused("unknown or archived metric", metric=version.metric_id)
    keys = frozenset(version.pricing_group_key) | frozenset(version.presentation_group_key)
    if not metric.can_group_by(keys):
        raise Refused(
            "the metric has no compound group key with these keys (R35)",
            metric=metric.id,
            keys=", ".join(sorted(keys)),
        )
