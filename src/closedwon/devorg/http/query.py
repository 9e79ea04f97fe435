"""``query``, ``queryAll`` and the pages behind them (S 2.3)."""

from collections.abc import Mapping, Sequence
from typing import Any

from closedwon.devorg.errors import OrgError
from closedwon.devorg.http.cursors import Row
from closedwon.devorg.http.exchange import Answer
from closedwon.devorg.http.service import Call, Service

BATCH_MIN = 200
BATCH_MAX = 2_000


def query(service: Service, call: Call) -> Answer:
    """The first page of a statement's live rows."""
    return _first_page(service, call, all_rows=False)


def query_all(service: Service, call: Call) -> Answer:
    """The first page of a statement's rows, soft-deleted ones included."""
    return _first_page(service, call, all_rows=True)


def query_more(service: Service, call: Call) -> Answer:
    """A later page; the same page may be fetched again. Locators of both kinds are served."""
    locator, _, text = call.names["locator"].partition("-")
    start = int(text) if text.isdecimal() else -1
    cursor = service.cursors.find(call.user_id, locator)
    if cursor is None or not 0 <= start <= len(cursor.rows):
        raise OrgError("INVALID_QUERY_LOCATOR", "invalid query locator")
    end = start + batch_size(call.headers, cursor.page)
    following = call.url("query", f"{locator}-{end}") if end < len(cursor.rows) else None
    return Answer(body=result(cursor.rows[start:end], cursor.total, following))


def batch_size(headers: Mapping[str, str], default: int = BATCH_MAX) -> int:
    """Rows per page that ``Sforce-Query-Options`` asks for; raises OrgError out of range."""
    for option in headers.get("sforce-query-options", "").split(","):
        name, _, text = option.partition("=")
        if name.strip().casefold() != "batchsize":
            continue
        size = int(text) if text.strip().isdecimal() else 0
        if not BATCH_MIN <= size <= BATCH_MAX:
            raise OrgError(
                "INVALID_BATCH_SIZE", f"Batch size must be between {BATCH_MIN} and {BATCH_MAX}"
            )
        return size
    return default


def result(rows: Sequence[Row], total: int, following: str | None = None) -> dict[str, Any]:
    """Body of one page; ``following`` is the path of the next one."""
    body: dict[str, Any] = {"totalSize": total, "done": following is None}
    if following is not None:
        body["nextRecordsUrl"] = following
    body["records"] = rows
    return body


def _first_page(service: Service, call: Call, *, all_rows: bool) -> Answer:
    if "explain" in call.query:
        raise OrgError("FUNCTIONALITY_NOT_ENABLED", "The dev org has no query plans", status=403)
    if not call.query.get("q", "").strip():
        raise OrgError("MALFORMED_QUERY", "A query string has to be specified")
    page = batch_size(call.headers)
    answer = service.org.query(call.query["q"], all_rows, api_version=call.version)
    first = answer.rows[:page]
    if len(answer.rows) <= page:
        return Answer(body=result(first, answer.total))
    if first[0]["attributes"]["type"] == "AggregateResult":
        raise OrgError(
            "EXCEEDED_ID_LIMIT",
            "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a"
            " single batch",
        )
    cursor = service.cursors.keep(call.user_id, answer.rows, answer.total, page)
    following = call.url("query", f"{cursor.locator}-{page}")
    return Answer(body=result(first, answer.total, following))
