"""Marketplace senders: the vendors' shapes, repeats that count once, what is tried again (R295)."""

import json
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl

import httpx
import jwt
import pytest
import respx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from billing.world import at
from closedwon.delivery import Verdict
from closedwon.delivery.aws_signing import AwsKey, signed
from closedwon.delivery.marketplaces import Aws, Azure, Gcp
from closedwon.delivery.metering import Marketplace, MeterReport
from closedwon.transport import open_client

NOW = at("2024-02-10T07:20")
HOUR = at("2024-02-10T07:00")
AWS = "https://metering.marketplace.us-east-1.amazonaws.com/"
AZURE = "https://marketplaceapi.microsoft.com/api/usageEvent?api-version=2018-08-31"
AZURE_LOGIN = "https://login.microsoftonline.com/tenant/oauth2/v2.0/token"
GCP = "https://servicecontrol.googleapis.com/v1/services/svc.example.com:report"
GCP_LOGIN = "https://oauth2.googleapis.com/token"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
).decode()


@pytest.fixture
def web() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        token = httpx.Response(200, json={"access_token": "token-1"})
        router.post(AZURE_LOGIN).mock(return_value=token)
        router.post(GCP_LOGIN).mock(return_value=token)
        yield router


def report(**configuration: str) -> MeterReport:
    return MeterReport(key="key-1", hour=HOUR, quantity=340, configuration=configuration)


REPORTS = {
    "aws_marketplace": report(aws_customer_id="c1", aws_product_code="p1", aws_region="us-east-1"),
    "azure_marketplace": report(azure_subscription_id="s1", azure_plan_id="gold"),
    "gcp_marketplace": report(gcp_entitlement_id="e1", gcp_service_name="svc.example.com"),
}


def aws() -> Marketplace:
    return Aws(
        access_key_id="AKID", secret_access_key="canary", client=open_client(), clock=lambda: NOW
    )


def azure() -> Marketplace:
    return Azure(tenant_id="tenant", client_id="app", client_secret="canary", client=open_client())


def gcp() -> Marketplace:
    return Gcp(client_email="me@x", private_key=PEM, client=open_client(), clock=lambda: NOW)


ALL = [(aws, AWS), (azure, AZURE), (gcp, GCP)]


def test_signature_version_4_vector_get_vanilla() -> None:
    key = AwsKey(
        access_key_id="AKIDEXAMPLE",
        secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        region="us-east-1",
        service="service",
    )
    headers = signed(key, "GET", "example.amazonaws.com", {}, b"", at("2015-08-30T12:36"))
    assert headers["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,"
        " SignedHeaders=host;x-amz-date,"
        " Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )
    assert "wJalr" not in repr(key)


def test_r295_aws_gets_one_signed_record(web: respx.MockRouter) -> None:
    answer = {"Results": [{"Status": "Success", "MeteringRecordId": "m1"}]}
    route = web.post(AWS).respond(200, json=answer)
    outcome = aws().report(REPORTS["aws_marketplace"])
    assert (outcome.verdict, outcome.external_id) == (Verdict.DONE, "m1")
    (call,) = route.calls
    assert json.loads(call.request.content) == {
        "ProductCode": "p1",
        "UsageRecords": [
            {
                "Timestamp": 1707548400,
                "CustomerIdentifier": "c1",
                "Dimension": "cents",
                "Quantity": 340,
            }
        ],
    }
    assert call.request.headers["x-amz-target"] == "AWSMPMeteringService.BatchMeterUsage"
    assert call.request.headers["x-amz-date"] == "20240210T072000Z"
    authorization = call.request.headers["authorization"]
    assert "AKID/20240210/us-east-1/aws-marketplace/aws4_request" in authorization
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-target" in authorization


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, {"Results": [], "UnprocessedRecords": [{}]}, Verdict.AGAIN),
        (200, {"Results": [{"Status": "DuplicateRecord"}]}, Verdict.REFUSED),
        (200, {"Results": [{"Status": "CustomerNotSubscribed"}]}, Verdict.REFUSED),
        (400, {"__type": "com.amazon#ThrottlingException"}, Verdict.AGAIN),
        (400, {"__type": "TimestampOutOfBoundsException", "message": "late"}, Verdict.REFUSED),
    ],
)
def test_r295_r298_what_aws_does_not_take(
    web: respx.MockRouter, status: int, body: dict[str, object], verdict: Verdict
) -> None:
    web.post(AWS).respond(status, json=body)
    assert aws().report(REPORTS["aws_marketplace"]).verdict is verdict


def test_r295_azure_gets_one_event_of_the_hour(web: respx.MockRouter) -> None:
    route = web.post(AZURE).respond(200, json={"status": "Accepted", "usageEventId": "u1"})
    outcome = azure().report(REPORTS["azure_marketplace"])
    assert (outcome.verdict, outcome.external_id) == (Verdict.DONE, "u1")
    (call,) = route.calls
    assert json.loads(call.request.content) == {
        "resourceId": "s1",
        "quantity": 340,
        "dimension": "cents",
        "effectiveStartTime": "2024-02-10T07:00:00+00:00",
        "planId": "gold",
    }
    assert call.request.headers["authorization"] == "Bearer token-1"
    form = dict(parse_qsl(web.calls[0].request.content.decode()))
    assert (form["grant_type"], form["client_secret"]) == ("client_credentials", "canary")


@pytest.mark.parametrize(
    ("quantity", "verdict"), [(340, Verdict.DONE), (341, Verdict.REFUSED), (None, Verdict.REFUSED)]
)
def test_g15_an_azure_conflict_is_ours_when_the_quantity_is(
    web: respx.MockRouter, quantity: int | None, verdict: Verdict
) -> None:
    accepted = {"acceptedMessage": {"quantity": quantity, "usageEventId": "u1"}}
    web.post(AZURE).respond(409, json={"additionalInfo": accepted, "code": "Conflict"})
    assert azure().report(REPORTS["azure_marketplace"]).verdict is verdict


def test_r295_google_gets_one_operation_by_our_key(web: respx.MockRouter) -> None:
    route = web.post(GCP).respond(200, json={})
    assert gcp().report(REPORTS["gcp_marketplace"]).verdict is Verdict.DONE
    (operation,) = json.loads(route.calls[0].request.content)["operations"]
    assert operation == {
        "operationId": "key-1",
        "operationName": "closedwon",
        "consumerId": "e1",
        "startTime": "2024-02-10T07:00:00+00:00",
        "endTime": "2024-02-10T08:00:00+00:00",
        "metricValueSets": [
            {
                "metricName": "svc.example.com/cents",
                "metricValues": [{"int64Value": "340"}],
            }
        ],
    }
    assertion = dict(parse_qsl(web.calls[0].request.content.decode()))["assertion"]
    claims = jwt.decode(
        assertion,
        KEY.public_key(),
        algorithms=["RS256"],
        audience=GCP_LOGIN,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert (claims["iss"], claims["exp"] - claims["iat"]) == ("me@x", 3600)


def test_r295_an_error_inside_googles_answer_is_a_refusal(web: respx.MockRouter) -> None:
    answer = {"reportErrors": [{"operationId": "key-1", "status": {"message": "no entitlement"}}]}
    web.post(GCP).respond(200, json=answer)
    outcome = gcp().report(REPORTS["gcp_marketplace"])
    assert (outcome.verdict, outcome.error) == (Verdict.REFUSED, "Google: no entitlement")


@pytest.mark.parametrize(("make", "url"), ALL)
@pytest.mark.parametrize(
    ("status", "verdict"),
    [(400, Verdict.REFUSED), (401, Verdict.AGAIN), (429, Verdict.AGAIN), (503, Verdict.AGAIN)],
)
def test_r298_failures_are_refused_or_tried_again(
    web: respx.MockRouter,
    make: Callable[[], Marketplace],
    url: str,
    status: int,
    verdict: Verdict,
) -> None:
    web.post(url).respond(status, json={"message": "why"}, headers={"Retry-After": "9"})
    market = make()
    outcome = market.report(REPORTS[market.name])
    assert outcome.verdict is verdict
    assert outcome.error.endswith(f"answered {status}: why")
    assert (outcome.retry_after_s == 9) == (verdict is Verdict.AGAIN)


@pytest.mark.parametrize(("make", "url"), ALL)
def test_g15_no_answer_is_tried_again(
    web: respx.MockRouter, make: Callable[[], Marketplace], url: str
) -> None:
    web.post(url).mock(side_effect=httpx.ReadTimeout("lost"))
    market = make()
    outcome = market.report(REPORTS[market.name])
    assert (outcome.verdict, outcome.is_away) == (Verdict.AGAIN, True)


@pytest.mark.parametrize(
    ("make", "login"), [(azure, AZURE_LOGIN), (gcp, GCP_LOGIN)], ids=["azure", "gcp"]
)
@pytest.mark.parametrize("broken", ["refused", "silent"])
def test_a_login_that_fails_is_tried_again_and_shows_no_secret(
    web: respx.MockRouter, make: Callable[[], Marketplace], login: str, broken: str
) -> None:
    if broken == "refused":
        web.post(login).respond(401, json={"error": "canary"})
    else:
        web.post(login).mock(side_effect=httpx.ConnectError("canary"))
    market = make()
    outcome = market.report(REPORTS[market.name])
    assert (outcome.verdict, outcome.is_away) == (Verdict.AGAIN, True)
    assert "canary" not in repr(outcome) + repr(market)


@pytest.mark.parametrize(("make", "url"), ALL)
def test_an_answer_that_is_no_json_is_not_believed(
    web: respx.MockRouter, make: Callable[[], Marketplace], url: str
) -> None:
    web.post(url).respond(500, text="<html>")
    market = make()
    assert market.report(REPORTS[market.name]).verdict is Verdict.AGAIN
