"""Commands on billable metrics: created whole, renamed, archived, never changed (R29-R38)."""

from datetime import datetime

from msgspec.structs import replace

from closedwon.billing.catalog.types import Metric
from closedwon.engine.command import command
from closedwon.engine.fields import check_fields
from closedwon.engine.types import Usage
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.store.stores import Stores


def create(stores: Stores, usage: Usage, metric: Metric, *, by: str, now: datetime) -> None:
    """Add a metric (R29); again with the same content, before its changes, changes nothing.

    The columns of a SQL metric beside its quantity become its group key (R38). Raises Refused for
    SQL that is not allowed, Conflict for an id that is taken by other content.
    """
    with command(stores, "create", ("billable_metric", metric.id), by=by, now=now) as running:
        metric = _keyed(usage, metric)
        known = stores.catalogue.catalog().metrics.get(metric.id)
        if known is not None:
            if replace(known, name=metric.name, archived_at=metric.archived_at) != metric:
                raise Conflict("a metric with this id and other content exists", id=metric.id)
            return
        check_fields(stores, "billable_metric", metric.id, metric.custom_fields)
        stores.catalogue.add_metric(metric)
        stores.custom_fields.set("billable_metric", metric.id, metric.custom_fields)
        running.changed = True


def rename(stores: Stores, metric_id: str, name: str, *, by: str, now: datetime) -> None:
    """Give a metric another name, the only thing of it that can change (R37)."""
    with command(stores, "update", ("billable_metric", metric_id), by=by, now=now) as running:
        metric = get(stores, metric_id)
        if not name:
            raise Refused("a metric needs a name", metric=metric_id)
        if metric.name != name:
            stores.catalogue.put_metric(replace(metric, name=name))
            running.changed = True


def archive(stores: Stores, metric_id: str, *, by: str, now: datetime) -> None:
    """Keep new products from using a metric; those that do keep working (R11, R37)."""
    with command(stores, "archive", ("billable_metric", metric_id), by=by, now=now) as running:
        metric = get(stores, metric_id)
        if metric.archived_at is None:
            stores.catalogue.put_metric(replace(metric, archived_at=now))
            running.changed = True


def get(stores: Stores, metric_id: str) -> Metric:
    """The metric, archived or not; raises NotFound."""
    metric = stores.catalogue.catalog().metrics.get(metric_id)
    if metric is None:
        raise NotFound("no such billable metric", metric=metric_id)
    return metric


def _keyed(usage: Usage, metric: Metric) -> Metric:
    """A SQL metric with its group key; raises Refused when it was given another one."""
    if metric.sql is None:
        return metric
    columns = usage.check_sql(metric.sql)
    keys = (columns,) if columns else ()
    if metric.group_keys and {frozenset(k) for k in metric.group_keys} != {frozenset(columns)}:
        raise Refused(
            "the group keys of a SQL metric are its columns beside the quantity (R38)",
            metric=metric.id,
            expected=", ".join(columns) or "none",
        )
    return replace(metric, group_keys=keys)
