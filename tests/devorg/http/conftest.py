"""An org in memory, served on loopback, with a clock that the test moves."""

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.types import ASGIApp, Receive, Scope, Send

from closedwon.devorg.http import (
    Accounts,
    ConnectedApp,
    Faults,
    Options,
    RefreshToken,
    User,
    application,
    running,
)
from closedwon.devorg.org import Org
from closedwon.devorg.schema import FieldDef, ObjectInfo, OrgSchema, org_schema
from closedwon.devorg.schema.builtin import first_fields, name_field, system_fields

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Never used on plain http; loading the machine's certificates costs a tenth of a second."""


class MovingClock:
    """Now is what the test says; 2024-01-01 to begin with."""

    def __init__(self) -> None:
        self.now = datetime(2024, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


def commit_object() -> ObjectInfo:
    """What an admin would deploy: an external id, one that may repeat, a parent, short text."""
    own = (
        FieldDef(
            name="Key__c", label="Key", type="string", length=255, unique=True, external_id=True
        ),
        FieldDef(name="Ref__c", label="Ref", type="string", length=255, external_id=True),
        FieldDef(name="Amount__c", label="Amount", type="currency", precision=16, scale=2),
        FieldDef(name="Unit__c", label="Unit", type="string", length=5),
        FieldDef(
            name="Account__c",
            label="Account",
            type="reference",
            reference_to=("Account",),
            relationship_name="Account__r",
            child_relationship="Commits__r",
        ),
    )
    fields = [*first_fields(), name_field("Commit", None), *own, *system_fields(owned=True)]
    return ObjectInfo(
        name="Commit__c",
        label="Commit",
        label_plural="Commits",
        key_prefix="a9C",
        fields={field.name: field for field in fields},
        custom=True,
    )


@pytest.fixture(scope="session")
def schema() -> OrgSchema:
    shipped = org_schema()
    return OrgSchema({**shipped.objects, "Commit__c": commit_object()})


@pytest.fixture
def org(schema: OrgSchema, clock: MovingClock) -> Iterator[Org]:
    org = Org.open(":memory:", schema, clock)
    yield org
    org.close()


@pytest.fixture(scope="session")
def private_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def accounts(org: Org, private_key: RSAPrivateKey) -> Accounts:
    pem = private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ada = User(id=org.admin_id, username="ada@acme.test", password="<p&ss>", security_token="TOK")
    gone = User(id="005Hs00000AbCdFIAV", username="gone@acme.test", password="x", is_active=False)
    bob = User(id="005Hs00000AbCdGIAV", username="bob@acme.test", password="trusted")
    return Accounts(
        users=(ada, bob, gone),
        apps=(
            ConnectedApp(
                client_id="meter",
                client_secret="s3cret",
                run_as="ada@acme.test",
                public_key=pem.decode(),
            ),
            ConnectedApp(client_id="turner", client_secret="t", rotates_refresh_tokens=True),
            ConnectedApp(
                client_id="stranger", client_secret="s", public_key=pem.decode(), is_approved=False
            ),
        ),
        refresh_tokens=(
            RefreshToken(token="keep", username="ada@acme.test", client_id="meter"),
            RefreshToken(token="turn", username="ada@acme.test", client_id="turner"),
        ),
    )


@pytest.fixture
def options() -> Options:
    return Options(admin_token="root")


@pytest.fixture
def faults() -> Faults:
    return Faults()


class Switch:
    """Sends every request to the application of the test that runs now."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def switch() -> Iterator[tuple[Switch, str]]:
    """One server for all tests: starting and stopping one takes a quarter of a second."""
    switch = Switch()
    with running(switch) as url:
        yield switch, url


@pytest.fixture
def base_url(
    switch: tuple[Switch, str],
    org: Org,
    accounts: Accounts,
    clock: MovingClock,
    options: Options,
    faults: Faults,
) -> str:
    switch[0].app = application(org, accounts, clock, options, faults)
    return switch[1]


@pytest.fixture
def http(base_url: str) -> Iterator[httpx.Client]:
    """Someone who has not logged in."""
    with httpx.Client(base_url=base_url, trust_env=False, verify=NO_TLS) as client:
        yield client


@pytest.fixture
def log_in(http: httpx.Client) -> Callable[[], str]:
    """Opens one more session and returns its access token."""

    def open_session() -> str:
        form = {"grant_type": "client_credentials", "client_id": "meter", "client_secret": "s3cret"}
        return str(http.post("/services/oauth2/token", data=form).json()["access_token"])

    return open_session


@pytest.fixture
def rest(base_url: str, log_in: Callable[[], str]) -> Iterator[httpx.Client]:
    """Ada, logged in, below version 60.0; paths without a leading slash are relative to it."""
    headers = {"Authorization": f"Bearer {log_in()}"}
    with httpx.Client(
        base_url=f"{base_url}/services/data/v60.0/",
        headers=headers,
        trust_env=False,
        verify=NO_TLS,
    ) as client:
        yield client
