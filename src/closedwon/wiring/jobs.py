"""The daemon's jobs over an application that lives in the worker thread."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import structlog

from closedwon.daemon import Daemon, Job, Observation, Pulse, application
from closedwon.daemon.health import check_binding, serving
from closedwon.settings import Settings
from closedwon.step import Step
from closedwon.sync.line import run_line
from closedwon.wiring.app import App
from closedwon.wiring.clocks import check_real_time
from closedwon.wiring.delivery import delivers
from closedwon.wiring.lock import leave, writer_lock

LATE_FACTOR = 5
"""Not ready when the line has not come through for this many pauses."""

log = structlog.get_logger("closedwon.line")


class Runner:
    """Jobs by name; the application is opened by the first job and closed in the same thread."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._app: App | None = None
        self.pulse = Pulse()
        self.daemon = Daemon(self._jobs(), self.pulse, clock)

    def run(self, told: Callable[[int], None]) -> None:
        """Be the daemon until SIGTERM; ``told`` learns the port of the health endpoints.

        Raises LockHeld when another process runs the line, ConfigError for a test clock's state.
        """
        settings = self._settings
        self._check_time()
        token = settings.http_token.get_secret_value()
        check_binding(settings.http_host, token)
        web = application(self._complaints, self.pulse.registry, token)
        with (
            writer_lock(settings.state_dir, self._sleep),
            serving(web, settings.http_host, settings.http_port) as port,
        ):
            told(port)
            self.daemon.serve(self._close, lambda: leave(settings.state_file))

    def _check_time(self) -> None:
        with App(self._settings, self._clock, self._sleep) as app:
            check_real_time(app.db)

    def _jobs(self) -> tuple[Job, ...]:
        settings = self._settings
        push = Job(name="push", run=lambda: self._run("outbound"), every_s=settings.push_seconds)
        deliver = Job(
            name="deliver", run=lambda: self._run("delivering"), every_s=settings.deliver_seconds
        )
        return (
            Job(name="line", run=lambda: self._run("inbound"), every_s=settings.poll_seconds),
            Job(
                name="finalize",
                run=lambda: self._run("closing"),
                every_s=settings.finalize_seconds,
            ),
            *((deliver,) if delivers(settings) else ()),
            *((push,) if settings.push_enabled else ()),
            Job(name="sweep", run=lambda: self._run("sweeping"), at=settings.sweep_at),
        )

    def _run(self, which: str) -> None:
        if self._app is None:
            self._app = App(self._settings, self._clock, self._sleep)
        app = self._app
        steps: Iterable[Step] = getattr(app, which)
        try:
            for report in run_line(self._while_running(steps), app.store, self._clock()):
                self.pulse.stepped(report)
                if report.changed_anything or report.notes:
                    log.info(
                        "step",
                        step=report.step,
                        done=report.done,
                        unchanged=report.unchanged,
                        parked=report.parked,
                        waiting=report.waiting,
                        notes=list(report.notes),
                    )
            app.store.deals.check()
        finally:
            if "crm" in vars(app):
                self.pulse.observed(_observation(app))

    def _while_running(self, steps: Iterable[Step]) -> Iterable[Step]:
        for step in steps:
            if self.daemon.is_stopping:
                return
            yield step

    def _complaints(self) -> list[str]:
        late = timedelta(seconds=LATE_FACTOR * self._settings.poll_seconds)
        return self.pulse.complaints("line", self._clock(), late)

    def _close(self) -> None:
        if self._app is not None:
            self._app.close()


def _observation(app: App) -> Observation:
    counts = app.store.deals.counts()
    usage = app.crm.usage()
    return Observation(
        deals={
            "provisioned": counts.provisioned,
            "parked": counts.parked,
            "excluded": counts.excluded,
            "waiting": counts.waiting,
        },
        parked=len(app.store.parked.open()),
        push_waiting=app.store.pushes.count_waiting(),
        watermarks={mark.object_name: mark.until for mark in app.store.watermarks.all()},
        api_used=usage.used,
        api_allowed=usage.allowed,
    )
