"""The curl calls of the seeds: read as they were printed, ids put in, run by curl itself."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from json import loads
from pathlib import Path
from typing import Any

import httpx

from api.live import Server
from closedwon.store.tokens import Scope

SEEDS = Path(__file__).parent / "seeds"
"""One call a file; a first line says where it stands, the rest is the seed's text, unchanged."""
PRINTED_AT, PRINTED_TOKEN = "https://api.metronome.com", "<TOKEN>"
REPAIRS = {
    "000-contract": (
        '"amount": 500000\n',
        '{"amount": 500000, "timestamp": "2024-03-01T00:00:00Z"}\n',
    )
}
"""The one malformed body (G1): a charge's item is no object and says no day; the text says month 3."""
CURLRC = 'silent\nshow-error\nmax-time = 60\nwrite-out = "\\n%{http_code}"\n'
"""What the printed calls leave to the one who runs them: to be told the status."""
CURL = shutil.which("curl")


def place(name: str) -> str:
    """Which seed and line the call was copied from."""
    return (SEEDS / f"{name}.txt").read_text().partition("\n")[0].removeprefix("# ")


def printed(name: str) -> str:
    """The call as the seed has it."""
    return (SEEDS / f"{name}.txt").read_text().partition("\n")[2]


def repaired(name: str) -> str:
    """The call as it would have been without its slip."""
    text = printed(name)
    if name in REPAIRS:
        wrong, right = REPAIRS[name]
        assert text.count(wrong) == 1
        text = text.replace(wrong, right)
    return text


def call(
    server: Server, folder: Path, name: str, ids: Mapping[str, str], *, with_curl: bool = True
) -> Any:
    """Run it, ``ids`` (as printed -> ours) put in; what it answers, which must be a 200.

    Every id must stand in the call: a table that says more than it does is wrong.
    """
    text = repaired(name)
    for old, new in {**ids, PRINTED_AT: server.url, PRINTED_TOKEN: server.secret(*Scope)}.items():
        assert old in text, (name, old)
        text = text.replace(old, new)
    status, body = _by_curl(text, folder) if with_curl and CURL else _by_httpx(text)
    assert status == 200, (name, status, body)
    return loads(body)


def _by_curl(text: str, folder: Path) -> tuple[int, str]:
    (folder / ".curlrc").write_text(CURLRC)
    ran = subprocess.run(
        ["/bin/sh", "-c", text],
        env={"PATH": os.environ["PATH"], "CURL_HOME": str(folder)},
        capture_output=True,
        text=True,
        check=True,
        timeout=90,
    )
    body, _, status = ran.stdout.rpartition("\n")
    return int(status), body


def _by_httpx(text: str) -> tuple[int, str]:
    """The same request from a machine without curl: address, headers and body as printed."""
    _, address, *options = shlex.split(text.replace("\\\n", " "))
    given = list(zip(options[::2], options[1::2], strict=True))
    headers = dict(value.split(": ", 1) for option, value in given if option == "-H")
    (body,) = (value for option, value in given if option == "-d")
    answer = httpx.post(address, headers=headers, content=body, timeout=60)
    return answer.status_code, answer.text
