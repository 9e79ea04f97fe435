"""Events from Stripe set external statuses, once they are proved to be Stripe's (R294)."""

import hashlib
import hmac
import json
from datetime import timedelta

import pytest

from billing.world import at
from build import infrax, setup
from closedwon.delivery.stripe_events import heard, verify_stripe
from closedwon.delivery.stripe_lines import STATUS_OF_EVENT
from closedwon.kernel.errors import Refused
from closedwon.store import Stores
from closedwon.store.database import writing
from closedwon.store.providers import ExternalInvoice

NOW = at("2024-02-05")
SECRET = "whsec_canary"


@pytest.fixture
def stores() -> Stores:
    """One finalized invoice that Stripe knows as in_1."""
    world = setup()
    infrax(world.engine, world.usage)
    world.engine.finalize(at("2024-02-03"))
    first = world.engine.invoices()[0]
    with writing(world.db):
        world.engine.stores.providers.put_external(
            ExternalInvoice(
                invoice_id=first.id,
                billing_provider="stripe",
                external_id="in_1",
                external_status="FINALIZED",
                updated_at=NOW,
            )
        )
    return world.engine.stores


def body(kind: str, external_id: str = "in_1") -> bytes:
    return json.dumps({"id": "evt", "type": kind, "data": {"object": {"id": external_id}}}).encode()


def header(content: bytes, stamp: int = int(NOW.timestamp()), secret: str = SECRET) -> str:
    message = f"{stamp}.".encode() + content
    return f"t={stamp},v1={hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()},v0=x"


def hear(stores: Stores, kind: str, external_id: str = "in_1") -> bool:
    content = body(kind, external_id)
    return heard(stores, SECRET, header(content), content, NOW)


def status(stores: Stores) -> str | None:
    found = stores.providers.external_by_id("stripe", "in_1")
    assert found is not None
    return found.external_status


@pytest.mark.parametrize("kind", sorted(STATUS_OF_EVENT))
def test_r294_each_event_sets_its_status_and_again_the_same(stores: Stores, kind: str) -> None:
    for _ in range(2):
        assert hear(stores, kind)
        assert status(stores) == STATUS_OF_EVENT[kind].value


def test_r294_other_events_and_other_invoices_say_nothing(stores: Stores) -> None:
    assert not hear(stores, "invoice.created")
    assert not hear(stores, "invoice.paid", "in_9")
    assert status(stores) == "FINALIZED"


def test_r294_an_event_that_comes_late_does_not_unpay(stores: Stores) -> None:
    hear(stores, "invoice.paid")
    assert hear(stores, "invoice.finalized")
    assert hear(stores, "invoice.payment_failed")
    assert status(stores) == "PAID"
    hear(stores, "invoice.voided")
    assert status(stores) == "VOID"


@pytest.mark.parametrize(
    ("signature", "told"),
    [
        ("", "no time"),
        ("v1=" + "0" * 64, "no time"),
        (f"t={int(NOW.timestamp())}", "does not fit"),
        (f"t={int(NOW.timestamp())},v1=" + "0" * 64, "does not fit"),
        (header(body("invoice.paid"), secret="other"), "does not fit"),
        (header(body("invoice.voided")), "does not fit"),
        (header(body("invoice.paid"), int((NOW - timedelta(minutes=6)).timestamp())), "5 minutes"),
    ],
)
def test_r294_what_is_not_stripes_is_refused(stores: Stores, signature: str, told: str) -> None:
    with pytest.raises(Refused, match=told):
        heard(stores, SECRET, signature, body("invoice.paid"), NOW)
    assert status(stores) == "FINALIZED"


def test_r294_no_secret_and_no_event_are_refused(stores: Stores) -> None:
    with pytest.raises(Refused, match="without their secret"):
        verify_stripe("", header(b"", secret=""), b"", NOW)
    with pytest.raises(Refused, match="not an event"):
        heard(stores, SECRET, header(b"{}"), b"{}", NOW)
