"""Holds every answer of a live server to the OpenAPI document: its status, headers and body."""

import re
from collections.abc import Mapping
from functools import cache
from json import loads
from typing import Any

import httpx
from jsonschema_rs import Draft202012Validator

from closedwon.api.openapi import document
from closedwon.api.resources import ROUTES, clock_routes


@cache
def _document() -> Any:
    return document((*ROUTES, *clock_routes(None)))  # type: ignore[arg-type]


@cache
def _operations() -> list[tuple[re.Pattern[str], Mapping[str, Any]]]:
    """Paths as patterns, those without names in them first."""
    paths = sorted(_document()["paths"].items(), key=lambda one: one[0].count("{"))
    return [(re.compile(re.sub(r"{\w+}", "[^/]+", path)), found) for path, found in paths]


@cache
def _validator(operation: str, status: str) -> Draft202012Validator:
    """Of what an operation answers with a status."""
    schema = _response(operation, status)["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": _document()["components"]})


@cache
def _response(operation: str, status: str) -> Mapping[str, Any]:
    for _, methods in _operations():
        for found in methods.values():
            if found["operationId"] == operation:
                assert status in found["responses"], f"{operation}: {status} is not promised"
                return _resolved(found["responses"][status])
    raise AssertionError(operation)


def _resolved(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference of the document stands for."""
    *_, kind, name = found.get("$ref", "//").split("/")
    return _document()["components"][kind][name] if name else found


def check(answer: httpx.Response) -> None:
    """Raise AssertionError for an answer that the document does not promise."""
    operation, status = operation_of(answer.request), str(answer.status_code)
    if operation is None:
        return
    promised = _response(operation, status)
    for name, header in promised["headers"].items():
        is_required = _resolved(header).get("required", False)
        assert name in answer.headers or not is_required, f"{operation}: {status} without {name}"
    media = answer.headers["content-type"].partition(";")[0]
    assert media in promised["content"], f"{operation}: {status} is {media}"
    if media == "application/json":
        for fault in _validator(operation, status).iter_errors(loads(answer.content)):
            place = ".".join(map(str, fault.instance_path))
            raise AssertionError(f"{operation}: {status}: {place}: {fault.message}")


def operation_of(request: httpx.Request) -> str | None:
    """Which operation a request is of; None for what the document does not know."""
    method = request.method.lower()
    for pattern, methods in _operations():
        if method in methods and pattern.fullmatch(request.url.path):
            return str(methods[method]["operationId"])
    return None


def held(answer: httpx.Response) -> None:
    """For the event hooks of a client."""
    answer.read()
    check(answer)
