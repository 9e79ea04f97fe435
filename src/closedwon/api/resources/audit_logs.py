"""Audit logs: what was done, in the order it was done (metronome.md 2.12; R363)."""

from typing import Annotated, Any

from closedwon.api.answers import sparse
from closedwon.api.call import Call, Route
from closedwon.api.model import Instant, Wire, one_of
from closedwon.api.paging import cursor
from closedwon.kernel.errors import Refused
from closedwon.store.audit import AuditRow
from closedwon.store.tokens import Scope

DIGITS = 12
"""Of positions in cursors, so that their text rises with them."""
READ_MAX = 1000
"""Rows looked at in one step."""


class Query(Wire):
    """Filters; the dates do not go with a cursor."""

    starting_on: Instant | None = None
    ending_before: Instant | None = None
    sort: Annotated[str, one_of("date_asc", "date_desc")] = "date_asc"
    resource_type: str | None = None
    resource_id: str | None = None


def list_(call: Call, _body: None) -> Any:
    """Rows that pass every filter, with a cursor even after the last one, to go on polling."""
    query: Query = call.query
    if (query.resource_type is None) != (query.resource_id is None):
        raise Refused("resource_type and resource_id: both or neither")
    if call.page.after and (query.starting_on or query.ending_before):
        raise Refused("starting_on and ending_before do not go with next_page")
    if query.sort == "date_desc":
        found = _newest_first(call, query, call.page.limit + 1)
        rows = found[: call.page.limit]
        last = rows[-1].position if len(found) > len(rows) else None
        return {"data": list(map(_shape, rows)), "next_page": last and _cursor(last)}
    rows = _oldest_first(call, query)
    after = rows[-1].position if rows else _position(call) or 0
    return {"data": list(map(_shape, rows)), "next_page": _cursor(after)}


def _oldest_first(call: Call, query: Query) -> list[AuditRow]:
    found: list[AuditRow] = []
    after = _position(call) or 0
    while len(found) < call.page.limit:
        rows = call.engine.stores.audit.rows(after, READ_MAX, query.resource_id)
        found += [row for row in rows if _passes(row, query)]
        if len(rows) < READ_MAX:
            break
        after = rows[-1].position
    return found[: call.page.limit]


def _newest_first(call: Call, query: Query, most: int) -> list[AuditRow]:
    audit = call.engine.stores.audit
    before = _position(call) or audit.head()[0] + 1
    found: list[AuditRow] = []
    while len(found) < most and before > 1:
        after = max(0, before - 1 - READ_MAX)
        rows = audit.rows(after, before - 1 - after)
        wanted = [
            row
            for row in reversed(rows)
            if _passes(row, query) and query.resource_id in (None, row.resource_id)
        ]
        found += wanted
        before = after + 1
    return found[:most]


def _passes(row: AuditRow, query: Query) -> bool:
    return (
        (query.resource_type is None or row.resource_type == query.resource_type)
        and (query.starting_on is None or query.starting_on <= row.at)
        and (query.ending_before is None or row.at < query.ending_before)
    )


def _position(call: Call) -> int | None:
    """Position of the last row seen; raises Refused for a cursor of another list."""
    if call.page.after is None:
        return None
    if len(call.page.after) != 1 or not call.page.after[0].isdigit():
        raise Refused("next_page: not a cursor of this list")
    return int(call.page.after[0])


def _cursor(position: int) -> str:
    return cursor((f"{position:0{DIGITS}}",))


def _shape(row: AuditRow) -> dict[str, Any]:
    return {
        "id": row.hash,
        "timestamp": row.at,
        "actor": {"id": row.by, "name": row.by},
        "request": {"id": str(row.position)},
        "action": row.action,
        "resource_type": row.resource_type,
        "resource_id": row.resource_id,
        "status": row.outcome,
        **sparse(description=row.detail or None),
    }


ROUTES = (
    Route(
        method="GET",
        path="/v1/auditLogs",
        scope=Scope.READ,
        do=list_,
        query=Query,
        is_paged=True,
    ),
)
