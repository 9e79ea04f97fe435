"""Which resource answers which call under ``/services/data/vXX.0/``."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from closedwon.devorg.errors import OrgError
from closedwon.devorg.http import (
    collection,
    composite,
    describe,
    query,
    records,
    replication,
    tree,
)
from closedwon.devorg.http.exchange import NOT_FOUND, Answer, failure
from closedwon.devorg.http.service import Call, Resource, Service
from closedwon.kernel.errors import Refused

RETIRED_MIN, RETIRED_MAX = 7, 30
ABOUT_THE_CALL = ("NOT_FOUND", "JSON_PARSER_ERROR")
"""Codes whose error body never has ``fields``."""


class Route(NamedTuple):
    """A method and a path pattern; ``{name}`` stands for any one segment."""

    method: str
    pattern: str
    resource: Resource


def dispatch(service: Service, call: Call) -> Answer:
    """Answer one call; every refusal of the org becomes its REST error body."""
    try:
        return _versioned(service, call) or _routed(service, call)
    except OrgError as error:
        is_about_rows = call.method != "GET" and error.code not in ABOUT_THE_CALL
        fields = error.fields if is_about_rows else None
        return failure(error.status, error.code, error.message, fields)
    except Refused as error:
        return failure(400, "JSON_PARSER_ERROR", error.message)


def _composite(service: Service, call: Call) -> Answer:
    return composite.composite(service, call, dispatch)


def _batch(service: Service, call: Call) -> Answer:
    return composite.batch(service, call, dispatch)


ROUTES: Final = (
    Route("GET", "", describe.resources),
    Route("GET", "limits", describe.limits),
    Route("GET", "limits/recordCount", describe.record_count),
    Route("GET", "recent", describe.recent),
    Route("GET", "query", query.query),
    Route("GET", "query/{locator}", query.query_more),
    Route("GET", "queryAll", query.query_all),
    Route("GET", "queryAll/{locator}", query.query_more),
    Route("GET", "sobjects", describe.describe_global),
    Route("GET", "sobjects/{object}", describe.summary),
    Route("POST", "sobjects/{object}", records.create),
    Route("GET", "sobjects/{object}/describe", describe.describe),
    Route("GET", "sobjects/{object}/updated", replication.updated),
    Route("GET", "sobjects/{object}/deleted", replication.deleted),
    Route("GET", "sobjects/{object}/{id}", records.read),
    Route("PATCH", "sobjects/{object}/{id}", records.update),
    Route("DELETE", "sobjects/{object}/{id}", records.delete),
    Route("POST", "sobjects/{object}/{field}/Id", records.create),
    Route("GET", "sobjects/{object}/{field}/{key}", records.read_by_key),
    Route("PATCH", "sobjects/{object}/{field}/{key}", records.upsert),
    Route("DELETE", "sobjects/{object}/{field}/{key}", records.delete_by_key),
    Route("POST", "composite", _composite),
    Route("POST", "composite/batch", _batch),
    Route("POST", "composite/sobjects", collection.create),
    Route("PATCH", "composite/sobjects", collection.update),
    Route("DELETE", "composite/sobjects", collection.delete),
    Route("GET", "composite/sobjects/{object}", collection.read),
    Route("POST", "composite/sobjects/{object}", collection.read),
    Route("PATCH", "composite/sobjects/{object}/{field}", collection.upsert),
    Route("POST", "composite/tree/{object}", tree.create),
)
"""The first match wins, so words stand before placeholders."""


def _versioned(service: Service, call: Call) -> Answer | None:
    """The refusal of a version that is not offered, else None."""
    del service
    whole, _, minor = call.version.partition(".")
    number = int(whole) if whole.isdecimal() and minor == "0" else 0
    if describe.VERSION_MIN <= number <= describe.VERSION_MAX:
        return None
    if RETIRED_MIN <= number <= RETIRED_MAX:
        return failure(410, "UNSUPPORTED_API_VERSION", f"API version {number}.0 is retired")
    return NOT_FOUND


def _routed(service: Service, call: Call) -> Answer:
    allowed: list[str] = []
    for route in ROUTES:
        names = _match(route.pattern, call.path)
        if names is None:
            continue
        if route.method == call.method:
            return route.resource(service, msgspec.structs.replace(call, names=names))
        allowed.append(route.method)
    if not allowed:
        return NOT_FOUND
    shown = ",".join(dict.fromkeys(allowed))
    return failure(
        405,
        "METHOD_NOT_ALLOWED",
        f"HTTP Method '{call.method}' not allowed. Allowed are {shown}",
    )


def _match(pattern: str, path: tuple[str, ...]) -> Mapping[str, str] | None:
    """What the placeholders stand for, None when the path is another one. Words ignore case."""
    parts = pattern.split("/") if pattern else []
    if len(parts) != len(path):
        return None
    names: dict[str, str] = {}
    for part, segment in zip(parts, path, strict=True):
        if part.startswith("{"):
            names[part[1:-1]] = segment
        elif part.casefold() != segment.casefold():
            return None
    return names
