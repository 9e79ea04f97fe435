"""What is answered: JSON with exact numbers, and errors with their status (Appendix C)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from closedwon.api.call import Answer
from closedwon.kernel import strict_json
from closedwon.kernel.errors import (
    AuthFailed,
    ClosedwonError,
    Conflict,
    LockHeld,
    NotFound,
    Refused,
    RetryLater,
)
from closedwon.kernel.instant import wire_instant

CODE = "X-Closedwon-Code"
"""Header of every error: its code, stable and listed in docs/errors.md."""
INTERNAL = "internal error; the request id finds it in the log"
STATUSES: tuple[tuple[type[ClosedwonError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (Refused, 400),
    (AuthFailed, 401),
    (RetryLater, 503),
    (LockHeld, 503),
)
"""The first that fits; anything else is 500 and says nothing."""
HEADERS: Mapping[int, Mapping[str, str]] = {
    408: {"Connection": "close"},
    401: {"WWW-Authenticate": "Bearer"},
    409: {"x-should-retry": "false"},
    429: {"Retry-After": "1", "X-Metronome-Rate-Limit-Type": "client"},
    501: {"x-should-retry": "false"},
    503: {"Retry-After": "1"},
}
NOT_FOUND_CODES = {
    "customer": "CustomerNotFound",
    "contract": "ContractNotFound",
    "subscription": "SubscriptionNotFound",
    "package": "PackageNotFound",
    "notification": "NotificationConfigNotFound",
}
"""Codes of v2 by the fact that names what there is not (metronome.md 2.1)."""


class Internal(ClosedwonError):
    """Something of ours broke; the log has all of it."""

    code = "internal"


class Unsupported(ClosedwonError):
    """A route or option of the wire that this server does not have."""

    code = "unsupported"


class Forbidden(ClosedwonError):
    """The token is good, but not for this."""

    code = "forbidden"


class TooMany(ClosedwonError):
    """More requests than the limit lets through."""

    code = "too_many"


class TooLarge(ClosedwonError):
    """A body beyond its limit."""

    code = "too_large"


class WrongMedia(ClosedwonError):
    """A body of another media type or coding than the route takes."""

    code = "wrong_media"


class TooSlow(ClosedwonError):
    """A body that does not arrive."""

    code = "too_slow"


OWN: Mapping[type[ClosedwonError], int] = {
    Unsupported: 501,
    Forbidden: 403,
    TooMany: 429,
    TooLarge: 413,
    WrongMedia: 415,
    TooSlow: 408,
}


CODED: tuple[tuple[type[ClosedwonError], int], ...] = (*OWN.items(), *STATUSES, (Internal, 500))
KEPT_CODES = {status: kind.code for kind, status in CODED if kind is not LockHeld}
"""The code of an answer that was kept, by its status; none is kept before its body is parsed."""


def answered(value: Any) -> Answer:
    """200 with the value as JSON; None is ``{}``, an Answer is itself."""
    if isinstance(value, Answer):
        return value
    return Answer(200, "{}" if value is None else strict_json.dumps(plain(value)))


def failed(error: ClosedwonError, path: str) -> Answer:
    """The answer to an error of ours, in the form of the path's version."""
    status = status_of(error)
    facts = ", ".join(f"{name}={fact}" for name, fact in error.facts.items())
    message = error.message + (f" ({facts})" if facts else "")
    if status == 500:
        message = INTERNAL
    if status == 409 and error.message.endswith("."):  # A sentence quoted from the vendor.
        message = error.message
    code = Internal.code if status == 500 else error.code
    return told(status, message, path, code, _vendor_code(error, status))


def told(status: int, message: str, path: str, code: str, vendor: str = "BadRequest") -> Answer:
    """``{"message"}``, of v2 with the vendor's code before it (B10); ours is in a header."""
    body = {"code": vendor, "message": message} if path.startswith("/v2/") else {"message": message}
    return Answer(status, strict_json.dumps(body), {**HEADERS.get(status, {}), CODE: code})


def replayed(status: int, body: str) -> Answer:
    """An answer that was kept, with the headers it had."""
    code = KEPT_CODES.get(status)
    told_as = {} if code is None else {**HEADERS.get(status, {}), CODE: code}
    return Answer(status, body, {**told_as, "Idempotent-Replayed": "true"})


def status_of(error: ClosedwonError) -> int:
    """The HTTP status."""
    own = OWN.get(type(error))
    if own is not None:
        return own
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def plain(value: Any) -> Any:
    """The value as JSON knows it: instants as text, sets and tuples as lists."""
    match value:
        case datetime():
            return wire_instant(value)
        case Mapping():
            return {str(name): plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case _:
            return value


def sparse(**fields: Any) -> dict[str, Any]:
    """The fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def _vendor_code(error: ClosedwonError, status: int) -> str:
    if status == 404:
        return next((NOT_FOUND_CODES[f] for f in error.facts if f in NOT_FOUND_CODES), "BadRequest")
    return "InvalidArgument" if status == 400 else "BadRequest"
