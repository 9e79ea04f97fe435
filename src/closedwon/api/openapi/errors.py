"""What goes wrong, as the document says it: statuses, headers, our codes (Appendix C)."""

from typing import Any

from closedwon.api.answers import (
    CODE,
    Forbidden,
    Internal,
    TooLarge,
    TooMany,
    TooSlow,
    Unsupported,
    WrongMedia,
)
from closedwon.api.call import Route
from closedwon.api.model import Malformed, NoQuery
from closedwon.api.openapi.schemas import REF
from closedwon.kernel.errors import AuthFailed, Conflict, LockHeld, NotFound, Refused, RetryLater

TOLD: dict[str, tuple[str, tuple[str, ...]]] = {
    "400": ("The request is wrong; nothing was changed.", (Malformed.code, Refused.code)),
    "401": ("The bearer token is missing or wrong.", (AuthFailed.code,)),
    "403": ("The token has no scope for this.", (Forbidden.code,)),
    "404": ("There is no such record.", (NotFound.code,)),
    "408": ("The body did not arrive in time.", (TooSlow.code,)),
    "409": ("A key, alias or name is taken; a repeat would be refused too.", (Conflict.code,)),
    "411": ("The body has no Content-Length.", ("length_required",)),
    "413": ("The body is too large.", (TooLarge.code,)),
    "415": ("The route takes another media type or coding.", (WrongMedia.code,)),
    "429": ("More requests than the limit lets through.", (TooMany.code,)),
    "500": ("Something of ours broke; the request id finds it in the log.", (Internal.code,)),
    "501": ("The route or the option is known and not supported.", (Unsupported.code,)),
    "503": ("Busy; a repeat may succeed.", (RetryLater.code, LockHeld.code)),
}
"""Status -> what it means, and the codes that come with it."""
UNNUMBERED = ("408", "411", "413")
"""Turned away, most of them, before they get a request id."""
HEADERS = {
    "X-Request-Id": {
        "description": "Finds the request in the log.",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
    },
    "Idempotent-Replayed": {
        "description": "This answer was kept for the Idempotency-Key; nothing was done again.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Retry-After": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "X-Should-Retry": {
        "description": "The official SDK does not repeat the request.",
        "required": True,
        "schema": {"type": "string", "enum": ["false"]},
    },
    "X-Metronome-Rate-Limit-Type": {
        "description": "Whose limit it is.",
        "required": True,
        "schema": {"type": "string", "enum": ["client"]},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "required": True,
        "schema": {"type": "string", "enum": ["Bearer"]},
    },
}
CARRIED = {
    "401": ("WWW-Authenticate",),
    "409": ("X-Should-Retry",),
    "429": ("Retry-After", "X-Metronome-Rate-Limit-Type"),
    "501": ("X-Should-Retry",),
    "503": ("Retry-After",),
}
"""Headers that a status always comes with."""


def statuses(route: Route) -> list[str]:
    """The statuses of errors that the route can answer."""
    found = {"400", "401", "403", "429", "500", "503"}
    takes = route.body is not None or route.is_raw
    if route.is_streamed:
        found |= {"413", "415"}
    elif route.method != "GET":
        found |= {"408", "411", "413", "415"}
    names = "{" in route.path or route.body is not None or route.query is not NoQuery
    if route.is_supported and names:
        found.add("404")
    if route.keeps_answers:
        found.add("409")
    if takes or not route.is_supported or route.path.endswith("/pdf"):
        found.add("501")
    return sorted(found)


def error_reference(status: str, path: str) -> dict[str, str]:
    """Where the document tells an error of this status."""
    return {"$ref": f"#/components/responses/{_name(status, is_v2=path.startswith('/v2/'))}"}


def header(name: str) -> dict[str, str]:
    """Where the document tells a header."""
    return {"$ref": f"#/components/headers/{name}"}


def error_responses() -> dict[str, Any]:
    """Every error, in the form of either version."""
    return {
        _name(status, is_v2=is_v2): _response(status, is_v2=is_v2)
        for is_v2 in (False, True)
        for status in TOLD
    }


def error_schemas() -> dict[str, Any]:
    """``{message}``, and of v2 with the vendor's code (B10)."""
    message = {"type": "string", "description": "What is wrong and what was expected."}
    code = {"type": "string", "description": "The vendor's code."}
    plain = {"message": message}
    return {
        "Error": _object(plain),
        "ErrorV2": _object({"code": code, **plain}),
    }


def _name(status: str, *, is_v2: bool) -> str:
    return f"V2Error{status}" if is_v2 else f"Error{status}"


def _response(status: str, *, is_v2: bool) -> dict[str, Any]:
    text, codes = TOLD[status]
    names = list(CARRIED.get(status, ()))
    if status not in UNNUMBERED:
        names.insert(0, "X-Request-Id")
    code = {
        "description": "Stable; docs/errors.md lists what each means.",
        "required": True,
        "schema": {"type": "string", "enum": list(codes)},
    }
    schema = REF.format(model="ErrorV2" if is_v2 and status not in UNNUMBERED else "Error")
    return {
        "description": text,
        "headers": {CODE: code, **{name: header(name) for name in names}},
        "content": {"application/json": {"schema": {"$ref": schema}}},
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }
