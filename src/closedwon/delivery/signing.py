"""Signed webhooks, for the sender and for whoever receives them (R277).

A receiver passes the raw body as it came, before any JSON parser touched it::

    verify(secret, request.headers, request.body, now)
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from closedwon.kernel.errors import Refused

SIGNATURE_HEADER = "Metronome-Webhook-Signature"
DATE_HEADER = "X-Metronome-Date"
LEGACY_DATE_HEADER = "Date"
AGE_MAX = timedelta(minutes=5)
"""Older messages are dropped; so are ones from as far in the future."""


def sign(secret: str, date: str, body: bytes) -> str:
    """Lower-case hex of HMAC-SHA256 over ``date``, one newline and the exact ``body``."""
    message = date.encode() + b"\n" + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def http_date_of(now: datetime) -> str:
    """``now`` as an HTTP date, in whole seconds: ``Mon, 02 Jan 2006 22:04:05 GMT``."""
    return format_datetime(now.astimezone(UTC), usegmt=True)


def signed_headers(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    """Headers that go with ``body``; ``now`` is the instant of the call itself."""
    date = http_date_of(now)
    return {
        "Content-Type": "application/json",
        DATE_HEADER: date,
        LEGACY_DATE_HEADER: date,
        SIGNATURE_HEADER: sign(secret, date, body),
    }


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Return when the message is ours and fresh; raise Refused otherwise (R277).

    Header names may have any case; signatures are compared in constant time. The ``id`` inside
    the body is what a receiver drops repeats by (R278).
    """
    if not secret:
        raise Refused("a webhook cannot be verified without its secret (R277)")
    named = {name.lower(): text for name, text in headers.items()}
    date = named.get(DATE_HEADER.lower()) or named.get(LEGACY_DATE_HEADER.lower(), "")
    found = named.get(SIGNATURE_HEADER.lower(), "")
    if not hmac.compare_digest(sign(secret, date, body).encode(), found.encode()):
        raise Refused(f"{SIGNATURE_HEADER} does not fit date and body (R277)")
    if abs(now - _instant(date)) > AGE_MAX:
        raise Refused(f"the message is more than 5 minutes old or early (R277): {date}")


def _instant(date: str) -> datetime:
    try:
        instant = parsedate_to_datetime(date)
    except ValueError as error:
        raise Refused(f"{DATE_HEADER} is not an HTTP date (R277)") from error
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
