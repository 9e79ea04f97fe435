"""``POST /composite/tree/T``: parents with their children, all or nothing (S 2.5)."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from closedwon.devorg.errors import OrgError
from closedwon.devorg.http import writes
from closedwon.devorg.http.collection import row_failure
from closedwon.devorg.http.exchange import Answer
from closedwon.devorg.http.service import Call, Service

RECORDS_MAX = 200
DEPTH_MAX = 5


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a tree. ``parent`` is the reference of its parent and the field to it."""

    object_name: str
    reference: str
    fields: Mapping[str, Any]
    parent: tuple[str, str] | None = None


def create(service: Service, call: Call) -> Answer:
    """201 with an id per reference, or 400 with the errors of the refused records only."""
    name = service.org.schema.object(call.names["object"]).name
    nodes = list(_nodes(service, name, call.fields(), None, DEPTH_MAX))
    if len(nodes) > RECORDS_MAX:
        raise OrgError("EXCEEDED_ID_LIMIT", f"A tree holds at most {RECORDS_MAX} records")
    if len({node.reference for node in nodes}) < len(nodes):
        raise OrgError("DUPLICATE_VALUE", "Duplicate referenceId in the tree")
    ids: dict[str, str] = {}
    refused: list[dict[str, Any]] = []

    def work() -> bool:
        for node in nodes:
            _create(service, call, node, ids, refused)
        return not refused

    if not writes.atomically(service, work):
        return Answer(status=400, body={"hasErrors": True, "results": refused})
    results = [{"referenceId": reference, "id": found} for reference, found in ids.items()]
    return Answer(status=201, body={"hasErrors": False, "results": results})


def _create(
    service: Service,
    call: Call,
    node: Node,
    ids: dict[str, str],
    refused: list[dict[str, Any]],
) -> None:
    fields = dict(node.fields)
    if node.parent is not None:
        reference, field = node.parent
        if reference not in ids:
            return  # its parent was refused and is already reported
        fields[field] = ids[reference]
    try:
        ids[node.reference] = writes.create(service, call.user_id, node.object_name, fields)
    except OrgError as error:
        errors = row_failure(error)["errors"]
        refused.append({"referenceId": node.reference, "errors": errors})


def _nodes(
    service: Service,
    object_name: str,
    listed: Any,
    parent: tuple[str, str] | None,
    depth: int,
) -> Iterator[Node]:
    """The records of one list and below, parents before their children."""
    if depth == 0:
        raise OrgError("INVALID_INPUT", f"A tree is at most {DEPTH_MAX} levels deep")
    records = listed.get("records") if isinstance(listed, dict) else None
    if not isinstance(records, list):
        raise OrgError("JSON_PARSER_ERROR", "a tree is a list of records")
    for record in records:
        reference = _reference(record)
        below = {
            name: cell
            for name, cell in record.items()
            if isinstance(cell, dict) and isinstance(cell.get("records"), list)
        }
        own = {name: cell for name, cell in record.items() if name not in below}
        yield Node(object_name=object_name, reference=reference, fields=own, parent=parent)
        for relationship, children in below.items():
            link = service.org.schema.child(object_name, relationship)
            if link is None:
                raise OrgError("INVALID_FIELD", f"No such relation '{relationship}'")
            edge = (reference, link.field.name)
            yield from _nodes(service, link.child, children, edge, depth - 1)


def _reference(record: Any) -> str:
    attributes = record.get("attributes") if isinstance(record, dict) else None
    reference = attributes.get("referenceId") if isinstance(attributes, dict) else None
    if not isinstance(reference, str):
        raise OrgError("INVALID_INPUT", "every record of a tree needs attributes.referenceId")
    return reference
