"""The scheduler: jobs one after the other in one worker thread, until told to stop (G18, G24).

A job that fails is tried again at its next turn; a broken promise or a wrong configuration stops
the daemon. On SIGTERM the transaction under way is finished and nothing new begins.
"""

import signal
import threading
from collections.abc import Callable
from datetime import datetime, time

import msgspec
import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from closedwon.daemon.pulse import Pulse
from closedwon.kernel.errors import ClosedwonError, ConfigError, InvariantBroken

STOP_WITHIN_S = 8.0
"""How long a running job may go on after SIGTERM before the process leaves between commits."""

log = structlog.get_logger("closedwon.daemon")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Something done again and again: at once and every ``every_s`` seconds, or daily at ``at``.

    ``at`` is a time of day in UTC.
    """

    name: str
    run: Callable[[], None]
    every_s: int | None = None
    at: time | None = None


class Daemon:
    """Runs jobs in one thread; ``serve`` returns when it was told to stop."""

    def __init__(self, jobs: tuple[Job, ...], pulse: Pulse, clock: Callable[[], datetime]) -> None:
        self._jobs = jobs
        self._pulse = pulse
        self._clock = clock
        self._stop = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._fatal: ClosedwonError | None = None

    @property
    def is_stopping(self) -> bool:
        """Whether a job should begin nothing more."""
        return self._stop.is_set()

    def stop(self, *_signal: object) -> None:
        """Begin nothing more; may be called from a signal or another thread."""
        self._stop.set()

    def serve(self, close: Callable[[], None], leave: Callable[[], None]) -> None:
        """Run until stopped; raises the error that made it stop by itself.

        ``close`` runs last in the worker thread. When a job does not end in time, ``leave`` must
        end the process.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        scheduler = self._scheduler()
        self._pulse.started(self._clock())
        for job in self._jobs:
            if job.at is None:
                scheduler.add_job(self._turn, args=[job], id=f"{job.name} first")
            scheduler.add_job(self._turn, _trigger(job), args=[job], id=job.name)
        scheduler.start()
        log.info("started", jobs=[job.name for job in self._jobs])
        self._stop.wait()
        log.info("stopping")
        scheduler.remove_all_jobs()
        if not self._idle.wait(STOP_WITHIN_S):
            log.warning("leaving between two commits of a long job")
            leave()
        closed = threading.Event()
        scheduler.add_job(_then(close, closed), id="close")
        closed.wait(STOP_WITHIN_S)
        scheduler.shutdown(wait=False)
        log.info("stopped")
        if self._fatal is not None:
            raise self._fatal

    def _scheduler(self) -> BackgroundScheduler:
        return BackgroundScheduler(
            timezone="UTC",
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def _turn(self, job: Job) -> None:
        if self.is_stopping:
            return
        self._idle.clear()
        try:
            job.run()
        except (ConfigError, InvariantBroken) as error:
            self._pulse.failed(job.name, str(error))
            log.critical("halted", job=job.name, error=str(error))
            self._fatal = error
            self._stop.set()
        except Exception as error:
            self._pulse.failed(job.name, f"{type(error).__name__}: {error}")
            known = isinstance(error, ClosedwonError)
            log.exception("job failed", job=job.name, error=str(error), exc_info=not known)
        else:
            self._pulse.succeeded(job.name, self._clock())
        finally:
            self._idle.set()


def _trigger(job: Job) -> IntervalTrigger | CronTrigger:
    if job.at is not None:
        return CronTrigger(hour=job.at.hour, minute=job.at.minute, timezone="UTC")
    return IntervalTrigger(seconds=job.every_s, timezone="UTC")


def _then(work: Callable[[], None], done: threading.Event) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        finally:
            done.set()

    return run
