"""``/sobjects/T/updated`` and ``/deleted``: ids that changed in a window (S 2.4)."""

from datetime import datetime, timedelta

from closedwon.devorg.errors import OrgError
from closedwon.devorg.http.exchange import Answer, rest_instant
from closedwon.devorg.http.service import Call, Service
from closedwon.kernel.errors import Refused
from closedwon.kernel.instant import parse_instant

WINDOW_MIN = timedelta(minutes=1)
DELETED_KEPT = timedelta(days=15)
UPDATED_KEPT = timedelta(days=30)
IDS_MAX = 600_000


def updated(service: Service, call: Call) -> Answer:
    """Ids of live records whose SystemModstamp lies in ``[start, end)``; seconds are ignored."""
    start, end = _window(service, call, UPDATED_KEPT)
    rows = _stamped(service, call, start, end, deleted=False)
    covered = rest_instant(min(end, _minute(service.clock())))
    return Answer(body={"ids": [found for found, _ in rows], "latestDateCovered": covered})


def deleted(service: Service, call: Call) -> Answer:
    """Ids of records deleted in ``[start, end)`` that are still in the recycle bin."""
    start, end = _window(service, call, DELETED_KEPT)
    rows = _stamped(service, call, start, end, deleted=True)
    now = _minute(service.clock())
    return Answer(
        body={
            "deletedRecords": [{"id": found, "deletedDate": stamp} for found, stamp in rows],
            "earliestDateAvailable": rest_instant(now - DELETED_KEPT),
            "latestDateCovered": rest_instant(min(end, now)),
        }
    )


def _stamped(
    service: Service, call: Call, start: datetime, end: datetime, *, deleted: bool
) -> list[tuple[str, str]]:
    name = service.org.schema.object(call.names["object"]).name
    soql = (
        f"SELECT Id, SystemModstamp FROM {name} WHERE IsDeleted = {str(deleted).lower()}"  # noqa: S608 - every part comes from the schema or a parsed instant
        f" AND SystemModstamp >= {_literal(start)} AND SystemModstamp < {_literal(end)}"
        " ORDER BY SystemModstamp, Id"
    )
    answer = service.org.query(soql, all_rows=True)
    if answer.total > IDS_MAX:
        raise OrgError("EXCEEDED_ID_LIMIT", f"exceeded max id limit of {IDS_MAX}")
    return [(row["Id"], row["SystemModstamp"]) for row in answer.rows[:]]


def _window(service: Service, call: Call, kept: timedelta) -> tuple[datetime, datetime]:
    try:
        start = _minute(parse_instant(call.query.get("start", "")))
        end = _minute(parse_instant(call.query.get("end", "")))
    except Refused as error:
        raise OrgError("INVALID_REPLICATION_DATE", "start and end must be instants") from error
    if end - start < WINDOW_MIN:
        raise OrgError(
            "INVALID_REPLICATION_DATE", "startDate must be at least one minute before endDate"
        )
    if start < service.clock() - kept:
        raise OrgError(
            "INVALID_REPLICATION_DATE", f"startDate cannot be more than {kept.days} days ago"
        )
    return start, end


def _minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


def _literal(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
