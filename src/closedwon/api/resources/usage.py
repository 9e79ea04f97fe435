"""Usage out: by window, by group, and event by event (R28, R41-R43)."""

from functools import partial
from typing import Annotated, Any

from pydantic import AliasChoices, Field

from closedwon.api.answers import sparse
from closedwon.api.call import Call, Route
from closedwon.api.model import Instant, Wire, word
from closedwon.api.paging import paged_body
from closedwon.api.shapes import metric_shape
from closedwon.engine.usage_queries import MatchedEvent, MetricAsked, Part
from closedwon.kernel.errors import Refused
from closedwon.kernel.ids import derive
from closedwon.kernel.instant import Interval, format_instant
from closedwon.kernel.strict_json import canonical_dumps
from closedwon.store.tokens import Scope
from closedwon.usage.windows import WindowSize, WindowValue

IDS_MAX = 1000
VALUES_MAX = 200
"""Values of a group key in one question (Appendix E)."""
Size = Annotated[WindowSize, word(WindowSize)]
Values = Annotated[list[str], Field(max_length=VALUES_MAX)]


class GroupBy(Wire):
    """A single group key, and the values of it that are wanted."""

    key: str
    values: Values = []


class MetricWanted(Wire):
    """A metric, grouped or not."""

    id: str
    group_by: GroupBy | None = None


class Usage(Wire):
    """POST /v1/usage."""

    starting_on: Instant
    ending_before: Instant
    window_size: Size
    customer_ids: Annotated[list[str], Field(max_length=IDS_MAX)] = []
    billable_metrics: Annotated[list[MetricWanted], Field(max_length=IDS_MAX)] = []


class Groups(Wire):
    """POST /v1/usage/groups: over dates, or the current billing period."""

    customer_id: str
    billable_metric_id: str
    window_size: Size
    starting_on: Instant | None = None
    ending_before: Instant | None = None
    current_period: bool = False
    group_key: list[str] = []
    group_filters: dict[str, Values] = {}
    group_by: GroupBy | None = None


class Search(Wire):
    """POST /v1/events/search."""

    transaction_ids: Annotated[list[str], Field(min_length=1, max_length=IDS_MAX)] = Field(
        validation_alias=AliasChoices("transactionIds", "transaction_ids")
    )


def usage(call: Call, body: Usage) -> Any:
    """Values by customer, metric and window; null where there was no usage (R43)."""
    span = _span(body.starting_on, body.ending_before)
    wanted = [MetricAsked(metric_id=one.id) for one in body.billable_metrics]
    ask = partial(_windows, call, body, span)
    totals = ask(wanted)
    by_group = [_grouped(one.id, one.group_by) for one in body.billable_metrics if one.group_by]
    groups: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in ask(by_group) if by_group else ():
        for value in row.group.values():
            groups.setdefault(_window_key(row), {})[value or ""] = row.value
    with_groups = {one.metric_id for one in by_group}

    def shape(row: WindowValue) -> dict[str, Any]:
        found = groups.get(_window_key(row), {}) if row.metric_id in with_groups else None
        return {
            "customer_id": row.customer_id,
            "billable_metric_id": row.metric_id,
            "billable_metric_name": row.metric_name,
            "start_timestamp": row.start,
            "end_timestamp": row.end,
            "value": row.value,
            **sparse(groups=found),
        }

    return paged_body(totals, call.page, _window_key, shape)


def _windows(
    call: Call, body: Usage, span: Interval, wanted: list[MetricAsked]
) -> tuple[WindowValue, ...]:
    """No more than the page needs: the rows follow each other by customer, metric and window."""
    customer_id, metric_id, *_ = (*(call.page.after or ()), "", "")
    part = Part(since=(customer_id, metric_id), rows=call.page.limit + 1)
    windows = call.engine.usage_queries.windows
    return windows(body.customer_ids, wanted, body.window_size, span, part)


def groups(call: Call, body: Groups) -> Any:
    """One customer's usage of one metric, window by window and group by group."""
    keys, filters = tuple(body.group_key), dict(body.group_filters)
    if body.group_by is not None:
        if keys or filters:
            raise Refused("group_by: give it or group_key with group_filters, not both")
        keys = (body.group_by.key,)
        filters = {body.group_by.key: body.group_by.values} if body.group_by.values else {}
    asked = MetricAsked(
        metric_id=body.billable_metric_id,
        group_keys=keys,
        group_filters={key: tuple(values) for key, values in filters.items()},
    )
    queries, dates = call.engine.usage_queries, (body.starting_on, body.ending_before)
    if body.current_period == any(dates):
        raise Refused("give starting_on with ending_before, or current_period: true, not both")
    if body.current_period:
        rows = queries.grouped_now(body.customer_id, asked, body.window_size, call.now)
    else:
        rows = queries.grouped(body.customer_id, asked, body.window_size, _span(*dates))
    return paged_body(rows, call.page, _group_key, _group_row)


def search(call: Call, body: Search) -> Any:
    """Events of the last 34 days by transaction id, a bare array."""
    found = call.engine.search_events(body.transaction_ids, call.now)
    return [_sample(call, at, one) for at, one in enumerate(found)]


def _grouped(metric_id: str, group: GroupBy) -> MetricAsked:
    filters = {group.key: tuple(group.values)} if group.values else {}
    return MetricAsked(metric_id=metric_id, group_keys=(group.key,), group_filters=filters)


def _span(start: Any, end: Any) -> Interval:
    if start is None or end is None:
        raise Refused("starting_on and ending_before: both are required")
    return Interval(start, end)


def _window_key(row: WindowValue) -> tuple[str, ...]:
    return (row.customer_id, row.metric_id, format_instant(row.start))


def _group_key(row: WindowValue) -> tuple[str, ...]:
    return (format_instant(row.start), canonical_dumps(row.group))


def _group_row(row: WindowValue) -> dict[str, Any]:
    """A compound group stands in ``group``; a single one in ``group_key`` and ``group_value``."""
    names = list(row.group)
    single = names[0] if len(names) == 1 else None
    return {
        "starting_on": row.start,
        "ending_before": row.end,
        "group": {name: text for name, text in row.group.items() if text is not None},
        "group_key": single,
        "group_value": None if single is None else row.group[single],
        "value": row.value,
    }


def _sample(call: Call, at: int, one: MatchedEvent) -> dict[str, Any]:
    traced, event = one.traced, one.traced.event
    customer = one.customer
    moment = format_instant(traced.processed_at)
    return {
        "id": derive("event_sample", event.transaction_id, moment, str(at)),
        "transaction_id": event.transaction_id,
        "customer_id": event.customer_id,
        "event_type": event.event_type,
        "timestamp": event.timestamp,
        "properties": dict(event.properties),
        "is_duplicate": traced.is_duplicate,
        "processed_at": traced.processed_at,
        **sparse(
            matched_customer=None
            if customer is None
            else {"id": customer.id, "name": customer.name}
        ),
        "matched_billable_metrics": [metric_shape(call, metric) for metric in one.metrics],
    }


ROUTES = (
    Route(method="POST", path="/v1/usage", scope=Scope.READ, do=usage, body=Usage, is_paged=True),
    Route(
        method="POST",
        path="/v1/usage/groups",
        scope=Scope.READ,
        do=groups,
        body=Groups,
        is_paged=True,
    ),
    Route(method="POST", path="/v1/events/search", scope=Scope.READ, do=search, body=Search),
)
