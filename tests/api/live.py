"""A live server on loopback with a clock the test moves, and the official SDK pointed at it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
from metronome import DefaultHttpxClient, Metronome

from api.promised import held
from closedwon.api import ManualClock, serving
from closedwon.engine import tokens
from closedwon.settings import Settings
from closedwon.store.database import close, open_database
from closedwon.store.migrations import migrate
from closedwon.store.stores import Stores
from closedwon.store.tokens import Scope
from closedwon.wiring.serving import wire
from closedwon.wiring.sources import new_id, new_secret

START = datetime(2026, 1, 1, tzinfo=UTC)


class Held(DefaultHttpxClient):
    """Holds answers to the document; closes itself when forgotten, as the SDK's own does."""

    def __del__(self) -> None:
        if not self.is_closed:
            self.close()


class Server:
    """A running server, its clock and its tokens."""

    def __init__(self, url: str, clock: ManualClock, settings: Settings) -> None:
        self.url = url
        self.clock = clock
        self.settings = settings
        self.secrets: dict[frozenset[Scope], str] = {}

    def secret(self, *scopes: Scope) -> str:
        """The token with exactly these scopes."""
        key = frozenset(scopes)
        if key not in self.secrets:
            secret = self.secrets[key] = new_secret()
            db = open_database(self.settings.state_file)
            name = "-".join(sorted(key)) or "none"
            tokens.create(Stores(db), name, key, secret, by="test", now=START)
            close(db)
        return self.secrets[key]

    def http(self, *scopes: Scope) -> httpx.Client:
        """A client with that token."""
        headers = {"Authorization": f"Bearer {self.secret(*scopes)}"}
        return httpx.Client(
            base_url=self.url, headers=headers, timeout=30, event_hooks={"response": [held]}
        )

    def sdk(self, *scopes: Scope) -> Metronome:
        """The official client, checking every response against its own types."""
        return Metronome(
            bearer_token=self.secret(*(scopes or tuple(Scope))),
            base_url=self.url,
            max_retries=0,
            http_client=Held(event_hooks={"response": [held]}),
            _strict_response_validation=True,
        )


@contextmanager
def running(
    state: Path,
    requests_per_second: int = 0,
    start: datetime = START,
    api_url: str = "",
    new_id: Callable[[], str] = new_id,
) -> Iterator[Server]:
    settings = Settings(state_dir=state, api_url=api_url)
    clock = ManualClock(start)
    db = open_database(settings.state_file)
    migrate(db)
    close(db)
    with (
        wire(settings, clock, requests_per_second, new_id=new_id) as application,
        serving(application) as url,
    ):
        yield Server(url, clock, settings)
