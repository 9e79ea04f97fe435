"""The page of the HTTP API, from the OpenAPI document."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from closedwon.api.openapi import document
from closedwon.api.resources import ROUTES
from closedwon.cli.docs.tables import table
from closedwon.kernel import strict_json

QUICK_START = Path(__file__).with_name("quick_start.md")
"""A call of every kind, in an order that works; its own test pastes it into a shell."""
EVERYWHERE = {"200", "401", "403", "408", "411", "413", "415", "429", "500", "503"}
"""Statuses that are not told route by route."""
HIDDEN = {"NoQuery", "Error", "ErrorV2"}
"""Objects that the conventions tell."""
CONVENTIONS = """\
`closedwon serve` speaks Metronome's wire: the official SDKs work with their base URL changed.
`GET /openapi.json` is this page for programs, with the schema of every request and answer; it needs
a token of scope `read`.

- **Token.** `Authorization: Bearer ...`; made with `closedwon token create NAME --scope ...`.
  A scope opens its own routes, `admin` opens all.
- **Money** is exact, in the wire unit of its credit type: cents of USD, fractions allowed; whole
  units of other currencies; units of your own pricing units. Numbers are JSON numbers with at most
  30 digits; they never pass through a float.
- **Instants** are RFC 3339 with a zone, from 1900 until before 9999; intervals include their start
  and not their end. Enumerations may come in any case. Unknown fields are refused.
- **Pages.** `limit` and `next_page`, in the query string or in the body as the route has it; an
  answer's `next_page` is null after the last page. Some lists call it `cursor`.
- **Idempotency.** With an `Idempotency-Key` a repeat gets the first answer, marked
  `Idempotent-Replayed: true`; the key with another request is a 409. Without one, a
  `uniqueness_key` or `transaction_id` in the body keeps things from happening twice.
- **Errors** are `{"message"}`, under `/v2/` `{"code", "message"}`; the header `X-Closedwon-Code`
  says what went wrong ([errors.md](errors.md)). `invalid_request` is a wrong form, `refused` a
  right one that cannot be done as things stand.
- **Log.** `X-Request-Id` of a refused or failed answer finds its line in the server's log: route,
  status and code of a refusal, the cause of a 500; never a token, a body or an id in a path.
- **Retries.** 429 and 503 come with `Retry-After`; a 409 and a 501 with `x-should-retry: false`.
- **Limits.** A body has at most 16 MB and 20 levels; `POST /closedwon/ingest` takes a stream.
  Only that may be packed with gzip; another `Content-Encoding` is a 415.
- **Test clock.** `closedwon serve --clock manual --now 2024-01-01T00:00:00Z` stands still until
  `POST /closedwon/clock` with `{"now": "2024-02-01T00:00:00Z"}` and a token of scope `admin` moves
  it; everything that falls due on the way is done once. `GET /closedwon/clock` reads it.
  What is due at the very instant the clock stands at is done at its next move; sending the same
  instant again does it too. A restart goes on where it stood; such a state is never billed by the
  real time, and a state with final invoices of the real time takes no manual clock.
- `GET /healthz` and `GET /readyz` need no token. Nor do the pages that
  `POST /v1/dashboards/getEmbeddableUrl` gives links to: the secret in their path, good for an hour
  and never kept, opens one dashboard of one customer as HTML that may be framed anywhere.
"""


def api_page() -> Iterator[str]:
    """Conventions, then every resource with its routes, then the objects they share."""
    found = document(ROUTES)
    yield CONVENTIONS
    yield QUICK_START.read_text(encoding="utf-8")
    by_resource: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            label = f"{method.upper()} {path}"
            by_resource.setdefault(operation["tags"][0], []).append((label, operation))
    unbuilt = by_resource.pop("unbuilt")
    for resource, operations in by_resource.items():
        yield from (f"## {resource.replace('_', ' ').capitalize()}", "")
        for label, operation in operations:
            yield from _operation(label, operation)
    yield from ("## Not supported", "")
    yield "Known of the vendor's wire and answered with 501, whatever is sent:"
    yield ""
    yield from (f"- `{label}`" for label, _ in unbuilt)
    yield from ("", "## Objects", "")
    schemas = found["components"]["schemas"]
    for name in sorted(set(schemas) - HIDDEN):
        yield from (f"### {name}", "", schemas[name].get("description", ""), "")
        yield from _fields(schemas[name])


def _operation(label: str, operation: Mapping[str, Any]) -> Iterator[str]:
    scope = operation["security"][0]["bearer"][0]
    yield from (f"### `{label}`", "", operation["summary"], "")
    more = operation["description"].partition("Needs a token")[0].strip()
    if more:
        yield from (more, "")
    answer = _content(operation["responses"]["200"])
    errors = [status for status in operation["responses"] if status not in EVERYWHERE]
    yield f"Scope `{scope}`. Answers {_kind(answer.get('schema', {}))}." + (
        f" Errors: {', '.join(errors)} and those of every route." if errors else ""
    )
    yield ""
    rows = [one for one in operation["parameters"] if "name" in one]
    if rows:
        heads = ("parameter", "in", "value", "meaning")
        yield from table(
            heads,
            (
                (
                    f"`{one['name']}`",
                    one["in"] + (", required" if one["in"] == "query" and one["required"] else ""),
                    _kind(one["schema"]),
                    one.get("description", ""),
                )
                for one in rows
            ),
        )
    sent = _content(operation.get("requestBody", {}))
    if sent:
        yield from (f"Body: {_kind(sent['schema'])}.", "")
    yield from _example("Request", sent)
    yield from _example("Answer", answer)


def _content(part: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(iter(part.get("content", {}).values()), {})


def _example(title: str, content: Mapping[str, Any]) -> Iterator[str]:
    if "example" not in content:
        return
    text = json.dumps(json.loads(strict_json.dumps(content["example"])), indent=2)
    yield from (f"<details><summary>{title}</summary>", "", "```json", text, "```", "")
    yield from ("</details>", "")


def _fields(schema: Mapping[str, Any]) -> Iterator[str]:
    required = set(schema.get("required", ()))
    rows = [
        (
            f"`{name}`" + (" (required)" if name in required else ""),
            _kind(one),
            _default(one) + one.get("description", ""),
        )
        for name, one in schema.get("properties", {}).items()
    ]
    if rows:
        yield from table(("field", "value", "meaning"), rows)


def _default(schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    if default in (None, "", [], {}, False):
        return ""
    return f"Default `{json.dumps(default)}`. "


def _kind(schema: Any) -> str:
    """A schema in a few words; objects by their name."""
    match schema:
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            return f"[{name}](#{name.lower()})"
        case {"enum": list(words)}:
            return ", ".join(f"`{one}`" for one in words)
        case {"anyOf": list(kinds)}:
            return " or ".join(dict.fromkeys(map(_kind, kinds)))
        case {"type": str(kind)}:
            return _typed(kind, schema)
        case _:
            return "any JSON"


def _typed(kind: str, schema: Mapping[str, Any]) -> str:
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if schema.get("maxProperties") == 0:
        return "`{}`"
    inner = schema.get("additionalProperties")
    if kind == "object" and isinstance(inner, dict):
        return f"object of {_kind(inner)}"
    return _bounded(kind, schema)


NAMES = {"string": "text", "integer": "whole number", "boolean": "true or false"}


def _bounded(kind: str, schema: Mapping[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return "instant"
    if schema.get("format") == "binary":
        return "a PDF"
    name = NAMES.get(kind, kind)
    low, high = schema.get("minimum"), schema.get("maximum")
    if kind == "integer" and low is not None and high is not None:
        return f"{name} {low} to {high}"
    most = schema.get("maxLength")
    return name if most is None else f"{name} of at most {most}"
