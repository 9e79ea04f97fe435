"""A whole little world in one process: a local Salesforce over HTTP, closedwon on it, one clock.

The demo and the stories under ``tests/stories`` live in it. Nothing in it is special to them: the
application is the one ``wiring.build`` makes, and it reaches the org over loopback HTTP only.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from closedwon.devorg.http import (
    Faults,
    Options,
    running,
)
from closedwon.devorg.org import Org
from closedwon.settings import Settings, load_settings
from closedwon.step import StepReport
from closedwon.sync.line import settle, totals
from closedwon.usage.types import UsageEvent
from closedwon.wiring import App, build
from closedwon.wiring.devorg import CLIENT_ID, new_secret, open_org, served

MOMENT = timedelta(minutes=5)
"""Longer than a deal must stand still before it is read."""
CHUNK = 10_000
CALLS_MAX = 1_000_000
"""API calls a day: years pass in seconds here."""


class World:
    """The org, the application and their clock; use ``opened``."""

    def __init__(
        self, org: Org, url: str, secret: str, faults: Faults, state_dir: Path, now: datetime
    ) -> None:
        self.org = org
        self.url = url
        self.faults = faults
        self.now = now
        self.settings = self._settings(state_dir, secret, now)
        self.app = self.reopened()

    def clock(self) -> datetime:
        """The one clock of this world."""
        return self.now

    def reopened(self) -> App:
        """The application as a new process would open it; the caller closes the old one."""
        self.app = build(self.settings, clock=self.clock, sleep=lambda _: None)
        return self.app

    def move(self, now: datetime) -> None:
        """Let time pass; it never goes back."""
        self.now = max(self.now, now)

    def load(self, records: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Records as an admin's data loader would bring them, stamps and all."""
        self.org.load_records(records)

    def change(self, object_name: str, record_id: str, **fields: Any) -> None:
        """Edit one record as a person would, now."""
        self.org.update(object_name, record_id, fields, Org.admin_id)

    def sync(self) -> tuple[StepReport, ...]:
        """Run the whole line until nothing changes; a moment passes first."""
        self.move(self.now + MOMENT)
        return totals(settle(self.app.steps, self.app.store, self.now))

    def use(self, events: Sequence[UsageEvent]) -> int:
        """Send usage; returns how many events were new."""
        accepted = 0
        for at in range(0, len(events), CHUNK):
            accepted += self.app.usage.ingest(events[at : at + CHUNK], self.now).accepted
        return accepted

    def rows(self, soql: str) -> list[dict[str, Any]]:
        """What Salesforce shows, as a person would query it."""
        return list(self.org.query(soql).rows)

    def _settings(self, state_dir: Path, secret: str, now: datetime) -> Settings:
        return load_settings(
            state_dir=state_dir,
            salesforce_login_url=self.url,
            salesforce_grant="client_credentials",
            salesforce_client_id=CLIENT_ID,
            salesforce_client_secret=secret,
            salesforce_api_share_percent=100,
            salesforce_api_stop_percent=100,
            go_live=now,
            usage_backdating_days=36_500,
        )


@contextmanager
def opened(state_dir: Path, now: datetime, *, org_file: str = ":memory:") -> Iterator[World]:
    """Start an org with our Salesforce package, serve it on a free loopback port, open closedwon.

    ``state_dir`` is where closedwon keeps its state; it may exist already.
    """
    clocks: list[World] = []

    def clock() -> datetime:
        return clocks[0].now if clocks else now

    org = open_org(org_file, clock)
    faults, secret = Faults(), new_secret()
    app = served(org, secret, clock, Options(api_calls_max=CALLS_MAX), faults)
    try:
        with running(app) as url:
            world = World(org, url, secret, faults, state_dir, now)
            clocks.append(world)
            try:
                yield world
            finally:
                world.app.close()
    finally:
        org.close()
