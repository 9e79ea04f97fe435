"""The embedded engine and a remote one keep every promise of ports.Target."""

from collections.abc import Callable
from pathlib import Path

import pytest

from closedwon.testing.target_conformance import CONFORMANCE
from closedwon.testing.target_world import TargetWorld
from targets.worlds import EmbeddedWorld, remote_world


@pytest.mark.parametrize("check", CONFORMANCE, ids=lambda check: check.__name__)
def test_the_embedded_target_conforms(check: Callable[[TargetWorld], None]) -> None:
    check(EmbeddedWorld())


@pytest.mark.parametrize("check", CONFORMANCE, ids=lambda check: check.__name__)
def test_the_http_target_conforms(check: Callable[[TargetWorld], None], tmp_path: Path) -> None:
    with remote_world(tmp_path) as world:
        check(world)
