"""Azure marketplace: one usageEvent per subscription and hour (R295)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from closedwon.delivery.channel import ExternalStatus, Outcome, Verdict
from closedwon.delivery.metering import MeterReport
from closedwon.delivery.remote import Reply, call, failed
from closedwon.kernel import strict_json
from closedwon.kernel.instant import wire_instant

URL = "https://marketplaceapi.microsoft.com/api/usageEvent?api-version=2018-08-31"
LOGIN = "https://login.microsoftonline.com"
SCOPE = "20e940b3-4c77-4b0b-9a53-9e16a1b010a7/.default"
"""The marketplace metering API, as a resource of Entra ID."""
DIMENSION = "cents"
"""Metering dimension when the configuration names no ``azure_dimension``."""
CONFLICT = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure:
    """Needs azure_subscription_id and azure_plan_id of the customer."""

    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)
    client: httpx.Client = field(repr=False)
    name: str = "azure_marketplace"

    def report(self, report: MeterReport) -> Outcome:
        """A second event of the hour is a conflict; one with our quantity is our own."""
        token = self._token()
        if isinstance(token, Outcome):
            return token
        configuration = report.configuration
        event = {
            "resourceId": configuration["azure_subscription_id"],
            "quantity": report.quantity,
            "dimension": configuration.get("azure_dimension", DIMENSION),
            "effectiveStartTime": wire_instant(report.hour),
            "planId": configuration["azure_plan_id"],
        }
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "x-ms-requestid": report.key,
            "x-ms-correlationid": report.key,
        }
        body = strict_json.dumps(event).encode()
        reply = call(self.client, "POST", URL, headers, body)
        return reply if isinstance(reply, Outcome) else _outcome(reply, report)

    def _token(self) -> str | Outcome:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scope": SCOPE,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        url = f"{LOGIN}/{quote(self.tenant_id, safe='')}/oauth2/v2.0/token"
        reply = call(self.client, "POST", url, headers, urlencode(form).encode())
        if isinstance(reply, Outcome):
            return reply
        if not reply.is_good or "access_token" not in reply.content:
            told = f"Azure login answered {reply.status}"
            return Outcome(verdict=Verdict.AGAIN, error=told, is_away=True)
        return str(reply.content["access_token"])


def _outcome(reply: Reply, report: MeterReport) -> Outcome:
    if reply.status == CONFLICT:
        known = _accepted(reply.content)
        if known.get("quantity") != report.quantity:
            told = "Azure holds another quantity for this hour"
            return Outcome(verdict=Verdict.REFUSED, error=told)
        return _done(known)
    if not reply.is_good:
        return failed("Azure", reply)
    if reply.content.get("status") != "Accepted":
        told = f"Azure: {reply.content.get('status')}"
        return Outcome(verdict=Verdict.REFUSED, error=told)
    return _done(reply.content)


def _accepted(content: Mapping[str, Any]) -> Mapping[str, Any]:
    more = content.get("additionalInfo")
    known = more.get("acceptedMessage") if isinstance(more, dict) else None
    return known if isinstance(known, dict) else {}


def _done(event: Mapping[str, Any]) -> Outcome:
    return Outcome(
        verdict=Verdict.DONE,
        external_status=ExternalStatus.SENT,
        external_id=str(event.get("usageEventId") or "") or None,
    )
