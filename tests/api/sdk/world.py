"""The world the cases play in: one server, a catalogue, a customer with two months behind it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from json import loads
from pathlib import Path
from typing import Any

import httpx
from metronome import Metronome

from api.live import START, Server, running
from api.shop import Shop
from closedwon.kernel.instant import format_instant
from closedwon.store.tokens import Scope
from closedwon.wiring.sources import new_id

NOW = datetime(2026, 3, 10, tzinfo=UTC)
"""Where the clock stands while the cases run; January and February are final."""
RETRIES = "x-stainless-retry-count"

_numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a case works with. ``settled`` and ``contract`` are for reading only."""

    server: Server
    sdk: Metronome
    """With every scope; in the second run of a case, answers are lost and asked for again."""
    shop: Shop
    """Its client is ``sdk``; ``customer`` is the settled one."""
    settled: str
    """A customer with usage from January on, two final usage invoices and a draft."""
    contract: str
    """Its contract: $10,000 prepaid from 2026-01-01 on."""

    def name(self, what: str = "Thing") -> str:
        """A name nothing else has."""
        return f"{what} {next(_numbers)}"

    def customer(self, **fields: Any) -> str:
        """A new customer's id."""
        return self.sdk.v1.customers.create(name=self.name("Customer"), **fields).data.id

    def contract_of(self, customer_id: str, **terms: Any) -> str:
        """A contract of that customer on the shop's card, from 2026-03-01 on."""
        given = {"rate_card_id": self.shop.card, "starting_at": "2026-03-01T00:00:00Z"} | terms
        return self.sdk.v1.contracts.create(customer_id=customer_id, **given).data.id

    def run_due(self) -> None:
        """Make final what is due at the instant the clock stands at."""
        _move(self.server, self.server.clock())

    def limited(self, *scopes: Scope) -> Metronome:
        """A client whose token has only these scopes."""
        return self.server.sdk(*scopes)


class Recorded(httpx.BaseTransport):
    """Keeps what was asked and answered, as (verb, path, status, was replayed)."""

    def __init__(self, *, loses_answers: bool = False) -> None:
        self._wire = httpx.HTTPTransport()
        self._loses_answers = loses_answers
        self._key = ""
        self.seen: list[tuple[str, str, int, bool]] = []
        self.sent: list[dict[str, Any]] = []
        """Query and body together of each of ``seen``; a body that is no object under its own."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send; of a first try the server did, tell only that a proxy gave up."""
        is_first = request.headers.get(RETRIES, "0") == "0"
        if self._loses_answers:
            self._key = f"lost-{next(_numbers)}" if is_first else self._key
            request.headers["Idempotency-Key"] = self._key
        answer = self._wire.handle_request(request)
        if self._loses_answers and is_first and answer.status_code == 200:
            answer.read()
            answer.close()
            return httpx.Response(503, headers={"retry-after-ms": "1"}, request=request)
        replayed = answer.headers.get("Idempotent-Replayed") == "true"
        self.seen.append((request.method, request.url.path, answer.status_code, replayed))
        body = loads(request.content) if request.content else {}
        self.sent.append(dict(request.url.params) | (body if isinstance(body, dict) else {}))
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()


@contextmanager
def settled_world(state: Path, new_id: Callable[[], str] = new_id) -> Iterator[World]:
    """A server at ``NOW`` with a customer whose first two months are billed."""
    with running(state, start=START, new_id=new_id) as server, server.sdk() as sdk:
        shop = Shop(sdk)
        contract = shop.contract(commits=[shop.prepaid(1_000_000)])
        for month in (1, 2, 3):
            _move(server, datetime(2026, month, 9, tzinfo=UTC))
            sdk.v1.usage.ingest(usage=[_used(month, region) for region in ("eu", "us")])
        _move(server, NOW)
        yield World(server=server, sdk=sdk, shop=shop, settled=shop.customer, contract=contract)


@contextmanager
def client_of(server: Server, transport: Recorded, max_retries: int = 0) -> Iterator[Metronome]:
    """The official client over ``transport``, checking every answer against its own types."""
    with Metronome(
        bearer_token=server.secret(*Scope),
        base_url=server.url,
        max_retries=max_retries,
        http_client=httpx.Client(transport=transport, timeout=60),
        _strict_response_validation=True,
    ) as sdk:
        yield sdk


def _move(server: Server, now: datetime) -> None:
    with server.http(Scope.ADMIN) as http:
        answer = http.post("/closedwon/clock", json={"now": format_instant(now)}, timeout=120)
    assert answer.status_code == 200, answer.text


def _used(month: int, region: str) -> Any:
    return {
        "transaction_id": f"settled-{month}-{region}",
        "customer_id": "acme",
        "event_type": "used",
        "timestamp": f"2026-{month:02}-05T12:00:00Z",
        "properties": {"storage_gb": "1000.5", "analysis_hours": "10", "region": region},
    }
