"""The daemon's way out when a job does not end in time (G24)."""

import signal
import subprocess
import sys
from pathlib import Path

from closedwon.store.database import open_database, verify
from closedwon.store.rows import select


def test_a_job_that_does_not_end_is_left_with_nothing_half_done(tmp_path: Path) -> None:
    command = [sys.executable, Path(__file__).with_name("stubborn.py"), tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        try:
            assert daemon.stdout is not None
            assert daemon.stdout.readline() == "running\n"
            daemon.send_signal(signal.SIGTERM)
            code = daemon.wait(10)
        finally:
            daemon.kill()

    db = open_database(tmp_path / "state.db")
    units = {row["name"]: row["units"] for row in select(db, "select * from purse")}
    assert code == 0
    assert units["a"] + units["b"] == 0
    assert verify(db) == ()
