"""The Salesforce org of the settings: how we log in and what may be asked of it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import httpx

from closedwon.crm.salesforce import (
    ClientCredentials,
    Grant,
    JwtBearer,
    Password,
    Session,
    Share,
)
from closedwon.crm.salesforce.budget import Budget
from closedwon.crm.salesforce.describe import Describe
from closedwon.crm.salesforce.query import Queries
from closedwon.crm.salesforce.soql import Select
from closedwon.crm.salesforce.tokens import Tokens
from closedwon.finance.figures.row import SYNC
from closedwon.formula.schema import FieldInfo
from closedwon.kernel.errors import ConfigError, NotFound
from closedwon.kernel.ids import id18
from closedwon.settings import Settings
from closedwon.sync.retries import Tick
from closedwon.transport import Patience, session_over

TICK_FIELDS = ("Id", "Key__c", "LastModifiedById", "Opportunity__c")


class OrgSchema(Mapping[str, Mapping[str, FieldInfo]]):
    """Objects of the org by name, described when first asked for."""

    def __init__(self, describe: Callable[[str], Mapping[str, FieldInfo]]) -> None:
        self._describe = describe
        self._known: dict[str, Mapping[str, FieldInfo] | None] = {}

    def __getitem__(self, name: str) -> Mapping[str, FieldInfo]:
        if name not in self._known:
            try:
                self._known[name] = self._describe(name)
            except NotFound:
                self._known[name] = None
        found = self._known[name]
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return (name for name, fields in self._known.items() if fields is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Org:
    """One session with Salesforce; nothing is sent before its first use."""

    def __init__(
        self,
        settings: Settings,
        client: httpx.Client,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self.patience = Patience(sleep=sleep)
        share = Share(
            stop_at_used_percent=settings.salesforce_api_stop_percent,
            own_percent=settings.salesforce_api_share_percent,
        )
        expected = settings.salesforce_org_id
        tokens = Tokens(
            grant_of(settings, client), clock, id18(expected) if expected is not None else None
        )
        self.session = Session(
            session_over(client),
            tokens,
            self.patience,
            Budget(share, clock),
            version=settings.salesforce_api_version,
        )
        self.schema = OrgSchema(Describe(self.session).fields)

    def ticks(self) -> Iterator[Tick]:
        """Rows of Meter_Sync_Record__c an admin ticked; none where the object is missing."""
        if SYNC not in self.schema:
            return
        select = Select(object_name=SYNC, fields=TICK_FIELDS, where="Retry__c = true")
        for row in Queries(self.session).rows(select):
            if row["Opportunity__c"]:
                yield Tick(
                    key=str(row["Key__c"]),
                    opportunity_id=id18(row["Opportunity__c"]),
                    by=f"salesforce:{row['LastModifiedById']}",
                )


def grant_of(settings: Settings, client: httpx.Client) -> Grant:
    """The way to log in that the settings choose; raises ConfigError naming what is missing."""
    url = settings.salesforce_login_url
    match settings.salesforce_grant:
        case "client_credentials":
            _needed(settings, "salesforce_client_id", "salesforce_client_secret")
            secret = settings.salesforce_client_secret.get_secret_value()
            return ClientCredentials(client, url, settings.salesforce_client_id, secret)
        case "jwt":
            _needed(
                settings,
                "salesforce_client_id",
                "salesforce_username",
                "salesforce_private_key_file",
            )
            return JwtBearer(
                client,
                url,
                settings.salesforce_client_id,
                settings.salesforce_username,
                _private_key(settings),
            )
        case "password":
            _needed(settings, "salesforce_username", "salesforce_password")
            return Password(
                client,
                url,
                settings.salesforce_username,
                settings.salesforce_password.get_secret_value(),
                settings.salesforce_security_token.get_secret_value(),
            )


def _needed(settings: Settings, *names: str) -> None:
    missing = [name for name in names if not getattr(settings, name)]
    if missing:
        variables = ", ".join(f"CLOSEDWON_{name.upper()}" for name in missing)
        raise ConfigError(f"logging in by {settings.salesforce_grant} needs {variables}")


def _private_key(settings: Settings) -> bytes:
    path = settings.salesforce_private_key_file
    if path is None:
        raise ConfigError("logging in by jwt needs CLOSEDWON_SALESFORCE_PRIVATE_KEY_FILE")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read the private key {path}: {error.strerror}") from error
