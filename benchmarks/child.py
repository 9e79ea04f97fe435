"""A side of a benchmark in a process of its own, so that its peak memory is its own."""

import json
import resource
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def measured(module: str, function: str, **arguments: object) -> dict[str, Any]:
    """What ``function(directory, **arguments)`` answers, with ``peak_mib`` of its process.

    ``directory`` is an empty one that is removed afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        call = json.dumps([module, function, directory, arguments])
        command = [sys.executable, "-m", "benchmarks.child", call]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT)  # noqa: S603 - our own
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def main() -> None:
    """Run one side and print its figures as JSON."""
    module, function, directory, arguments = json.loads(sys.argv[1])
    figures = getattr(import_module(module), function)(Path(directory), **arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({**figures, "peak_mib": peak}))


if __name__ == "__main__":
    main()
