"""The OpenAPI document of the routes there are; made from them, so it cannot fall behind."""

import inspect
import re
from collections.abc import Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from closedwon.api.call import Route
from closedwon.api.paging import LIMIT_MAX

REF = "#/components/schemas/{model}"
ERRORS = {
    "400": "The request is wrong; nothing was changed.",
    "401": "The bearer token is missing or wrong.",
    "403": "The token has no scope for this.",
    "404": "There is no such record.",
    "409": "A key, alias or name is taken.",
    "429": "More requests than the limit lets through.",
    "501": "The route is known and not supported.",
}
MESSAGE = {
    "type": "object",
    "required": ["message"],
    "properties": {"message": {"type": "string"}, "code": {"type": "string"}},
}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """OpenAPI 3.1 over ``routes``: bodies, parameters, scopes, errors."""
    models = dict.fromkeys(m for route in routes for m in (route.body, route.query) if m)
    names, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template=REF
    )
    schemas = {model: schema for (model, _mode), schema in names.items()}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        known = definitions.get("$defs", {})
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, known)
    return {
        "openapi": "3.1.0",
        "info": {"title": "closedwon", "version": "1", "summary": "Metronome's wire, embedded"},
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {**definitions.get("$defs", {}), "Error": MESSAGE},
        },
    }


def _operation(
    route: Route, schemas: dict[type[Any], Any], known: dict[str, Any]
) -> dict[str, Any]:
    told = inspect.getdoc(route.do) or route.name
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": told.partition("\n")[0],
        "description": f"Needs a token with scope `{route.scope.value}`.",
        "parameters": [*_in_path(route), *_in_query(route, schemas[route.query], known)],
        "responses": {
            "200": {"description": "Done.", "content": _json({})},
            **{status: _error(text) for status, text in ERRORS.items()},
        },
    }
    if route.body is not None:
        found["requestBody"] = {"required": True, "content": _json(schemas[route.body])}
    elif route.is_raw:
        found["requestBody"] = {"required": True, "content": {route.media: {"schema": {}}}}
    return found


def _in_path(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]


def _in_query(route: Route, schema: Any, known: dict[str, Any]) -> list[dict[str, Any]]:
    model = known[schema["$ref"].rpartition("/")[2]]
    required = model.get("required", [])
    fields = [
        {"name": name, "in": "query", "required": name in required, "schema": field}
        for name, field in model.get("properties", {}).items()
    ]
    if not route.is_paged:
        return fields
    limit = {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_MAX}
    paging = {"limit": limit, "next_page": {"type": "string"}}
    return fields + [
        {"name": name, "in": "query", "required": False, "schema": field}
        for name, field in paging.items()
    ]


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _error(text: str) -> dict[str, Any]:
    return {"description": text, "content": _json({"$ref": REF.format(model="Error")})}
