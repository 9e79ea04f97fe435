"""AWS Marketplace: BatchMeterUsage with one record (R295)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from closedwon.delivery.aws_signing import AwsKey, signed
from closedwon.delivery.channel import ExternalStatus, Outcome, Verdict
from closedwon.delivery.metering import MeterReport
from closedwon.delivery.remote import Reply, call, failed
from closedwon.kernel import strict_json

SERVICE = "aws-marketplace"
TARGET = "AWSMPMeteringService.BatchMeterUsage"
DIMENSION = "cents"
"""Metering dimension when the configuration names no ``aws_dimension``; one unit is $0.01."""
THROTTLED = frozenset({"ThrottlingException", "InternalServiceErrorException"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    """Needs aws_customer_id, aws_product_code and aws_region of the customer."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    client: httpx.Client = field(repr=False)
    clock: Callable[[], datetime] = field(repr=False)
    name: str = "aws_marketplace"

    def report(self, report: MeterReport) -> Outcome:
        """The same record again answers with the same id and counts once."""
        configuration = report.configuration
        record = {
            "Timestamp": int(report.hour.timestamp()),
            "CustomerIdentifier": configuration["aws_customer_id"],
            "Dimension": configuration.get("aws_dimension", DIMENSION),
            "Quantity": report.quantity,
        }
        product = configuration["aws_product_code"]
        body = strict_json.dumps({"ProductCode": product, "UsageRecords": [record]}).encode()
        region = configuration["aws_region"]
        host = f"metering.marketplace.{region}.amazonaws.com"
        key = AwsKey(
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
            region=region,
            service=SERVICE,
        )
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": TARGET}
        signature = signed(key, "POST", host, headers, body, self.clock())
        reply = call(self.client, "POST", f"https://{host}/", signature, body)
        return reply if isinstance(reply, Outcome) else _outcome(reply)


def _outcome(reply: Reply) -> Outcome:
    kind = str(reply.content.get("__type", "")).rpartition("#")[2]
    if kind in THROTTLED:
        return Outcome(verdict=Verdict.AGAIN, error=f"AWS answered {kind}", is_away=True)
    if not reply.is_good:
        return failed("AWS", reply)
    results = reply.content.get("Results") or ()
    if not results:
        return Outcome(verdict=Verdict.AGAIN, error="AWS left the record unprocessed")
    (result,) = results
    if result["Status"] != "Success":
        return Outcome(verdict=Verdict.REFUSED, error=f"AWS: {result['Status']}")
    return Outcome(
        verdict=Verdict.DONE,
        external_status=ExternalStatus.SENT,
        external_id=str(result["MeteringRecordId"]),
    )
