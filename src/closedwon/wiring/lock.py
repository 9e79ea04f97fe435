"""One writer per state directory: a lock the kernel gives back when its holder dies (G18, F070).

A server that bills holds it for one step at a time; whoever comes to stay waits for that.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from closedwon.kernel.errors import LockHeld
from closedwon.store.database import open_database, writing

LOCK_FILE = "writer.lock"
NEXT_FILE = "writer.next"
"""Locked by who waits to stay: nobody takes the lock briefly meanwhile, so the wait ends."""
BRIEFLY = " briefly"
"""Behind the id of a holder that gives the lock back after one step."""
HOLDER_BYTES = 32
"""A holder is written in one go, so that nobody reads half of it."""
TRIES_MAX = 600
TRY_AGAIN_S = 0.1
LEAVE_WAIT_S = 1.5
"""With the daemon's own patience this stays below the ten seconds we promise (G24)."""


@contextmanager
def writer_lock(
    state_dir: Path, sleep: Callable[[float], None] | None = None, *, briefly: bool = False
) -> Iterator[None]:
    """Hold the right to run the line; raises LockHeld when another process has it.

    At once, or with ``sleep`` only after waiting for a holder that has it briefly. Who wants it
    briefly gives way to one who waits.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    with _opened(state_dir / LOCK_FILE) as held:
        with _opened(state_dir / NEXT_FILE) as following:
            if briefly and not _locked(following, fcntl.LOCK_SH):
                raise _held(held, state_dir)
            _take(held, following, state_dir, sleep)
        _sign(held, f"{os.getpid()}{BRIEFLY if briefly else ''}")
        try:
            yield
        finally:
            _sign(held, "")


def _take(
    held: int, following: int, state_dir: Path, sleep: Callable[[float], None] | None
) -> None:
    for tried in range(1, TRIES_MAX + 1):
        if _locked(held):
            return
        holder = _holder(held)
        stays = holder and not holder.endswith(BRIEFLY)
        if sleep is None or tried == TRIES_MAX or stays:
            raise _held(held, state_dir)
        _locked(following)
        sleep(TRY_AGAIN_S)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A file to lock; what was locked is given back at the end, or by the kernel."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(descriptor: int, how: int = fcntl.LOCK_EX) -> bool:
    """Whether the lock is ours now."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(held: int, holder: str) -> None:
    os.pwrite(held, holder.encode().ljust(HOLDER_BYTES), 0)


def _holder(held: int) -> str:
    """Who has the lock; empty where that is being written."""
    return os.pread(held, HOLDER_BYTES, 0).decode(errors="replace").strip()


def _held(held: int, state_dir: Path) -> LockHeld:
    return LockHeld(
        "another closedwon process runs the line on this state",
        state_dir=str(state_dir),
        pid=_holder(held).removesuffix(BRIEFLY) or "unknown",
    )


def leave(state_file: Path) -> NoReturn:
    """End the process, between two transactions if one ends soon; any kill is safe (G1)."""
    try:
        with writing(open_database(state_file, lock_wait_s=LEAVE_WAIT_S)):
            os._exit(0)
    finally:
        os._exit(0)
