"""Worlds of the ports.Target conformance suite: our engine alone, and a live server beyond HTTP."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from api.live import Server, running
from api.played import exact_json
from build import Setup, setup
from closedwon.api import ManualClock
from closedwon.api.clock import advance
from closedwon.billing.catalog.types import Catalog, Rate
from closedwon.billing.invoices.types import Invoice, InvoiceStatus
from closedwon.deals.types import Plan
from closedwon.kernel import strict_json
from closedwon.kernel.instant import format_instant, parse_instant, wire_instant
from closedwon.ports import Target
from closedwon.store.database import writing
from closedwon.store.tokens import Scope
from closedwon.targets import EmbeddedTarget, MetronomeTarget
from closedwon.targets.metronome.rates import price_body
from closedwon.targets.metronome.remote import Remote
from closedwon.testing.target_world import ALIAS, CATALOG, SIGNED, Billed
from closedwon.testing.usage import Used
from closedwon.transport import Patience

CATALOGUE_AT = SIGNED


def our_copy() -> Setup:
    """An engine that has the catalogue."""
    world = setup()
    for metric in CATALOG.metrics.values():
        world.engine.create_metric(metric, CATALOGUE_AT)
    for product in CATALOG.products.values():
        world.engine.create_product(product, CATALOGUE_AT)
    for card in CATALOG.rate_cards.values():
        world.engine.create_rate_card(card, CATALOGUE_AT)
    return world


class EmbeddedWorld:
    """Our engine is what bills."""

    def __init__(self) -> None:
        self.setup = our_copy()
        self.engine = self.setup.engine
        self.target: Target = EmbeddedTarget(self.engine)
        self.clock = ManualClock(SIGNED)

    def move(self, now: datetime) -> None:
        advance(self.engine, self.clock, now)

    def carry_out(self, plan: Plan) -> bool:
        return carried_out(self.target, self.setup, plan, self.clock())

    def use(self, event: Used) -> None:
        self.setup.usage.use(event)

    def billed(self) -> tuple[Billed, ...]:
        customer = self.engine.customer_of_account("001Fk0000000001AAA")
        assert customer is not None
        found = self.engine.list_invoices(customer.id, self.clock())
        return tuple(sorted(_of_engine(one) for one in found))

    def made(self) -> tuple[int, int, int]:
        customers = self.engine.customers()
        contracts = [one for who in customers for one in self.engine.contracts(who.id)]
        edits = sum(len(self.engine.edits(one.id)) - 1 for one in contracts)
        return len(customers), len(contracts), edits


class Weather(httpx.BaseTransport):
    """A transport that notes every request and does what it is told to the next writes."""

    def __init__(self) -> None:
        self._inner = httpx.HTTPTransport()
        self.requests: list[httpx.Request] = []
        self.answers: list[str | httpx.Response] = []
        """Of the next writes, in order: ``cut`` before the remote heard, ``lost`` after it did,
        ``gone`` after it did and away from then on, ``fine``, or an answer not its own."""
        self.is_away = False
        self.reads: httpx.Response | None = None
        """The answer to everything else, not its own; None for its own."""

    @property
    def writes(self) -> list[httpx.Request]:
        return [one for one in self.requests if is_write(one)]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        told = self.answers.pop(0) if self.answers and is_write(request) else "fine"
        if self.reads is not None and not is_write(request):
            return self.reads
        if isinstance(told, httpx.Response):
            return told
        if told == "cut" or self.is_away:
            raise httpx.ConnectError("refused", request=request)
        response = self._inner.handle_request(request)
        if told in ("lost", "gone"):
            self.is_away = told == "gone"
            response.read()
            response.close()
            raise httpx.ReadTimeout("late", request=request)
        return response

    def close(self) -> None:
        self._inner.close()


READS = ("/list", "/listKeys", "/get", "/getEditHistory")


def is_write(request: httpx.Request) -> bool:
    return request.method == "POST" and not request.url.path.endswith(READS)


class There:
    """A live server as who owns it sees it: its clock, its catalogue, what it bills."""

    def __init__(self, server: Server, now: datetime) -> None:
        self.server = server
        self.http = server.http(*Scope)
        self.now = now

    def move(self, now: datetime) -> None:
        self.now = max(self.now, now)
        self.post("/closedwon/clock", {"now": format_instant(self.now)})

    def use(self, event: Used) -> None:
        if event.timestamp > self.now:
            self.move(event.timestamp)
        sent = {
            "transaction_id": event.transaction_id,
            "customer_id": event.customer_id,
            "event_type": event.event_type,
            "timestamp": format_instant(event.timestamp),
            "properties": dict(event.properties),
        }
        self.post("/v1/ingest", [sent])

    def bills_of(self, alias: str) -> tuple[Billed, ...]:
        rows = self.paged(f"/v1/customers/{self.customer_of(alias)}/invoices")
        return tuple(sorted(_of_wire(one) for one in rows))

    def made(self) -> tuple[int, int, int]:
        customers = [one["id"] for one in self.paged("/v1/customers")]
        named = [{"customer_id": one} for one in customers]
        rows = [row for one in named for row in self.read("/v2/contracts/list", one)]
        edits = sum(len(self.edits(row["customer_id"], row["id"])) for row in rows)
        return len(customers), len(rows), edits

    def customer_of(self, alias: str) -> str:
        (found,) = self.paged("/v1/customers", ingest_alias=alias)
        return str(found["id"])

    def contracts_of(self, alias: str) -> list[Any]:
        found: list[Any] = self.read("/v2/contracts/list", {"customer_id": self.customer_of(alias)})
        return found

    def edits(self, customer: str, contract: str) -> list[Any]:
        named = {"customer_id": customer, "contract_id": contract}
        found: list[Any] = self.read("/v2/contracts/getEditHistory", named)
        return found

    def post(self, path: str, body: Any) -> Any:
        content = strict_json.dumps(body)
        headers = {"Content-Type": "application/json"}
        return exact_json(self.http.post(path, content=content, headers=headers, timeout=300))

    def read(self, path: str, body: Any) -> Any:
        return self.post(path, body)["data"]

    def paged(self, path: str, **query: str) -> list[Any]:
        rows: list[Any] = []
        following: str | None = None
        while True:
            asked = query | ({"next_page": following} if following else {})
            page = exact_json(self.http.get(path, params=asked))
            rows += page["data"]
            following = page["next_page"]
            if not following:
                return rows


class RemoteWorld(There):
    """A live server bills; our engine is the copy plans are made against."""

    def __init__(self, server: Server) -> None:
        super().__init__(server, SIGNED)
        self.setup = our_copy()
        self.weather = Weather()
        self.client = httpx.Client(transport=self.weather)
        self.waits: list[float] = []
        self.target = self.remote_target()

    def remote_target(self, token: str | None = None) -> MetronomeTarget:
        """As a new process would have it."""
        remote = Remote(
            client=self.client,
            url=self.server.url,
            token=token or self.server.secret(Scope.READ, Scope.WRITE),
            patience=Patience(sleep=self.waits.append),
        )
        engine = self.setup.engine
        return MetronomeTarget(engine, EmbeddedTarget(engine), remote)

    def carry_out(self, plan: Plan) -> bool:
        return carried_out(self.target, self.setup, plan, self.now)

    def billed(self) -> tuple[Billed, ...]:
        return self.bills_of(ALIAS)

    def customer(self) -> str:
        return self.customer_of(ALIAS)

    def contract(self) -> str:
        (found,) = self.contracts_of(ALIAS)
        return str(found["id"])


@contextmanager
def remote_world(state: Path) -> Iterator[RemoteWorld]:
    """A server with the catalogue under ids of its own."""
    with running(state, start=SIGNED) as server:
        world = RemoteWorld(server)
        sell(world, CATALOG)
        try:
            yield world
        finally:
            world.client.close()
            world.http.close()


def sell(world: There, catalog: Catalog) -> None:
    """Make our catalogue on the server, as a person would: same names, other ids."""
    ids: dict[str, str] = {}
    for metric in catalog.metrics.values():
        body = {
            "name": metric.name,
            "aggregation_type": "SUM",
            "aggregation_key": metric.key,
            "event_type_filter": {"in_values": list(metric.event_types)},
            "property_filters": [{"name": metric.key, "exists": True}],
        }
        ids[metric.id] = world.post("/v1/billable-metrics/create", body)["data"]["id"]
    pricing = "/v1/contract-pricing"
    for product in catalog.products.values():
        version = product.versions[0]
        body = {"name": product.name, "type": product.type.value, "tags": list(version.tags)}
        if version.metric_id is not None:
            body["billable_metric_id"] = ids[version.metric_id]
        ids[product.id] = world.post(f"{pricing}/products/create", body)["data"]["id"]
    for card in catalog.rate_cards.values():
        aliases = [{"name": one.name} for one in card.aliases]
        body = {"name": "Theirs", "aliases": aliases}
        there = world.post(f"{pricing}/rate-cards/create", body)["data"]["id"]
        rates = [_rate(one, ids) for one in card.rates]
        world.post(f"{pricing}/rate-cards/addRates", {"rate_card_id": there, "rates": rates})


def carried_out(target: Target, ours: Setup, plan: Plan, now: datetime) -> bool:
    """As ``sync.apply`` does it."""
    target.send(plan, now=now)
    with writing(ours.db):
        return target.apply(plan, by="sync", now=now).changed


def _rate(rate: Rate, ids: Mapping[str, str]) -> dict[str, Any]:
    frequency = rate.billing_frequency
    return {
        "product_id": ids[rate.product_id],
        "starting_at": wire_instant(rate.window.start),
        "entitled": rate.entitled,
        **price_body(rate.price),
        **({} if frequency is None else {"billing_frequency": frequency}),
    }


def _of_engine(invoice: Invoice) -> Billed:
    return Billed(
        begins=invoice.start or invoice.issued_at,
        kind=invoice.type.value,
        is_final=invoice.status is InvoiceStatus.FINALIZED,
        total=invoice.total,
        lines=_lines((one.name, one.quantity, one.total) for one in invoice.lines),
    )


def _of_wire(invoice: Mapping[str, Any]) -> Billed:
    return Billed(
        begins=parse_instant(invoice.get("start_timestamp") or invoice["issued_at"]),
        kind=invoice["type"],
        is_final=invoice["status"] == "FINALIZED",
        total=invoice["total"],
        lines=_lines(
            (one["name"], one.get("quantity"), one["total"]) for one in invoice["line_items"]
        ),
    )


def _lines(
    rows: Iterable[tuple[str, Decimal | None, Decimal]],
) -> tuple[tuple[str, Decimal, Decimal], ...]:
    told = [(name, Decimal(1) if n is None else n, total) for name, n, total in rows]
    return tuple(sorted((name, n.normalize(), total.normalize()) for name, n, total in told))
