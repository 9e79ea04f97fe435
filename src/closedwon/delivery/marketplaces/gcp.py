"""Google Cloud marketplace: services.report of one operation (R295)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlencode

import httpx
import jwt

from closedwon.delivery.channel import ExternalStatus, Outcome, Verdict
from closedwon.delivery.metering import HOUR, MeterReport
from closedwon.delivery.remote import Reply, call, failed
from closedwon.kernel import strict_json
from closedwon.kernel.instant import wire_instant

URL = "https://servicecontrol.googleapis.com/v1/services"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 an address
SCOPE = "https://www.googleapis.com/auth/servicecontrol"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
METRIC = "cents"
"""Metric of the service when the configuration names no ``gcp_metric``."""
TOKEN_LIFE_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Gcp:
    """Needs gcp_service_name and gcp_entitlement_id (the usage reporting id) of the customer."""

    client_email: str
    private_key: str = field(repr=False)
    """RSA key of the service account, PEM."""
    client: httpx.Client = field(repr=False)
    clock: Callable[[], datetime] = field(repr=False)
    name: str = "gcp_marketplace"

    def report(self, report: MeterReport) -> Outcome:
        """The operation's id is the report's key, by which Google drops repeats."""
        token = self._token()
        if isinstance(token, Outcome):
            return token
        configuration = report.configuration
        service = configuration["gcp_service_name"]
        metric = f"{service}/{configuration.get('gcp_metric', METRIC)}"
        operation = {
            "operationId": report.key,
            "operationName": "closedwon",
            "consumerId": configuration["gcp_entitlement_id"],
            "startTime": wire_instant(report.hour),
            "endTime": wire_instant(report.hour + HOUR),
            "metricValueSets": [
                {"metricName": metric, "metricValues": [{"int64Value": str(report.quantity)}]}
            ],
        }
        body = strict_json.dumps({"operations": [operation]}).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        url = f"{URL}/{quote(service, safe='')}:report"
        reply = call(self.client, "POST", url, headers, body)
        return reply if isinstance(reply, Outcome) else _outcome(reply)

    def _token(self) -> str | Outcome:
        issued = int(self.clock().timestamp())
        claims = {
            "iss": self.client_email,
            "scope": SCOPE,
            "aud": TOKEN_URL,
            "iat": issued,
            "exp": issued + TOKEN_LIFE_S,
        }
        assertion = jwt.encode(claims, self.private_key, algorithm="RS256")
        form = urlencode({"grant_type": GRANT, "assertion": assertion}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        reply = call(self.client, "POST", TOKEN_URL, headers, form)
        if isinstance(reply, Outcome):
            return reply
        if not reply.is_good or "access_token" not in reply.content:
            told = f"Google login answered {reply.status}"
            return Outcome(verdict=Verdict.AGAIN, error=told, is_away=True)
        return str(reply.content["access_token"])


def _outcome(reply: Reply) -> Outcome:
    if not reply.is_good:
        return failed("Google", reply)
    errors = reply.content.get("reportErrors") or ()
    if errors:
        told = str(errors[0].get("status", {}).get("message", ""))
        return Outcome(verdict=Verdict.REFUSED, error=f"Google: {told}")
    return Outcome(verdict=Verdict.DONE, external_status=ExternalStatus.SENT)
