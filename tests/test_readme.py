"""The README's tour, run in a shell as a reader would; ``...`` in its output matches anything."""

import doctest
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
END = "-- end of output, exit code"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def steps(text: str) -> list[tuple[str, str]]:
    """Commands of the console blocks with the output that is shown for each."""
    found: list[tuple[str, str]] = []
    for block in BLOCK.findall(text):
        for line in block.splitlines(keepends=True):
            if line.startswith("$ "):
                found.append((line[2:], ""))
            elif line.startswith("> "):
                found[-1] = (found[-1][0] + line[2:], "")
            else:
                found[-1] = (found[-1][0], found[-1][1] + line)
    return found


class Shell:
    """One bash session; standard error is shown with the output, as on a terminal."""

    def __init__(self, directory: Path) -> None:
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],  # noqa: S607 - the reader's own bash
            cwd=directory,
            env={**kept, "PATH": "/usr/local/bin:/usr/bin:/bin"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, command: str) -> tuple[str, int]:
        """What ``command`` printed, and its exit code."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f'{command.rstrip()}\necho "{END} $?"\n')
        self.process.stdin.flush()
        printed = ""
        for line in self.process.stdout:
            if line.startswith(END):
                return printed, int(line.removeprefix(END))
            printed += line
        raise AssertionError(f"the shell ended: {printed}")

    def close(self) -> None:
        """End the session and whatever it left running."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell in what looks like the checkout, so that the tour leaves nothing behind."""
    (tmp_path / "config").symlink_to(ROOT / "config")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    session = Shell(tmp_path)
    try:
        yield session
    finally:
        session.close()


@pytest.mark.timeout(600)
def test_the_tour_prints_what_the_readme_shows(shell: Shell) -> None:
    checker = doctest.OutputChecker()
    tour = steps((ROOT / "README.md").read_text(encoding="utf-8"))
    assert sum(command.startswith("closedwon ") for command, _ in tour) > 12

    for command, expected in tour:
        printed, code = shell.run(command)

        assert checker.check_output(expected, printed, FLAGS), f"$ {command}{printed}"
        assert code == 0, f"$ {command}{printed}"


def test_a_wrong_output_is_noticed(shell: Shell) -> None:
    (command, expected), *_ = steps("```console\n$ echo one; echo two\none\n```\n")

    printed, code = shell.run(command)

    assert (printed, code) == ("one\ntwo\n", 0)
    assert not doctest.OutputChecker().check_output(expected, printed, FLAGS)
