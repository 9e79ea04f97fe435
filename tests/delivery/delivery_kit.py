"""A state, a clock and a deliver step for delivery tests."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import httpx

from closedwon.delivery import Channel, WebhookChannel
from closedwon.engine.events import emit
from closedwon.step import StepReport
from closedwon.store import Stores
from closedwon.store.database import open_database, writing
from closedwon.store.migrations import migrate
from closedwon.sync.deliver import Deliver
from closedwon.transport import open_client

NOW = datetime(2024, 3, 2, tzinfo=UTC)
SECRET = "canary-secret"
URL = "https://hooks.example/closedwon"


class Clock:
    """Moves when told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, **time: int) -> datetime:
        self.now += timedelta(**time)
        return self.now


def stores_in(path: str = ":memory:") -> Stores:
    db = open_database(path)
    migrate(db)
    return Stores(db)


def tell(stores: Stores, n: int, now: datetime = NOW) -> str:
    with writing(stores.db):
        return emit(stores, "alerts.spend_threshold_reached", {"alert_id": f"a{n}"}, now)


def endpoint(
    clock: Callable[[], datetime],
    name: str = "crm",
    url: str = URL,
    client: httpx.Client | None = None,
) -> WebhookChannel:
    return WebhookChannel(
        name=name, url=url, secret=SECRET, client=client or open_client(), clock=clock
    )


def run(stores: Stores, clock: Clock, *channels: Channel) -> StepReport:
    chosen: Sequence[Channel] = channels
    return Deliver(stores=stores, channels=chosen, clock=clock).run(clock.now)
