"""The OpenAPI document of the routes there are; made from them, so it cannot fall behind."""

from collections.abc import Sequence
from typing import Any

from closedwon.api.call import Route
from closedwon.api.openapi.errors import HEADERS, error_responses, error_schemas
from closedwon.api.openapi.operation import KEY, operation
from closedwon.api.openapi.schemas import Schemas

CORRELATION = {
    "name": "webhook_notification_id",
    "in": "query",
    "required": False,
    "description": "Accepted everywhere and without meaning here.",
    "schema": {"type": "string"},
}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """OpenAPI 3.1 over ``routes``: bodies, parameters, answers, scopes, errors."""
    schemas = Schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "closedwon",
            "version": "1",
            "summary": "Metronome's wire, embedded",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "parameters": {"IdempotencyKey": KEY, "WebhookNotificationId": CORRELATION},
            "headers": HEADERS,
            "responses": error_responses(),
            "schemas": {**schemas.definitions, **error_schemas()},
        },
    }
