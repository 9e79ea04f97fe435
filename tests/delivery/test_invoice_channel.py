"""Invoices to providers: copies of all, assigned ones once for ever (R102, R292, R299)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import respx
from msgspec.structs import replace

from billing.world import at, span
from build import Setup, add_customer, infrax, setup
from closedwon.billing.contracts.edits import ContractSettings, Create, Revise
from closedwon.billing.contracts.gated import ProviderSegment
from closedwon.billing.contracts.hierarchy import Hierarchy, Party
from closedwon.billing.invoices.types import InvoiceType
from closedwon.delivery import ExternalStatus, InvoiceChannel, Outcome, Verdict, verify
from closedwon.delivery.provider import Delivery
from closedwon.delivery.providers import Files, InvoiceWebhook
from closedwon.engine.providers import archive, configure
from closedwon.kernel.errors import InvariantBroken
from closedwon.kernel.ids import derive
from closedwon.store.database import writing
from closedwon.store.outbox import EffectState
from closedwon.store.providers import ProviderConfiguration
from closedwon.transport import open_client
from delivery.delivery_kit import NOW, SECRET, URL, Clock, endpoint, run

SIGNED = at("2024-01-05")


class Counting:
    """A provider that remembers what it was given and answers as told."""

    def __init__(self, name: str = "stripe") -> None:
        self.name = name
        self.given: list[Delivery] = []
        self.answer = Outcome(
            verdict=Verdict.DONE, external_status=ExternalStatus.FINALIZED, external_id=None
        )

    def deliver(self, delivery: Delivery) -> Outcome:
        self.given.append(delivery)
        return self.answer


class Scene(NamedTuple):
    world: Setup
    clock: Clock


@pytest.fixture
def scene() -> Scene:
    """InfraX, signed, nothing final yet; two configurations at two providers."""
    world = setup()
    infrax(world.engine, world.usage)
    for name in ("stripe", "custom"):
        configuration = ProviderConfiguration(
            id=name,
            customer_id="customer",
            billing_provider=name,
            configuration={"stripe_customer_id": "cus_1"},
            created_at=SIGNED,
        )
        configure(world.engine.stores, configuration, by="test", now=SIGNED)
    return Scene(world, Clock())


def assign(scene: Scene, now: str, **starts: str) -> None:
    """Edit the contract at ``now``: providers by name from an instant on."""
    segments = tuple(
        ProviderSegment(effective_at=at(start), configuration_id=name, billing_provider=name)
        for name, start in starts.items()
    )
    change = Revise(settings=ContractSettings(providers=segments))
    scene.world.engine.edit_contract("first", change, by="test", now=at(now))


def finalize(scene: Scene, now: str) -> None:
    scene.clock.now = at(now)
    while scene.world.engine.finalize(at(now)).remaining:
        pass


def channel(scene: Scene, provider: Counting) -> InvoiceChannel:
    return InvoiceChannel(provider=provider, engine=scene.world.engine, is_billing_provider=True)


def deliver(scene: Scene, *channels: InvoiceChannel) -> None:
    run(scene.world.engine.stores, scene.clock, *channels)


def given(provider: Counting) -> list[str]:
    invoices = [one.issued.invoice for one in provider.given]
    return [f"{one.type.value.lower()} {one.issued_at:%Y-%m-%d}" for one in invoices]


def test_r102_without_a_provider_invoices_are_made_and_not_delivered(scene: Scene) -> None:
    provider = Counting()
    finalize(scene, "2024-02-03")
    deliver(scene, channel(scene, provider))
    assert len(scene.world.engine.invoices()) == 2
    assert provider.given == []
    assert scene.world.engine.stores.outbox.counts() == {}


def test_r102_a_provider_added_later_gets_nothing_that_was_final(scene: Scene) -> None:
    provider = Counting()
    deliver(scene, channel(scene, provider))
    finalize(scene, "2024-02-03")
    assign(scene, "2024-02-10", stripe="2024-01-01")
    deliver(scene, channel(scene, provider))
    assert provider.given == []

    finalize(scene, "2024-03-03")
    deliver(scene, channel(scene, provider))
    assert given(provider) == ["usage 2024-03-02", "scheduled 2024-03-01"]


def test_r103_r299_each_invoice_goes_to_the_provider_of_its_period_once(scene: Scene) -> None:
    first, second = Counting("stripe"), Counting("custom")
    channels = (channel(scene, first), channel(scene, second))
    assign(scene, "2024-01-06", stripe="2024-01-01", custom="2024-03-01")
    for month in ("2024-02-03", "2024-03-03", "2024-04-03"):
        finalize(scene, month)
        deliver(scene, *channels)
    # scheduled 2024-01-01 counts from its issue date: no segment was effective before it (R103)
    assert sorted(given(first)) == [
        "scheduled 2024-03-01",
        "usage 2024-02-02",
        "usage 2024-03-02",
    ]
    assert given(second) == ["usage 2024-04-02"]

    assign(scene, "2024-04-05", custom="2024-01-01")
    deliver(scene, *channels)
    sent = [one.issued.invoice.id for one in (*first.given, *second.given)]
    assert len(sent) == len(set(sent)) == 4


def test_r299_keys_follow_from_the_invoice_and_repeats_are_announced(scene: Scene) -> None:
    provider = Counting()
    provider.answer = Outcome(verdict=Verdict.AGAIN, error="away")
    assign(scene, "2024-01-06", stripe="2024-01-01")
    finalize(scene, "2024-02-03")
    deliver(scene, channel(scene, provider))
    scene.clock.pass_time(minutes=1)
    provider.answer = Outcome(verdict=Verdict.DONE, external_id="in_1")
    deliver(scene, channel(scene, provider))
    one, two = provider.given
    assert (one.is_repeat, two.is_repeat) == (False, True)
    assert one.key == two.key
    assert one.configuration == {"stripe_customer_id": "cus_1"}


def test_r292_what_became_of_an_invoice_is_kept(scene: Scene) -> None:
    provider = Counting()
    stores = scene.world.engine.stores
    assign(scene, "2024-01-06", stripe="2024-01-01")
    finalize(scene, "2024-02-03")
    deliver(scene, channel(scene, provider))
    (sent,) = provider.given
    external = stores.providers.external(sent.issued.invoice.id)
    assert external is not None
    assert (external.billing_provider, external.external_status) == ("stripe", "FINALIZED")


def test_r292_a_refusal_is_given_up_kept_and_told_as_an_event(scene: Scene) -> None:
    provider = Counting()
    provider.answer = Outcome(
        verdict=Verdict.REFUSED,
        error="no such customer",
        external_status=ExternalStatus.INVALID_REQUEST_ERROR,
    )
    stores = scene.world.engine.stores
    assign(scene, "2024-01-06", stripe="2024-01-01")
    finalize(scene, "2024-02-03")
    deliver(scene, channel(scene, provider))

    (effect,) = stores.outbox.all(EffectState.GIVEN_UP)
    (told,) = stores.events.after(0, 99, ["invoice.billing_provider_error"])
    (sent,) = provider.given
    assert effect.last_error == "no such customer"
    assert json.loads(told.body)["properties"] == {
        "invoice_id": sent.issued.invoice.id,
        "customer_id": "customer",
        "billing_provider": "stripe",
        "billing_provider_error": "no such customer",
    }

    with writing(scene.world.db):
        stores.outbox.release(effect.id, scene.clock.now)
    provider.answer = Outcome(verdict=Verdict.DONE, external_id="in_1")
    deliver(scene, channel(scene, provider))
    external = stores.providers.external(sent.issued.invoice.id)
    assert external is not None
    assert (external.external_id, external.error) == ("in_1", "")


def test_r102_an_archived_configuration_delivers_nothing_new(scene: Scene) -> None:
    provider = Counting()
    assign(scene, "2024-01-06", stripe="2024-01-01")
    finalize(scene, "2024-02-03")
    deliver(scene, channel(scene, provider))
    archive(scene.world.engine.stores, "stripe", by="test", now=at("2024-02-10"))
    finalize(scene, "2024-03-03")
    deliver(scene, channel(scene, provider))
    assert given(provider) == ["usage 2024-02-02"]


def test_a_configuration_of_another_customer_is_not_used(scene: Scene) -> None:
    add_customer(scene.world.engine, "stranger")
    configuration = ProviderConfiguration(
        id="theirs",
        customer_id="stranger",
        billing_provider="stripe",
        configuration={"stripe_customer_id": "cus_9"},
        created_at=SIGNED,
    )
    configure(scene.world.engine.stores, configuration, by="test", now=SIGNED)
    segment = ProviderSegment(effective_at=at("2024-01-01"), configuration_id="theirs")
    change = Revise(settings=ContractSettings(providers=(segment,)))
    scene.world.engine.edit_contract("first", change, by="test", now=SIGNED)
    provider = Counting()
    finalize(scene, "2024-02-03")
    deliver(scene, channel(scene, provider))
    assert provider.given == []


def test_r283_an_invoice_voided_before_it_was_sent_is_skipped(scene: Scene) -> None:
    provider = Counting()
    stores = scene.world.engine.stores
    assign(scene, "2024-01-06", stripe="2024-01-01")
    finalize(scene, "2024-02-03")
    usage = next(one for one in scene.world.engine.invoices() if one.type == "USAGE")
    with writing(scene.world.db):
        stores.invoices.void(usage.id, scene.clock.now)
    deliver(scene, channel(scene, provider))
    external = stores.providers.external(usage.id)
    assert provider.given == []
    assert external is not None
    assert external.external_status == "SKIPPED"


def test_files_appear_whole_for_every_invoice_and_again_the_same(
    scene: Scene, tmp_path: Path
) -> None:
    files = InvoiceChannel(provider=Files(directory=tmp_path), engine=scene.world.engine)
    finalize(scene, "2024-02-03")
    deliver(scene, files)

    found = {str(file.relative_to(tmp_path)): file.read_bytes() for file in tmp_path.rglob("*.*")}
    invoices = scene.world.engine.invoices()
    assert sorted(found) == sorted(
        f"{one.issued_at:%Y-%m}/{one.id}.{kind}" for one in invoices for kind in ("html", "json")
    )
    total = json.loads(found[f"2024-02/{invoices[1].id}.json"])["total"]
    assert total == invoices[1].total
    (effect, *_) = scene.world.engine.stores.outbox.all()
    assert files.send(effect).external_status is ExternalStatus.SENT
    assert {str(f.relative_to(tmp_path)): f.read_bytes() for f in tmp_path.rglob("*.*")} == found


def test_a_full_or_missing_disk_is_tried_again(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    files = InvoiceChannel(provider=Files(directory=tmp_path / "file"), engine=scene.world.engine)
    finalize(scene, "2024-02-03")
    deliver(scene, files)
    counts = scene.world.engine.stores.outbox.counts()
    assert counts == {"waiting": len(scene.world.engine.invoices())}


@pytest.fixture
def web() -> Iterator[respx.MockRouter]:
    with respx.mock as router:
        yield router


def test_r277_the_whole_invoice_can_be_posted_signed(scene: Scene, web: respx.MockRouter) -> None:
    route = web.post(URL).respond(200)
    provider = InvoiceWebhook(url=URL, secret=SECRET, client=open_client(), clock=scene.clock)
    finalize(scene, "2024-02-03")
    deliver(scene, InvoiceChannel(provider=provider, engine=scene.world.engine))
    messages = [json.loads(call.request.content) for call in route.calls]
    assert {one["type"] for one in messages} == {"invoice.document"}
    known = {one.id: one for one in scene.world.engine.invoices()}
    assert {one["properties"]["invoice"]["id"] for one in messages} == set(known)
    assert len({one["id"] for one in messages}) == len(known)
    verify(SECRET, route.calls[0].request.headers, route.calls[0].request.content, scene.clock.now)


def test_r293_webhooks_hear_of_the_same_finalization(scene: Scene, web: respx.MockRouter) -> None:
    route = web.post(URL).respond(200)
    finalize(scene, "2024-02-03")
    run(scene.world.engine.stores, scene.clock, endpoint(scene.clock))
    told = {json.loads(call.request.content)["properties"]["invoice_id"] for call in route.calls}
    assert told == {one.id for one in scene.world.engine.invoices()}


def test_r290_an_unbillable_customers_invoice_is_not_collected(scene: Scene) -> None:
    assign(scene, "2024-01-06", stripe="2024-01-01")
    finalize(scene, "2024-02-03")
    one = channel(scene, Counting())
    usage = next(i for i in scene.world.engine.invoices() if i.type == "USAGE")
    assert one._chosen(usage, scene.clock.now) is not None
    assert one._chosen(replace(usage, is_billable=False), scene.clock.now) is None


def test_r303_a_childs_invoice_goes_to_the_provider_of_its_payer(scene: Scene) -> None:
    assign(scene, "2024-01-06", stripe="2024-01-01")
    add_customer(scene.world.engine, "child")
    create = Create(customer_id="child", term=span("2024-01-01"))
    scene.world.engine.create_contract("childs", create, by="test", now=SIGNED)
    finalize(scene, "2024-02-03")
    one = channel(scene, Counting())
    usage = next(i for i in scene.world.engine.invoices("child") if i.type == "USAGE")
    assert one._chosen(usage, scene.clock.now) is None
    paid = replace(usage, payer=Party(customer_id="customer", contract_id="first"))
    chosen = one._chosen(paid, scene.clock.now)
    assert chosen is not None
    assert chosen.id == "stripe"


def test_r299_r304_a_consolidated_invoice_is_collected_instead_of_its_parts(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, one = scene.world.engine, channel(scene, Counting())
    segment = ProviderSegment(effective_at=at("2024-01-01"), configuration_id="stripe")
    settings = ContractSettings(providers=(segment,), hierarchy=Hierarchy(concatenates=True))
    create = Create(customer_id="customer", term=span("2024-01-01"), settings=settings)
    engine.create_contract("parent", create, by="test", now=SIGNED)
    finalize(scene, "2024-02-03")
    own = next(i for i in engine.invoices(contract_id="parent") if i.type == "USAGE")
    whole = replace(own, id="whole", type=InvoiceType.USAGE_CONSOLIDATED, constituents=(own.id,))

    assert one._chosen(own, scene.clock.now) is not None
    stored = (own, whole)
    with monkeypatch.context() as patch:
        patch.setattr(type(engine.stores.invoices), "all", lambda *_, **__: stored)
        assert one._chosen(own, scene.clock.now) is None
        assert one._chosen(whole, scene.clock.now) is not None

    with writing(scene.world.db):
        engine.stores.outbox.add(derive("delivery", own.id), "invoice", "x", "{}", NOW)
    assert one._chosen(whole, scene.clock.now) is None


def test_g13_an_invoice_that_cannot_be_drawn_holds_up_no_other(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    finalize(scene, "2024-02-03")
    first, second = scene.world.engine.invoices()
    real = Files.deliver

    def deliver_one(files: Files, delivery: Delivery) -> Outcome:
        if delivery.issued.invoice.id == first.id:
            raise InvariantBroken("the lines do not make the total")
        return real(files, delivery)

    monkeypatch.setattr(Files, "deliver", deliver_one)
    deliver(scene, InvoiceChannel(provider=Files(directory=tmp_path), engine=scene.world.engine))
    (failed,) = scene.world.engine.stores.outbox.all(EffectState.GIVEN_UP)
    assert "the lines do not make the total" in failed.last_error
    assert [file.stem for file in tmp_path.rglob("*.json")] == [second.id]
