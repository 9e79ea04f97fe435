"""The billing jobs of a server, in a thread of its own, while no daemon does them (R139, G9, G18).

Exactly once whoever does them: every step is idempotent, and one process at a time holds the lock.
"""

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

import structlog

from closedwon.daemon.daemon import STOP_WITHIN_S
from closedwon.kernel.errors import ClosedwonError, ConfigError, InvariantBroken, LockHeld
from closedwon.settings import Settings
from closedwon.step import Step
from closedwon.sync.line import run_line
from closedwon.usage import UsageLog
from closedwon.wiring.app import App
from closedwon.wiring.delivery import delivers
from closedwon.wiring.lock import leave, writer_lock

BATCHES_MAX = 10_000
"""Batches of a step in one turn; what is left waits for the next."""

log = structlog.get_logger("closedwon.serve")


class Closing:
    """Runs the closing steps again and again while its context is open."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        usage: UsageLog,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._opened: Callable[[], App] = lambda: App(settings, clock, sleep, usage=usage)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="closing", daemon=True)
        self._closed_at: datetime | None = None
        self._is_aside = False
        self._is_halted = False

    @property
    def is_halted(self) -> bool:
        """Whether it gave up, over a setting or state that only a person can put right."""
        return self._is_halted

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Begin nothing more and wait for the step under way, though not for ever (G24)."""
        self._stop.set()
        self._thread.join(STOP_WITHIN_S)
        if self._thread.is_alive():
            log.warning("leaving between two commits of a long step")
            leave(self._settings.state_file)

    def due(self, app: App, now: datetime) -> tuple[Step, ...]:
        """The closing steps once a pause is over, or the clock was set back; else deliveries."""
        pause = timedelta(seconds=self._settings.finalize_seconds)
        last = self._closed_at
        if last is not None and last <= now < last + pause:
            return app.delivering
        self._closed_at = now
        return app.closing

    def turn(self, app: App, steps: Iterable[Step]) -> bool:
        """Each step until it is through; False when another process holds the writer lock.

        The lock is held for one batch at a time, so that a daemon can take over in between.
        """
        try:
            for step in steps:
                self._through(app, step)
        except LockHeld as error:
            if not self._is_aside:
                log.info("another process bills; standing aside", reason=str(error))
            self._is_aside = True
            return False
        if self._is_aside:
            log.info("no other process bills any more; billing")
        self._is_aside = False
        return True

    def _through(self, app: App, step: Step) -> None:
        for _ in range(BATCHES_MAX):
            if self._stop.is_set():
                return
            with writer_lock(self._settings.state_dir, briefly=True):
                (report,) = run_line([step], app.store, self._clock())
            if report.changed_anything or report.notes:
                log.info(
                    "step",
                    step=report.step,
                    done=report.done,
                    parked=report.parked,
                    waiting=report.waiting,
                    notes=list(report.notes),
                )
            if not (report.waiting and report.changed_anything):
                return

    def _run(self) -> None:
        every_s = self._settings.finalize_seconds
        if delivers(self._settings):
            every_s = min(every_s, self._settings.deliver_seconds)
        with self._opened() as app:
            while not self._stop.is_set():
                try:
                    self.turn(app, self.due(app, self._clock()))
                except (ConfigError, InvariantBroken) as error:
                    self._is_halted = True
                    log.critical("billing halted; the API goes on", error=str(error))
                    return
                except Exception as error:
                    known = isinstance(error, ClosedwonError)
                    log.exception(
                        "billing failed; tried again", exc_info=not known, error=str(error)
                    )
                self._stop.wait(every_s)
