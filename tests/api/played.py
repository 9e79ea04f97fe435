"""A story told to a live server: usage through the SDK at its time, the clock moved to what is due.

Catalogue and contracts are made through the SDK (``shop.py``); where only what the wire says
afterwards is tested, they may come from the builders of ``tests/build.py``, on an engine over the
same state file.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from itertools import count, groupby, islice
from json import loads
from typing import Any

import httpx
from metronome import Metronome
from metronome.types.v1.customers import Invoice

from api.live import Server
from billing.world import at
from closedwon.engine import Engine
from closedwon.kernel.instant import format_instant
from closedwon.store.database import close, open_database
from closedwon.testing.usage import MemoryUsage, Used

INGEST_MAX = 100
"""Events of one request (2.3)."""
EVENTS_MAX = 10_000
"""No story tells more."""


class Noted(MemoryUsage):
    """Usage that keeps what builders use, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[Used] = []

    def use(self, *events: Used) -> int:
        self.noted += events
        return super().use(*events)


class Story:
    """A server with a world in it."""

    def __init__(self, server: Server, sdk: Metronome, http: httpx.Client) -> None:
        self.server = server
        self.sdk = sdk
        self.http = http
        self._to_come: list[Used] = []
        self._numbers = count()

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """An engine over the server's state; it knows no usage."""
        db = open_database(self.server.settings.state_file)
        try:
            yield Engine(db, MemoryUsage())
        finally:
            close(db)

    def built(self, build: Callable[[Engine, MemoryUsage], None]) -> None:
        """Put a world in; its usage is sent when its time has come."""
        with self.engine() as engine:
            usage = Noted()
            build(engine, usage)
            self.use(*usage.noted)

    def use(self, *events: Used) -> None:
        self._to_come += events

    def used(self, when: str, who: str = "acme", **properties: str) -> None:
        """An event of the products that ``shop.Seller.usage`` makes, sent when its time has come."""
        number = next(self._numbers)
        self.use(
            Used(
                transaction_id=f"used-{number}",
                customer_id=who,
                event_type="used",
                timestamp=at(when),
                properties={"region": "eu"} | properties,
            )
        )

    def until(self, now: datetime) -> None:
        """Let time pass, with the usage that falls into it."""
        self._to_come.sort(key=lambda one: one.timestamp)
        due = [one for one in self._to_come if one.timestamp <= now]
        self._to_come = self._to_come[len(due) :]
        for when, events in groupby(due, key=lambda one: one.timestamp):
            self._move(when)
            while batch := [_sent(one) for one in islice(events, INGEST_MAX)]:
                self.sdk.v1.usage.ingest(usage=batch)
        self._move(now)

    def invoices(self, customer_id: str = "customer", **filters: Any) -> list[Invoice]:
        return list(self.sdk.v1.customers.invoices.list(customer_id=customer_id, **filters))

    def told(self) -> list[Any]:
        """Bodies of all webhooks that were to be sent, oldest first."""
        with self.engine() as engine:
            return [loads(one.body) for one in engine.stores.events.after(0, EVENTS_MAX)]

    def exact(self, path: str, **query: str) -> Any:
        """What the wire says, numbers as they are written."""
        return exact_json(self.http.get(path, params=query))

    def _move(self, now: datetime) -> None:
        answer = self.http.post("/closedwon/clock", json={"now": format_instant(now)}, timeout=300)
        assert answer.status_code == 200, answer.text


def exact_json(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return loads(answer.text, parse_float=Decimal, parse_int=Decimal)


def dollars(cents: float | None) -> Decimal:
    """The SDK has floats; what it got was exact, so the cents are."""
    assert cents is not None
    return Decimal(str(cents)) / 100


def lines_of(invoice: Invoice, kind: str) -> Mapping[str, Decimal]:
    """Dollars by name of the lines of one type, added up."""
    found: dict[str, Decimal] = {}
    for line in invoice.line_items:
        if line.type == kind:
            found[line.name] = found.get(line.name, Decimal(0)) + dollars(line.total)
    return found


def priced(invoice: Invoice, *kinds: str) -> list[tuple[str, Decimal, Decimal, Decimal, bool]]:
    """(name, quantity, unit price in dollars, dollars, is paid by a balance) of lines with a price."""
    return [
        (
            line.name,
            Decimal(str(line.quantity)),
            dollars(line.unit_price),
            dollars(line.total),
            line.commit_id is not None,
        )
        for line in invoice.line_items
        if line.type in (kinds or ("usage",))
    ]


def totals(invoices: Iterable[Invoice]) -> list[tuple[str, str, Decimal]]:
    return [(one.type, one.status, dollars(one.total)) for one in invoices]


def _sent(one: Used) -> Any:
    return {
        "transaction_id": one.transaction_id,
        "customer_id": one.customer_id,
        "event_type": one.event_type,
        "timestamp": format_instant(one.timestamp),
        "properties": dict(one.properties),
    }
