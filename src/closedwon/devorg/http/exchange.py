"""Requests and answers apart from any web framework, so that composite can nest them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from closedwon.devorg.http.encoding import encoded
from closedwon.kernel.errors import Refused

JSON = "application/json;charset=UTF-8"
TEXT = "text/plain;charset=UTF-8"
XML = "text/xml;charset=UTF-8"
HTML = "text/html;charset=UTF-8"


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request, body read whole; header names are lower case."""

    method: str
    path: str
    """As sent, still percent-encoded, without the query."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    url_bytes: int = 0
    """Length of path and query as sent."""

    @property
    def segments(self) -> tuple[str, ...]:
        """Decoded path segments; doubled and trailing slashes do not count (S 2.1)."""
        return split_path(self.path)

    @property
    def form(self) -> dict[str, str]:
        """The form-encoded body; raises Refused when it is not UTF-8 text."""
        try:
            return dict(parse_qsl(self.body.decode(), keep_blank_values=True))
        except ValueError as error:
            raise Refused("the form is not UTF-8 text") from error


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP answer. ``body`` is JSON for the JSON media type, text otherwise, None for empty."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = {}
    media: str = JSON

    @property
    def content(self) -> bytes:
        """The body as bytes on the wire."""
        if self.body is None:
            return b""
        return encoded(self.body) if self.media == JSON else str(self.body).encode()

    @property
    def is_failure(self) -> bool:
        """Whether a client reads an error in it."""
        return self.status >= 300 and self.status != 304


def failure(status: int, code: str, message: str, fields: Sequence[str] | None = None) -> Answer:
    """The REST error body: a list with one error (S 2.7); ``fields`` stands on DML errors only."""
    error: dict[str, Any] = {"message": message, "errorCode": code}
    if fields is not None:
        error["fields"] = list(fields)
    return Answer(status=status, body=[error])


NOT_FOUND = Answer(
    status=404,
    body=[{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}],
)


def split_path(path: str) -> tuple[str, ...]:
    """``/services//data/a%2Fb/`` -> services, data, a/b."""
    return tuple(unquote(part) for part in path.split("/") if part)


def split_query(query: str) -> dict[str, str]:
    """Query parameters; both ``+`` and ``%20`` mean space (S 2.1)."""
    return dict(parse_qsl(query, keep_blank_values=True))


def http_date(instant: datetime) -> str:
    """``instant`` (UTC) as an HTTP date; fractions of a second are cut off."""
    return format_datetime(instant, usegmt=True)


def parse_http_date(text: str) -> datetime | None:
    """The instant of an HTTP date, None when it is none."""
    try:
        instant = parsedate_to_datetime(text)
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else None


def rest_instant(instant: datetime) -> str:
    """``2024-12-18T11:29:00.000+0000`` (S 2.2)."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
