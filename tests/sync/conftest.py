"""The world a story of the line starts in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from closedwon.store.database import close
from sync.line_kit import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(directory=tmp_path)
    yield found
    close(found.store.db)
