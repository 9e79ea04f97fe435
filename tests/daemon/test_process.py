"""The real process: it becomes ready, refuses a twin, and stops when it is told (G18, G24)."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.cli_kit import an_org
from daemon.test_daemon import fetch

READY_WITHIN_S = 60
STOPS_WITHIN_S = 10


def test_the_daemon_gets_ready_refuses_a_twin_and_stops_on_sigterm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOSEDWON_GO_LIVE", "2024-01-01T00:00:00Z")
    monkeypatch.setenv("CLOSEDWON_HTTP_PORT", "0")
    command = [sys.executable, "-m", "closedwon.cli", "--state", str(tmp_path), "run"]
    started_at = datetime.now(UTC)  # noqa: TID251 the daemon runs on the machine's clock
    with (
        an_org(monkeypatch, lambda: datetime.now(UTC)),  # noqa: TID251 same
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
        ) as daemon,
    ):
        try:
            assert daemon.stderr is not None
            base = "http://" + daemon.stderr.readline().split("health on ")[1].strip()
            ready = threading.Event()
            while not ready.wait(0.2):
                if fetch(f"{base}/readyz")[0] == 200:
                    ready.set()
                waited = datetime.now(UTC) - started_at  # noqa: TID251 same
                assert waited.total_seconds() < READY_WITHIN_S
            twin = subprocess.run(command, capture_output=True, text=True, check=False)
            daemon.send_signal(signal.SIGTERM)
            began = time.monotonic()
            code = daemon.wait(STOPS_WITHIN_S)
            log = daemon.stderr.read()
        finally:
            daemon.kill()

    assert (twin.returncode, "another closedwon process" in twin.stderr) == (6, True)
    assert (code, '"stopped"' in log) == (0, True)
    assert time.monotonic() - began < STOPS_WITHIN_S
    assert "opens-only-the-test-org" not in log
