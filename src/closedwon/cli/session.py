"""What a command works with: settings and the application, opened when first needed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from closedwon.settings import Settings
    from closedwon.wiring import App

PARKED_EXIT = 3
CHANGES_EXIT = 10


class Session:
    """One run of the program; tests and the demo pass their own clock and sleep."""

    def __init__(
        self,
        clock: Callable[[], datetime] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._config: Path | None = None
        self._state: Path | None = None
        self._settings: Settings | None = None
        self._app: App | None = None
        self._now: datetime | None = None

    def given(self, config: Path | None, state: Path | None) -> None:
        """What the command line says about where things are."""
        self._config, self._state = config, state

    @property
    def settings(self) -> "Settings":
        """The settings; raises ConfigError."""
        if self._settings is None:
            from closedwon.settings import load_settings

            given = {} if self._state is None else {"state_dir": self._state}
            self._settings = load_settings(self._config, **given)
        return self._settings

    @property
    def app(self) -> "App":
        """The application of the settings."""
        if self._app is None:
            from closedwon.wiring import build

            self._app = build(self.settings, clock=self.clock, sleep=self.sleep)
        return self._app

    def rehearsal(self) -> AbstractContextManager["App"]:
        """An application over a copy of the state, for dry runs."""
        from closedwon.wiring.rehearsal import rehearsal

        return rehearsal(self.settings, self.clock, self.sleep)

    @property
    def clock(self) -> Callable[[], datetime]:
        """The machine's clock unless another one was given."""
        if self._clock is None:
            from closedwon.wiring import system_clock

            self._clock = system_clock
        return self._clock

    @property
    def sleep(self) -> Callable[[float], None]:
        """How waiting is done."""
        if self._sleep is None:
            import time

            self._sleep = time.sleep  # noqa: TID251 the entry point waits for real
        return self._sleep

    @property
    def now(self) -> datetime:
        """The run's one instant, read once (D7)."""
        if self._now is None:
            self._now = self.clock()
        return self._now

    def close(self) -> None:
        """Close what was opened."""
        if self._app is not None:
            self._app.close()
            self._app = None
        self._now = None


pass_session = click.make_pass_decorator(Session, ensure=True)


def exit_with(code: int) -> None:
    """End the command with ``code``; 0 goes on."""
    if code:
        click.get_current_context().exit(code)
