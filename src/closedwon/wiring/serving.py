"""The API over a state directory: one usage store, an engine for each worker thread."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime

from starlette.types import ASGIApp

from closedwon.api import Options, Unsupported, Workers, application
from closedwon.deals.mapping.worth import Worth, worth_of
from closedwon.deals.types import Deal
from closedwon.engine import Engine
from closedwon.kernel.errors import ConfigError
from closedwon.settings import Settings
from closedwon.store.database import close, open_database
from closedwon.store.known_tokens import KnownTokens
from closedwon.store.migrations import migrate
from closedwon.usage import UsageLog, open_usage
from closedwon.wiring.app import build
from closedwon.wiring.choices import billing_settings
from closedwon.wiring.closing import Closing
from closedwon.wiring.mappings import Mappings
from closedwon.wiring.sources import new_id, new_secret


@contextmanager
def wire(
    settings: Settings,
    clock: Callable[[], datetime],
    requests_per_second: int = 0,
    *,
    bills: bool = False,
    new_id: Callable[[], str] = new_id,
) -> Iterator[ASGIApp]:
    """The ASGI application over the state of ``settings``, while the context is open.

    ``new_id`` makes the ids of what callers create. ``bills`` runs the closing steps too, whenever
    no other process runs the line.
    """
    with ExitStack() as stack:
        anchor = open_database(settings.state_file)
        stack.callback(close, anchor)
        migrate(anchor)
        usage = open_usage(
            settings.usage_dir,
            backdating_days=settings.usage_backdating_days,
            metrics_retroactive=settings.usage_metrics_retroactive,
        )
        stack.callback(usage.close)
        workers = stack.enter_context(Workers(lambda: _engine(settings, usage)))
        reader = open_database(settings.state_file, read_only=True, any_thread=True)
        stack.callback(close, reader)
        sleep = time.sleep  # noqa: TID251 wiring waits for real
        closing = Closing(settings, clock, sleep, usage)
        options = Options(
            token=KnownTokens(reader).find,
            ingest=usage.ingest,
            backdating_days=settings.usage_backdating_days,
            clock=clock,
            new_id=new_id,
            new_secret=new_secret,
            worth_of=Worths(settings, clock),
            ticks=time.monotonic,
            environment=settings.environment,
            is_halted=lambda: closing.is_halted,
            requests_per_second=requests_per_second,
            address=settings.api_url,
            seller=settings.invoice_seller,
        )
        if bills:
            stack.enter_context(closing)
        yield application(workers, options)


class Worths:
    """What the CRM says of deals; the mappings are read, with the org asked, when first needed."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._mappings: Mappings | None = None
        self._lock = threading.Lock()

    def __call__(self, deal: Deal) -> Worth:
        """Raises Unsupported when the mappings cannot be read."""
        with self._lock:
            if self._mappings is None:
                self._mappings = self._read()
        return worth_of(self._mappings.in_force(deal.record), deal)

    def _read(self) -> Mappings:
        try:
            with build(self._settings, clock=self._clock) as app:
                return app.mappings
        except ConfigError as error:
            raise Unsupported("needs the server's mappings and its Salesforce login") from error


def _engine(settings: Settings, usage: UsageLog) -> AbstractContextManager[Engine]:
    """An engine with a connection of the thread that enters it."""

    @contextmanager
    def opened() -> Iterator[Engine]:
        db = open_database(settings.state_file)
        try:
            yield Engine(db, usage, billing_settings(settings))
        finally:
            close(db)

    return opened()
