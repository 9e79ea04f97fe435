from typing import Any
from xml.sax.saxutils import escape

import httpx
import pytest

ENVELOPE = """<?xml version="1.0" encoding="utf-8" ?>
<x:Envelope xmlns:x="http://schemas.xmlsoap.org/soap/envelope/"><x:Header>{header}</x:Header>
<x:Body><login xmlns="urn:partner.soap.sforce.com"><username>{username}</username><password>{password}</password></login></x:Body>
</x:Envelope>"""

FAULT = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"'
    ' xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Body><soapenv:Fault><faultcode>sf:INVALID_LOGIN</faultcode>"
    "<faultstring>INVALID_LOGIN: Invalid username, password, security token; or user locked out.</faultstring>"
    '<detail><sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode>'
    "<sf:exceptionMessage>Invalid username, password, security token; or user locked out.</sf:exceptionMessage>"
    "</sf:LoginFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
)


def login(
    http: httpx.Client,
    username: str = "ada@acme.test",
    password: str = "<p&ss>TOK",  # noqa: S107 - as above
    header: str = "",
) -> Any:
    body = ENVELOPE.format(header=header, username=escape(username), password=escape(password))
    return http.post(
        "/services/Soap/u/61.0",
        content=body,
        headers={"Content-Type": "text/xml", "SOAPAction": '""'},
    )


def test_login_parses_by_namespace_and_answers_literal_tags(
    http: httpx.Client, org: Any, base_url: str
) -> None:
    answer = login(http)

    assert answer.status_code == 200
    assert f"<sessionId>{org.organization_id[:15]}!" in answer.text
    assert (
        f"<serverUrl>{base_url}/services/Soap/u/61.0/{org.organization_id[:15]}</serverUrl>"
        in answer.text
    )
    assert f"<userId>{org.admin_id}</userId>" in answer.text
    assert "<passwordExpired>false</passwordExpired>" in answer.text


def test_a_second_login_returns_the_same_session(http: httpx.Client) -> None:
    assert login(http).text == login(http).text


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("ada@acme.test", "<p&ss>"),
        ("ada@acme.test", "wrong"),
        ("nobody@acme.test", "<p&ss>TOK"),
        ("nobody@acme.test", ""),
        ("gone@acme.test", "x"),
    ],
)
def test_wrong_credentials_get_one_and_the_same_fault(
    http: httpx.Client, username: str, password: str
) -> None:
    answer = login(http, username, password)

    assert (answer.status_code, answer.text) == (500, FAULT)


def test_another_organization_is_refused(http: httpx.Client, org: Any) -> None:
    scope = '<s:LoginScopeHeader xmlns:s="urn:partner.soap.sforce.com"><s:organizationId>{}</s:organizationId></s:LoginScopeHeader>'

    assert login(http, header=scope.format(org.organization_id)).status_code == 200
    assert login(http, header=scope.format("00D000000000001EAA")).text == FAULT


@pytest.mark.parametrize(
    "body",
    [
        "not xml",
        '<!DOCTYPE a [<!ENTITY b "boom">]><a>&b;</a>',
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><query/></e:Body></e:Envelope>',
    ],
)
def test_anything_else_is_a_client_fault(http: httpx.Client, body: str) -> None:
    answer = http.post("/services/Soap/u/61.0", content=body)

    assert answer.status_code == 500
    assert "<faultcode>soapenv:Client</faultcode>" in answer.text
    assert "boom" not in answer.text
