"""The real process, killed while it ingests and seals: acknowledged means durable (G21)."""

import subprocess
import sys
from pathlib import Path

import pytest

from closedwon.usage import open_usage
from usage.build import a_demand, a_metric, after, an_event

NOW = after(days=20)
BATCH = 50

WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from usage.build import after, an_event
from closedwon.usage import open_usage
log = open_usage(sys.argv[1])
for batch in range(10_000):
    log.ingest([an_event(f"{batch}-{at}", n="1") for at in range(50)], after(days=20))
    print(batch, flush=True)
    if batch % 7 == 6:
        log.seal(after(days=20), events_min=1)
"""


@pytest.mark.parametrize("acknowledged", [1, 7, 15])
def test_a_killed_writer_loses_and_doubles_nothing(tmp_path: Path, acknowledged: int) -> None:
    tests = str(Path(__file__).parents[1])
    command = [sys.executable, "-c", WRITER, str(tmp_path), tests]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(acknowledged):
            writer.stdout.readline()
        writer.kill()
        heard = acknowledged + len(writer.stdout.read().splitlines())
    log = open_usage(tmp_path, metrics_retroactive=True)
    whole_batches, rest = divmod(log.latest(), BATCH)
    assert rest == 0
    assert heard <= whole_batches <= heard + 1
    assert log.total(a_demand(a_metric("SUM"))) == whole_batches * BATCH
    for batch in range(heard + 2):
        log.ingest([an_event(f"{batch}-{at}", n="1") for at in range(BATCH)], NOW)
    assert log.total(a_demand(a_metric("SUM"))) == (heard + 2) * BATCH
    assert log.senders() == {"acme": (heard + 2) * BATCH}
    log.close()
