"""Extraction of deals with their lines against simple-salesforce's query_all_iter, 50 ms away.

The dev org holds N won deals with a quote of eight lines each. The baseline reads the three objects
with ``query_all_iter`` (exact numbers, nothing checked, nothing put together); ours is the backfill
path: ids of won deals, then whole deals, stamps read twice, children grouped. Every request waits
50 ms. What is compared is the clients, so the first, ``live`` pass of each side records the dev
org's answers, and the timed pass gets the same bytes back without the org's own work in between.
``ratio`` is the baseline's time over ours; aim 4 or more. ``ratio_live`` is that of the live
passes, where the dev org's single process is the limit. Both sides must sum the same lines.
"""

import tempfile
from asyncio import sleep
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from zlib import crc32

from simple_salesforce.api import Salesforce
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from benchmarks.child import measured
from closedwon.crm import salesforce as adapter
from closedwon.deals.source import ChildSource, DealSource
from closedwon.deals.types import Deal
from closedwon.devorg.http import Accounts, ConnectedApp, Options, User, application, running
from closedwon.devorg.http.client import redirecting_session
from closedwon.devorg.org import Org
from closedwon.devorg.schema import org_schema
from closedwon.kernel.exact import canonical
from closedwon.kernel.ids import id18
from closedwon.transport import Patience, open_client

DEALS, DEALS_SMALL = 50_000, 300
LINES_EACH = 8
LATENCY_S = 0.05
AIM = 4
NOW = datetime(2024, 6, 1, tzinfo=UTC)
YEAR = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))
STAMP = "2024-03-01T11:00:00.000+0000"
DEAL_FIELDS = ("Amount", "CloseDate", "Name", "StageName")
QUOTE_FIELDS = ("Name", "SBQQ__EndDate__c", "SBQQ__StartDate__c", "SBQQ__SubscriptionTerm__c")
LINE_FIELDS = (
    "SBQQ__BillingFrequency__c",
    "SBQQ__ChargeType__c",
    "SBQQ__Description__c",
    "SBQQ__EndDate__c",
    "SBQQ__ListPrice__c",
    "SBQQ__NetPrice__c",
    "SBQQ__Number__c",
    "SBQQ__Quantity__c",
    "SBQQ__SegmentKey__c",
    "SBQQ__SegmentLabel__c",
    "SBQQ__StartDate__c",
)
SOURCE = DealSource(
    root="Opportunity",
    trigger="IsWon = true",
    fields=DEAL_FIELDS,
    children=(
        ChildSource(
            name="quotes",
            object_name="SBQQ__Quote__c",
            link="SBQQ__Opportunity2__c",
            parent="deal.Id",
            to_root="SBQQ__Opportunity2__c",
            fields=QUOTE_FIELDS,
        ),
        ChildSource(
            name="lines",
            object_name="SBQQ__QuoteLine__c",
            link="SBQQ__Quote__c",
            parent="quotes.Id",
            to_root="SBQQ__Quote__r.SBQQ__Opportunity2__c",
            fields=LINE_FIELDS,
        ),
    ),
)
USER, PASSWORD, SECRET = "bench@acme.test", "x", "s"


def run(*, small: bool) -> dict[str, Any]:
    """Figures of both sides."""
    deals = DEALS_SMALL if small else DEALS
    with org_of(deals) as url:
        live = [measured(__name__, side, url=url) for side in ("their_side", "our_side")]
        theirs = measured(__name__, "their_side", url=url)
        ours = measured(__name__, "our_side", url=url)
    counted = {"deals": deals, "lines": deals * LINES_EACH}
    return {
        "theirs": {**theirs, "live_s": live[0]["seconds"]},
        "ours": {**ours, "live_s": live[1]["seconds"]},
        **counted,
        "equal": theirs["checksum"] == ours["checksum"]
        and all(side[name] == count for side in (theirs, ours) for name, count in counted.items()),
        "ratio": round(theirs["seconds"] / ours["seconds"], 2),
        "ratio_live": round(live[0]["seconds"] / live[1]["seconds"], 2),
        "aim": AIM,
    }


def their_side(_directory: Path, *, url: str) -> dict[str, Any]:
    """Three statements, page after page."""
    with redirecting_session(url) as session:
        salesforce = Salesforce(
            username=USER,
            password=PASSWORD,
            security_token="",
            session=session,
            parse_float=Decimal,
        )
        begun, begun_cpu = perf_counter(), process_time()

        def rows(fields: Sequence[str], rest: str) -> Iterator[Mapping[str, Any]]:
            return salesforce.query_all_iter(f"SELECT Id, {', '.join(fields)} FROM {rest}")

        deals = sum(1 for _ in rows(DEAL_FIELDS, "Opportunity WHERE IsWon = true"))
        quotes = rows(("SBQQ__Opportunity2__c", *QUOTE_FIELDS), "SBQQ__Quote__c")
        deal_of = {quote["Id"]: quote["SBQQ__Opportunity2__c"] for quote in quotes}
        total = Total()
        for line in rows(("SBQQ__Quote__c", *LINE_FIELDS), "SBQQ__QuoteLine__c"):
            total.add(deal_of[line["SBQQ__Quote__c"]], [line])
        return total.figures(deals, perf_counter() - begun, process_time() - begun_cpu)


def our_side(_directory: Path, *, url: str) -> dict[str, Any]:
    """The backfill path of the adapter."""
    with open_client() as client:
        connection = adapter.Connection(
            client=client,
            grant=adapter.ClientCredentials(client, url, "bench", SECRET),
            patience=Patience(sleep=_never),
            clock=_now,
        )
        crm = adapter.connect(connection, SOURCE, lambda _record, _children: "")
        begun, begun_cpu = perf_counter(), process_time()
        deals, total = 0, Total()
        for deal in crm.deals(crm.won(*YEAR), crm.server_now()):
            assert isinstance(deal, Deal), deal
            deals += 1
            total.add(deal.opportunity_id, deal.children["lines"])
        figures = total.figures(deals, perf_counter() - begun, process_time() - begun_cpu)
        return {**figures, "api_calls": crm.usage().ours}


class Total:
    """What both sides must agree on: value and identity of every line, in any order."""

    def __init__(self) -> None:
        self.lines = 0
        self.value = Decimal(0)
        self.marks = 0

    def add(self, deal_id: str, lines: Iterable[Mapping[str, Any]]) -> None:
        """Count the lines of a deal."""
        for line in lines:
            self.lines += 1
            self.value += line["SBQQ__Quantity__c"] * line["SBQQ__NetPrice__c"]
            self.marks += crc32(f"{deal_id}{line['Id']}".encode())

    def figures(self, deals: int, seconds: float, cpu_seconds: float) -> dict[str, Any]:
        """As the run prints them."""
        return {
            "seconds": round(seconds, 2),
            "cpu_s": round(cpu_seconds, 2),
            "deals": deals,
            "lines": self.lines,
            "checksum": f"{self.marks:x} {canonical(self.value)}",
        }


class Replay:
    """Passes requests on to ``app`` once and repeats its answers after that; logins always."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._known: dict[tuple[str, str, bytes, bytes], list[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request after the latency."""
        body = b""
        more = True
        while more:
            part = await receive()
            body += part.get("body", b"")
            more = part.get("more_body", False)
        await sleep(LATENCY_S)
        key = (scope["method"], scope["path"], scope["query_string"], body)
        if key not in self._known:
            answer = await self._asked(scope, body)
            if "/services/data" not in scope["path"]:
                for message in answer:
                    await send(message)
                return
            self._known[key] = answer
        for message in self._known[key]:
            await send(message)

    async def _asked(self, scope: Scope, body: bytes) -> list[Message]:
        answer: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._app(scope, receive, keep)
        return answer


@contextmanager
def org_of(deals: int) -> Iterator[str]:
    """A dev org with that many deals, 50 ms away in a process of its own; yields its address."""
    context = get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(deals, there))
    server.start()
    there.close()  # Ours is the child's now: its death ends the wait below.
    try:
        yield here.recv()
        here.send("done")
    finally:
        server.join(10)
        server.terminate()


def serve(deals: int, line: Connection) -> None:
    """Build the org, tell its address, serve until something arrives."""
    with tempfile.TemporaryDirectory(prefix="extract-") as directory:
        org = Org.open(Path(directory) / "org.db", org_schema(), _now)
        for first in range(0, deals, 10_000):
            org.load_records(records(range(first, min(first + 10_000, deals))))
        user = User(id=org.admin_id, username=USER, password=PASSWORD)
        app = ConnectedApp(client_id="bench", client_secret=SECRET, run_as=USER)
        accounts = Accounts(users=(user,), apps=(app,))
        options = Options(api_calls_max=1_000_000)
        with running(Replay(application(org, accounts, _now, options))) as url:
            line.send(url)
            line.recv()
        org.close()


def records(numbers: range) -> dict[str, list[dict[str, Any]]]:
    """Deals by arithmetic: every run extracts the same rows."""
    quotes = ((n, id18(f"a0nHs{n:010d}"), id18(f"006Hs{n:010d}")) for n in numbers)
    found: dict[str, list[dict[str, Any]]] = {
        "Opportunity": [],
        "SBQQ__Quote__c": [],
        "SBQQ__QuoteLine__c": [],
    }
    term = {"SBQQ__StartDate__c": "2024-03-01", "SBQQ__EndDate__c": "2027-02-28"}
    for n, quote, deal in quotes:
        found["Opportunity"].append(
            {
                "Id": deal,
                "Name": f"Deal {n}",
                "Amount": Decimal(n) + Decimal("0.25"),
                "CloseDate": "2024-03-01",
                "StageName": "Closed Won",
                "IsWon": True,
                "IsClosed": True,
                "SystemModstamp": STAMP,
            }
        )
        months = {"SBQQ__SubscriptionTerm__c": Decimal(36), "SystemModstamp": STAMP}
        found["SBQQ__Quote__c"].append(
            {"Id": quote, "Name": f"Q-{n:07d}", "SBQQ__Opportunity2__c": deal, **term, **months}
        )
        found["SBQQ__QuoteLine__c"] += [
            {
                "Id": id18(f"a0kHs{n * LINES_EACH + k:010d}"),
                "SBQQ__Quote__c": quote,
                "SBQQ__Number__c": Decimal(k + 1),
                "SBQQ__Quantity__c": Decimal(n % 97 + 1),
                "SBQQ__ListPrice__c": Decimal("100.00"),
                "SBQQ__NetPrice__c": Decimal(n % 1000) + Decimal("0.33"),
                "SBQQ__Description__c": f"Line {k} of deal {n}",
                "SBQQ__SegmentKey__c": f"key-{n}",
                "SBQQ__SegmentLabel__c": f"Year {k}",
                "SBQQ__ChargeType__c": "Recurring",
                "SBQQ__BillingFrequency__c": "Annual",
                "SystemModstamp": STAMP,
                **term,
            }
            for k in range(LINES_EACH)
        ]
    return found


def _now() -> datetime:
    return NOW


def _never(seconds: float) -> None:
    raise AssertionError(f"nothing fails here, yet a retry would wait {seconds} s")
