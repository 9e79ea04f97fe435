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
BRIEFLY = " briefly"
"""Behind the id of a holder that gives the lock back after one step."""
TRIES_MAX = 600
TRY_AGAIN_S = 0.1
LEAVE_WAIT_S = 1.5
"""With the daemon's own patience this stays below the ten seconds we promise (G24)."""


@contextmanager
def writer_lock(
    state_dir: Path, sleep: Callable[[float], None] | None = None, *, briefly: bool = False
) -> Iterator[None]:
    """Hold the right to run the line; raises LockHeld when another process has it.

    At once, or with ``sleep`` only after waiting for a holder that has it briefly.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    held = os.open(state_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(held, state_dir, sleep)
        os.ftruncate(held, 0)
        os.pwrite(held, f"{os.getpid()}{BRIEFLY if briefly else ''}".encode(), 0)
        yield
    finally:
        os.close(held)


def _take(held: int, state_dir: Path, sleep: Callable[[float], None] | None) -> None:
    for tried in range(1, TRIES_MAX + 1):
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(held, 32, 0).decode(errors="replace").strip()
            if sleep is None or tried == TRIES_MAX or not holder.endswith(BRIEFLY):
                raise LockHeld(
                    "another closedwon process runs the line on this state",
                    state_dir=str(state_dir),
                    pid=holder.removesuffix(BRIEFLY) or "unknown",
                ) from error
            sleep(TRY_AGAIN_S)
        else:
            return


def leave(state_file: Path) -> NoReturn:
    """End the process, between two transactions if one ends soon; any kill is safe (G1)."""
    try:
        with writing(open_database(state_file, lock_wait_s=LEAVE_WAIT_S)):
            os._exit(0)
    finally:
        os._exit(0)
