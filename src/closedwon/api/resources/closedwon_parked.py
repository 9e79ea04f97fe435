"""Ours: everything that stopped, why and what to do, and letting it try again (D9, G13)."""

from typing import Any

from msgspec.structs import asdict

from closedwon.api.call import Call, Route
from closedwon.api.model import Wire
from closedwon.api.paging import paged_body
from closedwon.kernel.errors import NotFound
from closedwon.kernel.instant import format_instant
from closedwon.store.line import LineStore
from closedwon.store.line.parked import ParkedRow
from closedwon.store.tokens import Scope
from closedwon.sync.parked import Stopped, let_go, stopped


class Parked(Wire):
    """GET /closedwon/parked."""

    code: str | None = None


class Release(Wire):
    """POST /closedwon/parked/release: an opportunity, the key of a pushed row, or a customer."""

    subject: str


def list_(call: Call, _body: None) -> Any:
    """Open reasons of deals, pushed rows and customers, oldest first."""
    query: Parked = call.query
    found = [
        one
        for one in stopped(LineStore(call.engine.db), call.engine)
        if query.code in (None, one.code)
    ]
    return paged_body(found, call.page, _key, asdict)


def show(call: Call, _body: None) -> Any:
    """Every reason a subject ever had, oldest first."""
    subject = call.path["subject"]
    found = LineStore(call.engine.db).parked.history(subject)
    if not found:
        raise NotFound("nothing of that name was ever parked", subject=subject)
    return {"data": [_past(row) for row in found]}


def release(call: Call, body: Release) -> Any:
    """Let a subject try again; a held plan goes through as it stands."""
    store = LineStore(call.engine.db)
    step = let_go(store, call.engine, body.subject, call.by, call.now)
    return {"data": {"subject": body.subject, "goes_on_with": step}}


def _key(one: Stopped) -> tuple[str, ...]:
    return format_instant(one.first_seen_at), one.subject, one.code, one.field, one.place


def _past(row: ParkedRow) -> dict[str, Any]:
    return {name: value for name, value in asdict(row).items() if name != "id"}


ROUTES = (
    Route(
        method="GET",
        path="/closedwon/parked",
        scope=Scope.READ,
        do=list_,
        query=Parked,
        is_paged=True,
    ),
    Route(method="GET", path="/closedwon/parked/{subject}", scope=Scope.READ, do=show),
    Route(
        method="POST",
        path="/closedwon/parked/release",
        scope=Scope.WRITE,
        do=release,
        body=Release,
    ),
)
