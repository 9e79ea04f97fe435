"""Billable metrics: made whole, renamed, archived (metronome.md 2.5; R29-R38)."""

from typing import Annotated, Any

from pydantic import Field

from closedwon.api.call import Call, Route
from closedwon.api.model import Id, Texts, Wire, word
from closedwon.api.paging import paged_body
from closedwon.api.query import Flag
from closedwon.api.shapes import metric_shape
from closedwon.billing.catalog.types import Aggregation, Metric, PropertyFilter
from closedwon.kernel.errors import NotFound, Refused
from closedwon.kernel.instant import format_instant
from closedwon.store.tokens import Scope


class EventTypes(Wire):
    """Which event types count; one of the two lists."""

    in_values: list[str] = []
    not_in_values: list[str] = []


class Property(Wire):
    """A condition on a property (R29)."""

    name: str = Field(min_length=1)
    exists: bool | None = None
    in_values: list[str] = []
    not_in_values: list[str] = []


class Create(Wire):
    """POST /v1/billable-metrics/create: ``sql``, or the streaming fields."""

    name: str = Field(min_length=1)
    sql: str | None = None
    aggregation_type: Annotated[Aggregation, word(Aggregation)] | None = None
    aggregation_key: str | None = None
    event_type_filter: EventTypes | None = None
    property_filters: list[Property] = []
    group_keys: list[list[str]] = []
    custom_fields: Texts = {}


class Rename(Wire):
    """The new name, the only thing that can change (R37)."""

    name: str = Field(min_length=1)


class ListQuery(Wire):
    """Filters of lists."""

    include_archived: Flag = False
    on_current_plan: Flag = False


def create(call: Call, body: Create) -> Any:
    """Add a metric."""
    _check_keys(body)
    types = body.event_type_filter or EventTypes()
    metric = Metric(
        id=call.new_id(),
        name=body.name,
        aggregation=body.aggregation_type,
        sql=body.sql,
        key=body.aggregation_key,
        event_types=tuple(types.in_values),
        not_event_types=tuple(types.not_in_values),
        filters=tuple(
            PropertyFilter(
                name=one.name,
                exists=one.exists,
                in_values=tuple(one.in_values),
                not_in_values=tuple(one.not_in_values),
            )
            for one in body.property_filters
        ),
        group_keys=tuple(map(tuple, body.group_keys)),
        custom_fields=body.custom_fields,
        created_at=call.now,
    )
    call.engine.create_metric(metric, call.now, call.by)
    return {"data": {"id": metric.id}}


def retrieve(call: Call, _body: None) -> Any:
    """One metric, archived or not."""
    return {"data": metric_shape(call, _metric(call, call.path["billable_metric_id"]))}


def rename(call: Call, body: Rename) -> Any:
    """Give it another name."""
    metric_id = call.path["billable_metric_id"]
    call.engine.rename_metric(metric_id, body.name, call.now, call.by)
    return {"data": {"id": metric_id}}


def archive(call: Call, body: Id) -> Any:
    """Keep new products from using it."""
    call.engine.archive_metric(body.id, call.now, call.by)
    return {"data": {"id": body.id}}


def list_(call: Call, _body: None) -> Any:
    """Metrics, oldest first."""
    return _listed(call, tuple(call.engine.catalog().metrics.values()))


def of_customer(call: Call, _body: None) -> Any:
    """Metrics of a customer; without plans that is every metric there is."""
    call.engine.customer(call.path["customer_id"])
    return _listed(call, tuple(call.engine.catalog().metrics.values()))


def _listed(call: Call, metrics: tuple[Metric, ...]) -> Any:
    query: ListQuery = call.query
    return paged_body(
        [one for one in metrics if query.include_archived or one.archived_at is None],
        call.page,
        lambda one: (format_instant(one.created_at), one.id),
        lambda one: metric_shape(call, one),
    )


def _metric(call: Call, metric_id: str) -> Metric:
    metric = call.engine.catalog().metrics.get(metric_id)
    if metric is None:
        raise NotFound("no such billable metric", metric=metric_id)
    return metric


def _check_keys(body: Create) -> None:
    """Keys stand among the property filters, so that events without them never match (2.5, R36)."""
    if body.sql is not None:
        return
    names = {one.name for one in body.property_filters}
    present = {one.name for one in body.property_filters if one.exists or one.in_values}
    if body.aggregation_key is not None and body.aggregation_key not in names:
        raise Refused("aggregation_key: must be one of the property_filters (2.5)")
    for at, keys in enumerate(body.group_keys):
        missing = [key for key in keys if key not in present]
        if missing:
            told = "needs a property filter with exists: true or in_values (R36)"
            raise Refused(f"group_keys.{at}: {missing[0]!r} {told}")


ALL = "/v1/billable-metrics"
ONE = f"{ALL}/{{billable_metric_id}}"
ROUTES = (
    Route(method="POST", path=f"{ALL}/create", scope=Scope.WRITE, do=create, body=Create),
    Route(method="POST", path=f"{ALL}/archive", scope=Scope.WRITE, do=archive, body=Id),
    Route(method="GET", path=ALL, scope=Scope.READ, do=list_, query=ListQuery, is_paged=True),
    Route(method="GET", path=ONE, scope=Scope.READ, do=retrieve),
    Route(method="PUT", path=ONE, scope=Scope.WRITE, do=rename, body=Rename),
    Route(
        method="GET",
        path="/v1/customers/{customer_id}/billable-metrics",
        scope=Scope.READ,
        do=of_customer,
        query=ListQuery,
        is_paged=True,
    ),
)
