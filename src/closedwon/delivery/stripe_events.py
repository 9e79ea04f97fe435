"""What Stripe tells of invoices it got from us: signed events become external statuses (R294).

Whoever receives Stripe's webhooks calls ``heard`` with the raw body and its ``Stripe-Signature``.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from closedwon.delivery.stripe_lines import STATUS_OF_EVENT
from closedwon.kernel import strict_json
from closedwon.kernel.errors import Refused
from closedwon.store.database import writing
from closedwon.store.stores import Stores

AGE_MAX = timedelta(minutes=5)
FINAL = frozenset({"PAID", "VOID", "DELETED"})
"""Stripe does not promise the order of its events; these are not left for an earlier one."""


def heard(stores: Stores, secret: str, signature: str, body: bytes, now: datetime) -> bool:
    """Set the status an event tells of; False when it is about nothing of ours.

    The same event again changes nothing. Raises Refused when it is not Stripe's or too old.
    """
    verify_stripe(secret, signature, body, now)
    event = strict_json.loads(body)
    try:
        status = STATUS_OF_EVENT.get(str(event["type"]))
        external_id = str(event["data"]["object"]["id"])
    except (KeyError, TypeError) as error:
        raise Refused("not an event of Stripe: no type or no object with an id") from error
    if status is None:
        return False
    with writing(stores.db):
        known = stores.providers.external_by_id("stripe", external_id)
        if known is None:
            return False
        if known.external_status not in FINAL or status.value in FINAL:
            changed = replace(known, external_status=status.value, updated_at=now)
            stores.providers.put_external(changed)
    return True


def verify_stripe(secret: str, signature: str, body: bytes, now: datetime) -> None:
    """Raise Refused unless ``signature`` (``t=...,v1=...``) fits and is fresh; constant time."""
    if not secret:
        raise Refused("Stripe's webhooks cannot be verified without their secret")
    stamp = re.search(r"(?:^|,)t=(\d{1,12})(?:,|$)", signature)
    if stamp is None:
        raise Refused("Stripe-Signature has no time")
    expected = hmac.new(secret.encode(), stamp[1].encode() + b"." + body, hashlib.sha256)
    given = re.findall(r"(?:^|,)v1=([0-9a-f]{64})(?=,|$)", signature)
    if not any(hmac.compare_digest(expected.hexdigest(), one) for one in given):
        raise Refused("Stripe-Signature does not fit the body")
    if abs(now - datetime.fromtimestamp(int(stamp[1]), UTC)) > AGE_MAX:
        raise Refused("the event is more than 5 minutes old or early")
