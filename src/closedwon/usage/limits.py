"""A limit on the time a question to the usage store may take (G24)."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from closedwon.kernel.errors import Refused


class Deadline:
    """Interrupts what runs inside it after ``seconds``; what is in Python has to ``check``."""

    def __init__(self, interrupt: Callable[[], None], seconds: float) -> None:
        self._interrupt = interrupt
        self._seconds = seconds
        self._is_over = False
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        self._timer.join()

    def check(self) -> None:
        """Raise Refused when the time is over."""
        if self._is_over:
            raise self.exceeded()

    def exceeded(self) -> Refused:
        """The error to raise."""
        return Refused(f"a SQL metric took longer than {self._seconds:g} s; simplify it (R38)")

    def _end(self) -> None:
        self._is_over = True
        self._interrupt()
