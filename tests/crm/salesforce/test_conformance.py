"""The Salesforce adapter keeps every promise of ports.Crm, over HTTP."""

from collections.abc import Callable

import pytest

from closedwon.ports import Crm
from closedwon.testing.crm_conformance import CONFORMANCE
from closedwon.testing.crm_world import World
from crm.salesforce.dev_world import DevWorld


@pytest.mark.parametrize("check", CONFORMANCE, ids=lambda check: check.__name__)
def test_salesforce_conforms(world: DevWorld, check: Callable[[World], None]) -> None:
    check(world)


def test_salesforce_is_a_crm(world: DevWorld) -> None:
    crm: Crm = world.crm

    assert crm.org_id() == world.org.organization_id
