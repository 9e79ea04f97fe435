"""The quick start of docs/api.md, pasted into a shell as it stands."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = "8090"


def _port() -> str:
    """One that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def pasted(text: str, folder: Path) -> str:
    """What it prints on standard output, another port put in; it ends at the first failure."""
    assert PORT in text
    paths = (str(Path(sys.executable).parent), os.environ["PATH"])
    command = ["bash", "--noprofile", "--norc", "-eu", "-o", "pipefail", "-c"]
    with (
        (folder / "told").open("wb") as told,
        subprocess.Popen(
            [*command, text.replace(PORT, _port())],
            cwd=folder,
            env={
                "PATH": os.pathsep.join(paths),
                "PYTHONPATH": str(ROOT / "src"),
                "HOME": str(folder),
            },
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
            start_new_session=True,
        ) as shell,
    ):
        try:
            printed, _ = shell.communicate(timeout=90)
        finally:
            if shell.poll() != 0:  # Whatever it left running.
                os.killpg(shell.pid, signal.SIGKILL)
    assert shell.returncode == 0, printed + (folder / "told").read_text()
    return printed


@pytest.mark.timeout(120)
def test_the_quick_start_of_the_api_bills_what_it_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    start = page.partition("## Quick start")[2].partition("\n## ")[0]
    tour, bulk = BLOCK.findall(start)

    printed = pasted(tour, tmp_path)

    assert '"stored":1,"duplicates":0,"refused":0,"refusals":[]' in printed
    invoices = json.loads(printed[printed.index('{\n    "data"') :])["data"]
    assert [(one["type"], one["status"], one["total"]) for one in invoices] == [
        ("SCHEDULED", "FINALIZED", 8000),
        ("USAGE", "FINALIZED", 5000),
    ]
    assert "/closedwon/ingest" in bulk
