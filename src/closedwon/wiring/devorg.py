"""The local Salesforce of commands and the demo: our package deployed, one way to log in."""

import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from starlette.types import ASGIApp

from closedwon.devorg.http import Accounts, ConnectedApp, Faults, Options, User, application
from closedwon.devorg.org import Org
from closedwon.devorg.schema import org_schema
from closedwon.devorg.seed import file_records, shipped_records
from closedwon.kernel.errors import ConfigError
from closedwon.wiring.places import share

CLIENT_ID = "closedwon-local"
USERNAME = "integration@local.example"
SHIPPED = ("infrax", "infrax-renewal")


def open_org(path: str | Path, clock: Callable[[], datetime]) -> Org:
    """Open or create the org at ``path`` (``:memory:`` forgets) with our objects deployed."""
    return Org.open(path, org_schema(share() / "salesforce"), clock)


def served(
    org: Org,
    secret: str,
    clock: Callable[[], datetime],
    options: Options | None = None,
    faults: Faults | None = None,
) -> ASGIApp:
    """The org over HTTP; ``secret`` opens it by OAuth and, as password, by SOAP.

    Raises ConfigError without a secret: no server of ours lets anyone in.
    """
    if not secret:
        raise ConfigError("the local org needs a client secret")
    accounts = Accounts(
        users=(User(id=Org.admin_id, username=USERNAME, password=secret),),
        apps=(ConnectedApp(client_id=CLIENT_ID, client_secret=secret, run_as=USERNAME),),
    )
    return application(org, accounts, clock, options, faults)


def new_secret() -> str:
    """A fresh secret, for an org nobody named one for."""
    return secrets.token_urlsafe(24)


def load_into(org: Org, source: str) -> dict[str, int]:
    """Load a shipped data set, a records file (.json) or a folder of Prodly CSV files.

    Returns how many records of each object it brought; raises ConfigError for anything else.
    """
    path = Path(source)
    if path.is_dir():
        return org.import_prodly(path)
    if path.suffix == ".json":
        records = file_records(path)
    elif source in SHIPPED:
        records = shipped_records(source)
    else:
        known = ", ".join(SHIPPED)
        raise ConfigError(f"{source} is no data set; name {known}, a .json file or a folder")
    org.load_records(records)
    return {name: len(rows) for name, rows in records.items()}
