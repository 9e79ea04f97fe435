"""An org with the InfraX records, at a moment the tests choose."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from closedwon.devorg.org import Org
from closedwon.devorg.schema import OrgSchema, org_schema
from closedwon.devorg.seed import shipped_records

SOURCE = Path(__file__).parents[2] / "salesforce"


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = datetime(2025, 1, 10, 12, 0, 0, 250_000, tzinfo=UTC)
        self.readings = 0

    def __call__(self) -> datetime:
        self.readings += 1
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture(scope="session")
def full_schema() -> OrgSchema:
    return org_schema(SOURCE)


@pytest.fixture
def time() -> Clock:
    return Clock()


@pytest.fixture
def empty_org(full_schema: OrgSchema, time: Clock) -> Iterator[Org]:
    org = Org.open(":memory:", full_schema, time)
    yield org
    org.close()


@pytest.fixture
def infrax(empty_org: Org) -> Org:
    empty_org.load_records(shipped_records())
    return empty_org
