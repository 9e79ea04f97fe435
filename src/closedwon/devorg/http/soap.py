"""SOAP partner ``login`` as simple-salesforce and jsforce send it (S 1.3)."""

from html import escape
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from closedwon.devorg.http.exchange import XML, Answer, Incoming
from closedwon.devorg.http.identity import Identity
from closedwon.devorg.http.options import User

PARTNER: Final = "{urn:partner.soap.sforce.com}"
BODY: Final = "{http://schemas.xmlsoap.org/soap/envelope/}Body"

WRONG_CREDENTIALS = "Invalid username, password, security token; or user locked out."


def soap(identity: Identity, request: Incoming, version: str) -> Answer:
    """``POST /services/Soap/u/{version}``: login, the only operation offered.

    Elements are found by namespace, whatever their prefix. Faults are HTTP 500.
    """
    try:
        envelope = fromstring(request.body)
    except (ParseError, DefusedXmlException, ValueError):
        return _fault("soapenv:Client", "The request is not a well-formed SOAP envelope")
    login = envelope.find(f"{BODY}/{PARTNER}login")
    if login is None:
        return _fault("soapenv:Client", "No operation available for this request")
    scope = envelope.find(f".//{PARTNER}organizationId")
    if scope is not None and (scope.text or "")[:15] != identity.org_id[:15]:
        return _login_fault("INVALID_LOGIN", WRONG_CREDENTIALS)
    user = identity.user_by_password(_text(login, "username"), _text(login, "password"))
    if user is None:
        return _login_fault("INVALID_LOGIN", WRONG_CREDENTIALS)
    if not identity.sessions.may_log_in(user):
        return _login_fault("LOGIN_RATE_EXCEEDED", "login rate exceeded")
    return _logged_in(identity, request, user, version)


def _text(login: Element, name: str) -> str:
    found = login.find(f"{PARTNER}{name}")
    return (found.text or "") if found is not None else ""


def _logged_in(identity: Identity, request: Incoming, user: User, version: str) -> Answer:
    org_id = identity.org_id
    instance = escape(identity.instance_url(request.headers.get("host", "")))
    number = escape(version)
    session_id = escape(identity.sessions.open(user))
    return _envelope(
        200,
        "",
        "<loginResponse><result>"
        f"<metadataServerUrl>{instance}/services/Soap/m/{number}/{org_id[:15]}</metadataServerUrl>"
        "<passwordExpired>false</passwordExpired><sandbox>false</sandbox>"
        f"<serverUrl>{instance}/services/Soap/u/{number}/{org_id[:15]}</serverUrl>"
        f"<sessionId>{session_id}</sessionId><userId>{user.id}</userId>"
        f"<userInfo><organizationId>{org_id}</organizationId>"
        "<organizationMultiCurrency>false</organizationMultiCurrency>"
        f"<userId>{user.id}</userId><userName>{escape(user.username)}</userName>"
        "<userTimeZone>America/Los_Angeles</userTimeZone></userInfo>"
        "</result></loginResponse>",
    )


def _login_fault(code: str, message: str) -> Answer:
    return _envelope(
        500,
        ' xmlns:sf="urn:fault.partner.soap.sforce.com"',
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode>"
        f"<faultstring>{code}: {escape(message)}</faultstring>"
        f'<detail><sf:LoginFault xsi:type="sf:LoginFault">'
        f"<sf:exceptionCode>{code}</sf:exceptionCode>"
        f"<sf:exceptionMessage>{escape(message)}</sf:exceptionMessage>"
        "</sf:LoginFault></detail></soapenv:Fault>",
    )


def _fault(code: str, message: str) -> Answer:
    return _envelope(
        500,
        "",
        f"<soapenv:Fault><faultcode>{code}</faultcode>"
        f"<faultstring>{escape(message)}</faultstring></soapenv:Fault>",
    )


def _envelope(status: int, namespaces: str, body: str) -> Answer:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns="urn:partner.soap.sforce.com"'
        f'{namespaces} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    )
    return Answer(status=status, body=text, media=XML)
