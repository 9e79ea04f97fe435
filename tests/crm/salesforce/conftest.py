"""One dev org server for the whole room; every test gets an empty org behind it."""

from collections.abc import Iterator

import pytest

from closedwon.devorg.http import running
from closedwon.devorg.schema import OrgSchema
from crm.salesforce.dev_world import DevWorld, Switch, dev_world, schema
from crm.salesforce.org import CLIENT


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[Switch, str]]:
    switch = Switch()
    with running(switch) as url:
        yield switch, url


@pytest.fixture(scope="session", autouse=True)
def closed_client() -> Iterator[None]:
    yield
    CLIENT.close()


@pytest.fixture(scope="session")
def pushed_schema() -> OrgSchema:
    return schema()


@pytest.fixture
def world(served: tuple[Switch, str], pushed_schema: OrgSchema) -> Iterator[DevWorld]:
    switch, url = served
    with dev_world(pushed_schema, CLIENT, switch, url) as world:
        yield world
