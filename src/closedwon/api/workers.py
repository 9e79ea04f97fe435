"""Threads that each own an engine: how many requests work at once, and how long a caller waits.

SQLite connections belong to their thread, so an engine is opened, used and closed by one worker.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

from closedwon.engine import Engine
from closedwon.kernel.errors import RetryLater

WAITING_MAX = 1000
"""Requests that may wait for a worker; more are turned away at once."""
WORKERS = 4

T = TypeVar("T")
Job = tuple["Future[Any]", Callable[[Engine], Any]]


class Workers:
    """A fixed number of engines at work; close it to let them finish and go."""

    def __init__(
        self, opened: Callable[[], AbstractContextManager[Engine]], count: int = WORKERS
    ) -> None:
        self._opened = opened
        self._jobs: queue.Queue[Job | None] = queue.Queue(WAITING_MAX)
        ready: list[Future[None]] = [Future() for _ in range(count)]
        self._threads = [
            threading.Thread(target=self._work, args=(one,), name=f"api-{at}", daemon=True)
            for at, one in enumerate(ready)
        ]
        for thread in self._threads:
            thread.start()
        for one in ready:
            one.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take no more work; returns when what was taken is done."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def run(self, work: Callable[[Engine], T], wait_s: float) -> T:
        """What ``work`` returns or raises; raises RetryLater when it takes longer than ``wait_s``.

        Work that began goes on all the same: a repeat with the same Idempotency-Key is answered
        with its outcome.
        """
        waiting: Future[T] = Future()
        try:
            self._jobs.put_nowait((waiting, work))
        except queue.Full as error:
            raise RetryLater("too many requests wait already") from error
        try:
            return waiting.result(wait_s)
        except TimeoutError as error:
            if waiting.done():
                raise
            waiting.cancel()
            raise RetryLater(f"no answer within {wait_s:g} s") from error

    def _work(self, ready: "Future[None]") -> None:
        with ExitStack() as stack:
            try:
                engine = stack.enter_context(self._opened())
            except BaseException as error:  # noqa: BLE001 told to whoever starts the workers
                ready.set_exception(error)
                return
            ready.set_result(None)
            while (job := self._jobs.get()) is not None:
                waiting, work = job
                if waiting.set_running_or_notify_cancel():
                    _settle(waiting, work, engine)


def _settle(waiting: "Future[Any]", work: Callable[[Engine], Any], engine: Engine) -> None:
    try:
        waiting.set_result(work(engine))
    except BaseException as error:  # noqa: BLE001 belongs to the caller, not to the worker
        waiting.set_exception(error)
