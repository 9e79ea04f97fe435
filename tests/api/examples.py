"""Writes the examples of the OpenAPI document anew: a real request and answer of every route.

``cd tests && ../.venv/bin/python -m api.examples``. What is recorded are the successes of
``sdk/cases``, on a server with a clock that stands still and ids that are counted.
"""

import re
import sys
import tempfile
from collections.abc import Sequence
from itertools import count
from json import dumps, loads
from pathlib import Path
from typing import Any

import click
import httpx
from metronome import Metronome

import closedwon.api
from api.calls import PLAYED, Told
from api.promised import operation_of
from api.sdk.cases import alerts  # noqa: F401 importing one of them registers all
from api.sdk.casing import DONE
from api.sdk.world import World, settled_world
from closedwon.kernel.ids import derive, digest
from closedwon.store.tokens import Scope

FOLDER = Path(closedwon.api.__file__).parent / "examples"
HASH = re.compile(r"\b[0-9a-f]{64}\b")
"""Of the audit log; it covers the secrets of tokens, which differ each time."""
LINK = re.compile(r"http://[\w.:]+/closedwon/embedded/\w+")
"""Where a dashboard is; its secret is random."""
EXAMPLE_LINK = f"https://billing.example.com/closedwon/embedded/closedwon_{0:072}"
ROWS_MAX = 2
"""Rows of an answer's lists that are kept."""


class Recording(httpx.BaseTransport):
    """Keeps the first success of every operation that answers anything."""

    def __init__(self) -> None:
        self._wire = httpx.HTTPTransport()
        self.kept: dict[str, dict[str, Any]] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._wire.handle_request(request)
        answer.read()
        name = operation_of(request)
        if name is not None and answer.status_code == 200 and _is_empty(self.kept.get(name)):
            self.kept[name] = _exchange(request, answer)
        return answer

    def close(self) -> None:
        self._wire.close()


def _is_empty(kept: dict[str, Any] | None) -> bool:
    """Whether there is no exchange yet, or one of an empty list."""
    answer = {} if kept is None else kept.get("answer")
    return kept is None or (isinstance(answer, dict) and answer.get("data") == [])


def _exchange(request: httpx.Request, answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = {"path": request.url.path}
    if request.url.params:
        found["query"] = dict(request.url.params)
    if request.content:
        found["request"] = loads(request.content)
    if "json" in answer.headers["content-type"]:
        found["answer"] = _cut(
            loads(LINK.sub(EXAMPLE_LINK, HASH.sub(digest(b"example"), answer.text)))
        )
    return found


def _cut(found: Any) -> Any:
    """With the first rows of every list only."""
    if isinstance(found, list):
        return [_cut(one) for one in found[:ROWS_MAX]]
    if isinstance(found, dict):
        return {name: _cut(one) for name, one in found.items()}
    return found


def recorded() -> dict[str, dict[str, Any]]:
    """Name of an operation -> path, query, request and answer of its example."""
    transport, numbers = Recording(), count(1)
    with (
        tempfile.TemporaryDirectory() as folder,
        settled_world(Path(folder), new_id=lambda: derive("example", str(next(numbers)))) as world,
        httpx.Client(
            transport=transport,
            base_url=world.server.url,
            headers={"Authorization": f"Bearer {world.server.secret(*Scope)}"},
            timeout=60,
        ) as http,
    ):
        sdk = Metronome(
            bearer_token=world.server.secret(*Scope),
            base_url=world.server.url,
            max_retries=0,
            http_client=http,
        )
        seen = World(
            server=world.server,
            sdk=sdk,
            shop=world.shop.seen_by(sdk),
            settled=world.settled,
            contract=world.contract,
        )
        _play(http, seen, PLAYED[:1])  # Before metrics come that know no region.
        for name in sorted(DONE):
            DONE[name](seen)
        _play(http, seen, PLAYED[1:])
    return transport.kept


def _play(http: httpx.Client, world: World, calls: Sequence[Told]) -> None:
    """The calls, with ids of the world and of what they made."""
    shop = world.shop
    ids = {"customer": world.settled, "contract": world.contract, "card": shop.card}
    ids |= {"commit": shop.commit, "seat": shop.seat}
    for told in calls:
        if told.name == "seats":
            by_seat = {"group": "user_id", "presentation_group_key": ["user_id"]}
            shop.rate(shop.usage("Tokens", "tokens", ["tokens"], **by_seat), 1)
        ids |= _known(http, ids, told)
        path, body = _filled(told.path, ids), _filled(told.body, ids)
        answer = (
            http.request(told.method, path, json=body)
            if body is not None
            else http.request(told.method, path)
        )
        assert answer.status_code == 200, f"{path}: {answer.text}"
        if told.name:
            ids[told.name] = answer.json()["data"]["id"]


def _known(http: httpx.Client, ids: dict[str, str], told: Told) -> dict[str, str]:
    """Ids that have to be looked up before a call."""
    wanted = f"{told.path} {dumps(told.body)}"
    if "$final" in wanted or "$draft" in wanted:
        path = f"/v1/customers/{ids['customer']}/invoices"
        found = http.get(path, params={"sort": "date_desc"}).json()["data"]
        kinds = {"final": "FINALIZED", "draft": "DRAFT"}
        return {
            name: next(
                one["id"]
                for one in found
                if one["status"] == kind and one["type"] == "USAGE" and one["line_items"]
            )
            for name, kind in kinds.items()
            if f"${name}" in wanted and name not in ids
        }
    if "$service" in wanted:
        one = _contract(http, ids["customer"], ids["contract"])
        return {"service": one["professional_services"][0]["id"]}
    if "$subscription" in wanted or "$postpaid" in wanted:
        one = _contract(http, ids["user"], ids["seats"])
        return {
            "subscription": one["subscriptions"][0]["id"],
            "postpaid": next(c["id"] for c in one["commits"] if c["type"] == "POSTPAID"),
        }
    return {}


def _contract(http: httpx.Client, customer_id: str, contract_id: str) -> Any:
    body = {"customer_id": customer_id, "contract_id": contract_id}
    return http.post("/v2/contracts/get", json=body).json()["data"]


def _filled(found: Any, ids: dict[str, str]) -> Any:
    if isinstance(found, str):
        for name in sorted(ids, key=len, reverse=True):
            found = found.replace(f"${name}", ids[name])
        return found
    if isinstance(found, list):
        return [_filled(one, ids) for one in found]
    if isinstance(found, dict):
        return {name: _filled(one, ids) for name, one in found.items()}
    return found


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    found = recorded()
    for file in FOLDER.glob("*.json"):
        if file.stem not in found:
            file.unlink()
    for name, example in found.items():
        text = dumps(example, indent=2, ensure_ascii=False) + "\n"
        (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
    click.echo(f"{len(found)} examples")
    return 0


if __name__ == "__main__":
    sys.exit(main())
