"""simple-salesforce, unmodified, pointed at the dev org through its documented ``session=``."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

from closedwon.devorg.http import Fault, Faults, Options, application, running
from closedwon.devorg.http.client import redirecting_session


@pytest.fixture
def session(base_url: str) -> Iterator[requests.Session]:
    with redirecting_session(base_url) as session:
        yield session


@pytest.fixture
def sf(session: requests.Session) -> Salesforce:
    """Logged in over SOAP, as ``Salesforce(username, password, security_token)`` does."""
    return Salesforce(
        username="ada@acme.test",
        password="<p&ss>",
        security_token="TOK",
        session=session,
        parse_float=Decimal,
    )


def test_soap_login_lands_on_the_instance(sf: Salesforce) -> None:
    assert sf.sf_instance == "acme.my.salesforce.com"
    assert sf.query("SELECT Id FROM Account")["records"] == []


def test_a_wrong_password_is_told_in_salesforces_words(session: requests.Session) -> None:
    with pytest.raises(SalesforceAuthenticationFailed) as caught:
        Salesforce(
            username="ada@acme.test", password="wrong", security_token="TOK", session=session
        )

    assert caught.value.code == "INVALID_LOGIN"
    assert "Invalid username, password, security token; or user locked out." in str(caught.value)


def test_client_credentials_login(session: requests.Session) -> None:
    sf = Salesforce(
        consumer_key="meter", consumer_secret="s3cret", domain="acme.my", session=session
    )

    assert sf.limits()["DailyApiRequests"]["Max"] == 15000
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid client credentials"):
        Salesforce(consumer_key="meter", consumer_secret="wrong", domain="acme.my", session=session)


def test_login_without_a_token_from_a_trusted_network(session: requests.Session, org: Any) -> None:
    sf = Salesforce(
        username="bob@acme.test",
        password="trusted",
        organizationId=org.organization_id,
        session=session,
    )

    assert sf.query("SELECT Id FROM Account")["records"] == []


def test_password_grant_where_an_admin_allowed_it(org: Any, accounts: Any, clock: Any) -> None:
    options = Options(allows_password_grant=True)
    who = {"username": "ada@acme.test", "consumer_key": "meter", "consumer_secret": "s3cret"}
    with (
        running(application(org, accounts, clock, options)) as url,
        redirecting_session(url) as session,
    ):
        sf = Salesforce(**who, password="<p&ss>TOK", session=session)
        assert sf.limits()["DailyApiRequests"]["Max"] == 15000
        with pytest.raises(SalesforceAuthenticationFailed, match="authentication failure"):
            Salesforce(**who, password="<p&ss>", session=session)


def test_jwt_login(session: requests.Session, private_key: RSAPrivateKey, clock: Any) -> None:
    clock.now = datetime.now(UTC)  # noqa: TID251 - the client signs by the machine's clock
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    sf = Salesforce(username="ada@acme.test", consumer_key="meter", privatekey=pem, session=session)

    assert sf.query("SELECT count() FROM Account")["totalSize"] == 0
    with pytest.raises(SalesforceAuthenticationFailed, match="inactive user"):
        Salesforce(username="gone@acme.test", consumer_key="meter", privatekey=pem, session=session)


def test_an_expired_session_is_renewed_by_the_client(sf: Salesforce, faults: Faults) -> None:
    faults.plan(Fault(kind="expire_sessions", path="*/query"))

    assert sf.query("SELECT Id FROM Account")["totalSize"] == 0


def test_a_given_session_that_died_is_reported(sf: Salesforce, session: requests.Session) -> None:
    bare = Salesforce(session_id="00D!dead", instance=sf.sf_instance, session=session)
    with pytest.raises(SalesforceExpiredSession) as caught:
        bare.query("SELECT Id FROM Account")

    assert caught.value.content == [
        {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    ]


def test_a_record_lives_from_insert_to_delete(sf: Salesforce) -> None:
    created = sf.Commit__c.create({"Name": "C", "Amount__c": 50000.5})
    record_id = created["id"]
    assert created == {"id": record_id, "success": True, "errors": []}
    assert sf.Commit__c.get(record_id)["Amount__c"] == Decimal("50000.5")

    assert sf.Commit__c.update(record_id, {"Amount__c": 12345678}) == 204
    assert sf.Commit__c.get(record_id)["Amount__c"] == Decimal(12345678)

    assert sf.Commit__c.delete(record_id) == 204
    with pytest.raises(SalesforceResourceNotFound):
        sf.Commit__c.get(record_id)
    deleted = sf.query("SELECT Id FROM Commit__c WHERE IsDeleted = true", include_deleted=True)
    assert [row["Id"] for row in deleted["records"]] == [record_id]


def test_upsert_by_external_id(sf: Salesforce) -> None:
    assert sf.Commit__c.upsert("Key__c/k%2F1", {"Name": "C"}) == 201
    assert sf.Commit__c.upsert("Key__c/k%2F1", {"Name": "D"}) == 200
    assert sf.Commit__c.get_by_custom_id("Key__c", "k/1")["Name"] == "D"

    for _ in range(2):
        sf.Commit__c.create({"Name": "E", "Ref__c": "same"})
    with pytest.raises(SalesforceMoreThanOneRecord):
        sf.Commit__c.get_by_custom_id("Ref__c", "same")


@pytest.fixture
def many(org: Any) -> Callable[[], list[str]]:
    def create() -> list[str]:
        with org.transaction():
            return [org.create("Commit__c", {"Name": f"C{n}"}, org.admin_id) for n in range(450)]

    return create


def test_query_all_follows_every_page(
    sf: Salesforce, many: Callable[[], list[str]], faults: Faults
) -> None:
    ids = many()
    before = faults.requests
    headers = {"Sforce-Query-Options": "batchSize=200"}
    whole = sf.query_all("SELECT Id FROM Commit__c", headers=headers)
    lazily = [row["Id"] for row in sf.query_all_iter("SELECT Id FROM Commit__c", headers=headers)]

    assert whole["totalSize"] == 450
    assert sorted(row["Id"] for row in whole["records"]) == sorted(lazily) == sorted(ids)
    assert faults.requests - before == 6


def test_describes(sf: Salesforce) -> None:
    told = sf.describe()
    assert told is not None
    assert "Commit__c" in {each["name"] for each in told["sobjects"]}
    fields = {field["name"]: field["type"] for field in sf.Commit__c.describe()["fields"]}

    assert (fields["Amount__c"], fields["Id"]) == ("currency", "id")
    assert sf.Commit__c.metadata()["objectDescribe"]["keyPrefix"] == "a9C"


def test_restful_composite(sf: Salesforce) -> None:
    calls = [
        {
            "method": "POST",
            "url": "/services/data/v59.0/sobjects/Account",
            "referenceId": "a",
            "body": {"Name": "Acme"},
        },
        {
            "method": "GET",
            "url": "/services/data/v59.0/query?q=SELECT+Name+FROM+Account+WHERE+Id='@{a.id}'",
            "referenceId": "q",
        },
    ]
    told = sf.restful("composite", method="POST", json={"compositeRequest": calls})

    assert told is not None
    assert told["compositeResponse"][1]["body"]["records"][0]["Name"] == "Acme"


def test_deleted_and_updated_windows(sf: Salesforce, org: Any, clock: Any) -> None:
    kept, gone = (org.create("Commit__c", {"Name": name}, org.admin_id) for name in "AB")
    org.delete("Commit__c", gone, org.admin_id)
    clock.forward(minutes=10)
    start, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 0, 5, tzinfo=UTC)

    assert sf.Commit__c.updated(start, end)["ids"] == [kept]
    assert [row["id"] for row in sf.Commit__c.deleted(start, end)["deletedRecords"]] == [gone]


def test_api_usage_is_read_from_the_header(sf: Salesforce) -> None:
    sf.query("SELECT Id FROM Account")

    assert sf.api_usage["api-usage"] == (1, 15000)


def test_errors_reach_the_caller_as_salesforces_list(sf: Salesforce) -> None:
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.query("SELECT Nope FROM Account")

    assert caught.value.content[0]["errorCode"] == "INVALID_FIELD"


def test_the_session_reaches_nothing_but_the_org(session: requests.Session) -> None:
    with pytest.raises(requests.exceptions.InvalidURL):
        session.get("https://example.com/")
