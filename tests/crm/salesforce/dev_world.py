"""The real adapter against the dev org over loopback, for the conformance suite."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from closedwon.crm.salesforce import ClientCredentials, Connection, SalesforceCrm, connect
from closedwon.deals.source import DealSource
from closedwon.devorg.http import Accounts, ConnectedApp, Faults, Options, User, application
from closedwon.devorg.org import Org
from closedwon.devorg.schema import OrgSchema, org_schema
from closedwon.testing.crm_world import SOURCE
from closedwon.transport import Patience
from crm.worlds import START, Clock, mapped_fields

PACKAGE = Path(__file__).parents[3] / "salesforce"


class DevWorld:
    """An org over HTTP, its adapter, and people who edit behind its back."""

    def __init__(
        self, org: Org, crm: SalesforceCrm, clock: Clock, faults: Faults, switch: "Switch"
    ) -> None:
        self.org = org
        self.crm = crm
        self.clock = clock
        self.faults = faults
        self.switch = switch

    def meanwhile(self, request: int, action: Callable[[], None]) -> None:
        """Let people do ``action`` just before the ``request``-th call from now."""
        self.switch.before[self.switch.count + request] = action

    def now(self) -> datetime:
        return self.clock.at

    def advance(self, seconds: int) -> None:
        self.clock.at += timedelta(seconds=seconds)

    def create(self, object_name: str, fields: Mapping[str, Any]) -> str:
        return self.org.create(object_name, fields, self.org.admin_id)

    def update(self, object_name: str, id_: str, fields: Mapping[str, Any]) -> None:
        self.org.update(object_name, id_, fields, self.org.admin_id)

    def delete(self, object_name: str, id_: str) -> None:
        self.org.delete(object_name, id_, self.org.admin_id)

    def undelete(self, object_name: str, id_: str) -> None:
        self.org.undelete(object_name, id_, self.org.admin_id)

    def stored(self, object_name: str) -> tuple[Mapping[str, Any], ...]:
        ids = [row["Id"] for row in self.org.query(f"SELECT Id FROM {object_name}").rows]
        return tuple(self.org.retrieve(object_name, id_) for id_ in ids)


class Switch:
    """Sends every request to the application of the test that runs now.

    ``before`` maps the number of a data request (from 1) to what people do just before it.
    """

    def __init__(self) -> None:
        self.app: ASGIApp | None = None
        self.before: dict[int, Callable[[], None]] = {}
        self.count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        if "/services/data/v" in scope["path"]:
            self.count += 1
            self.before.pop(self.count, lambda: None)()
        await self.app(scope, receive, send)


def schema() -> OrgSchema:
    """The shipped objects and the package that our figures are pushed to."""
    return org_schema(PACKAGE)


@contextmanager
def dev_world(
    schema: OrgSchema,
    client: httpx.Client,
    switch: Switch,
    url: str,
    source: DealSource = SOURCE,
    options: Options | None = None,
) -> Iterator[DevWorld]:
    """An empty org served through ``switch`` at ``url``."""
    clock, faults = Clock(START), Faults()
    org = Org.open(":memory:", schema, clock)
    ada = User(id=org.admin_id, username="ada@acme.test", password="x")
    app = ConnectedApp(client_id="meter", client_secret="s3cret", run_as=ada.username)
    accounts = Accounts(users=(ada,), apps=(app,))
    switch.app = application(org, accounts, clock, options, faults)
    connection = Connection(
        client=client,
        grant=ClientCredentials(client, url, "meter", "s3cret"),
        patience=Patience(sleep=lambda _: None),
        clock=clock,
    )
    try:
        yield DevWorld(org, connect(connection, source, mapped_fields), clock, faults, switch)
    finally:
        switch.app = None
        switch.before.clear()
        org.close()
