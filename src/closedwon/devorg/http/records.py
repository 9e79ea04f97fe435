"""One record at a time: create, read, update, delete, by Id or by external id (S 2.4)."""

from closedwon.devorg.errors import OrgError
from closedwon.devorg.http import writes
from closedwon.devorg.http.exchange import NOT_FOUND, Answer, parse_http_date
from closedwon.devorg.http.query import result
from closedwon.devorg.http.service import Call, Service
from closedwon.devorg.schema import ObjectInfo
from closedwon.kernel.instant import parse_instant

BODY_SINCE = 46
"""API version from which an upsert that updates answers 200 with a body instead of 204."""


def create(service: Service, call: Call) -> Answer:
    """``POST /sobjects/T``."""
    object_name = service.org.schema.object(call.names["object"]).name
    record_id = writes.create(service, call.user_id, object_name, call.fields())
    return Answer(
        status=201,
        body={"id": record_id, "success": True, "errors": []},
        headers={"Location": call.url("sobjects", object_name, record_id)},
    )


def read(service: Service, call: Call) -> Answer:
    """``GET /sobjects/T/{id}[?fields=a,b]``; 304 when unchanged since ``If-Modified-Since``."""
    return _read(service, call, call.names["object"], call.names["id"])


def update(service: Service, call: Call) -> Answer:
    """``PATCH /sobjects/T/{id}``: changes only the fields sent."""
    writes.update(service, call.user_id, call.names["object"], call.names["id"], call.fields())
    return Answer(status=204)


def delete(service: Service, call: Call) -> Answer:
    """``DELETE /sobjects/T/{id}``: into the recycle bin."""
    writes.delete(service, call.user_id, call.names["object"], call.names["id"])
    return Answer(status=204)


def read_by_key(service: Service, call: Call) -> Answer:
    """``GET /sobjects/T/ExtField__c/{value}``, or ``GET /sobjects/T/{id}/{Relationship}``."""
    info = service.org.schema.object(call.names["object"])
    if info.field(call.names["field"]) is None:
        return _related(service, call, info)
    found = service.org.find(info.name, call.names["field"], call.names["key"])
    if not found:
        return NOT_FOUND
    if len(found) > 1:
        return _choices(call, info.name, found)
    return _read(service, call, info.name, found[0])


def upsert(service: Service, call: Call) -> Answer:
    """``PATCH /sobjects/T/ExtField__c/{value}[?updateOnly=true]``."""
    info = service.org.schema.object(call.names["object"])
    field, fields = call.names["field"], call.fields()
    if any(name.casefold() == field.casefold() for name in fields):
        raise OrgError(
            "INVALID_FIELD",
            f"The {field} field should not be specified in the sobject data.",
            (field,),
        )
    key = writes.Key(info.name, field, call.names["key"])
    try:
        done = writes.upsert(
            service, call.user_id, key, fields, update_only=call.flag("updateOnly")
        )
    except OrgError as error:
        if error.status == 300:
            return _choices(call, info.name, error.ids)
        raise
    if not done.created and float(call.version) < BODY_SINCE:
        return Answer(status=204)
    body = {"id": done.id, "success": True, "errors": [], "created": done.created}
    headers = {"Location": call.url("sobjects", info.name, done.id)} if done.created else {}
    return Answer(status=201 if done.created else 200, body=body, headers=headers)


def delete_by_key(service: Service, call: Call) -> Answer:
    """``DELETE /sobjects/T/ExtField__c/{value}``."""
    info = service.org.schema.object(call.names["object"])
    found = service.org.find(info.name, call.names["field"], call.names["key"])
    if not found:
        return NOT_FOUND
    if len(found) > 1:
        return _choices(call, info.name, found)
    writes.delete(service, call.user_id, info.name, found[0])
    return Answer(status=204)


def _read(service: Service, call: Call, object_name: str, record_id: str) -> Answer:
    asked = call.query.get("fields")
    wanted = [name.strip() for name in asked.split(",")] if asked else None
    record = service.org.retrieve(object_name, record_id, wanted, api_version=call.version)
    since = parse_http_date(call.headers.get("if-modified-since", ""))
    if since is not None:
        stamps = service.org.retrieve(object_name, record_id, ["LastModifiedDate"])
        if parse_instant(stamps["LastModifiedDate"]) <= since:
            return Answer(status=304)
    return Answer(body=record)


def _choices(call: Call, object_name: str, ids: tuple[str, ...]) -> Answer:
    return Answer(status=300, body=[call.url("sobjects", object_name, found) for found in ids])


def _related(service: Service, call: Call, info: ObjectInfo) -> Answer:
    """The parent record, or the child rows, that a relationship name leads to."""
    record_id, relationship = call.names["field"], call.names["key"]
    parent = info.parent(relationship)
    if parent is not None:
        held = service.org.retrieve(info.name, record_id, [parent.name])[parent.name]
        target = service.org.schema.by_prefix.get((held or "")[:3])
        return _read(service, call, target.name, held) if target is not None else NOT_FOUND
    link = service.org.schema.child(info.name, relationship)
    if link is None:
        return NOT_FOUND
    owner = service.org.retrieve(info.name, record_id, ["Id"])["Id"]
    names = ", ".join(service.org.schema.object(link.child).fields)
    soql = f"SELECT {names} FROM {link.child} WHERE {link.field.name} = '{owner}' LIMIT 2000"  # noqa: S608 - every part comes from the schema or the store
    answer = service.org.query(soql, api_version=call.version)
    return Answer(body=result(answer.rows[:], answer.total))
