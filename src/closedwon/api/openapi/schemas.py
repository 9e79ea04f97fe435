"""JSON Schemas of what routes take and answer, made by pydantic from the types they name."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from closedwon.api.answered import ANSWERS
from closedwon.api.call import Route
from closedwon.api.openapi.meanings import described

REF = "#/components/schemas/{model}"


class Schemas:
    """The schemas of all routes, each type once."""

    def __init__(self, routes: Sequence[Route]) -> None:
        inputs = [(key, *one) for key, one in _wanted(routes).items()]
        found, whole = TypeAdapter.json_schemas(
            [(key, mode, TypeAdapter(kind)) for key, kind, mode in inputs], ref_template=REF
        )
        known = whole.get("$defs", {})
        names = {name: _short(name) for name in known}
        assert len(set(names.values())) == len(names), "two types of one name in one module"
        self.definitions: Mapping[str, Any] = {
            names[name]: _tidy(schema, names) for name, schema in sorted(known.items())
        }
        """Name -> schema of every type that is referred to."""
        self._found = {key: _tidy(schema, names) for (key, _mode), schema in found.items()}

    def body(self, route: Route) -> dict[str, Any]:
        """Of the request's body."""
        return dict(self._found["body", route.body or route.raw])

    def query(self, route: Route) -> dict[str, Any]:
        """Of the query string, as an object."""
        schema = self._found["query", route.query]
        return dict(self.resolved(schema))

    def answer(self, route: Route) -> dict[str, Any]:
        """Of the answer's body."""
        return dict(self._found["answer", route.label])

    def resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """The schema itself where it is a reference."""
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        return self.definitions[name] if name else schema


def _wanted(routes: Sequence[Route]) -> dict[Any, tuple[Any, Any]]:
    """Key -> type and whether it is read or written."""
    found: dict[Any, tuple[Any, Any]] = {}
    for route in routes:
        sent = route.body or route.raw
        if sent is not None:
            found["body", sent] = (sent, "validation")
        found["query", route.query] = (route.query, "validation")
        answer = ANSWERS.get(route.label)
        if answer is not None and answer is not bytes:
            found["answer", route.label] = (answer, "serialization")
    return found


def _short(name: str) -> str:
    """``closedwon__api__resources__rate_cards__Create`` -> ``RateCardsCreate``."""
    *_, module, kind = ["", *re.sub(r"_$|\W", "", name).split("__")]
    words = [*module.split("_"), *kind.split("_")]
    short = "".join(word[:1].upper() + word[1:] for word in words)
    return short.replace("DictStrAny", "Object")


def _tidy(schema: Any, names: Mapping[str, str]) -> Any:
    """With short names of types, and without titles that only repeat a name."""
    if isinstance(schema, list):
        return [_tidy(one, names) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    found: dict[str, Any] = {}
    for name, inner in schema.items():
        if name == "title" and isinstance(inner, str):
            continue
        if name == "$ref":
            found[name] = REF.format(model=names[inner.rpartition("/")[2]])
        elif name == "properties":
            found[name] = described({field: _tidy(one, names) for field, one in inner.items()})
        else:
            found[name] = _tidy(inner, names)
    return found
