"""The real server, killed while many clients send: acknowledged means counted once (G11, G21)."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from closedwon.engine import tokens
from closedwon.settings import Settings
from closedwon.store.database import close, open_database
from closedwon.store.migrations import migrate
from closedwon.store.stores import Stores
from closedwon.store.tokens import Scope
from closedwon.usage import open_usage
from closedwon.wiring.sources import new_secret
from usage.build import a_demand, a_metric

NOW = datetime(2024, 3, 20, tzinfo=UTC)
BATCH, BATCHES = 20, 16
LINES, STREAMS = 2000, 3
BATCH_CLIENTS, STREAM_CLIENTS = 5, 2
CLIENTS = BATCH_CLIENTS + STREAM_CLIENTS
PATIENCE_S = 60


class Server:
    """``closedwon serve`` as a process that is killed and started again at the same port."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self.port = 0
        self.secret = _made(state)
        self.answers = 0
        self.answered = threading.Condition()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "closedwon.cli", "--state", str(self._state), "serve"]
        options = ["--port", str(self.port), "--clock", "manual", "--now", NOW.isoformat()]
        self.process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().rpartition(":")[2])

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def wait_for(self, answers: int) -> None:
        """Until so many requests were acknowledged; others are under way then."""
        with self.answered:
            assert self.answered.wait_for(lambda: self.answers >= answers, PATIENCE_S)

    def acknowledged(self, client: httpx.Client, path: str, kind: str, body: bytes) -> None:
        """Send until it is acknowledged; a killed server is a refused or broken connection."""
        patience = threading.Event()
        for _ in range(PATIENCE_S * 20):
            try:
                sent = _pieces(body) if path != "/v1/ingest" else body
                answer = client.post(self.url + path, content=sent, headers={"Content-Type": kind})
            except httpx.TransportError:
                patience.wait(0.05)
                continue
            assert answer.status_code == 200, answer.text
            with self.answered:
                self.answers += 1
                self.answered.notify_all()
            return
        raise AssertionError("the server did not come back")


def _made(state: Path) -> str:
    db = open_database(Settings(state_dir=state).state_file)
    migrate(db)
    secret = new_secret()
    tokens.create(Stores(db), "sender", frozenset({Scope.INGEST}), secret, by="test", now=NOW)
    close(db)
    return secret


def _pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 50_000):
        yield body[start : start + 50_000]


def _event(number: int) -> dict[str, object]:
    return {
        "transaction_id": f"t{number}",
        "customer_id": "acme",
        "event_type": "call",
        "timestamp": "2024-03-19T00:00:00Z",
        "properties": {"n": str(number)},
    }


def _client(server: Server, number: int) -> int:
    """Send everything client ``number`` has; returns how many events that is."""
    first = number * 1_000_000
    headers = {"Authorization": f"Bearer {server.secret}"}
    with httpx.Client(headers=headers, timeout=PATIENCE_S) as client:
        if number < BATCH_CLIENTS:
            for start in range(first, first + BATCH * BATCHES, BATCH):
                body = json.dumps([_event(at) for at in range(start, start + BATCH)]).encode()
                server.acknowledged(client, "/v1/ingest", "application/json", body)
            return BATCH * BATCHES
        for start in range(first, first + LINES * STREAMS, LINES):
            lines = "\n".join(json.dumps(_event(at)) for at in range(start, start + LINES))
            kind = "application/x-ndjson"
            server.acknowledged(client, "/closedwon/ingest", kind, lines.encode())
        return LINES * STREAMS


@pytest.mark.parametrize("kills_after", [(17, 52)])
def test_g11_g21_nothing_acknowledged_is_lost_or_counted_twice(
    tmp_path: Path, kills_after: tuple[int, ...]
) -> None:
    server = Server(tmp_path / "state")
    try:
        with ThreadPoolExecutor(CLIENTS) as pool:
            sending = [pool.submit(_client, server, number) for number in range(CLIENTS)]
            for answers in kills_after:
                server.wait_for(answers)
                server.kill()
                server.start()
            sizes = [one.result(PATIENCE_S) for one in sending]
    finally:
        server.kill()
    numbers = [n * 1_000_000 + at for n, size in enumerate(sizes) for at in range(size)]
    log = open_usage(Settings(state_dir=tmp_path / "state").usage_dir, metrics_retroactive=True)
    ids = [row[0] for row in log.query("select transaction_id from event")]
    assert sorted(ids) == sorted(f"t{number}" for number in numbers)
    assert log.total(a_demand(a_metric("SUM"))) == sum(numbers)
    log.close()
