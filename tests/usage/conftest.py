from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from closedwon.usage import UsageLog, open_usage

NOW = datetime(2024, 3, 20, 12, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def log(tmp_path: Path) -> Iterator[UsageLog]:
    opened = open_usage(tmp_path / "it's [usage] *", metrics_retroactive=True)
    yield opened
    opened.close()
