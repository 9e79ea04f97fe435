"""Killed at any commit and any call, then run again: everything arrives, nothing twice (G1, G15)."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from billing.world import at
from build import infrax_catalog, infrax_signed, infrax_usage, setup
from closedwon.billing.account import Customer
from closedwon.billing.contracts.edits import ContractSettings
from closedwon.billing.contracts.gated import ProviderSegment
from closedwon.delivery import InvoiceChannel
from closedwon.delivery.providers import Files, Stripe
from closedwon.engine.providers import configure
from closedwon.store import database
from closedwon.store.database import close
from closedwon.store.providers import ProviderConfiguration
from closedwon.sync.deliver import Deliver
from closedwon.transport import open_client
from delivery.delivery_kit import URL, Clock, endpoint
from delivery.fake_stripe import FakeStripe

NOW, START = at("2024-02-03"), at("2023-12-01")


class Killed(BaseException):
    """The process ends here."""


class Knife:
    """Counts commits and calls, before and after each, and cuts at the chosen one."""

    def __init__(self) -> None:
        self.at = 0
        self.passed = 0

    def reach(self) -> None:
        self.passed += 1
        if self.passed == self.at:
            raise Killed

    def around(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def cut(*args: Any, **options: Any) -> Any:
            self.reach()
            found = real(*args, **options)
            self.reach()
            return found

        return cut


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """InfraX, signed with Stripe as its provider; nothing final yet."""
    file = tmp_path_factory.mktemp("state") / "state.db"
    world = setup(str(file))
    infrax_catalog(world.engine)
    customer = Customer(id="customer", name="InfraX", created_at=START)
    world.engine.create_customer(customer, START)
    configuration = ProviderConfiguration(
        id="stripe",
        customer_id="customer",
        billing_provider="stripe",
        configuration={"stripe_customer_id": "cus_1"},
        created_at=START,
    )
    configure(world.engine.stores, configuration, by="test", now=START)
    segment = ProviderSegment(
        effective_at=START, configuration_id="stripe", billing_provider="stripe"
    )
    signed = infrax_signed()
    terms = type(signed)(
        customer_id="customer",
        term=signed.term,
        rate_card_id="card",
        terms=signed.terms,
        settings=ContractSettings(providers=(segment,)),
    )
    world.engine.create_contract("first", terms, by="test", now=START)
    close(world.db)
    return file


@pytest.fixture
def knife(monkeypatch: pytest.MonkeyPatch) -> Knife:
    found = Knife()
    monkeypatch.setattr(database, "_commit", found.around(database._commit))
    for place in ("webhooks", "providers.stripe"):
        name = f"closedwon.delivery.{place}.send"
        module = __import__(f"closedwon.delivery.{place}", fromlist=["send"])
        monkeypatch.setattr(name, found.around(module.send))
    return found


def life(file: Path, out: Path, at_point: int, knife: Knife) -> dict[str, Any]:
    """Finalize and deliver, cut at ``at_point``; then the same again, uncut, with keys forgotten."""
    received: list[str] = []

    def receive(request: httpx.Request) -> httpx.Response:
        received.append(json.loads(request.content)["id"])
        return httpx.Response(200)

    with respx.mock as router:
        router.post(URL).mock(side_effect=receive)
        stripe = FakeStripe(router)
        knife.passed, knife.at = 0, at_point
        try:
            work(file, out)
            codes = "whole"
        except Killed:
            codes = "cut"
        passed, knife.at = knife.passed, 0
        stripe.keys.clear()
        counts, told = work(file, out)
    return {
        "codes": codes,
        "passed": passed,
        "received": received,
        "counts": counts,
        "told": told,
        "stripe": [
            (one["metadata"]["closedwon_invoice_id"], one["status"]) for one in stripe.invoices
        ],
        "charged": [stripe.total(one["id"]) for one in stripe.invoices],
        "files": sorted(str(one.relative_to(out)) for one in out.rglob("*.*")),
    }


def work(file: Path, out: Path) -> tuple[dict[str, int], list[str]]:
    """One run of finalize and deliver; effects by state and ids of events afterwards."""
    world, clock = setup(str(file)), Clock()
    clock.now = NOW
    world.usage.use(*infrax_usage())
    provider = Stripe(api_key="sk_canary", client=open_client(), skips_small=False)
    channels = (
        InvoiceChannel(provider=Files(directory=out), engine=world.engine),
        InvoiceChannel(provider=provider, engine=world.engine, is_billing_provider=True),
        endpoint(clock),
    )
    try:
        world.engine.finalize(NOW)
        stores = world.engine.stores
        Deliver(stores=stores, channels=channels, clock=clock).run(NOW)
        return stores.outbox.counts(), [event.id for event in stores.events.after(0, 99)]
    finally:
        if world.db.conn.in_transaction:
            world.db.conn.rollback()
        close(world.db)


def test_g1_g15_r278_r299_a_kill_anywhere_loses_nothing_and_charges_once(
    prepared: Path, tmp_path: Path, knife: Knife
) -> None:
    def one(at_point: int) -> dict[str, Any]:
        directory = tmp_path / str(at_point)
        directory.mkdir()
        shutil.copy(prepared, directory / "state.db")
        return life(directory / "state.db", directory / "out", at_point, knife)

    whole = one(0)
    assert whole["codes"] == "whole"
    assert whole["counts"] == {"done": 6}
    assert len(whole["told"]) == len(whole["received"]) == len(whole["stripe"]) == 2
    assert len(whole["files"]) == 4
    assert whole["passed"] > 40
    for at_point in range(1, whole["passed"] + 1):
        cut = one(at_point)
        assert cut["codes"] == "cut", at_point
        for what in ("counts", "told", "stripe", "charged", "files"):
            assert cut[what] == whole[what], (what, at_point)
        assert set(cut["received"]) == set(whole["received"]), at_point
        assert len(cut["received"]) <= len(whole["received"]) + 1, at_point
