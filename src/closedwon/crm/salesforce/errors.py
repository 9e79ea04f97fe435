"""What Salesforce's error codes mean to us (salesforce.md 2.7)."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from closedwon.kernel.errors import (
    AuthFailed,
    ClosedwonError,
    Conflict,
    LimitReached,
    NotFound,
    Refused,
    RetryLater,
)
from closedwon.transport import Transient, retry_after_s

TEXT_MAX = 300
"""How much of Salesforce's own text a message repeats (F004)."""


class SessionExpired(AuthFailed):
    """The access token is no longer accepted; one login may help."""


class LocatorLost(RetryLater):
    """A query cursor is gone; the query starts again from its keyset (F019)."""


class QueryTimeout(RetryLater):
    """The query ran over 120 s; a smaller window may pass."""


class Fault(msgspec.Struct, frozen=True):
    """One error as Salesforce words it."""

    code: str
    message: str
    fields: tuple[str, ...] = ()


EXPIRED: Final = {
    "INVALID_SESSION_ID",
    "INVALID_AUTH_HEADER",
    "Missing_OAuth_Token",
    "Bad_OAuth_Token",
}
FORBIDDEN: Final = {
    "API_CURRENTLY_DISABLED",
    "API_DISABLED_FOR_ORG",
    "FUNCTIONALITY_NOT_ENABLED",
    "INSUFFICIENT_ACCESS",
    "LOGIN_RATE_EXCEEDED",
    "TXN_SECURITY_METERING_ACTION",
    "INACTIVE_ORG",
}
MAINTENANCE: Final = {"INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "EXCEEDED_QUOTA"}
"""Weather for hours, not for a retry within a minute (F034)."""
TRANSIENT: Final = {"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION"}
TRANSIENT_STATUSES: Final = {408, 420, 429, 500, 502, 503, 504}
ROW_RETRYABLE: Final = TRANSIENT | MAINTENANCE | {"DUPLICATE_VALUE", "STORAGE_LIMIT_EXCEEDED"}
"""Codes of one pushed row that another attempt may cure. DUPLICATE_VALUE on an upsert by key means
someone inserted that key meanwhile (F056): the next attempt updates it."""
HINTS: Final = {
    "INVALID_FIELD": "the field is missing or not readable by the integration user",
    "INVALID_TYPE": "the object is missing or not readable by the integration user",
}


def error_for(
    status: int, body: Any, what: str, headers: Mapping[str, str] | None = None
) -> ClosedwonError:
    """Our error for an answer of ``status`` (>= 300) to ``what`` (a path, no secrets).

    ``body`` is parsed JSON, or text where it was none. ``headers`` have lower-case names.
    """
    if status == 300:
        return Conflict("an external id belongs to several records", path=what)
    fault = faults(body)[0]
    facts: dict[str, str | int] = {"path": what, "status": status}
    if fault.code:
        facts["error"] = fault.code
    if fault.fields:
        facts["fields"] = ", ".join(fault.fields)
    message = fault.message[:TEXT_MAX] or f"Salesforce answered {status}"
    return _classified(status, fault.code, message, facts, headers or {})


def _classified(
    status: int,
    code: str,
    message: str,
    facts: dict[str, str | int],
    headers: Mapping[str, str],
) -> ClosedwonError:
    by_code = _by_code(code, message, facts)
    if by_code is not None:
        return by_code
    if status == 401:
        return SessionExpired(message, **facts)
    if status in TRANSIENT_STATUSES or code in TRANSIENT:
        return Transient(message, **facts).after(retry_after_s(headers))
    if status == 403:
        return AuthFailed(message, **facts)
    if status == 404:
        return NotFound(message, **facts)
    hint = HINTS.get(code)
    return Refused(f"{hint}: {message}" if hint else message, **facts)


def _by_code(code: str, message: str, facts: dict[str, str | int]) -> ClosedwonError | None:
    if code in EXPIRED:
        return SessionExpired(message, **facts)
    if code == "REQUEST_LIMIT_EXCEEDED" and "concurrent" not in message.lower():
        return LimitReached(message, **facts)
    if code == "REQUEST_LIMIT_EXCEEDED":
        return Transient(message, **facts)
    kinds: dict[str, type[ClosedwonError]] = {
        "INVALID_QUERY_LOCATOR": LocatorLost,
        "QUERY_TIMEOUT": QueryTimeout,
        **dict.fromkeys(FORBIDDEN, AuthFailed),
        **dict.fromkeys(MAINTENANCE, RetryLater),
    }
    kind = kinds.get(code)
    return None if kind is None else kind(message, **facts)


def faults(body: Any) -> tuple[Fault, ...]:
    """Errors of a body in any of Salesforce's shapes: list, per-record object, OAuth, text."""
    listed = body if isinstance(body, list) else [body]
    return tuple(_fault(element) for element in listed) or (Fault("", ""),)


def _fault(element: Any) -> Fault:
    if not isinstance(element, Mapping):
        text = element if isinstance(element, str) else ""
        known = next((code for code in EXPIRED if code in text), "")
        return Fault(known, "" if "<" in text else text.strip())
    code = next((element[n] for n in ("errorCode", "statusCode", "error") if n in element), "")
    message = element.get("message") or element.get("error_description") or ""
    fields = element.get("fields")
    named = tuple(map(str, fields)) if isinstance(fields, list) else ()
    return Fault(str(code), " ".join(str(message).split()), named)
