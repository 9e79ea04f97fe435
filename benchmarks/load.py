"""The real server under load on loopback: ingest, balances and drafts at ten million events.

``closedwon serve`` over the state of ``load_world``, asked by ``wrk`` with many connections. Every
figure stands beside that of the bare endpoint ``/healthz`` of the same server, measured right
before it: ``rate`` is answers a second over its answers a second, ``p50`` and ``p99`` are latencies
over its latencies. ``ratio`` is events stored a second in batches of 100 over bare answers a
second; more is better. ``equal``: no answer but 200, and every acknowledged event is stored.
wrk is Debian's package of that name; without it nothing is measured.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.child import ROOT, measured
from benchmarks.load_page import page
from benchmarks.load_world import NOW, SECRET
from benchmarks.year_world import Size
from closedwon.settings import Settings
from closedwon.usage import open_usage

FULL = Size(customers=10_000, products=20, events=10_000_000)
SMALL = Size(customers=50, products=20, events=20_000)
KEPT = Path(".bench")
SCRIPT = Path(__file__).with_name("load.lua")
CONNECTIONS = 32
FEW_CONNECTIONS = 4
"""As many as the server has workers: latency is that of the answer, not of a queue."""
SECONDS, BARE_SECONDS = 10, 4
BULK_EVENTS = 5_000
AGAIN = 20
"""Customers that are asked about again and again."""
PAGE = "performance.md"
MISSING = "wrk is not installed (apt-get install wrk, or brew install wrk); nothing was measured"
__all__ = ["PAGE", "page", "run"]


class Kind(NamedTuple):
    """One kind of request."""

    name: str
    events: int = 0
    """In a body."""
    connections: int = CONNECTIONS
    customers_max: int = 1_000_000
    """How many customers it is about; all there are when there are fewer."""


KINDS = (
    Kind("customer"),
    Kind("net_balance", connections=FEW_CONNECTIONS),
    Kind("net_balance_again", connections=FEW_CONNECTIONS, customers_max=AGAIN),
    Kind("balances", connections=FEW_CONNECTIONS),
    Kind("balances_again", connections=FEW_CONNECTIONS, customers_max=AGAIN),
    Kind("drafts", connections=FEW_CONNECTIONS),
    Kind("drafts_again", connections=FEW_CONNECTIONS, customers_max=AGAIN),
    Kind("ingest", events=100),
    Kind("bulk", events=BULK_EVENTS, connections=FEW_CONNECTIONS),
)
"""Reads first: what is ingested afterwards is more than was stored."""


def run(*, small: bool) -> dict[str, Any]:
    """Figures by kind of request, and the server's memory."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return {"skipped": MISSING}
    size = SMALL if small else FULL
    with tempfile.TemporaryDirectory(prefix="load-") as scratch:
        state = Path(shutil.copytree(_built(size), Path(scratch) / "state"))
        with _served(state) as (url, process):
            at_start = _resident_mib(process.pid)
            found = {kind.name: _beside_bare(wrk, url, kind, size, small=small) for kind in KINDS}
            at_end = _resident_mib(process.pid)
        stored = _stored(state) - size.events
    sent = [found[kind.name]["answers"] * kind.events for kind in KINDS]
    return {
        **found,
        "events": size.events,
        "customers": size.customers,
        "connections": CONNECTIONS,
        "few_connections": FEW_CONNECTIONS,
        "cores": os.cpu_count(),
        "ingested": stored,
        "resident_mib_at_start": at_start,
        "resident_mib_at_end": at_end,
        "equal": stored >= sum(sent) and not any(one["failed"] for one in found.values()),
        "ratio": found["ingest"]["events_to_bare"],
    }


def _built(size: Size) -> Path:
    """The state, made when it is not kept from an earlier run."""
    built = KEPT / f"load-{size.events}-{size.customers}"
    if not built.exists():
        path = str(built.absolute())
        measured("benchmarks.load_world", "build_side", state=path, size=list(size))
    return built


@contextmanager
def _served(state: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The server's URL and process."""
    command = [sys.executable, "-m", "closedwon.cli", "--state", str(state), "serve"]
    options = ["--port", "0", "--clock", "manual", "--now", NOW.isoformat()]
    with subprocess.Popen(  # noqa: S603 - our own
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.terminate()
            process.wait()


def _beside_bare(wrk: str, url: str, kind: Kind, size: Size, *, small: bool) -> dict[str, Any]:
    """One kind of request, and right before it the bare endpoint with as many connections."""
    seconds, bare_seconds = (1, 1) if small else (SECONDS, BARE_SECONDS)
    bare = _asked(wrk, url, Kind("bare", connections=kind.connections), size, bare_seconds)
    ours = _asked(wrk, url, kind, size, seconds)
    figures = {
        **ours,
        "bare_per_second": bare["per_second"],
        "bare_p50_ms": bare["p50_ms"],
        "bare_p99_ms": bare["p99_ms"],
        "rate": round(ours["per_second"] / bare["per_second"], 3),
        "p50": round(ours["p50_ms"] / bare["p50_ms"], 1),
        "p99": round(ours["p99_ms"] / bare["p99_ms"], 1),
    }
    if kind.events:
        stored = ours["per_second"] * kind.events
        figures["events_per_second"] = round(stored)
        figures["events_to_bare"] = round(stored / bare["per_second"], 1)
    return figures


def _asked(wrk: str, url: str, kind: Kind, size: Size, seconds: int) -> dict[str, Any]:
    """What wrk says after so many seconds."""
    threads = min(2, kind.connections)
    command = [wrk, f"-t{threads}", f"-c{kind.connections}", f"-d{seconds}s", "--timeout", "60s"]
    environment = {
        **os.environ,
        "LOAD_KIND": kind.name,
        "LOAD_TOKEN": SECRET,
        "LOAD_CUSTOMERS": str(min(size.customers, kind.customers_max)),
        "LOAD_EVENTS": str(kind.events),
        "LOAD_RUN": kind.name,
    }
    done = subprocess.run(  # noqa: S603 - our own
        [*command, "--latency", "-s", str(SCRIPT), url],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    return {
        "answers": told["requests"] - told["refused"],
        "failed": told["refused"] + told["broken"],
        "per_second": round(told["requests"] / told["microseconds"] * 1e6, 1),
        "p50_ms": round(told["p50_us"] / 1000, 2),
        "p99_ms": round(told["p99_us"] / 1000, 2),
    }


def _resident_mib(pid: int) -> int:
    """Memory of the server now."""
    told = subprocess.run(  # noqa: S603 - our own
        ["ps", "-o", "rss=", "-p", str(pid)],  # noqa: S607 - wherever the system has it
        check=True,
        capture_output=True,
        text=True,
    )
    return int(re.sub(r"\D", "", told.stdout)) // 1024


def _stored(state: Path) -> int:
    """Events in the store once the server is gone, by their sequence numbers."""
    log = open_usage(Settings(state_dir=state).usage_dir, read_only=True)
    try:
        return log.latest()
    finally:
        log.close()
