"""One writer per state directory: a lock the kernel gives back when its holder dies (G18, F070)."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from closedwon.kernel.errors import LockHeld

LOCK_FILE = "writer.lock"


@contextmanager
def writer_lock(state_dir: Path) -> Iterator[None]:
    """Hold the right to run the line; raises LockHeld at once when another process has it."""
    state_dir.mkdir(parents=True, exist_ok=True)
    held = os.open(state_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(held, 32, 0).decode(errors="replace").strip() or "unknown"
            raise LockHeld(
                "another closedwon process runs the line on this state",
                state_dir=str(state_dir),
                pid=holder,
            ) from error
        os.ftruncate(held, 0)
        os.pwrite(held, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(held)
