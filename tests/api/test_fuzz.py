"""schemathesis, all checks, a bounded run with a fixed seed; ``api.fuzz`` does long ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.fuzz import faults, settings, world
from api.live import Server, running
from closedwon.store.tokens import Scope

SEED = 20260101
EXAMPLES = 3


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path / "state") as found:
        yield found


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("phase", "paths"), [("fuzzing", ""), ("coverage", "/v1/customers"), ("stateful", "/v1/cu")]
)
def test_schemathesis_finds_nothing_against_the_document(
    fresh: Server, phase: str, paths: str
) -> None:
    config = settings(EXAMPLES, SEED, fresh.secret(*Scope), [phase])

    assert "\n\n".join(faults(fresh, world(fresh), config, paths)) == ""
