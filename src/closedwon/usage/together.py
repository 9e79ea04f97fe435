"""Work of many threads done in one go by whichever comes first: one commit, one sync for all.

A thread that comes while another one works waits; when that one is done, the first in the line
takes everything that came meanwhile. Nobody waits longer than for the work before and its own.
"""

import threading
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, Generic, TypeVar, cast

from closedwon.kernel.errors import ClosedwonError

W = TypeVar("W")
R = TypeVar("R")


class _Waiting(Generic[W, R]):
    def __init__(self, work: W) -> None:
        self.work = work
        self.woken = threading.Event()
        self.is_done = False
        self.result: R | None = None
        self.error: BaseException | None = None


class Together(Generic[W, R]):
    """Does pieces of work in the order they come, several at once where several wait."""

    def __init__(self, do: Callable[[Sequence[W]], Sequence[R]], most: int) -> None:
        self._do = do
        self._most = most
        """Pieces done at once."""
        self._line: list[_Waiting[W, R]] = []
        self._is_led = False
        self._lock = threading.Lock()

    def result(self, work: W) -> R:
        """What ``do`` answers for ``work``, or raises for it; returns when it is done."""
        mine = _Waiting[W, R](work)
        with self._lock:
            self._line.append(mine)
            leads, self._is_led = not self._is_led, True
        if not leads:
            mine.woken.wait()
        if not mine.is_done:
            self._lead()
        if mine.error is not None:
            raise mine.error
        return cast("R", mine.result)

    def _lead(self) -> None:
        """Do what waits, then let the next one in the line lead."""
        with self._lock:
            taken = self._line[: self._most]
        try:
            self._settle(taken)
        finally:
            with self._lock:
                del self._line[: len(taken)]
                self._is_led = bool(self._line)
                following = self._line[:1]
            for one in (*taken, *following):
                one.woken.set()

    def _settle(self, taken: Sequence[_Waiting[W, R]]) -> None:
        """All at once; when that fails, each alone, so that only the one that cannot be fails.

        An error of ours is the store's, not a piece's: it is everyone's at once, each with one of
        its own, to which whoever passes it on may add facts.
        """
        try:
            for one, result in zip(taken, self._do([w.work for w in taken]), strict=True):
                one.result = result
        except ClosedwonError as error:
            _fail(taken, error)
        except Exception as error:  # noqa: BLE001 belongs to whoever waits for it
            if len(taken) == 1:
                _fail(taken, error)
            else:
                for one in taken:
                    self._settle([one])
        except BaseException as error:
            _fail(taken, error)
            raise
        finally:
            for one in taken:
                one.is_done = True


def _fail(taken: Sequence[_Waiting[Any, Any]], error: BaseException) -> None:
    for one in taken:
        one.error = _alike(error) if isinstance(error, ClosedwonError) else error


def _alike(error: ClosedwonError) -> ClosedwonError:
    found = copy(error)
    found.facts = dict(error.facts)
    found.__cause__ = error
    return found
