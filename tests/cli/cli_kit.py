"""The program as people run it: a local org over HTTP, a state directory, a clock to move."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from closedwon.cli import main
from closedwon.cli.session import Session
from closedwon.devorg.http import Accounts, ConnectedApp, Options, User, application, running
from closedwon.devorg.org import Org
from closedwon.devorg.schema import org_schema
from closedwon.devorg.seed import shipped_records
from closedwon.wiring import share

USERNAME = "integration@example.com"
SECRET = "opens-only-the-test-org"
CATALOG = "config/catalog.infrax.yaml"
OPPORTUNITY = "006Hs000000014qIAA"
"""A deal of the shipped records, closed-won in 2023."""


@dataclass
class Office:
    """Someone at a terminal."""

    org: Org
    state: Path
    clock: list[datetime]

    @property
    def now(self) -> datetime:
        """What the clock says."""
        return self.clock[0]

    def run(self, *words: str, expect: int = 0) -> str:
        """Run a command and return what it printed; its exit code must be ``expect``."""
        session = Session(lambda: self.now, lambda _seconds: None)
        found: Result = CliRunner().invoke(main, ["--state", str(self.state), *words], obj=session)
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        assert found.exit_code == expect, found.output
        return found.output


@contextmanager
def an_org(
    monkeypatch: pytest.MonkeyPatch, clock: Callable[[], datetime], file: str = ":memory:"
) -> Iterator[tuple[Org, str]]:
    """A served org with our package; the environment tells closedwon how to log in."""
    org = Org.open(file, org_schema(share() / "salesforce"), clock)
    accounts = Accounts(
        users=(User(id=Org.admin_id, username=USERNAME, password=SECRET),),
        apps=(ConnectedApp(client_id="cli", client_secret=SECRET, run_as=USERNAME),),
    )
    try:
        with running(application(org, accounts, clock, Options())) as url:
            monkeypatch.setenv("CLOSEDWON_SALESFORCE_LOGIN_URL", url)
            monkeypatch.setenv("CLOSEDWON_SALESFORCE_CLIENT_ID", "cli")
            monkeypatch.setenv("CLOSEDWON_SALESFORCE_CLIENT_SECRET", SECRET)
            yield org, url
    finally:
        org.close()


@contextmanager
def an_office(state: Path, start: datetime) -> Iterator[Office]:
    """Someone beside an org with one closed-won deal; the catalogue is loaded, nothing is billed."""
    clock = [start]
    with (
        pytest.MonkeyPatch.context() as patch,
        an_org(patch, lambda: clock[0]) as (org, _url),
    ):
        records = dict(shipped_records())
        records["Opportunity"] = [r for r in records["Opportunity"] if r["Id"] == OPPORTUNITY]
        org.load_records(records)
        found = Office(org=org, state=state, clock=clock)
        found.run("catalog", "load", str(share() / CATALOG))
        yield found
