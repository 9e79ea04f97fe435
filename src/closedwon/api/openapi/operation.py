"""One route as an operation of the document."""

import inspect
import re
from typing import Any

from closedwon.api.answered import ANSWERS
from closedwon.api.call import Route
from closedwon.api.gate import KEY_LENGTH_MAX, KEY_PATTERN
from closedwon.api.openapi.errors import error_reference, header, statuses
from closedwon.api.openapi.examples import example, parameters
from closedwon.api.openapi.schemas import Schemas
from closedwon.api.paging import LIMIT_MAX

KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A repeat with this key gets the first answer; nothing is done twice (R8).",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": KEY_LENGTH_MAX,
        "pattern": KEY_PATTERN,
    },
}
ANY = {"description": "Any JSON, or nothing."}


def operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    """The operation object."""
    told = inspect.getdoc(route.do) or route.name
    summary, _, more = told.partition("\n")
    scope = f"Needs a token with scope `{route.scope.value}`."
    found: dict[str, Any] = {
        "operationId": route.name,
        "tags": [resource(route)],
        "summary": summary,
        "description": f"{more.strip()}\n\n{scope}".strip(),
        "security": [{"bearer": [route.scope.value]}],
        "parameters": _parameters(route, schemas),
        "responses": _responses(route, schemas),
    }
    body = _body(route, schemas)
    if body is not None:
        found["requestBody"] = body
    return found


def resource(route: Route) -> str:
    """What the route is about: the name of its file."""
    return route.do.__module__.rpartition(".")[2]


def _body(route: Route, schemas: Schemas) -> dict[str, Any] | None:
    if route.is_streamed:
        lines = {"description": "Lines of JSON, an event each; those that are wrong are counted."}
        return {"required": True, "content": {route.media: {"schema": lines}}}
    if route.body is None and route.raw is None:
        optional = {"required": False, "content": {"application/json": {"schema": ANY}}}
        return optional if route.is_raw and route.method != "GET" else None
    schema = schemas.body(route)
    is_required = route.is_raw or bool(schemas.resolved(schema).get("required"))
    media = {"schema": schema, **_example(route, "request")}
    return {"required": is_required, "content": {"application/json": media}}


def _parameters(route: Route, schemas: Schemas) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    model = schemas.query(route)
    required = model.get("required", [])
    for name, schema in model.get("properties", {}).items():
        found.append(_query(name, schema, is_required=name in required))
    if route.is_paged:
        limit = {
            "type": "integer",
            "minimum": 1,
            "maximum": LIMIT_MAX,
            "default": route.page_default,
        }
        limit["description"] = "Rows of the page."
        cursor = {"type": "string", "description": "The cursor of the page before."}
        found += [_query("limit", limit), _query("next_page", cursor)]
    shown = parameters(route)
    for one in found:
        if one["name"] in shown:
            one["example"] = shown[one["name"]]
    found.append({"$ref": "#/components/parameters/WebhookNotificationId"})
    if route.keeps_answers:
        found.append({"$ref": "#/components/parameters/IdempotencyKey"})
    return found


def _query(name: str, schema: dict[str, Any], *, is_required: bool = False) -> dict[str, Any]:
    """A parameter is there or not, never null."""
    kinds = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    kept = {key: one for key, one in schema.items() if key not in {"anyOf", "description"}}
    if kinds:
        kept = {key: one for key, one in kept.items() if key != "default"}
        kept |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    found = {"name": name, "in": "query", "required": is_required, "schema": kept}
    if "description" in schema:
        found["description"] = schema["description"]
    return found


def _responses(route: Route, schemas: Schemas) -> dict[str, Any]:
    errors = {status: error_reference(status, route.path) for status in statuses(route)}
    if not route.is_supported:
        return errors
    headers = {"X-Request-Id": header("X-Request-Id")}
    if route.keeps_answers:
        headers["Idempotent-Replayed"] = header("Idempotent-Replayed")
    media = {"schema": _answer(route, schemas), **_example(route, "answer")}
    content: dict[str, Any] = {"application/json": media}
    if ANSWERS.get(route.label) is bytes:
        content = {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}
    return {"200": {"description": "Done.", "headers": headers, "content": content}, **errors}


def _example(route: Route, part: str) -> dict[str, Any]:
    found = example(route.name)
    return {"example": found[part]} if part in found else {}


def _answer(route: Route, schemas: Schemas) -> dict[str, Any]:
    if ANSWERS.get(route.label) in (None, bytes):
        return {"type": "object", "maxProperties": 0}
    return schemas.answer(route)
