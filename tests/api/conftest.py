"""A live server for each test, and clients of it."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from metronome import Metronome

from api.live import START, Server, running
from api.played import Story
from closedwon.store.tokens import Scope


@pytest.fixture
def start() -> datetime:
    """Where the clock begins; a module that tells an older story overrides it."""
    return START


@pytest.fixture
def server(tmp_path: Path, start: datetime) -> Iterator[Server]:
    with running(tmp_path / "state", start=start) as found:
        yield found


@pytest.fixture
def client(server: Server) -> Iterator[Metronome]:
    with server.sdk() as sdk:
        yield sdk


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with server.http(*Scope) as found:
        yield found


@pytest.fixture
def story(server: Server, client: Metronome, http: httpx.Client) -> Story:
    return Story(server, client, http)
