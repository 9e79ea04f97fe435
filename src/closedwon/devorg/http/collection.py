"""``/composite/sobjects``: up to 200 records a call, one result per record (S 2.5)."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from closedwon.devorg.errors import OrgError
from closedwon.devorg.http import writes
from closedwon.devorg.http.exchange import Answer
from closedwon.devorg.http.service import Call, Service
from closedwon.kernel.errors import Refused
from closedwon.kernel.ids import id18

RECORDS_MAX = 200
CHUNKS_MAX = 10
IDS_MAX = 2_000

RowResult = dict[str, Any]
Attempt = Callable[[], RowResult]
"""Writes one row and returns its result; raises OrgError when the row is refused."""

ROLLED_BACK: Final[Mapping[str, Any]] = {
    "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "message": "Record rolled back because not all records were valid and the request was using"
    " AllOrNone header",
    "fields": [],
}


def create(service: Service, call: Call) -> Answer:
    """``POST /composite/sobjects``."""
    rows = _rows(call)

    def attempt(row: Mapping[str, Any]) -> RowResult:
        return _done(writes.create(service, call.user_id, _type(row), row))

    return _answer(service, call, [_bound(attempt, row) for row in rows])


def update(service: Service, call: Call) -> Answer:
    """``PATCH /composite/sobjects``; a record named twice in one call fails twice."""
    rows = _rows(call)
    ids = [_folded(row).get("id") for row in rows]
    times = Counter(_same_id(record_id) for record_id in ids)

    def attempt(row: Mapping[str, Any]) -> RowResult:
        record_id = _folded(row).get("id")
        if not isinstance(record_id, str) or not record_id:
            raise OrgError("MISSING_ARGUMENT", "Id not specified in an update call", ("Id",))
        if times[_same_id(record_id)] > 1:
            raise OrgError("DUPLICATE_VALUE", f"duplicate id in list: {record_id}", ("Id",))
        fields = {name: cell for name, cell in row.items() if name.casefold() != "id"}
        writes.update(service, call.user_id, _type(row), record_id, fields)
        return _done(id18(record_id))

    return _answer(service, call, [_bound(attempt, row) for row in rows])


def upsert(service: Service, call: Call) -> Answer:
    """``PATCH /composite/sobjects/T/ExtField__c``; a key given twice fails both rows."""
    info = service.org.schema.object(call.names["object"])
    field = call.names["field"]
    rows = _rows(call)
    keys = [_key(row, field) for row in rows]
    times = Counter(key.casefold() for key in keys if key is not None)

    def attempt(row: Mapping[str, Any]) -> RowResult:
        key = _key(row, field)
        if key is None and field.casefold() != "id":
            raise OrgError("MISSING_ARGUMENT", f"{field} not specified", (field,))
        if key is not None and times[key.casefold()] > 1:
            raise OrgError("DUPLICATE_VALUE", f"Duplicate external id specified: {key}", (field,))
        if _type(row).casefold() != info.name.casefold():
            raise OrgError("INVALID_TYPE", f"sObject type '{_type(row)}' is not {info.name}")
        fields = {name: cell for name, cell in row.items() if name.casefold() != field.casefold()}
        upserted = writes.upsert(service, call.user_id, writes.Key(info.name, field, key), fields)
        return _done(upserted.id) | {"created": upserted.created}

    return _answer(service, call, [_bound(attempt, row) for row in rows])


def delete(service: Service, call: Call) -> Answer:
    """``DELETE /composite/sobjects?ids=a,b&allOrNone=false``; the types may be mixed."""
    ids = [record_id.strip() for record_id in call.query.get("ids", "").split(",")]
    _check_size(ids, [record_id[:3] for record_id in ids])

    def attempt(row: Mapping[str, Any]) -> RowResult:
        info = service.org.schema.by_prefix.get(row["Id"][:3])
        if info is None:
            raise OrgError("MALFORMED_ID", f"malformed id {row['Id']}", ("Id",))
        writes.delete(service, call.user_id, info.name, row["Id"])
        return _done(id18(row["Id"]))

    attempts = [_bound(attempt, {"Id": record_id}) for record_id in ids]
    return _answer(service, call, attempts, asked=call.flag("allOrNone"))


def read(service: Service, call: Call) -> Answer:
    """``GET ?ids=&fields=`` or ``POST {"ids", "fields"}``; null for a record that is missing."""
    ids, fields = _texts(call, "ids"), _texts(call, "fields")
    if len(ids) > IDS_MAX:
        raise OrgError("EXCEEDED_ID_LIMIT", f"cannot retrieve more than {IDS_MAX} records")
    name = service.org.schema.object(call.names["object"]).name
    found: list[Any] = []
    for record_id in ids:
        try:
            found.append(service.org.retrieve(name, record_id, fields, api_version=call.version))
        except OrgError as error:
            if error.status != 404:
                raise
            found.append(None)
    return Answer(body=found)


def attempted(
    service: Service, attempts: Sequence[Attempt], *, all_or_none: bool
) -> list[RowResult]:
    """One result per attempt, in order; all-or-none undoes every row when one fails."""
    results: list[RowResult] = []

    def work() -> bool:
        results.extend(map(_result, attempts))
        return not all_or_none or all(row["success"] for row in results)

    if writes.atomically(service, work):
        return results
    undone = {"success": False, "errors": [dict(ROLLED_BACK)]}
    return [undone if row["success"] else row for row in results]


def row_failure(error: OrgError) -> RowResult:
    """Result of a refused row; its error says ``statusCode`` where REST says ``errorCode``."""
    told = {"statusCode": error.code, "message": error.message, "fields": list(error.fields)}
    return {"success": False, "errors": [told]}


def _result(attempt: Attempt) -> RowResult:
    try:
        return attempt()
    except OrgError as error:
        return row_failure(error)


def _done(record_id: str) -> RowResult:
    return {"id": record_id, "success": True, "errors": []}


def _bound(attempt: Callable[[Mapping[str, Any]], RowResult], row: Mapping[str, Any]) -> Attempt:
    return lambda: attempt(row)


def _answer(
    service: Service, call: Call, attempts: Sequence[Attempt], *, asked: bool | None = None
) -> Answer:
    if asked is None:
        asked = call.fields().get("allOrNone") is True
    all_or_none = asked if call.all_or_none is None else call.all_or_none
    return Answer(body=attempted(service, attempts, all_or_none=all_or_none))


def _rows(call: Call) -> list[dict[str, Any]]:
    rows = call.fields().get("records")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise OrgError("JSON_PARSER_ERROR", "records must be a list of JSON objects")
    _check_size(rows, [_type(row) for row in rows])
    return rows


def _check_size(rows: Sequence[object], types: Sequence[str]) -> None:
    if len(rows) > RECORDS_MAX:
        raise OrgError(
            "EXCEEDED_ID_LIMIT",
            f"record limit reached. cannot submit more than {RECORDS_MAX} records to this service",
        )
    if sum(1 for _ in groupby(types)) > CHUNKS_MAX:
        raise OrgError(
            "EXCEEDED_ID_LIMIT",
            f"Cannot have more than {CHUNKS_MAX} chunks in a single operation. Please rearrange"
            " the data to reduce chunking.",
        )


def _type(row: Mapping[str, Any]) -> str:
    """The object a record says it is; raises OrgError when it does not."""
    attributes = row.get("attributes")
    found = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(found, str):
        raise OrgError("INVALID_INPUT", "every record needs attributes.type")
    return found


def _folded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name.casefold(): cell for name, cell in row.items()}


def _key(row: Mapping[str, Any], field: str) -> str | None:
    cell = _folded(row).get(field.casefold())
    return None if cell is None or cell == "" else str(cell)


def _same_id(record_id: object) -> object:
    """15- and 18-character forms of one id count as the same."""
    if not isinstance(record_id, str):
        return None
    try:
        return id18(record_id)
    except Refused:
        return record_id


def _texts(call: Call, name: str) -> list[str]:
    found = call.query.get(name, "").split(",") if call.method == "GET" else call.fields().get(name)
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise OrgError("JSON_PARSER_ERROR", f"{name} must be a list of text")
    return found
